"""The trail of one payable unit: from the row of its delivery to every table that its pence ended up in.

Belongs here: finding each step, in the store and in the last release.
Does not belong here: printing (`cli/trace.py`); which rows of a table hold a unit's pence (`destinations.py`).

No pseudonym, date, code or other value of the record is told: only where it is, what became of it and what it costs.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from assets.costing.destinations import ABOUT_THE_PERSON, DESTINATIONS
from assets.publication.files import released_files
from pipelines.engine import quoted, read_parquet
from pipelines.errors import LinkedCareError
from schemas.activity import FEEDS_OF_CARE, UNLINKED

_ID = re.compile(r"(\w+)/([A-Za-z0-9][A-Za-z0-9._-]*)/([1-9][0-9]{0,17})(?:/([0-9]{4}-[0-9]{2}))?")
_OF_A_PERSON = (
    "person_year",
    "person_year_cost",
    "person_year_morbidity",
    "person_year_condition",
    "person_year_segment",
)
_OF_A_UNIT = ("activity", "activity_cost")
_OF_ITS_FEED = ("cost_ledger", "linkage_quality")
Fact = tuple[str, str]


@dataclass(frozen=True)
class ActivityId:
    """Where a payable unit came in: feed, delivery, row number over its files; of a package or stay, one month."""

    feed: str
    delivery_id: str
    source_row: int
    month: str | None = None

    @staticmethod
    def read(text: str) -> "ActivityId":
        """Read FEED/DELIVERY/ROW or FEED/DELIVERY/ROW/YYYY-MM.

        Raises:
            LinkedCareError: if it is written otherwise.
        """
        if not (match := _ID.fullmatch(text)):
            raise LinkedCareError("trace: write FEED/DELIVERY/ROW, such as apc_spell/apc_spell-SUS-2024-04/17.")
        feed, delivery_id, row, month = match.groups()
        return ActivityId(feed, delivery_id, int(row), month)

    @property
    def where(self) -> str:
        """As a condition on `activity`."""
        return f"feed = {quoted(self.feed)} and delivery_id = {quoted(self.delivery_id)} and {self.row}"

    @property
    def row(self) -> str:
        """As a condition on the rows of its delivery."""
        return f"source_row = {self.source_row}"


@dataclass(frozen=True)
class Destination:
    """One row and column of a table that holds pence of the unit: how many, and how many in all."""

    table: str
    year: str
    place: str
    column: str
    pence: int
    total: int


@dataclass
class Trail:
    """What is known of a unit, step by step; steps that it never reached are empty."""

    delivery: list[Fact] = field(default_factory=list)
    link: list[Fact] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    destinations: list[Destination] = field(default_factory=list)


def follow(home: Path, unit: ActivityId) -> Trail:
    """Follow a unit as far as it went.

    Raises:
        LinkedCareError: if there is no such delivery or row, or nothing is published yet.
    """
    shelf = home / "store" / unit.feed
    receipt = _receipt(home, shelf, unit)
    trail = Trail(delivery=list(_came_in(home, receipt, unit)))
    with duckdb.connect() as connection:
        if end := _ended_at_the_door(connection, shelf, receipt, unit):
            trail.delivery.append(("fate", end))
            return trail
        trail.delivery.append(("fate", "accepted, and current"))
        if unit.feed not in FEEDS_OF_CARE:
            trail.delivery.append(("cost", f"none: {unit.feed} is no feed of payable care"))
            return trail
        trail.parts = _parts(connection, home, unit)
        trail.link = list(_link(connection, home, shelf, unit, trail.parts))
        try:
            for year in dict.fromkeys(part["financial_year"] for part in trail.parts):
                own = [part for part in trail.parts if part["financial_year"] == year]
                trail.destinations += _destinations(connection, home, year, own, unit)
        except duckdb.Error:
            raise LinkedCareError(f"{home}: the release is of another version. Run `linked-care nightly`.") from None
    return trail


def _receipt(home: Path, shelf: Path, unit: ActivityId) -> dict[str, Any]:
    try:
        receipt: dict[str, Any] = json.loads((shelf / unit.delivery_id / "receipt.json").read_text())
    except (OSError, ValueError):
        waits = (home / "landing" / unit.feed / unit.delivery_id / "delivery.json").exists()
        why = "waits in landing. Run `linked-care nightly`." if waits else "no such delivery has come in."
        raise LinkedCareError(f"{unit.feed}/{unit.delivery_id}: {why}") from None
    if unit.source_row > receipt["received_rows"] > 0:
        raise LinkedCareError(f"{unit.feed}/{unit.delivery_id}: has {receipt['received_rows']:,} rows.")
    return receipt


def _came_in(home: Path, receipt: dict[str, Any], unit: ActivityId) -> Iterator[Fact]:
    yield "delivery", f"{unit.feed}/{unit.delivery_id} of {receipt['supplier']}, received {receipt['received_at']}"
    yield "period", f"{receipt['period_start']} to {receipt['period_end']}"
    yield "row", f"{unit.source_row:,} of {receipt['received_rows']:,}{_in_file(home, unit)}"


def _in_file(home: Path, unit: ActivityId) -> str:
    """Which file that is, while the announcement lies in landing: rows are counted over the files in their order."""
    try:
        announced = json.loads((home / "landing" / unit.feed / unit.delivery_id / "delivery.json").read_text())
        files = [
            (file["name"], file["rows"]) for file in announced["files"] if file.get("role", "records") == "records"
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return "; its files are no longer in landing"
    before = 0
    for name, rows in files:
        if unit.source_row <= before + rows:
            return f", row {unit.source_row - before:,} below the header of {Path(name).name}"
        before += rows
    return ""


def _verdict(shelf: Path, unit: ActivityId) -> tuple[str, str | None]:
    try:
        judged = json.loads((shelf / "judged.json").read_text())["verdicts"]
    except (OSError, ValueError, KeyError):
        judged = []
    return next(((verdict, reason) for name, verdict, reason in judged if name == unit.delivery_id), ("waiting", None))


def _ended_at_the_door(
    connection: duckdb.DuckDBPyConnection, shelf: Path, receipt: dict[str, Any], unit: ActivityId
) -> str | None:
    """Why a row does not count, or None if it does."""
    verdict, reason = _verdict(shelf, unit)
    if verdict in ("refused", "repeat", "waiting"):
        return f"{verdict}, with its whole delivery: {reason or 'run `linked-care nightly`'}"
    folder = shelf / unit.delivery_id
    rejected = _rows(connection, sorted(folder.glob("quarantine-*.parquet")), unit.row)
    if rejected:
        rule, count = rejected[0]["rule_code"], rejected[0]["broken_rule_count"]
        others = f", the first of {count} rules that it breaks" if count > 1 else ""
        return f"rejected to quarantine by rule {rule}{others}: {_rule_in_words(unit.feed, rule)}"
    if not _rows(connection, sorted(folder.glob("accepted-*.parquet")), unit.row):
        return "withdrawn: its identifier must no longer be processed, and nothing of the row is kept"
    if verdict == "superseded":
        return f"superseded, with its whole delivery: {reason}"
    gone = _pointer(shelf).get("without")
    where = f"delivery_id = {quoted(unit.delivery_id)} and {unit.row}"
    if gone and _rows(connection, [shelf.parent / gone], where):
        from assets.feeds.fate import why_superseded  # which reads other deliveries, and is needed here alone

        return f"superseded: {why_superseded(shelf, unit.delivery_id, unit.source_row)}"
    return None


def _rule_in_words(feed: str, code: str) -> str:
    from schemas.contract import CONTRACTS, load  # which takes as long as all the rest

    return next((rule.message for rule in load(CONTRACTS / f"{feed}.odcs.yaml").rules if rule.code == code), "")


def _pointer(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / "current.json").read_text())
    except (OSError, ValueError):
        return {}
    return record


def _rows(
    connection: duckdb.DuckDBPyConnection, files: list[Path], where: str, values: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    if not files:
        return []
    found = connection.execute(f"select * from {read_parquet(*files)} where {where}", values)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _parts(connection: duckdb.DuckDBPyConnection, home: Path, unit: ActivityId) -> list[dict[str, Any]]:
    """The unit in `activity_cost`: one row, or one for each month of a package or stay."""
    files = [path for paths in released_files(home, "activity_cost").values() for path in paths]
    parts = _rows(connection, files, f"{unit.where} order by activity_month")
    if not parts:
        raise LinkedCareError(f"{unit.feed}/{unit.delivery_id}: is newer than the release. Run `linked-care nightly`.")
    own = [part for part in parts if unit.month in (None, f"{part['activity_month']:%Y-%m}")]
    if not own:
        months = f"{parts[0]['activity_month']:%Y-%m} to {parts[-1]['activity_month']:%Y-%m}"
        raise LinkedCareError(f"trace: row {unit.source_row} has no part in {unit.month}; it has {months}.")
    return own


def _link(
    connection: duckdb.DuckDBPyConnection, home: Path, shelf: Path, unit: ActivityId, parts: list[dict[str, Any]]
) -> Iterator[Fact]:
    status, person = parts[0]["link_status"], parts[0]["person_id"]
    if person is None:
        yield "link", f"not linked, {status}: {UNLINKED[status]}"
        return
    yield "link", f"linked to person {person}{_how(connection, home, shelf, unit)}"


def _how(connection: duckdb.DuckDBPyConnection, home: Path, shelf: Path, unit: ActivityId) -> str:
    """By which links, without the pseudonym that they begin at."""
    [record] = _rows(connection, sorted((shelf / unit.delivery_id).glob("accepted-*.parquet")), unit.row)
    store = home / "store"
    index = [store / file for file in _pointer(store / "person_identifier").get("files", ())]
    domain, pseudonym = record["pseudonym_domain"], record["pseudonym"]
    if pseudonym is None and record.get("council_person_id"):
        domain, pseudonym = f"council_{record['council_code']}", record["council_person_id"]
    found = _rows(connection, index, "pseudonym_domain = ? and pseudonym = ?", (domain, pseudonym))
    if not found:
        return ""
    steps, since = found[0].get("step_count"), found[0].get("since")
    # Since when it is direct is the day of a registration, which is a value of the person.
    over = f" over {steps} links, the last of {since:%Y-%m}" if steps and since else ""
    return f", {found[0]['how']}{over}, from domain {domain}"


def _destinations(
    connection: duckdb.DuckDBPyConnection, home: Path, year: str, parts: list[dict[str, Any]], unit: ActivityId
) -> list[Destination]:
    months = ", ".join(quoted(part["activity_month"]) for part in parts)
    person = parts[0]["person_id"]
    keyed = {
        **dict.fromkeys(_OF_A_UNIT, f"{unit.where} and activity_month in ({months})"),
        **dict.fromkeys(_OF_A_PERSON, "false" if person is None else f"person_id = {person}"),
        **dict.fromkeys(_OF_ITS_FEED, f"feed = {quoted(unit.feed)} and activity_month in ({months})"),
    }
    for name in (*DESTINATIONS, *ABOUT_THE_PERSON):
        files = released_files(home, name)
        view = f"create or replace temp view {name} as select * from"
        own = read_parquet(*files.get(year, files.get(None, [])))
        connection.execute(f"{view} {own} where {keyed.get(name, 'true')}")
    connection.execute("create or replace temp view unit as select * from activity_cost")
    found = []
    for name, sql in DESTINATIONS.items():
        for place, column, pence, total in connection.execute(sql).fetchall():
            if pence:
                found.append(Destination(name, year, place, column, int(pence), int(total or 0)))
    return found
