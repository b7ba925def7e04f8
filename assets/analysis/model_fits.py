"""Fits of use and cost on the sums of cells, with errors from the people themselves.

Belongs here: the logit, the gamma with log link, least squares of log cost; robust and clustered errors; smearing.
Does not belong here: which terms a fit has (`model_terms.py`), how well models predict (`model_measures.py`).

With terms that are dummies of cells, the estimating equations of all three need only people and means by cell: glum
fits those, each cell with its people as weight. Standard errors need each person's residual, which a cell has not, and
are worked out from those. Tests hold that coefficients and errors are those of statsmodels on people.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special, stats

from assets.analysis.model_terms import FEWEST, Design, design

_MOST_STEPS = 40
_SMALLEST_SLOPE = 1e-12
_PRECISE = 1e-10
_LARGEST_COEFFICIENT = 15.0  # an odds ratio of three million: people whom a term tells apart altogether
_NEXT_TO_NOTHING = 1e-100  # glum takes no gamma of 0; a fit cannot tell the two apart
_LINK = {"binomial": "logit", "gamma": "log", "normal": "identity"}
# Of linear predictors by cell: what is predicted, each person's residual, and the information of each cell.
At = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


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

    def at(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean = special.expit(eta)
        return mean, outcome.value - mean[outcome.cell], people * mean * (1 - mean)

    return _fit("binomial", terms, outcome, users, special.logit(users.sum() / people.sum()), at)


def fit_gamma(cells: pl.DataFrame, outcome: Outcome, terms: Design | None = None) -> Fit:
    """The gamma regression with log link of an outcome that is not below 0, with terms as `fit_logit`.

    Raises:
        NotFittedError: if too few people have any of it, or it does not converge.
    """
    users = np.bincount(outcome.cell, outcome.value > 0, cells.height)
    _refuse_few(users.sum(), "people use it")
    people, sums = outcome.people(cells.height), outcome.sums(cells.height)
    terms = terms or design(cells, [users])

    def at(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean = np.exp(eta)
        return mean, outcome.value / mean[outcome.cell] - 1, sums / mean

    start = np.log(sums.sum() / people.sum())
    return _fit("gamma", terms, outcome, np.maximum(sums, _NEXT_TO_NOTHING), start, at)


def fit_log_ols(cells: pl.DataFrame, outcome: Outcome, terms: Design | None = None) -> Fit:
    """Least squares of the logarithm of an outcome above 0, with terms as `fit_logit`; the mean is of the logarithm.

    Raises:
        NotFittedError: if too few people have any of it.
    """
    people, logs = outcome.people(cells.height), np.log(outcome.value)
    _refuse_few(people.sum(), "people use it")
    terms = terms or design(cells, [people])

    def at(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return eta, logs - eta[outcome.cell], people

    return _fit("normal", terms, outcome, outcome.sums(cells.height, logs), logs.mean(), at)


def _refuse_few(people: float, which: str) -> None:
    if people < FEWEST:
        raise NotFittedError(f"fewer than {FEWEST} {which}")


def _fit(family: str, terms: Design, outcome: Outcome, sums: np.ndarray, start: float, at: At) -> Fit:
    """The regression of the sums by cell, proved by the step that Newton would still take.

    glum's search for the length of a step stops where the likelihood no longer tells steps of 1e-7 apart, so that a fit
    may need one step more.
    """
    if len(outcome.value) <= len(terms.terms):
        raise NotFittedError("fewer people than terms")
    people = outcome.people(len(sums))
    coefficient = _regressed(family, terms, people, sums, start)
    for _ in range(2):
        if not np.abs(coefficient[1:]).max(initial=0) < _LARGEST_COEFFICIENT:
            break
        eta = terms.matrix @ coefficient
        mean, residual, information = at(eta)
        bread = _inverse(terms.matrix.T @ (terms.matrix * information[:, None]))
        step = bread @ (terms.matrix.T @ outcome.sums(len(eta), residual))
        if np.abs(step).max() < _PRECISE:
            return Fit(terms, outcome, coefficient, eta, mean, residual, bread)
        coefficient = coefficient + step
    raise NotFittedError("does not converge")


def _regressed(family: str, terms: Design, people: np.ndarray, sums: np.ndarray, start: float) -> np.ndarray:
    """The coefficients that glum finds from a start with an intercept alone; not numbers where it finds none."""
    from glum import GeneralizedLinearRegressor  # which takes a while, and most commands do without

    seen = people > 0
    model = GeneralizedLinearRegressor(
        family=family,
        link=_LINK[family],
        alpha=0,
        fit_intercept=False,  # the matrix has it
        solver="irls-ls",
        max_iter=_MOST_STEPS,
        gradient_tol=_SMALLEST_SLOPE,
        start_params=np.eye(len(terms.terms))[0] * start,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `_fit` sees for itself whether it converged
        try:
            model.fit(terms.matrix[seen], sums[seen] / people[seen], sample_weight=people[seen])
        except (np.linalg.LinAlgError, ValueError):  # steps ran off to where numbers end
            return np.full(len(terms.terms), np.nan)
    return np.asarray(model.coef_)


def _inverse(crossed: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.inv(crossed)
    except np.linalg.LinAlgError as error:
        raise NotFittedError("terms that cannot be told apart") from error


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
