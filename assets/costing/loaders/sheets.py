"""Tables in published files: which rows are headers, which columns are which, and exact numbers.

Belongs here: reading CSV and XLSX as text; finding a table by the names of its columns; numbers as decimals.
Does not belong here: what the columns mean, which is each loader's.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

from pipelines.errors import LinkedCareError

SIZE_LIMIT = 100 << 20
UNPACKED_LIMIT = 500 << 20
HEADER_ROWS = 40  # how far down notes may stand above a table
_NONE = {"", "-", "\u2013", "*", "n/a", "na", "..", "[x]", "[c]"}
_FOUR_PLACES = Decimal("0.0001")

Cells = Sequence[str]


@dataclass(frozen=True)
class Sheet:
    """A table that was found: its name, and its rows by the columns that were asked for."""

    name: str
    columns: frozenset[str]
    rows: list[dict[str, str]]


def find_sheets(path: Path, patterns: Mapping[str, str], required: Sequence[str]) -> list[Sheet]:
    """The tables of a file that have all required columns, each read by the columns it has.

    Headers are compared in lower case, by letters, digits and % alone; of two that match, the first counts.

    Raises:
        LinkedCareError: if the file cannot be read.
    """
    found = []
    for name, rows in _read(path):
        for place, cells in enumerate(rows[:HEADER_ROWS]):
            places = _places(cells, patterns)
            if all(column in places for column in required):
                table = [{key: _cell(row, at) for key, at in places.items()} for row in rows[place + 1 :]]
                found.append(Sheet(name, frozenset(places), [row for row in table if any(row.values())]))
                break
    return found


def one_sheet(path: Path, patterns: Mapping[str, str], required: Sequence[str], headed: str) -> Sheet:
    """The one table of a file that has all required columns.

    Raises:
        LinkedCareError: if the file cannot be read, or has no such table, or more than one.
    """
    found = find_sheets(path, patterns, required)
    if len(found) != 1:
        raise LinkedCareError(
            f"{path.name}: has {len(found)} tables with the columns {headed}; one is needed. See docs/costing.md."
        )
    return found[0]


def plain_header(text: str) -> str:
    """A header in lower case, by its letters, digits and % alone."""
    return re.sub(r"[^a-z0-9%]+", " ", text.lower()).strip()


def number(text: str) -> Decimal | None:
    """The exact number in a cell; none where the publication has none or suppresses it.

    Raises:
        ValueError: if the cell holds something else.
    """
    plain = text.strip().removeprefix("£").replace(",", "").strip()
    if plain.lower() in _NONE:
        return None
    try:
        value = Decimal(plain.removesuffix("%"))
    except InvalidOperation:
        raise ValueError from None
    if not value.is_finite():
        raise ValueError
    return value / 100 if plain.endswith("%") else value


def numbers(file: str, rows: Sequence[Mapping[str, str]], column: str, header: str) -> list[Decimal | None]:
    """The exact numbers of a column.

    Raises:
        LinkedCareError: counting the cells that hold something else, or less than nothing.
    """
    values, wrong = [], 0
    for row in rows:
        try:
            value = number(row.get(column, ""))
        except ValueError:
            value = Decimal(-1)
        wrong += value is not None and value < 0
        values.append(value)
    if wrong:
        raise LinkedCareError(f"{file}: {wrong} rows have no number of at least zero in {header}. Mend the file.")
    return values


def pounds(value: Decimal) -> str:
    """Pounds to four decimals, rounded half up, without zeros at the end."""
    return plain_number(value.quantize(_FOUR_PLACES, ROUND_HALF_UP))


def plain_number(value: Decimal) -> str:
    """A number in digits, without an exponent or zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _places(cells: Cells, patterns: Mapping[str, str]) -> dict[str, int]:
    headers = [plain_header(cell) for cell in cells]
    places = {}
    for column, pattern in patterns.items():
        at = next((at for at, header in enumerate(headers) if re.fullmatch(pattern, header)), None)
        if at is not None:
            places[column] = at
    return places


def _cell(row: Cells, at: int) -> str:
    return " ".join(row[at].split()) if at < len(row) else ""


def _read(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """Every sheet of a file: its name and its cells as text."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise LinkedCareError(f"{path.name}: is larger than {SIZE_LIMIT >> 20} MB. Name a published price file.")
        content = path.read_bytes()
    except OSError:
        raise LinkedCareError(f"{path.name}: cannot be read. Name a CSV or XLSX file that is there.") from None
    if content.startswith(b"PK"):
        yield from _workbook(path.name, content)
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    try:
        yield "", list(csv.reader(io.StringIO(text)))
    except csv.Error:
        raise LinkedCareError(f"{path.name}: cannot be read as CSV. Name a CSV or XLSX file.") from None


def _workbook(name: str, content: bytes) -> Iterator[tuple[str, list[list[str]]]]:
    import openpyxl

    refusal = f"{name}: cannot be read as XLSX. Save it again, or as CSV."
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            is_small = sum(member.file_size for member in archive.infolist()) <= UNPACKED_LIMIT
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which are no matter here
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            sheets = []
            for sheet in book.worksheets if is_small else []:
                sheet.reset_dimensions()  # what a program wrote about the extent may be wrong
                rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
                sheets.append((sheet.title, rows))
    except Exception:  # the library lets through whatever a damaged part makes its parsers raise
        raise LinkedCareError(refusal) from None
    if not is_small:
        raise LinkedCareError(f"{name}: unpacks to more than {UNPACKED_LIMIT >> 20} MB. Save it as CSV.")
    yield from sheets


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
