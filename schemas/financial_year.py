"""Financial years: April to March, written 2024-25."""

from collections.abc import Iterator
from datetime import date, timedelta

FIRST_MONTH = 4


def financial_year(day: date) -> str:
    """The financial year in which a day falls."""
    start = day.year if day.month >= FIRST_MONTH else day.year - 1
    return f"{start}-{(start + 1) % 100:02d}"


def year_bounds(year: str) -> tuple[date, date]:
    """First and last day of a financial year."""
    start = int(year[:4])
    if year != f"{start}-{(start + 1) % 100:02d}":
        raise ValueError(f"financial year {year!r}: write it as 2024-25")
    return date(start, FIRST_MONTH, 1), date(start + 1, FIRST_MONTH - 1, 31)


def year_before(year: str) -> str:
    """The financial year before."""
    return financial_year(year_bounds(year)[0] - timedelta(days=1))


def years_between(first: date, last: date) -> Iterator[str]:
    """Every financial year touched by a period, in order."""
    for start in range(int(financial_year(first)[:4]), int(financial_year(last)[:4]) + 1):
        yield financial_year(date(start, FIRST_MONTH, 1))
