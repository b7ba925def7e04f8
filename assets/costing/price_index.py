"""Price indices: by which the prices of one year are carried to another.

Belongs here: reading an index and refusing what cannot be relied on; the user's own beside those shipped.
Does not belong here: which index a setting uses (`book.py`); applying one, which is `sql/price_used.sql`.
"""

from pathlib import Path

import polars as pl

from assets.costing.book_text import (
    is_financial_year,
    matches,
    named,
    read_text,
    refuse,
    refuse_blank,
    refuse_overlap,
)
from assets.reference import FOLDER, refuse_unclear_flags
from pipelines.errors import LinkedCareError

SHIPPED_INDEX = FOLDER / "price_index.csv"
INDEX_COLUMNS = ("index_name", "vintage", "price_year", "index_value", "is_provisional", "source", "licence")


def read_index(path: Path) -> pl.DataFrame:
    """The rows of an index file, values in ten-thousandths.

    Raises:
        LinkedCareError: if a value is nothing or finer than can be kept, an index has two vintages, or rows repeat.
    """
    text = read_text(path, INDEX_COLUMNS)
    readable = matches("index_value", r"[0-9]{1,6}(\.[0-9]{1,4})?") & ~matches("index_value", r"0+(\.0+)?")
    refuse(path, text, ~readable, "index values are not above 0 with at most four decimals. Mend them.")
    refuse_blank(path, text, ("index_name", "vintage", "price_year", "source", "licence"))
    refuse(path, text, ~is_financial_year("price_year"), "rows have no price year such as 2024-25. Mend them.")
    refuse_unclear_flags(named(path), text, ["is_provisional"])
    refuse_overlap(path, text, ("index_name", "price_year"))
    if mixed := text.group_by("index_name").agg(pl.col("vintage").n_unique()).filter(pl.col("vintage") > 1).height:
        raise LinkedCareError(f"{named(path)}: {mixed} indices mix vintages. Give each vintage a name of its own.")
    value = (pl.col("index_value").cast(pl.Decimal(18, 4)) * 10_000).cast(pl.Int64)
    return text.with_columns(index_ten_thousandths=value, is_provisional=pl.col("is_provisional") == "true").drop(
        "index_value"
    )


def shipped_index() -> pl.DataFrame:
    """The indices that the program brings."""
    return read_index(SHIPPED_INDEX)


def chosen_index(home_root: Path) -> pl.DataFrame:
    """The indices of a home: those shipped, and the user's own, which replace shipped ones of the same name.

    Raises:
        LinkedCareError: if the user's own are refused.
    """
    shipped, own = shipped_index(), home_root / "prices" / "price_index.csv"
    if not own.is_file():
        return shipped
    brought = read_index(own)
    return pl.concat([shipped.join(brought, on="index_name", how="anti"), brought])
