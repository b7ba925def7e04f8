"""Records that run over time, of a delivery that others supersede in part: copies cut to the days that remain.

Belongs here: writing the copies, and the months to which their records then count.
Does not belong here: which days remain (`submission.py`).
"""

import uuid
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl

from assets.feeds.receipt import Receipt, accepted_files
from assets.feeds.sorting import activity_month
from assets.feeds.submission import Remains, Span, Standing
from assets.feeds.superseded import counts_within, is_of, provider
from pipelines.store import digest_of, fingerprint
from schemas.contract_model import Contract

PREFIX = "cut-"


def current_files(one: Standing, shelf: Path, contract: Contract) -> list[tuple[Path, Span]]:
    """The files that hold the current rows of a delivery, and the period that they cover.

    They are its accepted parts, unless its records run over time and count on some of its days only: then copies of
    those parts, with the remaining days as their period and without the rows that touch none of them.
    """
    receipt, folder = one.receipt, shelf / one.receipt.delivery_id
    assert receipt.period_start
    assert receipt.period_end
    whole = (receipt.period_start, receipt.period_end)
    parts = accepted_files(folder)
    kept = [(remains, days) for remains in one.remains for days in remains.days]
    if not contract.interval_columns or all(days == whole for _, days in kept):
        return [(part, whole) for part in parts]
    read = sorted(receipt.files.items())  # a copy of other rows has another name
    name = PREFIX + fingerprint(repr(one.remains), read, digest_of(Path(__file__)))[:12]
    bounds = min(days[0] for _, days in kept), max(days[1] for _, days in kept)
    copies = [folder / f"{name}-{place:05d}.parquet" for place in range(len(parts))]
    for part, copy in zip(parts, copies, strict=True):
        if not copy.exists():
            _cut(part, copy, kept, contract)
    return [(copy, bounds) for copy in copies]


def _cut(part: Path, copy: Path, kept: list[tuple[Remains, Span]], contract: Contract) -> None:
    rows = pl.read_parquet(part, glob=False)
    stays = [is_of(remains, contract) & counts_within(days, contract) for remains, days in kept]
    first, last = (
        pl.coalesce(pl.when(is_of(remains, contract)).then(pl.lit(days[place])) for remains, days in kept)
        for place in (0, 1)
    )
    schema = contract.accepted_schema
    staged = copy.with_name(f".{uuid.uuid4().hex}.tmp")
    rows.filter(pl.any_horizontal(stays)).with_columns(period_start=first, period_end=last).select(
        schema.names
    ).write_parquet(staged, arrow_schema=schema)
    staged.replace(copy)


def is_copy(path: Path) -> bool:
    """Whether a file is such a copy, which can be made again."""
    return path.name.startswith(PREFIX)


def remove_unneeded(shelf: Path, needed: Iterable[Path]) -> None:
    """Remove the copies that nothing points at any longer."""
    for path in set(shelf.glob(f"*/{PREFIX}*.parquet")) - set(needed):
        path.unlink()


def months_moved(
    files: Iterable[Path], superseded: pl.DataFrame, receipts: Iterable[Receipt], contract: Contract
) -> pl.DataFrame:
    """Current rows that count to another month, once cut, than when they were taken in.

    Returns:
        Rows and pence by delivery_id, provider_code, activity_month as taken in and activity_month as cut (`moved_to`).
    """
    periods = {receipt.delivery_id: (receipt.period_start, receipt.period_end) for receipt in receipts}
    price = (pl.col(contract.price_column) * 100).cast(pl.Int64) if contract.price_column else pl.lit(0, pl.Int64)
    found = [pl.DataFrame(schema=_MOVED)]
    for path in files:
        if is_copy(path):
            before: tuple[date | None, date | None] = periods[path.parent.name]
            found.append(
                pl.scan_parquet(path, glob=False)
                .join(superseded.lazy(), on=["delivery_id", "source_row"], how="anti")
                .with_columns(moved_to=activity_month(contract))
                .with_columns(period_start=pl.lit(before[0]), period_end=pl.lit(before[1]))
                .group_by(
                    "delivery_id", "moved_to", provider_code=provider(contract), activity_month=activity_month(contract)
                )
                .agg(record_count=pl.len().cast(pl.Int64), submitted_pence=price.sum())
                .filter(pl.col("moved_to") != pl.col("activity_month"))
                .select(_MOVED.keys())
                .collect()
            )
    return pl.concat(found)


_MOVED: dict[str, type[pl.DataType]] = {
    "delivery_id": pl.String,
    "provider_code": pl.String,
    "activity_month": pl.Date,
    "moved_to": pl.Date,
    "record_count": pl.Int64,
    "submitted_pence": pl.Int64,
}
