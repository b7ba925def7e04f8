"""Columns that several feeds share: who the person is, on the day of the event.

The feed modules name their own columns; this one turns arrays into the Polars columns they have in common.
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from synthetic import codebook
from synthetic.chance import label
from synthetic.layout import FEEDS, PERIOD
from synthetic.population import People

ACUTE_BEFORE_MERGER, ACUTE = "RA4", "RH5"
MERGER_DAY = 19448  # 1 April 2023: Yeovil District Hospital joins Somerset NHS Foundation Trust
_ELSEWHERE = ("RD1", "RA7", "RVJ")
_ATTENDED = (5, 6, 3, 2, 4, 7)


def dates(days: np.ndarray, missing: np.ndarray | None = None) -> pl.Series:
    """A date column from day numbers, null where `missing`."""
    series = pl.Series(days.astype(np.int32))
    if missing is not None:
        series = series.set(pl.Series(missing), None)
    return series.cast(pl.Date)


def text(numbers: np.ndarray) -> pl.Series:
    """Numbers as text: identifiers and pseudonyms."""
    return pl.Series(numbers).cast(pl.String)


def pseudonym(people: People, person: np.ndarray) -> pl.Series:
    """Pseudonym of each person, as text."""
    return text(people.pseudonym[person])


def sex(people: People, person: np.ndarray) -> pl.Series:
    """`1` male, `2` female."""
    return label(("1", "2"), people.sex[person].astype(int) - 1)


def ethnic_code(people: People, person: np.ndarray) -> pl.Series:
    """NHS ethnic category code."""
    return label(codebook.column("ethnic_category", "ethnic_category_code"), people.ethnicity[person].astype(int))


def lsoa(people: People, person: np.ndarray) -> pl.Series:
    """Lower layer super output area of residence."""
    return label(codebook.column("lsoa", "lsoa_code"), people.home[person])


def practice(people: People, person: np.ndarray, day: np.ndarray) -> pl.Series:
    """Organisation code of the practice on the day."""
    return label(codebook.column("practice", "practice_code"), people.practice_on(person, day))


def acute_provider(rng: np.random.Generator, day: np.ndarray) -> pl.Series:
    """Yeovil (RA4, from April 2023 RH5) for most; Bath, Bristol and North Bristol for a few."""
    codes = (ACUTE_BEFORE_MERGER, ACUTE, *_ELSEWHERE)
    draw = rng.random(len(day))
    place = np.select(
        [draw < 0.05, draw < 0.09, draw < 0.12], [2, 3, 4], np.where((day >= MERGER_DAY) | (draw > 0.93), 1, 0)
    )
    return label(codes, place)


def attendance_status(rng: np.random.Generator, count: int) -> tuple[pl.Series, np.ndarray]:
    """Attendance status code, and whether the person was seen; about 7% were not."""
    place = np.searchsorted(np.cumsum([0.90, 0.03, 0.042, 0.018, 0.008]), rng.random(count))
    return label([str(code) for code in _ATTENDED], place), place < 2


def frame(feed: str, period: np.ndarray, values: Mapping[str, pl.Series | pl.Expr | str | None]) -> pl.DataFrame:
    """The columns of a feed in contract order, with the position of the period in the helper column."""
    wanted = FEEDS[feed].columns
    if set(values) != set(wanted):
        raise ValueError(f"{feed}: columns differ from the layout: {sorted(set(values) ^ set(wanted))}")
    helper = pl.Series(PERIOD, np.asarray(period).astype(np.int16))
    base = pl.DataFrame({PERIOD: helper})
    built = [
        pl.lit(value, dtype=pl.String).alias(name) if value is None or isinstance(value, str) else value.alias(name)
        for name, value in ((name, values[name]) for name in wanted)
    ]
    return base.with_columns(built).select(*wanted, PERIOD)
