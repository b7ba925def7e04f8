"""The SQL and the index beside a naive reckoning in plain Python, on random small worlds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from assets.linkage.chains import follow
from assets.linkage.identity import identify, person_id
from assets.linkage.links import bridge_links, merger_links
from schemas.catalogue import TABLES
from schemas.costing import MATCH_LEVELS
from schemas.financial_year import year_bounds
from tests.properties.differential import YEAR, Rows, built, reference
from tests.properties.ladder import Ladder
from tests.properties.linkage_oracle import Limits, exclusions, people
from tests.properties.oracle import (
    Identifier,
    Unit,
    cost,
    exposure,
    ledger,
    month_of,
    registered_days,
    units,
)
from tests.properties.world import World, random_world, typed

KEY = "a secret of at least sixteen characters"
START, END = year_bounds(YEAR)
LIMITS = Limits(volume=3, years_apart=2)
WORLDS = 40
UNITS = ("identifier_use", "identifier_finding", "identifier_exclusion", "person", "registration", "exposure_period")
COSTS = (
    "person_year",
    "activity",
    "spell_supplement",
    "price_used",
    "activity_cost",
    "person_year_cost",
    "cost_ledger",
)


@dataclass(frozen=True)
class Told:
    """What the oracle says of a world."""

    world: World

    @cached_property
    def dummies(self) -> set[str]:
        return {row["pseudonym"] for row in reference()["dummy_pseudonym"].to_pylist()}

    @cached_property
    def index(self) -> dict[Identifier, int]:
        found, _ = people(self.world, self.dummies)
        return {one: person_id(*end, KEY) for one, end in found.items()}

    @cached_property
    def excluded(self) -> dict[tuple[str, Identifier], str]:
        return exclusions(self.world, self.dummies, LIMITS, START, END)

    @cached_property
    def spells(self) -> dict[int, list[tuple[date, date | None]]]:
        found = defaultdict(list)
        for person, row in self._register():
            found[person].append((row["registered_from"], row["registered_to"]))
        return dict(found)

    @cached_property
    def died(self) -> dict[int, date]:
        found: dict[int, date] = {}
        for person, row in self._register():
            if row["death_month"]:
                found[person] = max(date.fromisoformat(f"{row['death_month']}-01"), found.get(person, date.min))
        return found

    def _register(self) -> Iterator[tuple[int, dict]]:
        for row in self.world["patient_register"]:
            if person := self.index.get((row["pseudonym_domain"], row["pseudonym"])):
                yield person, row

    @cached_property
    def costed(self) -> list[tuple[Unit, str, str | None, tuple[int | None, str, bool], int | None]]:
        """Every unit of the year, its link, exposure, cost and person."""
        names = ("community_currency", "cost_frequency", "price_book", "price_point")
        shipped = {name: reference()[name].to_pylist() for name in names}
        currencies = {row["team_type_code"]: row for row in shipped["community_currency"]}
        frequencies = {row["cost_frequency"]: row for row in shipped["cost_frequency"]}
        assert {row["price_year"] for row in shipped["price_book"]} == {YEAR}  # nothing is carried by an index
        book = Ladder(shipped["price_book"], shipped["price_point"])
        found = []
        for unit in units(self.world, currencies, frequencies):
            if START <= unit.day <= END:
                status = self._link_status(unit)
                person = self.index[unit.identifier] if status == "linked" and unit.identifier else None
                told = person and exposure(unit.day, self.spells[person], self.died.get(person))
                found.append((unit, status, told, cost(unit, book), person))
        return found

    def _link_status(self, unit: Unit) -> str:
        if unit.identifier is None or unit.identifier[1] in self.dummies:
            return "dummy"
        otherwise = "linked" if unit.identifier in self.index else "not_registered"
        return self.excluded.get((unit.feed, unit.identifier), otherwise)


def made(told: Told, folder: Path) -> dict[str, Rows]:
    """What the program makes of the same world."""
    rules = pl.DataFrame(reference()["linkage_rule"]).with_columns(
        most=pl.when(rule_code="impossible_volume").then(LIMITS.volume).otherwise("most").cast(pl.Int64)
    )
    given = {
        **{feed: typed(feed, rows) for feed, rows in told.world.items()},
        "linkage_rule": rules.to_arrow().cast(TABLES["linkage_rule"].arrow_schema),
        **{name: TABLES[name].arrow_schema.empty_table() for name in ("practice", "lsoa", "feed_completeness")},
        **_linked(told.world, told.dummies),
    }
    given["delivery_total"] = TABLES["delivery_total"].arrow_schema.empty_table()
    return built(given, (*UNITS, *COSTS), folder)


def _linked(world: World, dummies: set[str]) -> dict[str, pa.Table]:
    mergers, bridges, registered = (
        pl.DataFrame(typed(feed, world[feed])).filter(~pl.any_horizontal(pl.col(columns).is_in(list(dummies))))
        for feed, columns in {
            "person_merger": ["superseded_pseudonym", "pseudonym"],
            "person_bridge": ["bridged_pseudonym", "pseudonym"],
            "patient_register": ["pseudonym"],
        }.items()
    )
    links = follow(pl.concat([merger_links(mergers), bridge_links(bridges)])).rename(
        {"from_domain": "pseudonym_domain", "from_pseudonym": "pseudonym"}
    )
    first = registered.group_by("pseudonym_domain", "pseudonym").agg(since=pl.col("registered_from").min())
    found = {"identifier_link": links, "person_identifier": identify(first, links, KEY)}
    return {
        name: frame.select(TABLES[name].arrow_schema.names).to_arrow().cast(TABLES[name].arrow_schema)
        for name, frame in found.items()
    }


@pytest.fixture(scope="module", params=range(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, dict[str, Rows]]:
    """A world as the oracle tells it and as the program makes it."""
    told = Told(random_world(request.param))
    return told, made(told, tmp_path_factory.mktemp("world"))


def test_every_identifier_stands_for_the_same_person(world):
    told, _ = world
    index = _linked(told.world, told.dummies)["person_identifier"].to_pylist()
    assert {(row["pseudonym_domain"], row["pseudonym"]): row["person_id"] for row in index} == told.index


def test_the_same_identifiers_are_excluded_for_the_same_reason(world):
    told, tables = world
    found = {
        (row["feed"], (row["pseudonym_domain"], row["pseudonym"])): row["reason"]
        for row in tables["identifier_exclusion"]
    }
    assert found == told.excluded


def test_every_unit_of_care_is_the_same(world):
    told, tables = world
    found = {
        _place(row): (
            row["activity_date"],
            row["provider_code"],
            row["setting"],
            row["point_of_delivery"],
            row["currency_code"],
            row["is_proxy_currency"],
            row["quantity"],
            row["is_payable"],
            row["record_count"],
            row["submitted_pence"],
            row["package_pence"],
        )
        for row in tables["activity"]
    }
    assert found == {
        _key(unit): (
            unit.day,
            unit.provider,
            unit.setting,
            unit.point_of_delivery,
            unit.currency,
            unit.is_proxy_currency,
            unit.quantity,
            unit.is_payable,
            unit.records,
            unit.submitted,
            unit.package,
        )
        for unit, *_ in told.costed
    }


def test_every_unit_of_care_links_and_costs_the_same(world):
    told, tables = world
    found = {
        _place(row): (
            row["link_status"],
            row["exposure_status"],
            row["person_id"],
            (row["cost_pence"], row["match_level"], row["is_proxy"]),
        )
        for row in tables["activity_cost"]
    }
    assert found == {
        _key(unit): (status, told_exposure, person, price) for unit, status, told_exposure, price, person in told.costed
    }


def test_every_person_is_registered_on_the_same_days(world):
    told, tables = world
    days = {
        person: len(registered_days(spells, told.died.get(person), START, END))
        for person, spells in told.spells.items()
    }
    found = {row["person_id"]: row["registered_days"] for row in tables["person_year"]}
    assert found == {person: count for person, count in days.items() if count}


def test_every_person_costs_the_same(world):
    told, tables = world
    pence = Counter[tuple[int, str]]()
    for unit, _, _, (amount, *_), person in told.costed:
        if person:
            pence[person, unit.setting] += amount or 0
    found = {
        (row["person_id"], column.removesuffix("_pence")): value
        for row in tables["person_year_cost"]
        for column, value in row.items()
        if column.endswith("_pence") and value and column.removesuffix("_pence") in {u.setting for u, *_ in told.costed}
    }
    assert found == {at: value for at, value in pence.items() if value}


def test_the_ledger_holds_the_same_records_and_pence_at_every_stage(world):
    told, tables = world
    found = {
        (row["feed"], row["provider_code"], row["activity_month"], row["stage"], row["part_of"], row["status"]): (
            row["record_count"],
            row["submitted_pence"] or 0,
            row["cost_pence"] or 0,
        )
        for row in tables["cost_ledger"]
    }
    lines = ledger((unit, status, told_exposure, price) for unit, status, told_exposure, price, _ in told.costed)
    assert found == {at: (line["records"], line["submitted"], line["cost"]) for at, line in lines.items()}


def test_the_worlds_meet_every_rule() -> None:
    """Forty worlds in which nothing odd happened would prove nothing."""
    reasons, statuses, levels = Counter(), Counter(), Counter()
    for seed in range(WORLDS):
        told = Told(random_world(seed))
        reasons.update(told.excluded.values())
        statuses.update(status for _, _, status, *_ in told.costed)
        levels.update(price[1] for *_, price, _ in told.costed)
    every = {"impossible_volume", "ambiguous", "birth_year_conflict", "sex_conflict", "one_time"}
    assert every == reasons.keys()
    assert {"registered", "outside_registration", "after_death", None} == statuses.keys()
    assert set(MATCH_LEVELS) == levels.keys()
    assert min(*reasons.values(), *statuses.values(), *levels.values()) >= 2


def _place(row: dict) -> tuple:
    return row["feed"], row["delivery_id"], row["source_row"], row["activity_month"]


def _key(unit: Unit) -> tuple:
    return unit.feed, unit.delivery_id, unit.source_row, month_of(unit.day)
