"""A price book: a folder of prices with a source and a licence in every row, and of the rules by which they are used.

Belongs here: reading a book and refusing what cannot be relied on; which book a run uses.
Does not belong here: the tables made of it (`price_book.py`); applying prices, which is `sql/price_used.sql`.

A book is a folder with `book.yaml`, `price.csv` and, where wanted, `market_forces_factor.csv` and `top_up.csv`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from assets.costing.book_text import (
    is_financial_year,
    matches,
    month_bounds,
    named,
    read_text,
    refuse,
    refuse_blank,
    refuse_overlap,
)
from assets.reference import FOLDER, refuse_unclear_flags
from pipelines.environment import price_book_name
from pipelines.errors import LinkedCareError
from schemas.costing import SETTINGS
from schemas.financial_year import year_bounds

SHIPPED = FOLDER / "price_books"
NATIONAL = "national"
ALL = "ALL"
BASES = ("tariff", "cost", "local")
PRICE_COLUMNS = (
    "setting",
    "point_of_delivery",
    "currency_code",
    "description",
    "unit",
    "price_gbp",
    "trim_point_days",
    "excess_day_price_gbp",
    "price_year",
    "effective_from",
    "effective_to",
    "basis",
    "source",
    "licence",
    "status",
    "is_proxy",
    "national_activity",
)
PRICE_KEY = ("setting", "point_of_delivery", "currency_code")
FACTOR_COLUMNS = ("provider_code", "factor", "effective_from", "effective_to", "source")
TOP_UP_COLUMNS = ("provider_code", "code_system", "code", "rate", "source")
TOP_UP_KEY = ("provider_code", "code_system", "code")
_ACCEPTED_STATUS = ("V", "D")
_PLACEHOLDER = "X"  # a figure without a source, in a book only whose owner accepts it
_POUNDS = r"[0-9]{1,10}(\.[0-9]{1,4})?"
_POLICY: dict[str, tuple[str, ...]] = {
    "submitted_price": ("first", "ignored"),
    "prescribing": ("net_ingredient", "actual"),
    "placeholders": ("refused", "accepted"),
}
_WRITTEN = ("name", "version", "title", "real_year")
DEFAULT_INDEX = "nhscii"


@dataclass(frozen=True)
class Book:
    """What a book says.

    Attributes:
        uses_submitted: whether a submitted price goes before the book; if not, the book prices it.
        uses_net_ingredient: whether the net ingredient cost of a prescribed line, where sent, is its submitted price.
        real_year: the financial year in whose money real cost is told.
        index: the price index of each setting.
        price: columns of `price_book`: prices in pence, effective dates null for any day.
        market_forces_factor: provider_code, factor_millionths, effective_from, effective_to, source.
        top_up: provider_code, code_system, code, rate_millionths, source.
        digest: of the bytes of its files.
    """

    name: str
    version: str
    title: str
    real_year: str
    price: pl.DataFrame
    market_forces_factor: pl.DataFrame
    top_up: pl.DataFrame
    uses_submitted: bool = True
    uses_net_ingredient: bool = True
    index: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(SETTINGS, DEFAULT_INDEX))
    digest: str = ""


def read_book(folder: Path) -> Book:
    """Read the book in a folder.

    Raises:
        LinkedCareError: if a file is missing or cannot be read, or holds what cannot be relied on.
    """
    said = _policy(folder / "book.yaml")
    index = {str(k): str(v) for k, v in said.get("index", {}).items()}
    files = [folder / name for name in ("book.yaml", "price.csv", "market_forces_factor.csv", "top_up.csv")]
    digest = hashlib.sha256()
    price = read_price(folder / "price.csv", said.get("placeholders") == "accepted")
    factor, top_up = read_factor(files[2]), read_top_up(files[3])
    for path in files:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return Book(
        name=str(said["name"]),
        version=str(said["version"]),
        title=str(said["title"]),
        real_year=str(said["real_year"]),
        price=price,
        market_forces_factor=factor,
        top_up=top_up,
        uses_submitted=said.get("submitted_price", "first") == "first",
        uses_net_ingredient=said.get("prescribing", "net_ingredient") == "net_ingredient",
        index={setting: index.get(setting, index.get("default", DEFAULT_INDEX)) for setting in SETTINGS},
        digest=digest.hexdigest(),
    )


def shipped_book() -> Book:
    """The book that the program brings."""
    return read_book(SHIPPED / NATIONAL)


def chosen_book(home_root: Path) -> Book:
    """The book that `LINKED_CARE_PRICE_BOOK` names: that of the user before a shipped one of the same name.

    Raises:
        LinkedCareError: if there is no such book, or it is refused.
    """
    return read_book(book_folder(home_root, price_book_name()))


def book_folder(home_root: Path, name: str, said_by: str = "LINKED_CARE_PRICE_BOOK") -> Path:
    """Where the book of a name is; `said_by` is what named it, for the message.

    Raises:
        LinkedCareError: if there is none.
    """
    places = (home_root / "prices" / name, SHIPPED / name)
    is_name = Path(name).name == name and name not in ("", "..")
    for folder in places:
        if is_name and folder.is_dir():
            return folder
    raise LinkedCareError(
        f"{said_by}: no price book of this name in {places[0].parent} or among those shipped."
        f" Put its folder there, or use {NATIONAL}."
    )


def _policy(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise LinkedCareError(f"{named(path)}: no such file. A price book is a folder with book.yaml and price.csv.")
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise LinkedCareError(f"{named(path)}: cannot be read as YAML. Mend it.") from None
    if not isinstance(said, dict) or not all(isinstance(key, str) for key in said):
        raise LinkedCareError(f"{named(path)}: is no list of names with values. Mend it.")
    if unknown := sorted(said.keys() - {*_WRITTEN, *_POLICY, "index"}):
        raise LinkedCareError(f"{named(path)}: has {len(unknown)} unknown names. Known are {_known()}.")
    for name in _WRITTEN:
        if not isinstance(said.get(name), str | int | float) or not str(said[name]).strip():
            raise LinkedCareError(f"{named(path)}: says no {name}. Add it.")
    for name, values in _POLICY.items():
        if said.get(name, values[0]) not in values:
            raise LinkedCareError(f"{named(path)}: {name} is none of {', '.join(values)}. Mend it.")
    try:
        year_bounds(str(said["real_year"]))
    except ValueError:
        raise LinkedCareError(f"{named(path)}: real_year is no financial year such as 2024-25. Mend it.") from None
    index = said.get("index", {})
    if not isinstance(index, dict) or not all(isinstance(value, str) for value in index.values()):
        raise LinkedCareError(f"{named(path)}: index is no list of settings with the name of an index. Mend it.")
    if index.keys() - {"default", *SETTINGS}:
        raise LinkedCareError(f"{named(path)}: index names a setting that is none of {', '.join(SETTINGS)}. Mend it.")
    return said


def _known() -> str:
    return ", ".join((*_WRITTEN, *_POLICY, "index"))


def read_price(path: Path, accepts_placeholders: bool = False) -> pl.DataFrame:
    """The prices of a book in pence; pounds are read exactly, to a hundredth of a penny.

    Raises:
        LinkedCareError: if there is none, a row is a placeholder, its price or year cannot be read, or rows repeat.
    """
    text = read_text(path, PRICE_COLUMNS)
    if text.is_empty():
        raise LinkedCareError(f"{named(path)}: has no rows. A price book has prices.")
    placeholder = ~pl.col("status").is_in(
        (*_ACCEPTED_STATUS, _PLACEHOLDER) if accepts_placeholders else _ACCEPTED_STATUS
    )
    refuse(path, text, placeholder, "rows are placeholders without a source. Replace or remove them.")
    unreadable = "are not pounds with at most four decimals. Mend them."
    refuse(path, text, ~matches("price_gbp", _POUNDS), f"prices {unreadable}")
    blank = pl.col("excess_day_price_gbp").is_null()
    refuse(path, text, ~blank & ~matches("excess_day_price_gbp", _POUNDS), f"prices of an excess day {unreadable}")
    untrimmed = pl.col("trim_point_days").is_null()
    refuse(
        path,
        text,
        ~untrimmed & ~matches("trim_point_days", "[0-9]{1,4}"),
        "trim points are no whole number of days. Mend them.",
    )
    refuse(
        path,
        text,
        blank != untrimmed,
        "rows have a trim point without a price of an excess day, or the other way round. Give both or neither.",
    )
    refuse_unclear_flags(named(path), text, ["is_proxy"])
    refuse_blank(path, text, (*PRICE_KEY, "description", "unit", "price_year", "basis", "source", "licence"))
    settings = f"rows are of no setting that is one of {', '.join(SETTINGS)}. Mend them."
    refuse(path, text, ~pl.col("setting").is_in(SETTINGS), settings)
    bases = f"rows have a basis that is none of {', '.join(BASES)}. Mend them."
    refuse(path, text, ~pl.col("basis").is_in(BASES), bases)
    refuse(path, text, ~is_financial_year("price_year"), "rows have no price year such as 2024-25. Mend them.")
    unweighted = pl.col("national_activity").is_not_null() & ~matches("national_activity", "[0-9]{1,12}")
    refuse(path, text, unweighted, "rows have national activity that is no whole number. Mend them.")
    rows = month_bounds(path, text).with_columns(
        unit_price=_pence("price_gbp"),
        excess_day_price=_pence("excess_day_price_gbp"),
        trim_point_days=pl.col("trim_point_days").cast(pl.Int64),
        national_activity=pl.col("national_activity").cast(pl.Int64),
        price_basis="basis",
        is_proxy=pl.col("is_proxy") == "true",
    )
    refuse_overlap(path, rows, PRICE_KEY)
    return rows.drop("price_gbp", "excess_day_price_gbp", "basis")


def _pence(name: str) -> pl.Expr:
    return (pl.col(name).cast(pl.Decimal(18, 4)) * 100).cast(pl.Decimal(18, 2))


def read_factor(path: Path) -> pl.DataFrame:
    """Market forces factors in millionths; no rows where a book has none.

    Raises:
        LinkedCareError: if a factor is nothing or finer than can be kept, or rows repeat.
    """
    text = read_text(path, FACTOR_COLUMNS) if path.is_file() else _no_rows(FACTOR_COLUMNS)
    readable = matches("factor", r"[0-9]{1,2}(\.[0-9]{1,6})?") & ~matches("factor", r"0+(\.0+)?")
    refuse(path, text, ~readable, "factors are not above 0 with at most six decimals. Mend them.")
    refuse_blank(path, text, ("provider_code", "source"))
    rows = month_bounds(path, text).with_columns(factor_millionths=_millionths("factor")).drop("factor")
    refuse_overlap(path, rows, ("provider_code",))
    return rows


def read_top_up(path: Path) -> pl.DataFrame:
    """Top-up rates in millionths; no rows where a book has none.

    Raises:
        LinkedCareError: if a rate or a code system cannot be read, or rows repeat.
    """
    text = read_text(path, TOP_UP_COLUMNS) if path.is_file() else _no_rows(TOP_UP_COLUMNS)
    refuse(
        path,
        text,
        ~matches("rate", r"[0-9](\.[0-9]{1,6})?"),
        "rates are not shares such as 0.15 with at most six decimals. Mend them.",
    )
    refuse_blank(path, text, (*TOP_UP_KEY, "source"))
    refuse(path, text, ~matches("code", "[A-Z0-9]{2,10}"), "codes are not two or more capitals and digits. Mend them.")
    systems = ("icd10", "opcs4", "hrg")
    refuse(
        path,
        text,
        ~pl.col("code_system").is_in(systems),
        f"rows have a code system that is none of {', '.join(systems)}. Mend them.",
    )
    rows = text.with_columns(rate_millionths=_millionths("rate")).drop("rate")
    refuse_overlap(path, rows, TOP_UP_KEY)
    return rows


def _no_rows(columns: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))


def _millionths(name: str) -> pl.Expr:
    return (pl.col(name).cast(pl.Decimal(18, 6)) * 1_000_000).cast(pl.Int64)
