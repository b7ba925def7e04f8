"""The assets of step 3."""

from assets.activity.calendar import build_calendar_month
from assets.tables import reference_table, sql_table
from pipelines.assets import table_asset
from pipelines.home import Home
from pipelines.store import Stored
from schemas.activity import ACTIVITY, CALENDAR_MONTH, CLUSTER_CURRENCY, COMMUNITY_CURRENCY, COST_FREQUENCY
from schemas.overlap import IDENTIFIER_OVERLAP

cost_frequency = reference_table(COST_FREQUENCY)
community_currency = reference_table(COMMUNITY_CURRENCY)
cluster_currency = sql_table(CLUSTER_CURRENCY)


@table_asset(CALENDAR_MONTH)
def calendar_month(home: Home, year: str | None) -> Stored:
    """Months, over which packages and ward stays are spread."""
    return build_calendar_month(home.store)


activity = sql_table(ACTIVITY, IDENTIFIER_OVERLAP.name)
