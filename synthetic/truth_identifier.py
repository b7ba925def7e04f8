"""Whom every identifier of the county stands for: `truth_identifier.parquet`, written as identifiers are issued.

Belongs here: the form of the file. Not here: who is given which identifier, and counts of rows (`truth`).

Columns: `pseudonym_domain` and `pseudonym`; `person`, the pseudonym in the register's domain of the person to whom it
must lead, null where it must lead to nobody; `case`, why; `feed`, the only feed in which this holds, null for all;
`is_deterministic`, whether the register, mergers and bridges alone decide it, so that it must be found without fail.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

TRUTH_IDENTIFIER = "truth_identifier.parquet"
_BLOCK = 65_536
DETERMINISTIC = (
    *("direct", "merged", "chain", "reversed", "split", "circle"),
    *("bridged", "rekeyed", "bridged_and_merged"),
)
AGAINST_NOBODY = (
    *("fork", "reused", "dummy", "one_time", "impossible_volume", "birth_year_conflict", "sex_conflict"),
    "not_registered",
)
_SCHEMA = pa.schema(
    [
        pa.field("pseudonym_domain", pa.string(), False),
        pa.field("pseudonym", pa.string(), False),
        pa.field("person", pa.string()),
        pa.field("case", pa.string(), False),
        pa.field("feed", pa.string()),
        pa.field("is_deterministic", pa.bool_(), False),
    ]
)


def identified(
    domain: pl.Series | str,
    pseudonym: pl.Series,
    person: pl.Series | None,
    case: pl.Series | str,
    feed: str | None = None,
) -> pl.DataFrame:
    """Rows of the file: these identifiers stand for these people, or for nobody."""
    whom = pl.lit(None, dtype=pl.String) if person is None else person
    return pl.DataFrame({"pseudonym": pseudonym}).select(
        (pl.lit(domain) if isinstance(domain, str) else domain).alias("pseudonym_domain"),
        "pseudonym",
        whom.alias("person"),
        (pl.lit(case) if isinstance(case, str) else case).alias("case"),
        pl.lit(feed, dtype=pl.String).alias("feed"),
    )


class TruthIdentifiers:
    """The file in the making; what it holds is written in blocks of a fixed size."""

    def __init__(self, to: Path, about: dict[str, object]) -> None:
        metadata = {name: json.dumps(value) for name, value in about.items()}
        schema = _SCHEMA.with_metadata(metadata)
        self._writer = pq.ParquetWriter(to / TRUTH_IDENTIFIER, schema, compression="zstd")
        self._pending: pa.Table = schema.empty_table()

    def add(self, rows: pl.DataFrame) -> None:
        """Note identifiers; each is given once."""
        rows = rows.with_columns(pl.col("case").is_in(DETERMINISTIC).alias("is_deterministic"))
        more = rows.select(_SCHEMA.names).to_arrow().cast(self._pending.schema)
        self._pending = pa.concat_tables([self._pending, more])
        whole = self._pending.num_rows // _BLOCK * _BLOCK
        for start in range(0, whole, _BLOCK):
            self._write(self._pending.slice(start, _BLOCK))
        self._pending = self._pending.slice(whole)

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table.combine_chunks(), row_group_size=_BLOCK)

    def __enter__(self) -> TruthIdentifiers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._write(self._pending)
        self._writer.close()
