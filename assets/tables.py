"""The two commonest ways to build a table: one SQL file, or one reference CSV.

Belongs here: joining a declaration to its builder.
Does not belong here: tables that need a function of their own.
"""

import dagster as dg

from assets.parameters import RunParameters
from assets.reference import build_reference
from pipelines.assets import table_asset
from pipelines.build import build_sql
from pipelines.home import Home
from pipelines.store import Stored
from schemas.table import Table


def sql_table(table: Table, *also: str) -> dg.AssetsDefinition:
    """The asset of a table built by `sql/<table>.sql`; `also` as in `table_asset`."""

    @table_asset(table, *also)
    def build(home: Home, year: str | None) -> Stored:
        return build_sql(home.store, table, year, RunParameters.of(year).row() if year else None)

    return build


def reference_table(table: Table) -> dg.AssetsDefinition:
    """The asset of a table typed in `assets/reference/<table>.csv`."""

    @table_asset(table)
    def build(home: Home, year: str | None) -> Stored:
        return build_reference(home.store, table)

    return build
