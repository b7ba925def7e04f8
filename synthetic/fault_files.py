"""How a delivered file is broken, so that its delivery must be refused: by defect of `reference/delivery_fault.csv`.

A spoiler changes the file, and what `delivery.json` announces of it. Where the defect is not in the announcement, the
announced hash is that of the broken file, so that nothing else is wrong. Not here: which delivery is broken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import polars as pl

from synthetic.layout import Feed

Spoil = Callable[[Path, dict[str, Any], Feed], None]
MANIFEST_CUT_SHORT = "manifest_cut_short"
_LOST = {"mh_diagnosis": "PrimDiag"}
_EMPTIED = {"op_attendance": "Appointment_Date"}
_ONE_IN = 3  # more than the fifth of the rows that the contracts allow
_TEST_RANGE = 999_000_000  # NHS numbers from 999 000 0000 on are for tests and are never issued


def _wrong_count(_: Path, announced: dict[str, Any], __: Feed) -> None:
    announced["files"][0]["rows"] += 7


def _wrong_digest(_: Path, announced: dict[str, Any], __: Feed) -> None:
    entry = announced["files"][0]
    entry["sha256"] = hashlib.sha256(entry["sha256"].encode()).hexdigest()


def _missing(file: Path, _: dict[str, Any], __: Feed) -> None:
    file.unlink()


def _no_period(_: Path, announced: dict[str, Any], __: Feed) -> None:
    del announced["period_end"]


def _as_it_is(_: Path, __: dict[str, Any], ___: Feed) -> None:
    """The announcement itself is cut short, once it is written."""


def _content(change: Callable[[bytes], bytes]) -> Spoil:
    """A spoiler of the file's bytes."""

    def spoil(file: Path, announced: dict[str, Any], _: Feed) -> None:
        file.write_bytes(change(file.read_bytes()))
        _announce(file, announced)

    return spoil


def _announce(file: Path, announced: dict[str, Any]) -> None:
    announced["files"][0]["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Spoil:
    """A spoiler of the lines of a CSV file, the header among them."""
    return _content(lambda content: b"\n".join(change(content.rstrip(b"\n").split(b"\n"))) + b"\n")


def _last_replaced(change: Callable[[bytes], bytes]) -> Spoil:
    return _lines(lambda lines: [*lines[:-1], change(lines[-1])])


def _header_twice(lines: list[bytes]) -> list[bytes]:
    return [lines[0] + b"," + lines[0].split(b",")[-1], *(line + b"," for line in lines[1:])]


def _table(change: Callable[[pl.DataFrame, Feed], pl.DataFrame]) -> Spoil:
    """A spoiler of the columns of a file."""

    def spoil(file: Path, announced: dict[str, Any], feed: Feed) -> None:
        if feed.format == "csv":
            change(pl.read_csv(file, infer_schema=False), feed).write_csv(file)
        else:
            change(pl.read_parquet(file), feed).write_parquet(file)
        _announce(file, announced)

    return spoil


def _column_lost(table: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    return table.drop(_LOST.get(feed.name, feed.columns[0]))


def _column_emptied(table: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """A required column is blank on so many rows that the delivery as a whole is not to be relied on."""
    column = _EMPTIED[feed.name]
    emptied = pl.int_range(pl.len()) % _ONE_IN == 0
    return table.with_columns(pl.when(~emptied).then(column).alias(column))


def _with_column(header: str, values: Callable[[], Iterator[str]]) -> Spoil:
    """One more column, which no contract describes; a few values in turn are enough."""
    return _table(lambda table, _: table.with_columns(_filled(header, values(), table.height)))


def _pseudonyms_replaced(table: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    return table.with_columns(_filled(feed.pseudonym, nhs_numbers(), table.height))


def _filled(header: str, values: Iterator[str], height: int) -> pl.Series:
    return pl.Series(header, list(islice(cycle(islice(values, 1_000)), height)), dtype=pl.String)


def nhs_numbers() -> Iterator[str]:
    """Valid NHS numbers of the range for tests, in order: the check digit makes the weighted sum a multiple of 11."""
    for number in range(_TEST_RANGE, _TEST_RANGE + 1_000_000):
        check = -sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), str(number), strict=True)) % 11
        if check < 10:  # noqa: PLR2004  one digit: a number that needs ten is not issued
            yield f"{number}{check}"


def _spaced() -> Iterator[str]:
    return (f"{number[:3]} {number[3:6]} {number[6:]}" for number in nhs_numbers())


def _postcodes() -> Iterator[str]:
    """Postcodes of an area that exists, in districts that do not."""
    return (
        f"TA{district} {sector}{unit}" for unit in ("AA", "BD") for district in range(40, 99) for sector in range(10)
    )


def _birth_dates() -> Iterator[str]:
    return (f"{1930 + i % 80}-{1 + i % 12:02}-{2 + i % 27:02}" for i in range(1_000))


def _addresses() -> Iterator[str]:
    return (f"person{i}@example.org" for i in range(1_000))


def _names() -> Iterator[str]:
    return (f"Test Person {i}" for i in range(1_000))


SPOILERS: dict[str, Spoil] = {
    "row_count": _wrong_count,
    "sha256": _wrong_digest,
    "missing_file": _missing,
    "unreadable": _content(lambda content: content[: len(content) // 3]),
    "cut_short": _content(lambda content: content[: len(content) * 2 // 3]),
    "columns": _table(_column_lost),
    "over_limit": _table(_column_emptied),
    "nul_byte": _last_replaced(lambda line: line[:2] + b"\0" + line[2:]),
    "ragged_long": _last_replaced(lambda line: line + b",,"),
    "ragged_short": _last_replaced(lambda line: line[: line.rfind(b",")]),
    "header_twice": _lines(_header_twice),
    "utf_16": _content(lambda content: content.decode().encode("utf-16")),
    "cp1252": _last_replaced(lambda line: line[:-1] + "é".encode("cp1252")),
    "empty_file": _content(lambda _: b""),
    MANIFEST_CUT_SHORT: _as_it_is,
    "manifest_lacks_period": _no_period,
    "nhs_number": _with_column("NHS Number", nhs_numbers),
    "nhs_number_unnamed": _with_column("Local Reference", _spaced),
    "nhs_number_as_float": _with_column("Local Reference", lambda: (f"{number}.0" for number in nhs_numbers())),
    "nhs_number_as_pseudonym": _table(_pseudonyms_replaced),
    "postcode": _with_column("Postcode", _postcodes),
    "postcode_unnamed": _with_column("Local Area", _postcodes),
    "date_of_birth_unnamed": _with_column("Local Day", _birth_dates),
    "date_of_birth": _with_column("Date of Birth", _birth_dates),
    "e_mail": _with_column("Email", _addresses),
    "name": _with_column("Patient Name", _names),
}
