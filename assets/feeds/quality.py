"""How often each delivery broke each rule of its contract, and whether that is within the limit.

Belongs here: the counts on the receipts beside the contracts' limits; the same results under other limits.
Does not belong here: counting (`sorting.py`), refusing a delivery (`submission.py`), drawing (`trend.py`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from assets.feeds.current import judged_receipts
from assets.feeds.receipt import Receipt
from pipelines.store import Store, Stored, digest_of, fingerprint, frame_writer
from schemas.contract_model import Contract, Limit
from schemas.feeds import RULE_RESULT

_SCHEMA = RULE_RESULT.empty_frame().schema
_DELIVERY = ("feed", "delivery_id", "supplier", "period_start", "period_end", "row_count")
_RULE = ("feed", "rule_code", "kind", "category", "severity", "count_limit", "rate_limit")
_BROKEN = ("feed", "delivery_id", "rule_code", "broken_count")


def build_rule_result(store: Store, contracts: Mapping[str, Contract]) -> Stored:
    """Every rule of every delivery whose rows were counted. A changed limit changes it, and no delivery is read."""
    counted = {feed: _counted(store.root / feed) for feed in contracts}

    def write(target: Path) -> int:
        return frame_writer(RULE_RESULT, rule_results(counted, contracts))(target)

    rules = {feed: repr(contract.rules) for feed, contract in contracts.items()}
    deliveries = {feed: [(r.delivery_id, r.intake_key) for r in found] for feed, found in counted.items()}
    return store.write(
        RULE_RESULT, None, fingerprint(repr(RULE_RESULT), digest_of(Path(__file__)), rules, deliveries), write
    )


def _counted(shelf: Path) -> list[Receipt]:
    """Receipts of deliveries that tell of their rows: not one refused before they were counted, nor a repeat."""
    receipts = (judged.receipt for judged in judged_receipts(shelf) if judged.verdict != "repeat")
    return [receipt for receipt in receipts if receipt.received_rows or not receipt.reason]


def rule_results(counted: Mapping[str, Sequence[Receipt]], contracts: Mapping[str, Contract]) -> pl.DataFrame:
    """The receipts' counts by rule, with the rules' limits; a rule that no row broke has a count of zero."""
    deliveries = [
        (feed, r.delivery_id, r.supplier, r.period_start, r.period_end, r.received_rows)
        for feed, found in counted.items()
        for r in found
    ]
    rules = [
        (feed, rule.code, rule.kind, rule.category, rule.severity, rule.limit.count, rule.limit.rate)
        for feed in contracts
        for rule in contracts[feed].rules
    ]
    broken = [
        (feed, r.delivery_id, code, count)
        for feed, found in counted.items()
        for r in found
        for code, count in r.broken.items()
    ]
    joined = _frame(deliveries, _DELIVERY).join(_frame(rules, _RULE), on="feed", validate="m:m")
    counts = joined.join(
        _frame(broken, _BROKEN), on=["feed", "delivery_id", "rule_code"], how="left", validate="1:1"
    ).with_columns(pl.col("broken_count").fill_null(0))
    share = pl.when(pl.col("row_count") > 0).then(pl.col("broken_count") / pl.col("row_count")).otherwise(0.0)
    return counts.with_columns(broken_share=share, is_within_limit=_WITHIN_LIMIT)


def _frame(rows: Sequence[tuple[object, ...]], columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={name: _SCHEMA[name] for name in columns}, orient="row")


_OVER_COUNT = (pl.col("broken_count") > pl.col("count_limit")).fill_null(False)
_OVER_RATE = (pl.col("broken_count") > pl.col("rate_limit") * pl.col("row_count")).fill_null(False)
_WITHIN_LIMIT = ~(_OVER_COUNT | _OVER_RATE)  # `Limit.exceeded`, over a frame


def under_limit(results: pl.DataFrame, limit: Limit) -> pl.DataFrame:
    """Stored results judged under another limit, in place of that of every rule."""
    return results.with_columns(
        count_limit=pl.lit(limit.count, _SCHEMA["count_limit"]), rate_limit=pl.lit(limit.rate, _SCHEMA["rate_limit"])
    ).with_columns(is_within_limit=_WITHIN_LIMIT)


def with_verdicts(results: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """Results with what became of their delivery."""
    verdicts = receipts.select("feed", "delivery_id", "verdict", "received_date")
    return results.join(verdicts, on=["feed", "delivery_id"], validate="m:1")


def over_limit(judged: pl.DataFrame) -> pl.DataFrame:
    """Rules over their limit in deliveries that stand or stand refused: a row per rule, with its worst delivery."""
    found = judged.filter(~pl.col("is_within_limit"), pl.col("verdict").is_in(["accepted", "refused"]))
    return (
        found.sort("broken_share", "period_start", "delivery_id", descending=[True, False, False])
        .group_by("feed", "rule_code", "category", "severity", "count_limit", "rate_limit", maintain_order=True)
        .agg(
            deliveries=pl.len(),
            broken_count=pl.col("broken_count").sum(),
            worst_delivery=pl.col("delivery_id").first(),
            worst_share=pl.col("broken_share").first(),
        )
        .sort("feed", "rule_code")
    )
