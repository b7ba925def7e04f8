"""The user's own expectations: `expected_delivery.csv` in the home.

Belongs here: reading and refusing that file.
Does not belong here: what follows from it (`calendar.py`).
"""

from collections.abc import Collection
from pathlib import Path

import polars as pl

from pipelines.errors import LinkedCareError

EXPECTED_FILE = "expected_delivery.csv"
_SCHEMA = {
    "feed": pl.String,
    "supplier": pl.String,
    "provider_code": pl.String,
    "first_month": pl.Date,
    "last_month": pl.Date,
}
_NEEDED = ("feed", "supplier", "provider_code", "first_month")


def read_expected(path: Path, feeds: Collection[str]) -> pl.DataFrame:
    """The providers that the user names, with the months for which each is expected; no rows without a file.

    Raises:
        LinkedCareError: if the file is not what it should be, with what to mend.
    """
    if not path.exists():
        return pl.DataFrame(schema=_SCHEMA)
    try:
        text = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise LinkedCareError(f"{path.name}: cannot be read as CSV. Mend it, or remove it.") from error
    if text.columns != list(_SCHEMA):
        raise LinkedCareError(f"{path.name}: its columns must be {', '.join(_SCHEMA)}. Mend it, or remove it.")
    text = text.with_columns(pl.all().str.strip_chars().replace("", None))
    for name in _NEEDED:
        _refuse(path, text, pl.col(name).is_null(), f"have no {name}")
    _refuse(path, text, ~pl.col("feed").is_in(list(feeds)), "name a feed that has no contract")
    months = text.with_columns(
        pl.col(name).str.to_date("%Y-%m-%d", strict=False).fill_null(_month(name))
        for name in _SCHEMA
        if "month" in name
    )
    for name in ("first_month", "last_month"):
        unread = text[name].is_not_null() & months[name].is_null()
        _refuse(path, text, pl.lit(unread), f"have a {name} that is no month. Write 2024-04")
    _refuse(path, months, pl.col("last_month") < pl.col("first_month"), "end before they begin")
    return months.with_columns(pl.col("first_month", "last_month").dt.month_start()).unique().sort(*_SCHEMA)


def _month(name: str) -> pl.Expr:
    return (pl.col(name) + "-01").str.to_date("%Y-%m-%d", strict=False)


def _refuse(path: Path, rows: pl.DataFrame, broken: pl.Expr, what: str) -> None:
    if count := rows.filter(broken).height:
        raise LinkedCareError(f"{path.name}: {count} rows {what}. Mend them, or remove the file.")
