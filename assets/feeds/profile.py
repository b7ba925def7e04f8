"""An unknown extract as text, and what each of its columns is written like.

Belongs here: types that the text of a column has without loss, counts, and codes that are common enough to be shown.
Does not belong here: which known feed it resembles (`resemblance.py`), or the draft of a contract (`draft.py`).

A profile may be shared: it holds no value that fewer than ten rows have, none of a column of identifiers, and bounds
that are rounded outwards.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from assets.feeds.identifiers import GateColumn, IdentifierGate, refused_by_header
from pipelines.errors import LinkedCareError

FEWEST_ROWS = 10
MOST_CODES = 40
LONGEST_CODE = 60
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d-%m-%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%Y-%m-%d %H:%M:%S",
                "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y")  # fmt: skip
MISSING_TEXTS = ("NULL", "null", "Null", "N/A", "n/a", "#N/A", "NA", "NaN", "nan", "None", "NONE", ".", "-")

_ENOUGH = 0.99  # of the filled cells: a few that are not of the type are the rules' to find
_FEW = 1_000  # different cells that rule out most formats of days
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_MOST_DIGITS = 38
_UNREADABLE = "cannot be read as CSV or parquet. Try --delimiter or --encoding."
_LARGEST_INTEGER = 2**31 - 1
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+")
_IDENTIFYING = re.compile(
    r"pseud|hash|encrypt|token|\b(id|ids|ident|identifier|number|no|num|nbr|key|ref|reference|epikey|uuid|guid|nhs|hesid)\b"
    r"|\b(patient|person|client|user|carer|mrn|case)$"
)
_CODED = re.compile(
    r"\b(code|cd|type|status|class|classification|category|flag|method|source|destination|outcome|priority|sex|gender"
    r"|ethnic\w*|indicator|ind|mechanism|specialty|medium|reason|scheme|version)\b"
)


@dataclass(frozen=True)
class Profile:
    """What a column is written like.

    Attributes:
        type: the narrowest type that its text has without loss.
        formats: how its days are written, if it is a date.
        filled: rows that hold a value.
        odd: filled rows that are not of the type.
        codes: all values that at least ten rows have, if there are few different ones.
        rare: different values left out of the codes.
        bounds: least and greatest number, rounded outwards.
        is_identifying: whether it looks like pseudonyms or other identifiers, so that no value is shown.
    """

    header: str
    type: str
    rows: int
    filled: int
    distinct: int
    longest: int
    formats: tuple[str, ...] = ()
    odd: int = 0
    codes: tuple[str, ...] = ()
    rare: int = 0
    bounds: tuple[int, int] | None = None
    is_identifying: bool = False


@dataclass(frozen=True)
class Extract:
    """An unknown file as text, with the words that stand for a missing value; these and blanks are null."""

    rows: pl.DataFrame
    missing_texts: tuple[str, ...]


def words_of(header: str) -> str:
    """A header split into lower-case words."""
    return _WORD_BREAK.sub(" ", header).strip().lower()


def read_extract(path: Path, delimiter: str = ",", encoding: str = "utf-8", rows: int = 1_000_000) -> Extract:
    """The first rows of a CSV or parquet file as text.

    Raises:
        LinkedCareError: if it cannot be read, or holds no rows.
    """
    if not path.is_file():
        raise LinkedCareError(f"{path}: is no file.")
    try:
        text = _read(path, delimiter, encoding, rows)
    except (pl.exceptions.PolarsError, OSError, LookupError, TypeError, ValueError) as error:  # may quote cells
        raise LinkedCareError(f"{path.name}: {_UNREADABLE}") from error
    if repeated := sum(name.endswith("_duplicated_0") for name in text.columns):
        raise LinkedCareError(f"{path.name}: has {repeated} headers twice. Name each column once.")
    if sum(map(_is_value, text.columns)) * 2 >= len(text.columns):
        raise LinkedCareError(f"{path.name}: its first row holds values, not headers. Put the headers there.")
    if not text.height:
        raise LinkedCareError(f"{path.name}: holds no rows to profile.")
    text = text.with_columns(pl.when(pl.all().str.strip_chars() != "").then(pl.all()))
    found = tuple(word for word in MISSING_TEXTS if text.select(pl.any_horizontal((pl.all() == word).any())).item())
    return Extract(text.with_columns(pl.when(~pl.all().is_in(found)).then(pl.all())), found)


def _is_value(header: str) -> bool:
    cell = pl.DataFrame({"cell": [header]})
    return not any(map(str.isalpha, header)) or any(cell.filter(_is_day(form)).height for form in DATE_FORMATS)


def _read(path: Path, delimiter: str, encoding: str, rows: int) -> pl.DataFrame:
    with path.open("rb") as content:
        is_parquet = content.read(4) == b"PAR1"
    if is_parquet:
        return pl.scan_parquet(path, glob=False).head(rows).select(pl.all().cast(pl.String)).collect()
    name = "utf8" if encoding.lower() in {"utf-8", "utf8"} else encoding  # the first needs no second copy of the text
    return pl.read_csv(path, separator=delimiter, encoding=name, infer_schema=False, n_rows=rows, glob=False)


def refused_columns(extract: Extract, columns: Sequence[GateColumn]) -> tuple[set[str], list[str]]:
    """Headers of the columns that the identifier gate refuses, and its reasons, which name them by header or place."""
    whole = IdentifierGate(columns)
    whole.look(extract.rows)
    reasons = [reason for reason in (refused_by_header(columns), whole.verdict()) if reason]
    refused = set()
    for column in columns if reasons else ():
        alone = IdentifierGate([column])
        alone.look(extract.rows.select(column.header))
        if refused_by_header([column]) or alone.verdict():
            refused.add(column.header)
    return refused, reasons


def profile(extract: Extract, header: str) -> Profile:
    """What one column is written like."""
    text = extract.rows[header]
    cells = text.drop_nulls()
    distinct = cells.n_unique()
    words = words_of(header)
    kind, formats, odd = _type(cells, words)
    is_identifying = bool(_IDENTIFYING.search(words)) and kind != "DATE" and not kind.startswith("DECIMAL")
    found = Profile(
        header=header,
        type="VARCHAR" if is_identifying else kind,
        rows=text.len(),
        filled=cells.len(),
        distinct=distinct,
        longest=int(cells.str.len_chars().max() or 0),  # type: ignore[arg-type]
        formats=formats,
        odd=odd,
        is_identifying=is_identifying,
    )
    if is_identifying or kind == "DATE" or not cells.len():
        return found
    return _with_bounds(found, cells) if kind != "VARCHAR" else _with_codes(found, cells)


def _type(cells: pl.Series, words: str) -> tuple[str, tuple[str, ...], int]:
    """Type, formats of days, and how many cells are not of the type."""
    counts = cells.rename("cell").value_counts(name="rows")  # equal cells are looked at once
    enough = _ENOUGH * cells.len()
    for form in DATE_FORMATS if cells.len() else ():
        few = counts.head(_FEW)
        if _rows(few, _is_day(form)) >= _ENOUGH * _rows(few, pl.lit(True)) / 2:
            fitting = _rows(counts, _is_day(form))
            if fitting >= enough:
                return "DATE", (form,), cells.len() - fitting
    places = pl.col("cell").str.extract(r"\.([0-9]+)$").str.len_chars().fill_null(0)
    numbers = counts.filter(pl.col("cell").str.contains(_NUMBER)).with_columns(places=places)
    if not numbers.height or _rows(numbers, pl.lit(True)) < enough or _CODED.search(words):
        return "VARCHAR", (), 0
    by_places = (
        numbers.group_by("places").agg(pl.col("rows").sum()).sort("places").with_columns(pl.col("rows").cum_sum())
    )
    scale, fitting = by_places.filter(pl.col("rows") >= enough).row(0)
    digits, magnitude = numbers.select(
        pl.col("cell").str.extract(r"^-?([0-9]+)").str.len_chars().max().alias("digits"),
        pl.col("cell").cast(pl.Float64).abs().max().alias("magnitude"),
    ).row(0)
    precision = max(12, digits + scale)
    if scale == 0 and magnitude <= _LARGEST_INTEGER:
        return "INTEGER", (), cells.len() - fitting
    if scale > 0 and precision <= _MOST_DIGITS:
        return f"DECIMAL({precision},{scale})", (), cells.len() - fitting
    return "VARCHAR", (), 0


def _is_day(form: str) -> pl.Expr:
    day = pl.col("cell").str.to_date(form, strict=False)
    return (day.dt.strftime(form) == pl.col("cell")) & day.dt.year().is_between(1800, 2200)


def _rows(counts: pl.DataFrame, fits: pl.Expr) -> int:
    return int(counts.filter(fits)["rows"].sum())


def _with_codes(found: Profile, cells: pl.Series) -> Profile:
    if found.distinct > MOST_CODES or found.longest > LONGEST_CODE:
        return found
    counts = cells.rename("code").value_counts(name="rows")
    common = counts.filter(pl.col("rows") >= FEWEST_ROWS)["code"].sort().to_list()
    return replace(found, codes=tuple(common), rare=counts.height - len(common))


def _with_bounds(found: Profile, cells: pl.Series) -> Profile:
    numbers = cells.cast(pl.Float64, strict=False)
    least, greatest = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    return replace(found, bounds=(-rounded_up(-least) if least < 0 else 0, rounded_up(greatest)))


def rounded_up(number: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, … that is no less; zero for what is not above zero."""
    if number <= 0:
        return 0
    power = 10 ** max(0, math.floor(math.log10(number)))
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= number)
