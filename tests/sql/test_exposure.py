"""Registration told day by day in plain Python, beside what the SQL makes of the same random registers."""

import random
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from assets.parameters import DEATH_TOLERANCE_DAYS
from tests.sql.cases import Case
from tests.sql.test_sql_cases import run

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(500)]
YEAR = [day for day in DAYS if date(2024, 4, 1) <= day <= date(2025, 3, 31)]
PEOPLE = range(1, 200)

Spell = tuple[date, date | None]


def _table(header: str, rows: Iterable[tuple]) -> str:
    return "\n".join([header, *("  ".join("null" if cell is None else str(cell) for cell in row) for row in rows)])


def _world(seed: int) -> tuple[dict[int, list[Spell]], dict[int, date | None]]:
    """Registrations by person, many of them overlapping or touching, and first days of months of death."""
    chance = random.Random(seed)
    spells: dict[int, list[Spell]] = {}
    for person in PEOPLE:
        starts = sorted(chance.sample(DAYS, chance.randint(1, 5)))
        lengths = [chance.choice([None, 0, 1, 10, 40, 90, 400]) for _ in starts]
        spells[person] = [
            (start, None if length is None else start + timedelta(days=length))
            for start, length in zip(starts, lengths, strict=True)
        ]
        if spells[person][0][1] and chance.random() < 0.5:  # one that starts on the next day, or a day later
            gap = timedelta(days=chance.choice([1, 2]))
            spells[person].append((spells[person][0][1] + gap, spells[person][0][1] + 3 * gap))
        spells[person] = list({start: (start, end) for start, end in spells[person]}.values())
    deaths = {person: chance.choice([None, *DAYS]) for person in PEOPLE if chance.random() < 0.6}
    return spells, {person: day and day.replace(day=1) for person, day in deaths.items()}


def _last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _registered(spells: list[Spell], death: date | None) -> set[date]:
    end = _last_of_month(death) if death else DAYS[-1]
    return {day for day in DAYS if day <= end and any(start <= day <= (stop or end) for start, stop in spells)}


def _given(spells: dict[int, list[Spell]], deaths: dict[int, date | None]) -> dict[str, str]:
    born = [(person, 1960, 5, deaths.get(person)) for person in PEOPLE]
    registered = [(person, start, stop) for person, own in spells.items() for start, stop in own]
    return {
        "person": _table("person_id  birth_year  birth_month  death_month", born),
        "registration": _table("person_id  registered_from  registered_to", registered),
    }


def test_periods_and_registered_days_are_those_counted_day_by_day(tmp_path: Path) -> None:
    spells, deaths = _world(seed=4)
    given = _given(spells, deaths)
    periods = run(Case("exposure_period", "random", given, ""), tmp_path)
    found: dict[int, list[date]] = {person: [] for person in PEOPLE}
    for row in periods:
        if row["exposure_status"] == "registered":
            last = row["final_day"] or DAYS[-1]
            found[row["person_id"]] += [day for day in DAYS if row["first_day"] <= day <= last]
    wanted = {person: _registered(spells[person], deaths.get(person)) for person in PEOPLE}
    assert {person: sorted(days) for person, days in wanted.items()} == {p: sorted(days) for p, days in found.items()}

    given["exposure_period"] = _table(
        "person_id  first_day  final_day  exposure_status",
        [(row["person_id"], row["first_day"], row["final_day"], row["exposure_status"]) for row in periods],
    )
    years = {row["person_id"]: row for row in run(Case("person_year", "random", given, ""), tmp_path)}
    in_year = {person: sorted(days & set(YEAR)) for person, days in wanted.items()}
    assert {person: row["registered_days"] for person, row in years.items()} == {
        person: len(days) for person, days in in_year.items() if days
    }
    for person, row in years.items():
        assert row["is_joiner"] == (in_year[person][0] > YEAR[0])
        assert row["is_leaver"] == (in_year[person][-1] < YEAR[-1])


def test_care_of_every_day_is_told_as_counted_day_by_day(tmp_path: Path) -> None:
    spells, deaths = _world(seed=5)
    periods = run(Case("exposure_period", "random", _given(spells, deaths), ""), tmp_path)
    visits = [(person, day) for person in PEOPLE for day in YEAR[:: 1 + person % 7]]
    names = ("person_id", "first_day", "final_day", "is_ended_by_death", "exposure_status")
    rows = [tuple(str(row[name]).lower() if name == names[3] else row[name] for name in names) for row in periods]
    given = {
        "exposure_period": _table("  ".join(names), rows),
        "person_identifier": _table("pseudonym  person_id", [(f"p{person}", person) for person in PEOPLE]),
        "ec_attendance": _table("pseudonym  arrival_date", [(f"p{person}", day) for person, day in visits]),
    }
    told = {
        (row["person_id"], row["activity_date"]): row["exposure_status"]
        for row in run(Case("activity", "random", given, ""), tmp_path)
    }
    assert len(told) == len(visits)
    wanted = {person: _registered(spells[person], deaths.get(person)) for person in PEOPLE}
    for person, day in visits:
        death = deaths.get(person)
        end = _last_of_month(death) if death else DAYS[-1]
        if day > end + timedelta(days=DEATH_TOLERANCE_DAYS):
            status = "after_death"
        else:
            status = "registered" if min(day, end) in wanted[person] else "outside_registration"
        assert told[person, day] == status, (spells[person], death, day)
    assert set(told.values()) == {"registered", "outside_registration", "after_death"}
