"""The register of patients, as it stood at the end of each quarter.

A snapshot lists everybody ever registered since the study began, with what was known on its day: no later end, death
or move.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import codebook, columns
from synthetic.periods import NEVER, Study
from synthetic.population import People


def _month(days: np.ndarray, known: np.ndarray) -> pl.Series:
    """Year and month as text, null where not known."""
    safe = np.where(known, days, 0).astype(np.int32)
    months = pl.Series(safe).cast(pl.Date).dt.strftime("%Y-%m")
    return months.set(pl.Series(~known), None)


def patient_register(people: People, study: Study) -> pl.DataFrame:
    """Grain: one person, spell of registration and quarterly snapshot."""
    frames = [_snapshot(people, i, quarter.end) for i, quarter in enumerate(study.quarters)]
    return pl.concat(frames)


def _snapshot(people: People, position: int, day: int) -> pl.DataFrame:
    first = np.flatnonzero(people.joined <= day)
    second = np.flatnonzero(people.moved <= day)
    person = np.concatenate([first, second])
    is_second = np.arange(len(person)) >= len(first)
    begins = np.where(is_second, people.moved[person], people.joined[person])
    moved_on = np.where(is_second | (people.moved[person] == NEVER), NEVER, people.moved[person] - 1)
    ends = np.minimum(people.left[person], moved_on)
    codes = codebook.column("practice", "practice_code")
    place = np.where(is_second, people.next_practice[person], people.practice[person])
    order = np.lexsort((begins, person))
    person, begins, ends, place = person[order], begins[order], ends[order], place[order]
    everyone = np.ones(len(person), bool)
    return columns.frame(
        "patient_register",
        np.full(len(person), position),
        {
            "Pseudo NHS Number": columns.pseudonym(people, person),
            "YearMonth_Of_Birth": _month(people.birth[person], everyone),
            "Gender": columns.sex(people, person),
            "Ethnic_Category": columns.ethnic_code(people, person),
            "YearMonth_Of_Death": _month(people.died[person], people.died[person] <= day),
            "Primary Care Provider": columns.label(codes, place),
            "Practice_From_Date": columns.dates(begins),
            "Practice_To_Date": columns.dates(ends, ends > day),
            "derCurrentyr2021LSOAofResidence_FromPostcode": columns.lsoa(people, person),
            "IMD_Decile": pl.Series(people.decile[person].astype(np.int32)),
        },
    )
