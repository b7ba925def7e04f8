"""All accounts of the feeds at once, by table."""

from collections.abc import Mapping

from assets.feeds.accounts import build_delivery_receipt, build_delivery_total, build_quarantine
from pipelines.store import Store, Stored
from schemas.contract import Contract


def build_accounts(store: Store, contracts: Mapping[str, Contract]) -> dict[str, Stored]:
    built = [build(store, contracts) for build in (build_delivery_receipt, build_delivery_total, build_quarantine)]
    return {stored.table: stored for stored in built}
