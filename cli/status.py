"""`linked-care status`: what is published and what became of the deliveries."""

import json

import polars as pl
from rich.console import Console
from rich.table import Table

from assets.feeds.delivery import unseen
from pipelines.resources import home_path
from pipelines.store import Store

_VERDICTS = ("accepted", "superseded", "repeat", "refused")


def show_status() -> None:
    """Print the release, what waits, and the verdicts by feed."""
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


def _by_feed(receipts: pl.DataFrame) -> Table:
    table = Table("feed", *_VERDICTS, "rows accepted", "rows quarantined")
    for (feed,), own in sorted(receipts.group_by("feed")):
        verdicts = dict(own.group_by("verdict").len().rows())
        counts = [f"{verdicts.get(name, 0):,}" for name in _VERDICTS]
        table.add_row(str(feed), *counts, f"{own['accepted_rows'].sum():,}", f"{own['rejected_rows'].sum():,}")
    return table
