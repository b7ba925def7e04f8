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
from assets.costing.price_years import price_years_are_near
from pipelines.expectations import contract_expectations
from pipelines.jobs import NIGHTLY, new_deliveries, nightly_at_two
from pipelines.resources import HomeResource, home_resource
from schemas.contract import contracts

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


def definitions_over(home: HomeResource) -> dg.Definitions:
    """The whole code location, over one home."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules(STEPS),
        asset_checks=[*map(contract_expectations, contracts().values()), price_years_are_near],
        jobs=[NIGHTLY],
        schedules=[nightly_at_two],
        sensors=[new_deliveries],
        resources={"home": home},
        executor=dg.in_process_executor,
    )


@dg.definitions
def linked_care() -> dg.Definitions:
    """The whole code location, over the home that the environment names."""
    return definitions_over(home_resource())
