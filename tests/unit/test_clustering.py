"""Counts of conditions beside those of independence: closed forms, all subsets, and Somerset's published figures."""

from itertools import product
from math import comb, prod

import polars as pl
import pytest

from assets.analysis.clustering import clustering, compared, poisson_binomial

EIGHT = (0.30, 0.2, 0.151, 0.07, 0.04, 0.02, 0.003, 0.0004)

# Somerset's needs assessment, eight priority conditions, 2013/14: people by number of conditions, and expected ones.
OBSERVED = (447_727, 79_909, 19_187, 4_519, 953, 149)
EXPECTED = (429_243, 110_708, 11_799, 671)
RATIOS = (1.0, 0.7, 1.6, 6.7)
# The note does not print the eight prevalences. These give its expected column, which fixes their first three moments.
PREVALENCES = (0.05256, 0.01947, 0.05201, 0.04637, 0.01198, 0.01198, 0.00617, 0.04637)


def test_it_is_the_sum_over_all_subsets() -> None:
    chances = [0.0] * (len(EIGHT) + 1)
    for has in product((True, False), repeat=len(EIGHT)):
        chances[sum(has)] += prod(p if one else 1 - p for p, one in zip(EIGHT, has, strict=True))
    assert poisson_binomial(EIGHT) == pytest.approx(chances, rel=1e-12)


def test_equal_chances_make_it_binomial() -> None:
    assert poisson_binomial([0.3] * 5) == pytest.approx([comb(5, k) * 0.3**k * 0.7 ** (5 - k) for k in range(6)])


def test_the_smallest_chance_is_as_exact_as_the_largest() -> None:
    chances = poisson_binomial([1e-4] * 52)
    assert chances[52] == pytest.approx(1e-208, rel=1e-9)
    assert sum(chances) == pytest.approx(1)


def test_somersets_published_ratios_come_out() -> None:
    people = sum(OBSERVED)
    rows = compared(list(OBSERVED), PREVALENCES)
    assert [row["expected_count"] for row in rows[:4]] == pytest.approx(list(EXPECTED), rel=2e-4)
    assert tuple(round(row["observed_over_expected"], 1) for row in rows[:4]) == RATIOS
    assert [row["people_share"] for row in rows] == [count / people for count in OBSERVED]
    # Of four, the note's figure is cut off after a 2; of five and more it says several hundred times.
    assert 20 <= rows[4]["expected_count"] < 30
    assert 200 < rows[5]["observed_over_expected"] < 1000
    assert sum(row["expected_count"] for row in rows) == pytest.approx(people)


def profile(**people: int) -> pl.DataFrame:
    return pl.DataFrame([{"condition_list": "two", "counted_as": c, "people_count": n} for c, n in people.items()])


def by_age(*people: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "financial_year": "2024-25",
                "condition_list": "two",
                "age_band": age,
                "count_band": band,
                "people_count": count,
                "completeness": 0.5,
                "exposure_rule": "rule",
            }
            for age, band, count in people
        ]
    )


def test_ages_are_added_up_and_bands_of_nobody_are_rows() -> None:
    found = clustering(
        profile(copd=40, asthma=20), by_age(("0-4", "0", 50), ("90+", "0", 10), ("90+", "1", 20), ("90+", "2", 20))
    )
    assert found["count_band"].to_list() == ["0", "1", "2", "3", "4", "5+"]
    assert found["people_count"].to_list() == [50 + 10, 20, 20, 0, 0, 0]
    assert found["expected_count"].to_list() == pytest.approx(
        [100 * 0.6 * 0.8, 100 * (0.4 * 0.8 + 0.6 * 0.2), 100 * 0.4 * 0.2, 0, 0, 0]
    )
    assert found["observed_over_expected"].to_list()[:3] == pytest.approx([60 / 48, 20 / 44, 20 / 8])
    assert found["observed_over_expected"].to_list()[3:] == [None] * 3
    assert found["listed_count"].unique().to_list() == [2]
    assert found["completeness"].unique().to_list() == [0.5]


def test_lists_of_at_most_eight_end_at_5_or_more_and_longer_ones_at_7() -> None:
    counts = by_age(("90+", "4", 1), ("90+", "5", 2), ("90+", "6", 4), ("90+", "7+", 8))
    eight = clustering(profile(**{f"c{n}": 1 for n in range(8)}), counts)
    assert eight.select("count_band", "people_count").rows()[-2:] == [("4", 1), ("5+", 2 + 4 + 8)]
    nine = clustering(profile(**{f"c{n}": 1 for n in range(9)}), counts)
    assert nine.select("count_band", "people_count").rows()[-2:] == [("6", 4), ("7+", 8)]


def test_nobody_registered_is_no_row() -> None:
    assert clustering(profile(copd=0), by_age(("0-4", "0", 1)).clear()).is_empty()
