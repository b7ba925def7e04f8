"""Concentration of the SQL against distributions whose Gini coefficient is known, and against plain loops."""

from math import ceil, exp, floor, log, sqrt
from pathlib import Path
from statistics import NormalDist, fmean, median, pstdev

import pytest

from tests.sql.cases import Case
from tests.sql.test_sql_cases import run

PEOPLE = 3000
_MIDDLES = [(place + 0.5) / PEOPLE for place in range(PEOPLE)]
_SIGMA = 1.2
_SHAPE = 3.0
DRAWN = {
    "exponential": [round(-100_000 * log(1 - p)) for p in _MIDDLES],
    "lognormal": [round(100_000 * exp(_SIGMA * NormalDist().inv_cdf(p))) for p in _MIDDLES],
    "pareto": [round(100_000 * (1 - p) ** (-1 / _SHAPE)) for p in _MIDDLES],
}
GINI = {
    "exponential": 0.5,
    "lognormal": 2 * NormalDist().cdf(_SIGMA / sqrt(2)) - 1,
    "pareto": 1 / (2 * _SHAPE - 1),
}
# Ties, zeros and a tail, as care has them; 97 people so that no share of them is whole.
UNEVEN = [0] * 30 + [50] * 20 + [(7 * place * place) % 1013 for place in range(40)] + [9000, 4000, 4000, 4000, 70, 1, 1]


def made(table: str, costs: list[int], folder: Path) -> list[dict]:
    """The rows of scope total that the SQL makes of the costs."""
    # people are numbered so that their order is not that of cost
    people = [(101 + place * 7919 % 100_003, cost) for place, cost in enumerate(costs)]
    lines = [f"{person}  true  {cost}" for person, cost in people]
    given = {"person_year_cost": "\n".join(["person_id  is_registered  total_pence", *lines])}
    return [row for row in run(Case(table, table, given, ""), folder) if row["scope"] == "total"]


@pytest.mark.parametrize("name", DRAWN)
def test_gini_is_that_of_the_distribution(name: str, tmp_path: Path) -> None:
    [row] = made("concentration_summary", DRAWN[name], tmp_path)
    assert row["gini"] == pytest.approx(GINI[name], abs=2e-3)
    assert row["gini_low"] < GINI[name] < row["gini_high"]


def gini_of(ordered: list[int]) -> float:
    """The formula, term by term."""
    n = len(ordered)
    ranked = sum(place * cost for place, cost in enumerate(ordered, 1))
    return 2 * ranked / (n * sum(ordered)) - (n + 1) / n


def test_standard_error_is_nearly_that_of_leaving_out_each_person_in_turn(tmp_path: Path) -> None:
    costs = sorted(DRAWN["exponential"][::10])
    [row] = made("concentration_summary", costs, tmp_path)
    without = [gini_of(costs[:place] + costs[place + 1 :]) for place in range(len(costs))]
    n = len(costs)
    jackknife = sqrt((n - 1) / n * sum((one - fmean(without)) ** 2 for one in without))
    assert row["gini_standard_error"] == pytest.approx(jackknife, rel=0.01)


def test_single_figures_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    [row] = made("concentration_summary", UNEVEN, tmp_path)
    mean, spread = fmean(UNEVEN), pstdev(UNEVEN)
    assert row["people_count"] == len(UNEVEN)
    assert row["gini"] == pytest.approx(gini_of(sorted(UNEVEN)), rel=1e-12)
    assert row["mean_pence_per_person"] == pytest.approx(mean, rel=1e-12)
    assert row["median_pence_per_person"] == median(UNEVEN)
    assert row["coefficient_of_variation"] == pytest.approx(spread / mean, rel=1e-12)
    assert row["skewness"] == pytest.approx(fmean(((cost - mean) / spread) ** 3 for cost in UNEVEN), rel=1e-9)
    for name, percent in (("half", 50), ("four_fifths", 80)):
        held, count = 0, 0
        for cost in sorted(UNEVEN, reverse=True):
            if 100 * held >= percent * sum(UNEVEN):
                break
            held, count = held + cost, count + 1
        assert row[f"{name}_of_cost_people_count"] == count
        assert row[f"{name}_of_cost_people_share"] == pytest.approx(count / len(UNEVEN), rel=1e-12)


def held_by_first(ordered: list[int], people: float) -> float:
    """What so many people hold, with part of the last."""
    whole = floor(people)
    part = (people - whole) * ordered[whole] if whole < len(ordered) else 0
    return (sum(ordered[:whole]) + part) / sum(ordered)


def test_shares_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    rows = made("concentration", UNEVEN, tmp_path)
    assert [row["top_percent"] for row in rows] == [1, 2, 4, 5, 6, 10, 20, 50]
    costliest = sorted(UNEVEN, reverse=True)
    for row in rows:
        people = row["top_percent"] * len(UNEVEN) / 100
        assert row["people_count"] == ceil(people)
        assert row["threshold_pence_per_person"] == costliest[ceil(people) - 1]
        assert row["cost_share"] == pytest.approx(held_by_first(costliest, people), rel=1e-12)


def test_the_curve_is_that_of_a_plain_loop(tmp_path: Path) -> None:
    rows = made("lorenz_point", UNEVEN, tmp_path)
    assert [row["percentile"] for row in rows] == list(range(101))
    for row in rows:
        share = held_by_first(sorted(UNEVEN), row["percentile"] * len(UNEVEN) / 100)
        assert row["cost_share"] == pytest.approx(share, rel=1e-12, abs=1e-12)
