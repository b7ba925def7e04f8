"""The linkage report: how figures are written, and which of them it shows."""

from datetime import date

import polars as pl
import pytest

from assets.costing.linkage_page import Section, markdown, share
from assets.costing.linkage_rates import FEWEST_RECORDS, LONGEST_LIST, bounds, differences, lowest, match_rates


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "none to match"),
        (0, "0%"),
        (1, "100%"),
        (0.56, "56.00%"),
        (0.999999, "99.99%"),
        (0.000001, "0.01%"),
    ],
)
def test_only_all_is_100_per_cent_and_only_none_is_0(value: float | None, shown: str) -> None:
    assert share(value) == shown


def test_a_page_has_a_numbered_heading_per_section_and_says_where_a_table_is_empty() -> None:
    sections = [Section("First", ("Words.",), ("a", "b"), (("1", "2"),)), Section("Second", (), ("a", "b"))]
    assert markdown("Title", ("Before.",), sections) == (
        "# Title\n\nBefore.\n\n## 1. First\n\nWords.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
        "\n## 2. Second\n\n| a | b |\n|---|---|\n| none |  |\n"
    )


def a_bound(setting: str, feed: str, linked: int | None, unlinked: int | None, **more: float) -> dict:
    """A setting of ten registered people."""
    priced = linked is not None and unlinked is not None
    return {
        "setting": setting,
        "feed": feed,
        "record_count": 100,
        "record_match_rate": 0.56,
        "identified_count": 8,
        "people_match_rate": 0.5,
        "cost_pence": linked + unlinked if priced else None,
        "linked_pence": linked,
        "unlinked_pence": unlinked,
        "cost_match_rate": linked / (linked + unlinked) if priced else None,
        "outside_register_pence": 0 if priced else None,
        "people_count": 10,
        "lower_pence_per_person": linked / 10 if priced else None,
        "upper_pence_per_person": (linked + unlinked) / 10 if priced else None,
        **more,
    }


BOUND = pl.DataFrame(
    [
        a_bound("total", "all", 54_000, 46_000),
        a_bound("codes", "mh_diagnosis", None, None),
        a_bound("codes", "all", None, None),
        a_bound("mental_health", "mh_contact", 54_000, 46_000),
        a_bound("mental_health", "all", 54_000, 46_000),
    ]
)


def test_match_rates_by_records_people_and_pounds_stand_beside_their_bounds() -> None:
    contact, diagnosis, total = match_rates(BOUND).rows
    assert contact == (
        *("mental_health", "mh_contact", "100", "56.00%", "8", "50.00%", "£1,000", "54.00%"),
        *("£54.00", "£100.00"),
    )
    assert diagnosis == ("codes", "mh_diagnosis", "100", "56.00%", "8", "50.00%", "", "", "", "")
    assert total[:2] == ("total", "all")


def test_the_gap_of_the_bounds_is_a_share_of_the_figure_as_linked() -> None:
    setting, total = bounds(BOUND).rows
    assert setting == ("mental_health", "£540", "£0", "£460", "10", "£54.00", "£100.00", f"+{46 / 54:.2%}")
    assert total[0] == "total"


def a_level(feed: str, level: int, unlinked_total: int, difference: float | None) -> dict:
    return {
        "feed": feed,
        "characteristic": "age_band",
        "level": str(level),
        "linked_share": 0.5,
        "linked_total_count": 1000,
        "unlinked_share": 0.25,
        "unlinked_total_count": unlinked_total,
        "standardised_difference": difference,
        "cost_standardised_difference": 0.0,
        "is_large": difference is not None and abs(difference) > 0.1,
    }


def test_the_largest_differences_come_first_and_feeds_with_few_unlinked_records_not_at_all() -> None:
    found = pl.DataFrame(
        [a_level("mh_contact", level, FEWEST_RECORDS, (-1) ** level * level / 20) for level in range(LONGEST_LIST + 2)]
        + [a_level("apc_spell", 99, FEWEST_RECORDS - 1, 9.0)]
    )
    section = differences(found)
    assert [row[2] for row in section.rows] == [str(level) for level in range(LONGEST_LIST + 1, 1, -1)]
    assert section.rows[0][7] == "-0.550"
    assert section.text[0].startswith("By what the records themselves say. 9 of 12 levels")


def test_the_month_of_a_provider_that_links_least_comes_first() -> None:
    months = pl.DataFrame(
        {
            "feed": ["mh_contact", "mh_contact", "gp_coded_event", "mh_contact"],
            "provider_code": ["RH5", "RH5", "L81001", "RH6"],
            "activity_month": [date(2024, month, 1) for month in (4, 5, 6, 7)],
            "record_count": [FEWEST_RECORDS, FEWEST_RECORDS, FEWEST_RECORDS, FEWEST_RECORDS - 1],
            "record_match_rate": [0.9, 1.0, 0.5, 0.1],
            "people_match_rate": [0.8, 1.0, None, 0.1],
            "cost_pence": [100, 100, None, 100],
            "cost_match_rate": [0.7, 1.0, None, 0.1],
        }
    )
    assert lowest(months).rows == (
        ("gp_coded_event", "L81001", "2024-06", "20", "50.00%", "none to match", ""),
        ("mh_contact", "RH5", "2024-04", "20", "90.00%", "80.00%", "70.00%"),
    )
