"""Care that was priced from a book of another time is told, by setting, in counts alone."""

from datetime import date

import dagster as dg
import polars as pl
import pytest

from assets.costing.price_years import distant_in_words, distant_prices, price_years_are_near, warning
from pipelines.home import Home
from pipelines.store import frame_writer
from schemas.costing import ACTIVITY_COST

PLAIN = {
    "feed": "apc_spell",
    "delivery_id": "one",
    "activity_month": date(2024, 4, 1),
    "link_status": "linked",
    "provider_code": "RA4",
    "setting": "inpatient",
    "point_of_delivery": "elective",
    "quantity": 1,
    "record_count": 1,
    "match_level": "exact",
    "is_proxy": False,
}


def store_units(home: Home, year: str, *units: tuple[str, str, str | None, int | None]) -> None:
    """Units of a year: setting, match level, price year, pence."""
    rows = [
        PLAIN
        | {"financial_year": year, "source_row": place, "setting": setting, "match_level": level}
        | {"price_year": price_year, "cost_pence": pence}
        for place, (setting, level, price_year, pence) in enumerate(units, 1)
    ]
    schema = ACTIVITY_COST.empty_frame().schema
    frame = pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)
    home.store.write(ACTIVITY_COST, year, f"{year} {units}", frame_writer(ACTIVITY_COST, frame))


@pytest.fixture
def checked(home: Home) -> dg.AssetCheckResult:
    """What the check says of two years priced from a book of 2024-25."""
    store_units(
        home,
        "2022-23",
        ("inpatient", "exact", "2024-25", 1_050),
        ("inpatient", "point_of_delivery", "2024-25", 100_000),
        ("community", "proxy", "2025-26", 99),
        ("inpatient", "submitted", "2022-23", 7_000_000),
        ("inpatient", "unpriced", None, None),
        ("inpatient", "not_payable", None, 0),
    )
    store_units(home, "2023-24", ("inpatient", "exact", "2024-25", 5_000_000), ("outpatient", "exact", "2021-22", 200))
    return warning(distant_prices(home.store, ["2022-23", "2023-24"]))


def test_the_check_warns_with_units_and_pounds_by_setting_and_stops_nothing(checked):
    assert not checked.passed
    assert checked.severity is dg.AssetCheckSeverity.WARN
    told = {name: value.value for name, value in checked.metadata.items()}
    assert told == {
        "units": {"community": 1, "inpatient": 2, "outpatient": 1},
        "pounds": {"community": 0, "inpatient": 1_010, "outpatient": 2},
    }
    assert "£1,013 over 4 units, most of it inpatient £1,010 over 2 units." in checked.description
    [spec] = price_years_are_near.check_specs
    assert not spec.blocking


def test_prices_of_the_same_year_or_the_next_are_near(home):
    store_units(home, "2023-24", ("inpatient", "exact", "2024-25", 5), ("inpatient", "exact", "2022-23", 5))
    assert distant_prices(home.store, ["2023-24"]) == {}
    assert distant_prices(home.store, []) == {}
    assert "more than" not in distant_in_words({})
