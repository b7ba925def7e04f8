"""Who is admitted to hospital, when, why and for how long: the spells behind the admitted care feed.

Admissions come as emergencies, last illnesses, planned procedures, courses of cancer treatment, births, and
rehabilitation after a long stay. Not here: codes and prices (`hospital`).
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import calibration, codebook
from synthetic.chance import Rng, bounded_lognormal, events, pick_by_row, stream
from synthetic.need import PersonYears
from synthetic.periods import Study

REHABILITATION = -1


@dataclass(frozen=True)
class Admissions:
    """Finished spells of one block; `reason` is a position in `admission_reason.csv`, or -1 for rehabilitation."""

    row: np.ndarray
    reason: np.ndarray
    admitted: np.ndarray
    discharged: np.ndarray
    emergency: np.ndarray

    def where(self, keep: np.ndarray) -> Admissions:
        """The spells that are kept."""
        return Admissions(*(getattr(self, name)[keep] for name in _FIELDS))


_FIELDS = tuple(Admissions.__dataclass_fields__)


def _reasons(kind: str) -> np.ndarray:
    return np.flatnonzero(np.array(codebook.column("admission_reason", "admission_kind")) == kind)


def _draw_reasons(
    rng: Rng, py: PersonYears, row: np.ndarray, day: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """A reason for each event that fits the person's age, sex and conditions on the day, and whether one fitted."""
    listed = [codebook.rows("admission_reason")[i] for i in _reasons(kind)]
    person = py.person[row]
    age, sex = py.people.age(person, day), py.people.sex[person]
    weights = np.empty((len(row), len(listed)))
    for j, reason in enumerate(listed):
        fits = (age >= int(reason["age_from"])) & (age <= int(reason["age_to"]))
        if reason["sex_code"]:
            fits &= sex == int(reason["sex_code"])
        if reason["needs_condition"]:
            fits &= py.onset[person, codebook.position(reason["needs_condition"])] <= day
        weights[:, j] = float(reason["weight"]) * fits
    return _reasons(kind)[pick_by_row(rng, weights)], weights.sum(axis=1) > 0


def _expected(py: PersonYears) -> dict[str, np.ndarray]:
    """Expected admissions per person-year by kind."""
    c, exposure = calibration, py.exposure
    cancer = py.has("ca_solid") | py.has("ca_haem") | py.has("ca_mets")
    woman = (py.people.sex[py.person] == 2) & (py.age >= 16) & (py.age < 46)
    born = (py.people.birth[py.person] >= py.start) & (py.people.joined[py.person] == py.people.birth[py.person])
    return {
        "non_elective": py.by_age(c.NON_ELECTIVE_BASE)
        * py.by_count(c.NON_ELECTIVE_BY_COUNT)
        * py.by_priority(c.NON_ELECTIVE_BY_PRIORITY)
        * py.intensity
        * exposure,
        "elective": py.by_age(c.ELECTIVE_BASE) * py.by_count(c.ELECTIVE_BY_COUNT) * np.sqrt(py.intensity) * exposure,
        "regular": np.where(cancer, c.REGULAR_BASE, 0) * py.intensity * exposure,
        "maternity": np.where(woman, c.MATERNITY_RATE, 0) * exposure,
        "birth": np.where(born, 0.35, 0),
    }


def admissions(py: PersonYears, study: Study, seed: int) -> Admissions:
    """All finished spells of the block, without two spells of one person at once."""
    rng = stream(seed, "hospital", py.people.block)
    drawn = [_spells(rng, py, kind, expected) for kind, expected in _expected(py).items()]
    drawn.append(_spells(rng, py, "non_elective", np.where(py.dies, calibration.TERMINAL_ADMISSIONS, 0), terminal=True))
    row, reason, admitted, stay, emergency = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    discharged = np.minimum(admitted + stay, py.people.left[py.person[row]])
    spells = _with_rehabilitation(rng, py, Admissions(row, reason, admitted, discharged, emergency))
    free = first_of_overlapping(py.person[spells.row], spells.admitted, spells.discharged)
    return spells.where(free & (spells.discharged <= study.end))


def _spells(
    rng: Rng, py: PersonYears, kind: str, expected: np.ndarray, *, terminal: bool = False
) -> tuple[np.ndarray, ...]:
    """Row, reason, day of admission, nights and whether unplanned, for one kind of admission."""
    row = events(rng, expected, calibration.NON_ELECTIVE_MOST if kind == "non_elective" else calibration.ELECTIVE_MOST)
    day = py.days(rng, row)
    if terminal:
        before = np.floor(rng.exponential(35, len(row)))
        day = np.maximum(py.people.died[py.person[row]] - before, py.start[row]).astype(np.int32)
    if kind == "birth":
        day = py.people.birth[py.person[row]]
    reason, fits = _draw_reasons(rng, py, row, day, kind)
    row, day, reason = row[fits], day[fits], reason[fits]
    if kind == "regular":
        row, day, reason = _courses(rng, py, row, day, reason)
    usual = codebook.numbers("admission_reason", "mean_stay_days")[reason]
    if kind == "non_elective":
        usual = usual * (0.75 + 0.05 * np.minimum(py.conditions[row], 9)) * np.where(py.age[row] >= 75, 1.15, 1.0)
    stay = np.floor(bounded_lognormal(rng, usual, calibration.STAY_SIGMA, len(row), calibration.STAY_MOST))
    if kind == "non_elective":
        short = rng.random(len(row)) < np.where(terminal, 0.1, 0.38 - 0.025 * np.minimum(py.conditions[row], 8))
        stay = np.where(short, np.minimum(stay, rng.integers(0, 2, len(row))), stay)
    return row, reason, day, stay.astype(np.int32), np.full(len(row), kind == "non_elective")


def _courses(rng: Rng, py: PersonYears, row: np.ndarray, day: np.ndarray, reason: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each course of cancer treatment as its sessions, a week apart, while the person is registered."""
    sessions = rng.integers(3, 13, len(row))
    course = np.repeat(np.arange(len(row)), sessions)
    step = np.arange(len(course)) - np.repeat(np.cumsum(sessions) - sessions, sessions)
    when = day[course] + 7 * step
    inside = when <= py.end[row[course]]
    return row[course][inside], when[inside].astype(np.int32), reason[course][inside]


def _with_rehabilitation(rng: Rng, py: PersonYears, spells: Admissions) -> Admissions:
    """After some long emergency stays of older people: a transfer to a community hospital bed."""
    chosen = spells.emergency & (py.age[spells.row] >= 70) & (spells.discharged - spells.admitted >= 6)
    chosen &= py.people.left[py.person[spells.row]] > spells.discharged
    share = calibration.REHABILITATION_SHARE * (1 + np.minimum(py.priorities[spells.row], 4))
    before = spells.where(chosen & (rng.random(len(chosen)) < share))
    count = len(before.row)
    stay = np.floor(bounded_lognormal(rng, 18.0, 0.6, count, 56)).astype(np.int32) + 2
    last = np.minimum(before.discharged + stay, py.people.left[py.person[before.row]])
    after = Admissions(before.row, np.full(count, REHABILITATION), before.discharged, last, np.zeros(count, bool))
    return Admissions(*(np.concatenate([getattr(spells, name), getattr(after, name)]) for name in _FIELDS))


def first_of_overlapping(person: np.ndarray, admitted: np.ndarray, discharged: np.ndarray) -> np.ndarray:
    """Keeps a spell unless the person was already in a bed when it began."""
    spells = pl.DataFrame({"person": person, "admitted": admitted, "discharged": discharged}).with_row_index("i")
    busy_until = pl.col("discharged").cum_max().shift(1).over("person")
    ordered = spells.sort("person", "admitted", "discharged", "i").with_columns(
        free=busy_until.fill_null(-(2**31)) <= pl.col("admitted")
    )
    return ordered.sort("i")["free"].to_numpy()
