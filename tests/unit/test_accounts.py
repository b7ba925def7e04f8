"""The tables that account for every delivery: nothing received is lost between the verdicts."""

from dataclasses import replace
from datetime import date

import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.feeds import accounts
from assets.feeds.current import build_feed
from pipelines.store import Store
from schemas.contract_model import Contract, Limit
from schemas.feeds import DELIVERY_RECEIPT, DELIVERY_TOTAL, QUARANTINE
from tests.accounts import build_accounts

APRIL, MAY = ("2024-04-01", "2024-04-30"), ("2024-05-01", "2024-05-31")
IN_MAY = {"Date": "2024-05-15"}
SENT, LATER = "2024-06-01T06:00:00Z", "2024-06-02T06:00:00Z"
STATUSES = ("rejected", "superseded", "accepted")


@pytest.fixture
def visit(visit: Contract) -> Contract:
    """The small feed, where one visit of too many minutes refuses the delivery."""
    columns = tuple(
        replace(c, severities={"maximum": "refuse"}, limits={"maximum": Limit(0)}) if c.name == "minutes" else c
        for c in visit.columns
    )
    return replace(visit, columns=columns)


@pytest.fixture
def account(home, visit):
    """Builds the feed and its accounts; the three tables by name."""

    def build(store: Store = home.store, contract: Contract = visit) -> dict[str, pl.DataFrame]:
        build_feed(store, home.landing, contract)
        return {name: store.frame(name) for name in build_accounts(store, {"visit": contract})}

    return build


def receipt(tables: dict[str, pl.DataFrame], delivery_id: str) -> dict:
    [row] = tables["delivery_receipt"].filter(delivery_id=delivery_id).rows(named=True)
    return row


@pytest.fixture
def every_verdict(deliver, account):
    """One delivery of each verdict, with rejected rows and records sent again."""
    deliver("april", {"Visit": "v1", "Price": "1.00"}, {"Visit": "v2", "Price": "2.00", "Minutes": "0"}, received=SENT)
    deliver(
        "april-r2",
        {"Visit": "v1", "Price": "4.00"},
        {"Visit": "v2", "Price": "8.00"},
        {"Visit": "v3", "Price": "16.00", "Minutes": "0"},
        received=LATER,
    )
    deliver(
        "april-again",
        {"Visit": "v1", "Price": "4.00"},
        {"Visit": "v2", "Price": "8.00"},
        {"Visit": "v3", "Price": "16.00", "Minutes": "0"},
        received="2024-06-03T06:00:00Z",
    )
    deliver("may", {**IN_MAY, "Visit": "v2", "Price": "32.00"}, {**IN_MAY, "Visit": "v4", "Price": "ten"}, period=MAY)
    deliver(
        "odd", {"Visit": "v5", "Price": "64.00", "Minutes": "61"}, period=("2024-04-15", "2024-05-15"), received=LATER
    )
    deliver("unread", {"Visit": "v6", "Price": "128.00"}, contract_version="0.9.0")
    return account()


def test_receipts_add_up_in_rows_and_pence_for_every_verdict(every_verdict):
    receipts = every_verdict["delivery_receipt"]
    assert set(receipts["verdict"]) == {"accepted", "superseded", "repeat", "refused"}
    for measure in ("rows", "pence"):
        parts = sum(receipts[f"{status}_{measure}"] for status in STATUSES)
        assert parts.to_list() == receipts[f"received_{measure}"].to_list()


@pytest.mark.parametrize(
    ("delivery_id", "verdict", "rows", "pence"),
    [
        # rejected, superseded, accepted
        ("april", "superseded", (1, 1, 0), (200, 100, 0)),
        ("april-r2", "accepted", (1, 1, 1), (1600, 800, 400)),  # v2 came again in May
        ("april-again", "repeat", (0, 3, 0), (0, 400 + 800 + 1600, 0)),
        ("may", "accepted", (1, 0, 1), (0, 0, 3200)),
        ("odd", "refused", (1, 0, 0), (6400, 0, 0)),
        ("unread", "refused", (0, 0, 0), (0, 0, 0)),
    ],
)
def test_each_verdict_says_what_became_of_the_rows(every_verdict, delivery_id, verdict, rows, pence):
    found = receipt(every_verdict, delivery_id)
    assert found["verdict"] == verdict
    assert tuple(found[f"{status}_rows"] for status in STATUSES) == rows
    assert tuple(found[f"{status}_pence"] for status in STATUSES) == pence


def test_the_reason_stands_where_there_is_one(every_verdict):
    reasons = {name: receipt(every_verdict, name)["reason"] for name in ("april", "april-r2", "april-again", "unread")}
    assert reasons == {
        "april": "replaced by april-r2; of its rows 1 had been rejected, of the new ones 1",
        "april-r2": None,
        "april-again": "the same files were received before",
        "unread": "announced under contract version 0.9.0, known is 1.0.0.",
    }


def test_unreadable_prices_are_counted(every_verdict):
    assert receipt(every_verdict, "may")["unreadable_price_rows"] == 1


def test_totals_hold_each_row_of_a_standing_delivery_once(every_verdict):
    totals = every_verdict["delivery_total"].filter(pl.col("record_count") > 0).sort("delivery_id", "status")
    assert totals.select(
        "delivery_id", "status", "provider_code", "activity_month", "record_count", "submitted_pence"
    ).rows() == [
        ("april", "rejected", "RA1", date(2024, 4, 1), 1, 200),
        ("april", "superseded", "RA1", date(2024, 4, 1), 1, 100),
        ("april-r2", "accepted", "RA1", date(2024, 4, 1), 1, 400),
        ("april-r2", "rejected", "RA1", date(2024, 4, 1), 1, 1600),
        ("april-r2", "superseded", "RA1", date(2024, 4, 1), 1, 800),
        ("may", "accepted", "RA1", date(2024, 5, 1), 1, 3200),
        ("may", "rejected", "RA1", date(2024, 5, 1), 1, 0),
    ]


def test_accepted_totals_are_the_current_rows(every_verdict, home):
    accepted = every_verdict["delivery_total"].filter(status="accepted")
    assert accepted["record_count"].sum() == home.store.require("visit").rows == 1 + 1
    assert accepted["submitted_pence"].sum() == 400 + 3200


def test_quarantine_holds_the_rejected_rows_of_standing_deliveries(every_verdict):
    assert every_verdict["quarantine"].rows() == [
        ("visit", "april", 2, "visit.minutes.minimum", 1),
        ("visit", "april-r2", 3, "visit.minutes.minimum", 1),
        ("visit", "may", 2, "visit.price.type", 1),
    ]


def test_a_feed_without_price_has_no_pence(deliver, home, visit):
    free = replace(visit, price_column=None)
    deliver("april", {}, {"Visit": "v2", "Minutes": "0"})
    build_feed(home.store, home.landing, free)
    build_accounts(home.store, {"visit": free})
    assert home.store.frame("delivery_total")["submitted_pence"].to_list() == [None, None]
    [row] = home.store.frame("delivery_receipt").rows(named=True)
    assert (row["received_rows"], row["received_pence"]) == (2, 0)


def test_without_deliveries_the_tables_are_empty(account):
    assert {name: table.height for name, table in account().items()} == {
        "delivery_receipt": 0,
        "delivery_total": 0,
        "quarantine": 0,
    }


def test_a_repeat_changes_nothing_but_its_receipt(deliver, account, home, visit):
    rows = {"Visit": "v1"}, {"Visit": "v2", "Minutes": "0"}
    deliver("april", *rows)
    before = account()
    written = {name: home.store.require(name).files for name in before}
    deliver("april-again", *rows, received=LATER)
    after = account()
    assert after["delivery_total"].equals(before["delivery_total"])
    assert after["quarantine"].equals(before["quarantine"])
    assert after["delivery_receipt"].filter(delivery_id="april").equals(before["delivery_receipt"])
    changed = {name for name in before if home.store.require(name).files != written[name]}
    assert changed == {"delivery_receipt"}


def test_nothing_new_writes_nothing(deliver, account, home, visit):
    deliver("april", {})
    account()
    assert [stored.computed for stored in build_accounts(home.store, {"visit": visit}).values()] == [False] * 3


def test_a_reason_that_changes_reaches_the_receipt(deliver, account, visit):
    """Neither the delivery nor its verdict changes; the limit that it is over does."""
    deliver("a", {"Minutes": "61"}, {"Visit": "v2", "Minutes": "62"})
    assert "at most 0 may" in receipt(account(), "a")["reason"]
    columns = tuple(replace(c, limits={"maximum": Limit(1)}) if c.name == "minutes" else c for c in visit.columns)
    assert "at most 1 may" in receipt(account(contract=replace(visit, columns=columns)), "a")["reason"]


def test_rows_that_are_superseded_in_part_move_from_accepted(deliver, account):
    deliver(
        "april", {"Visit": "v1", "Price": "1.00"}, {"Visit": "v2", "Price": "2.00", "Date": "2024-04-02"}, received=SENT
    )
    before = receipt(account(), "april")
    assert (before["accepted_rows"], before["accepted_pence"]) == (2, 300)
    deliver("part", {"Visit": "v3", "Price": "4.00"}, period=("2024-04-10", "2024-04-20"), received=LATER)
    after = receipt(account(), "april")
    assert (after["verdict"], after["superseded_rows"], after["superseded_pence"]) == ("accepted", 1, 100)
    assert (after["accepted_rows"], after["accepted_pence"]) == (1, 200)


def test_dialect_and_released_rows_stand_on_the_receipt(deliver, account, home):
    deliver("april", {"Minutes": "0"}, {"Visit": "v2"})
    (home.root / "released_rules.csv").write_text(
        "feed,delivery_id,rule_code,reason,decided_by,decided_on\n"
        "visit,april,visit.minutes.minimum,a known fault of the clock,Anna,2024-05-20\n"
    )
    found = receipt(account(), "april")
    assert (found["dialect"], found["released_rows"], found["accepted_rows"]) == ("own", 1, 2)


def test_another_declaration_writes_the_table_again(deliver, account, home, monkeypatch):
    deliver("april", {})
    account()
    for name, table in {
        "DELIVERY_RECEIPT": DELIVERY_RECEIPT,
        "DELIVERY_TOTAL": DELIVERY_TOTAL,
        "QUARANTINE": QUARANTINE,
    }.items():
        monkeypatch.setattr(accounts, name, replace(table, description="Described better."))
    account()
    for name in ("delivery_receipt", "delivery_total", "quarantine"):
        [file] = home.store.paths(home.store.require(name))
        assert pq.read_schema(file).metadata[b"description"] == b"Described better."
