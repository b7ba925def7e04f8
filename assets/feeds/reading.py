"""One file of a delivery as text, proven against its announcement.

Belongs here: what is refused of a file whatever its format: missing, changed, headers twice, rows more or fewer.
Does not belong here: how a format is read (`delimited.py`, `columnar.py`, `workbook.py`), encodings and compression
(`transcoding.py`), or the contract, which names the columns and casts their text.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from assets.feeds.columnar import open_parquet
from assets.feeds.delimited import open_csv
from assets.feeds.delivery import DeliveredFile, RefusedDeliveryError
from assets.feeds.transcoding import ENCODINGS, PACKINGS, Census, as_utf8, digest
from assets.feeds.workbook import open_xlsx

BATCH_ROWS = 250_000


@dataclass(frozen=True)
class TextFile:
    """A file whose hash is proven, to be read once from its first row to its last.

    Attributes:
        headers: as sent, without outer spaces and byte order mark.
    """

    headers: tuple[str, ...]
    _file: DeliveredFile = field(repr=False)
    _frames: Callable[[int], Iterator[pl.DataFrame]] = field(repr=False)
    _unchanged: Callable[[], bool] = field(repr=False)

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
        """All rows as text in the order of the file, a blank as null; each batch but the last has exactly `rows`.

        Whether all rows are whole is known at the end only: nothing may be kept of a file before its last batch.

        Raises:
            RefusedDeliveryError: if a row has more or fewer fields than the headers, the text is damaged, or the
                rows are not as many as announced.
        """
        arrived = 0
        for frame in _exactly(self._frames(rows), rows):
            arrived += frame.height
            yield frame
        if not self._unchanged():
            raise RefusedDeliveryError(f"{self._file.name} was changed while it was read. Send the delivery again.")
        if arrived != self._file.rows:
            raise RefusedDeliveryError(
                f"{self._file.name}: {self._file.rows} rows are announced and {arrived} arrived."
                " Send the delivery again."
            )


def open_text(folder: Path, file: DeliveredFile, spool: Path) -> TextFile:
    """Prove a file against its announcement and open it as text.

    `spool` is a folder for a copy, in plain UTF-8, of what is compressed or in another encoding; the caller removes it.

    Raises:
        RefusedDeliveryError: if the file is missing, changed on the way, or not of the announced format.
    """
    _refuse_unknown(file)
    path = folder / file.name
    if path.is_symlink():
        raise RefusedDeliveryError(f"{file.name} is a link to another file. Send the file itself.")
    if not path.is_file():
        raise RefusedDeliveryError(f"{file.name} is announced but missing. Send the delivery again.")
    census = Census(file)
    seal = _seal(path)
    plain = file.format == "csv" and file.encoding == "utf-8" and not file.compression
    try:
        found = digest(path, census if plain else None)
    except OSError:
        raise RefusedDeliveryError(f"{file.name} cannot be opened. Grant access to it.") from None
    if found != file.sha256.lower():
        raise RefusedDeliveryError(f"{file.name} differs from its announced SHA-256. Send the delivery again.")
    match file.format:
        case "csv":
            headers, frames = open_csv(path if plain else as_utf8(path, file, spool, census), file, census)
        case "parquet":
            headers, frames = open_parquet(path, file)
        case _:
            headers, frames = open_xlsx(path, file)
    if repeated := len(headers) - len(set(headers)):
        raise RefusedDeliveryError(f"{file.name} has {repeated} headers twice. Name each column once.")
    return TextFile(headers, file, frames, lambda: _seal(path) == seal)


def _refuse_unknown(file: DeliveredFile) -> None:
    if file.format not in ("csv", "parquet", "xlsx"):
        raise RefusedDeliveryError(f"{file.name} announces a format other than csv, parquet and xlsx.")
    if file.encoding not in ENCODINGS:
        raise RefusedDeliveryError(f"{file.name} announces an encoding other than utf-8, utf-16 and cp1252.")
    if file.compression and file.compression not in PACKINGS:
        raise RefusedDeliveryError(f"{file.name} announces a compression other than gzip and zip.")
    if file.compression and file.format != "csv":
        raise RefusedDeliveryError(f"{file.name} announces a compression, which only a csv may have.")
    if file.format == "csv" and not file.header and not file.columns:
        raise RefusedDeliveryError(f"{file.name} announces neither a header nor columns. Name its columns.")


def _seal(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced."""
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _exactly(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in batches of exactly `rows`, so that what is written does not depend on chance."""
    held: list[pl.DataFrame] = []
    height = 0
    for frame in frames:
        if not held and frame.height == rows:
            yield frame
            continue
        held.append(frame)
        height += frame.height
        if height >= rows:
            joined = pl.concat(held)
            whole = height - height % rows
            for start in range(0, whole, rows):
                yield joined.slice(start, rows)
            height -= whole
            held = [joined.slice(whole)] if height else []
    if height:
        yield pl.concat(held)
