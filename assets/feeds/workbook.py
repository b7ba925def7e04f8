"""The rows of a small workbook (xlsx) as text: reference files that are kept by hand.

Belongs here: which sheet, and how a cell of each kind is written.
Does not belong here: records of care, which are too many for a workbook.
"""

import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from assets.feeds.delivery import DeliveredFile, RefusedDeliveryError

SIZE_LIMIT = 10 << 20
UNPACKED_LIMIT = 200 << 20
CELL_LIMIT = 5_000_000
EXACT_LIMIT = 10**15  # a workbook keeps fifteen digits of a number


def open_xlsx(path: Path, file: DeliveredFile) -> tuple[tuple[str, ...], Callable[[int], Iterator[pl.DataFrame]]]:
    """Headers and rows of a sheet; columns after the last header are none if they are empty.

    Raises:
        RefusedDeliveryError: if it is too large or no workbook, the sheet is not clear, or a cell cannot be text.
    """
    if path.stat().st_size > SIZE_LIMIT or _unpacked_size(path, file) > UNPACKED_LIMIT:
        raise RefusedDeliveryError(f"{file.name} is too large for xlsx. Send it as csv or parquet.")
    try:
        cells = _cells(path, file)
    except RefusedDeliveryError:
        raise
    except Exception:  # the library lets through whatever a damaged part makes its parsers raise
        raise RefusedDeliveryError(f"{file.name} cannot be read as xlsx. Send it again.") from None
    first, *rows = cells or [[]]
    headers = tuple(first)
    while headers and headers[-1] is None:
        headers = headers[:-1]
    if not headers:
        raise RefusedDeliveryError(f"{file.name} cannot be read as xlsx. Send it again.")
    if longer := sum(any(cell is not None for cell in row[len(headers) :]) for row in rows):
        raise RefusedDeliveryError(
            f"{file.name} has {longer} rows with more fields than its {len(headers)} columns. Send it again."
        )
    names = tuple((name or "").strip() for name in headers)
    return names, lambda _: iter([_table(rows, names)] if rows else [])


def _table(rows: list[list[str | None]], names: tuple[str, ...]) -> pl.DataFrame:
    filled = [row + [None] * (len(names) - len(row)) for row in rows]
    return pl.DataFrame([row[: len(names)] for row in filled], schema=dict.fromkeys(names, pl.String()), orient="row")


def _unpacked_size(path: Path, file: DeliveredFile) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    except Exception:  # as above
        raise RefusedDeliveryError(f"{file.name} cannot be read as xlsx. Send it again.") from None


def _cells(path: Path, file: DeliveredFile) -> list[list[str | None]]:
    """The text of all cells up to the last row that has any."""
    rows: list[list[str | None]] = []
    unreadable = cells = 0
    for row, formulas in zip(_sheet(path, file, values=True), _sheet(path, file, values=False), strict=True):
        cells += len(row)
        if cells > CELL_LIMIT:  # one cell far to the right makes a row of sixteen thousand
            raise RefusedDeliveryError(f"{file.name} is too large for xlsx. Send it as csv or parquet.")
        texts: list[str | None] = []
        for cell, formula in zip(row, formulas, strict=True):
            never_worked_out = cell.value is None and formula.value is not None
            readable = cell.data_type != "e" and not never_worked_out and _is_exact(cell.value)
            unreadable += not readable
            texts.append(_text(cell.value) if readable else None)
        rows.append(texts)
    if unreadable:
        raise RefusedDeliveryError(
            f"{file.name} has {unreadable} cells that are errors, formulas without a result, or numbers of more than"
            " 15 digits. Send values, and codes as text."
        )
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    return rows


def _sheet(path: Path, file: DeliveredFile, *, values: bool) -> Iterator[Any]:
    import openpyxl

    with warnings.catch_warnings(), path.open("rb") as content:
        warnings.simplefilter("ignore")  # of styles and extensions, which are no matter here
        book = openpyxl.load_workbook(content, read_only=True, data_only=values, keep_links=False)
        if file.sheet is None and len(book.worksheets) != 1:
            raise RefusedDeliveryError(f"{file.name} has {len(book.worksheets)} sheets. Announce which one.")
        found = [sheet for sheet in book.worksheets if file.sheet in (None, sheet.title)]
        if not found:
            raise RefusedDeliveryError(f"{file.name} lacks the sheet that is announced. Send it again.")
        found[0].reset_dimensions()  # what a program wrote about the extent may be wrong
        yield from found[0].iter_rows()


def _is_exact(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return abs(value) < EXACT_LIMIT
    return isinstance(value, str | date | time)


def _text(value: Any) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
