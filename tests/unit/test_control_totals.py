"""Control totals: what a supplier counted against what was read, to the row and the penny."""

from dataclasses import replace

import pytest

from assets.feeds.current import build_feed
from assets.feeds.delivery import RefusedDeliveryError, read_delivery
from tests.accounts import build_accounts

ROWS = (
    {"Visit": "v1", "Price": "10.00", "Provider": "RA1", "Date": "2024-04-15"},
    {"Visit": "v2", "Price": "0.07", "Provider": "RA1", "Date": "2024-05-02"},
    {"Visit": "v3", "Price": "5.50", "Provider": "RB2", "Date": "2024-05-03"},
    {"Visit": "v4", "Price": "3.00", "Provider": "RB2", "Date": "2024-05-03", "Minutes": "0"},  # rejected, yet read
)
PERIOD = ("2024-04-01", "2024-05-31")
TOTAL = {"rows": 4, "submitted_price": "18.57"}


@pytest.fixture
def receipt(deliver, home, visit):
    """Takes in the rows under control totals; the row of `delivery_receipt`."""

    def take(*totals, rows=ROWS, contract=visit, **announce):
        deliver("d1", *rows, period=PERIOD, received="2024-06-18T06:00:00Z", control_totals=list(totals), **announce)
        build_feed(home.store, home.landing, contract)
        build_accounts(home.store, {"visit": contract})
        [row] = home.store.frame("delivery_receipt").rows(named=True)
        return row

    return take


def test_totals_that_agree_stand_on_the_receipt(receipt):
    found = receipt(
        TOTAL,
        {"provider_code": "RA1", "rows": 2, "submitted_price": "10.07"},
        {"provider_code": "RB2", "month": "2024-05", "rows": 2, "submitted_price": "8.50"},
        {"month": "2024-04", "rows": 1},
        {"provider_code": "RX9", "rows": 0, "submitted_price": "0"},
    )
    assert (found["verdict"], found["rejected_rows"]) == ("accepted", 1)
    assert (found["announced_rows"], found["announced_pence"]) == (4, 1857)
    assert (found["received_rows"], found["received_pence"]) == (4, 1000 + 7 + 550 + 300)


def test_totals_of_parts_alone_leave_the_receipt_without(receipt):
    found = receipt({"provider_code": "RA1", "rows": 2})
    assert (found["verdict"], found["announced_rows"], found["announced_pence"]) == ("accepted", None, None)


@pytest.mark.parametrize(
    ("total", "says"),
    [
        ({"rows": 5}, "of the delivery, 5 rows are announced and 4 arrived"),
        ({"rows": 4, "submitted_price": "18.58"}, "of the delivery, £18.58 is announced and £18.57 arrived"),
        (
            {"provider_code": "RA1", "month": "2024-05", "rows": 2, "submitted_price": "1"},
            "of provider RA1, 2024-05, 2 rows are announced and 1 arrived and £1.00 is announced and £0.07 arrived",
        ),
        ({"month": "2024-03", "rows": 1}, "of 2024-03, 1 rows are announced and 0 arrived"),
        ({"provider_code": "RB2", "rows": 1}, "of provider RB2, 1 rows are announced and 2 arrived"),
    ],
)
def test_a_difference_of_a_row_or_a_penny_refuses_in_one_line(receipt, total, says):
    found = receipt(total)
    assert found["verdict"] == "refused"
    assert found["reason"].startswith(f"control_totals differ from what was read: {says}. Correct")
    assert (found["received_rows"], found["accepted_rows"]) == (0, 0)


def test_further_differences_are_counted(receipt):
    found = receipt(TOTAL, {"provider_code": "RA1", "rows": 1}, {"provider_code": "RB2", "rows": 1})
    assert "RA1, 1 rows are announced and 2 arrived. So do 1 other totals." in found["reason"]


def test_rows_whose_price_is_no_amount_are_counted_in_the_refusal(receipt):
    odd = {"Visit": "v5", "Price": "ten", "Provider": "RA1", "Date": "2024-04-16"}
    found = receipt({"rows": 5, "submitted_price": "28.57"}, rows=(*ROWS, odd))
    assert "£28.57 is announced and £18.57 arrived. The price of 1 rows is no amount of money." in found["reason"]


def test_a_rejected_row_counts_under_the_provider_that_it_names(receipt):
    """The ledger cannot trust a provider that only a rejected row names; the supplier counted the row there."""
    odd = {"Visit": "v5", "Price": "1.00", "Provider": "RC3", "Date": "2024-04-16", "Minutes": "0"}
    assert receipt({"provider_code": "RC3", "rows": 1, "submitted_price": "1.00"}, rows=(*ROWS, odd))["reason"] is None


def test_repeated_records_were_read_too(receipt):
    found = receipt({"rows": 5, "submitted_price": "28.57"}, rows=(*ROWS, ROWS[0]))
    assert (found["verdict"], found["rejected_rows"], found["received_pence"]) == ("accepted", 2, 2857)


@pytest.mark.parametrize("column", ["provider_column", "price_column"])
def test_totals_by_what_the_feed_does_not_have_are_refused(receipt, visit, column):
    total = {"rows": 4, "provider_code": "RA1"} if column == "provider_column" else TOTAL
    found = receipt(total, contract=replace(visit, **{column: None}))
    assert (found["verdict"], found["received_rows"]) == ("refused", 0)
    assert found["reason"].startswith("announces control_totals")


@pytest.mark.parametrize(
    "totals",
    [
        None,
        [],
        {"rows": 4},
        [4],
        [{}],
        [{"rows": "4"}],
        [{"rows": True}],
        [{"rows": 4.0}],
        [{"rows": -1}],
        [{"rows": 4, "provider": "RA1"}],
        [{"rows": 4, "provider_code": 7}],
        [{"rows": 4, "provider_code": ""}],
        [{"rows": 4, "provider_code": "9434765919"}],
        [{"rows": 4, "provider_code": None}],
        [{"rows": 4, "month": "April"}],
        [{"rows": 4, "month": "2024-13"}],
        [{"rows": 4, "month": "2024-04-01"}],
        [{"rows": 4, "month": 202404}],
        [{"rows": 4, "submitted_price": 18.57}],
        [{"rows": 4, "submitted_price": "18.575"}],
        [{"rows": 4, "submitted_price": "1,018.57"}],
        [{"rows": 4, "submitted_price": "£18.57"}],
        [{"rows": 4, "submitted_price": "1e3"}],
        [{"rows": 4}, {"rows": 4}],
        [{"rows": 2, "month": "2024-04"}, {"rows": 3, "month": "2024-04"}],
    ],
)
def test_totals_that_are_not_as_documented_are_refused(deliver, totals):
    with pytest.raises(RefusedDeliveryError, match="not whole: control_totals"):
        read_delivery(deliver("d1", {}, control_totals=totals))
