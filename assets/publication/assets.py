"""The asset of step 8."""

import dagster as dg

from assets.publication.release import publish
from pipelines.assets import OWNERS
from pipelines.progress import computing
from pipelines.resources import HomeResource
from schemas.catalogue import TABLES


@dg.asset(
    group_name="publication",
    deps=[table.name for table in TABLES.values() if table.zone == "restricted"],
    description="One whole release of every restricted table with its catalogue, swapped in by one link.",
    kinds={"parquet", "duckdb"},
    owners=OWNERS,
)
def release(home: HomeResource) -> dg.MaterializeResult:
    """One whole release, or none if nothing changed."""
    with computing("publication", "release"):
        published = publish(home.home)
    return dg.MaterializeResult(
        metadata={"release": published.name, "is_new": published.is_new, "files": published.tables}
    )
