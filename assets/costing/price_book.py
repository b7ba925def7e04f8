"""The price book: data with a source and a licence in every row.

Belongs here: reading a book and refusing what cannot be relied on.
Does not belong here: applying prices, which is `sql/activity_cost.sql`.
"""

import polars as pl

from assets.reference import FOLDER, refuse_unclear_flags
from pipelines.build import build_frame
from pipelines.errors import LinkedCareError
from pipelines.store import Store, Stored
from schemas.costing import PRICE_BOOK

SHIPPED = FOLDER / "price_book.csv"
_ACCEPTED_STATUS = ("V", "D")


def build_price_book(store: Store) -> Stored:
    """Build `price_book` from the shipped book."""
    return build_frame(
        store, PRICE_BOOK, SHIPPED.read_text(), lambda: read_price_book(pl.read_csv(SHIPPED, infer_schema=False))
    )


def read_price_book(text: pl.DataFrame) -> pl.DataFrame:
    """A book's rows with the price in pence; pounds are read exactly, to a hundredth of a penny.

    Raises:
        LinkedCareError: if a row is a placeholder, has no price, one finer than can be kept, or no clear flag.
    """
    placeholders = text.filter(~pl.col("status").is_in(_ACCEPTED_STATUS).fill_null(False)).height
    if placeholders:
        raise LinkedCareError(
            f"price_book: {placeholders} rows are placeholders without a source. Replace or remove them."
        )
    unreadable = text.filter(~pl.col("price_gbp").fill_null("").str.contains(r"^[0-9]{1,10}(\.[0-9]{1,4})?$")).height
    if unreadable:
        raise LinkedCareError(f"price_book: {unreadable} prices are not pounds with at most four decimals. Mend them.")
    refuse_unclear_flags("price_book", text, ["is_proxy"])
    return text.with_columns(
        unit_price=(pl.col("price_gbp").cast(pl.Decimal(18, 4)) * 100).cast(pl.Decimal(18, 2)),
        price_basis="basis",
        is_proxy=pl.col("is_proxy") == "true",
    )
