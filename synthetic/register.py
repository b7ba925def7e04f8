"""The register of patients and the list of mergers, as they stood at the end of each quarter.

A snapshot lists everybody ever registered since the study began, with what was known on its day: no later end, death
or move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import codebook, columns, identity
from synthetic.chance import stream
from synthetic.periods import NEVER, Study
from synthetic.population import People

MERGED_PER_1000 = 1.0
CHAIN_SHARE = 0.12


@dataclass(frozen=True)
class Mergers:
    """People with an older pseudonym; in a chain the oldest gave way to the older, and that to the present one."""

    person: np.ndarray
    older: np.ndarray
    oldest: np.ndarray  # 0 where there is no chain
    merged_on: np.ndarray


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


def mergers(people: People, study: Study, seed: int) -> Mergers:
    """Who has an older pseudonym, and the day in the study on which it was merged."""
    rng = stream(seed, "mergers", people.block)
    person = np.flatnonzero(rng.random(len(people)) < MERGED_PER_1000 / 1000)
    older = identity.pseudonyms(identity.SUPERSEDED + 2 * people.index[person], seed)
    oldest = identity.pseudonyms(identity.SUPERSEDED + 2 * people.index[person] + 1, seed)
    chain = rng.random(len(person)) < CHAIN_SHARE
    span = study.end - study.start - 60
    return Mergers(
        person,
        older,
        np.where(chain, oldest, 0),
        study.start + np.floor(rng.random(len(person)) * span).astype(np.int32) + 30,
    )


def person_merger(people: People, merged: Mergers, study: Study) -> pl.DataFrame:
    """Grain: one superseded pseudonym and quarterly snapshot."""
    chain = merged.oldest > 0
    present = people.pseudonym[merged.person]
    pseudonym = np.concatenate([present, merged.older[chain]])
    superseded = np.concatenate([merged.older, merged.oldest[chain]])
    day = np.concatenate([merged.merged_on, merged.merged_on[chain] - 29])
    frames = []
    for i, quarter in enumerate(study.quarters):
        known = day <= quarter.end
        frames.append(
            columns.frame(
                "person_merger",
                np.full(known.sum(), i),
                {
                    "Pseudo NHS Number": columns.text(pseudonym[known]),
                    "Pseudo Superseded NHS Number": columns.text(superseded[known]),
                    "Merge_Date": columns.dates(day[known]),
                },
            )
        )
    return pl.concat(frames)
