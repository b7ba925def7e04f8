"""What is odd about a price book: faults for which a run refuses it, and warnings that its owner should know.

Belongs here: one function for each thing that is looked for, over the book's rows as text.
Does not belong here: reading a book for a run (`book.py`), which refuses at the first fault; printing.

A price far from the mean of its point is no fault: the bounds of 1/20 and 20 times find pence taken for pounds, or a
price per minute beside a price per visit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import yaml

from assets.costing.book import ALL, PRICE_COLUMNS, PRICE_KEY, read_book
from assets.costing.book_text import read_text
from assets.costing.points import STAFFED, UNBUNDLED, Point, book_points
from assets.reference import FOLDER
from pipelines.errors import LinkedCareError
from schemas.contract import contracts

FAR = 20
LAST_YEAR_OF_EXCESS_DAYS = "2017-18"
SHOWN = 8
_POINT = ("setting", "point_of_delivery")
_NOT_COMMERCIAL = r"\bNC\b"
_PSSRU, _PSSRU_LICENCE = "PSSRU", "CC BY-NC-SA 4.0"
_CODED = {  # columns of contracts whose values are currencies as they are
    ("mental_health", "mh_contact"): ("mh_contact", "team_type_code"),
    ("mental_health", "mh_bed_day"): ("mh_ward_stay", "patient_class_code"),
}
_AMBULANCE = ("01", "02", "03", "04")


@dataclass(frozen=True)
class Finding:
    """Something odd: whether a run refuses the book for it, a short name, and what it is, in a line."""

    is_fault: bool
    rule: str
    what: str


def lint_book(folder: Path) -> list[Finding]:
    """Everything that is odd about the book in a folder: faults first.

    Raises:
        LinkedCareError: if its prices cannot be read as a table at all.
    """
    prices = read_text(folder / "price.csv", PRICE_COLUMNS).with_columns(
        amount=pl.col("price_gbp").cast(pl.Float64, strict=False)
    )
    faults = [Finding(True, rule.__name__, what) for rule in _FAULTS for what in rule(prices, folder)]
    warnings = [Finding(False, rule.__name__, what) for rule in _WARNINGS for what in rule(prices, folder)]
    try:
        read_book(folder)
    except LinkedCareError as refusal:
        if not faults:
            faults.append(Finding(True, "refused", str(refusal)))
    return [*faults, *warnings]


def overlap(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Rows of one price on one day: duplicates, and effective dates that overlap."""
    ordered = _dated(prices)
    double = pl.col("from") <= pl.col("to").cum_max().shift(1).over(*PRICE_KEY)
    if count := ordered.filter(double).height:
        yield f"{count} rows price the same on the same day as another: {_codes(ordered, double)}"


def half_long_stay(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """A trim point without a price per day, and the reverse."""
    trim, per_day = pl.col("trim_point_days").is_null(), pl.col("excess_day_price_gbp").is_null()
    for half, what in (
        (~trim & per_day, "a trim point without excess_day_price_gbp"),
        (trim & ~per_day, "excess_day_price_gbp without a trim point"),
    ):
        if count := prices.filter(half).height:
            yield f"{count} rows have {what}: {_codes(prices, half)}"


def placeholder(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Figures without a source, in a book that does not accept them."""
    is_placeholder = pl.col("status") == "X"
    if not _accepts(folder) and (count := prices.filter(is_placeholder).height):
        yield f"{count} rows are placeholders: {_codes(prices, is_placeholder)}"


def uncited(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Figures without a publication or a licence."""
    for name in ("source", "licence"):
        if count := prices.filter(pl.col(name).is_null()).height:
            yield f"{count} rows have no {name}: {_codes(prices, pl.col(name).is_null())}"


def placeholder_accepted(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Figures without a source that the book's owner accepted."""
    is_placeholder = pl.col("status") == "X"
    if _accepts(folder) and (count := prices.filter(is_placeholder).height):
        yield f"{count} rows are placeholders that book.yaml accepts: {_codes(prices, is_placeholder)}"


def gap(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Months between two rows of one price on which neither is in force; the nearest in time is used."""
    ordered = _dated(prices)
    after = pl.col("from") > pl.col("to").cum_max().shift(1).over(*PRICE_KEY).dt.offset_by("1d")
    if count := ordered.filter(after).height:
        yield f"{count} prices are not in force between two periods: {_codes(ordered, after)}"


def far_from_mean(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Prices outside 1/20 to 20 times the mean of their point and unit."""
    weight = pl.col("national_activity").cast(pl.Float64, strict=False).fill_null(1.0)
    listed = pl.col("currency_code") != ALL
    key = [*_POINT, "unit"]
    means = prices.filter(listed).group_by(key).agg(mean=(pl.col("amount") * weight).sum() / weight.sum())
    beside = prices.join(means, on=key, how="left", validate="m:1")
    beside = beside.filter(pl.struct(_POINT) != dict(zip(_POINT, UNBUNDLED, strict=True)))
    far = (pl.col("amount") * FAR < pl.col("mean")) | (pl.col("amount") > FAR * pl.col("mean"))
    if count := beside.filter(far).height:
        yield f"{count} prices are outside 1/{FAR} to {FAR} times the mean of their point: {_codes(beside, far)}"


def excess_days_of_costs(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Excess bed days in schedules of costs that have none: they are in the price already."""
    double = pl.col("excess_day_price_gbp").is_not_null() & (pl.col("basis") == "cost")
    double &= pl.col("price_year") > LAST_YEAR_OF_EXCESS_DAYS
    if count := prices.filter(double).height:
        yield (
            f"{count} rows of costs after {LAST_YEAR_OF_EXCESS_DAYS} have a price of an excess day, which such"
            f" schedules count in the price: {_codes(prices, double)}"
        )


def several_years(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Prices of several years at one point, and points of another year than most of the book."""
    years = prices.group_by("price_year").len().sort("len", descending=True)
    if years.height > 1:
        main = years["price_year"][0]
        others = prices.filter(pl.col("price_year") != main).group_by("price_year").len().sort("price_year")
        told = ", ".join(f"{count} of {year}" for year, count in others.iter_rows())
        points = _points(prices.filter(pl.col("price_year") != main))
        yield f"prices are of {main} and {told}, which an index carries to the year of the activity: {points}"


def licence(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Licences that forbid uses, and figures of PSSRU under another licence than theirs."""
    restricted = pl.col("licence").str.contains(_NOT_COMMERCIAL)
    for name, count in prices.filter(restricted).group_by("licence").len().sort("licence").iter_rows():
        points = _points(prices.filter(pl.col("licence") == name))
        yield f"{count} rows are under {name}: cite it, not for commercial use; replace them for that: {points}"
    other = pl.col("source").str.contains(_PSSRU) & (pl.col("licence") != _PSSRU_LICENCE)
    if count := prices.filter(other).height:
        yield f"{count} rows cite {_PSSRU} under another licence than {_PSSRU_LICENCE}: {_codes(prices, other)}"


def no_price(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Points of care at which nothing would have a price of this book."""
    has = set(prices.select(_POINT).iter_rows())
    lacking = [point for point, books in book_points().items() if not {(point[0], book) for book in books} & has]
    if lacking:
        yield f"{len(lacking)} points of care have no price: {_some(sorted('/'.join(point) for point in lacking))}"


def no_mean(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Points of care with prices at which a currency that the book lacks would stay unpriced."""
    has = set(prices.select(_POINT).iter_rows())
    means = set(prices.filter(pl.col("currency_code") == ALL).select(_POINT).iter_rows())
    lacking = []
    for point, books in book_points().items():
        places = {(point[0], book) for book in books}
        if places & has and not places & means and point != STAFFED:
            lacking.append("/".join(point))
    if lacking:
        yield f"{len(lacking)} points have no mean (ALL) for currencies that lack: {_some(sorted(lacking))}"


def lacking_currency(prices: pl.DataFrame, folder: Path) -> Iterator[str]:
    """Currencies that the community map and the contracts name and the book lacks; a mean stands in for them."""
    has = set(prices.select(PRICE_KEY).iter_rows())
    for point, codes in sorted(_needed().items()):
        if lacking := sorted(code for code in codes if (*point, code) not in has):
            yield f"{len(lacking)} currencies of {'/'.join(point)} are not in the book: {_some(lacking)}"


def _needed() -> dict[Point, Sequence[str]]:
    needed: dict[Point, Sequence[str]] = {("emergency", "ambulance"): _AMBULANCE}
    community = pl.read_csv(FOLDER / "community_currency.csv", infer_schema=False).drop_nulls("currency_code")
    for [point], rows in community.group_by("point_of_delivery"):
        needed["community", str(point)] = rows["currency_code"].unique().to_list()
    for place, (feed, name) in _CODED.items():
        [column] = [column for column in contracts()[feed].columns if column.name == name]
        needed[place] = list(column.values)
    return needed


def _dated(prices: pl.DataFrame) -> pl.DataFrame:
    """Rows by price and effective dates; those whose dates cannot be read are left to `read_book`."""
    dates = prices.with_columns(
        pl.col("effective_from").fill_null("0001-01-01").str.to_date("%Y-%m-%d", strict=False).alias("from"),
        pl.col("effective_to").fill_null("9999-12-31").str.to_date("%Y-%m-%d", strict=False).alias("to"),
    )
    return dates.drop_nulls(["from", "to"]).sort(*PRICE_KEY, "from")


def _accepts(folder: Path) -> bool:
    try:
        said = yaml.safe_load((folder / "book.yaml").read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False
    return isinstance(said, dict) and said.get("placeholders") == "accepted"


def _codes(prices: pl.DataFrame, chosen: pl.Expr | pl.Series) -> str:
    rows = prices.filter(chosen).select(pl.concat_str(*PRICE_KEY, separator="/", ignore_nulls=True)).to_series()
    return _some(rows.unique(maintain_order=True).to_list())


def _points(prices: pl.DataFrame) -> str:
    return _some(sorted(prices.select(pl.concat_str(*_POINT, separator="/")).to_series().unique().to_list()))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


Rule = Callable[[pl.DataFrame, Path], Iterator[str]]
_FAULTS: tuple[Rule, ...] = (overlap, half_long_stay, placeholder, uncited)
_WARNINGS: tuple[Rule, ...] = (
    placeholder_accepted,
    gap,
    far_from_mean,
    excess_days_of_costs,
    several_years,
    licence,
    no_price,
    no_mean,
    lacking_currency,
)
