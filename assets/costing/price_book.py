"""The tables of the price book in use.

Belongs here: making tables of a book and of the price indices.
Does not belong here: reading a book (`book.py`) or an index (`price_index.py`); applying prices, which is SQL.
"""

import polars as pl

from assets.costing.book import Book, chosen_book
from assets.costing.price_index import chosen_index
from pipelines.build import build_frame
from pipelines.errors import LinkedCareError
from pipelines.home import Home
from pipelines.store import Stored
from schemas.prices import MARKET_FORCES_FACTOR, PRICE_BOOK, PRICE_INDEX, PRICE_POLICY, SETTING_INDEX, TOP_UP
from schemas.table import Table


def of_a_book(book: Book) -> dict[str, pl.DataFrame]:
    """The rows of every table that is made of a book."""
    policy = {
        "book_name": [book.name],
        "book_version": [book.version],
        "uses_submitted": [book.uses_submitted],
        "uses_net_ingredient": [book.uses_net_ingredient],
        "real_year": [book.real_year],
    }
    return {
        PRICE_BOOK.name: book.price,
        MARKET_FORCES_FACTOR.name: book.market_forces_factor,
        TOP_UP.name: book.top_up,
        PRICE_POLICY.name: pl.DataFrame(policy),
        SETTING_INDEX.name: pl.DataFrame({"setting": list(book.index), "index_name": list(book.index.values())}),
    }


def build_from_book(home: Home, table: Table, book: Book | None = None) -> Stored:
    """Build a table from a price book, by default the one in use.

    Raises:
        LinkedCareError: if the book is refused, or names an index that is not there.
    """
    book = book or chosen_book(home.root)
    if table is SETTING_INDEX:
        refuse_unknown_index(book, chosen_index(home.root))
    return build_frame(home.store, table, book.digest, lambda: of_a_book(book)[table.name])


def build_price_index(home: Home) -> Stored:
    """Build `price_index` from the indices shipped and those of the user."""
    index = chosen_index(home.root)
    return build_frame(home.store, PRICE_INDEX, index.sort(PRICE_INDEX.key).rows(), lambda: index)


def refuse_unknown_index(book: Book, index: pl.DataFrame) -> None:
    """Refuse a book that names a price index that there is not, which would leave prices of other years as they are.

    Raises:
        LinkedCareError: naming the book and how many indices it concerns.
    """
    if unknown := set(book.index.values()) - set(index["index_name"]):
        raise LinkedCareError(
            f"{book.name}/book.yaml: names {len(unknown)} price indices that are not in price_index.csv."
            f" Known are {', '.join(sorted(set(index['index_name'])))}."
        )
