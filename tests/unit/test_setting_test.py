"""Welch's test of users' cost, against the library on the costs themselves."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from assets.analysis.setting_test import setting_test
from schemas.analysis import COST_BY_SETTING
from schemas.analysis_profile import COST_BY_SETTING_TEST


def by_setting(**costs: list[float]) -> pl.DataFrame:
    """Rows of `cost_by_setting` of one setting; cost of users by group."""
    groups = {"all": [cost for group in costs.values() for cost in group]} | {
        name.removeprefix("_"): group for name, group in costs.items()
    }
    rows = [
        {
            "financial_year": "2024-25",
            "morbidity_group": name,
            "setting": "inpatient",
            "user_count": len(group),
            "mean_pence_per_user": float(np.mean(group)) if group else None,
            "sd_pence_per_user": float(np.std(group, ddof=1)) if len(group) > 1 else None,
            "completeness": 0.5,
            "exposure_rule": "rule",
        }
        for name, group in groups.items()
    ]
    return pl.DataFrame(rows, schema={name: COST_BY_SETTING.empty_frame().schema[name] for name in rows[0]})


def test_it_is_the_test_of_the_library_on_the_costs_themselves():
    rng = np.random.default_rng(20240401)
    many, rest = rng.lognormal(11, 1.5, 40), rng.lognormal(10, 1.2, 300)
    row = setting_test(by_setting(_3plus=list(many), rest=list(rest))).row(0, named=True)
    welch = stats.ttest_ind(many, rest, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert (row["user_count_3plus"], row["user_count_rest"]) == (40, 300)
    assert row["difference_pence_per_user"] == pytest.approx(many.mean() - rest.mean())
    assert row["welch_t"] == pytest.approx(welch.statistic)
    assert row["welch_df"] == pytest.approx(welch.df)
    assert row["p_value"] == pytest.approx(welch.pvalue)
    assert 0 < row["p_value"] < 1
    assert (row["difference_low_pence_per_user"], row["difference_high_pence_per_user"]) == pytest.approx((low, high))
    assert (row["setting"], row["completeness"], row["exposure_rule"]) == ("inpatient", 0.5, "rule")


@pytest.mark.parametrize(
    ("many", "rest", "difference"),
    [([5.0], [1.0, 2.0], 3.5), ([5.0, 5.0], [2.0, 2.0], 3.0), ([], [1.0, 2.0], None), ([], [], None)],
    ids=["one user", "no cost varies", "no users", "nobody"],
)
def test_what_is_not_defined_is_null(many: list[float], rest: list[float], difference: float | None):
    row = setting_test(by_setting(_3plus=many, rest=rest)).row(0, named=True)
    assert row["difference_pence_per_user"] == difference
    assert [row[name] for name in ("welch_t", "welch_df", "p_value", "difference_low_pence_per_user")] == [None] * 4


def test_a_county_without_people_of_three_conditions_has_no_users_there():
    frame = by_setting(_3plus=[], rest=[1.0, 2.0]).filter(pl.col("morbidity_group") != "3plus")
    made = setting_test(frame)
    assert made.schema == COST_BY_SETTING_TEST.empty_frame().schema
    assert made.row(0, named=True)["user_count_3plus"] == 0
