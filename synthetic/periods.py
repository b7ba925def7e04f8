"""The study window: financial years, their months and quarters, as whole days.

Days are integers counted from 1970-01-01, as Polars and Arrow store dates, so that all arithmetic on dates is
arithmetic on integers. Not here: anything about people.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

EPOCH = dt.date(1970, 1, 1)
NEVER = np.int32(2**31 - 1)
HISTORY_STARTS = dt.date(1990, 1, 1)


def day_number(day: dt.date) -> int:
    """Days from 1970-01-01 to `day`."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Period:
    """One reporting period; both days belong to it."""

    label: str
    start: int
    end: int

    @property
    def start_date(self) -> dt.date:
        """First day, as a date."""
        return EPOCH + dt.timedelta(days=self.start)

    @property
    def end_date(self) -> dt.date:
        """Last day, as a date."""
        return EPOCH + dt.timedelta(days=self.end)


@dataclass(frozen=True)
class Study:
    """Consecutive financial years (April to March), written `2024-25`."""

    years: tuple[str, ...]

    @staticmethod
    def of(years: Sequence[str]) -> Study:
        """Check that the years are well written and consecutive."""
        firsts = []
        for year in years:
            match = re.fullmatch(r"(20\d\d)-(\d\d)", year)
            if not match or (int(match[1]) + 1) % 100 != int(match[2]):
                raise ValueError(f"financial year {year!r}: write it as 2024-25")
            firsts.append(int(match[1]))
        if not firsts or firsts != list(range(firsts[0], firsts[0] + len(firsts))):
            raise ValueError("financial years must be given in order, without gaps")
        return Study(tuple(years))

    @cached_property
    def months(self) -> tuple[Period, ...]:
        """The months of the study, from April."""
        first = int(self.years[0][:4])
        starts = [dt.date(first + (3 + i) // 12, (3 + i) % 12 + 1, 1) for i in range(12 * len(self.years) + 1)]
        return tuple(Period(f"{a:%Y-%m}", day_number(a), day_number(b) - 1) for a, b in pairwise(starts))

    @cached_property
    def quarters(self) -> tuple[Period, ...]:
        """Quarters of the financial years; Q1 of 2024-25 is April to June 2024."""
        triples = [self.months[i : i + 3] for i in range(0, len(self.months), 3)]
        return tuple(
            Period(f"{self.years[i // 4]}-Q{i % 4 + 1}", months[0].start, months[-1].end)
            for i, months in enumerate(triples)
        )

    @cached_property
    def financial_years(self) -> tuple[Period, ...]:
        """The financial years as periods."""
        return tuple(
            Period(year, self.months[12 * i].start, self.months[12 * i + 11].end) for i, year in enumerate(self.years)
        )

    @property
    def start(self) -> int:
        """First day of the study."""
        return self.months[0].start

    @property
    def end(self) -> int:
        """Last day of the study."""
        return self.months[-1].end

    @property
    def history(self) -> Period:
        """The period of the first delivery of coded events, which carries the history."""
        return Period("history", day_number(HISTORY_STARTS), self.start - 1)

    @cached_property
    def _month_of_day(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.months)), [m.end - m.start + 1 for m in self.months])

    def month_of(self, days: np.ndarray) -> np.ndarray:
        """Index of the month in which each day falls; every day must lie in the study."""
        return self._month_of_day[np.asarray(days) - self.start]
