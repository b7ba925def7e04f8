"""The assets of step 4, in the order in which they build on each other."""

from assets.costing.conservation import prove_ledger
from assets.costing.price_book import build_price_book
from assets.costing.reconciliation import build_cost_control_total, build_cost_reconciliation
from assets.parameters import RunParameters
from assets.tables import sql_table
from pipelines.assets import table_asset
from pipelines.build import build_sql
from pipelines.home import Home
from pipelines.store import Stored
from schemas.costing import ACTIVITY_COST, COST_LEDGER, PERSON_YEAR_COST, PRICE_BOOK
from schemas.linkage_quality import LINKAGE_BOUND, LINKAGE_DIFFERENCE, LINKAGE_QUALITY
from schemas.reconciliation import COST_CONTROL_TOTAL, COST_RECONCILIATION


@table_asset(PRICE_BOOK)
def price_book(home: Home, year: str | None) -> Stored:
    """Prices for what arrives without one."""
    return build_price_book(home.store)


activity_cost = sql_table(ACTIVITY_COST)
person_year_cost = sql_table(PERSON_YEAR_COST)
linkage_quality = sql_table(LINKAGE_QUALITY)
linkage_difference = sql_table(LINKAGE_DIFFERENCE)
linkage_bound = sql_table(LINKAGE_BOUND)


@table_asset(COST_LEDGER, "person_year_cost")
def cost_ledger(home: Home, year: str | None) -> Stored:
    """The conservation ledger; a gap of one penny stops the run."""
    assert year
    stored = build_sql(home.store, COST_LEDGER, year, RunParameters.of(year).row())
    prove_ledger(home.store, year)
    return stored


@table_asset(COST_CONTROL_TOTAL)
def cost_control_total(home: Home, year: str | None) -> Stored:
    """Totals from elsewhere, as the user wrote them down."""
    return build_cost_control_total(home.store, home.root)


@table_asset(COST_RECONCILIATION)
def cost_reconciliation(home: Home, year: str | None) -> Stored:
    """Care held against totals from elsewhere; a total outside its limit stops the run."""
    assert year
    return build_cost_reconciliation(home.store, year)
