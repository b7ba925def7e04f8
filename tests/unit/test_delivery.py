"""What is refused of an announcement, and what is found in `landing/`."""

import json
from datetime import UTC, date, datetime

import pytest

from assets.feeds.delivery import RefusedDeliveryError, known_years, landed, read_delivery, unseen

WITHOUT = object()


def change(folder, field, value):
    manifest = json.loads((folder / "delivery.json").read_text())
    if value is WITHOUT:
        del manifest[field]
    else:
        manifest[field] = value
    (folder / "delivery.json").write_text(json.dumps(manifest))


def test_a_whole_announcement_is_read_as_it_stands(deliver):
    folder = deliver("d1", {}, {"Visit": "v2"})
    delivery = read_delivery(folder)
    assert (delivery.delivery_id, delivery.feed, delivery.supplier) == ("d1", "visit", "clinics")
    assert (delivery.period_start, delivery.period_end) == (date(2024, 4, 1), date(2024, 4, 30))
    assert delivery.received_at == datetime(2024, 5, 18, 6, tzinfo=UTC)
    assert delivery.synthetic is True
    assert [file.name for file in delivery.files] == ["rows.csv"]
    assert [file.rows for file in delivery.files] == [2]


def test_a_delivery_is_real_unless_it_says_otherwise(deliver):
    folder = deliver("d1", {})
    change(folder, "synthetic", WITHOUT)
    assert read_delivery(folder).synthetic is False


@pytest.mark.parametrize(
    "field",
    [
        "delivery_id",
        "feed",
        "contract_version",
        "supplier",
        "pseudonym_domain",
        "period_start",
        "period_end",
        "received_at",
        "files",
    ],
)
def test_a_missing_field_is_named(deliver, field):
    folder = deliver("d1", {})
    change(folder, field, WITHOUT)
    with pytest.raises(RefusedDeliveryError, match=f"not whole: .*{field}"):
        read_delivery(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("period_start", "April"),
        ("period_end", "2024-02-30"),
        ("received_at", "this morning"),
        ("received_at", None),
        ("supplier", None),
        ("supplier", 7),
        ("contract_version", 1.0),
        ("pseudonym_domain", ["county"]),
        ("synthetic", "false"),
        ("synthetic", 1),
        ("providers", "RA1"),
        ("providers", []),
        ("providers", [""]),
        ("providers", [7]),
        ("providers", None),
        ("files", "rows.csv"),
        ("files", ["rows.csv"]),
        ("files", [{"name": "rows.csv", "format": "csv", "rows": 1}]),
        ("files", [{"name": "rows.csv", "format": "csv", "rows": "many", "sha256": "0" * 64}]),
        ("files", [{"name": "rows.csv", "format": "csv", "rows": 1.5, "sha256": "0" * 64}]),
        ("files", [{"name": "rows.csv", "format": "csv", "rows": 1, "sha256": None}]),
        ("files", [{"name": 7, "format": "csv", "rows": 1, "sha256": "0" * 64}]),
        ("files", [{"name": "rows.csv", "format": None, "rows": 1, "sha256": "0" * 64}]),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(deliver, field, value):
    folder = deliver("d1", {})
    change(folder, field, value)
    with pytest.raises(RefusedDeliveryError, match="not whole"):
        read_delivery(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe{}"],
    ids=["empty", "cut", "list", "null", "text", "latin"],
)
def test_an_announcement_that_is_no_json_object_is_refused(deliver, content):
    folder = deliver("d1", {})
    (folder / "delivery.json").write_bytes(content)
    with pytest.raises(RefusedDeliveryError, match="not whole"):
        read_delivery(folder)


@pytest.mark.parametrize(("field", "value"), [("delivery_id", "d2"), ("feed", "apc_spell")])
def test_the_folder_must_be_the_one_announced(deliver, field, value):
    folder = deliver("d1", {})
    change(folder, field, value)
    with pytest.raises(RefusedDeliveryError, match="another feed or delivery"):
        read_delivery(folder)


def test_providers_are_all_unless_some_are_named(deliver):
    assert read_delivery(deliver("d1", {})).providers == ()
    assert read_delivery(deliver("d2", {}, providers=["RB2", "RA1", "RB2"])).providers == ("RA1", "RB2")


@pytest.mark.parametrize("delivery_id", ["April 2024", "d1;d2", "-d1", "d" * 101, "d\u00e9"])
def test_a_delivery_id_holds_plain_characters_only(deliver, delivery_id):
    with pytest.raises(RefusedDeliveryError, match="letters, digits, dots"):
        read_delivery(deliver(delivery_id, {}))


def test_a_period_may_be_one_day_but_not_end_before_it_starts(deliver):
    assert read_delivery(deliver("d1", {}, period=("2024-04-01", "2024-04-01"))).period_end == date(2024, 4, 1)
    with pytest.raises(RefusedDeliveryError, match="ends before it starts"):
        read_delivery(deliver("d2", {}, period=("2024-04-02", "2024-04-01")))


def test_no_files_are_refused(deliver):
    with pytest.raises(RefusedDeliveryError, match="no files"):
        read_delivery(deliver("d1", {}, files=[]))


def test_a_file_announced_twice_is_refused_since_its_rows_would_count_twice(deliver):
    folder = deliver("d1", {})
    [file] = json.loads((folder / "delivery.json").read_text())["files"]
    change(folder, "files", [file, file | {"name": "./rows.csv"}])
    with pytest.raises(RefusedDeliveryError, match="announces a file twice"):
        read_delivery(folder)


def test_a_time_without_zone_is_refused(deliver):
    with pytest.raises(RefusedDeliveryError, match="no time zone"):
        read_delivery(deliver("d1", {}, received="2024-05-18T06:00:00"))


def test_a_file_outside_the_folder_cannot_be_announced(deliver):
    folder = deliver("d1", {})
    [file] = json.loads((folder / "delivery.json").read_text())["files"]
    change(folder, "files", [file | {"name": "../../../secrets.csv"}])
    assert [file.name for file in read_delivery(folder).files] == ["secrets.csv"]


def test_deliveries_are_found_in_order_once_their_announcement_is_there(deliver, home):
    deliver("d2", {})
    deliver("d1", {})
    deliver(".partial", {})
    (home.landing / "visit" / "d3").mkdir()
    assert [folder.name for folder in landed(home.landing, "visit")] == ["d1", "d2"]
    assert list(landed(home.landing, "no_such_feed")) == []


def test_unseen_counts_deliveries_without_a_receipt(deliver, home):
    assert not unseen(home.root)
    deliver("d1", {}, feed="apc_spell")
    one = unseen(home.root)
    assert (bool(one), one.count) == (True, 1)
    assert unseen(home.root) == one
    deliver("d2", {}, feed="apc_spell")
    assert unseen(home.root).digest != one.digest
    receipt = home.store.root / "apc_spell" / "d2" / "receipt.json"
    receipt.parent.mkdir(parents=True)
    receipt.touch()
    assert unseen(home.root) == one


def test_known_years_are_those_that_deliveries_of_care_touch(deliver, home):
    deliver("d1", {}, feed="apc_spell", period=("2024-03-01", "2024-04-30"))
    deliver("d2", {}, feed="patient_register", period=("2019-04-01", "2019-04-30"))
    broken = deliver("d3", {}, feed="apc_spell", period=("2021-04-01", "2021-04-30"))
    (broken / "delivery.json").write_bytes(b"\xff")
    assert known_years(home.root) == ["2023-24", "2024-25"]


@pytest.mark.parametrize(
    "period", [("1899-12-31", "2024-04-30"), ("2024-04-01", "2025-05-20"), ("2024-04-01", "2924-04-30")]
)
def test_a_period_beyond_reason_is_refused_since_its_years_would_stay(deliver, period):
    with pytest.raises(RefusedDeliveryError, match="begins before 1900 or ends more than a year after"):
        read_delivery(deliver("d1", {}, period=period))
