"""Reading the CSV files of a price book exactly: every figure is kept to its last digit, or its file is refused.

Belongs here: reading a CSV with declared columns, and the refusals that its files share.
Does not belong here: what the files of a book are (`book.py`).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from pipelines.errors import LinkedCareError

_FIRST_DAY, _LAST_DAY = pl.date(1, 1, 1), pl.date(9999, 12, 31)


def read_text(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """The rows of a CSV as text, with exactly the columns named, in any order; blank is null.

    Raises:
        LinkedCareError: if there is no such file, it cannot be read, or its columns are others.
    """
    if not path.is_file():
        raise LinkedCareError(f"{named(path)}: no such file. A price book is a folder with book.yaml and price.csv.")
    try:
        text = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.NoDataError:
        raise LinkedCareError(f"{named(path)}: is empty. Give it a header with {', '.join(columns)}.") from None
    except pl.exceptions.PolarsError:  # quotes the line, so neither it nor its cause is shown
        raise LinkedCareError(f"{named(path)}: is no CSV in UTF-8 with as many values as columns. Mend it.") from None
    unknown = [name for name in text.columns if name not in columns]
    missing = [name for name in columns if name not in text.columns]
    for names, what in ((unknown, "has unknown columns"), (missing, "lacks the columns")):
        if names:
            raise LinkedCareError(f"{named(path)}: {what} {', '.join(names)}. It has {', '.join(columns)}.")
    return text.select(columns)


def named(path: Path) -> str:
    """A file of a book as errors name it: with its folder, without the rest of its path."""
    return f"{path.parent.name}/{path.name}"


def refuse(path: Path, text: pl.DataFrame, bad: pl.Expr, what: str) -> None:
    """Refuse a file with rows of which something bad is true; nothing unknown is taken for good.

    Raises:
        LinkedCareError: naming the file, how many rows, and what is wrong with them.
    """
    if count := text.filter(bad.fill_null(True)).height:
        raise LinkedCareError(f"{named(path)}: {count} {what}")


def refuse_blank(path: Path, text: pl.DataFrame, names: Iterable[str]) -> None:
    """Refuse values that are blank or have space around them, where something must be said.

    Raises:
        LinkedCareError: naming the column.
    """
    for name in names:
        spaced = pl.col(name).str.strip_chars() != pl.col(name)
        refuse(path, text, (pl.col(name).fill_null("") == "") | spaced, f"rows have no clear {name}. Write it plainly.")


def matches(name: str, pattern: str) -> pl.Expr:
    """Whether the text of a column has a form; blank has not."""
    return pl.col(name).fill_null("").str.contains(f"^(?:{pattern})$")


def is_financial_year(name: str) -> pl.Expr:
    """Whether the text of a column is a financial year such as 2024-25."""
    start = pl.col(name).str.slice(0, 4).cast(pl.Int64, strict=False)
    ends = ((start + 1) % 100).cast(pl.String).str.zfill(2) == pl.col(name).str.slice(5)
    return matches(name, "[0-9]{4}-[0-9]{2}") & ends


def month_bounds(path: Path, text: pl.DataFrame) -> pl.DataFrame:
    """`effective_from` and `effective_to` as dates: whole months, or blank for any day.

    Raises:
        LinkedCareError: if a date is none, no first or last day of a month, or the last day precedes the first.
    """
    dated = text.with_columns(
        pl.col(name).str.to_date("%Y-%m-%d", strict=False, exact=True).alias(f"{name}_read")
        for name in ("effective_from", "effective_to")
    )
    start, end = pl.col("effective_from_read"), pl.col("effective_to_read")
    unread = pl.any_horizontal(
        pl.col(name).is_not_null()
        & ~(matches(name, "[0-9]{4}-[0-9]{2}-[0-9]{2}") & pl.col(f"{name}_read").is_not_null())
        for name in ("effective_from", "effective_to")
    )
    refuse(path, dated, unread, "rows have effective dates that are not written as 2024-04-01. Mend them.")
    whole = start.is_null() | (start == start.dt.month_start())
    whole &= end.is_null() | (end == end.dt.month_end())
    refuse(
        path,
        dated,
        ~whole,
        "rows take effect or end within a month. Write the first day of a month in effective_from, the last in"
        " effective_to.",
    )
    refuse(path, dated, (end < start).fill_null(False), "rows end before they take effect. Mend their effective dates.")
    return dated.with_columns(effective_from=start, effective_to=end).select(text.columns)


def refuse_overlap(path: Path, rows: pl.DataFrame, key: Sequence[str]) -> None:
    """Refuse two rows of one key that are in force on one day, or that are the same key where nothing is dated.

    Raises:
        LinkedCareError: naming the key and how many rows it concerns.
    """
    dated = "effective_from" in rows.columns
    ordered = rows.with_columns(
        first=pl.col("effective_from").fill_null(_FIRST_DAY) if dated else _FIRST_DAY,
        last=pl.col("effective_to").fill_null(_LAST_DAY) if dated else _LAST_DAY,
    ).sort(*key, "first")
    overlaps = (pl.col("first") <= pl.col("last").cum_max().shift(1).over(*key)).fill_null(False)
    when = " on one day" if dated else ""
    refuse(path, ordered, overlaps, f"rows repeat the key {', '.join(key)}{when}. Keep one of each.")
