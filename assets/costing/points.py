"""Where prices can stand: the points of a book that the ladder looks at.

Belongs here: the points, by setting, of `price_point.csv`.
Does not belong here: which is tried first (`sql/price_used.sql`).
"""

from functools import cache

import polars as pl

from assets.reference import FOLDER

UNBUNDLED = ("inpatient", "unbundled")  # added to the price of a spell, and so in no ladder


@cache
def price_points() -> pl.DataFrame:
    """The ladder's points: setting, point_of_delivery, price_point, rank and book_point of each."""
    return pl.read_csv(FOLDER / "price_point.csv", infer_schema=False)


def known_points() -> frozenset[tuple[str, str]]:
    """Setting and point of every price that can be used."""
    ladder = price_points().select("setting", "book_point").unique()
    return frozenset([*ladder.iter_rows(), UNBUNDLED])
