"""What differs between two price books: rows that only one has, and prices that changed.

Belongs here: comparing the rows of two books by setting, point, currency and the day from which they hold.
Does not belong here: what the difference costs, which is a recosting of activity.
"""

import polars as pl

from assets.costing.book import PRICE_KEY, Book

_KEY = [*PRICE_KEY, "effective_from"]
_POINT = ["setting", "point_of_delivery"]
_FIGURES = ("unit_price", "trim_point_days", "excess_day_price", "price_year", "price_basis")


def compare_books(old: Book, new: Book) -> pl.DataFrame:
    """One row per price of either book: `status` is only_old, only_new, same or changed, with the change in percent."""
    sides = [book.price.select(*_KEY, *_FIGURES, present=pl.lit(True)) for book in (old, new)]
    both = sides[0].join(sides[1], on=_KEY, how="full", coalesce=True, nulls_equal=True, suffix="_new", validate="1:1")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in _FIGURES)
    status = (
        pl.when(pl.col("present_new").is_null())
        .then(pl.lit("only_old"))
        .when(pl.col("present").is_null())
        .then(pl.lit("only_new"))
        .when(differs)
        .then(pl.lit("changed"))
        .otherwise(pl.lit("same"))
    )
    before, after = pl.col("unit_price").cast(pl.Float64), pl.col("unit_price_new").cast(pl.Float64)
    change = pl.when(before > 0).then(100 * (after - before) / before)
    return both.select(
        *_KEY,
        "unit_price",
        "unit_price_new",
        "price_year",
        "price_year_new",
        status=status,
        change_percent=change,
    ).sort(_KEY)


def by_point(compared: pl.DataFrame) -> pl.DataFrame:
    """How many prices of each setting and point differ, and by how much in percent: least, mean and most."""

    def count(name: str) -> pl.Expr:
        return (pl.col("status") == name).sum()

    changed = pl.col("change_percent").filter(pl.col("status") == "changed")
    return (
        compared.group_by(_POINT)
        .agg(
            only_old=count("only_old"),
            only_new=count("only_new"),
            same=count("same"),
            changed=count("changed"),
            least=changed.min(),
            mean=changed.mean(),
            most=changed.max(),
        )
        .sort(_POINT)
    )
