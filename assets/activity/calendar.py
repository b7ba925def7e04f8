"""Months and their financial years, over which packages and ward stays are spread."""

from datetime import date

import polars as pl

from pipelines.build import build_frame
from pipelines.store import Store, Stored
from schemas.activity import CALENDAR_MONTH
from schemas.financial_year import financial_year

FIRST, LAST = date(1990, 4, 1), date(2050, 3, 1)


def build_calendar_month(store: Store) -> Stored:
    """Build `calendar_month`."""
    return build_frame(store, CALENDAR_MONTH, (FIRST, LAST), months)


def months() -> pl.DataFrame:
    """One row per month: first day, last day, financial year."""
    month = pl.date_range(FIRST, LAST, "1mo", eager=True)
    return pl.DataFrame(
        {
            "month_start": month,
            "month_end": month.dt.month_end(),
            "financial_year": [financial_year(first) for first in month],
        }
    )
