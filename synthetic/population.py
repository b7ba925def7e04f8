"""The people of the county: who they are, where they live, and when they are on the register.

People come in blocks. A block holds its share of the people registered on the last day of the study, and with them
the people who died or left during it. Not here: their conditions (`morbidity`) and what they use (`need` and the
feeds).
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic import calibration, codebook, identity
from synthetic.chance import pick, stream
from synthetic.periods import NEVER, Study

BLOCK = 5_000
DAYS_IN_YEAR = 365.25
_LONGEST_REGISTRATION = 35 * DAYS_IN_YEAR


@dataclass(frozen=True)
class People:
    """One block of people: arrays of one entry per person. Dates are day numbers; `NEVER` stands for no date."""

    block: int
    index: np.ndarray
    pseudonym: np.ndarray
    birth: np.ndarray
    sex: np.ndarray
    ethnicity: np.ndarray
    home: np.ndarray
    decile: np.ndarray
    practice: np.ndarray
    next_practice: np.ndarray
    moved: np.ndarray
    joined: np.ndarray
    left: np.ndarray
    died: np.ndarray
    frailty: np.ndarray
    propensity: np.ndarray

    def __len__(self) -> int:
        return len(self.index)

    def age(self, person: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Whole years of age of each person on each day."""
        return np.clip((day - self.birth[person]) / DAYS_IN_YEAR, 0, 120).astype(np.int32)

    def practice_on(self, person: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Practice (position in the practice list) of each person on each day."""
        return np.where(day < self.moved[person], self.practice[person], self.next_practice[person])


def block_sizes(people: int) -> list[int]:
    """How many people registered at the end each block holds."""
    return [min(BLOCK, people - start) for start in range(0, people, BLOCK)]


def _ages(rng: np.random.Generator, weights: np.ndarray, size: int) -> np.ndarray:
    """Exact ages in years from five-year weights; the open band reaches to 102."""
    band = pick(rng, weights, size)
    age = 5 * band + 5 * rng.random(size)
    oldest = band == len(weights) - 1
    age[oldest] = 90 + np.minimum(rng.exponential(2.8, oldest.sum()), 12)
    return age


def _exits(rng: np.random.Generator, study: Study, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Age, last day, and whether the end was a death, of those who died or left during the study."""
    dead = rng.random(size) < calibration.DEATHS / (calibration.DEATHS + calibration.LEAVERS)
    age = np.where(
        dead,
        _ages(rng, codebook.numbers("age_structure", "death_weight"), size),
        _ages(rng, codebook.numbers("age_structure", "migrant_weight"), size),
    )
    return age, rng.integers(study.start, study.end, size, endpoint=True), dead


def people_of_block(study: Study, seed: int, block: int, size: int) -> People:
    """Block number `block` with `size` people registered on the last day of the study, and its share of the others."""
    rng = stream(seed, "population", block)
    years = len(study.years)
    gone = round(size * years * (calibration.DEATHS + calibration.LEAVERS))
    count = size + gone
    index = np.int64(block) * 4 * BLOCK + np.arange(count)
    exit_age, exit_day, dead = _exits(rng, study, gone)
    age = np.concatenate([_ages(rng, codebook.numbers("age_structure", "registered_weight"), size), exit_age])
    left = np.concatenate([np.full(size, NEVER), exit_day]).astype(np.int32)
    died = np.where(np.concatenate([np.zeros(size, bool), dead]), left, NEVER).astype(np.int32)
    last = np.minimum(left, study.end)
    birth = (last - np.floor(age * DAYS_IN_YEAR)).astype(np.int32)

    joined = _joined(rng, study, age, birth, last)
    home = pick(rng, np.ones(len(codebook.rows("lsoa"))), count)
    practice, next_practice, moved = _practices(rng, home, joined, last)
    frailty = rng.standard_normal(count) + calibration.FRAILTY_OF_THE_DYING * (died != NEVER)
    return People(
        block=block,
        index=index,
        pseudonym=identity.pseudonyms(index, seed),
        birth=birth,
        sex=np.where(rng.random(count) < 0.51, 2, 1).astype(np.int8),
        ethnicity=pick(rng, codebook.numbers("ethnic_category", "weight"), count).astype(np.int8),
        home=home,
        decile=codebook.numbers("lsoa", "deprivation_decile").astype(np.int8)[home],
        practice=practice,
        next_practice=next_practice,
        moved=moved,
        joined=joined,
        left=left,
        died=died,
        frailty=frailty,
        propensity=_propensity(rng, frailty),
    )


def _joined(rng: np.random.Generator, study: Study, age: np.ndarray, birth: np.ndarray, last: np.ndarray) -> np.ndarray:
    """First day on the register: by birth, by moving in during the study, or long before it."""
    band = np.minimum(age // 5, 18).astype(int)
    likely = codebook.numbers("age_structure", "migrant_weight") / codebook.numbers(
        "age_structure", "registered_weight"
    )
    likely = likely / np.average(likely, weights=codebook.numbers("age_structure", "registered_weight"))
    moved_in = rng.random(len(age)) < calibration.JOINERS * likely[band] * (last - study.start) / DAYS_IN_YEAR
    earlier = last - (1 + rng.random(len(age)) * _LONGEST_REGISTRATION)
    before = np.minimum(np.maximum(earlier, birth), study.start - 1)
    during = study.start + np.floor(rng.random(len(age)) * (last - study.start + 1))
    born = birth >= study.start
    return np.where(born, birth, np.where(moved_in, np.maximum(during, birth), np.maximum(before, birth))).astype(
        np.int32
    )


def _practices(
    rng: np.random.Generator, home: np.ndarray, joined: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Practice at first, practice after a change, and the day of the change; most people use the nearest and stay."""
    codes = codebook.column("practice", "practice_code")
    nearest = np.array([codes.index(code) for code in codebook.column("lsoa", "nearest_practice_code")])[home]
    weights = codebook.numbers("practice", "list_weight")
    first = np.where(rng.random(len(home)) < 0.8, nearest, pick(rng, weights, len(home)))
    second = pick(rng, weights, len(home))
    span = np.minimum(last - joined, 3 * DAYS_IN_YEAR)
    changes = (
        (rng.random(len(home)) < calibration.MOVES_WITHIN_COUNTY * span / DAYS_IN_YEAR)
        & (span > 90)
        & (first != second)
    )
    day = last - np.floor(rng.random(len(home)) * np.maximum(span - 30, 1)).astype(np.int32)
    return first, np.where(changes, second, first), np.where(changes, day, NEVER).astype(np.int32)


def _propensity(rng: np.random.Generator, frailty: np.ndarray) -> np.ndarray:
    """Lasting inclination to use care, mean about 1, partly shared with frailty and bounded."""
    share, spread = calibration.PERSON_FRAILTY_SHARE, calibration.PERSON_SPREAD
    mixed = share * frailty + np.sqrt(1 - share**2) * rng.standard_normal(len(frailty))
    return np.minimum(np.exp(spread * mixed - spread**2 / 2), calibration.PERSON_MOST)
