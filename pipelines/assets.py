"""From a table's declaration to its Dagster asset.

Belongs here: names, groups, partitions, metadata and checks that follow from a declaration.
Does not belong here: what any table means; how it is computed.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import pyarrow.parquet as pq

from pipelines.home import Home
from pipelines.progress import computing
from pipelines.resources import HomeResource
from pipelines.store import Stored
from schemas.table import Table

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill_policy: stable in use, beta by label

YEARS = dg.DynamicPartitionsDefinition(name="financial_year")
UNCHANGED = "unchanged"
OWNERS = ["team:data-engineering"]
Build = Callable[[Home, str | None], Stored]


def table_asset(table: Table, *also: str) -> Callable[[Build], dg.AssetsDefinition]:
    """Declare the asset of a table around the function that builds it, or one year of it.

    `also` names assets beside the table's sources on which the build depends.
    """

    def declare(build: Build) -> dg.AssetsDefinition:
        @dg.asset(
            name=table.name,
            group_name=table.step,
            deps=list(dict.fromkeys((*table.sources, *table.sources_before, *also))),
            partitions_def=YEARS if table.by_year else None,
            backfill_policy=dg.BackfillPolicy.single_run() if table.by_year else None,
            description=table.told,
            metadata={"dagster/column_schema": table.dagster_schema(), "key": ", ".join(table.key), "zone": table.zone},
            kinds={"parquet", "duckdb"},
            owners=OWNERS,
            check_specs=[dg.AssetCheckSpec("no_undeclared_nulls", asset=table.name, blocking=True, description=_NULLS)],
        )
        def asset(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
            years = context.partition_keys if table.by_year else [None]
            with computing(table.step, table.name):
                stored = {year: build(home.home, year) for year in years}
            return dg.MaterializeResult(
                metadata=_metadata(stored), check_results=[_null_check(home.home, table, stored)]
            )

        return asset

    return declare


_NULLS = "Columns declared without nulls have none; counted from the files."


def _metadata(stored: Mapping[str | None, Stored]) -> Mapping[str, Any]:
    return {
        "dagster/row_count": sum(part.rows for part in stored.values()),
        "rebuilt": ", ".join(year or "whole table" for year, part in stored.items() if part.computed) or UNCHANGED,
    }


def _null_check(home: Home, table: Table, stored: Mapping[str | None, Stored]) -> dg.AssetCheckResult:
    required = {column.name for column in table.columns if not column.nullable}
    found = dict.fromkeys(required, 0)
    for part in stored.values():
        for path in home.store.paths(part):
            for name, nulls in null_counts(pq.ParquetFile(path).metadata).items():
                if name in required:
                    found[name] += nulls
    broken = {name: nulls for name, nulls in found.items() if nulls}
    return dg.AssetCheckResult(
        check_name="no_undeclared_nulls", passed=not broken, metadata={"columns": len(required), "nulls": broken}
    )


def null_counts(metadata: pq.FileMetaData) -> dict[str, int]:
    """Nulls by column, from the statistics of a parquet file."""
    counts: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            statistics = column.statistics
            nulls = statistics.null_count if statistics and statistics.has_null_count else 0
            counts[column.path_in_schema] = counts.get(column.path_in_schema, 0) + nulls
    return counts
