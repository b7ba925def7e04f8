"""The assets of step 1: one per feed, and the tables that account for every delivery."""

import logging

import dagster as dg

from assets.feeds.accounts import build_delivery_receipt, build_delivery_total, build_quarantine
from assets.feeds.calendar import build_delivery_calendar
from assets.feeds.completeness import build_feed_completeness, gaps, gaps_in_words
from assets.feeds.current import build_feed
from assets.feeds.quality import build_rule_result
from assets.feeds.value_completeness import build_value_completeness
from assets.feeds.withdrawn import build_withdrawn_identifier, warn_of_what_withdraws_nobody
from assets.tables import reference_table
from pipelines.assets import OWNERS, table_asset
from pipelines.expectations import begin_proof
from pipelines.home import Home
from pipelines.progress import computing
from pipelines.resources import HomeResource
from pipelines.store import Stored
from schemas.contract import Contract, contracts
from schemas.feeds import (
    DELIVERY_CALENDAR,
    DELIVERY_RECEIPT,
    DELIVERY_TOTAL,
    FEED_COMPLETENESS,
    LINK_FEEDS,
    PROVIDER_SUCCESSION,
    QUARANTINE,
    RULE_RESULT,
    VALUE_COMPLETENESS,
    WITHDRAWN_IDENTIFIER,
)

log = logging.getLogger(__name__)


def _feed_asset(contract: Contract) -> dg.AssetsDefinition:
    @dg.asset(
        name=contract.feed,
        group_name="feeds",
        deps=[] if contract.feed in LINK_FEEDS else [WITHDRAWN_IDENTIFIER.name],
        description=f"{contract.description} {contract.grain}",
        metadata={"dagster/column_schema": contract.dagster_schema(), "contract_version": contract.version},
        kinds={"parquet", "polars"},
        owners=OWNERS,
    )
    def feed(home: HomeResource) -> dg.MaterializeResult:
        with computing("feeds", contract.feed):
            stored = build_feed(home.home.store, home.home.landing, contract)
        begin_proof(home.home, contract)
        return dg.MaterializeResult(
            metadata={"dagster/row_count": stored.rows, "current_deliveries": len(stored.periods)}
        )

    return feed


FEEDS = [_feed_asset(contract) for contract in contracts().values()]


@table_asset(WITHDRAWN_IDENTIFIER)
def withdrawn_identifier(home: Home, year: str | None) -> Stored:
    """Who must no longer be processed; known before any other feed is taken in."""
    stored = build_withdrawn_identifier(home.store)
    warn_of_what_withdraws_nobody(home)
    return stored


@table_asset(DELIVERY_RECEIPT, *contracts())
def delivery_receipt(home: Home, year: str | None) -> Stored:
    """What became of every delivery."""
    return build_delivery_receipt(home.store, contracts())


@table_asset(DELIVERY_TOTAL, *contracts())
def delivery_total(home: Home, year: str | None) -> Stored:
    """Rows and pence as counted at the door."""
    return build_delivery_total(home.store, contracts())


@table_asset(QUARANTINE, *contracts())
def quarantine(home: Home, year: str | None) -> Stored:
    """Which record broke which rule."""
    return build_quarantine(home.store, contracts())


@table_asset(RULE_RESULT, *contracts())
def rule_result(home: Home, year: str | None) -> Stored:
    """How often each delivery broke each rule."""
    return build_rule_result(home.store, contracts())


@table_asset(VALUE_COMPLETENESS, *contracts())
def value_completeness(home: Home, year: str | None) -> Stored:
    """How many accepted rows lack a value, column by column."""
    return build_value_completeness(home.store, contracts())


provider_succession = reference_table(PROVIDER_SUCCESSION)


@table_asset(DELIVERY_CALENDAR)
def delivery_calendar(home: Home, year: str | None) -> Stored:
    """What was expected, and what of it is late or missing; told before anything is linked or summed."""
    stored = build_delivery_calendar(home, contracts())
    calendar = home.store.frame(DELIVERY_CALENDAR.name)
    if not gaps(calendar).is_empty():
        log.warning("%s", gaps_in_words(calendar))
    return stored


@table_asset(FEED_COMPLETENESS)
def feed_completeness(home: Home, year: str | None) -> Stored:
    """Which share of what was due has come."""
    assert year
    return build_feed_completeness(home, year, contracts())
