"""One delivery judged on its own: what lies on the shelf afterwards, and what its receipt says."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.feeds.delivery import read_delivery
from assets.feeds.intake import intake_key, take_in
from assets.feeds.receipt import Receipt
from schemas.contract_model import Limit

APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)
SPRING = ("2024-04-01", "2024-05-31")


@pytest.fixture
def shelf(home):
    return home.store.root / "visit"


@pytest.fixture
def intake(deliver, visit, shelf):
    def take(*rows, delivery_id="d1", **announce) -> Receipt:
        return take_in(read_delivery(deliver(delivery_id, *rows, **announce)), visit, shelf)

    return take


def quarantined(shelf, delivery_id="d1"):
    file = shelf / delivery_id / "quarantine-00000.parquet"
    return pl.read_parquet(file).rows() if file.exists() else []


def test_accepted_rows_are_typed_and_carry_their_provenance(intake, shelf, visit):
    intake({"Price": "10.5"})
    table = pq.read_table(shelf / "d1" / "accepted-00000.parquet")
    assert table.schema.equals(visit.accepted_schema, check_metadata=False)
    assert table.schema.metadata[b"contract_version"] == b"1.0.0"
    assert table.schema.field("minutes").metadata == {
        b"description": b"How long.",
        b"header": b"Minutes",
        b"unit": b"minutes",
    }
    [row] = table.to_pylist()
    assert str(row.pop("price")) == "10.50"
    assert row == {
        "visit_id": "v1",
        "pseudonym": "p1",
        "provider_code": "RA1",
        "visit_date": date(2024, 4, 15),
        "mode": "seen",
        "minutes": 20,
        "delivery_id": "d1",
        "source_row": 1,
        "pseudonym_domain": "county",
        "period_start": date(2024, 4, 1),
        "period_end": date(2024, 4, 30),
    }


def test_totals_are_by_status_provider_and_month(intake):
    receipt = intake(
        {"Visit": "v1", "Price": "1.10"},
        {"Visit": "v2", "Price": "2.20"},
        {"Visit": "v3", "Price": "4.00", "Date": "2024-05-01"},
        {"Visit": "v4", "Price": "8.00", "Provider": "RB2"},
        {"Visit": "v5", "Price": None, "Provider": "RB2"},
        {"Visit": "v6", "Price": "16.00", "Provider": "RB2", "Minutes": "0"},
        period=SPRING,
    )
    assert receipt.totals == (
        ("accepted", "RA1", APRIL, 2, 110 + 220),
        ("accepted", "RA1", MAY, 1, 400),
        ("accepted", "RB2", APRIL, 2, 800 + 0),
        ("rejected", "RB2", APRIL, 1, 1600),
    )
    assert receipt.received_rows == receipt.rows("accepted") + receipt.rows("rejected") == 5 + 1
    assert receipt.pence() == 110 + 220 + 400 + 800 + 1600
    assert receipt.reason is None


def test_the_provider_of_a_rejected_row_counts_only_if_an_accepted_row_has_it(intake):
    receipt = intake(
        {"Visit": "v1", "Provider": "RA1"},
        {"Visit": "v2", "Provider": "RC3", "Minutes": "0"},
        {"Visit": "v3", "Provider": "surgery", "Minutes": "5"},
        {"Visit": "v4", "Provider": None},
    )
    assert [total[:4] for total in receipt.totals] == [
        ("accepted", "RA1", APRIL, 1),
        ("rejected", "unknown", APRIL, 3),
    ]


def test_a_delivery_of_rejected_rows_alone_is_counted(intake, shelf):
    receipt = intake({"Minutes": "0"})
    assert receipt.totals == (("rejected", "unknown", APRIL, 1, 1000),)
    assert pq.read_table(shelf / "d1" / "accepted-00000.parquet").num_rows == 0


def test_a_delivery_without_rows_is_accepted(intake, shelf):
    receipt = intake()
    assert (receipt.reason, receipt.totals, receipt.received_rows) == (None, (), 0)
    assert pq.read_table(shelf / "d1" / "accepted-00000.parquet").num_rows == 0


def test_the_month_of_a_rejected_row_never_lies_outside_the_period(intake):
    receipt = intake(
        {"Visit": "v1", "Date": "2023-12-24"},
        {"Visit": "v2", "Date": "2024-12-24"},
        {"Visit": "v3", "Date": "no day"},
        period=SPRING,
    )
    assert [(month, rows) for _, _, month, rows, _ in receipt.totals] == [(APRIL, 1), (MAY, 1 + 1)]


def test_quarantine_names_the_first_rule_broken_and_how_many(intake, shelf):
    intake(
        {"Visit": "v1"},
        {"Visit": "v2", "Minutes": "0"},
        {"Visit": "v3", "Minutes": "ninety", "Mode": "smelt", "Date": "2024-06-01"},
        {"Visit": None, "Pseudonym": None, "Mode": "felt"},
    )
    assert quarantined(shelf) == [
        (2, "visit.minutes.minimum", 1),
        (3, "visit.minutes.type", 1 + 1 + 1),
        (4, "visit.visit_id.required", 1 + 1),
    ]


def test_the_rejected_row_is_kept_as_it_was_received(intake, shelf):
    intake({}, {"Visit": "v2", "Minutes": "ninety", "Price": "7.000"})
    assert pl.read_parquet(shelf / "d1" / "quarantined_row-00000.parquet").rows(named=True) == [
        {
            "source_row": 2,
            "Visit": "v2",
            "Pseudonym": "p1",
            "Provider": "RA1",
            "Date": "2024-04-15",
            "Mode": "seen",
            "Minutes": "ninety",
            "Price": "7.000",
        }
    ]


def test_a_repeated_record_key_rejects_every_row_but_the_first(intake, shelf):
    receipt = intake({"Price": "1.00"}, {"Visit": "v2"}, {"Price": "2.00"}, {"Price": "4.00"})
    assert quarantined(shelf) == [(3, "visit.duplicate_record", 1), (4, "visit.duplicate_record", 1)]
    assert pl.read_parquet(shelf / "d1" / "accepted-00000.parquet")["source_row"].to_list() == [1, 2]
    assert receipt.rows("rejected") == 2


def test_a_rejected_row_does_not_make_a_later_one_a_duplicate(intake, shelf):
    intake({"Minutes": "0"}, {"Minutes": "1"}, {"Minutes": "2"})
    assert quarantined(shelf) == [(1, "visit.minutes.minimum", 1), (3, "visit.duplicate_record", 1)]


def test_rejected_rows_of_one_key_each_keep_the_rule_that_they_break(intake, shelf):
    intake({"Minutes": "0"}, {"Minutes": "0", "Mode": "smelt"})
    assert quarantined(shelf) == [(1, "visit.minutes.minimum", 1), (2, "visit.mode.enum", 1 + 1)]


def test_rows_may_repeat_in_a_feed_without_record_key(deliver, visit, shelf):
    from dataclasses import replace

    receipt = take_in(read_delivery(deliver("d1", {}, {})), replace(visit, record_key=()), shelf)
    assert receipt.totals == (("accepted", "RA1", APRIL, 2, 1000 + 1000),)


@pytest.mark.parametrize("price", ["ten", "10.505", "1e3", "+3", "1,000", "99999999999.00"])
def test_a_price_that_is_no_amount_is_counted_as_unreadable_and_adds_no_pence(intake, price):
    receipt = intake({"Visit": "v1"}, {"Visit": "v2", "Price": price})
    assert receipt.unreadable_prices == 1
    assert receipt.pence() == 1000 + 0


def test_a_rejected_row_without_price_is_not_an_unreadable_one(intake):
    assert intake({"Minutes": "0", "Price": None}).unreadable_prices == 0


def test_the_largest_price_is_counted_to_the_penny(intake):
    receipt = intake(*({"Visit": f"v{place}", "Price": "9999999999.99"} for place in range(3)))
    assert receipt.pence() == 3 * 999_999_999_999


def test_a_feed_without_price_or_provider_has_neither(deliver, visit, shelf):
    from dataclasses import replace

    bare = replace(visit, price_column=None, provider_column=None, activity_date_column=None)
    receipt = take_in(read_delivery(deliver("d1", {}, {"Visit": "v2", "Minutes": "0"}, period=SPRING)), bare, shelf)
    assert receipt.totals == (("accepted", "unknown", MAY, 1, 0), ("rejected", "unknown", MAY, 1, 0))
    assert receipt.unreadable_prices == 0


def test_a_receipt_survives_being_written_and_read(intake, shelf):
    receipt = intake({}, {"Visit": "v2", "Minutes": "0"})
    assert Receipt.load(shelf / "d1" / "receipt.json") == receipt
    assert receipt.received_at == datetime(2024, 5, 18, 6, tzinfo=UTC)
    refused = intake({}, delivery_id="d2", contract_version="0.9.0")
    assert Receipt.load(shelf / "d2" / "receipt.json") == refused


@pytest.mark.parametrize(
    ("announce", "told"),
    [
        ({"contract_version": "0.9.0"}, "announced under contract version 0.9.0, known is 1.0.0"),
        ({"files": [("a.csv", b"Visit\nv1\n")]}, "lacks 6 columns"),
    ],
)
def test_a_refused_delivery_leaves_its_receipt_and_nothing_else(intake, shelf, announce, told):
    receipt = intake({}, **announce)
    assert told in receipt.reason
    assert (receipt.received_rows, receipt.totals) == (0, ())
    assert [path.relative_to(shelf) for path in shelf.rglob("*") if path.is_file()] == [
        (shelf / "d1" / "receipt.json").relative_to(shelf)
    ]


def test_another_number_of_rows_than_announced_is_refused(deliver, visit, shelf):
    folder = deliver("d1", {}, {"Visit": "v2"})
    manifest = json.loads((folder / "delivery.json").read_text())
    manifest["files"][0]["rows"] = 3
    (folder / "delivery.json").write_text(json.dumps(manifest))
    receipt = take_in(read_delivery(folder), visit, shelf)
    assert receipt.reason == "rows.csv: 3 rows are announced and 2 arrived. Send the delivery again."
    assert not (shelf / "d1" / "accepted-00000.parquet").exists()


def test_taking_in_again_replaces_what_was_there(deliver, visit, shelf):
    delivery = read_delivery(deliver("d1", {}, {"Visit": "v2", "Minutes": "0"}))
    first = take_in(delivery, visit, shelf)
    (shelf / "d1" / "odd").touch()
    assert take_in(delivery, visit, shelf) == first
    assert not (shelf / "d1" / "odd").exists()
    assert [path.name for path in shelf.iterdir()] == ["d1"]


def test_the_same_delivery_gives_the_same_bytes(deliver, visit, tmp_path):
    delivery = read_delivery(deliver("d1", *({"Visit": f"v{place}", "Minutes": str(place)} for place in range(90))))
    take_in(delivery, visit, tmp_path / "a")
    take_in(delivery, visit, tmp_path / "b")
    for file in (tmp_path / "a" / "d1").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / "d1" / file.name).read_bytes(), file.name


def test_the_intake_key_follows_announcement_and_contract(deliver, visit):
    from dataclasses import replace

    key = intake_key(read_delivery(deliver("d1", {})), visit)
    assert intake_key(read_delivery(deliver("d2", {})), visit) != key
    assert intake_key(read_delivery(deliver("d3", {}, {})), visit) != key
    folder = read_delivery(deliver("d4", {}))
    assert intake_key(folder, replace(visit, missing_texts=("NULL",))) != intake_key(folder, visit)
    limited = tuple(replace(rule, limit=Limit(count=0)) for rule in visit.row_predicates)
    assert intake_key(folder, replace(visit, row_predicates=limited)) == intake_key(folder, visit)


def test_an_accepted_delivery_whose_file_was_archived_stays_accepted(deliver, visit, home, store):
    """Also when everything is rebuilt: a file that is gone from landing must not take a month away."""
    from assets.feeds.current import build_feed

    folder = deliver("d1", {}, {"Visit": "v2"})
    before = build_feed(store, home.landing, visit)
    (folder / "rows.csv").unlink()
    assert build_feed(store, home.landing, visit).rows == before.rows == 2
    store.rebuild = True
    assert build_feed(store, home.landing, visit).rows == 2


def test_a_contract_of_the_same_major_version_still_reads_older_announcements(deliver, visit, home):
    from dataclasses import replace

    shelf = home.store.root / "visit"
    minor = take_in(read_delivery(deliver("d1", {})), replace(visit, version="1.3.0"), shelf)
    major = take_in(read_delivery(deliver("d2", {})), replace(visit, version="2.0.0"), shelf)
    assert minor.reason is None
    assert major.reason == "announced under contract version 1.0.0, known is 2.0.0."
