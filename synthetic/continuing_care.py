"""Continuing care: packages that an integrated care board pays, each sent again in every month in which it runs.

Packages are drawn per person, who has one lasting package at most, apart from those of councils (`social_care`); some
of those who die have a fast-track package in their last weeks. Weekly costs do not change in a package. Shares and
costs are illustrative: about two in a thousand people at a time. Not here: care that the council pays.
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.chance import Rng, bounded_lognormal, label, stream, systematic
from synthetic.identity import record_numbers
from synthetic.morbidity import counted
from synthetic.need import PersonYears
from synthetic.periods import NEVER, Study

_BOARD = "QSL"  # Somerset
_TYPES = ("CHC", "FNC", "JOINT", "CYP", "FAST TRACK")
_CHC, _FNC, _JOINT, _CHILD, _FAST_TRACK = range(5)
_SUBJECTIVE_CODES = ("52161001", "52161002", "52161003", "52161004", "52161005")  # illustrative
_SPREAD = 0.35


@dataclass(frozen=True)
class Packages:
    """Packages of a block; `end` is far away while the person is alive and here."""

    person: np.ndarray
    kind: np.ndarray
    start: np.ndarray
    end: np.ndarray


def _likely(age: np.ndarray, active: np.ndarray, dead: np.ndarray) -> np.ndarray:
    """Chance that a person has each lasting package at the end of the study (or when they died or left)."""

    def has(condition: str) -> np.ndarray:
        return active[:, codebook.position(condition)]

    count, _ = counted(active)
    frail = np.select([age >= 85, age >= 75, age >= 65], [0.0060, 0.0022, 0.0006], 0)
    frail = frail * (1 + 0.15 * np.minimum(count, 8)) * (1 + 3.0 * has("dementia")) * np.where(dead, 2.0, 1.0)
    neurological = (age >= 18) & (has("ms") | has("paralysis") | has("pd"))
    learning, psychosis = has("learning") & (age >= 18), has("smi_scz") & (age >= 18)
    chance = np.zeros((len(age), _FAST_TRACK))
    chance[:, _CHC] = frail * 0.28 + 0.012 * neurological + 0.02 * learning
    chance[:, _FNC] = frail * 0.60
    chance[:, _JOINT] = 0.020 * learning + 0.004 * psychosis
    chance[:, _CHILD] = np.where((age >= 1) & (age < 18), 0.0003, 0)
    return chance * calibration.CONTINUING_CARE_SCALE


def _lasting(rng: Rng, py: PersonYears, study: Study) -> Packages:
    """Packages that run until the person dies or leaves; children's end with childhood."""
    people = py.people
    last = np.minimum(people.left, study.end)
    everyone = np.arange(len(people))
    chance = _likely(people.age(everyone, last), py.onset <= last[:, None], people.died != NEVER)
    has = systematic(rng, np.minimum(chance, 0.5))
    person = np.flatnonzero(has.any(axis=1))
    kind = has[person].argmax(axis=1)
    mean = np.array(calibration.CONTINUING_CARE_MEAN_DAYS)[kind]
    begun = last[person] - np.floor(rng.exponential(mean)).astype(np.int64)
    return Packages(person, kind, begun, people.left[person].astype(np.int64))


def _fast_track(rng: Rng, py: PersonYears, taken: np.ndarray) -> Packages:
    """The last weeks of some of those who die without a package."""
    people = py.people
    dies = (people.died != NEVER) & (rng.random(len(people)) < calibration.FAST_TRACK_SHARE)
    dies[taken] = False
    person = np.flatnonzero(dies)
    weeks = np.minimum(rng.exponential(calibration.FAST_TRACK_MEAN_DAYS, len(person)), 84)
    died = people.died[person].astype(np.int64)
    return Packages(person, np.full(len(person), _FAST_TRACK), died - np.floor(weeks).astype(np.int64), died)


def continuing_care_package(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one package and month; its end is given only in the last. Units: pounds a week."""
    rng, people = stream(seed, "continuing_care_package", py.people.block), py.people
    lasting = _lasting(rng, py, study)
    parts = (lasting, _fast_track(rng, py, lasting.person))
    person, kind, start, end = (
        np.concatenate([getattr(part, name) for part in parts]) for name in Packages.__dataclass_fields__
    )
    # Care that began elsewhere is another board's: nothing starts before a person has joined or was born.
    start = np.minimum(np.maximum(start, np.maximum(people.joined, people.birth)[person]), end)
    usual = np.array(calibration.CONTINUING_CARE_WEEKLY)[kind]
    drawn = bounded_lognormal(rng, usual, _SPREAD, len(person), calibration.CONTINUING_CARE_MOST)
    cost = np.where(kind == _FNC, usual, np.round(drawn, 2))  # nursing care has one rate for everybody
    number = record_numbers(people.block, len(person), 9)
    package, month = _by_month(study, start, end)
    runs_on = end[package] > np.array([m.end for m in study.months])[month]
    return columns.frame(
        "continuing_care_package",
        month,
        {
            "Package Identifier": columns.text(number[package]),
            "Pseudo NHS Number": columns.pseudonym(people, person[package]),
            "ICB Code": _BOARD,
            "Package Type": label(_TYPES, kind[package]),
            "Package Start Date": columns.dates(start[package]),
            "Package End Date": columns.dates(np.minimum(end[package], NEVER), runs_on),
            "Weekly Cost": pl.Series(cost[package]),
            "Subjective Code": label(_SUBJECTIVE_CODES, kind[package]),
        },
    )


def _by_month(study: Study, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each package once for every month that it touches."""
    found = [np.flatnonzero((start <= month.end) & (end >= month.start)) for month in study.months]
    return np.concatenate(found), np.repeat(np.arange(len(found)), [len(one) for one in found])
