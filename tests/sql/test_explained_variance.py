"""Explained variance of the SQL against the library: least squares on one dummy per group."""

from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm

from tests.sql.cases import Case
from tests.sql.test_sql_cases import run

PEOPLE = 300


def test_r_squared_is_that_of_least_squares_on_dummies(tmp_path: Path) -> None:
    rng = np.random.default_rng(20240401)
    person = np.arange(101, 101 + PEOPLE)
    age_band = rng.choice(["0-4", "40-44", "90+"], PEOPLE)
    sex_code = rng.choice(["1", "2"], PEOPLE)
    count_band = rng.choice(["0", "1", "2", "7+"], PEOPLE, p=[0.5, 0.3, 0.15, 0.05])
    # skewed, with many who cost nothing, as care is
    cost = np.floor(rng.lognormal(9, 1.5, PEOPLE) * rng.integers(0, 3, PEOPLE)).astype(int)

    def rows(header: str, *columns: np.ndarray) -> str:
        return "\n".join([header, *("  ".join(map(str, row)) for row in zip(*columns, strict=True))])

    given = {
        "person_year": rows("person_id  age_band  sex_code", person, age_band, sex_code),
        "person_year_morbidity": rows(
            "person_id  condition_list  count_band", person, np.full(PEOPLE, "delphi52"), count_band
        ),
        "person_year_cost": rows("person_id  total_pence", person, cost),
    }
    made = {row["predictor"]: row for row in run(Case("explained_variance", "statsmodels", given, ""), tmp_path)}
    groups = {
        "age_band": age_band,
        "sex": sex_code,
        "age_band_sex": np.char.add(age_band, sex_code),
        "count_band": count_band,
        "age_band_count_band": np.char.add(age_band, count_band),
    }
    assert made.keys() == groups.keys()
    for predictor, group in groups.items():
        dummies = (group[:, None] == np.unique(group)).astype(float)
        assert made[predictor]["r_squared"] == pytest.approx(
            sm.OLS(cost, dummies, hasconst=True).fit().rsquared, rel=1e-9
        )
        assert made[predictor]["cell_count"] == dummies.shape[1]
