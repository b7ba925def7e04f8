"""The workshop: immutable parquet files and the small records that say which of them are current.

Belongs here: writing a table in one step, fingerprints, bytes proved on every read.
Does not belong here: what any table means; naming what changed in one (`control.py`); the shop window
(`assets/publication`).

A table or year lives in `store/<table>[/financial_year=…]/<fingerprint>-<unique>/` and is current when `current.json`
beside it says so. That file is replaced in one step, so that a run killed at any moment leaves the last good state.
"""

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from pipelines.control import DIGESTED_BY, control_totals, difference
from pipelines.engine import Engine, duckdb_session
from pipelines.errors import LinkedCareError
from pipelines.kept import Kept, KeptBytes
from pipelines.kept import digest_of as digest_of  # noqa: PLC0414  every step knows it from here
from pipelines.sealed import sealed, unsealed
from schemas.table import Table

POINTER = "current.json"


@dataclass(frozen=True)
class Stored:
    """What is current for one table, or one year of it.

    Attributes:
        fingerprint: digest of everything that the content depends on; equal fingerprints mean equal rows.
        files: the parquet files, relative to the store.
        digests: one per file; equal digests mean equal rows.
        rows: how many the files hold, less those in `without`.
        periods: first and last day of each file, where files are deliveries.
        spans: whether a record can reach back beyond the period of its file.
        without: rows that a later delivery supersedes, as a parquet file of delivery and row number.
        sha256: of the bytes of each file, of `without` and of whatever lies beside them, as written.
        control: rows and pence by control group, as written.
        row_digests: one per control group, of its rows as written.
        digested_by: the version of the engine that made them.
        made_of: digest of the rows of its sources when it was built.
        computed: whether this run wrote it.
    """

    table: str
    year: str | None
    fingerprint: str
    files: tuple[str, ...]
    digests: tuple[str, ...]
    rows: int
    periods: tuple[tuple[str, str], ...] = ()
    spans: bool = False
    without: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)
    control: tuple[tuple[Any, ...], ...] = ()
    row_digests: tuple[str, ...] = ()
    digested_by: str = ""
    made_of: str = ""
    computed: bool = False

    def within(self, bounds: tuple[date, date] | None) -> "Stored":
        """Only the files that can hold records of a period."""
        if not (bounds and self.periods):
            return self
        first, last = (day.isoformat() for day in bounds)
        kept = [
            place for place, (start, end) in enumerate(self.periods) if end >= first and (start <= last or self.spans)
        ] or [0]  # a file of another period stands for its schema
        return replace(
            self,
            files=tuple(self.files[place] for place in kept),
            digests=tuple(self.digests[place] for place in kept),
            periods=tuple(self.periods[place] for place in kept),
        )

    @property
    def content(self) -> str:
        """Digest of the rows."""
        return fingerprint(self.digests, self.without)


class Store:
    """The tables under one home, for one writer at a time."""

    def __init__(self, root: Path, memory_limit: str = "4GB", rebuild: bool = False) -> None:
        self.root = root
        self.memory_limit = memory_limit
        self.rebuild = rebuild
        self.engine: Callable[[], AbstractContextManager[Engine]] = partial(
            duckdb_session, memory_limit, root / ".spill"
        )
        self._rebuilt: set[tuple[str, str | None]] = set()
        self.bytes = KeptBytes()

    def folder(self, table: str, year: str | None = None) -> Path:
        """Where a table, or one year of it, lives."""
        return self.root / table / f"financial_year={year}" if year else self.root / table

    def current(self, table: str, year: str | None = None) -> Stored | None:
        """What is current, or None if nothing whole was written yet by this version."""
        stored = self.pointer(table, year)
        whole = stored and all((self.root / name).exists() for name in (*stored.files, stored.without or "."))
        return stored if whole else None

    def pointer(self, table: str, year: str | None = None) -> Stored | None:
        """What the pointer of a table says, whether or not its files are there."""
        try:
            record = unsealed((self.folder(table, year) / POINTER).read_text())
            for name in ("files", "digests", "row_digests"):
                record[name] = tuple(record[name])
            for name in ("periods", "control"):
                record[name] = tuple(tuple(group) for group in record[name])
            stored = Stored(**record)
        except (FileNotFoundError, ValueError, TypeError, KeyError):  # no pointer, changed, or of another version
            return None
        return stored if (stored.table, stored.year) == (table, year) else None  # or it is that of another table

    def require(self, table: str, year: str | None = None) -> Stored:
        """What is current.

        Raises:
            LinkedCareError: if the table was never built.
        """
        if stored := self.current(table, year):
            return stored
        raise LinkedCareError(f"{table}{f' {year}' if year else ''}: not built yet. Materialise it first.")

    def years(self, table: str) -> list[str]:
        """The years of a table that are current, in order."""
        return sorted(
            path.parent.name.removeprefix("financial_year=")
            for path in (self.root / table).glob(f"financial_year=*/{POINTER}")
        )

    def write(
        self, table: Table, year: str | None, fingerprint: str, writer: Callable[[Path], int], made_of: str = ""
    ) -> Stored:
        """Build a table in one step, unless what is current has the same fingerprint.

        `writer` writes one parquet file at the path it is given and returns its rows.
        """
        before = self.current(table.name, year)
        if before and before.fingerprint == fingerprint and not self._must_rebuild(table.name, year):
            self._remove_unused(self.folder(table.name, year), (self.root / before.files[0]).parent)
            return before
        folder = self.folder(table.name, year)
        staged = folder / f".{uuid.uuid4().hex}.tmp"
        staged.mkdir(parents=True)
        rows = writer(staged / "part-0.parquet")
        refuse_repeated_keys(table, staged / "part-0.parquet")
        control, row_digests = control_totals(table, [staged / "part-0.parquet"])
        final = folder / f"{fingerprint[:12]}-{uuid.uuid4().hex[:8]}"
        staged.rename(final)
        sha256 = {str(path.relative_to(self.root)): self.bytes.digest(path) for path in sorted(final.iterdir())}
        name = str((final / "part-0.parquet").relative_to(self.root))
        stored = Stored(
            table.name,
            year,
            fingerprint,
            files=(name,),
            digests=(sha256[name],),
            rows=rows,
            sha256=sha256,
            control=control,
            row_digests=row_digests,
            digested_by=DIGESTED_BY,
            made_of=made_of,
        )
        self.point(stored)
        self._remove_unused(folder, final)
        self._rebuilt.add((table.name, year))
        return replace(stored, computed=True)

    def _must_rebuild(self, table: str, year: str | None) -> bool:
        return self.rebuild and (table, year) not in self._rebuilt

    def point(self, stored: Stored) -> None:
        """Make what was written current, in one step."""
        pointer = self.folder(stored.table, stored.year) / POINTER
        pointer.parent.mkdir(parents=True, exist_ok=True)
        write_whole(pointer, sealed(asdict(stored)))

    def _remove_unused(self, folder: Path, current: Path) -> None:
        for path in folder.iterdir():
            if path.is_dir() and path != current and not path.name.startswith("financial_year="):
                shutil.rmtree(path, ignore_errors=True)

    def register(self, engine: Engine, table: str, parts: Sequence[Stored], of: Table | None) -> None:
        """Make a table readable in a session, proving first that its files are those that were written.

        Raises:
            ConservationError: if a file has other bytes than its build wrote.
        """
        for part in parts:
            self.prove(part, of)
        without = next((self.root / part.without for part in parts if part.without), None)
        engine.register(table, [path for part in parts for path in self.paths(part)], without)

    def prove(self, stored: Stored, table: Table | None = None) -> None:
        """Prove that what is current has the bytes that were written.

        Raises:
            ConservationError: naming the table, the group, the column and the pence or rows gained or lost.
        """
        self.bytes.refuse_changed(self.kept(stored, table))

    def kept(self, stored: Stored, table: Table | None = None) -> Iterator[Kept]:
        """The files of what is current; with its table, what changed in one is told by control group."""
        name = f"{stored.table} {stored.year}" if stored.year else stored.table
        for file in dict.fromkeys((*stored.files, *stored.sha256)):
            path = self.root / file
            of = table if file in stored.files else None
            yield Kept(path, stored.sha256.get(file), partial(_what_changed, name, path, stored, of))

    def paths(self, stored: Stored) -> list[Path]:
        """The files of what is current."""
        return [self.root / name for name in stored.files]

    def frame(self, table: str, year: str | None = None) -> pl.DataFrame:
        """A small table as a frame."""
        stored = self.require(table, year)
        self.prove(stored)
        return pl.read_parquet(self.paths(stored), glob=False)

    def clear_leftovers(self) -> None:
        """Remove what a killed run left half-written."""
        for path in [*self.root.rglob(".*.tmp"), self.root / ".spill"]:
            if path.is_file():
                path.unlink()
            else:
                shutil.rmtree(path, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Replace a small file in one step."""
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    staged.write_text(text)
    staged.replace(path)


def fingerprint(*parts: Any) -> str:
    """Digest of everything that a build depends on."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def frame_writer(table: Table, frame: pl.DataFrame) -> Callable[[Path], int]:
    """A writer of a frame under a table's declared schema, in key order."""

    def write(target: Path) -> int:
        ordered = frame.select(table.arrow_schema.names).sort(table.key)
        pq.write_table(ordered.to_arrow().cast(table.arrow_schema), target, compression="zstd")
        return ordered.height

    return write


def refuse_repeated_keys(table: Table, file: Path) -> None:
    """Prove that the declared key identifies a row. Files are in key order, so that repeats stand side by side.

    Raises:
        LinkedCareError: with the count of rows that share a key.
    """
    same_as_before = pl.all_horizontal(pl.all().eq_missing(pl.all().shift(1)))
    rows = pl.scan_parquet(file).select(table.key)
    repeats = rows.select((same_as_before & (pl.int_range(pl.len()) > 0)).sum()).collect().item()
    if repeats:
        raise LinkedCareError(
            f"{table.name}: {repeats} rows repeat the key {', '.join(table.key)}. Mend sql/{table.name}.sql."
        )


def _what_changed(name: str, path: Path, stored: Stored, table: Table | None) -> str:
    if not path.exists():
        return f"{name}: {path.name} is gone since it was written"
    if not table:
        return f"{name}: {path.name} changed since it was written"
    digests = stored.row_digests if stored.digested_by == DIGESTED_BY else None
    return f"{name}: {difference(table, stored.control, digests, [path], stored.rows)}"
