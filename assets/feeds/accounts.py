"""The tables that account for every delivery: receipts, totals, quarantine.

Belongs here: adding up what the receipts of all feeds say.
Does not belong here: judging deliveries (`intake.py`, `submission.py`).
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from assets.feeds.current import judged_receipts
from assets.feeds.cuts import months_moved
from assets.feeds.receipt import quarantine_files
from assets.feeds.submission import Judged
from assets.feeds.superseded import SUPERSEDED
from pipelines.store import Store, Stored, digest_of, fingerprint, frame_writer
from schemas.contract_model import Contract
from schemas.feeds import DELIVERY_RECEIPT, DELIVERY_TOTAL, QUARANTINE
from schemas.table import Table

_IN_THE_LEDGER = {"accepted", "superseded"}
_STATUSES = ("rejected", "superseded", "withdrawn", "accepted")


def build_delivery_receipt(store: Store, contracts: Mapping[str, Contract]) -> Stored:
    """What became of every delivery of every feed."""
    judged = _judged(store, contracts)
    return _build(
        store, DELIVERY_RECEIPT, judged, None, lambda: _delivery_receipts(judged, _totals(store, contracts, judged))
    )


def build_delivery_total(store: Store, contracts: Mapping[str, Contract]) -> Stored:
    """Rows and pence of every delivery, as counted at the door."""
    judged = _judged(store, contracts)
    priced = [feed for feed, contract in contracts.items() if contract.price_column]
    return _build(
        store,
        DELIVERY_TOTAL,
        judged,
        _IN_THE_LEDGER,
        lambda: _where_priced(_totals(store, contracts, judged), priced),
    )


def build_quarantine(store: Store, contracts: Mapping[str, Contract]) -> Stored:
    """Which row of which delivery broke which rule."""
    judged = _judged(store, contracts)
    return _build(store, QUARANTINE, judged, _IN_THE_LEDGER, lambda: _quarantine(store, judged))


def _judged(store: Store, contracts: Mapping[str, Contract]) -> dict[str, list[Judged]]:
    return {feed: judged_receipts(store.root / feed) for feed in contracts}


def _build(
    store: Store,
    table: Table,
    judged: Mapping[str, list[Judged]],
    verdicts: Collection[str] | None,
    make: Callable[[], pl.DataFrame],
) -> Stored:
    """Build a table of the deliveries with these verdicts, or of all, unless they and their rows stand as before."""

    def write(target: Path) -> int:
        return frame_writer(table, make())(target)

    return store.write(table, None, _key(store, table, judged, verdicts), write)


def _totals(store: Store, contracts: Mapping[str, Contract], judged: Mapping[str, list[Judged]]) -> pl.DataFrame:
    superseded = {feed: _superseded(store, feed) for feed in contracts}
    moved = {feed: _moved(store, contract, judged[feed], superseded[feed]) for feed, contract in contracts.items()}
    return _delivery_totals(judged, superseded, moved)


def _key(store: Store, table: Table, judged: Mapping[str, list[Judged]], verdicts: Collection[str] | None) -> str:
    """Digest of the current rows and the deliveries with these verdicts, or all: a repeat changes its receipt alone."""
    stored = {feed: store.current(feed) for feed in judged}
    return fingerprint(
        repr(table),
        digest_of(Path(__file__)),
        {feed: current and current.content for feed, current in stored.items()},
        {
            feed: [
                (j.receipt.delivery_id, j.receipt.rows_key, j.verdict, None if verdicts else j.reason)
                for j in found
                if verdicts is None or j.verdict in verdicts
            ]
            for feed, found in judged.items()
        },
    )


def _where_priced(totals: pl.DataFrame, priced: list[str]) -> pl.DataFrame:
    return totals.with_columns(submitted_pence=pl.when(pl.col("feed").is_in(priced)).then("submitted_pence"))


def _superseded(store: Store, feed: str) -> pl.DataFrame:
    stored = store.current(feed)
    kept = store.root / stored.without if stored and stored.without else None
    return pl.read_parquet(kept, glob=False) if kept else pl.DataFrame(schema=SUPERSEDED)


def _moved(store: Store, contract: Contract, judged: list[Judged], superseded: pl.DataFrame) -> pl.DataFrame:
    stored = store.current(contract.feed)
    return months_moved(store.paths(stored) if stored else [], superseded, [j.receipt for j in judged], contract)


_TOTAL_SCHEMA = {
    "feed": pl.String,
    "delivery_id": pl.String,
    "status": pl.String,
    "provider_code": pl.String,
    "activity_month": pl.Date,
    "record_count": pl.Int64,
    "submitted_pence": pl.Int64,
}


def _delivery_totals(
    judged: Mapping[str, list[Judged]],
    superseded: Mapping[str, pl.DataFrame],
    moved: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    rows = [
        (
            feed,
            j.receipt.delivery_id,
            "superseded" if status == "accepted" and j.verdict == "superseded" else status,
            *rest,
        )
        for feed, found in judged.items()
        for j in found
        if j.verdict in _IN_THE_LEDGER
        for status, *rest in j.receipt.totals
    ]
    counted = [pl.DataFrame(rows, schema=_TOTAL_SCHEMA, orient="row")]
    for feed, records in superseded.items():
        gone = records.group_by("delivery_id", "provider_code", "activity_month").agg(
            record_count=pl.len().cast(pl.Int64), submitted_pence=pl.col("submitted_pence").sum()
        )
        cut = moved[feed]
        for found, status, sign in (
            (gone, "superseded", 1),
            (gone, "accepted", -1),
            (cut, "accepted", -1),
            (cut.with_columns(activity_month="moved_to"), "accepted", 1),
        ):
            counted.append(
                found.with_columns(
                    pl.lit(feed).alias("feed"),
                    pl.lit(status).alias("status"),
                    pl.col("record_count", "submitted_pence") * sign,
                ).select(_TOTAL_SCHEMA.keys())
            )
    keys = [name for name in _TOTAL_SCHEMA if name not in {"record_count", "submitted_pence"}]
    return pl.concat(counted).group_by(keys).agg(pl.col("record_count", "submitted_pence").sum())


def _delivery_receipts(judged: Mapping[str, list[Judged]], totals: pl.DataFrame) -> pl.DataFrame:
    by_status = totals.group_by("feed", "delivery_id", "status").agg(pl.col("record_count", "submitted_pence").sum())
    counted = {(feed, delivery, status): (rows, pence) for feed, delivery, status, rows, pence in by_status.rows()}
    records = [_receipt_row(feed, j, counted) for feed, found in judged.items() for j in found]
    return pl.DataFrame(records, schema=DELIVERY_RECEIPT.empty_frame().schema)


def _receipt_row(feed: str, judged: Judged, counted: Mapping[tuple[str, str, str], tuple[int, int]]) -> dict[str, Any]:
    receipt = judged.receipt
    counts = {status: counted.get((feed, receipt.delivery_id, status), (0, 0)) for status in _STATUSES}
    if judged.verdict not in _IN_THE_LEDGER:
        counts["superseded" if judged.verdict == "repeat" else "rejected"] = receipt.received_rows, receipt.pence()
    return {
        "feed": feed,
        "delivery_id": receipt.delivery_id,
        "supplier": receipt.supplier,
        "contract_version": receipt.contract_version,
        "period_start": receipt.period_start,
        "period_end": receipt.period_end,
        "received_date": receipt.received_at.date() if receipt.received_at else None,
        "is_synthetic": receipt.synthetic,
        "dialect": receipt.dialect,
        "verdict": judged.verdict,
        "reason": judged.reason,
        "received_rows": receipt.received_rows,
        "received_pence": receipt.pence(),
        "announced_rows": receipt.announced_rows,
        "announced_pence": receipt.announced_pence,
        **{f"{status}_rows": rows for status, (rows, _) in counts.items()},
        **{f"{status}_pence": pence for status, (_, pence) in counts.items()},
        "released_rows": receipt.released_rows,
        "unreadable_price_rows": receipt.unreadable_prices,
    }


def _quarantine(store: Store, judged: Mapping[str, list[Judged]]) -> pl.DataFrame:
    found = [
        pl.read_parquet(path, glob=False).with_columns(
            pl.lit(feed).alias("feed"), pl.lit(j.receipt.delivery_id).alias("delivery_id")
        )
        for feed, many in judged.items()
        for j in many
        if j.verdict in _IN_THE_LEDGER
        for path in quarantine_files(store.root / feed / j.receipt.delivery_id)
    ]
    return pl.concat(found) if found else QUARANTINE.empty_frame()
