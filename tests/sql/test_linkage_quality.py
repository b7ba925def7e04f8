"""Linkage quality held to its declared groups, and the standardised difference to the paper that it cites."""

from math import sqrt
from pathlib import Path

import pytest

from schemas.activity import LINK_STATUSES
from schemas.linkage_quality import LARGE_DIFFERENCE, LINK_GROUPS
from tests.sql.cases import Case, Rows
from tests.sql.test_sql_cases import run


def test_every_link_status_is_counted_in_its_declared_group(tmp_path: Path) -> None:
    lines = ["feed  source_row  provider_code  activity_month  person_id  link_status  record_count  cost_pence"]
    for place, status in enumerate(LINK_STATUSES):
        person = 101 if status == "linked" else "null"
        lines.append(f"op_attendance  {place}  RA4  2024-05-01  {person}  {status}  1  {10**place}")
    made = run(Case("linkage_quality", "groups", {"activity_cost": "\n".join(lines)}, ""), tmp_path)
    row = next(row for row in made if row["subgroup_type"] == "all")
    for group, codes in (LINK_GROUPS | {"linked": ("linked",)}).items():
        assert row[f"{group}_count"] == len(codes)
        assert row[f"{group}_pence"] == sum(10 ** LINK_STATUSES.index(code) for code in codes)
    assert row["record_count"] == len(LINK_STATUSES)


def differences(folder: Path, linked: int, unlinked: int, of: int) -> Rows:
    """Two levels, of which the first has so many of the linked and of the unlinked records."""
    rows = (
        "feed  subgroup_type  subgroup  record_count  linked_count\n"
        f"mh_contact  sex  1  {linked + unlinked}  {linked}\n"
        f"mh_contact  sex  2  {2 * of - linked - unlinked}  {of - linked}"
    )
    return run(Case("linkage_difference", "two levels", {"linkage_quality": rows}, ""), folder)


def test_a_worked_example_of_the_standardised_difference(tmp_path: Path) -> None:
    """Half of the linked and 40% of the unlinked records are of the level."""
    one, other = differences(tmp_path, linked=50, unlinked=40, of=100)
    assert one["standardised_difference"] == pytest.approx((0.5 - 0.4) / sqrt((0.5 * 0.5 + 0.4 * 0.6) / 2))
    assert other["standardised_difference"] == pytest.approx(-one["standardised_difference"])
    assert one["is_large"]


def test_a_tenth_is_a_correlation_of_a_twentieth(tmp_path: Path) -> None:
    """Austin 2009: a standardised difference of 0.1 is a phi coefficient of 0.05 between group and characteristic."""
    linked, unlinked, of = 52_500, 47_500, 100_000
    phi = (linked * (of - unlinked) - unlinked * (of - linked)) / sqrt(of * of * (linked + unlinked) ** 2)
    assert phi == pytest.approx(0.05)
    one, _ = differences(tmp_path, linked, unlinked, of)
    assert one["standardised_difference"] == pytest.approx(LARGE_DIFFERENCE, abs=2e-4)
