"""Missing values by delivery and column, as the accepted rows themselves say."""

import polars as pl
import pytest

from assets.feeds.current import build_feed
from assets.feeds.value_completeness import build_value_completeness

MAY = ("2024-05-01", "2024-05-31")
IN_MAY = {"Date": "2024-05-15"}


@pytest.fixture
def completeness(home, visit):
    def build() -> pl.DataFrame:
        build_feed(home.store, home.landing, visit)
        build_value_completeness(home.store, {"visit": visit})
        return home.store.frame("value_completeness")

    return build


def test_missing_values_are_counted_by_delivery_and_column(deliver, completeness, visit):
    deliver(
        "april",
        {"Visit": "v1", "Minutes": None, "Price": None},
        {"Visit": "v2", "Mode": None, "Price": None},
        {"Visit": "v3", "Pseudonym": None, "Price": "2.50"},
        {"Visit": "v4", "Minutes": "0", "Mode": None},  # rejected, so not among the accepted
    )
    deliver("may", IN_MAY, period=MAY)
    found = completeness()
    assert found.height == 2 * len(visit.columns)
    april = found.filter(delivery_id="april")
    assert set(april["row_count"]) == {3}
    assert dict(april.filter(pl.col("missing_count") > 0).select("column_name", "missing_count").rows()) == {
        "minutes": 1,
        "price": 2,
        "mode": 1,
        "pseudonym": 1,
    }
    assert found.filter(delivery_id="may").select("row_count", "missing_count").unique().rows() == [(1, 0)]


def test_only_current_deliveries_are_in_it(deliver, completeness):
    deliver("april", {"Mode": None}, received="2024-05-01T06:00:00Z")
    deliver("april-r2", {"Mode": "heard"})
    assert set(completeness()["delivery_id"]) == {"april-r2"}


def test_without_deliveries_it_is_empty(completeness):
    assert completeness().height == 0


def test_nothing_new_writes_nothing(deliver, completeness, home, visit):
    deliver("april", {})
    completeness()
    assert not build_value_completeness(home.store, {"visit": visit}).computed


def test_a_delivery_of_which_every_row_was_rejected_has_nothing_missing(deliver, completeness):
    deliver("april", {"Mode": None, "Minutes": "0"})
    assert completeness().select("row_count", "missing_count").unique().rows() == [(0, 0)]
