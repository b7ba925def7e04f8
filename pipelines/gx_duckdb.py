"""DuckDB for Great Expectations, which has no engine for it: a data source and two regular-expression metrics.

Great Expectations 1.24 closes the connection before it fetches for every dialect that it does not know, and knows no
regular-expression operator of DuckDB. Imported only by `pipelines.expectations`.
"""

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnMapMetricProvider,
    column_condition_partial,
)

_MEMORY = "1GB"  # it runs beside the engine of the run


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Keeps the one connection of an in-memory database open."""

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        """The connection, opened once."""
        if not self._connection:
            self._connection = self.engine.connect()
        yield self._connection


class DuckDBDatasource(SQLDatasource):
    """A data source whose checks and metrics share one in-memory database."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

    @property
    def execution_engine_type(self) -> builtins.type[SqlAlchemyExecutionEngine]:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine

    def get_engine(self) -> sa.Engine:
        """One database for asset checks and metrics."""
        return self.get_execution_engine().engine

    def create_view(self, name: str, select: str) -> None:
        """Make a query readable as a table."""
        with self.get_execution_engine().get_connection() as connection:
            connection.exec_driver_sql(f"set memory_limit = '{_MEMORY}'")
            connection.exec_driver_sql(f'create or replace view "{name}" as {select}')
            connection.commit()


class _MatchRegex(ColumnMapMetricProvider):
    condition_metric_name = "column_values.match_regex"
    condition_value_keys = ("regex",)

    @column_condition_partial(engine=DuckDBExecutionEngine)
    def _duckdb(cls, column: Any, regex: str, _dialect: Any, **kwargs: Any) -> Any:
        return sa.func.regexp_matches(column, sa.literal(regex))
