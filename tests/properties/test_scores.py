"""The SQL of the scores beside a plain reading of each, on random people; and published examples."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.catalogue import TABLES
from schemas.contract import contracts
from tests.properties.differential import built
from tests.properties.score_oracle import SCORES, Person, cambridge, concepts, of_hospital, prefixes, shipped, values

PEOPLE = 3000
Made = dict[tuple[str, str], tuple[Any, ...]]
METHODS = ("21", "28", "2A", "11", "12", "31", "82")
OTHER_CODES = ("Z000", "I10X", "E66", "J45.9", "H25", "R07.4", "O80", "K35.8", "C44.9", "F20", "I11", "K70", "G11.9")
OTHER_CONCEPTS = ("90560007", "494360040")
MEDICINES = (
    "0102000N0", "0106020M0", "0106040M0", "0301011R0", "0302000C0", "0303020G0", "0307000J0", "0401020K0", "0401010Z0",
    "0402010AB", "0402030K0", "0402030P0", "0402030Q0", "0403030Q0", "0406000B0", "0407010H0", "0407020Q0", "0407041T0",
    "0408010G0", "0408010A0", "0409010K0",
)  # fmt: skip


def random_person(dice: random.Random) -> Person:
    """Somebody whose records meet the rules at their edges more often than people do."""
    person = Person(age=dice.choice((0, 30, 49, 50, 59, 60, 74, 75, 79, 80, 95)))
    for _ in range(dice.choice((0, 0, 1, 2, 5))):
        codes = [written(dice) for _ in range(dice.randint(1, 12))]
        person.spells.append((some_day(dice), dice.random() < 0.5, codes))
    for _ in range(dice.choice((0, 1, 3, 8))):
        concept = dice.choice((*concepts(), *OTHER_CONCEPTS))
        person.events.append((some_day(dice) if dice.random() < 0.8 else date(1999, 12, 31), concept))
    for _ in range(dice.choice((0, 1, 4, 12))):
        code = dice.choice(MEDICINES) + "AAAAAA"
        person.items.append((some_day(dice).replace(day=1), code, dice.choice((1, 1, 1, 2, 3, 4))))
    return person


def some_day(dice: random.Random) -> date:
    """A day of seven years, often the first or last of a financial year."""
    year = dice.randint(2018, 2025)
    return dice.choice((date(year, 3, 31), date(year, 4, 1), date(year, 4, 1) + timedelta(days=dice.randint(0, 364))))


def written(dice: random.Random) -> str:
    """A code as a record may have it: longer than its prefix, with or without a dot."""
    listed, _ = dice.choice(prefixes(dice.choice([score for score in SCORES if score != "cambridge"])))
    code = listed if dice.random() < 0.8 else dice.choice(OTHER_CODES).replace(".", "")
    if len(code) == 3 and dice.random() < 0.5:
        code += dice.choice("0123456789X")
    return code[:3] + "." + code[3:] if len(code) > 3 and dice.random() < 0.5 else code


def feeds(people: dict[int, Person], dice: random.Random) -> dict[str, pa.Table]:
    """The records of people as the feeds have them."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("apc_spell", "gp_coded_event", "gp_prescription", "person_identifier", "person_year")
    }
    for number, person in people.items():
        by = {"pseudonym_domain": "ncdr", "pseudonym": f"p{number}"}
        rows["person_identifier"].append(by | {"person_id": number})
        rows["person_year"].append({"financial_year": "2024-25", "person_id": number, "age_mid_year": person.age})
        for day, is_emergency, codes in person.spells:
            method = dice.choice([one for one in METHODS if (one[0] == "2") == is_emergency])
            joined = dice.choice((",", "||", "|")).join(codes)
            rows["apc_spell"].append(
                by | {"discharge_date": day, "admission_method_code": method, "icd10_codes": joined}
            )
        rows["gp_coded_event"] += [by | {"event_date": day, "snomed_code": code} for day, code in person.events]
        rows["gp_prescription"] += [
            by | {"processing_month": day, "bnf_code": code, "item_count": count} for day, code, count in person.items
        ]
    return {name: typed(name, found) for name, found in rows.items()} | {
        "identifier_exclusion": TABLES["identifier_exclusion"].arrow_schema.empty_table()
    }


def typed(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows under the types that the SQL sees; what it does not read is null."""
    schema = contracts()[name].accepted_schema if name in contracts() else TABLES[name].arrow_schema
    return pa.Table.from_pylist(rows, schema)


def scored(people: dict[int, Person], folder: Path) -> dict[int, Made]:
    """What the SQL makes of people."""
    tables = built(feeds(people, random.Random(7)), ("score_evidence", "person_year_score"), folder)
    made: dict[int, Made] = {number: {} for number in people}
    for row in tables["person_year_score"]:
        cells = tuple(row[name] for name in ("score_value", "category_count", "age_points", "band"))
        made[row["person_id"]][row["score"], row["weighting"]] = cells
    return made


def test_every_score_of_every_person_is_as_a_plain_reading_has_it(tmp_path: Path) -> None:
    dice = random.Random(2013)
    people = {number: random_person(dice) for number in range(1, PEOPLE + 1)}
    made = scored(people, tmp_path)
    told = {number: values(person) for number, person in people.items()}
    wrong = {number: (made[number], told[number]) for number in people if made[number] != told[number]}
    assert not wrong, next(iter(wrong.items()))
    reached = {category for person in people.values() for category in _present(person)}
    assert reached == {(row["score"], row["category"]) for row in shipped("score_weight")}  # nothing went untried
    assert min(value for scores in told.values() for value, *_ in scores.values()) < 0


def _present(person: Person) -> set[tuple[str, str]]:
    return {
        (score, category)
        for score in SCORES
        for category in (cambridge(person) if score == "cambridge" else of_hospital(person, score))
    }


def stay(*codes: str) -> tuple[date, bool, list[str]]:
    """An emergency admission of this year."""
    return date(2024, 6, 1), True, list(codes)


EXAMPLES: list[tuple[list[str], str, str, Decimal | int]] = [
    # R package icd, vignette "Charlson scores": lymphoma and juvenile arthritis, by van Walraven.
    (["C82.28", "M08.979"], "elixhauser", "van_walraven", 9 + 0),
    # Charlson et al. 1987, table 3, each weight once.
    (["I21.9", "I50.0", "I70.2", "I63.9", "F00.1", "J44.9", "M05.9", "K25.9"], "charlson", "original", 8 * 1),
    (["G81.9", "N18.3", "E11.2", "C50.9"], "charlson", "original", 2 + 2 + 2 + 2),
    (["I85.0", "K70.0"], "charlson", "original", 3),
    (["C78.0", "C18.9", "B24"], "charlson", "original", 6 + 6),
    # Quan et al. 2011, table 2: twelve categories keep a weight.
    (["I50.0", "F00.1", "J44.9", "M05.9", "K70.0", "E11.2"], "charlson", "quan2011", 2 + 2 + 1 + 1 + 2 + 1),
    (["G81.9", "N18.3", "C50.9", "I85.0", "B24"], "charlson", "quan2011", 2 + 1 + 2 + 4 + 4),
    (["I21.9", "I70.2", "I63.9", "K25.9", "E11.9"], "charlson", "quan2011", 0),
    # SHMI: complicated diabetes lowers it.
    (["F00.1", "E11.2"], "charlson_shmi", "shmi", 14 - 1),
    # van Walraven et al. 2009: negative weights are not cut off at nought.
    (["E66.9", "F11.2", "D50.0", "D50.9", "F32.9", "I05.0"], "elixhauser", "van_walraven", -4 - 7 - 2 - 2 - 3 - 1),
    (["I11.0"], "elixhauser", "count", 1 + 1),
    (["I11.0"], "elixhauser", "van_walraven", 7 + 0),
    (["K70.3", "F20.4"], "elixhauser", "van_walraven", 11 + 0 + 0 - 3),
    # Gilbert et al. 2018, appendix: a code once, however often and in however many characters.
    (["F00.0", "F00.1", "F00.9", "F00"], "frailty", "points", Decimal("7.1")),
    (["F00", "G81.0", "G30.1", "I69.3"], "frailty", "points", Decimal("7.1") + Decimal("4.4") + 4 + Decimal("3.7")),
]  # fmt: skip


@pytest.fixture(scope="module")
def example_scores(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Made]:
    """What the SQL makes of the worked examples, each a person who stayed twice with the same codes."""
    people = {place: Person(80, [stay(*codes), stay(*codes)]) for place, (codes, *_) in enumerate(EXAMPLES)}
    return scored(people, tmp_path_factory.mktemp("examples"))


@pytest.mark.parametrize("place", range(len(EXAMPLES)))
def test_worked_examples(example_scores: dict[int, Made], place: int) -> None:
    codes, score, weighting, value = EXAMPLES[place]
    assert example_scores[place][score, weighting][0] == value
    assert values(Person(80, [stay(*codes)]))[score, weighting][0] == value


def test_no_score_counts_what_is_in_none_of_its_lists(tmp_path: Path) -> None:
    made = scored({1: Person(age=40, spells=[stay("Z00.0", "O80", "H25")])}, tmp_path)[1]
    assert {value for value, *_ in made.values()} == {Decimal(0)}
