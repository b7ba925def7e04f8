"""Which row of which delivery was planted with what: `truth_row.parquet`, written as the rows are.

Rows that are not in it are clean, or break only rules that warn. Not here: counts (`truth.py`), and deliveries that are
refused or repeated whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TRUTH_ROW = "truth_row.parquet"
TRUTH_VERSION = 2
_BLOCK = 65_536
_SCHEMA = pa.schema(
    [
        pa.field("feed", pa.string(), False),
        pa.field("delivery_id", pa.string(), False),
        pa.field("source_row", pa.int64(), False),
        pa.field("rule_code", pa.string()),
        pa.field("legal_variant", pa.string()),
    ]
)


@dataclass(frozen=True)
class Planted:
    """Rows that were planted with the same: their places among the rows of a part, and the rule that they break.

    A legal variant breaks none and names the column that was changed. `warns` are rules that only warn, broken as well
    or alone.
    """

    rows: np.ndarray
    rule: str | None = None
    variant: str | None = None
    warns: tuple[str, ...] = ()


def marked(planted: list[Planted], height: int) -> np.ndarray:
    """Which of so many rows are among the planted."""
    found = np.zeros(height, bool)
    for one in planted:
        found[one.rows] = True
    return found


class TruthRows:
    """The file in the making; what it holds is written in blocks of a fixed size."""

    def __init__(self, to: Path, about: dict[str, object]) -> None:
        metadata = {name: json.dumps(value) for name, value in about.items()}
        self._writer = pq.ParquetWriter(to / TRUTH_ROW, _SCHEMA.with_metadata(metadata), compression="zstd")
        self._pending: list[tuple[str, str, int, str | None, str | None]] = []

    def add(self, feed: str, delivery_id: str, rows_before: int, planted: list[Planted]) -> None:
        """Note the planted rows of a part that follows so many rows of its delivery; what only warns is not named."""
        for one in (one for one in planted if one.rule or one.variant):
            self._pending += [
                (feed, delivery_id, rows_before + int(row) + 1, one.rule, one.variant) for row in one.rows
            ]
        while len(self._pending) >= _BLOCK:
            self._write(self._pending[:_BLOCK])
            del self._pending[:_BLOCK]

    def _write(self, rows: list[tuple[str, str, int, str | None, str | None]]) -> None:
        columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, _SCHEMA, strict=True)]
        self._writer.write_table(pa.table(arrays, schema=self._writer.schema))

    def __enter__(self) -> TruthRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._write(self._pending)
        self._writer.close()
