"""The SQL and the index beside a naive reckoning in plain Python, on random small worlds."""

from __future__ import annotations

import csv
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
import yaml

from assets.costing.price_index import SHIPPED_INDEX
from assets.linkage.chains import follow
from assets.linkage.identity import identify, person_id
from assets.linkage.links import bridge_links, merger_links
from assets.reference import FOLDER
from schemas.catalogue import TABLES
from schemas.costing import MATCH_LEVELS
from schemas.financial_year import year_bounds
from tests.costing.program import prices
from tests.properties.differential import BOOK, YEAR, Rows, built, reference
from tests.properties.lasting_oracle import Known, lasting_units
from tests.properties.linkage_oracle import Limits, exclusions, people
from tests.properties.oracle import (
    Identifier,
    Row,
    Unit,
    exposure,
    identifier_of,
    ledger,
    month_of,
    registered_days,
    units,
)
from tests.properties.price_oracle import PriceOracle
from tests.properties.price_terms import Priced, book_points
from tests.properties.world import World, random_world, typed

KEY = "a secret of at least sixteen characters"
START, END = year_bounds(YEAR)
LIMITS = Limits(volume=3, years_apart=2)
WORLDS = 40
UNITS = ("identifier_use", "identifier_finding", "identifier_exclusion", "person", "registration", "exposure_period")
CLUSTERS = frozenset({"03", "14"})
COSTS = (
    "person_year",
    "cluster_currency",
    "activity",
    "spell_supplement",
    "price_used",
    "activity_cost",
    "person_year_cost",
    "cost_ledger",
)
Costed = tuple[Unit, str, str | None, Priced, int | None]


@dataclass(frozen=True)
class Told:
    """What the oracle says of a world; `clusters` are the care clusters that its book prices by the day."""

    world: World
    clusters: frozenset[str] = frozenset()

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
    def costed(self) -> list[Costed]:
        """Every unit of the year, its link, exposure, cost and person."""
        found = []
        for unit in (*units(self.world), *lasting_units(self.world, self.known)):
            if START <= unit.day <= END:
                status = self._link_status(unit)
                person = self.index[unit.identifier] if status == "linked" and unit.identifier else None
                told = person and exposure(unit.day, self.spells[person], self.died.get(person))
                found.append((unit, status, told, oracle_of(self.clusters).price(_as_row(unit)), person))
        return found

    @cached_property
    def known(self) -> Known:
        """What the rules of lasting care rest on."""
        currencies, frequencies = (reference()[name].to_pylist() for name in ("community_currency", "cost_frequency"))
        return Known(currencies, frequencies, self.clusters, self._is_one_person, self._died)

    def _is_one_person(self, feed: str, one: Identifier | None) -> bool:
        crowds = ("impossible_volume", "ambiguous")
        return one is not None and one[1] not in self.dummies and self.excluded.get((feed, one)) not in crowds

    def _died(self, feed: str, one: Identifier | None) -> date | None:
        is_person = one in self.index and (feed, one) not in self.excluded
        return self.died.get(self.index[one]) if one and is_person else None

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
    if told.clusters:
        given |= prices(_write_book(told.clusters, folder / "book"))
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


def told_of(seed: int) -> Told:
    """A world by its seed; every other one has a book that prices care clusters."""
    return Told(random_world(seed), CLUSTERS if seed % 2 else frozenset())


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def book_rows(clusters: frozenset[str]) -> list[dict[str, str]]:
    """The prices of the shipped book, and one for a day in each care cluster."""
    rows = _rows(BOOK / "price.csv")
    model = next(row for row in rows if row["point_of_delivery"] == "mh_bed_day")
    day = {"point_of_delivery": "mh_cluster_day", "price_gbp": "146.43"}
    return rows + [model | day | {"currency_code": code} for code in sorted(clusters)]


def _write_book(clusters: frozenset[str], folder: Path) -> Path:
    shutil.copytree(BOOK, folder)
    rows = book_rows(clusters)
    with (folder / "price.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@cache
def oracle_of(clusters: frozenset[str]) -> PriceOracle:
    """The plain reckoning of prices under the shipped book; no provider of these worlds has a factor or a top-up."""
    book = yaml.safe_load((BOOK / "book.yaml").read_text(encoding="utf-8"))
    points = book_points(FOLDER / "price_point.csv")
    return PriceOracle(book_rows(clusters), [], [], _rows(SHIPPED_INDEX), book, points)


def _as_row(unit: Unit) -> Row:
    """What of a unit bears on its price, by the names of `activity`."""
    return {
        "activity_month": month_of(unit.day),
        "provider_code": unit.provider,
        "setting": unit.setting,
        "point_of_delivery": unit.point_of_delivery,
        "price_point": unit.price_point or unit.point_of_delivery,
        "currency_code": unit.currency,
        "is_proxy_currency": unit.is_proxy_currency,
        "quantity": unit.quantity,
        "is_payable": unit.is_payable,
        "payable_days": unit.payable_days,
        "submitted_pence": unit.submitted,
        "package_pence": unit.package,
        "net_ingredient_pence": unit.net_ingredient,
    }


@pytest.fixture(scope="module", params=range(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, dict[str, Rows]]:
    """A world as the oracle tells it and as the program makes it."""
    told = told_of(request.param)
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
            row["price_point"],
            row["payable_days"],
            row["net_ingredient_pence"],
            row["client_contribution_pence"],
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
            unit.price_point or unit.point_of_delivery,
            unit.payable_days,
            unit.net_ingredient,
            unit.contribution,
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
            (row["cost_pence"], row["real_cost_pence"], row["match_level"], row["is_proxy"]),
        )
        for row in tables["activity_cost"]
    }
    assert found == {
        _key(unit): (
            status,
            told_exposure,
            person,
            (price.cost_pence, price.real_cost_pence, price.match_level, price.is_proxy),
        )
        for unit, status, told_exposure, price, person in told.costed
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
    for unit, _, _, price, person in told.costed:
        if person:
            pence[person, unit.setting] += price.cost_pence or 0
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
            row["real_cost_pence"] or 0,
        )
        for row in tables["cost_ledger"]
    }
    lines = ledger((unit, status, told_exposure, price) for unit, status, told_exposure, price, _ in told.costed)
    names = ("records", "submitted", "cost", "real")
    assert found == {at: tuple(line[name] for name in names) for at, line in lines.items()}


def test_the_worlds_meet_every_rule() -> None:
    """Forty worlds in which nothing odd happened would prove nothing."""
    reasons, statuses, levels, points = Counter(), Counter(), Counter(), Counter()
    for seed in range(WORLDS):
        told = told_of(seed)
        reasons.update(told.excluded.values())
        statuses.update(status for _, _, status, *_ in told.costed)
        levels.update(price.match_level for *_, price, _ in told.costed)
        points.update(unit.price_point for unit, *_ in told.costed if unit.price_point != unit.point_of_delivery)
        points.update((unit.feed, unit.is_payable) for unit, *_ in told.costed)
    every = {"impossible_volume", "ambiguous", "birth_year_conflict", "sex_conflict", "one_time"}
    assert every == reasons.keys()
    assert {"registered", "outside_registration", "after_death", None} == statuses.keys()
    assert set(MATCH_LEVELS) == levels.keys()
    assert min(*reasons.values(), *statuses.values(), *levels.values()) >= 2
    admitted = ("day_case", "regular_attender", "elective", "non_elective_short", "non_elective_long")
    attended = (f"{seen}_{how}" for seen in ("first", "follow_up") for how in ("face_to_face", "remote"))
    assert {f"best_practice_{point}" for point in admitted} | {"short_stay_emergency"} <= points.keys()
    assert {f"{point}_multi_professional" for point in attended} <= points.keys()
    assert {(f, paid) for f in ("gp_prescription", "op_attendance") for paid in (True, False)} <= points.keys()


def test_the_worlds_meet_every_rule_of_care_that_lasts() -> None:
    """Nights shared, months under a cluster, packages cut by death, shares cut to the package, every kind of team."""
    met = Counter[str]()
    for seed in range(WORLDS):
        told = told_of(seed)
        stays = [row for row in told.world["mh_ward_stay"] if (row["end_date"] or END) > row["start_date"]]
        nights = Counter(u.source_row for u in lasting_units(told.world, told.known) if u.feed == "mh_ward_stay")
        slept = Counter[int]()
        for unit in lasting_units(told.world, told.known):
            met[unit.point_of_delivery] += 1
            met["proxy" if unit.is_proxy_currency else "own currency"] += 1
            if unit.feed == "mh_ward_stay":
                slept[unit.source_row] += unit.quantity
                met["night under a cluster"] += not unit.is_payable
            if unit.feed == "social_care_event":
                met["unpriced"] += unit.is_payable and unit.package is None
                met["share"] += unit.contribution is not None
                met["all of it"] += unit.contribution is not None and unit.contribution == unit.package != 0
        met["nights taken"] += sum(slept[row["source_row"]] == 0 for row in stays if row["source_row"] in nights)
        services = [row for row in told.world["social_care_event"] if row["event_type"] == "Service"]
        met["death on the register"] += sum(
            told._died("social_care_event", identifier_of(row)) is not None for row in services
        )
        met["death in the feed"] += sum(row["death_month"] is not None for row in services)
    every = {"mh_cluster_day", "mh_contact", "mh_bed_day", "community_contact", "district_nursing", "hospice"}
    every |= {"proxy", "own currency", "night under a cluster", "unpriced", "share", "all of it", "nights taken"}
    every |= {"death on the register", "death in the feed"}
    assert {name for name in every if met[name] < 3} == set()


def _place(row: dict) -> tuple:
    return row["feed"], row["delivery_id"], row["source_row"], row["activity_month"]


def _key(unit: Unit) -> tuple:
    return unit.feed, unit.delivery_id, unit.source_row, month_of(unit.day)
