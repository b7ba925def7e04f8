"""When each person's long-term conditions began.

Every condition has a prevalence by age, sex and deprivation (`condition_profile.csv`). A person has a latent
liability per condition, correlated through shared frailty, a cluster factor and, for heart, vessels and metabolism, a
factor common to both; the condition begins at the age at which the rising prevalence overtakes the liability. So
prevalence is exact by age, conditions cluster, and the same people keep their conditions from year to year. Remission
is not modelled.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np

from synthetic import calibration, codebook
from synthetic.chance import stream
from synthetic.periods import NEVER
from synthetic.population import DAYS_IN_YEAR, People

_OLDEST = 105
_CARDIOMETABOLIC = ("vascular", "metabolic")


@cache
def _thresholds() -> np.ndarray:
    """Liability above which a condition is present: by condition, sex (male, female), deprivation quintile and age."""
    probit = NormalDist().inv_cdf
    ages = np.arange(_OLDEST + 1)
    table = np.empty((len(codebook.conditions()), 2, 5, _OLDEST + 1))
    for c, row in enumerate(codebook.rows("condition_profile")):
        knots = np.array([float(row[f"per_1000_at_{age}"]) for age in codebook.PROFILE_AGES]) / 1000
        curve = np.exp(np.interp(ages, codebook.PROFILE_AGES, np.log(np.maximum(knots, 1e-5))))
        curve = np.maximum.accumulate(curve) * calibration.PREVALENCE_SCALE
        female = float(row["female_ratio"])
        gradient = float(row["deprivation_ratio"]) ** np.linspace(0.5, -0.5, 5)
        for sex, share in enumerate((2 / (1 + female), 2 * female / (1 + female))):
            for quintile in range(5):
                rates = np.clip(curve * share * gradient[quintile], 1e-7, 0.95)
                table[c, sex, quintile] = [probit(1 - rate) for rate in rates]
    return table


def _liabilities(people: People, seed: int) -> np.ndarray:
    """Standard normal liability per person and condition."""
    rng = stream(seed, "morbidity", people.block)
    clusters = codebook.column("condition_profile", "cluster")
    names = sorted(set(clusters))
    common = rng.standard_normal(len(people))
    factor = {name: rng.standard_normal(len(people)) for name in names}
    for name in _CARDIOMETABOLIC:
        factor[name] = 0.8 * common + 0.6 * factor[name]
    priority = np.isin(codebook.conditions(), [c for group in codebook.PRIORITY_GROUPS for c in group])
    scale = np.where(priority, calibration.PRIORITY_LOADING_SCALE, calibration.OTHER_LOADING_SCALE)
    loading = codebook.numbers("condition_profile", "frailty_loading") * scale
    cluster = calibration.CLUSTER_LOADING
    own = np.sqrt(1 - loading**2 - cluster**2)
    noise = rng.standard_normal((len(people), len(clusters)))
    shared = np.stack([factor[name] for name in clusters], axis=1)
    return loading * people.frailty[:, None] + cluster * shared + own * noise


def onsets(people: People, seed: int) -> np.ndarray:
    """Day on which each condition began, per person and condition (int32); `NEVER` where it has not by the last day."""
    liability = _liabilities(people, seed)
    thresholds = _thresholds()
    age = np.full(liability.shape, 10.0 * _OLDEST)
    group = 5 * (people.sex - 1) + (people.decile - 1) // 2
    for g in np.unique(group):
        members = np.flatnonzero(group == g)
        for c in range(liability.shape[1]):
            age[members, c] = np.searchsorted(-thresholds[c, g // 5, g % 5], -liability[members, c])
    age[age > _OLDEST] = 10 * _OLDEST
    rng = stream(seed, "onset", people.block)
    day = people.birth[:, None] + np.floor((age + rng.random(age.shape)) * DAYS_IN_YEAR)
    day = _ordered(day)
    return (
        np.where(day <= np.minimum(people.left, NEVER)[:, None], day, NEVER)
        .astype(np.int64)
        .clip(max=NEVER)
        .astype(np.int32)
    )


def _ordered(day: np.ndarray) -> np.ndarray:
    """A cancer precedes its spread, and chronic precedes end-stage kidney disease."""
    for before, after, gap in (("ca_solid", "ca_mets", 300), ("ckd", "eskd", 900)):
        b, a = codebook.position(before), codebook.position(after)
        day[:, b] = np.minimum(day[:, b], day[:, a] - gap)
    return day


def counted(active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the 52 conditions and of the eight priority groups, given which are present (rows by conditions).

    A condition that a graver form suppresses is not counted beside it.
    """
    kept = active.copy()
    for condition, graver in codebook.SUPPRESSED_BY.items():
        kept[:, codebook.position(condition)] &= ~active[:, codebook.position(graver)]
    groups = [active[:, [codebook.position(c) for c in group]].any(axis=1) for group in codebook.PRIORITY_GROUPS]
    return kept.sum(axis=1), np.sum(groups, axis=0)
