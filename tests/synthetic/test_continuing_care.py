"""Continuing care and ambulances of the synthetic county: who, how often, for how long and at what cost."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from synthetic.admissions import admissions
from synthetic.ambulance import INCIDENT, with_incidents
from synthetic.continuing_care import continuing_care_package
from synthetic.emergency import WARD, ec_attendance
from synthetic.need import PersonYears, person_years
from synthetic.periods import EPOCH, NEVER, Study
from synthetic.population import BLOCK
from tests.synthetic.landing import Landing

STUDY, SEED = Study.of(("2023-24", "2024-25")), 2013


@pytest.fixture(scope="module")
def people() -> list[PersonYears]:
    """Ten blocks of people."""
    return [person_years(STUDY, SEED, block, BLOCK) for block in range(10)]


@pytest.fixture(scope="module")
def packages(people: list[PersonYears]) -> pl.DataFrame:
    """All packages of these people, one row per month."""
    return pl.concat([continuing_care_package(py, STUDY, SEED) for py in people])


def test_one_or_two_in_a_thousand_have_continuing_care_at_a_time(packages: pl.DataFrame) -> None:
    per_month = packages.height / len(STUDY.months) / (10 * BLOCK)
    assert 0.001 < per_month < 0.002
    assert set(packages["Package Type"]) == {"CHC", "FNC", "JOINT", "CYP", "FAST TRACK"}


def test_costs_are_those_of_their_kind_and_stay_the_same_in_a_package(packages: pl.DataFrame) -> None:
    assert (packages.group_by("Package Identifier").agg(pl.col("Weekly Cost").n_unique())["Weekly Cost"] == 1).all()
    mean = dict(packages.group_by("Package Type").agg(pl.col("Weekly Cost").mean()).rows())
    assert mean.pop("FNC") == 255
    assert all(900 < cost < 2_500 for cost in mean.values()), mean


def test_a_package_is_sent_in_each_month_that_it_touches_and_ends_in_the_last(packages: pl.DataFrame) -> None:
    numbered = packages.with_columns(pl.col("Package Start Date", "Package End Date").cast(pl.Int32))
    for rows in numbered.partition_by("Package Identifier"):
        months, ends = rows["__period"].to_list(), rows["Package End Date"].to_list()
        assert rows["Package Start Date"].n_unique() == 1
        assert months == list(range(months[0], months[-1] + 1))
        assert all(end is None for end in ends[:-1])
        first, last = STUDY.months[months[0]], STUDY.months[months[-1]]
        start = rows["Package Start Date"][0]
        assert start >= first.start if months[0] else start <= first.end
        assert last.end == STUDY.end or last.start <= ends[-1] <= last.end


def test_fast_track_packages_end_with_a_death_and_are_few_weeks_long(
    packages: pl.DataFrame, people: list[PersonYears]
) -> None:
    died = {}
    for py in people:
        dead = np.flatnonzero(py.people.died != NEVER)
        died |= {
            f"{name}": EPOCH + timedelta(days=int(day))
            for name, day in zip(py.people.pseudonym[dead], py.people.died[dead], strict=True)
        }
    last = packages.filter(pl.col("Package Type") == "FAST TRACK", pl.col("Package End Date").is_not_null())
    assert last.height > 30
    for pseudonym, start, end in last.select("Pseudo NHS Number", "Package Start Date", "Package End Date").iter_rows():
        assert died[pseudonym] == end
        assert (end - start).days <= 84


def test_nobody_has_two_packages_and_nobody_one_before_joining(clean: Landing) -> None:
    rows = clean.of_people("continuing_care_package")
    assert (rows.group_by("person").agg(pl.col("package_id").n_unique())["package_id"] == 1).all()
    register = clean.rows["patient_register"].filter(pl.col("period_end") == "2025-03-31")
    joined = register.group_by("pseudonym").agg(
        first=pl.col("registered_from").min(), last=pl.col("registered_to").fill_null("9999").max()
    )
    held = rows.join(joined, left_on="person", right_on="pseudonym", validate="m:1")
    assert held.height == rows.height
    assert held.filter((pl.col("start_date") < pl.col("first")) | (pl.col("end_date") > pl.col("last"))).is_empty()


def test_about_a_hundred_ambulance_incidents_per_thousand_people_and_year(people: list[PersonYears]) -> None:
    found, years = [], 0.0
    for py in people[:4]:
        attendances = ec_attendance(py, admissions(py, STUDY, SEED), STUDY, SEED)
        numbered, incidents = with_incidents(attendances, py, STUDY, SEED)
        assert numbered.drop(INCIDENT).equals(attendances.drop(INCIDENT))  # nothing else is drawn anew
        found.append(incidents)
        years += py.exposure.sum()
    incidents = pl.concat(found)
    assert 90 < 1000 * incidents.height / years < 110
    share = dict(incidents.group_by("Treatment Type").agg(pl.len() / incidents.height).rows())
    assert share["See and convey"] > share["See and treat"] > share["Hear and treat"] > share["Other"] > 0.02
    assert incidents["Call Identifier"].is_unique().all()


def test_conveyed_incidents_are_those_that_attendances_name(clean: Landing) -> None:
    incidents, attendances = clean.rows["ambulance_incident"], clean.rows["ec_attendance"]
    conveyed = incidents.filter(pl.col("treatment_type") == "See and convey")
    named = attendances.filter(pl.col("ambulance_incident_number").is_not_null())
    assert sorted(named["ambulance_incident_number"]) == sorted(conveyed["incident_number"])
    joined = clean.of_people("ec_attendance").join(
        clean.of_people("ambulance_incident"),
        left_on="ambulance_incident_number",
        right_on="incident_number",
        suffix="_of_call",
        validate="m:1",
    )
    assert joined.height == named.height
    assert (joined["person"] == joined["person_of_call"]).all()
    assert (joined["arrival_date"] == joined["call_date"]).all()
    admitted = (joined["discharge_destination_snomed_code"] == WARD).mean()
    assert 0.5 < admitted < 0.8
    assert (named["department_type_code"] == "01").all()
