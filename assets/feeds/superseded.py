"""The single records of current deliveries that are not current: replaced, inactive, deleted or sent again.

Belongs here: the list of superseded records, which every reader of a feed leaves out.
Does not belong here: which deliveries are current (`submission.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl

from assets.feeds.companions import ACTIVE_SUBMISSIONS, DELETES, companion_file
from assets.feeds.receipt import UNKNOWN, Receipt, accepted_files
from assets.feeds.sorting import SOURCE_ROW, activity_day, activity_month
from assets.feeds.submission import Remains, Span, Standing
from schemas.contract_model import Contract

SUPERSEDED: dict[str, type[pl.DataType] | pl.DataType] = {
    "delivery_id": pl.String,
    "source_row": pl.Int64,
    "provider_code": pl.String,
    "activity_month": pl.Date,
    "submitted_pence": pl.Int64,
}
_ROW = ("delivery_id", SOURCE_ROW)


def superseded_records(standing: Sequence[Standing], shelf: Path, contract: Contract) -> pl.DataFrame:
    """Rows of current deliveries that are not current.

    Those outside the days that remain of their delivery; those whose submission is not active; those deleted later; and
    of the rest, those whose record key comes again, where the latest period wins, then the latest received. A delivery
    that no other bears upon is read for its record keys alone.

    Returns:
        One row per superseded record: delivery_id, source_row, provider_code, activity_month, submitted_pence.
    """
    found = [pl.DataFrame(schema=SUPERSEDED)]
    for one in standing:
        tests = [*_replaced(one, contract), *_inactive(one, shelf, contract)]
        if not tests and not one.deletes:
            continue
        rows = _rows([one.receipt], shelf, contract)
        if tests:
            found.append(_listed(rows.filter(pl.any_horizontal(tests)), contract))
        if deleted := _deleted(one, shelf):
            key = list(contract.record_key)
            found.append(_listed(rows.join(pl.concat(deleted), on=key, how="semi", nulls_equal=True), contract))
    gone = pl.concat(found).unique(_ROW)
    return pl.concat([gone, _sent_again(standing, shelf, contract, gone)]).sort(_ROW)


def _rows(receipts: Iterable[Receipt], shelf: Path, contract: Contract) -> pl.LazyFrame:
    files = [file for receipt in receipts for file in accepted_files(shelf / receipt.delivery_id)]
    # What stays as it was accepted may lack columns that the contract has gained since.
    known = pl.DataFrame(contract.accepted_schema.empty_table()).schema
    return pl.scan_parquet(files, glob=False, schema=known, missing_columns="insert", extra_columns="ignore")


def _listed(rows: pl.LazyFrame, contract: Contract) -> pl.DataFrame:
    price = (pl.col(contract.price_column) * 100).cast(pl.Int64) if contract.price_column else pl.lit(0, pl.Int64)
    described = {"provider_code": provider(contract), "activity_month": activity_month(contract)}
    return rows.select(*_ROW, **described, submitted_pence=price).collect()


def provider(contract: Contract) -> pl.Expr:
    """The provider under whom a row counts."""
    return (pl.col(contract.provider_column) if contract.provider_column else pl.lit(UNKNOWN)).fill_null(UNKNOWN)


def is_of(remains: Remains, contract: Contract) -> pl.Expr:
    """Whether a row is of these providers."""
    return provider(contract).is_in(remains.providers)


def counts_within(days: Span, contract: Contract) -> pl.Expr:
    """Whether a row counts on any of these days."""
    if contract.interval_columns:
        first, last = contract.interval_columns
        return (pl.col(first).fill_null(date.min) <= days[1]) & (pl.col(last).fill_null(date.max) >= days[0])
    return activity_day(contract).is_between(*days)


def _replaced(one: Standing, contract: Contract) -> list[pl.Expr]:
    stays = [
        is_of(remains, contract) & counts_within(days, contract) for remains in one.remains for days in remains.days
    ]
    return [~pl.any_horizontal(stays)] if one.remains else []


def _inactive(one: Standing, shelf: Path, contract: Contract) -> list[pl.Expr]:
    """A record that names no submission is left alone: nothing says that it is not active."""
    if not (one.active and contract.submission_column):
        return []
    listed = pl.read_parquet(companion_file(shelf / one.active.delivery_id, ACTIVE_SUBMISSIONS), glob=False)
    active = listed[contract.submission_column].to_list()
    return [(~pl.col(contract.submission_column).is_in(active)).fill_null(False)]


def _deleted(one: Standing, shelf: Path) -> list[pl.LazyFrame]:
    """Keys to delete, of the same pseudonym domain: the same pseudonym in another domain is another person."""
    return [
        pl.scan_parquet(companion_file(shelf / other.delivery_id, DELETES), glob=False)
        for other in one.deletes
        if other.pseudonym_domain == one.receipt.pseudonym_domain
    ]


def _sent_again(standing: Sequence[Standing], shelf: Path, contract: Contract, gone: pl.DataFrame) -> pl.DataFrame:
    """Rows whose record key comes again in a later delivery. A key is one of its supplier and pseudonym domain."""
    current = [one.receipt for one in standing]
    if not contract.record_key or len(current) < 2:  # noqa: PLR2004  one delivery cannot repeat another's records
        return pl.DataFrame(schema=SUPERSEDED)
    key = (*contract.record_key, "pseudonym_domain", "supplier")
    supplier = {receipt.delivery_id: receipt.supplier for receipt in current}
    rank = {receipt.delivery_id: place for place, receipt in enumerate(sorted(current, key=_latest))}
    rows = _rows(current, shelf, contract).with_columns(
        supplier=pl.col("delivery_id").replace_strict(supplier, return_dtype=pl.String)
    )
    # Digests first: they cost eight bytes a row, and the few rows that share one are then compared in full.
    digests = rows.select(pl.struct(key).hash().alias("digest")).collect().to_series()
    shared = digests.filter(digests.is_duplicated()).unique()
    if shared.is_empty():
        return pl.DataFrame(schema=SUPERSEDED)
    needed = {*key, *_ROW, contract.provider_column, contract.price_column, contract.activity_date_column}
    needed |= {"period_start", "period_end", *(contract.interval_columns or ())}
    candidates = (
        rows.with_columns(digest=pl.struct(key).hash())
        .join(shared.to_frame("digest").lazy(), on="digest", how="semi")
        .select(sorted(name for name in needed if name))
        .with_columns(rank=pl.col("delivery_id").replace_strict(rank, return_dtype=pl.Int64))
        .collect()
        .join(gone, on=_ROW, how="anti")
    )
    is_latest = pl.col("rank") == pl.col("rank").max().over(key)
    return _listed(candidates.filter(~is_latest).lazy(), contract)


def _latest(receipt: Receipt) -> tuple[date, datetime, str]:
    assert receipt.period_end
    assert receipt.received_at
    return receipt.period_end, receipt.received_at, receipt.delivery_id


def why(one: Standing, standing: Sequence[Standing], shelf: Path, contract: Contract, source_row: int) -> str:
    """Why a row of a current delivery is not current: as in `superseded_records`, of one row."""
    row = _rows([one.receipt], shelf, contract).filter(pl.col(SOURCE_ROW) == source_row).collect()
    if (replaced := _replaced(one, contract)) and row.select(replaced[0]).item():
        by = [other.receipt for other in standing if _holds_later(other.receipt, one.receipt, row, contract)]
        return f"its provider and day were sent again, in {_named(by)}"
    if one.active and (inactive := _inactive(one, shelf, contract)) and row.select(inactive[0]).item():
        return f"its submission is not among the active ones of {one.active.delivery_id}"
    key = list(contract.record_key)
    deletes = _deleted(one, shelf)
    if any(not row.lazy().join(keys, on=key, how="semi", nulls_equal=True).collect().is_empty() for keys in deletes):
        return f"deleted, by {_named(one.deletes)}"
    domain = [*key, "pseudonym_domain"]
    again = [
        other.receipt
        for other in standing
        if other is not one
        and other.receipt.supplier == one.receipt.supplier
        and _latest(other.receipt) > _latest(one.receipt)
        and not _rows([other.receipt], shelf, contract).join(row.lazy(), on=domain, how="semi").collect().is_empty()
    ]
    return f"the same record came again, in {_named(again)}"


def _holds_later(one: Receipt, other: Receipt, row: pl.DataFrame, contract: Contract) -> bool:
    """Whether a delivery was received after another of its supplier and is of a period in which a row counts."""
    if one.supplier != other.supplier or _latest(one)[1:] <= _latest(other)[1:]:
        return False
    assert one.period_start
    assert one.period_end
    return bool(row.select(counts_within((one.period_start, one.period_end), contract)).item())


def _named(receipts: Iterable[Receipt]) -> str:
    names = [receipt.delivery_id for receipt in receipts]
    return names[0] if len(names) == 1 else f"one of {', '.join(names[:3])}{' and others' if names[3:] else ''}"
