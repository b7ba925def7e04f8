"""What each person may be expected to use in each financial year: the rows that every feed draws from.

One row per person and financial year in which the person is registered. Expected use grows with the number and kind
of conditions, age, deprivation, a lasting propensity and a yearly shock, and before death. Not here: the events
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic import calibration, codebook
from synthetic.chance import stream
from synthetic.morbidity import counted, onsets
from synthetic.periods import NEVER, Study
from synthetic.population import DAYS_IN_YEAR, People, people_of_block


@dataclass(frozen=True)
class PersonYears:
    """Arrays of one entry per person and financial year; `start` to `end` are the registered days, both included."""

    people: People
    onset: np.ndarray
    person: np.ndarray
    year: np.ndarray
    start: np.ndarray
    end: np.ndarray
    age: np.ndarray
    active: np.ndarray
    conditions: np.ndarray
    priorities: np.ndarray
    dies: np.ndarray
    intensity: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    @property
    def exposure(self) -> np.ndarray:
        """Registered days as a share of a year."""
        return (self.end - self.start + 1) / DAYS_IN_YEAR

    def has(self, condition: str) -> np.ndarray:
        """Whether the condition has begun by the end of the row."""
        return self.active[:, codebook.position(condition)]

    def by_age(self, table: tuple[float, ...]) -> np.ndarray:
        """A table by age band, looked up per row."""
        return np.asarray(table)[np.searchsorted(calibration.AGE_BANDS, self.age, side="right") - 1]

    def by_count(self, table: tuple[float, ...]) -> np.ndarray:
        """A table by number of conditions, looked up per row."""
        return np.asarray(table)[np.minimum(self.conditions, len(table) - 1)]

    def by_priority(self, table: tuple[float, ...]) -> np.ndarray:
        """A table by number of priority groups, looked up per row."""
        return np.asarray(table)[np.minimum(self.priorities, len(table) - 1)]

    def days(self, rng: np.random.Generator, row: np.ndarray) -> np.ndarray:
        """A registered day for each event of the rows `row`."""
        span = self.end[row] - self.start[row] + 1
        return (self.start[row] + np.floor(rng.random(len(row)) * span)).astype(np.int32)


def person_years(study: Study, seed: int, block: int, size: int) -> PersonYears:
    """The person-years of one block."""
    people = people_of_block(study, seed, block, size)
    onset = onsets(people, seed)
    starts = np.array([year.start for year in study.financial_years])
    ends = np.array([year.end for year in study.financial_years])
    start = np.maximum(people.joined[:, None], starts)
    end = np.minimum(people.left[:, None], ends)
    person, year = np.nonzero(start <= end)
    start, end = start[person, year], end[person, year]
    active = onset[person] <= end[:, None]
    conditions, priorities = counted(active)
    rng = stream(seed, "need", block)
    shape = calibration.YEAR_SHAPE
    shock = np.minimum(rng.gamma(shape, 1 / shape, len(person)), calibration.YEAR_MOST)
    deprivation = 1 + calibration.DEPRIVATION_SLOPE * (5.5 - people.decile[person])
    return PersonYears(
        people=people,
        onset=onset,
        person=person,
        year=year,
        start=start.astype(np.int32),
        end=end.astype(np.int32),
        age=people.age(person, (start + end) // 2),
        active=active,
        conditions=conditions,
        priorities=priorities,
        dies=(people.died[person] <= end) & (people.died[person] != NEVER),
        intensity=people.propensity[person] * shock * deprivation,
    )
