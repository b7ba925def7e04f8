"""What lies on a feed's shelf (`store/<feed>/`) must be what was taken in.

Belongs here: which files of a feed must have the bytes that were written, and what changed in one.
Does not belong here: comparing bytes (`pipelines/kept.py`); taking in (`intake.py`).
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import polars as pl

from assets.feeds.cuts import PREFIX
from assets.feeds.receipt import Receipt, accepted_files
from assets.feeds.sorting import activity_month
from assets.feeds.superseded import provider
from pipelines.kept import Kept
from pipelines.store import Store
from schemas.contract_model import Contract


def kept_of_deliveries(shelf: Path, receipts: Iterable[Receipt], contract: Contract) -> Iterator[Kept]:
    """Every file that was written for a delivery, as its receipt lists them, and any that was not."""
    for receipt in receipts:
        folder = shelf / receipt.delivery_id
        for name, digest in receipt.files.items():
            yield Kept(folder / name, digest, partial(_what_changed, folder / name, receipt, contract))
        if not receipt.reason:  # of a delivery that is being wiped, some may still lie there
            for path in accepted_files(folder):
                if path.name not in receipt.files:
                    yield Kept(path, None, partial(_place, receipt, f"{path.name} was never written"))


def kept_of_feed(store: Store, contract: Contract) -> Iterator[Kept]:
    """The files that were made of deliveries: copies cut to their days, and the list of superseded records.

    One that is not there was taken away by a kill, and is made again.
    """
    stored = store.pointer(contract.feed)
    for kept in store.kept(stored) if stored else ():
        is_made = kept.path.name.startswith(PREFIX) or kept.path.parent == store.folder(contract.feed)
        if is_made and kept.path.exists():
            yield kept


def _place(receipt: Receipt, what: str) -> str:
    return f"{receipt.feed}/{receipt.delivery_id}: {what}"


def _what_changed(path: Path, receipt: Receipt, contract: Contract) -> str:
    if not path.exists():
        return _place(receipt, f"{path.name} is gone since it was taken in")
    changed = f"{path.name} changed since it was taken in"
    if not path.name.startswith("accepted-"):
        return _place(receipt, changed)
    return _place(receipt, f"{changed}: {_difference(path.parent, receipt, contract)}")


def _difference(folder: Path, receipt: Receipt, contract: Contract) -> str:
    """Rows and pence gained or lost, at the first provider and month that was counted when it was taken in."""
    price = (pl.col(contract.price_column) * 100).cast(pl.Int64) if contract.price_column else pl.lit(0, pl.Int64)
    try:
        rows = pl.scan_parquet(accepted_files(folder), glob=False)
        counted = (
            rows.group_by(provider=provider(contract), month=activity_month(contract))
            .agg(rows=pl.len().cast(pl.Int64), pence=price.sum())
            .collect()
        )
    except (pl.exceptions.PolarsError, OSError):  # may quote what it read
        return "it cannot be read as the rows that were accepted"
    now = {(code, month): (count, pence) for code, month, count, pence in counted.rows()}
    accepted = (total for status, *total in receipt.totals if status == "accepted")
    then = {(code, month): (count, pence) for code, month, count, pence in accepted}
    for (code, month), before in sorted(then.items()):
        gaps = [after - was for after, was in zip(now.get((code, month), (0, 0)), before, strict=True)]
        if any(gaps):
            amounts = ", ".join(f"{gap:+d} {unit}" for gap, unit in zip(gaps, ("rows", "pence"), strict=True) if gap)
            return f"{amounts} (provider {code}, {month:%Y-%m})"
    return "rows of another provider or month came" if now.keys() - then.keys() else "other rows with the same sums"
