"""`linked-care status`: what is published, what became of the deliveries, what is missing."""

import json

import polars as pl
from rich.console import Console
from rich.table import Table

from assets.feeds.completeness import gaps, gaps_in_words
from assets.feeds.delivery import unseen
from pipelines.environment import home_path
from pipelines.store import Store

_VERDICTS = ("accepted", "superseded", "repeat", "refused")


def show_status() -> None:
    """Print the release, what waits, the verdicts by feed, and what is late or missing."""
    console, home = Console(soft_wrap=True), home_path()
    release = home / "outputs" / "release.json"
    if release.exists():
        record = json.loads(release.read_text())
        console.print(
            f"release {record['release']} with {len(record['tables'])} tables and years in {home / 'outputs'}"
        )
    else:
        console.print(f"nothing published in {home} yet")
    console.print(f"{unseen(home).count} deliveries waiting in {home / 'landing'}")
    store = Store(home / "store")
    if store.current("delivery_receipt"):
        console.print(_by_feed(store.frame("delivery_receipt")))
    if store.current("delivery_calendar"):
        calendar = store.frame("delivery_calendar")
        console.print(gaps_in_words(calendar))
        if not (found := gaps(calendar)).is_empty():
            console.print(_missing_or_late(found))


def _by_feed(receipts: pl.DataFrame) -> Table:
    table = Table("feed", *_VERDICTS, "rows accepted", "rows quarantined")
    for (feed,), own in sorted(receipts.group_by("feed")):
        verdicts = dict(own.group_by("verdict").len().rows())
        counts = [f"{verdicts.get(name, 0):,}" for name in _VERDICTS]
        table.add_row(str(feed), *counts, f"{own['accepted_rows'].sum():,}", f"{own['rejected_rows'].sum():,}")
    return table


def _missing_or_late(found: pl.DataFrame) -> Table:
    table = Table("status", "feed", "supplier", "provider", "months", "from", "to")
    for row in found.rows(named=True):
        first, last = (f"{row[name]:%Y-%m}" for name in ("first_month", "last_month"))
        table.add_row(
            row["status"], row["feed"], row["supplier"], row["provider_code"], str(row["months"]), first, last
        )
    return table
