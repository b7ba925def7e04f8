"""What every loader is told and what it gives back.

Belongs here: the terms of a load, a load's outcome, rows in the columns of `price.csv`.
Does not belong here: the layout of any publication.
"""

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from assets.costing.book import PRICE_COLUMNS
from pipelines.errors import LinkedCareError
from schemas.financial_year import year_bounds

OPEN_LICENCE = "OGL v3"
WHOLE_POINT = "ALL"
NOWHERE = "no place"


@dataclass(frozen=True)
class Terms:
    """What the user states of the figures.

    Attributes:
        year: financial year of the prices, such as 2025-26.
        basis: tariff, cost or local; each loader has its own where none is stated.
        source: publication; each loader has its own where none is stated.
        effective_from: first day on which the prices hold; none holds from any day.
        effective_to: last day on which the prices hold; none holds to any day.
    """

    year: str
    basis: str | None = None
    source: str | None = None
    licence: str | None = None
    effective_from: date | None = None
    effective_to: date | None = None

    def __post_init__(self) -> None:
        try:
            year_bounds(self.year)
        except ValueError:
            raise LinkedCareError("--year: is no financial year. Write it as 2025-26.") from None
        first, last = self.effective_from, self.effective_to
        is_first = first is None or first.day == 1
        is_last = last is None or last.day == calendar.monthrange(last.year, last.month)[1]
        if not (is_first and is_last) or (first and last and last < first):
            raise LinkedCareError(
                "--from and --to: prices hold for whole months. Give the first day of a month and the last day of one."
            )

    def stamp(self, basis: str, source: str, licence: str) -> dict[str, str | None]:
        """What every row of the load says of itself; a loader names what stands where the user states nothing."""
        return {
            "price_year": self.year,
            "effective_from": self.effective_from.isoformat() if self.effective_from else None,
            "effective_to": self.effective_to.isoformat() if self.effective_to else None,
            "basis": self.basis or basis,
            "source": self.source or source,
            "licence": self.licence or licence,
        }


@dataclass(frozen=True)
class Unused:
    """A row of the file that did not become a price: what it is, and why."""

    kind: str
    place: str
    code: str
    reason: str
    cost_gbp: str = ""


@dataclass(frozen=True)
class Loaded:
    """The outcome of reading a publication.

    Attributes:
        prices: rows in the columns of `price.csv`, as text.
        notes: what the user should know, a line each.
        unused: rows that did not become prices.
        reconciliation: totals by department beside those of the publication, where it has any.
    """

    prices: pl.DataFrame
    notes: tuple[str, ...] = ()
    unused: tuple[Unused, ...] = ()
    reconciliation: pl.DataFrame = field(default_factory=pl.DataFrame)


def price_rows(rows: Iterable[Mapping[str, str | None]]) -> pl.DataFrame:
    """Rows in the columns of `price.csv`; what a row does not name is blank."""
    cells = [[row.get(name) or None for name in PRICE_COLUMNS] for row in rows]
    return pl.DataFrame(cells, schema=dict.fromkeys(PRICE_COLUMNS, pl.String()), orient="row")


def short_year(year: str) -> str:
    """A financial year as publications write it: 2025/26."""
    return year.replace("-", "/")


def canonical_year(text: str | None) -> str | None:
    """A financial year however a publication writes it (2025/26, 2025-26, 2025/2026); none if it is no such year."""
    found = re.fullmatch(r"\s*((?:19|20)\d\d)\s*[-/\u2013]\s*(?:20|19)?(\d\d)\s*", text or "")
    if not found:
        return None
    first, second = int(found[1]), int(found[2])
    return f"{first}-{second:02d}" if (first + 1) % 100 == second else None
