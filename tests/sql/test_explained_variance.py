"""Explained variance of the SQL against the library: least squares on one dummy per group, and on a line."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm

from tests.sql.cases import Case
from tests.sql.test_sql_cases import run

PEOPLE = 300
_RNG = np.random.default_rng(20240401)
PERSON = np.arange(101, 101 + PEOPLE)
AGE_BAND = _RNG.choice(["0-4", "40-44", "90+"], PEOPLE)
SEX_CODE = _RNG.choice(["1", "2"], PEOPLE)
COUNT = _RNG.choice([0, 1, 2, 7], PEOPLE, p=[0.5, 0.3, 0.15, 0.05])
COUNT_BAND = np.where(COUNT == 7, "7+", COUNT.astype(str))
PRACTICE = _RNG.choice(["A", "B", "C", "D", "E"], PEOPLE)
# skewed, with many who cost nothing, as care is
COST = np.floor(_RNG.lognormal(9, 1.5, PEOPLE) * _RNG.integers(0, 3, PEOPLE)).astype(int)
GROUPS = {
    "age_band": AGE_BAND,
    "sex": SEX_CODE,
    "age_band_sex": np.char.add(AGE_BAND, SEX_CODE),
    "count_band": COUNT_BAND,
    "age_band_count_band": np.char.add(AGE_BAND, COUNT_BAND),
}
DESIGNS = [
    ("concurrent", "in_sample", "none"),
    ("concurrent", "in_sample", "p99"),
    ("concurrent", "held_out_people", "none"),
    ("concurrent", "held_out_practices", "p99"),
    ("prospective", "in_sample", "none"),
    ("prospective", "held_out_people", "p99"),
]


@cache
def made() -> dict[tuple[str, ...], dict]:
    """The rows of the total by predictor, timing, validation and truncation."""

    def rows(header: str, *columns: np.ndarray) -> str:
        return "\n".join([header, *("  ".join(map(str, row)) for row in zip(*columns, strict=True))])

    people = rows("person_id  age_band  sex_code  practice_code", PERSON, AGE_BAND, SEX_CODE, PRACTICE)
    counts = rows(
        "person_id  condition_list  count_band  condition_count", PERSON, np.full(PEOPLE, "all"), COUNT_BAND, COUNT
    )
    given = {
        "person_year": people,
        "person_year_morbidity": counts,
        "person_year_cost": rows("person_id  total_pence", PERSON, COST),
        "person_year_before": people,
        "person_year_morbidity_before": counts,
    }
    with TemporaryDirectory() as folder:
        result = run(Case("explained_variance", "statsmodels", given, ""), Path(folder))
    key = ("predictor", "timing", "validation", "truncation")
    return {tuple(row[name] for name in key): row for row in result if row["outcome"] == "total"}


@pytest.mark.parametrize(("timing", "validation", "truncation"), DESIGNS)
@pytest.mark.parametrize("predictor", [*GROUPS, "condition_count"])
def test_every_figure_is_that_of_least_squares(predictor: str, timing: str, validation: str, truncation: str) -> None:
    row = made()[predictor, timing, validation, truncation]
    cost = np.minimum(COST, np.sort(COST)[int(np.ceil(0.99 * PEOPLE)) - 1]) if truncation == "p99" else COST
    if predictor == "condition_count":
        terms = np.column_stack([np.ones(PEOPLE), COUNT])
    else:
        terms = (GROUPS[predictor][:, None] == np.unique(GROUPS[predictor])).astype(float)
    tested = {
        "in_sample": np.full(PEOPLE, True),
        "held_out_people": PERSON % 2 == 1,
        "held_out_practices": np.isin(PRACTICE, ["A", "C", "E"]),
    }[validation]
    trained = tested if validation == "in_sample" else ~tested
    fitted = sm.OLS(cost[trained], terms[trained], hasconst=True).fit()
    error = (cost - fitted.predict(terms))[tested]
    about = cost[tested] - cost[tested].mean()

    assert row["people_count"] == tested.sum()
    assert row["cell_count"] == terms.shape[1]
    assert row["r_squared"] == pytest.approx(1 - (error @ error) / (about @ about), rel=1e-9)
    if validation == "in_sample":
        assert row["r_squared"] == pytest.approx(fitted.rsquared, rel=1e-9)
        assert row["adjusted_r_squared"] == pytest.approx(fitted.rsquared_adj, rel=1e-9)
    else:
        assert row["adjusted_r_squared"] is None
    assert row["mape_pence_per_person"] == pytest.approx(np.abs(error).mean(), rel=1e-9)
    assert row["cpm"] == pytest.approx(1 - np.abs(error).sum() / np.abs(about).sum(), abs=1e-9)

    of_practices = [PRACTICE[tested] == code for code in np.unique(PRACTICE[tested])]
    missed = sum(error[one].mean() ** 2 * one.sum() for one in of_practices)
    apart = sum(about[one].mean() ** 2 * one.sum() for one in of_practices)
    assert row["r_squared_practice"] == pytest.approx(1 - missed / apart, rel=1e-6)


def test_a_perfect_predictor_explains_all_and_a_constant_one_nothing(tmp_path: Path) -> None:
    people = range(101, 121)
    given = {
        "person_year": "\n".join(["person_id  age_band", *(f"{person}  0-4" for person in people)]),
        "person_year_morbidity": "\n".join(
            ["person_id  condition_list  count_band", *(f"{person}  all  {person // 2 % 3}" for person in people)]
        ),
        "person_year_cost": "\n".join(
            ["person_id  total_pence", *(f"{person}  {1000 * (person // 2 % 3) ** 3}" for person in people)]
        ),
    }
    rows = {
        (row["predictor"], row["validation"]): row
        for row in run(Case("explained_variance", "perfect", given, ""), tmp_path)
        if (row["outcome"], row["truncation"]) == ("total", "none")
    }
    for validation in ("in_sample", "held_out_people"):
        perfect, constant = rows["count_band", validation], rows["age_band", validation]
        assert (perfect["r_squared"], perfect["cpm"], perfect["mape_pence_per_person"]) == (1, 1, 0)
        if validation == "in_sample":
            assert (constant["r_squared"], constant["cpm"]) == (0, 0)


# Wood, Murch and Betteridge 2019: segments of a classification tree, people and mean pounds, as published; variance of
# individual cost 5,433,321. The variance between segments over it is the published reduction of 38 per cent.
CART = {
    "healthy": (38_661, 405),
    "mid-life": (7_476, 1_444),
    "prescriptions": (2_147, 2_759),
    "older ill": (1_416, 3_827),
    "frail": (886, 6_235),
    "very frail": (486, 11_049),
}
VARIANCE = 5_433_321


class Published(Case):
    """The segments as people: in each, half of them above its mean and half below, so that all varies as published."""

    def sources(self) -> dict[str, pa.Table]:
        """Everybody of every segment."""
        size = np.array([people for people, _ in CART.values()])
        mean = np.array([pounds for _, pounds in CART.values()])
        grand = (size @ mean) / size.sum()
        within = np.sqrt(VARIANCE - size @ (mean - grand) ** 2 / size.sum())
        segment = np.repeat(np.arange(len(CART)), size)
        above = np.where(np.arange(size.sum()) % 2, within, -within)
        pence = np.rint(100 * (mean[segment] + above + within)).astype(int)
        columns = {
            "person_id": np.arange(len(segment)),
            "count_band": segment.astype(str),
            "total_pence": pence,
        }
        return {name: _everybody(table, columns) for name, table in super().sources().items()}


def _everybody(one: pa.Table, columns: dict[str, np.ndarray]) -> pa.Table:
    """A row of a table for everybody, with the columns that it has."""
    people = len(columns["person_id"])
    table = one.take(np.zeros(people, dtype=int)) if one.num_rows else one
    for place, field in enumerate(table.schema):
        if table.num_rows and field.name in columns:
            table = table.set_column(place, field, pa.array(columns[field.name], field.type))
    return table


def test_published_segments_explain_what_was_published(tmp_path: Path) -> None:
    given = {
        "person_year": "person_id\n101",
        "person_year_morbidity": "person_id  condition_list\n101  all",
        "person_year_cost": "person_id\n101",
    }
    [row] = [
        row
        for row in run(Published("explained_variance", "published", given, ""), tmp_path)
        if (row["predictor"], row["outcome"], row["validation"]) == ("count_band", "total", "in_sample")
        and row["truncation"] == "none"
    ]
    assert row["people_count"] == 51_072
    assert row["r_squared"] == pytest.approx(0.383, abs=0.0005)
