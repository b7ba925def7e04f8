"""The fitted models of a release: each population and setting has its rows, of the people and cost of other tables."""

from pathlib import Path

import duckdb
import pytest

from schemas.costing import SETTINGS


@pytest.fixture(scope="module")
def release(published: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(published / "outputs" / "linked_care.duckdb"), read_only=True)
    connection.execute("use restricted")
    return connection


def test_every_population_and_setting_has_its_models(release: duckdb.DuckDBPyConnection):
    every = (len(SETTINGS) + 1) * 2 * 2  # settings and the total, populations, years
    of_terms = release.sql("select count(*) from two_part_model where term = 'intercept'").fetchall()
    assert of_terms == [(every * 3,)]
    assert release.sql("select count(*) from model_fit").fetchall() == [(every * 3 * 2,)]
    assert release.sql("select count(*) from model_test").fetchall() == [(every * 15,)]
    fitted = release.sql(
        "select distinct setting from two_part_model where population = 'all' and coefficient is not null"
    ).fetchall()
    assert {("primary",), ("inpatient",), ("outpatient",), ("total",)} <= set(fitted)


def test_models_are_measured_on_the_people_and_cost_of_the_tables_of_cost(release: duckdb.DuckDBPyConnection):
    compared = release.sql(
        "select f.mean_pence, c.mean_pence_per_person, f.people_count, c.people_count, f.completeness, c.completeness"
        " from model_fit as f join cost_by_setting as c on f.financial_year = c.financial_year"
        " and f.population = c.morbidity_group and f.setting = c.setting"
        " where f.sample = 'in_sample' and f.reason is null"
    ).fetchall()
    assert compared
    for mean, mean_of_cost, people, people_of_cost, complete, complete_of_cost in compared:
        assert mean == pytest.approx(mean_of_cost, rel=1e-8)
        assert (people, complete) == (people_of_cost, complete_of_cost)


def test_the_parts_of_age_and_count_sum_to_what_both_explain(release: duckdb.DuckDBPyConnection):
    split = release.sql(
        "select sum(s.r_squared_part), max(e.r_squared), count(*) from variance_split as s"
        " join explained_variance as e using (financial_year, condition_list, outcome, timing)"
        " where e.predictor = 'age_band_count_band' and e.validation = 'in_sample' and e.truncation = 'none'"
        " and e.r_squared is not null"
        " group by financial_year, condition_list, outcome, timing"
    )
    rows = split.fetchall()
    assert rows
    for total, together, parts in rows:
        assert (total, parts) == (pytest.approx(together, abs=1e-12), 2)
