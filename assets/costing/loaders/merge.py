"""Loaded rows become part of a user's book: by key and effective dates, written aside, read whole, then renamed.

Belongs here: what is added, replaced and refused; the folder of a book that is new; the user's price indices.
Does not belong here: reading publications (one module each); what a book may hold (`assets/costing/book.py`).
"""

import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import yaml

from assets.costing.book import FACTOR_COLUMNS, PRICE_COLUMNS, PRICE_KEY, SHIPPED, read_book
from assets.costing.book_text import read_text
from assets.costing.loaders.index import COLUMNS as INDEX_COLUMNS
from pipelines.errors import LinkedCareError
from pipelines.store import write_whole

BOOKS = "prices"
PRICES, FACTORS, POLICY, INDICES = "price.csv", "market_forces_factor.csv", "book.yaml", "price_index.csv"
PLACEHOLDER = "X"
_DATES = ("effective_from", "effective_to")
_NAME = r"[a-z0-9][a-z0-9_-]{0,60}"


@dataclass(frozen=True)
class Merged:
    """What became of the rows of a load.

    Attributes:
        placeholders: the rows of status X, accepted or refused.
        is_new: whether the load made the book.
        ended: rows that held still and now end before those of the load take effect.
    """

    added: int
    replaced: int
    unchanged: int
    placeholders: pl.DataFrame
    is_new: bool
    ended: int = 0


def merge_prices(
    home_root: Path,
    name: str,
    prices: pl.DataFrame,
    accept_placeholders: bool,
    like: str | None = None,
    new_from: date | None = None,
) -> Merged:
    """Merge prices into the user's book of a name, which is made if there is none, from another book if one is named.

    Prices of the book that hold still on `new_from`, and that the load has anew, end on the day before.

    Raises:
        LinkedCareError: if the name is no name for a book, or the book would be one that cannot be relied on; then it
            stays as it was.
    """
    is_placeholder = pl.col("status") == PLACEHOLDER
    placeholders = prices.filter(is_placeholder)
    kept = prices.with_columns(is_proxy=pl.when(is_placeholder).then(pl.lit("true")).otherwise("is_proxy"))
    if not accept_placeholders:
        kept = prices.filter(~is_placeholder)
    if kept.is_empty():
        raise LinkedCareError(
            f"{name}: all {prices.height} rows are placeholders. Give their figures, or --accept-placeholders."
        )
    year = str(kept["price_year"][0])
    with _staged(home_root, name, year, like) as (staged, is_new):
        if accept_placeholders and placeholders.height:
            _accept(staged / POLICY)
        ended = _end_earlier(staged / PRICES, PRICE_COLUMNS, PRICE_KEY, kept, new_from)
        counts = _merge(staged / PRICES, PRICE_COLUMNS, (*PRICE_KEY, *_DATES), kept)
    return Merged(*counts, placeholders, is_new, ended)


def merge_factors(
    home_root: Path, name: str, factors: pl.DataFrame, like: str | None = None, new_from: date | None = None
) -> Merged:
    """Merge market forces factors into the user's book of a name.

    Raises:
        LinkedCareError: if there is no such book with prices and none to begin with, or it would be refused.
    """
    if like is None and not (home_root / BOOKS / name / PRICES).is_file():
        raise LinkedCareError(f"{name}: has no prices that a factor could multiply. Load prices first, or give --like.")
    with _staged(home_root, name, "", like) as (staged, is_new):
        ended = _end_earlier(staged / FACTORS, FACTOR_COLUMNS, ("provider_code",), factors, new_from)
        counts = _merge(staged / FACTORS, FACTOR_COLUMNS, ("provider_code", *_DATES), factors)
    return Merged(*counts, pl.DataFrame(), is_new, ended)


def merge_index(home_root: Path, rows: pl.DataFrame) -> Merged:
    """Put an index into the user's own, in place of what stood there under its name."""
    path = home_root / BOOKS / INDICES
    path.parent.mkdir(parents=True, exist_ok=True)
    held = read_text(path, INDEX_COLUMNS) if path.is_file() else rows.clear()
    of_name = pl.col("index_name").is_in(rows["index_name"].unique().to_list())
    before = held.filter(of_name)
    unchanged = rows.join(before, on=INDEX_COLUMNS, how="semi", nulls_equal=True).height
    replaced = rows.join(before, on=["index_name", "price_year"], how="semi").height - unchanged
    write_whole(path, pl.concat([held.filter(~of_name), rows]).write_csv())
    return Merged(rows.height - replaced - unchanged, replaced, unchanged, pl.DataFrame(), not held.height)


@contextmanager
def _staged(home_root: Path, name: str, year: str, like: str | None) -> Iterator[tuple[Path, bool]]:
    """A copy of the book to work on; taken over when it reads whole."""
    folder = home_root / BOOKS / name
    if not re.fullmatch(_NAME, name):
        raise LinkedCareError("--book: is no name for a book. Use lower-case letters, digits, dashes and underscores.")
    is_new = not folder.is_dir()
    if is_new and (SHIPPED / name).is_dir():
        raise LinkedCareError(
            f"{name}: is a book of the program. Choose another name, with --like {name} to begin with its rows."
        )
    if like and not is_new:
        raise LinkedCareError(f"{name}: exists, so that it cannot begin like another. Leave --like out.")
    for left in (home_root / BOOKS).glob(".*"):  # by a load that was killed
        shutil.rmtree(left, ignore_errors=True)
    aside = home_root / BOOKS / f".{uuid.uuid4().hex}"
    staged = aside / name
    try:
        if is_new:
            _begin(home_root, staged, name, year, like)
        else:
            shutil.copytree(folder, staged)
        yield staged, is_new
        read_book(staged)
        if is_new:
            staged.rename(folder)
        else:  # the policy first: prices that it does not accept yet would be refused
            for path in sorted(staged.iterdir()):
                path.replace(folder / path.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _begin(home_root: Path, staged: Path, name: str, year: str, like: str | None) -> None:
    policy = {"name": name, "version": "1", "title": f"Prices of {year}", "real_year": year}
    if like:
        known = [parent / like for parent in (home_root / BOOKS, SHIPPED) if like and (parent / like).is_dir()]
        if not known or not re.fullmatch(_NAME, like):
            raise LinkedCareError("--like: names no price book. Name one of yours, or national.")
        shutil.copytree(known[0], staged)
        policy = yaml.safe_load((staged / POLICY).read_text()) | {"name": name, "version": "1"}
    else:
        staged.mkdir(parents=True)
    (staged / POLICY).write_text(yaml.safe_dump(policy, sort_keys=False, allow_unicode=True))


def _accept(policy: Path) -> None:
    """Have the book say that it accepts placeholders; what else it says stays, with its comments."""
    text = policy.read_text()
    if yaml.safe_load(text).get("placeholders") != "accepted":
        lines = [line for line in text.splitlines() if not line.startswith("placeholders:")]
        policy.write_text("\n".join([*lines, "placeholders: accepted", ""]))


def _end_earlier(
    path: Path, columns: Sequence[str], key_columns: Sequence[str], rows: pl.DataFrame, new_from: date | None
) -> int:
    """End the rows of a file that hold still when rows of the same key take effect; how many."""
    if new_from is None or not path.is_file():
        return 0
    held = read_text(path, columns)
    started = pl.col("effective_from").fill_null("") < new_from.isoformat()
    key = pl.concat_str(*key_columns, separator="/")
    again = rows.select(key.alias("key"))["key"].implode()
    ending = pl.col("effective_to").is_null() & started & key.is_in(again)
    last = (new_from - timedelta(days=1)).isoformat()
    path.write_text(
        held.with_columns(effective_to=pl.when(ending).then(pl.lit(last)).otherwise("effective_to")).write_csv()
    )
    return held.filter(ending).height


def _merge(path: Path, columns: Sequence[str], key: Sequence[str], rows: pl.DataFrame) -> tuple[int, int, int]:
    """Put rows into a file, each in the place of the row of its key; how many are added, replaced, unchanged."""
    held = read_text(path, columns) if path.is_file() else rows.select(columns).clear()
    if repeated := rows.select(key).is_duplicated().sum():
        raise LinkedCareError(f"{path.parent.name}: {repeated} rows of the file price the same. Keep one of each.")
    merged = {tuple(row[name] for name in key): row for row in held.iter_rows(named=True)}
    if len(merged) < held.height:
        raise LinkedCareError(f"{path.parent.name}/{path.name}: repeats a key. See `linked-care prices lint`.")
    before = len(merged)
    replaced = unchanged = 0
    for row in rows.select(columns).iter_rows(named=True):
        at = tuple(row[name] for name in key)
        unchanged += merged.get(at) == row
        replaced += at in merged and merged[at] != row
        merged[at] = row
    frame = pl.DataFrame(list(merged.values()), schema=dict.fromkeys(columns, pl.String()))
    path.write_text(frame.write_csv())
    return len(merged) - before, replaced, unchanged
