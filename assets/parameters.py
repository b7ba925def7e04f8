"""What a run is told: the year it builds and how far it looks back. No clock, no `latest`."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from schemas.financial_year import financial_year, year_bounds

LOOK_BACK_YEARS = 5
DEATH_TOLERANCE_DAYS = 30
EXPOSURE_RULE = "registered on at least one day of the year; cost not annualised; people who used nothing are in"


@dataclass(frozen=True)
class RunParameters:
    """The one row of `run_parameters`, which every SQL file can join.

    Attributes:
        look_back_years: financial years, with this one, in which a coded condition counts.
        death_tolerance_days: how long after the end of the month of death care may still be dated, since items are
            dispensed and stays are closed late.
    """

    financial_year: str
    year_start: date
    year_end: date
    look_back_years: int
    look_back_first_year: str
    exposure_rule: str
    death_tolerance_days: int

    @staticmethod
    def of(year: str, look_back_years: int = LOOK_BACK_YEARS) -> "RunParameters":
        """The parameters of a financial year."""
        start, end = year_bounds(year)
        first = financial_year(date(start.year - look_back_years + 1, start.month, start.day))
        return RunParameters(year, start, end, look_back_years, first, EXPOSURE_RULE, DEATH_TOLERANCE_DAYS)

    def row(self) -> dict[str, Any]:
        """The parameters by column."""
        return asdict(self)
