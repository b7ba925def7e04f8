"""Malformed deliveries, each the good one spoiled in one way, and the phrase that says what is wrong with it.

Belongs here: what suppliers send by mistake, and what nobody should be able to send.
Does not belong here: cells that break a rule of the contract; such rows are rejected one by one.
"""

import gzip
import json
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from tests.malformed.deliveries import (
    CSV,
    FORMS,
    HEADERS,
    MARKER,
    ROWS,
    Spoil,
    csv_text,
    omit,
    parquet,
    say,
    say_of_file,
    send,
    workbook,
    zipped,
)

LINES = CSV.splitlines(keepends=True)
SHORT_ROW = csv_text([row[: 6 if row[0] == "v5" else 7] for row in ROWS])
GZIP, ZIP, PARQUET, XLSX = (FORMS[form][0] for form in ("gzip", "zip", "parquet", "xlsx"))
RAGGED = "fields than its 7 columns"
SHORT = f"0 rows with more and 1 with fewer {RAGGED}"
LONG = f"1 rows with more and 0 with fewer {RAGGED}"
UNPACKABLE = "is damaged, cut off, or not packed as"
NO_CSV, NO_PARQUET, NO_XLSX = (f"cannot be read as {form}" for form in ("csv", "parquet", "xlsx"))
NUL = "NUL bytes: it is damaged, or of another encoding or format than announced"
QUOTE = "has a quote that is not closed or not doubled"
NOT_WHOLE = "delivery.json is not whole"


def sent(content: bytes, **announced: Any) -> Spoil:
    """Another file, announced with its own hash."""
    return lambda folder: send(folder, content, **announced)


def line(number: int, change: bytes) -> bytes:
    """The good csv with one line changed."""
    return b"".join([*LINES[:number], change, *LINES[number + 1 :]])


def said(**fields: Any) -> Spoil:
    """Another announcement."""
    return lambda folder: say(folder, **fields)


def said_of_file(**fields: Any) -> Spoil:
    """Another announcement of the file."""
    return lambda folder: say_of_file(folder, **fields)


def written(content: bytes) -> Spoil:
    """An announcement of these bytes."""
    return lambda folder: (folder / "delivery.json").write_bytes(content) and None


def changed_on_the_way(folder: Path) -> None:
    path = folder / "rows.dat"
    path.write_bytes(path.read_bytes().replace(b"RA1", b"RA2", 1))


def cut_on_the_way(folder: Path) -> None:
    path = folder / "rows.dat"
    path.write_bytes(path.read_bytes()[:-20])


def removed(folder: Path) -> None:
    (folder / "rows.dat").unlink()


def a_folder(folder: Path) -> None:
    (folder / "rows.dat").unlink()
    (folder / "rows.dat").mkdir()


def linked(folder: Path, *, inside: bool) -> None:
    target = folder / "other.dat" if inside else folder.parents[1] / "outside.dat"
    (folder / "rows.dat").rename(target)
    (folder / "rows.dat").symlink_to(target)


def dangling(folder: Path) -> None:
    (folder / "rows.dat").unlink()
    (folder / "rows.dat").symlink_to(folder / "nothing")


def announcement_is_a_folder(folder: Path) -> None:
    (folder / "delivery.json").unlink()
    (folder / "delivery.json").mkdir()


def twice(folder: Path) -> None:
    manifest = json.loads((folder / "delivery.json").read_text())
    say(folder, files=manifest["files"] * 2)


def second_file_bad(folder: Path) -> None:
    [file] = json.loads((folder / "delivery.json").read_text())["files"]
    say(folder, files=[file, file | {"name": "second.csv"}])


def with_password() -> bytes:
    """A zip whose member says that it is encrypted."""
    content = bytearray(ZIP)
    content[6] |= 1  # flags of the member
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the same in the directory
    return bytes(content)


def damaged_within(content: bytes) -> bytes:
    """A byte changed in the middle of what is packed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def without_cells() -> bytes:
    """A workbook whose sheet is overwritten, not its other parts."""
    start = XLSX.index(b"xl/worksheets/sheet1.xml") + len("xl/worksheets/sheet1.xml")
    return XLSX[:start] + bytes(60) + XLSX[start + 60 :]


def with_cell(value: Any) -> pl.DataFrame:
    """A table of one row, with this value in every column."""
    return pl.DataFrame({header: [value] for header in HEADERS})


FILES: list[tuple[str, Spoil, str]] = [
    ("hash of another file", said_of_file(sha256="0" * 64), "differs from its announced SHA-256"),
    ("changed on the way", changed_on_the_way, "differs from its announced SHA-256"),
    ("cut on the way", cut_on_the_way, "differs from its announced SHA-256"),
    ("one row fewer announced", said_of_file(rows=len(ROWS) - 1), "11 rows are announced and 12 arrived"),
    ("one row more announced", said_of_file(rows=len(ROWS) + 1), "13 rows are announced and 12 arrived"),
    (
        "one row fewer in the control totals",
        said(control_totals=[{"rows": 11}]),
        "11 rows are announced and 12 arrived",
    ),
    ("control totals that are no list", said(control_totals={"rows": 12}), NOT_WHOLE),
    ("control totals of another field", said(control_totals=[{"rows": 12, "provider": "RA1"}]), NOT_WHOLE),
    ("no rows announced", said_of_file(rows=0), "0 rows are announced and 12 arrived"),
    ("missing", removed, "is announced but missing"),
    ("second file missing", second_file_bad, "second.csv is announced but missing"),
    ("a folder in its place", a_folder, "is announced but missing"),
    ("a link out of the folder", partial(linked, inside=False), "is a link to another file"),
    ("a link within the folder", partial(linked, inside=True), "is a link to another file"),
    ("a link to nothing", dangling, "is a link to another file"),
    ("name with a path out", said_of_file(name="../../secrets.csv"), "secrets.csv is announced but missing"),
    ("name of the folder above", said_of_file(name=".."), "is announced but missing"),
    ("absolute name", said_of_file(name="/etc/no_such_file"), "no_such_file is announced but missing"),
    ("unknown format", said_of_file(format="sas7bdat"), "a format other than csv, parquet and xlsx"),
    ("unknown encoding", said_of_file(encoding="ebcdic"), "an encoding other than utf-8, utf-16 and cp1252"),
    ("unknown compression", said_of_file(compression="rar"), "a compression other than gzip and zip"),
    ("packed parquet", sent(PARQUET, format="parquet", compression="gzip"), "which only a csv may have"),
    ("neither header nor columns", said_of_file(header=False), "neither a header nor columns"),
    ("empty", sent(b""), NO_CSV),
    ("one line end", sent(b"\n"), NO_CSV),
    ("a byte order mark alone", sent(b"\xef\xbb\xbf"), NO_CSV),
    ("empty line before the header", sent(b"\n" + CSV), NO_CSV),
    ("header alone", sent(LINES[0]), "12 rows are announced and 0 arrived"),
    ("no header, one announced", sent(b"".join(LINES[1:])), "lacks 7 columns"),
    ("cut after a row", sent(b"".join(LINES[:-1])), "12 rows are announced and 11 arrived"),
    ("cut in the header", sent(LINES[0][:20]), "lacks 5 columns"),
    ("cut in the last row", sent(CSV.rsplit(b",", 2)[0]), SHORT),
    ("cut in a quoted cell", sent(CSV[: CSV.rindex(b", seen")]), QUOTE),
    ("cut in a character", sent(CSV[: CSV.rindex("\u00e9".encode()) + 1]), "is not utf-8: byte"),
    ("a short row", sent(line(5, b"v5,SECRETVALUE5,RA1,2024-04-05,seen,5\n")), f"{SHORT}, the first in row 5"),
    ("a long row", sent(line(5, LINES[5].rstrip() + b",SECRETVALUE\n")), f"{LONG}, the first in row 5"),
    ("a trailing delimiter", sent(line(5, LINES[5].rstrip() + b",\n")), f"{LONG}, the first in row 5"),
    ("a short first row", sent(line(1, b"v1\n")), f"{SHORT}, the first in row 1"),
    ("a long last row", sent(line(12, LINES[12].rstrip() + b",\n")), f"{LONG}, the first in row 12"),
    (
        "a short row and a long one",
        sent(b"".join([*LINES[:3], b"v3,a,b,c,d,e\n", b"v4,a,b,c,d,e,f,g\n", *LINES[5:]])),
        f"1 rows with more and 1 with fewer {RAGGED}, the first in row 3",
    ),
    ("an empty line in the middle", sent(line(4, b"\n")), f"{SHORT}, the first in row 4"),
    ("empty lines at the end", sent(CSV + b"\n\n"), f"0 rows with more and 2 with fewer {RAGGED}"),
    ("a line of the exporting program", sent(CSV + b"(12 rows affected)\n"), f"{SHORT}, the first in row 13"),
    ("a column more from row 7", sent(csv_text([*ROWS[:6], *[(*row, MARKER) for row in ROWS[6:]]]).encode()), "6 rows"),
    (
        "a column fewer from row 7",
        sent(csv_text([*ROWS[:6], *[row[:-1] for row in ROWS[6:]]]).encode()),
        "6 with fewer",
    ),
    ("two files in one", sent(CSV + CSV), "12 rows are announced and 25 arrived"),
    ("delimiter changed in the middle", sent(line(6, LINES[6].replace(b",", b";"))), SHORT),
    ("NULs in a cell", sent(line(5, LINES[5].replace(b"RA1", b"R\0\0"))), f"holds 2 {NUL}"),
    ("NULs at the end", sent(CSV + bytes(512)), f"holds 512 {NUL}"),
    ("NULs within zip", sent(zipped(("rows.csv", CSV + bytes(3))), compression="zip"), f"holds 3 {NUL}"),
    ("NULs in parquet", sent(parquet(with_cell("x\0y")), format="parquet", rows=1), "has NULs in"),
    ("open quote in the first row", sent(line(1, LINES[1].replace(b"RA1", b'"RA1'))), QUOTE),
    ("open quote in the last row", sent(line(12, LINES[12].replace(b"RA1", b'"RA1'))), QUOTE),
    ("open quote in the header", sent(line(0, LINES[0].replace(b"Visit", b'"Visit'))), NO_CSV),
    ("quote not doubled", sent(line(3, LINES[3].replace(b"RA1", b'"R"A1"'))), QUOTE),
    ("header twice", sent(line(0, LINES[0].replace(b"Mode", b"Date"))), "has 1 headers twice"),
    ("header twice but for spaces", sent(line(0, LINES[0].replace(b"Mode", b" Date "))), "has 1 headers twice"),
    ("header thrice", sent(line(0, b"a,a,a,b,c,d,e\n")), "has 2 headers twice"),
    ("two headers empty", sent(line(0, b"Visit,,,Date,Mode,Minutes,Price\n")), "has 1 headers twice"),
    ("column announced twice", sent(b"".join(LINES[1:]), header=False, columns=["a"] * 7), "has 6 headers twice"),
    ("header shorter than the rows", sent(line(0, b"Visit,Pseudonym,Provider\n")), "lacks 4 columns"),
    ("header longer than the rows", sent(line(0, LINES[0].rstrip() + b",Ward\n")), "12 with fewer"),
    ("fewer columns announced", sent(b"".join(LINES[1:]), header=False, columns=["a", "b"]), "lacks 7 columns"),
    ("more columns announced", sent(b"".join(LINES[1:]), header=False, columns=[*HEADERS, "x"]), "12 with fewer"),
    ("a row without end", sent(LINES[0] + b'"' + b"v1,p1\n" * (3 << 20)), "has a row of more than 16 MB"),
    ("old Macintosh line ends", sent(CSV.replace(b"\n", b"\r")), "cannot be read"),
    ("another delimiter announced", said_of_file(delimiter=";"), "has one column by its delimiter"),
    ("another quote announced", said_of_file(quote="'"), RAGGED),
    ("quoting not announced", said_of_file(quote=""), f"12 rows with more and 0 with fewer {RAGGED}"),
    ("utf-16 as utf-8", sent(csv_text().encode("utf-16")), NUL),
    ("utf-16 without mark as utf-8", sent(csv_text().encode("utf-16-le")), NUL),
    ("utf-16 as cp1252", sent(csv_text().encode("utf-16"), encoding="cp1252"), "begins with another byte order mark"),
    ("utf-16 without mark", sent(csv_text().encode("utf-16-le"), encoding="utf-16"), "no UTF-16 byte order mark"),
    ("utf-16 with the mark of utf-8", sent(csv_text().encode("utf-8-sig"), encoding="utf-16"), "no UTF-16 byte order"),
    ("utf-16 cut in a character", sent(csv_text().encode("utf-16")[:-1], encoding="utf-16"), "is not utf-16: byte"),
    ("cp1252 as utf-8", sent(csv_text().encode("cp1252")), "is not utf-8: byte"),
    ("cp1252 header as utf-8", sent(line(0, LINES[0].replace(b"Mode", b"Mod\xe9"))), "is not utf-8: byte"),
    ("cp1252 as utf-8 in gzip", sent(gzip.compress(csv_text().encode("cp1252")), compression="gzip"), "is not utf-8"),
    ("utf-8 with mark as cp1252", sent(csv_text().encode("utf-8-sig"), encoding="cp1252"), "not cp1252 but utf-8"),
    *[
        (
            f"a short row in {encoding}",
            sent(SHORT_ROW.encode(encoding), encoding=encoding),
            f"{SHORT}, the first in row 5",
        )
        for encoding in ("cp1252", "utf-16")
    ],
    ("no character of cp1252", sent(CSV.replace(b"RA1", b"\x81"), encoding="cp1252"), "is not cp1252: byte"),
    ("gzip not announced", sent(GZIP), NUL),
    ("gzip announced, plain sent", said_of_file(compression="gzip"), UNPACKABLE),
    ("gzip cut in its head", sent(GZIP[:8], compression="gzip"), UNPACKABLE),
    ("gzip cut in the middle", sent(GZIP[: len(GZIP) // 2], compression="gzip"), UNPACKABLE),
    ("gzip cut in its checksum", sent(GZIP[:-3], compression="gzip"), UNPACKABLE),
    ("gzip damaged", sent(damaged_within(GZIP), compression="gzip"), UNPACKABLE),
    ("gzip with more behind it", sent(GZIP + b"more", compression="gzip"), UNPACKABLE),
    ("gzip of nothing", sent(gzip.compress(b""), compression="gzip"), NO_CSV),
    ("gzip of zip", sent(gzip.compress(ZIP), compression="gzip"), "is not utf-8: byte"),
    ("gzip of parquet", sent(gzip.compress(PARQUET), compression="gzip"), "is not utf-8: byte"),
    ("gzip bomb", sent(gzip.compress(b"a" * (65 << 20)), compression="gzip"), "unpacks to more than 64 MB"),
    ("empty as gzip", sent(b"", compression="gzip"), NO_CSV),
    ("zip announced, plain sent", said_of_file(compression="zip"), UNPACKABLE),
    ("zip cut at its end", sent(ZIP[:-10], compression="zip"), UNPACKABLE),
    ("zip cut in the middle", sent(ZIP[: len(ZIP) // 2], compression="zip"), UNPACKABLE),
    ("zip damaged", sent(damaged_within(ZIP), compression="zip"), UNPACKABLE),
    ("zip of two", sent(zipped(("a.csv", CSV), ("b.csv", CSV)), compression="zip"), "holds 2 files"),
    ("zip of none", sent(zipped(), compression="zip"), "holds 0 files"),
    ("zip with a path out", sent(zipped(("../../a.csv", CSV)), compression="zip"), "under a path"),
    ("zip with an absolute path", sent(zipped(("/tmp/a.csv", CSV)), compression="zip"), "under a path"),
    ("zip with a Windows path", sent(zipped(("..\\a.csv", CSV)), compression="zip"), "under a path"),
    ("zip with a password", sent(with_password(), compression="zip"), "packed with a password"),
    ("zip bomb", sent(zipped(("a.csv", b"a" * (65 << 20))), compression="zip"), "unpacks to more than 64 MB"),
    ("zip of zip", sent(zipped(("a.zip", ZIP), method=zipfile.ZIP_STORED), compression="zip"), "is not utf-8: byte"),
    ("parquet as csv", sent(PARQUET), NUL),
    ("csv as parquet", said_of_file(format="parquet"), NO_PARQUET),
    ("empty parquet", sent(b"", format="parquet"), NO_PARQUET),
    ("parquet without its end", sent(PARQUET[:-4], format="parquet"), NO_PARQUET),
    ("parquet cut in the middle", sent(PARQUET[: len(PARQUET) // 2], format="parquet"), NO_PARQUET),
    ("parquet cut at its start", sent(PARQUET[10:], format="parquet"), "cannot be read"),
    ("parquet damaged", sent(PARQUET[:4] + bytes(200) + PARQUET[204:], format="parquet"), "cannot be read to the end"),
    (
        "parquet with lists",
        sent(parquet(pl.DataFrame({"a": [[1]]})), format="parquet", rows=1),
        "1 columns that are no text",
    ),
    ("codes as floats", sent(parquet(with_cell(1e16)), format="parquet", rows=1), "too large to be exact"),
    ("fewer rows in parquet", sent(parquet(with_cell("x")), format="parquet"), "12 rows are announced and 1"),
    ("csv as xlsx", said_of_file(format="xlsx"), NO_XLSX),
    ("empty xlsx", sent(b"", format="xlsx"), NO_XLSX),
    ("xlsx cut", sent(XLSX[:-100], format="xlsx"), NO_XLSX),
    ("xlsx damaged", sent(without_cells(), format="xlsx"), NO_XLSX),
    ("zip as xlsx", sent(ZIP, format="xlsx"), NO_XLSX),
    ("xlsx without cells", sent(workbook([]), format="xlsx"), NO_XLSX),
    ("xlsx of two sheets", sent(workbook(sheets=2), format="xlsx"), "has 2 sheets"),
    ("xlsx lacks the sheet", sent(XLSX, format="xlsx", sheet=MARKER), "lacks the sheet"),
    ("xlsx with a long row", sent(workbook([("a",), (MARKER, MARKER)]), format="xlsx"), "1 rows with more fields"),
    ("xlsx header twice", sent(workbook([("a", "a"), (MARKER, MARKER)]), format="xlsx"), "has 1 headers twice"),
    ("xlsx with formulas", sent(workbook([("a",), ("=1+1",)]), format="xlsx"), "has 1 cells that are errors"),
    ("xlsx too large", sent(zipped(("a", b"a" * (201 << 20))), format="xlsx"), "is too large for xlsx"),
    ("fewer rows in xlsx", sent(workbook([HEADERS, ROWS[0]]), format="xlsx"), "12 rows are announced and 1"),
]

ANNOUNCEMENTS: list[tuple[str, Spoil, str]] = [
    ("no JSON", written(b"delivery: d1"), "it is not JSON"),
    ("empty announcement", written(b""), "it is not JSON"),
    ("cut announcement", written(b'{"delivery_id": "d1", "feed"'), "it is not JSON"),
    ("a list", written(b"[]"), "it is not a JSON object"),
    ("a number", written(b"7"), "it is not a JSON object"),
    ("not utf-8", written(b'{"feed": "\xff"}'), "it is not JSON"),
    ("a number of many digits", written(b'{"rows": ' + b"9" * 5000 + b"}"), "it is not JSON"),
    *[
        (f"without {field}", partial(omit, field=field), f"{field} is missing or cannot be read")
        for field in (
            *("delivery_id", "feed", "contract_version", "supplier", "pseudonym_domain"),
            *("period_start", "period_end", "received_at", "files"),
        )
    ],
    *[
        (f"file without {field}", partial(omit, field=field, of_file=True), f"{field} is missing or cannot be read")
        for field in ("name", "format", "sha256", "rows")
    ],
    *[
        (
            f"{field} is {json.dumps(value)[:30]}",
            said_of_file(**{field: value}),
            f"{field} is missing or cannot be read",
        )
        for field, value in (
            *(("name", 7), ("name", ""), ("name", "a\nb"), ("name", "a\0b"), ("name", "\ud800"), ("name", "n" * 300)),
            *(("format", None), ("rows", "12"), ("rows", -1), ("rows", 12.0), ("rows", True), ("rows", float("nan"))),
            *(("sha256", "0" * 63), ("sha256", "g" * 64), ("sha256", 0), ("role", 1), ("encoding", None)),
            *(("delimiter", ""), ("delimiter", ",,"), ("delimiter", "\n"), ("delimiter", "\u00a3"), ("delimiter", "a")),
            *(("quote", '""'), ("quote", None), ("header", "yes"), ("columns", "a,b"), ("columns", [1])),
            *(("compression", 1), ("sheet", 1)),
        )
    ],
    ("delimiter is the quote", said_of_file(delimiter='"'), "files is missing or cannot be read"),
    ("files is text", said(files="rows.dat"), "files is missing or cannot be read"),
    ("files is one object", said(files={"name": "rows.dat"}), "files is missing or cannot be read"),
    ("files are names", said(files=["rows.dat"]), "files is missing or cannot be read"),
    ("no files", said(files=[]), "announces no files"),
    ("a file twice", twice, "announces a file twice"),
    ("period reversed", said(period_start="2024-05-01", period_end="2024-04-01"), "a period that ends before it"),
    ("period of long ago", said(period_start="1800-01-01"), "begins before 1900"),
    ("period to come", said(period_end="2030-01-01"), "ends more than a year after"),
    ("no day", said(period_end="2024-04-31"), "period_end is missing or cannot be read"),
    ("day first", said(period_start="01/04/2024"), "period_start is missing or cannot be read"),
    ("no time zone", said(received_at="2024-05-18T06:00:00"), "states no time zone"),
    ("no time", said(received_at="this morning"), "received_at is missing or cannot be read"),
    ("another feed", said(feed="apc_spell"), "names another feed or delivery"),
    ("another delivery", said(delivery_id="d2"), "names another feed or delivery"),
    ("flag as text", said(synthetic="true"), "synthetic is missing or cannot be read"),
    ("version as number", said(contract_version=1.0), "contract_version is missing or cannot be read"),
    ("received in the year 9999", said(received_at="9999-12-31T23:59:59Z"), "more than 20 years after"),
    ("nested beyond measure", written(b"[" * 100_000), "is not JSON"),
    ("a folder in place of the announcement", announcement_is_a_folder, "cannot be opened"),
]
