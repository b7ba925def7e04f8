"""The rows of a delivered file as text, under the headers that it came with.

Belongs here: integrity of files (hash), formats.
Does not belong here: which column a header stands for (`headers.py`); types and rules.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from assets.feeds.delivery import DeliveredFile, RefusedDeliveryError

BATCH_ROWS = 500_000


@dataclass(frozen=True)
class TextFile:
    """A file as text."""

    name: str
    headers: tuple[str, ...]
    frame: pl.LazyFrame

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
        """All-text batches of so many rows, in file order; a blank is null."""
        try:
            whole = self.frame.collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise RefusedDeliveryError("its rows cannot be read to the end. Send the delivery again.") from error
        yield from whole.iter_slices(rows) if whole.height else [whole]


def open_text(folder: Path, file: DeliveredFile, spool: Path) -> TextFile:
    """Prove the file against its announcement and open it as text."""
    path = folder / file.name
    if not path.is_file():
        raise RefusedDeliveryError(f"{file.name} is announced but missing. Send the delivery again.")
    with path.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256.lower():
            raise RefusedDeliveryError(f"{file.name} differs from its announced SHA-256. Send the delivery again.")
    frame = _scan(path, file)
    try:
        found = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:  # the error may quote content, so it is not shown
        raise RefusedDeliveryError(f"{file.name} cannot be read as {file.format}. Send it again.") from error
    if repeated := sum(name.endswith("_duplicated_0") for name in found):
        raise RefusedDeliveryError(f"{file.name} has {repeated} headers twice. Name each column once.")
    text = pl.all().cast(pl.String)
    return TextFile(file.name, tuple(found), frame.select(pl.when(text != "").then(text)))


def _scan(path: Path, file: DeliveredFile) -> pl.LazyFrame:
    match file.format:
        case "csv":
            return pl.scan_csv(path, infer_schema=False, glob=False)
        case "parquet":
            return pl.scan_parquet(path, glob=False)
        case _:
            raise RefusedDeliveryError(f"{file.name} announces a format other than csv and parquet.")
