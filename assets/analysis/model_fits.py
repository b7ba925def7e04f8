"""Fits of use and cost on the sums of cells, with errors from the people themselves.

Belongs here: the logit, the gamma with log link, least squares of log cost; robust and clustered errors; smearing.
Does not belong here: which terms a fit has (`model_terms.py`), how well models predict (`model_measures.py`).

With terms that are dummies of cells, the estimating equations of all three need only people, users and sums by cell.
Newton's steps solve them from sums of products, in a fraction of a second where a library that takes the whole matrix
apart at each step took seconds; tests hold that coefficients and errors are those of statsmodels. Standard errors need
each person's residual, and are worked out from those.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special, stats

from assets.analysis.model_terms import FEWEST, Design, design

_MOST_STEPS = 60
_MOST_HALVINGS = 30
_SMALLEST_STEP = 1e-9
_LARGEST_STEP = 2.0  # so that a first step from far away does not run off
_LARGEST_EXPONENT = 500.0
_LARGEST_COEFFICIENT = 15.0  # an odds ratio of three million: people whom a term tells apart altogether
# The log-likelihood at a linear predictor of cells, its slope and its curvature by cell.
Likelihood = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]


class NotFittedError(Exception):
    """A fit that cannot be had, with the reason that goes into the tables; it never stops a run."""


@dataclass(frozen=True)
class Outcome:
    """What a fit explains.

    Attributes:
        cell: of each person, the row of the design.
        value: of each person.
        practice: of each person.
    """

    cell: np.ndarray
    value: np.ndarray
    practice: np.ndarray

    def sums(self, cells: int, value: np.ndarray | None = None) -> np.ndarray:
        """The sum of a value by cell; of the outcome's own unless another is given."""
        return np.bincount(self.cell, self.value if value is None else value, cells)

    def people(self, cells: int) -> np.ndarray:
        """People by cell."""
        return np.bincount(self.cell, minlength=cells).astype(np.float64)


@dataclass(frozen=True)
class Fit:
    """One fit.

    Attributes:
        eta: of each cell, the linear predictor, be anybody of the cell fitted on or not.
        mean: of each cell, what the fit predicts on the scale of the outcome.
        residual: of each person, that by which a person's row of the design is multiplied in the score.
        bread: the inverse of the observed information, of one unit of scale.
    """

    design: Design
    outcome: Outcome
    coefficient: np.ndarray
    eta: np.ndarray
    mean: np.ndarray
    residual: np.ndarray
    bread: np.ndarray

    def robust_error(self) -> np.ndarray:
        """Standard errors for unequal variances (HC1)."""
        cells = len(self.eta)
        meat = self._crossed(self.outcome.sums(cells, self.residual**2))
        people, terms = len(self.residual), len(self.coefficient)
        return self._errors(meat) * np.sqrt(people / (people - terms))

    def clustered_error(self) -> np.ndarray:
        """Standard errors for people of one practice who are alike, with the usual correction for few practices."""
        cells = len(self.eta)
        practices, number = np.unique(self.outcome.practice, return_inverse=True)
        by_practice = np.bincount(number * cells + self.outcome.cell, self.residual, len(practices) * cells)
        score = by_practice.reshape(len(practices), cells) @ self.design.matrix
        people, terms = len(self.residual), len(self.coefficient)
        correction = len(practices) / (len(practices) - 1) * (people - 1) / (people - terms)
        return self._errors(score.T @ score) * np.sqrt(correction)

    def _crossed(self, weight: np.ndarray) -> np.ndarray:
        return self.design.matrix.T @ (self.design.matrix * weight[:, None])

    def _errors(self, meat: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(np.diag(self.bread @ meat @ self.bread), 0))


def fit_logit(cells: pl.DataFrame, outcome: Outcome, terms: Design | None = None) -> Fit:
    """The logit of an outcome of 0 and 1, with the terms that it has people for unless others are given.

    Raises:
        NotFittedError: if too few people are on a side, or it does not converge.
    """
    people, users = outcome.people(cells.height), outcome.sums(cells.height)
    _refuse_few(users.sum(), "people use it")
    _refuse_few(people.sum() - users.sum(), "people do not use it")
    terms = terms or design(cells, [users, people - users])
    seen = people > 0
    matrix, used, of = terms.matrix[seen], users[seen], people[seen]

    def likelihood(eta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        share = special.expit(eta)
        return float((used * eta - of * np.logaddexp(0, eta)).sum()), used - of * share, of * share * (1 - share)

    coefficient = _newton(matrix, float(special.logit(used.sum() / of.sum())), likelihood)
    eta = terms.matrix @ coefficient
    mean = special.expit(eta)
    return _fit(terms, outcome, coefficient, eta, mean, outcome.value - mean[outcome.cell], people * mean * (1 - mean))


def fit_gamma(cells: pl.DataFrame, outcome: Outcome, terms: Design | None = None) -> Fit:
    """The gamma regression with log link of an outcome that is not below 0, with terms as `fit_logit`.

    Raises:
        NotFittedError: if too few people have any of it, or it does not converge.
    """
    users = np.bincount(outcome.cell, outcome.value > 0, cells.height)
    _refuse_few(users.sum(), "people use it")
    people, sums = outcome.people(cells.height), outcome.sums(cells.height)
    terms = terms or design(cells, [users])
    seen = people > 0
    matrix, cost, of = terms.matrix[seen], sums[seen], people[seen]

    def likelihood(eta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        over_mean = cost * np.exp(np.minimum(-eta, _LARGEST_EXPONENT))
        return -float((over_mean + of * eta).sum()), over_mean - of, over_mean

    coefficient = _newton(matrix, float(np.log(cost.sum() / of.sum())), likelihood)
    eta = terms.matrix @ coefficient
    mean = np.exp(eta)
    return _fit(terms, outcome, coefficient, eta, mean, outcome.value / mean[outcome.cell] - 1, sums / mean)


def fit_log_ols(cells: pl.DataFrame, outcome: Outcome, terms: Design | None = None) -> Fit:
    """Least squares of the logarithm of an outcome above 0, with terms as `fit_logit`; the mean is of the logarithm.

    Raises:
        NotFittedError: if too few people have any of it.
    """
    people, logs = outcome.people(cells.height), np.log(outcome.value)
    _refuse_few(people.sum(), "people use it")
    terms = terms or design(cells, [people])
    crossed = terms.matrix.T @ (terms.matrix * people[:, None])
    coefficient = _solved(crossed, terms.matrix.T @ outcome.sums(cells.height, logs))
    eta = terms.matrix @ coefficient
    return _fit(terms, outcome, coefficient, eta, eta, logs - eta[outcome.cell], people)


def _refuse_few(people: float, which: str) -> None:
    if people < FEWEST:
        raise NotFittedError(f"fewer than {FEWEST} {which}")


def _newton(matrix: np.ndarray, intercept: float, likelihood: Likelihood) -> np.ndarray:
    """Coefficients at which the likelihood is highest, from a start without any but the intercept."""
    coefficient = np.zeros(matrix.shape[1])
    coefficient[0] = intercept
    eta = matrix @ coefficient
    value, slope, curvature = likelihood(eta)
    for _ in range(_MOST_STEPS):
        step = _solved(matrix.T @ (matrix * curvature[:, None]), matrix.T @ slope)
        step *= min(1, _LARGEST_STEP / np.abs(step).max(initial=_SMALLEST_STEP))
        along = matrix @ step
        for _ in range(_MOST_HALVINGS):
            found = likelihood(eta + along)
            if found[0] >= value - abs(value) * _SMALLEST_STEP:
                break
            step, along = step / 2, along / 2
        coefficient, eta, (value, slope, curvature) = coefficient + step, eta + along, found
        if np.abs(step).max() < _SMALLEST_STEP and np.abs(coefficient[1:]).max(initial=0) < _LARGEST_COEFFICIENT:
            return coefficient
    raise NotFittedError("does not converge")


def _solved(crossed: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(crossed, right)
    except np.linalg.LinAlgError as error:
        raise NotFittedError("terms that cannot be told apart") from error


def _fit(
    terms: Design,
    outcome: Outcome,
    coefficient: np.ndarray,
    eta: np.ndarray,
    mean: np.ndarray,
    residual: np.ndarray,
    information: np.ndarray,
) -> Fit:
    if len(residual) <= len(coefficient):
        raise NotFittedError("fewer people than terms")
    crossed = terms.matrix.T @ (terms.matrix * information[:, None])
    bread = _solved(crossed, np.eye(len(coefficient)))
    return Fit(terms, outcome, coefficient, eta, mean, residual, bread)


@dataclass(frozen=True)
class Smearing:
    """How log cost is brought back to pence.

    Attributes:
        breusch_pagan: Koenker's statistic for unequal variances, its degrees of freedom and p.
        by: all, or count_band.
        overall: the mean of exp of the residuals.
        factor: of each cell, the factor used.
    """

    breusch_pagan: tuple[float, int, float]
    by: str
    overall: float
    factor: np.ndarray


def smearing(log_ols: Fit) -> Smearing:
    """Duan's factor: one for all, or one by group of counts where variances are not equal."""
    cell, group = log_ols.outcome.cell, log_ols.design.count_group
    statistic, freedom = _breusch_pagan(log_ols)
    p_value = float(stats.chi2.sf(statistic, freedom)) if freedom else 1.0
    back = np.exp(log_ols.residual)
    overall = float(back.mean())
    if p_value >= 0.05:  # noqa: PLR2004  the usual level, named in the schema
        return Smearing((statistic, freedom, p_value), "all", overall, np.full(len(group), overall))
    by_group = np.bincount(group[cell], back) / np.bincount(group[cell])
    return Smearing((statistic, freedom, p_value), "count_band", overall, by_group[group])


def _breusch_pagan(log_ols: Fit) -> tuple[float, int]:
    """People times the share of the squared residuals' variance that the terms explain (Koenker)."""
    matrix, squared = log_ols.design.matrix, log_ols.residual**2
    cells = len(matrix)
    people, sums = log_ols.outcome.people(cells), log_ols.outcome.sums(cells, squared)
    fitted = matrix @ (log_ols.bread @ (matrix.T @ sums))
    total = float(((squared - squared.mean()) ** 2).sum())
    explained = float((people * (fitted - squared.mean()) ** 2).sum())
    return (len(squared) * explained / total if total else 0.0), matrix.shape[1] - 1
