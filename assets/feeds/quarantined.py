"""What lies in quarantine: how much, for which rules and where; and a copy of it for the supplier.

Belongs here: reading the quarantine of deliveries, by position and rule.
Does not belong here: putting rows there (`sorting.py`); releasing a rule (`releases.py`).
"""

from collections.abc import Collection
from pathlib import Path

import polars as pl

from assets.feeds.current import judged_receipts
from assets.feeds.receipt import quarantine_files, quarantined_row_files
from assets.feeds.sorting import SOURCE_ROW
from pipelines.errors import LinkedCareError

_SCHEMA = {
    "feed": pl.String,
    "delivery_id": pl.String,
    "verdict": pl.String,
    "rule_code": pl.String,
    "source_row": pl.Int64,
    "broken_rule_count": pl.Int32,
}


def quarantined(
    store: Path, feeds: Collection[str], delivery: str | None = None, rule: str | None = None
) -> pl.DataFrame:
    """Rows in quarantine by position and first rule broken; those of repeats are left out, which are never read.

    Returns:
        feed, delivery_id, verdict, rule_code, source_row, broken_rule_count, sorted.
    """
    found = [pl.DataFrame(schema=_SCHEMA)]
    for feed in feeds:
        for judged in judged_receipts(store / feed):
            delivery_id = judged.receipt.delivery_id
            files = quarantine_files(store / feed / delivery_id)
            if judged.verdict == "repeat" or not files or delivery not in {None, delivery_id}:
                continue
            rows = pl.scan_parquet(files, glob=False).with_columns(
                feed=pl.lit(feed), delivery_id=pl.lit(delivery_id), verdict=pl.lit(judged.verdict)
            )
            if rule:
                rows = rows.filter(pl.col("rule_code") == rule)
            found.append(rows.select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items()).collect())
    return pl.concat(found).sort("feed", "delivery_id", "source_row")


def counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows by feed, rule and delivery, and how many of them break no other rule."""
    return (
        rows.group_by("feed", "rule_code", "delivery_id", "verdict")
        .agg(rows=pl.len(), only_this_rule=(pl.col("broken_rule_count") == 1).sum())
        .sort("feed", "rule_code", "delivery_id")
    )


def returning_rows(store: Path, feed: str, rule: str, delivery: str | None) -> int:
    """Rows that break this rule alone, in deliveries that no later one supersedes: a release brings them back."""
    rows = quarantined(store, [feed], delivery, rule)
    return rows.filter((pl.col("broken_rule_count") == 1) & (pl.col("verdict") != "superseded")).height


def export(store: Path, rows: pl.DataFrame, target: Path) -> list[Path]:
    """Write the rejected rows as received, with the first rule that each breaks, by feed and delivery.

    Raises:
        LinkedCareError: if the target already holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise LinkedCareError(f"{target}: is not an empty folder. Choose another for --export.")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for (feed, delivery), found in rows.group_by("feed", "delivery_id", maintain_order=True):
        wanted = found.select(SOURCE_ROW, "rule_code", "broken_rule_count").lazy()
        raw = quarantined_row_files(store / str(feed) / str(delivery))
        # The files of a delivery may differ in dialect, hence in headers.
        sent = pl.concat([pl.scan_parquet(path, glob=False) for path in raw], how="diagonal")
        path = target / str(feed) / f"{delivery}.parquet"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        joined = wanted.join(sent, on=SOURCE_ROW, how="left", validate="1:1", suffix=" as sent").sort(SOURCE_ROW)
        joined.collect().write_parquet(path)
        written.append(path)
    return written
