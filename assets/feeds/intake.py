"""Take in one delivery: cast, check every rule, keep accepted and rejected rows apart, write the receipt.

Belongs here: one delivery, judged on its own.
Does not belong here: what another delivery of the same feed says (`submission.py`).
"""

import json
import logging
import shutil
import uuid
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from assets.feeds import reading
from assets.feeds.delivery import Delivery, RefusedDeliveryError
from assets.feeds.reading import SOURCE_ROW, read_text
from pipelines.store import digest_of, fingerprint
from schemas import row_checks
from schemas.contract import Contract
from schemas.row_checks import broken, raw_as_received, raw_columns, typed_columns

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
_PENCE = 100


@dataclass(frozen=True)
class Receipt:
    """What became of one delivery, judged on its own.

    Attributes:
        intake_key: digest of the announcement, the contract and the code; the same key is accepted once.
        content: digests of the files, by which a repeat is known.
        reason: why it was refused, or None.
        totals: rows and pence by (status, provider, month).
        unreadable_prices: rejected rows whose price is no amount of money, so that their pence are unknown.
    """

    delivery_id: str
    feed: str
    supplier: str
    contract_version: str
    pseudonym_domain: str
    synthetic: bool
    period_start: date | None
    period_end: date | None
    received_at: datetime | None
    intake_key: str
    content: tuple[str, ...] = ()
    reason: str | None = None
    received_rows: int = 0
    totals: tuple[tuple[str, str, date, int, int], ...] = ()
    unreadable_prices: int = 0

    def rows(self, status: str) -> int:
        """Rows that the delivery, judged on its own, has of a status."""
        return sum(rows for found, _, _, rows, _ in self.totals if found == status)

    def pence(self) -> int:
        """Submitted price of all its rows."""
        return sum(pence for *_, pence in self.totals)

    def dump(self) -> str:
        """The receipt as JSON."""
        return json.dumps(asdict(self), indent=1, default=str)

    @staticmethod
    def load(path: Path) -> "Receipt":
        """Read a receipt back."""
        record: dict[str, Any] = json.loads(path.read_text())
        for name in ("period_start", "period_end"):
            record[name] = record[name] and date.fromisoformat(record[name])
        record["received_at"] = record["received_at"] and datetime.fromisoformat(record["received_at"])
        record["content"] = tuple(record["content"])
        record["totals"] = tuple((s, p, date.fromisoformat(m), n, c) for s, p, m, n, c in record["totals"])
        return Receipt(**record)


def intake_key(delivery: Delivery, contract: Contract) -> str:
    """Digest of what the outcome depends on: the announcement with its hashes, the contract, the code."""
    return fingerprint(delivery.manifest, contract.text, _code())


@cache
def _code() -> list[str]:
    return [digest_of(Path(module)) for module in (__file__, reading.__file__, row_checks.__file__)]


def take_in(delivery: Delivery, contract: Contract, shelf: Path) -> Receipt:
    """Judge a delivery and put its rows on the shelf (`store/<feed>/`), in one step.

    Writes `accepted.parquet` (the contract's columns and provenance), `quarantine.parquet` (row number, first rule
    broken, rules broken) and `quarantined_row.parquet` (the rejected rows as received). A refused delivery leaves its
    receipt and nothing else, unless it was accepted before: then its rows stay, for a file that was moved to an
    archive must not take a month away.
    """
    staged = shelf / f".{uuid.uuid4().hex}.tmp"
    staged.mkdir(parents=True)
    key = intake_key(delivery, contract)
    try:
        receipt = _judge(delivery, contract, staged, key)
    except RefusedDeliveryError as refusal:
        receipt = _receipt(delivery, key, reason=str(refusal))
    final = shelf / delivery.delivery_id
    if receipt.reason and (final / "accepted.parquet").exists():
        shutil.rmtree(staged)
        log.warning("%s/%s stays as it was accepted: %s", contract.feed, delivery.delivery_id, receipt.reason)
        return Receipt.load(final / "receipt.json")
    (staged / "receipt.json").write_text(receipt.dump())
    shutil.rmtree(final, ignore_errors=True)
    staged.rename(final)
    return receipt


def _judge(delivery: Delivery, contract: Contract, staged: Path, key: str) -> Receipt:
    if _major(delivery.contract_version) != _major(contract.version):
        raise RefusedDeliveryError(
            f"announced under contract version {delivery.contract_version}, known is {contract.version}."
        )
    checked = _check(delivery, contract)
    if checked.height != delivery.announced_rows:
        raise RefusedDeliveryError(
            f"{delivery.announced_rows} rows are announced and {checked.height} arrived. Send the delivery again."
        )
    accepted, rejected = _apart(checked)
    accepted.select(contract.accepted_schema.names).write_parquet(
        staged / "accepted.parquet", arrow_schema=contract.accepted_schema
    )
    if rejected.height:
        rejected.select(SOURCE_ROW, "rule_code", "broken_rule_count").write_parquet(staged / "quarantine.parquet")
        rejected.select(SOURCE_ROW, *raw_as_received(contract)).write_parquet(staged / "quarantined_row.parquet")
    price = contract.price_column
    return _receipt(
        delivery,
        key,
        received_rows=checked.height,
        totals=(*_totals("accepted", accepted, contract), *_totals("rejected", rejected, contract, accepted)),
        unreadable_prices=rejected.filter(pl.col(price).is_null() & pl.col(f"raw:{price}").is_not_null()).height
        if price
        else 0,
    )


def _major(version: str) -> str:
    return version.partition(".")[0]


def _check(delivery: Delivery, contract: Contract) -> pl.DataFrame:
    """Typed rows with whether each is rejected, by which rule first and by how many."""
    provenance = [
        pl.lit(delivery.delivery_id).alias("delivery_id"),
        pl.lit(delivery.pseudonym_domain).alias("pseudonym_domain"),
        pl.lit(delivery.period_start).alias("period_start"),
        pl.lit(delivery.period_end).alias("period_end"),
    ]
    rules = broken(contract)
    frame = (
        read_text(delivery, contract)
        .with_columns(raw_columns(contract))
        .with_columns(typed_columns(contract) + provenance)
        .with_columns(is_rejected=pl.any_horizontal(*rules.values()))
    )
    try:
        rows = frame.collect()
    except (pl.exceptions.PolarsError, OSError) as error:  # the error may quote content, so it is not shown
        raise RefusedDeliveryError("its rows cannot be read to the end. Send the delivery again.") from error
    return _mark_duplicates(_name_rules(rows, rules), contract)


def _name_rules(rows: pl.DataFrame, rules: dict[str, pl.Expr]) -> pl.DataFrame:
    """Say of each rejected row which rule it breaks first and how many it breaks."""
    if not rows["is_rejected"].any():
        return rows.with_columns(rule_code=pl.lit(None, pl.String), broken_rule_count=pl.lit(None, pl.Int32))
    named = (
        rows.filter("is_rejected")
        .with_columns(
            rule_code=pl.coalesce(pl.when(expression).then(pl.lit(code)) for code, expression in rules.items()),
            broken_rule_count=pl.sum_horizontal(*rules.values()).cast(pl.Int32),
        )
        .select(SOURCE_ROW, "rule_code", "broken_rule_count")
    )
    return rows.join(named, on=SOURCE_ROW, how="left", maintain_order="left")


def _mark_duplicates(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Reject every row whose record key stands on an earlier row that is not rejected."""
    if not contract.record_key or _all_differ(rows, contract.record_key):
        return rows
    key = pl.struct("is_rejected", *contract.record_key)
    repeats = ~pl.col("is_rejected") & ~key.is_first_distinct()
    return rows.with_columns(
        is_rejected=pl.col("is_rejected") | repeats,
        rule_code=pl.when(repeats).then(pl.lit(f"{contract.feed}.duplicate_record")).otherwise("rule_code"),
        broken_rule_count=pl.when(repeats).then(pl.lit(1, pl.Int32)).otherwise("broken_rule_count"),
    )


def _all_differ(rows: pl.DataFrame, key: tuple[str, ...]) -> bool:
    """Whether no two keys have the same digest, which settles nearly every delivery at a fraction of the cost."""
    return rows.select(pl.struct(key).hash().n_unique()).item() == rows.height


def _apart(checked: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accepted and rejected rows; nothing is copied where all are accepted."""
    if not checked["is_rejected"].any():
        return checked, checked.clear()
    return checked.filter(~pl.col("is_rejected")), checked.filter("is_rejected")


def _totals(
    status: str, rows: pl.DataFrame, contract: Contract, trusted: pl.DataFrame | None = None
) -> list[tuple[str, str, date, int, int]]:
    """Rows and pence by provider and month; a rejected row's provider counts only if accepted rows know it too."""
    provider = pl.col(contract.provider_column) if contract.provider_column else pl.lit(UNKNOWN)
    if trusted is not None and contract.provider_column:
        provider = pl.when(provider.is_in(trusted[contract.provider_column].unique().to_list())).then(provider)
    pence = (pl.col(contract.price_column) * _PENCE).cast(pl.Int64) if contract.price_column else pl.lit(0)
    return (
        rows.group_by(
            provider=provider.fill_null(UNKNOWN),
            month=activity_month(contract),
        )
        .agg(rows=pl.len().cast(pl.Int64), pence=pence.sum().cast(pl.Int64))
        .sort("provider", "month")
        .select(pl.lit(status), "provider", "month", "rows", "pence")
        .rows()
    )


def activity_month(contract: Contract) -> pl.Expr:
    """First day of the month to which a record counts: never outside the period of its delivery."""
    day = pl.col(contract.activity_date_column) if contract.activity_date_column else pl.col("period_end")
    inside = day.fill_null(pl.col("period_end")).clip(pl.col("period_start"), pl.col("period_end"))
    return inside.dt.truncate("1mo")


def _receipt(delivery: Delivery, key: str, **outcome: Any) -> Receipt:
    return Receipt(
        delivery_id=delivery.delivery_id,
        feed=delivery.feed,
        supplier=delivery.supplier,
        contract_version=delivery.contract_version,
        pseudonym_domain=delivery.pseudonym_domain,
        synthetic=delivery.synthetic,
        period_start=delivery.period_start,
        period_end=delivery.period_end,
        received_at=delivery.received_at,
        intake_key=key,
        content=tuple(sorted(file.sha256.lower() for file in delivery.files)),
        **outcome,
    )


def empty_accepted(contract: Contract, target: Path) -> None:
    """An accepted table without rows, for a feed that has not been delivered yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([], contract.accepted_schema), target)
