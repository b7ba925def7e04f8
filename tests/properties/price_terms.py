"""The words of pricing in plain Python: a row of a book, when it is in force, what is added to a spell, what is known.

Belongs here: what the reckoning of prices speaks of, and how fractions are rounded.
Does not belong here: the rules by which a unit is priced (`price_oracle.py`).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

Row = dict[str, Any]
Text = dict[str, str]
Points = dict[tuple[str, str, str], list[str]]
One = TypeVar("One")


def half_up(amount: Fraction) -> int:
    """A whole number, halves upwards."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def financial_year(month: date) -> str:
    """April to March, as `2024-25`."""
    first = month.year - (month.month < 4)
    return f"{first}-{(first + 1) % 100:02d}"


def month_number(day: date) -> int:
    """Months since the beginning, so that months can be told apart by subtraction."""
    return day.year * 12 + day.month


def book_points(path: Path) -> Points:
    """The points under which a book may price each price point of a setting, best first, from the reference file."""
    ranked = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            place = (row["setting"], row["point_of_delivery"], row["price_point"])
            ranked[place].append((int(row["rank"]), row["book_point"]))
    return {place: [point for _, point in sorted(found)] for place, found in ranked.items()}


@dataclass(frozen=True)
class Window:
    """First and last day for which a row speaks; either may be open."""

    first: date | None
    last: date | None

    def months_away(self, month: date) -> int:
        """Months between a month and the window: 0 inside it."""
        here = month_number(month)
        if self.first and here < month_number(self.first):
            return month_number(self.first) - here
        if self.last and here > month_number(self.last):
            return here - month_number(self.last)
        return 0


@dataclass(frozen=True)
class Offer:
    """A row of the book, or a mean of several: what one unit costs, in pence, and whose price that is."""

    price: Fraction
    year: str
    basis: str
    source: str
    is_proxy: bool
    point: str
    code: str
    window: Window
    trim_days: int | None = None
    excess_price: Fraction | None = None
    weight: Fraction | None = None


@dataclass(frozen=True)
class Supplement:
    """What is added to an admitted spell beside its own price: rate of the top-up, pence of unbundled care."""

    top_up: Fraction = Fraction(0)
    unbundled: Fraction = Fraction(0)
    unpriced: int = 0


@dataclass(frozen=True)
class Priced:
    """What is known of the cost of a unit."""

    cost_pence: int | None
    real_cost_pence: int | None
    match_level: str
    unit_price: Fraction | None = None
    price_year: str | None = None
    price_basis: str | None = None
    price_source: str | None = None
    is_proxy: bool = False
    excess_days: int | None = None
    price_index: str | None = None


def offer(row: Text) -> Offer:
    """A line of price.csv."""
    trim, excess = row["trim_point_days"], row["excess_day_price_gbp"]
    weight = row["national_activity"]
    return Offer(
        price=Fraction(row["price_gbp"]) * 100,
        year=row["price_year"],
        basis=row["basis"],
        source=row["source"],
        is_proxy=row["is_proxy"] == "true",
        point=row["point_of_delivery"],
        code=row["currency_code"],
        window=window(row),
        trim_days=int(trim) if trim else None,
        excess_price=Fraction(excess) * 100 if excess else None,
        weight=Fraction(weight) if weight else None,
    )


def window(row: Text) -> Window:
    """When a line is in force."""
    first, last = (date.fromisoformat(row[name]) if row[name] else None for name in ("effective_from", "effective_to"))
    return Window(first, last)


def listed(codes: str | None) -> list[str]:
    """Codes that commas or double bars set apart."""
    return [code.strip() for code in (codes or "").replace("|", ",").split(",") if code.strip()]


def nearness(when: Window, month: date) -> tuple[int, bool]:
    """How far a window is from a month, for the nearest to come first: of two as near, the earlier."""
    return when.months_away(month), bool(when.first and month_number(when.first) > month_number(month))


def nearest(rows: Iterable[One], month: date, when: Callable[[One], Window]) -> One:
    """The row in force in a month, else the nearest in time."""
    return min(rows, key=lambda row: nearness(when(row), month))
