"""The split of explained variance, from the sums of squares of the SQL, against least squares on dummies."""

from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm

from tests.sql.cases import Case
from tests.sql.test_sql_cases import run

PEOPLE = 240


def rows(header: str, *columns: object) -> str:
    return "\n".join([header, *("  ".join(map(str, row)) for row in zip(*columns, strict=True))])  # type: ignore


def explains(cost: np.ndarray, group: np.ndarray) -> float:
    dummies = (group[:, None] == np.unique(group)).astype(float)
    return sm.OLS(cost, dummies, hasconst=True).fit().rsquared


def test_parts_are_those_of_least_squares_on_dummies_and_sum_to_the_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(20240402)
    person = np.arange(101, 101 + PEOPLE)
    age = rng.choice(["0-4", "40-44", "90+"], PEOPLE)
    count = np.where(age == "90+", rng.choice(["2", "7+"], PEOPLE), rng.choice(["0", "1", "2"], PEOPLE))
    cost = np.floor(rng.lognormal(9, 1, PEOPLE) * (1 + (count == "7+")) * rng.integers(0, 3, PEOPLE)).astype(int)
    of_people = {
        "person_year": rows("person_id  age_band  sex_code", person, age, np.full(PEOPLE, "1")),
        "person_year_morbidity": rows("person_id  condition_list  count_band", person, ["delphi52"] * PEOPLE, count),
        "person_year_cost": rows("person_id  total_pence", person, cost),
    }
    explained = [
        row
        for row in run(Case("explained_variance", "explained", of_people, ""), tmp_path)
        if (row["timing"], row["outcome"]) == ("concurrent", "total")
    ]
    names = (
        "condition_list",
        "predictor",
        "outcome",
        "timing",
        "validation",
        "truncation",
        "people_count",
        "r_squared",
    )
    given = rows("  ".join(names), *([row[name] for row in explained] for name in names)).replace("None", "null")
    (tmp_path / "split").mkdir()
    split = run(Case("variance_split", "split", {"explained_variance": given}, ""), tmp_path / "split")
    of_age, of_count, of_both = explains(cost, age), explains(cost, count), explains(cost, np.char.add(age, count))
    part = {row["predictor"]: row["r_squared_part"] for row in split}
    assert part["age_band"] == pytest.approx((of_age + of_both - of_count) / 2, abs=1e-9)
    assert part["count_band"] == pytest.approx((of_count + of_both - of_age) / 2, abs=1e-9)
    assert sum(part.values()) == pytest.approx(of_both, abs=1e-9)
    assert sum(row["r_squared_share"] for row in split) == pytest.approx(1, abs=1e-9)
    assert of_both > of_count > of_age > 0
