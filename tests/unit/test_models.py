"""Fitted models against known truths and against statsmodels fitted on people one by one."""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan

from assets.analysis import model_measures as measure
from assets.analysis.model_fits import Fit, NotFittedError, Outcome, fit_gamma, fit_log_ols, fit_logit, smearing
from assets.analysis.model_people import LARGEST_SAMPLE, MEASURED, People, people_of
from assets.analysis.model_terms import FEWEST, design
from assets.analysis.models import fitted_tables
from schemas.costing import SETTINGS

PEOPLE = 6000
CONDITIONS = ("htn", "dm", "copd")
TRUE_USE = {"intercept": 0.3, "sex_2": 0.5, "deprivation_1": 0.4, "condition_htn": 0.8, "condition_dm": -0.6}
TRUE_COST = {"intercept": 8.0, "sex_2": -0.3, "deprivation_1": 0.2, "condition_dm": 0.9, "condition_copd": 0.5}
SHAPE = 2.0


@pytest.fixture(scope="module")
def county() -> tuple[pl.DataFrame, pl.DataFrame]:
    """People whose use and cost of inpatient care follow a two-part model with known coefficients."""
    rng = np.random.default_rng(20240401)
    has = rng.random((PEOPLE, len(CONDITIONS))) < [0.4, 0.3, 0.2]
    people = pl.DataFrame(
        {
            "person_id": rng.permutation(np.arange(101, 101 + PEOPLE)),
            "practice_code": rng.choice([f"L8100{number}" for number in range(10)] + ["L81010", "L81011"], PEOPLE),
            "age_band": rng.choice(["0-4", "40-44", "90+"], PEOPLE),
            "sex_code": rng.choice(["1", "2"], PEOPLE),
            "deprivation_decile": rng.choice([1, 2, 9, 10], PEOPLE),
            "condition_count": has.sum(axis=1),
        }
    )
    terms = {
        "intercept": np.ones(PEOPLE),
        "sex_2": (people["sex_code"] == "2").to_numpy(),
        "deprivation_1": (people["deprivation_decile"] <= 2).to_numpy(),
        **{f"condition_{code}": has[:, place] for place, code in enumerate(CONDITIONS)},
    }
    use = sum(value * terms[name] for name, value in TRUE_USE.items())
    mean = np.exp(sum(value * terms[name] for name, value in TRUE_COST.items()))
    cost = (rng.random(PEOPLE) < 1 / (1 + np.exp(-use))) * np.ceil(rng.gamma(SHAPE, mean / SHAPE)).astype(np.int64)
    costs = {f"{name}_pence": cost if name in ("inpatient", "total") else 0 * cost for name in MEASURED}
    conditions = pl.DataFrame(
        [
            (person, code)
            for person, row in zip(people["person_id"], has, strict=True)
            for code, it in zip(CONDITIONS, row, strict=True)
            if it
        ],
        ["person_id", "counted_as"],
        orient="row",
    )
    return people.with_columns(**{name: pl.Series(value) for name, value in costs.items()}), conditions


@pytest.fixture(scope="module")
def people(county: tuple[pl.DataFrame, pl.DataFrame]) -> People:
    return people_of("all", *county)


def any_use(people: People) -> Outcome:
    return Outcome(people.cell, (people.cost["inpatient"] > 0).astype(np.float64), people.practice)


def users(people: People) -> Outcome:
    used = people.cost["inpatient"] > 0
    return Outcome(people.cell[used], people.cost["inpatient"][used], people.practice[used])


def assert_recovers(fit: Fit, truth: dict[str, float]) -> None:
    error = fit.robust_error()
    for place, term in enumerate(fit.design.terms):
        assert error[place] < 0.3, term
        assert fit.coefficient[place] == pytest.approx(truth.get(term, 0), abs=4 * error[place]), term


def test_known_coefficients_of_both_parts_come_back(people: People):
    use, cost = fit_logit(people.cells, any_use(people)), fit_gamma(people.cells, users(people))
    assert {*TRUE_USE, *TRUE_COST} <= {*use.design.terms} == {*cost.design.terms}
    assert_recovers(use, TRUE_USE)
    assert_recovers(cost, TRUE_COST)


@pytest.mark.parametrize("part", ["any_use", "gamma", "log_ols"])
def test_fits_on_cells_are_those_of_the_library_on_people(people: People, part: str):
    fit, outcome, family = {
        "any_use": (fit_logit, any_use(people), sm.families.Binomial()),
        "gamma": (fit_gamma, users(people), sm.families.Gamma(sm.families.links.Log())),
        "log_ols": (fit_log_ols, users(people), None),
    }[part]
    found = fit(people.cells, outcome)
    matrix = found.design.matrix[outcome.cell]
    model = sm.GLM(outcome.value, matrix, family) if family else sm.OLS(np.log(outcome.value), matrix)
    robust = model.fit(cov_type="HC0")
    correction = np.sqrt(len(outcome.value) / (len(outcome.value) - matrix.shape[1]))  # of HC1, which a GLM has not
    clustered = model.fit(cov_type="cluster", cov_kwds={"groups": outcome.practice})
    assert found.coefficient == pytest.approx(robust.params, rel=1e-6, abs=1e-7)
    assert found.robust_error() == pytest.approx(robust.bse * correction, rel=1e-5)
    assert found.clustered_error() == pytest.approx(clustered.bse, rel=1e-5)


def test_breusch_pagan_is_that_of_the_library(people: People):
    found = fit_log_ols(people.cells, users(people))
    statistic, freedom, p_value = smearing(found).breusch_pagan
    expected = het_breuschpagan(found.residual, found.design.matrix[found.outcome.cell])
    assert (statistic, p_value) == pytest.approx(expected[:2], rel=1e-8)
    assert freedom == len(found.design.terms) - 1


def lognormal(people: People, spread: np.ndarray) -> Outcome:
    rng = np.random.default_rng(7)
    return Outcome(people.cell, np.exp(rng.normal(6, spread)), people.practice)


def test_smearing_of_lognormal_cost_is_exp_of_half_the_variance(people: People):
    spread = 0.8
    found = smearing(fit_log_ols(people.cells, lognormal(people, np.full(PEOPLE, spread))))
    error = np.sqrt(np.expm1(spread**2) * np.exp(spread**2) / PEOPLE)
    assert found.by == "all"
    assert found.overall == pytest.approx(np.exp(spread**2 / 2), abs=4 * error)
    assert (found.factor == found.overall).all()


def test_smearing_is_by_group_of_counts_where_they_vary_differently(people: People):
    spread = np.where(people.cells["count"] <= 1, 0.3, 1.1)
    fit = fit_log_ols(people.cells, lognormal(people, spread[people.cell]))
    found = smearing(fit)
    assert found.by == "count_band"
    in_group = np.bincount(fit.design.count_group[people.cell])
    for group in np.unique(fit.design.count_group):
        of_it = fit.design.count_group == group
        squared = spread[of_it][0] ** 2
        error = np.sqrt(np.expm1(squared) * np.exp(squared) / in_group[group])
        assert found.factor[of_it] == pytest.approx(np.exp(squared / 2), abs=4 * error)


def test_a_perfect_predictor_explains_all_and_the_mean_nothing():
    actual = np.array([0.0, 0.0, 30.0, 90.0])
    perfect, mean = measure.measures(actual, actual), measure.measures(actual, np.full(4, 30.0))
    assert [perfect[name] for name in ("r_squared", "cpm", "predictive_ratio", "rmse_pence")] == [1, 1, 1, 0]
    assert [mean[name] for name in ("r_squared", "cpm", "predictive_ratio")] == [0, 0, 1]
    assert mean["mape_pence"] == (30 + 30 + 0 + 60) / 4  # zeros are in it
    assert mean["rmse_pence"] == pytest.approx(np.sqrt((900 + 900 + 0 + 3600) / 4))
    alike = measure.measures(np.full(4, 5.0), np.full(4, 5.0))
    assert (alike["r_squared"], alike["cpm"]) == (None, None)


def test_park_finds_the_power_of_the_mean_that_the_variance_is(people: People):
    rng = np.random.default_rng(11)
    mean = np.exp(rng.uniform(4, 8, people.cells.height))[people.cell]
    for power, says in ((2, "gamma"), (1, "Poisson"), (0, "Gaussian")):
        # A gamma of shape k has the variance mean² / k, so that k = mean^(2 - power) / scale gives it any power.
        shape = mean ** (2 - power) / 0.02 / np.exp(4 * (2 - power))
        value = rng.gamma(shape, mean / shape)
        fit = fit_gamma(people.cells, Outcome(people.cell, value, people.practice))
        known = Fit(
            fit.design, fit.outcome, fit.coefficient, fit.eta, np.exp(known_eta(people, mean)), fit.residual, fit.bread
        )
        found = measure.park(known)
        assert found.standard_error and found.standard_error < 0.1
        assert found.statistic == pytest.approx(power, abs=4 * found.standard_error)
        assert says in found.suggests
        assert (found.p_value < 1e-6) is (power != 2)


def known_eta(people: People, mean: np.ndarray) -> np.ndarray:
    eta = np.zeros(people.cells.height)
    eta[people.cell] = np.log(mean)
    return eta


def test_the_link_test_tells_a_wrong_link_from_a_right_one(people: People):
    right = fit_gamma(people.cells, users(people))
    assert measure.link(right, fit_gamma, people.cells).p_value > 0.01
    additive = (
        100
        + 400.0 * (people.cells["sex"] == "2")
        + 3000.0 * people.cells["condition_dm"]
        + 6000.0 * people.cells["condition_htn"]
    )
    cost = np.random.default_rng(3).gamma(50, additive.to_numpy()[people.cell] / 50)
    wrong = fit_gamma(people.cells, Outcome(people.cell, cost, people.practice))
    found = measure.link(wrong, fit_gamma, people.cells)
    assert found.p_value < 1e-6
    assert found.suggests == "the link or terms are wrong"


def test_deciles_correlation_and_copas_tell_good_predictions_from_bad():
    rng = np.random.default_rng(5)
    predicted = rng.uniform(100, 1000, 5000)
    actual = rng.gamma(4, predicted / 4)
    for test in (measure.deciles, measure.correlation, measure.copas):
        assert test(actual, predicted).p_value > 0.01
        assert test(actual, 2 * predicted - predicted.mean()).p_value < 1e-6
    # Predictions twice as far from their mean have half the slope, exactly.
    half = measure.copas(actual, 2 * predicted - predicted.mean())
    assert half.statistic == pytest.approx(measure.copas(actual, predicted).statistic / 2)
    assert half.suggests == "predictions are too extreme: overfitted"
    # Two in a tenth, 4 and -4 away from 2 and from 0: F is the mean over tenths of mean² over variance.
    error = np.tile([6.0, -2.0], 10)
    assert measure.deciles(np.arange(20) + error, np.arange(20.0)).statistic == pytest.approx(2**2 / (32 / 2))


def test_a_condition_whose_people_are_all_on_one_side_has_no_term(people: People):
    has = people.cells["condition_dm"].to_numpy()
    by_cell = np.bincount(people.cell, minlength=people.cells.height).astype(np.float64)
    found = design(people.cells, [by_cell, np.where(has, 0, by_cell)])
    assert "condition_dm" not in found.terms
    assert found.left_out["condition_dm"] == f"fewer than {FEWEST} people on a side of the outcome"


def test_ages_and_counts_with_few_people_join_their_neighbours(people: People):
    by_cell = np.bincount(people.cell, minlength=people.cells.height).astype(np.float64)
    few = np.where((people.cells["age_band"] == "90+") | (people.cells["count"] == 3), 0, by_cell)
    found = design(people.cells, [by_cell, few])
    assert [term for term in found.terms if term.startswith(("age_", "count_"))] == ["age_0-4", "count_2-3"]


def test_a_term_that_others_add_up_to_is_left_out(people: People):
    twice = people.cells.with_columns(pl.col("condition_dm").alias("condition_dm_again"))
    by_cell = np.bincount(people.cell, minlength=people.cells.height).astype(np.float64)
    found = design(twice, [by_cell])
    assert found.left_out == {"condition_dm_again": "the terms before it say nearly the same"}


def test_too_few_users_are_a_reason():
    cells = pl.DataFrame({"age_band": ["40-44"], "sex": ["1"], "deprivation": ["1"], "count": [0]})
    few = Outcome(np.zeros(100, np.int64), np.repeat([1.0, 0.0], [FEWEST - 1, 101 - FEWEST]), np.zeros(100, np.int64))
    with pytest.raises(NotFittedError, match="people use it"):
        fit_logit(cells, few)
    with pytest.raises(NotFittedError, match="people use it"):
        fit_gamma(cells, few)


def test_every_model_has_its_rows_be_they_figures_or_reasons(county: tuple[pl.DataFrame, pl.DataFrame]):
    everybody, conditions = county
    for people, known in ((everybody, True), (everybody.filter(pl.col("condition_count") == 0)[:30], False)):
        tables = fitted_tables("2024-25", people, conditions, dict.fromkeys(MEASURED, 1.0))
        terms, fits, tests = (tables[name] for name in ("two_part_model", "model_fit", "model_test"))
        settings = 2 * (len(SETTINGS) + 1)
        assert terms.filter(pl.col("term") == "intercept").height == settings * 3
        assert fits.height == settings * 3 * 2
        assert tests.height == settings * (6 + 5 + 4)
        for table, figure in ((terms, "coefficient"), (fits, "rmse_pence"), (tests, "statistic")):
            assert (table[figure].is_null() == table["reason"].is_not_null()).all()
            inpatient = table.filter(pl.col("population") == "all", pl.col("setting") == "inpatient")
            assert (inpatient["reason"].is_null().all()) is known
        idle = terms.filter(pl.col("setting") == "community")
        assert set(idle["reason"]) == {f"fewer than {FEWEST} people use it"}


def test_two_part_gamma_predicts_what_was_spent_and_half_is_held_out(county: tuple[pl.DataFrame, pl.DataFrame]):
    fits = fitted_tables("2024-25", *county, dict.fromkeys(MEASURED, 1.0))["model_fit"]
    of_all = fits.filter(pl.col("population") == "all", pl.col("setting") == "inpatient")
    assert of_all["predictive_ratio"].to_list() == pytest.approx([1] * 6, abs=0.05)
    assert of_all["r_squared"].min() > 0.05
    samples = dict(
        of_all.group_by("sample").agg(pl.col("fitted_count", "measured_count").first()).rows_by_key("sample")
    )
    assert samples["in_sample"] == [(PEOPLE, PEOPLE)]
    fitted, measured = samples["held_out"][0]
    assert fitted + measured == PEOPLE
    assert abs(fitted - PEOPLE / 2) < 4 * np.sqrt(PEOPLE) / 2


def test_a_large_population_is_drawn_by_a_hash(
    county: tuple[pl.DataFrame, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
):
    everybody, conditions = county
    monkeypatch.setattr("assets.analysis.model_people.LARGEST_SAMPLE", 1000)
    drawn = people_of("all", everybody.sort("person_id"), conditions)
    assert (drawn.population_count, len(drawn.cell)) == (PEOPLE, 1000)
    used = drawn.cost["inpatient"].mean()
    error = everybody["inpatient_pence"].std() / np.sqrt(1000)
    assert used == pytest.approx(everybody["inpatient_pence"].mean(), abs=4 * error)
    assert LARGEST_SAMPLE > PEOPLE


def test_a_test_without_a_standard_error_is_a_reason():
    with pytest.raises(NotFittedError, match="no standard error"):
        measure.copas(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0]))
