"""How well predictions of cost come true, and tests of whether a model is the right one.

Belongs here: measures and tests, each a function of people, what they cost and what was predicted.
Does not belong here: fitting (`model_fits.py`), which tests a model is put to (`models.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import stats

from assets.analysis.model_fits import Fit, NotFittedError

_LEVEL = 0.05
_GROUPS = 10
_FAMILIES = ("Gaussian", "Poisson", "gamma", "inverse Gaussian")
_GAMMA = 2


@dataclass(frozen=True)
class Tested:
    """The result of a test: what was found, its robust error where it has one, p, and what that says."""

    statistic: float
    standard_error: float | None
    p_value: float
    suggests: str
    people: int


def measures(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
    """Errors in pence, and shares of the spread of cost that predictions tell of; null where there is no spread."""
    error, about_mean = actual - predicted, actual - actual.mean()
    spread, distance = float(about_mean @ about_mean), float(np.abs(about_mean).sum())
    return {
        "rmse_pence": float(np.sqrt(np.mean(error**2))),
        "mape_pence": float(np.abs(error).mean()),
        "r_squared": 1 - float(error @ error) / spread if spread else None,
        "cpm": 1 - float(np.abs(error).sum()) / distance if distance else None,
        "predictive_ratio": float(predicted.sum() / actual.sum()) if actual.sum() else None,
        "mean_pence": float(actual.mean()),
    }


def park(gamma: Fit) -> Tested:
    """Modified Park: how the variance among users grows with the mean."""
    predicted = gamma.mean[gamma.outcome.cell]
    error = gamma.outcome.value - predicted
    seen = error != 0
    slope, robust = _slope(np.log(predicted[seen]), np.log(error[seen] ** 2))
    p_value = _two_sided(slope - _GAMMA, robust)
    family = _FAMILIES[int(np.clip(np.round(slope), 0, len(_FAMILIES) - 1))]
    held = "; a gamma is not rejected" if p_value >= _LEVEL else ""
    return Tested(slope, robust, p_value, f"nearest to the variance of a {family} distribution{held}", int(seen.sum()))


def link(fit: Fit, again: Callable[..., Fit], cells: pl.DataFrame) -> Tested:
    """Pregibon's link test: whether the square of the linear predictor explains anything beside it."""
    centred = fit.eta - fit.eta[fit.outcome.cell].mean()
    if np.ptp(centred[fit.outcome.cell]) == 0:
        raise NotFittedError("predictions are all the same")
    matrix = np.column_stack([np.ones(len(centred)), centred, centred**2])
    terms = replace(fit.design, terms=("intercept", "predictor", "predictor_squared"), matrix=matrix)
    found = again(cells, fit.outcome, terms)
    coefficient, robust = float(found.coefficient[2]), float(found.robust_error()[2])
    p_value = _two_sided(coefficient, robust)
    says = "the link or terms are wrong" if p_value < _LEVEL else "no sign of a wrong link"
    return Tested(coefficient, robust, p_value, says, len(fit.residual))


def breusch_pagan(found: tuple[float, int, float], people: int) -> Tested:
    """Whether log cost varies more for some than for others, as found when smearing."""
    says = "unequal variances: smeared by count_band" if found[2] < _LEVEL else "equal variances: smeared as one"
    return Tested(found[0], None, found[2], says, people)


def deciles(actual: np.ndarray, predicted: np.ndarray) -> Tested:
    """Whether the mean error of every tenth of people in order of prediction is 0, each with a variance of its own."""
    people = len(actual)
    group = np.empty(people, np.int64)
    group[np.argsort(predicted, kind="stable")] = np.arange(people) * _GROUPS // people
    error, size = actual - predicted, np.bincount(group, minlength=_GROUPS)
    mean = np.bincount(group, error, _GROUPS) / size
    variance = np.bincount(group, (error - mean[group]) ** 2, _GROUPS) / (size - 1) / size
    if variance.min() <= 0:
        raise NotFittedError("a tenth of people without any spread")
    statistic = float((mean**2 / variance).sum() / _GROUPS)
    p_value = float(stats.f.sf(statistic, _GROUPS, people - _GROUPS))
    worst = int(np.argmax(mean**2 / variance)) + 1
    says = f"predictions are off, most clearly in tenth {worst}" if p_value < _LEVEL else "no tenth is off"
    return Tested(statistic, None, p_value, says, people)


def correlation(actual: np.ndarray, predicted: np.ndarray) -> Tested:
    """Pearson's correlation of error and prediction."""
    if np.ptp(predicted) == 0:
        raise NotFittedError("predictions are all the same")
    found = stats.pearsonr(actual - predicted, predicted)
    says = "high predictions are too low" if found.statistic > 0 else "high predictions are too high"
    return Tested(
        float(found.statistic),
        None,
        float(found.pvalue),
        says if found.pvalue < _LEVEL else "no sign of bias along predictions",
        len(actual),
    )


def copas(actual: np.ndarray, predicted: np.ndarray) -> Tested:
    """Copas: the slope of actual on predicted cost of people whom the model has not seen."""
    slope, robust = _slope(predicted, actual)
    p_value = _two_sided(slope - 1, robust)
    says = "predictions are too extreme: overfitted" if slope < 1 else "predictions are not extreme enough"
    return Tested(slope, robust, p_value, says if p_value < _LEVEL else "no sign of overfitting", len(actual))


def _slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope of a line through points, and its robust error (HC1)."""
    people, centred = len(x), x - x.mean()
    spread = float(centred @ centred)
    if not spread or people <= 2:  # noqa: PLR2004  a line has two parameters
        raise NotFittedError("predictions are all the same, or of too few people")
    slope = float(centred @ y) / spread
    rest = y - y.mean() - slope * centred
    robust = float(np.sqrt((centred**2 @ rest**2) * people / (people - 2))) / spread
    return slope, robust


def _two_sided(distance: float, error: float) -> float:
    if not (np.isfinite(error) and error > 0):
        raise NotFittedError("too few people: there is no standard error")
    return float(2 * stats.norm.sf(abs(distance / error)))
