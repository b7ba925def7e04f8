"""`linked-care withdraw`: take withdrawn people out of the releases that are kept, with a receipt."""

from datetime import UTC, datetime

from rich.console import Console

from assets.feeds.delivery import unseen
from assets.publication.withdrawal import Withdrawal, withdraw_from_releases
from cli.user import user_name
from pipelines.environment import home_path
from pipelines.home import holding
from pipelines.resources import home_resource
from pipelines.store import Store, write_whole

RECEIPTS = "withdrawals"


def withdraw(is_dry_run: bool) -> None:
    """Take out whom the last run found withdrawn, and print and keep the receipt; a dry run writes nothing."""
    console, home = Console(soft_wrap=True), home_path()
    if waiting := unseen(home):
        console.print(f"{waiting.count} deliveries wait in landing, perhaps a list: run the nightly job first")
    with holding(home):
        done = withdraw_from_releases(home, Store(home / "store"), home_resource().person_key, is_dry_run)
        _show(console, done, is_dry_run)
        if is_dry_run:
            return
        now = datetime.now(UTC)
        receipt = home / RECEIPTS / f"{now:%Y%m%dT%H%M%S%f}Z.json"
        receipt.parent.mkdir(exist_ok=True)
        write_whole(receipt, done.dump(user_name(), now.isoformat(timespec="seconds")))
    console.print(f"receipt: {receipt}")


def _show(console: Console, done: Withdrawal, is_dry_run: bool) -> None:
    verb = "would be removed from" if is_dry_run else "removed from"
    console.print(f"{done.identifiers:,} identifiers are withdrawn")
    for name, cleaned in done.releases.items():
        rows = sum(cleaned.rows.values())
        console.print(f"{name}: {rows:,} rows {verb} {len(cleaned.rows)} tables, {cleaned.units:,} records of care")
        if cleaned.sums:
            console.print(f"  sums stay as published: {', '.join(cleaned.sums)}")
    for book in done.recosted:
        console.print(
            f"recost/{book}: holds care of theirs and {'would be' if is_dry_run else 'is'} removed: recost again"
        )
    if done.landing:
        console.print(f"{len(done.landing):,} deliveries in landing still hold rows of theirs; the receipt names them")
