"""The assets of step 4, in the order in which they build on each other."""

import dagster as dg

from assets.costing.conservation import prove_ledger
from assets.costing.price_book import build_from_book, build_price_index
from assets.costing.reconciliation import build_cost_control_total
from assets.parameters import RunParameters
from assets.tables import reference_table, sql_table
from pipelines.assets import table_asset
from pipelines.build import build_sql
from pipelines.home import Home
from pipelines.store import Stored
from schemas.costing import ACTIVITY_COST, COST_LEDGER, PERSON_YEAR_COST
from schemas.linkage_quality import LINKAGE_BOUND, LINKAGE_DIFFERENCE, LINKAGE_QUALITY
from schemas.prices import (
    MARKET_FORCES_FACTOR,
    PRICE_BOOK,
    PRICE_INDEX,
    PRICE_POINT,
    PRICE_POLICY,
    PRICE_USED,
    SETTING_INDEX,
    SPELL_SUPPLEMENT,
    TOP_UP,
)
from schemas.reconciliation import COST_CONTROL_TOTAL, COST_RECONCILIATION
from schemas.table import Table


def _book_table(table: Table) -> dg.AssetsDefinition:
    @table_asset(table)
    def build(home: Home, year: str | None) -> Stored:
        return build_from_book(home, table)

    return build


price_book = _book_table(PRICE_BOOK)
market_forces_factor = _book_table(MARKET_FORCES_FACTOR)
top_up = _book_table(TOP_UP)
price_policy = _book_table(PRICE_POLICY)
setting_index = _book_table(SETTING_INDEX)
price_point = reference_table(PRICE_POINT)


@table_asset(PRICE_INDEX)
def price_index(home: Home, year: str | None) -> Stored:
    """By which prices of one year become prices of another."""
    return build_price_index(home)


spell_supplement = sql_table(SPELL_SUPPLEMENT)
price_used = sql_table(PRICE_USED)
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


cost_reconciliation = sql_table(COST_RECONCILIATION)
