"""The program's own way from care to cost, in one session and without a store: a book's files, then SQL file by file.

Belongs here: which tables a book becomes and which SQL runs over them.
Does not belong here: what should come of it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from assets.costing.book import read_book
from assets.costing.price_book import of_a_book
from assets.costing.price_index import read_index, shipped_index
from assets.parameters import RunParameters
from assets.reference import read_reference
from pipelines.build import SQL
from pipelines.engine import duckdb_session
from schemas.catalogue import TABLES

PRICING = ("spell_supplement", "price_used", "activity_cost")
FROM_FEEDS = ("cluster_currency", "activity", *PRICING)
Rows = list[dict[str, Any]]


def prices(folder: Path) -> dict[str, pa.Table]:
    """The tables of the book in a folder, with the index beside it where there is one, else the index as shipped."""
    book = read_book(folder)
    index = folder / "price_index.csv"
    found = of_a_book(book) | {
        "price_index": read_index(index) if index.exists() else shipped_index(),
        "price_point": read_reference(TABLES["price_point"]),
    }
    return {name: _typed(name, frame) for name, frame in found.items()}


def _typed(name: str, frame: pl.DataFrame) -> pa.Table:
    schema = TABLES[name].arrow_schema
    return frame.select(schema.names).to_arrow().cast(schema)


def priced(
    given: Mapping[str, pa.Table], book: Path, folder: Path, year: str, names: Sequence[str] = PRICING
) -> dict[str, Rows]:
    """The rows of each table, built in order from what is given, the book and one another; keys are proved unique."""
    made: dict[str, Rows] = {}
    with duckdb_session("1GB", folder / "spill") as engine:
        engine.register_rows("run_parameters", pa.Table.from_pylist([RunParameters.of(year).row()]))
        for name, rows in {**prices(book), **given}.items():
            if name not in names:
                engine.register_rows(name, rows)
        for name in names:
            target = folder / f"{name}.parquet"
            engine.run_sql(TABLES[name], (SQL / f"{name}.sql").read_text(), target)
            engine.register(name, [target])
            table = pq.read_table(target)
            assert table.group_by(list(TABLES[name].key)).aggregate([]).num_rows == table.num_rows, f"{name}: key"
            made[name] = table.to_pylist()
    return made
