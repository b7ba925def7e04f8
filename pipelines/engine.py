"""The one interface through which SQL runs. Nothing else knows which engine it is.

Belongs here: sessions, registering parquet under a name, running one SELECT to one parquet file.
Does not belong here: what the tables mean, or where files live (`store.py`).
"""

import base64
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.errors import LinkedCareError
from schemas.table import Table

_SAME_TYPE = {"VARCHAR": "STRING", "INTEGER": "INT"}


def quoted(text: object) -> str:
    """A text or path as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def read_parquet(*files: Path) -> str:
    """Parquet files as an SQL table: folders named `key=value` add no column; one that a file lacks is null there."""
    by_name = ", union_by_name = true" if len(files) > 1 else ""
    return f"read_parquet([{', '.join(map(quoted, files))}], hive_partitioning = false{by_name})"


class Engine(ABC):
    """A session in which parquet files are tables and one SELECT becomes one parquet file."""

    @abstractmethod
    def register(self, name: str, files: Sequence[Path], without: Path | None = None) -> None:
        """Make parquet files readable as a table, less the rows whose delivery and row number stand in `without`."""

    @abstractmethod
    def register_rows(self, name: str, rows: pa.Table) -> None:
        """Make a small in-memory table readable."""

    @abstractmethod
    def run_sql(self, table: Table, sql: str, target: Path) -> int:
        """Write one SELECT to one parquet file under the table's declared schema, in key order; returns the rows.

        Raises:
            LinkedCareError: if the columns or types of the SELECT differ from the declaration.
        """

    @abstractmethod
    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a small result."""

    @abstractmethod
    def rows(self, sql: str) -> pa.Table:
        """The rows of a result of any size."""

    @abstractmethod
    def close(self) -> None:
        """End the session."""


class DuckEngine(Engine):
    """In-process DuckDB over parquet: no database file, so nothing to lock."""

    def __init__(self, memory_limit: str, spill: Path) -> None:
        spill.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect()
        self._connection.execute(
            "set TimeZone = 'UTC'; set parquet_metadata_cache = true; set preserve_insertion_order = false;"
            "set autoinstall_known_extensions = false; set enable_progress_bar = false;"
            # A join keeps its sides as written, the smaller one right: how many rows a union of feeds has is guessed
            # far too low, and a hash table over all care instead of over all people takes twice the time.
            "set disabled_optimizers = 'build_side_probe_side';"
            f"set memory_limit = {quoted(memory_limit)}; set temp_directory = {quoted(spill)}"
        )

    def register(self, name: str, files: Sequence[Path], without: Path | None = None) -> None:
        """See `Engine.register`."""
        kept = (
            f" as kept where not exists (select 1 from {read_parquet(without)} as gone"
            " where gone.delivery_id = kept.delivery_id and gone.source_row = kept.source_row)"
            if without
            else ""
        )
        self._connection.execute(f"create or replace view {name} as select * from {read_parquet(*files)}{kept}")

    def register_rows(self, name: str, rows: pa.Table) -> None:
        """See `Engine.register_rows`."""
        self._connection.register(name, rows)

    def run_sql(self, table: Table, sql: str, target: Path) -> int:
        """See `Engine.run_sql`."""
        self._refuse_other_columns(table, sql)
        # DuckDB writes far faster than PyArrow but loses descriptions and units; as key-value metadata they survive.
        arrow_schema = base64.b64encode(table.arrow_schema.serialize().to_pybytes()).decode()
        written = f"(format parquet, compression zstd, kv_metadata {{'ARROW:schema': '{arrow_schema}'}})"
        try:
            self._copy(f"({sql}\n)", table.key, target, written)
        except duckdb.OutOfMemoryException:
            # A large union does not leave the sort the memory that it needs; from a file, the sort spills.
            aside = target.with_name("unordered.parquet")
            self._connection.execute(f"copy ({sql}\n) to {quoted(aside)} (format parquet, compression zstd)")
            self._copy(read_parquet(aside), table.key, target, written)
            aside.unlink()
        except duckdb.DataError as error:  # quotes the value, so neither it nor its cause is shown
            raise LinkedCareError(
                f"{table.name}: sql/{table.name}.sql meets a value that it cannot convert ({type(error).__name__})."
                " Mend the SQL."
            ) from None
        return self.fetch(f"select count(*) from {read_parquet(target)}")[0][0]

    def _copy(self, source: str, key: Sequence[str], target: Path, written: str) -> None:
        self._connection.execute(
            f"copy (select * from {source} order by {', '.join(key)}) to {quoted(target)} {written}"
        )

    def _refuse_other_columns(self, table: Table, sql: str) -> None:
        made = [
            (name, _SAME_TYPE.get(kind, kind)) for name, kind, *_ in self.fetch(f"describe select * from ({sql}\n)")
        ]
        declared = [(column.name, column.type) for column in table.columns]
        if made != declared:
            odd = sorted({name for name, _ in set(made) ^ set(declared)}) or ["the order of columns"]
            raise LinkedCareError(
                f"{table.name}: sql/{table.name}.sql and its declaration differ in {', '.join(odd)}. Make them agree."
            )

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """See `Engine.fetch`."""
        return self._connection.execute(sql).fetchall()

    def rows(self, sql: str) -> pa.Table:
        """See `Engine.rows`."""
        return self._connection.sql(sql).to_arrow_table()

    def close(self) -> None:
        """See `Engine.close`."""
        self._connection.close()


@contextmanager
def duckdb_session(memory_limit: str, spill: Path) -> Iterator[Engine]:
    """An engine for the length of one build."""
    engine = DuckEngine(memory_limit, spill)
    try:
        yield engine
    finally:
        engine.close()
