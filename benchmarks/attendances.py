"""Outpatient files of any size, as deliveries: rows of a synthetic county, repeated with record numbers of their own.

Belongs here: the rows, good and bad, and the delivery folders that hold them.
Does not belong here: what is measured with them.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from schemas.contract import Contract, ContractColumn, Rule
from synthetic import synthesise

FEED = "op_attendance"
YEAR = (date(2024, 4, 1), date(2025, 3, 31))
_DAY, _ID = "Appointment_Date", "OPA_Ident"
_FIRST_ID = 10**14
_ROWS_PER_PERSON = 1.6
_MOST_PEOPLE = 130_000


def some_rows(count: int) -> pl.DataFrame:
    """Text of clean outpatient rows of one year, `count` or as many as one county has."""
    people = min(_MOST_PEOPLE, int(count / _ROWS_PER_PERSON) + 1_000)
    with tempfile.TemporaryDirectory(prefix="linked-care-county-") as folder:
        synthesise(people=people, years=["2024-25"], seed=2013, faults="none", to=Path(folder))
        return pl.read_csv(f"{folder}/{FEED}/*/*.csv", infer_schema=False).head(count)


def sent_columns(contract: Contract) -> list[ContractColumn]:
    """The columns that the county sends: those that no file may lack."""
    return [column for column in contract.columns if not column.may_be_absent]


def rejecting_rules(contract: Contract) -> list[Rule]:
    """The rules over these columns that do more than warn."""
    absent = {column.name for column in contract.columns if column.may_be_absent}
    return [rule for rule in contract.rules if rule.severity != "warn" and rule.column not in absent]


def spoiled(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The rows with one value of each changed so that it breaks a rule; the contract's rules take turns."""
    rules = [rule for rule in rejecting_rules(contract) if rule.kind != "duplicate_record"]
    turn = pl.int_range(pl.len()) % len(rules)
    headers = {column.name: column.header for column in contract.columns}
    values: dict[str, dict[int, str | None]] = {}
    for place, rule in enumerate(rules):
        values.setdefault(headers[rule.column or "appointment_date"], {})[place] = _bad_value(rule)
    return rows.with_columns(
        pl.when(turn.is_in(list(bad)))
        .then(turn.replace_strict(bad, default=None, return_dtype=pl.String))
        .otherwise(header)
        .alias(header)
        for header, bad in values.items()
    )


def _bad_value(rule: Rule) -> str | None:
    match rule.kind:
        case "required":
            return None
        case "length":
            return "x" * (rule.argument + 1)
        case "minimum":
            below = rule.argument - (timedelta(1) if isinstance(rule.argument, date) else 1)
            return str(below)
        case "maximum":
            return str(rule.argument + 1)
        case "row_predicate":
            return str(YEAR[1] + timedelta(1))
        case _:  # no type, no list of codes and no pattern of the contract knows it
            return "~"


def deliver_one(rows: pl.DataFrame, landing: Path, name: str) -> Path:
    """One delivery of one CSV file that covers the year; its folder."""
    return _deliver(landing, name, YEAR, rows, times=1)


def deliver_year(rows: pl.DataFrame, count: int, landing: Path, one_file: bool) -> int:
    """Deliveries of the year in `landing/op_attendance`, monthly or as one file, of `count` rows or a little more.

    The rows are repeated as often as it takes, each time under new record numbers. Returns the rows written.
    """
    times = -(-count // rows.height)
    if one_file:
        _deliver(landing, "op_attendance-SUS-2024-25", YEAR, rows, times)
    else:
        firsts = [date(2024, month, 1) for month in range(4, 13)] + [date(2025, month, 1) for month in range(1, 5)]
        for place, (first, following) in enumerate(pairwise(firsts)):
            last = following - timedelta(1)
            month = rows.filter(pl.col(_DAY).is_between(pl.lit(str(first)), pl.lit(str(last))))
            offset = (place + 1) * 10**12
            _deliver(landing, f"op_attendance-SUS-{first:%Y-%m}", (first, last), month, times, offset)
    return rows.height * times


def _deliver(
    landing: Path, name: str, period: tuple[date, date], rows: pl.DataFrame, times: int, offset: int = 0
) -> Path:
    folder = landing / FEED / name
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    with (folder / "rows.csv").open("wb") as target:
        for text in _copies(rows, times, offset):
            digest.update(text)
            target.write(text)
    file = {"name": "rows.csv", "format": "csv", "sha256": digest.hexdigest(), "rows": rows.height * times}
    manifest: dict[str, Any] = {
        "delivery_id": name,
        "feed": FEED,
        "contract_version": "1.0.0",
        "supplier": "SUS",
        "pseudonym_domain": "south_somerset",
        "synthetic": True,
        "period_start": str(period[0]),
        "period_end": str(period[1]),
        "received_at": f"{period[1] + timedelta(18)}T06:00:00Z",
        "files": [file],
    }
    (folder / "delivery.json").write_text(json.dumps(manifest))
    return folder


def _copies(rows: pl.DataFrame, times: int, offset: int) -> Iterator[bytes]:
    """The file, a copy of the rows at a time, so that a large one is never in memory."""
    for copy in range(times):
        fresh = pl.int_range(pl.len()) + (_FIRST_ID + offset + copy * rows.height)
        numbered = rows if times == 1 else rows.with_columns(fresh.cast(pl.String).alias(_ID))
        yield numbered.write_csv(include_header=copy == 0).encode()
