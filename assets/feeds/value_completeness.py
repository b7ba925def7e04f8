"""How many accepted rows of each current delivery lack a value, column by column.

Belongs here: counts from the files' own statistics; no row is read.
Does not belong here: rules and limits (`quality.py`); whether a column is required, which its rule says.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from pipelines.assets import null_counts
from pipelines.store import Store, Stored, fingerprint, frame_writer
from schemas.contract_model import Contract
from schemas.feeds import VALUE_COMPLETENESS

_SCHEMA = VALUE_COMPLETENESS.empty_frame().schema


def build_value_completeness(store: Store, contracts: Mapping[str, Contract]) -> Stored:
    """Missing values by delivery and column."""
    feeds = {feed: store.require(feed) for feed in contracts}

    def write(target: Path) -> int:
        counted = [row for feed, stored in feeds.items() for row in _counted(store, stored, contracts[feed])]
        parts = pl.DataFrame(counted, schema=_SCHEMA, orient="row")
        keys = list(VALUE_COMPLETENESS.key)
        return frame_writer(VALUE_COMPLETENESS, parts.group_by(keys).agg(pl.col("row_count", "missing_count").sum()))(
            target
        )

    key = fingerprint(repr(VALUE_COMPLETENESS), {feed: stored.digests for feed, stored in feeds.items()})
    return store.write(VALUE_COMPLETENESS, None, key, write)


def _counted(store: Store, stored: Stored, contract: Contract) -> Iterator[tuple[str, str, str, int, int]]:
    """Feed, delivery, column, rows and missing values of each file; without periods, files are no deliveries."""
    for path in store.paths(stored) if stored.periods else ():
        metadata = pq.ParquetFile(path).metadata
        nulls = null_counts(metadata)
        for column in contract.columns:
            yield contract.feed, path.parent.name, column.name, metadata.num_rows, nulls.get(column.name, 0)
