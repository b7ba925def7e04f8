"""What continuing care and ambulances come to, reckoned row by row in plain Python.

Belongs here: packages of integrated care boards and incidents, as the documents state their rules.
Does not belong here: packages of councils (`lasting_oracle.py`); anything imported from the steps under test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction

from tests.properties.oracle import (
    Feeds,
    Identifier,
    Row,
    Unit,
    end_of_month,
    half_up,
    identifier_of,
    months_between,
    pence,
    unit_of,
)

POINTS = {
    "CHC": "continuing_care",
    "FNC": "funded_nursing_care",
    "JOINT": "joint_funding",
    "CYP": "childrens_continuing_care",
    "FAST TRACK": "fast_track",
}
CURRENCIES = {"Hear and treat": "01", "See and treat": "02", "See and convey": "03", "Other": "04"}
Died = Callable[[str, Identifier | None], date | None]


def continuing_units(feeds: Feeds, died: Died) -> Iterator[Unit]:
    """Every month of every package, and every incident."""
    for row in feeds["continuing_care_package"]:
        yield from _package(row, died("continuing_care_package", identifier_of(row)))
    for row in feeds["ambulance_incident"]:
        currency = CURRENCIES[row["treatment_type"]]
        yield unit_of(row, "ambulance_incident", "call_date", "emergency", "ambulance", currency)


def _package(row: Row, died: date | None) -> Iterator[Unit]:
    """Each month's days at a seventh of the weekly cost, rounded so that months sum to the rounded whole."""
    last = min(row["end_date"] or row["period_end"], row["period_end"])
    weekly = pence(row["weekly_cost"])
    for month in months_between(row["start_date"], last):
        begin, end = max(row["start_date"], month), min(last, end_of_month(month))
        is_payable = died is None or month <= died
        package = None
        if is_payable and weekly is not None:
            package = _until(weekly, (end - row["start_date"]).days + 1)
            package -= _until(weekly, (begin - row["start_date"]).days)
        yield unit_of(
            row | {"day": begin, "provider_code": row["commissioner_code"]},
            "continuing_care_package",
            "day",
            "continuing_care",
            POINTS[row["package_type"]],
            None,
            quantity=(end - begin).days + 1,
            is_payable=is_payable,
            records=int(end == last),
            package=package,
        )


def _until(weekly: int, days: int) -> int:
    """Rounded pence of the first days of a package."""
    return half_up(Fraction(weekly * days, 7))
