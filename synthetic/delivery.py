"""Deliveries on disk: the files of one feed and period, and the manifest that is written last.

A delivery is built in a folder with a dot-name and renamed when it is whole. Row groups of Parquet files have a fixed
size, so that bytes do not depend on how the county is cut into blocks. Not here: which rows a delivery holds.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from synthetic.layout import Feed
from synthetic.periods import EPOCH, Period

ROW_GROUP = 65_536
_MONEY_DIGITS = 2


def delivery_id(feed: Feed, period: Period, version: int = 1) -> str:
    """`apc_spell-SUS-2022-04`; a later version of the same period ends in `-r2`."""
    label = f"{period.end_date:%Y-%m}" if feed.rhythm == "snapshot" else period.label
    return f"{feed.name}-{feed.supplier}-{label}" + (f"-r{version}" if version > 1 else "")


def received_at(feed: Feed, period: Period, version: int = 1) -> str:
    """When the delivery arrived: weeks after the period, later versions three weeks after one another."""
    days = {"month": 18, "quarter": 30, "snapshot": 10}[feed.rhythm] + 21 * (version - 1)
    day = period.end_date + (EPOCH.replace(day=2) - EPOCH) * days
    return f"{day:%Y-%m-%d}T06:00:00Z"


def file_name(feed: Feed, period: Period) -> str:
    """`APCS_202204.csv`, after the last month of the period."""
    stamp = "HISTORY" if period.label == "history" else f"{period.end_date:%Y%m}"
    return f"{feed.file_stem}_{stamp}.{feed.format}"


def manifest(
    feed: Feed, period: Period, name: str, *, arrived: str, domain: str, files: list[dict[str, object]]
) -> dict[str, object]:
    """The content of `delivery.json`."""
    return {
        "delivery_id": name,
        "feed": feed.name,
        "contract_version": feed.contract_version,
        "supplier": feed.supplier,
        "pseudonym_domain": domain,
        "synthetic": True,
        "period_start": f"{period.start_date}",
        "period_end": f"{period.end_date}",
        "received_at": arrived,
        "files": files,
    }


@dataclass
class Delivery:
    """One delivery in the making; frames are appended in order, `close` makes it visible."""

    feed: Feed
    period: Period
    to: Path
    domain: str
    version: int = 1
    rows: int = 0
    _pending: list[pa.Table] = field(default_factory=list)
    _writer: pq.ParquetWriter | None = None
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def name(self) -> str:
        """The delivery id, which is also the name of its folder."""
        return delivery_id(self.feed, self.period, self.version)

    @property
    def folder(self) -> Path:
        """Where the delivery appears when it is whole."""
        return self.to / self.feed.name / self.name

    @property
    def _workshop(self) -> Path:
        return self.to / self.feed.name / f".{self.name}.partial"

    @property
    def _file(self) -> Path:
        return self._workshop / file_name(self.feed, self.period)

    def open(self) -> Delivery:
        """Start the delivery; an existing one is never overwritten."""
        if self.folder.exists():
            raise FileExistsError(f"{self.folder} exists: deliveries are immutable, choose an empty folder")
        self._workshop.mkdir(parents=True, exist_ok=True)
        if self.feed.format == "csv":
            self._file.write_bytes(b"")
            self._write_text(pl.DataFrame(schema=dict.fromkeys(self.feed.columns, pl.String)), header=True)
        return self

    def append(self, frame: pl.DataFrame) -> None:
        """Add the rows of one block."""
        self.rows += frame.height
        if self.feed.format == "csv":
            if frame.height:
                self._write_text(frame, header=False)
            return
        self._pending.append(frame.to_arrow())
        if sum(table.num_rows for table in self._pending) >= ROW_GROUP:
            self._flush(whole_groups_only=True)

    def close(self) -> Path:
        """Write what is pending and the manifest, and give the folder its name."""
        if self.feed.format == "parquet":
            self._flush(whole_groups_only=False)
            self._digest.update(self._file.read_bytes())
        entry = {
            "name": self._file.name,
            "format": self.feed.format,
            "sha256": self._digest.hexdigest(),
            "rows": self.rows,
        }
        arrived = received_at(self.feed, self.period, self.version)
        announced = manifest(self.feed, self.period, self.name, arrived=arrived, domain=self.domain, files=[entry])
        write_manifest(self._workshop, announced)
        self._workshop.rename(self.folder)
        return self.folder

    def _write_text(self, frame: pl.DataFrame, *, header: bool) -> None:
        buffer = io.BytesIO()
        frame.write_csv(buffer, include_header=header, float_precision=_MONEY_DIGITS)
        self._digest.update(buffer.getbuffer())
        with self._file.open("ab") as handle:
            handle.write(buffer.getbuffer())

    def _flush(self, *, whole_groups_only: bool) -> None:
        table = pa.concat_tables(self._pending)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, compression="zstd")
        whole = table.num_rows // ROW_GROUP * ROW_GROUP
        for start in range(0, whole, ROW_GROUP):
            self._writer.write_table(table.slice(start, ROW_GROUP), row_group_size=ROW_GROUP)
        rest = table.slice(whole).combine_chunks()
        self._pending = [rest]
        if not whole_groups_only:
            self._writer.write_table(rest, row_group_size=ROW_GROUP)
            self._writer.close()


def write_manifest(folder: Path, content: dict[str, object]) -> None:
    """`delivery.json`, as one readable file."""
    (folder / "delivery.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
