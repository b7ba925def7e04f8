"""The fitted models of a year: every population and setting, as the rows of three tables.

Belongs here: which models are fitted, measured and tested, and their tables.
Does not belong here: people (`model_people.py`), terms, fits and measures (modules of the same names).

A model that cannot be fitted is a row with its reason; nothing here stops a run. All is fitted once, for
`two_part_model`; the rows of `model_fit` and `model_test` lie beside its file.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats
from threadpoolctl import threadpool_limits

from assets.analysis import model_measures as measure
from assets.analysis.model_fits import (
    Fit,
    NotFittedError,
    Outcome,
    Smearing,
    fit_gamma,
    fit_log_ols,
    fit_logit,
    smearing,
)
from assets.analysis.model_people import MEASURED, POPULATIONS, People, people_of, read_people
from assets.analysis.model_terms import INTERCEPT
from assets.parameters import EXPOSURE_RULE
from pipelines.build import build_file, build_frame
from pipelines.store import Store, Stored, frame_writer
from schemas.analysis_models import MODEL_FIT, MODEL_TEST, TWO_PART_MODEL
from schemas.table import Table

Row = dict[str, Any]
FEWEST_PRACTICES = 10
_STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_DIGITS = 9  # significant: the last digits of a sum depend on the machine
_CODE = ("models.py", "model_people.py", "model_terms.py", "model_fits.py", "model_measures.py")
_AGAIN: dict[str, Callable[..., Fit]] = {
    "any_use_logit": fit_logit,
    "cost_gamma_log": fit_gamma,
    "cost_log_ols": fit_log_ols,
    "one_part": fit_gamma,
}
_MODELS = {
    "two_part_gamma": "cost_gamma_log",
    "two_part_log_ols_smearing": "cost_log_ols",
    "one_part_gamma": "one_part",
}
_PARTS = ("any_use_logit", "cost_gamma_log", "cost_log_ols")


def build_models(store: Store, year: str) -> Stored:
    """Build `two_part_model`, with the rows of the other two tables beside it."""

    def write(target: Path) -> int:
        with threadpool_limits(1):  # on a busy machine, threads that wait for each other are slower than one
            tables = fitted_tables(year, *read_people(store, year), _completeness(store, year))
        for table in (MODEL_FIT, MODEL_TEST):
            frame_writer(table, tables[table.name])(_beside(target.parent, table))
        return frame_writer(TWO_PART_MODEL, tables[TWO_PART_MODEL.name])(target)

    code = [(Path(__file__).parent / name).read_text() for name in _CODE]
    return build_file(store, TWO_PART_MODEL, [code, EXPOSURE_RULE, repr(MODEL_FIT), repr(MODEL_TEST)], write, year)


def build_beside(store: Store, table: Table, year: str) -> Stored:
    """Build `model_fit` or `model_test` of what was fitted for `two_part_model`."""
    fitted = store.require(TWO_PART_MODEL.name, year)

    def read() -> pl.DataFrame:
        store.prove(fitted)
        return pl.read_parquet(_beside(store.paths(fitted)[0].parent, table), glob=False)

    return build_frame(store, table, fitted.fingerprint, read, year)


def _beside(folder: Path, table: Table) -> Path:
    return folder / f"{table.name}.parquet"


def _completeness(store: Store, year: str) -> dict[str, float | None]:
    feeds = store.frame("feed_completeness", year).filter(pl.col("setting").is_not_null())

    def least(of: pl.DataFrame) -> float | None:
        return of["completeness"].min() if of.height and not of["completeness"].null_count() else None  # type: ignore

    return {name: least(feeds if name == "total" else feeds.filter(pl.col("setting") == name)) for name in MEASURED}


def fitted_tables(
    year: str, everybody: pl.DataFrame, conditions: pl.DataFrame, completeness: dict[str, float | None]
) -> dict[str, pl.DataFrame]:
    """The rows of `two_part_model`, `model_fit` and `model_test`, of people as from `read_people`."""
    rows: dict[str, list[Row]] = {table.name: [] for table in (TWO_PART_MODEL, MODEL_FIT, MODEL_TEST)}
    for population in POPULATIONS:
        people = people_of(population, everybody, conditions)
        for setting in MEASURED:
            about = {
                "financial_year": year,
                "population": population,
                "setting": setting,
                "people_count": people.population_count,
                "completeness": completeness[setting],
                "exposure_rule": EXPOSURE_RULE,
            }
            whole = _models(people, setting, np.ones(len(people.cell), bool))
            half = _models(people, setting, people.in_first_half)
            actual = people.cost[setting]
            rows["two_part_model"] += [about | row for part in _PARTS for row in _terms(part, whole.parts[part])]
            rows["model_fit"] += [about | row for row in _fits(people, actual, whole, half)]
            rows["model_test"] += [about | row for row in _tests(people, actual, whole, half)]
    tables = (TWO_PART_MODEL, MODEL_FIT, MODEL_TEST)
    return {table.name: _frame(table, rows[table.name]) for table in tables}


@dataclass(frozen=True)
class _Models:
    """The models of a setting; a part that cannot be had is its reason."""

    parts: dict[str, Fit | str]
    share: float
    smeared: Smearing | None
    people: int

    def fit(self, part: str) -> Fit:
        """A part.

        Raises:
            NotFittedError: if it could not be fitted.
        """
        found = self.parts[part]
        if isinstance(found, str):
            raise NotFittedError(found)
        return found

    def predicted(self, model: str) -> np.ndarray:
        """Cost by cell.

        Raises:
            NotFittedError: if the model could not be fitted.
        """
        found = self.fit(_MODELS[model])
        if model == "one_part_gamma":
            return found.mean
        any_use = self.parts["any_use_logit"]
        use = self.share if isinstance(any_use, str) else any_use.mean
        if model == "two_part_gamma":
            return use * found.mean
        assert self.smeared
        return use * np.exp(found.eta) * self.smeared.factor


def _models(people: People, setting: str, fitted_on: np.ndarray) -> _Models:
    cost, cell, practice = people.cost[setting][fitted_on], people.cell[fitted_on], people.practice[fitted_on]
    used = cost > 0
    outcomes = {
        "any_use_logit": Outcome(cell, used.astype(np.float64), practice),
        "cost_gamma_log": (users := Outcome(cell[used], cost[used], practice[used])),
        "cost_log_ols": users,
        "one_part": Outcome(cell, cost, practice),
    }
    parts = {name: _or_reason(_AGAIN[name], people.cells, outcome) for name, outcome in outcomes.items()}
    logs = parts["cost_log_ols"]
    smeared = smearing(logs) if isinstance(logs, Fit) else None
    return _Models(parts, float(used.mean()) if len(used) else 0.0, smeared, len(cost))


def _or_reason(fit: Callable[..., Fit], *about: Any) -> Fit | str:
    try:
        return fit(*about)
    except NotFittedError as reason:
        return str(reason)


def _terms(part: str, found: Fit | str) -> Iterator[Row]:
    design = "concurrent, in sample"
    if isinstance(found, str):
        yield {
            "part": part,
            "term": INTERCEPT,
            "stars": "",
            "fitted_count": 0,
            "practice_count": 0,
            "reason": found,
            "design": design,
        }
        return
    practices = len(np.unique(found.outcome.practice))
    about = {"part": part, "fitted_count": len(found.residual), "practice_count": practices, "design": design}
    robust = found.robust_error()
    clustered = found.clustered_error() if practices >= FEWEST_PRACTICES else np.full(len(robust), np.nan)
    p_value = 2 * stats.norm.sf(np.abs(found.coefficient / robust))
    clustered_p = 2 * stats.t.sf(np.abs(found.coefficient / clustered), practices - 1)
    with_term = found.outcome.people(len(found.eta)) @ (found.design.matrix > 0)
    for place, term in enumerate(found.design.terms):
        yield about | {
            "term": term,
            "coefficient": found.coefficient[place],
            "robust_error": robust[place],
            "clustered_error": clustered[place],
            "p_value": p_value[place],
            "clustered_p_value": clustered_p[place],
            "stars": next((stars for level, stars in _STARS if p_value[place] < level), ""),
            "term_people_count": int(with_term[place]),
        }
    for term, reason in found.design.left_out.items():
        yield about | {"term": term, "stars": "", "reason": reason}


def _fits(people: People, actual: np.ndarray, whole: _Models, half: _Models) -> Iterator[Row]:
    samples = (
        ("in_sample", whole, np.ones(len(actual), bool), "concurrent, fitted and measured on the same people"),
        (
            "held_out",
            half,
            ~people.in_first_half,
            "concurrent, fitted on half of people and measured on the other half",
        ),
    )
    for sample, models, measured, design in samples:
        for model in _MODELS:
            row: Row = {"model": model, "sample": sample, "design": design, "truncation": "none"}
            try:
                predicted = models.predicted(model)
                if not measured.any():
                    raise NotFittedError("nobody to measure it on")
            except NotFittedError as reason:
                yield row | {"fitted_count": 0, "measured_count": 0, "reason": str(reason)}
                continue
            of, cost = people.cell[measured], actual[measured]
            row |= {"fitted_count": models.people, "measured_count": len(cost)} | measure.measures(cost, predicted[of])
            if model != "one_part_gamma":
                row["any_use_by"] = "share" if isinstance(models.parts["any_use_logit"], str) else "logit"
            if model == "two_part_log_ols_smearing" and (smeared := models.smeared):
                row |= {
                    "smearing_by": smeared.by,
                    "smearing_factor": smeared.overall,
                    "smearing_lowest": smeared.factor.min(),
                    "smearing_highest": smeared.factor.max(),
                }
            yield row


def _tests(people: People, actual: np.ndarray, whole: _Models, half: _Models) -> Iterator[Row]:
    others = ~people.in_first_half

    def linked(part: str) -> measure.Tested:
        return measure.link(whole.fit(part), _AGAIN[part], people.cells)

    def equal() -> measure.Tested:
        found = whole.fit("cost_log_ols")
        assert whole.smeared
        return measure.breusch_pagan(whole.smeared.breusch_pagan, len(found.residual))

    def of_all(model: str, test: Callable[..., measure.Tested]) -> measure.Tested:
        return test(actual, whole.predicted(model)[people.cell])

    def of_others(model: str) -> measure.Tested:
        return measure.copas(actual[others], half.predicted(model)[people.cell[others]])

    own: dict[str, dict[str, Callable[[], measure.Tested]]] = {
        "two_part_gamma": {
            "park": lambda: measure.park(whole.fit("cost_gamma_log")),
            "link_any_use": lambda: linked("any_use_logit"),
        },
        "two_part_log_ols_smearing": {"breusch_pagan": equal},
        "one_part_gamma": {},
    }
    for model, part in _MODELS.items():
        tests = own[model] | {
            "link": lambda part=part: linked(part),
            "deciles": lambda model=model: of_all(model, measure.deciles),
            "correlation": lambda model=model: of_all(model, measure.correlation),
            "copas": lambda model=model: of_others(model),
        }
        for name, test in tests.items():
            row: Row = {"model": model, "test": name}
            row["design"] = "concurrent, in half of people" if name == "copas" else "concurrent, in sample"
            try:
                found = asdict(test())
            except NotFittedError as reason:
                yield row | {"tested_count": 0, "reason": str(reason)}
                continue
            yield row | {"tested_count": found.pop("people")} | found


def _frame(table: Table, rows: list[Row]) -> pl.DataFrame:
    names = [column.name for column in table.columns]
    frame = pl.DataFrame([{name: row.get(name) for name in names} for row in rows], table.empty_frame().schema)
    doubles = [column.name for column in table.columns if column.type == "DOUBLE" and column.name != "completeness"]
    is_finite = pl.col(doubles).is_finite()
    return frame.with_columns(pl.when(is_finite).then(pl.col(doubles).round_sig_figs(_DIGITS)))
