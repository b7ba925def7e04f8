"""The catalogue of a release: `linked_care.duckdb`, which holds views and no rows.

Belongs here: the views, their comments.
Does not belong here: assembling a release (`release.py`).
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from pipelines.engine import quoted, read_parquet
from schemas.table import Table

CATALOGUE = "linked_care.duckdb"


def write_catalogue(release: Path, tables: Iterable[Table]) -> None:
    """Write `linked_care.duckdb`: a commented view over each table of a release.

    The views name the release's own folder, so that a catalogue once opened never mixes two releases.
    """
    with duckdb.connect() as connection:
        # The oldest storage format, so that readers of other DuckDB versions can open it.
        connection.execute(f"attach {quoted(release / CATALOGUE)} as catalogue (storage_version 'v1.0.0')")
        connection.execute("create schema catalogue.restricted; use catalogue.restricted")
        for table in {table.name: table for table in tables}.values():
            files = release / "restricted" / table.name / ("*/*.parquet" if table.by_year else "*.parquet")
            columns = ", ".join(column.name for column in table.columns)
            connection.execute(f"create view {table.name} as select {columns} from {read_parquet(files)}")
            connection.execute(f"comment on view {table.name} is {quoted(table.told)}")
            for column in table.columns:
                unit = f" Unit: {column.unit}." if column.unit else ""
                connection.execute(
                    f"comment on column {table.name}.{column.name} is {quoted(column.description + unit)}"
                )
