"""Runs the SQL of linkage, activity and costing over one small world, in one session and without a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assets.activity.calendar import months
from assets.costing.book import NATIONAL, SHIPPED
from assets.parameters import RunParameters
from assets.reference import FOLDER, read_reference
from pipelines.build import SQL
from pipelines.engine import duckdb_session
from schemas.catalogue import TABLES
from tests.costing.program import prices

BOOK = SHIPPED / NATIONAL
YEAR = "2024-25"
Rows = list[dict[str, Any]]


def built(given: Mapping[str, pa.Table], names: Iterable[str], folder: Path) -> dict[str, Rows]:
    """The rows of each table, built in order from what is given, the reference tables and one another."""
    made: dict[str, Rows] = {}
    with duckdb_session("1GB", folder / "spill") as engine:
        engine.register_rows("run_parameters", pa.Table.from_pylist([RunParameters.of(YEAR).row()]))
        for name, rows in {**reference(), **given}.items():
            engine.register_rows(name, rows)
        for name in names:
            target = folder / f"{name}.parquet"
            engine.run_sql(TABLES[name], (SQL / f"{name}.sql").read_text(), target)
            engine.register(name, [target])
            made[name] = pq.read_table(target).to_pylist()
    return made


def reference() -> dict[str, pa.Table]:
    """Every reference table as shipped, those of the shipped price book among them."""
    of_the_book = prices(BOOK)
    shipped = {path.stem for path in FOLDER.glob("*.csv")} & TABLES.keys() - of_the_book.keys()
    found = {name: read_reference(TABLES[name]) for name in shipped} | {"calendar_month": months()}
    return {name: frame.to_arrow() for name, frame in found.items()} | of_the_book
