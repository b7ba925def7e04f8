"""What Dagster loads: every asset, the job, the schedule, the sensor, the home."""

import dagster as dg

import assets.activity.assets
import assets.analysis.assets
import assets.cohorts.assets
import assets.costing.assets
import assets.feeds.assets
import assets.linkage.assets
import assets.morbidity.assets
import assets.publication.assets
from pipelines.jobs import NIGHTLY, new_deliveries, nightly_at_two
from pipelines.resources import home_resource

STEPS = [
    assets.feeds.assets,
    assets.linkage.assets,
    assets.activity.assets,
    assets.costing.assets,
    assets.morbidity.assets,
    assets.analysis.assets,
    assets.cohorts.assets,
    assets.publication.assets,
]


@dg.definitions
def linked_care() -> dg.Definitions:
    """The whole code location."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules(STEPS),
        asset_checks=dg.load_asset_checks_from_modules(STEPS),
        jobs=[NIGHTLY],
        schedules=[nightly_at_two],
        sensors=[new_deliveries],
        resources={"home": home_resource()},
        executor=dg.in_process_executor,
    )
