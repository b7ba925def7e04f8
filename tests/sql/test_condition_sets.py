"""Pairs, threes and exact combinations of conditions: closed forms, the library, and counting one person at a time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations, product
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from assets.costing.ties import TIES
from tests.sql.cases import Case
from tests.sql.test_sql_cases import Rows, run

THREE = ("asthma", "copd", "dm")
FEWEST = 10


def made(table: str, people: Sequence[tuple[str, str, int, Iterable[str]]], units: Iterable[str], folder: Path) -> Rows:
    """The table made of people (age band, sex, cost, conditions)."""

    def text(header: str, rows: Iterable[tuple]) -> str:
        return "\n".join([header, *("  ".join(map(str, row)) for row in rows)])

    given = {
        "person_year": text("person_id  age_band  sex_code", ((p, *row[:2]) for p, row in enumerate(people, 101))),
        "person_year_cost": text("person_id  total_pence", ((p, row[2]) for p, row in enumerate(people, 101))),
        "person_year_condition": text(
            "person_id  condition_code", ((p, code) for p, row in enumerate(people, 101) for code in row[3])
        ),
        "condition_list": text("condition_list  condition_code  counted_as", (("all", unit, unit) for unit in units)),
    }
    if table == "condition_combination":  # which reads what another table joined
        held = {name: given[name] for name in ("person_year", "person_year_condition", "condition_list")}
        morbidity = run(Case("person_year_morbidity", "made", held, ""), folder)
        columns = ("person_id", "condition_list", "combination", "condition_count")
        given = {
            **{name: given[name] for name in ("person_year", "person_year_cost")},
            "person_year_morbidity": text("  ".join(columns), ([row[one] for one in columns] for row in morbidity)),
        }
    return run(Case(table, "made", given, ""), folder)


def independent(age_band: str, share: int, times: int) -> list[tuple[str, str, int, list[str]]]:
    """People of whom one in `share` has each of three conditions, exactly independently; costs add up."""
    return [
        (
            age_band,
            "1",
            100 + 200 * (a == 0) + 400 * (b == 0) + 50 * (c == 0),
            [code for code, n in zip(THREE, (a, b, c), strict=True) if n == 0],
        )
        for a, b, c in product(range(share), repeat=3)
        for _ in range(times)
    ]


def test_where_conditions_are_independent_every_ratio_is_exactly_1(tmp_path: Path) -> None:
    people = independent("60-64", 2, 10)
    pairs = made("condition_pair", people, THREE, tmp_path)
    assert [(row["first_condition"], row["second_condition"]) for row in pairs] == list(combinations(THREE, 2))
    for row in pairs:
        assert (row["people_count"], row["expected_count"]) == (80 / 4, 80 / 4)
        ratios = ("observed_over_expected", "observed_over_age_sex_expected", "age_sex_odds_ratio")
        assert [row[name] for name in ratios] == [1, 1, 1]
        assert [row[name] for name in ("phi", "interaction_pence", "age_sex_interaction_pence")] == [0, 0, 0]
    (triad,) = made("condition_triad", people, THREE, tmp_path)
    assert (triad["people_count"], triad["expected_count"], triad["observed_over_expected"]) == (80 / 8, 80 / 8, 1)


def test_where_they_are_independent_at_each_age_only_age_makes_them_cluster(tmp_path: Path) -> None:
    people = independent("80-84", 2, 8) + independent("30-34", 4, 1)
    for row in made("condition_pair", people, THREE, tmp_path):
        assert row["people_count"] == 64 / 4 + 64 / 16
        assert row["expected_count"] == (64 / 2 + 64 / 4) ** 2 / 128
        assert row["observed_over_expected"] > 1
        assert row["phi"] > 0
        assert row["observed_over_age_sex_expected"] == 1
        assert row["age_sex_odds_ratio"] == 1
        assert row["age_sex_interaction_pence"] == 0


@pytest.fixture(name="drawn")
def _drawn() -> tuple[list[tuple[str, str, int, list[str]]], list[str]]:
    """People with frailty in common, so that conditions come together, and more conditions than an integer has bits."""
    rng = np.random.default_rng(20240401)
    units = [f"c{number:02}" for number in range(70)]
    chances = np.concatenate([[0.25, 0.2, 0.15, 0.1], np.full(60, 0.002), [0.05, 0.1, 0.15, 0.2, 0.2, 0.25]])
    people = []
    for _ in range(600):
        frailty = rng.choice([0.2, 1.0, 2.0])
        codes = [unit for unit, chance in zip(units, chances, strict=True) if rng.random() < frailty * chance]
        age_band, sex = rng.choice(["0-4", "40-44", "90+"]), rng.choice(["1", "2"])
        people.append((str(age_band), str(sex), int(rng.lognormal(9, 1.5)), codes))
    # a combination of more than eight, which ten people have, and one of nearly all
    people += [("90+", "1", 5000, [*units[:6], *units[-6:]])] * FEWEST + [("90+", "2", 70, units[1:])] * FEWEST
    return people, units


def test_pairs_are_those_of_counting_and_of_the_library(drawn, tmp_path: Path) -> None:
    people, units = drawn
    counted = Counter(pair for *_, codes in people for pair in combinations(codes, 2))
    found = {
        (row["first_condition"], row["second_condition"]): row
        for row in made("condition_pair", people, units, tmp_path)
    }
    assert {pair: row["people_count"] for pair, row in found.items()} == counted
    cells = sorted({row[:2] for row in people})
    for pair in [("c00", "c01"), ("c02", "c69"), ("c05", "c67")]:
        has = np.array([[code in row[3] for code in pair] for row in people])
        row = found[pair]
        assert row["phi"] == pytest.approx(np.corrcoef(has.T)[0, 1], rel=1e-9)
        tables = []
        for cell in cells:
            first, second = has[[person[:2] == cell for person in people]].T
            tables.append([[sum(first & second), sum(first & ~second)], [sum(~first & second), sum(~first & ~second)]])
        pooled = StratifiedTable(np.array(tables, dtype=float).transpose(1, 2, 0)).oddsratio_pooled
        assert row["age_sex_odds_ratio"] == pytest.approx(pooled, rel=1e-9)
        expected = sum((t[0][0] + t[0][1]) * (t[0][0] + t[1][0]) / np.sum(t) for t in tables)
        assert row["age_sex_expected_count"] == pytest.approx(expected, rel=1e-9)


def test_triads_are_those_of_counting_people_one_by_one(drawn, tmp_path: Path) -> None:
    people, units = drawn
    counted, cost = Counter(), Counter()
    for _, _, pence, codes in people:
        counted.update(combinations(codes, 3))
        cost.update(dict.fromkeys(combinations(codes, 3), pence))
    found = {
        tuple(row[f"{place}_condition"] for place in ("first", "second", "third")): row
        for row in made("condition_triad", people, units, tmp_path)
    }
    assert {triad: row["people_count"] for triad, row in found.items()} == {
        triad: count for triad, count in counted.items() if count >= FEWEST
    }
    assert {triad: row["total_pence"] for triad, row in found.items()} == {triad: cost[triad] for triad in found}


def test_combinations_are_those_of_counting_people_one_by_one(drawn, tmp_path: Path) -> None:
    people, units = drawn
    counted = Counter("+".join(codes) or "none" for *_, codes in people)
    common = {name: count for name, count in counted.items() if count >= FEWEST}
    found = {row["combination"]: row for row in made("condition_combination", people, units, tmp_path)}
    other = found.pop("other")
    assert {name: row["people_count"] for name, row in found.items()} == common
    assert other["combination_count"] == len(counted) - len(common)
    assert other["people_count"] == len(people) - sum(common.values())
    assert found["+".join(units[1:])]["condition_count"] == len(units) - 1


def test_the_tie_of_triads_counts_people_and_finds_a_penny(drawn, tmp_path: Path) -> None:
    """A small county has no three conditions that ten people share, so that its tie has nothing to tie there."""
    people, units = drawn
    triads = pl.DataFrame(made("condition_triad", people, units, tmp_path))
    held = [(person, code) for person, row in enumerate(people) for code in row[3]]
    tables = {
        "person_year_condition": pl.DataFrame(held, ["person_id", "condition_code"], orient="row"),
        "condition_list": pl.DataFrame({"condition_list": "all", "condition_code": units, "counted_as": units}),
        "person_year_cost": pl.DataFrame({"person_id": range(len(people)), "total_pence": [row[2] for row in people]}),
    }

    def unequal(shown: pl.DataFrame) -> list[tuple[str, int]]:
        with duckdb.connect() as connection:
            for name, rows in (tables | {"condition_triad": shown}).items():
                connection.register(name, rows.to_arrow())
            tie = TIES["condition_triad"].sql
            return connection.execute(
                f"select name, found - expected from ({tie}) where found is distinct from expected"
            ).fetchall()

    assert triads.height > 1
    assert unequal(triads) == []
    penny = (pl.int_range(pl.len()) == 1).cast(pl.Int64)
    assert unequal(triads.with_columns(pl.col("total_pence") + penny)) == [("total_pence", 1)]
    assert unequal(triads.with_columns(pl.col("mean_total_pence") + penny / pl.col("people_count"))) == [
        ("mean_total_pence", 1)
    ]
    assert len(unequal(triads.slice(1))) == len(("people_count", "total_pence", "mean_total_pence"))
