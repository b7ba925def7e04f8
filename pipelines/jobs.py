"""The nightly job, its schedule and its sensor.

Belongs here: when a run starts and over which years.
Does not belong here: what it computes.
"""

from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.feeds.delivery import known_years, unseen
from pipelines.assets import YEARS
from pipelines.environment import home_path

NIGHTLY = dg.define_asset_job(
    "nightly", dg.AssetSelection.all(), description="Takes in what has landed and publishes one whole release."
)


def register_years(instance: dg.DagsterInstance, root: Path) -> dict[str, str]:
    """Make the financial years of what has landed known, and give the run tags that select them all."""
    years = known_years(root)
    assert YEARS.name
    instance.add_dynamic_partitions(YEARS.name, years)
    everything = sorted(instance.get_dynamic_partitions(YEARS.name))
    if not everything:
        return {}
    return {ASSET_PARTITION_RANGE_START_TAG: everything[0], ASSET_PARTITION_RANGE_END_TAG: everything[-1]}


@dg.schedule(
    job=NIGHTLY,
    cron_schedule="0 2 * * *",
    execution_timezone="Europe/London",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly_at_two(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every night at two."""
    tags = register_years(context.instance, home_path())
    return dg.RunRequest(tags=tags) if tags else dg.SkipReason("Nothing has landed yet.")


@dg.sensor(job=NIGHTLY, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def new_deliveries(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Starts a run when a delivery lands that no run has seen."""
    root = home_path()
    found = unseen(root)
    if not found:
        return dg.SkipReason("No new delivery.")
    return dg.RunRequest(run_key=found.digest, tags=register_years(context.instance, root))
