"""The rows of a csv in plain UTF-8.

Belongs here: headers, rows with more or fewer fields than they, quotes that do not close.
Does not belong here: encodings and compression (`transcoding.py`).
"""

import csv
import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from assets.feeds.delivery import DeliveredFile, RefusedDeliveryError
from assets.feeds.transcoding import LONGEST_ROW, Census, undecodable

_HEADER_BYTES = 1 << 20
_DELIMITERS = ",;|\t"
_LONGEST_LINE = 1 << 20  # a file without line ends must not fill the memory
_FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def open_csv(
    text: Path, file: DeliveredFile, census: Census
) -> tuple[tuple[str, ...], Callable[[int], Iterator[pl.DataFrame]]]:
    """Headers, and the rows in batches of about the size asked for.

    Raises:
        RefusedDeliveryError: if it holds NULs, a row without end, or no header.
    """
    if census.nuls:
        raise RefusedDeliveryError(
            f"{file.name} holds {census.nuls} NUL bytes: it is damaged, or of another encoding or format than"
            " announced. Send it again."
        )
    if census.is_endless:
        raise RefusedDeliveryError(
            f"{file.name} has a row of more than {LONGEST_ROW >> 20} MB: a quote is not closed, or it is no csv."
            " Send it again."
        )
    first = _first_row(text, file) if file.header else None
    headers = tuple(name.strip() for name in (file.columns if first is None else first))
    return headers, partial(_frames, text, file, census, headers, first)


def _dialect(file: DeliveredFile) -> dict[str, Any]:
    quoting = {"quotechar": file.quote} if file.quote else {"quotechar": None, "quoting": csv.QUOTE_NONE}
    return {"delimiter": file.delimiter, "strict": True} | quoting


def _first_row(text: Path, file: DeliveredFile) -> list[str]:
    with text.open("rb") as content:
        start = content.read(_HEADER_BYTES)
    if start[-1:] != b"\n" and len(start) == _HEADER_BYTES:
        start = start[: start.rfind(b"\n") + 1]
    damage = False
    first: list[str] = []
    try:
        first = next(csv.reader(io.StringIO(start.decode("utf-8-sig"), newline=""), **_dialect(file)))
    except UnicodeDecodeError:
        damage = True
    except (csv.Error, StopIteration):
        pass
    if damage:
        undecodable(text, file)  # refuses outside the handler, as an error may quote content
    if not first:
        raise RefusedDeliveryError(f"{file.name} cannot be read as csv. Send it again.")
    if len(first) == 1 and any(mark in first[0] for mark in _DELIMITERS):
        raise RefusedDeliveryError(f"{file.name} has one column by its delimiter, and more by another. Announce that.")
    return first


def _frames(
    text: Path, file: DeliveredFile, census: Census, headers: tuple[str, ...], first: list[str] | None, rows: int
) -> Iterator[pl.DataFrame]:
    """Polars refuses a row with too many fields and fills one with too few, which the count of delimiters shows.

    As no row has too many, there are as many delimiters outside the cells as whole rows need, or some row lacks one.
    The header is read as a row, so that the count is one of all that the file holds.
    """
    height = inside = 0
    damaged = False
    try:
        for frame in _scan(text, file, headers, blanks=census.quotes > 0).collect_batches(chunk_size=rows):
            inside += frame.select(_delimiters(file.delimiter)).item() if census.quotes else 0
            names = 1 if first is not None and not height else 0
            if names and frame.row(0) != tuple(name or None for name in first or ()):
                damaged = True  # later rows may come before the error of the first
                break
            yield frame.slice(names)
            height += frame.height
    except _FAILURES:  # the error may quote content, so it is not shown
        damaged = True
    if not damaged:
        damaged = census.delimiters - inside != height * (len(headers) - 1)
    if damaged:
        raise _reason(text, file, len(headers))


def _scan(text: Path, file: DeliveredFile, headers: tuple[str, ...], *, blanks: bool) -> pl.LazyFrame:
    frame = pl.scan_csv(
        text,
        has_header=False,
        schema=dict.fromkeys(headers, pl.String()),
        separator=file.delimiter,
        quote_char=file.quote or None,
        infer_schema=False,
        glob=False,
    )
    cell = pl.all()
    return frame.with_columns(pl.when(cell != "").then(cell)) if blanks else frame


def _delimiters(delimiter: str) -> pl.Expr:
    return pl.sum_horizontal(pl.all().str.count_matches(delimiter, literal=True).cast(pl.Int64).sum())


def _reason(text: Path, file: DeliveredFile, fields: int) -> RefusedDeliveryError:
    """What is wrong with a file that could not be read, found by reading it again, slowly."""
    undecodable(text, file)
    longer = shorter = first = number = 0
    try:
        with text.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(iter(lambda: lines.readline(_LONGEST_LINE), ""), **_dialect(file))
            for number, row in enumerate(rows, 0 if file.header else 1):
                longer += len(row) > fields
                shorter += len(row) < fields and (fields > 1 or bool(row))
                first = first or (number if longer + shorter else 0)
    except csv.Error:
        return RefusedDeliveryError(
            f"{file.name} has a quote that is not closed or not doubled, after row {number}. Send it again."
        )
    if longer + shorter:
        return RefusedDeliveryError(
            f"{file.name} has {longer} rows with more and {shorter} with fewer fields than its {fields} columns,"
            f" the first in row {first}. Send it again."
        )
    return RefusedDeliveryError(f"{file.name}: its rows cannot be read to the end. Send the delivery again.")
