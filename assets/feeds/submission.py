"""Which deliveries and records are current: the same answer in whatever order they arrived.

Belongs here: rules over all receipts of one feed.
Does not belong here: judging a delivery on its own (`intake.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from assets.feeds.receipt import UNKNOWN, Receipt, accepted_files
from assets.feeds.sorting import activity_month
from schemas.contract_model import Contract

Verdict = Literal["accepted", "superseded", "repeat", "refused"]

_NEVER = datetime.min.replace(tzinfo=UTC)  # stands for the time of an announcement that cannot be read


@dataclass(frozen=True)
class Judged:
    """A receipt with what the other deliveries of its feed make of it."""

    receipt: Receipt
    verdict: Verdict
    reason: str | None = None


def judge(receipts: Iterable[Receipt], contract: Contract) -> list[Judged]:
    """Verdict on every delivery of a feed.

    In the order in which the supplier's deliveries were received: a delivery with the same files as an earlier one is a
    repeat; one whose period covers an earlier one's supersedes it; one that overlaps an earlier period without covering
    it is refused, because rows of the overlap would count twice. Of a snapshot feed the latest period wins.
    """
    judged: dict[str, Judged] = {}
    for receipt in sorted(receipts, key=_received):
        judged[receipt.delivery_id] = _against_earlier(receipt, judged, contract)
    return list(judged.values())


def _received(receipt: Receipt) -> tuple[datetime, str]:
    return receipt.received_at or _NEVER, receipt.delivery_id


def _against_earlier(receipt: Receipt, judged: dict[str, Judged], contract: Contract) -> Judged:
    if receipt.reason:
        return Judged(receipt, "refused", receipt.reason)
    others = [j for j in judged.values() if j.receipt.supplier == receipt.supplier and not j.receipt.reason]
    if any(_same_content(j.receipt, receipt) for j in others if j.verdict != "repeat"):
        return Judged(receipt, "repeat", "the same files were received before")
    standing = [j.receipt for j in others if j.verdict == "accepted"]
    if contract.submission_rule == "snapshot":
        later = [other for other in standing if _end(other) > _end(receipt)]
        if later:
            return Judged(receipt, "superseded")
        superseded = standing
    else:
        overlapping = [other for other in standing if _start(other) <= _end(receipt) and _start(receipt) <= _end(other)]
        superseded = [o for o in overlapping if _start(receipt) <= _start(o) and _end(o) <= _end(receipt)]
        if clash := [other.delivery_id for other in overlapping if other not in superseded]:
            return Judged(
                receipt, "refused", f"overlaps the period of {clash[0]} without covering it. Send whole periods again."
            )
    for other in superseded:
        judged[other.delivery_id] = Judged(other, "superseded")
    return Judged(receipt, "accepted")


def _same_content(one: Receipt, other: Receipt) -> bool:
    return (one.content, one.period_start, one.period_end) == (other.content, other.period_start, other.period_end)


def _start(receipt: Receipt) -> date:
    assert receipt.period_start
    return receipt.period_start


def _end(receipt: Receipt) -> date:
    assert receipt.period_end
    return receipt.period_end


def superseded_records(current: Sequence[Receipt], shelf: Path, contract: Contract) -> pl.DataFrame:
    """Rows of current deliveries whose record key comes again: the latest period wins, then the latest received.

    A key is one of its pseudonym domain: the same pseudonym in another domain is another person.

    Returns:
        One row per superseded record: delivery_id, source_row, provider_code, activity_month, submitted_pence.
    """
    price = (pl.col(contract.price_column) * 100).cast(pl.Int64) if contract.price_column else pl.lit(0, pl.Int64)
    provider = pl.col(contract.provider_column) if contract.provider_column else pl.lit(UNKNOWN)
    if not contract.record_key or len(current) < 2:  # noqa: PLR2004  one delivery cannot repeat another's records
        return pl.DataFrame(schema=_SUPERSEDED)
    files = [file for receipt in current for file in accepted_files(shelf / receipt.delivery_id)]
    key = (*contract.record_key, "pseudonym_domain", "supplier")
    supplier = {receipt.delivery_id: receipt.supplier for receipt in current}
    rank = {receipt.delivery_id: place for place, receipt in enumerate(sorted(current, key=_precedence))}
    rows = pl.scan_parquet(files, glob=False).with_columns(
        supplier=pl.col("delivery_id").replace_strict(supplier, return_dtype=pl.String)
    )
    # Digests first: they cost eight bytes a row, and the few rows that share one are then compared in full.
    digests = rows.select(pl.struct(key).hash().alias("digest")).collect().to_series()
    shared = digests.filter(digests.is_duplicated()).unique()
    if shared.is_empty():
        return pl.DataFrame(schema=_SUPERSEDED)
    candidates = (
        rows.filter(pl.struct(key).hash().is_in(shared.to_list()))
        .with_columns(
            rank=pl.col("delivery_id").replace_strict(rank, return_dtype=pl.Int64),
            provider_code=provider,
            activity_month=activity_month(contract),
            submitted_pence=price,
        )
        .collect()
    )
    latest = pl.col("rank") == pl.col("rank").max().over(key)
    return candidates.filter(~latest).select(_SUPERSEDED.keys()).sort("delivery_id", "source_row")


_SUPERSEDED: dict[str, type[pl.DataType] | pl.DataType] = {
    "delivery_id": pl.String,
    "source_row": pl.Int64,
    "provider_code": pl.String,
    "activity_month": pl.Date,
    "submitted_pence": pl.Int64,
}


def _precedence(receipt: Receipt) -> tuple[date, datetime, str]:
    return (_end(receipt), *_received(receipt))
