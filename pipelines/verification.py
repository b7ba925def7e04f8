"""Before a run reads anything: what is stored and published has the bytes that were written.

Belongs here: which files of a home are proved, and in which order.
Does not belong here: comparing bytes (`kept.py`); what changed in a table (`control.py`) or a delivery
(`assets/feeds/shelf.py`).
"""

from collections.abc import Iterator

from assets.feeds.current import judged_receipts, receipts, refuse_lost_receipts
from assets.feeds.receipt import restore
from assets.feeds.shelf import kept_of_deliveries, kept_of_feed
from assets.publication.release import kept_of_release
from pipelines.errors import ConservationError
from pipelines.home import Home
from pipelines.kept import Kept
from pipelines.sealed import BrokenSealError, unsealed, was_never_sealed
from pipelines.store import POINTER, Store
from schemas.catalogue import TABLES
from schemas.contract import contracts


def verify_home(home: Home) -> None:
    """Prove that every file that a pointer, a receipt or the last release names is the one that was written.

    Raises:
        ConservationError: naming the first feed and delivery, or table, year and control group, and what changed.
    """
    home.store.bytes.refuse_changed([*_feeds(home.store), *_tables(home.store), *kept_of_release(home)])


def _feeds(store: Store) -> Iterator[Kept]:
    for feed, contract in contracts().items():
        shelf = store.root / feed
        restore(shelf)  # what a kill laid aside is not lost
        judged_receipts(shelf)
        refuse_lost_receipts(shelf)
        yield from kept_of_deliveries(shelf, receipts(shelf), contract)
        _refuse_changed_pointer(store, feed, None)
        yield from kept_of_feed(store, contract)


def _tables(store: Store) -> Iterator[Kept]:
    for table in TABLES.values():
        for year in store.years(table.name) if table.by_year else [None]:
            _refuse_changed_pointer(store, table.name, year)
            if stored := store.pointer(table.name, year):
                yield from store.kept(stored, table)


def _refuse_changed_pointer(store: Store, table: str, year: str | None) -> None:
    """A pointer that was never sealed is of another version, and what it points at is built again."""
    pointer = store.folder(table, year) / POINTER
    if not pointer.exists():
        return
    text = pointer.read_text(errors="replace")
    try:
        record = unsealed(text)
    except BrokenSealError:
        record = {"table": table, "year": year} if was_never_sealed(text) else {}
    if (record.get("table"), record.get("year")) != (table, year):
        raise ConservationError(f"{table}{f' {year}' if year else ''}: {POINTER} changed since it was written")
