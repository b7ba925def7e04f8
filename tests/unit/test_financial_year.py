"""Financial years run from April to March and are written 2024-25."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.financial_year import financial_year, year_before, year_bounds, years_between


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2024, 3, 31), "2023-24"),
        (date(2024, 4, 1), "2024-25"),
        (date(2024, 12, 31), "2024-25"),
        (date(2025, 1, 1), "2024-25"),
        (date(1999, 4, 1), "1999-00"),
        (date(2009, 4, 1), "2009-10"),
    ],
)
def test_the_year_turns_on_the_first_of_april(day, year):
    assert financial_year(day) == year


def test_bounds_are_the_first_and_the_last_day():
    assert year_bounds("2024-25") == (date(2024, 4, 1), date(2025, 3, 31))
    assert year_bounds("1999-00") == (date(1999, 4, 1), date(2000, 3, 31))


@pytest.mark.parametrize("year", ["2024-26", "2024/25", "2024-2025", "2024-5", "2024", "24-25", "", "abcd-ef"])
def test_a_year_written_otherwise_is_refused(year):
    with pytest.raises(ValueError):
        year_bounds(year)


@given(day=st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_a_day_lies_within_the_bounds_of_its_year(day):
    first, last = year_bounds(financial_year(day))
    assert first <= day <= last


@pytest.mark.parametrize(
    ("first", "last", "years"),
    [
        (date(2024, 4, 1), date(2025, 3, 31), ["2024-25"]),
        (date(2024, 3, 31), date(2024, 4, 1), ["2023-24", "2024-25"]),
        (date(2023, 4, 1), date(2025, 4, 1), ["2023-24", "2024-25", "2025-26"]),
        (date(2025, 4, 1), date(2024, 3, 31), []),
    ],
)
def test_years_between_are_those_that_a_period_touches(first, last, years):
    assert list(years_between(first, last)) == years


@pytest.mark.parametrize(("year", "before"), [("2024-25", "2023-24"), ("2000-01", "1999-00"), ("2100-01", "2099-00")])
def test_the_year_before(year, before):
    assert year_before(year) == before
