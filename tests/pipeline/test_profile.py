"""The tables of conditions, made again in plain Polars from the people of a release."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.releases import table

YEAR, LIST = "2024-25", "delphi52"


@pytest.fixture(scope="module")
def people(published: Path) -> pl.DataFrame:
    """Everybody registered in the year: age, number of conditions, cost."""
    on = ["financial_year", "person_id"]
    counts = table(published, "person_year_morbidity").filter(condition_list=LIST)
    costs = table(published, "person_year_cost").select(*on, "total_pence", "inpatient_pence")
    return (
        table(published, "person_year")
        .filter(financial_year=YEAR)
        .join(counts, on=on)
        .join(costs, on=on, validate="1:1")
    )


@pytest.fixture(scope="module")
def held(published: Path, people: pl.DataFrame) -> pl.DataFrame:
    """A row for each person and condition in force."""
    conditions = table(published, "person_year_condition").select("financial_year", "person_id", "condition_code")
    return conditions.join(people, on=["financial_year", "person_id"])


def rows(published: Path, name: str, *key: str) -> pl.DataFrame:
    """The rows of a table of the year and list, in the order of its key."""
    return table(published, name).filter(financial_year=YEAR, condition_list=LIST).sort(key)


def matches(made: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Whether each column of the expected is the made one, null where undefined."""
    assert expected.height > 0
    assert_frame_equal(made.select(expected.columns), expected, check_dtypes=False, rel_tol=1e-9, abs_tol=1e-6)


def spread(cost: pl.Expr) -> list[pl.Expr]:
    """Mean cost, its standard deviation and interval, as the library makes them."""
    mean, sd = cost.mean(), cost.std()
    half = 1.96 * sd / pl.len().sqrt()
    return [
        pl.len().cast(pl.Int64).alias("people_count"),
        mean.alias("mean_total_pence"),
        sd.alias("sd_total_pence"),
        (mean - half).alias("mean_total_low_pence"),
        (mean + half).alias("mean_total_high_pence"),
    ]


def test_conditions_counted_are_conditions_in_force(people: pl.DataFrame, held: pl.DataFrame) -> None:
    found = held.group_by("person_id").len().sort("person_id")
    counted = people.filter(pl.col("condition_count") > 0).sort("person_id")
    assert found["person_id"].to_list() == counted["person_id"].to_list()
    assert found["len"].to_list() == counted["condition_count"].to_list()


def test_the_profile_is_that_of_the_people(published: Path, people: pl.DataFrame, held: pl.DataFrame) -> None:
    everybody = people.height, people["total_pence"].sum()
    expected = (
        held.group_by("condition_code")
        .agg(
            *spread(pl.col("total_pence")),
            (pl.len() / everybody[0]).alias("prevalence"),
            pl.col("total_pence").sum(),
            ((everybody[1] - pl.col("total_pence").sum()) / (everybody[0] - pl.len())).alias(
                "mean_total_without_pence"
            ),
            (pl.col("condition_count") - 1).mean().alias("mean_other_conditions"),
            (pl.col("condition_count") == 1).mean().alias("alone_share"),
            pl.col("inpatient_pence").mean().alias("mean_inpatient_pence"),
        )
        .sort("condition_code")
    )
    made = rows(published, "condition_profile", "counted_as")
    assert made.height == table(published, "condition_list").filter(condition_list=LIST).height
    assert made["cost_rank"].to_list() == made["total_pence"].rank("min", descending=True).to_list()
    matches(
        made.filter(pl.col("people_count") > 0), expected.rename({"condition_code": "counted_as"}).drop("counted_as")
    )


def test_others_beside_a_condition_divide_its_people(published: Path, held: pl.DataFrame) -> None:
    other = pl.col("condition_count") - 1
    band = pl.when(other >= 3).then(pl.lit("3+")).otherwise(other.cast(pl.String))
    expected = held.group_by("condition_code", other_band=band).agg(*spread(pl.col("total_pence")))
    made = rows(published, "condition_by_comorbidity", "counted_as", "other_band")
    matches(made, expected.sort("condition_code", "other_band").drop("condition_code", "other_band"))
    assert made.group_by("counted_as").agg(pl.col("people_share").sum())["people_share"].to_list() == pytest.approx(
        [1.0] * made["counted_as"].n_unique()
    )


def test_age_and_count_divide_everybody_both_ways(published: Path, people: pl.DataFrame) -> None:
    key = ["age_band", "count_band"]
    cost = pl.col("total_pence")
    by_age, by_count = (cost.mean().over(name) for name in key)
    expected = (
        people.with_columns(age_mean=by_age, count_mean=by_count, age_people=pl.len().over("age_band"))
        .group_by(key)
        .agg(
            *spread(cost),
            cost.sum(),
            (cost.mean() / pl.col("age_mean").first()).alias("ratio_to_age_band"),
            (cost.mean() / pl.col("count_mean").first()).alias("ratio_to_count_band"),
            (pl.len() / pl.col("age_people").first()).alias("people_share"),
        )
        .sort(key)
    )
    matches(rows(published, "cost_by_age_and_count", *key), expected.drop(*key, "people_share"))
    matches(rows(published, "conditions_by_age_band", *key), expected.select("people_count", "people_share"))


def test_intervals_stand_beside_every_mean_over_people(published: Path, people: pl.DataFrame) -> None:
    for name, group in (("cost_by_age_band", "age_band"), ("cost_by_condition_count", "count_band")):
        expected = people.group_by(group).agg(*spread(pl.col("total_pence"))).sort(group)
        made = table(published, name).filter(financial_year=YEAR).sort(group)
        matches(made.filter(condition_list=LIST) if "condition_list" in made.columns else made, expected.drop(group))
    setting = table(published, "cost_by_setting").filter(
        financial_year=YEAR, setting="inpatient", morbidity_group="all"
    )
    users = people.filter(pl.col("inpatient_pence") > 0)["inpatient_pence"]
    assert setting["sd_pence_per_user"].item() == pytest.approx(users.std())
    assert setting["sd_pence_per_person"].item() == pytest.approx(people["inpatient_pence"].std())
    half = 1.96 * setting["sd_pence_per_person"].item() / people.height**0.5
    mean = setting["mean_pence_per_person"].item()
    assert setting["mean_low_pence_per_person"].item() == pytest.approx(mean - half)
    assert setting["mean_high_pence_per_person"].item() == pytest.approx(mean + half)


def test_every_setting_is_tested(published: Path) -> None:
    tests = table(published, "cost_by_setting_test").filter(financial_year=YEAR)
    settings = table(published, "cost_by_setting").filter(financial_year=YEAR, morbidity_group="3plus")
    assert tests.height == 9
    assert dict(tests.select("setting", "user_count_3plus").rows()) == dict(
        settings.select("setting", "user_count").rows()
    )
    total = tests.filter(setting="total").row(0, named=True)
    assert 0 <= total["p_value"] < 0.05
    assert total["difference_low_pence_per_user"] > 0
