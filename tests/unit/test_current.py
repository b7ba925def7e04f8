"""A feed's current table: what is taken in, what is current, and that nothing is done twice."""

import json
import shutil
from dataclasses import replace

import polars as pl
import pytest

from assets.feeds import current
from assets.feeds.current import build_feed, judged_receipts, receipts
from pipelines.home import Home, open_home
from pipelines.store import Store

APRIL, MAY = ("2024-04-01", "2024-04-30"), ("2024-05-01", "2024-05-31")
IN_MAY = {"Visit": "v2", "Date": "2024-05-15"}
SENT, LATER = "2024-06-01T06:00:00Z", "2024-06-02T06:00:00Z"


@pytest.fixture
def build(home, visit):
    return lambda contract=visit, store=home.store: build_feed(store, home.landing, contract)


@pytest.fixture
def taken_in(monkeypatch):
    """Names of the deliveries that are taken in from here on."""
    names = []

    def watched(delivery, contract, shelf, released):
        names.append(delivery.delivery_id)
        return take_in(delivery, contract, shelf, released)

    take_in = current.take_in
    monkeypatch.setattr(current, "take_in", watched)
    return names


def rows(store: Store) -> list[tuple[str, int]]:
    """Delivery and row number of every current row, as a step that reads the feed sees them."""
    with store.engine() as engine:
        store.register(engine, "visit", [store.require("visit")], None)
        return engine.fetch("select delivery_id, source_row from visit order by 1, 2")


def verdicts(home: Home) -> dict[str, str]:
    return {j.receipt.delivery_id: j.verdict for j in judged_receipts(home.store.root / "visit")}


def test_a_feed_that_was_never_delivered_is_an_empty_table(build, store):
    stored = build()
    assert (stored.rows, stored.periods, stored.computed) == (0, (), True)
    assert rows(store) == []
    assert build().computed is False


def test_current_files_stand_in_order_of_their_period(build, deliver):
    deliver("may", IN_MAY, period=MAY)
    deliver("april", {}, period=APRIL)
    stored = build()
    assert stored.files == ("visit/april/accepted-00000.parquet", "visit/may/accepted-00000.parquet")
    assert stored.periods == (APRIL, MAY)
    assert stored.rows == 1 + 1


def test_the_second_run_takes_nothing_in_and_changes_nothing(build, deliver, taken_in, store):
    deliver("april", {}, {"Visit": "v3", "Minutes": "0"})
    first = build()
    pointer = (store.root / "visit" / "current.json").stat().st_mtime_ns
    assert build() == replace(first, computed=False)
    assert taken_in == ["april"]
    assert (store.root / "visit" / "current.json").stat().st_mtime_ns == pointer


def test_only_what_is_new_is_taken_in(build, deliver, taken_in):
    deliver("april", {})
    build()
    deliver("may", IN_MAY, period=MAY)
    assert build().rows == 1 + 1
    assert taken_in == ["april", "may"]


def test_a_changed_contract_takes_everything_in_again(build, deliver, taken_in, visit):
    deliver("april", {})
    build()
    build(replace(visit, missing_texts=("NULL",)))
    assert taken_in == ["april", "april"]


def test_a_rebuild_takes_everything_in_again_and_gives_the_same(build, deliver, taken_in, home):
    deliver("april", {})
    first = build()
    again = build(store=Store(home.store.root, rebuild=True))
    assert taken_in == ["april", "april"]
    assert again.computed
    assert again == first


def test_a_record_sent_again_counts_once(build, deliver, store):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, period=APRIL)
    deliver("may", {**IN_MAY, "Visit": "v1"}, period=MAY)
    assert build().rows == 2 + 1 - 1
    assert rows(store) == [("april", 2), ("may", 1)]


def test_superseded_records_leave_no_old_file_behind(build, deliver, store):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, period=APRIL)
    deliver("may", {**IN_MAY, "Visit": "v1"}, period=MAY)
    build()
    deliver("june", {"Visit": "v2", "Date": "2024-06-15"}, period=("2024-06-01", "2024-06-30"))
    stored = build()
    assert rows(store) == [("june", 1), ("may", 1)]
    assert [str(path.relative_to(store.root)) for path in store.root.glob("visit/superseded-*")] == [stored.without]


def test_a_delivery_that_repeats_no_record_leaves_the_superseded_ones_as_they_are(build, deliver):
    deliver("april", {"Visit": "v1"}, period=APRIL)
    deliver("may", {**IN_MAY, "Visit": "v1"}, period=MAY)
    before = build().without
    deliver("june", {"Visit": "v9", "Date": "2024-06-15"}, period=("2024-06-01", "2024-06-30"))
    assert build().without == before is not None


def test_a_resubmission_replaces_the_earlier_delivery_whole(build, deliver, store, home):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, received=SENT)
    deliver("april-r2", {"Visit": "v1"}, received=LATER)
    build()
    assert rows(store) == [("april-r2", 1)]
    assert verdicts(home) == {"april": "superseded", "april-r2": "accepted"}


def test_any_order_of_arrival_gives_the_same_table(build, deliver, home, tmp_path, visit):
    sent = [
        ("april", {"Visit": "v1"}, APRIL, SENT),
        ("april-r2", {"Visit": "v3"}, APRIL, LATER),
        ("may", {**IN_MAY, "Visit": "v3"}, MAY, SENT),
    ]
    for name, row, period, received in sent:
        deliver(name, row, period=period, received=received)
        one_by_one = build()
    with open_home(tmp_path / "other", "key") as other:
        at_once = build_feed(other.store, home.landing, visit)
    assert replace(at_once, computed=one_by_one.computed) == one_by_one
    assert rows(home.store) == [("may", 1)]


def test_a_refused_delivery_is_told_and_the_rest_goes_on(build, deliver, home, everything_logged):
    deliver("april", {})
    deliver("may", IN_MAY, period=MAY, contract_version="0.9.0")
    assert build().rows == 1
    assert verdicts(home) == {"april": "accepted", "may": "refused"}
    assert "visit/may refused: announced under contract version 0.9.0" in everything_logged.text


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"], ids=["cut", "latin"])
def test_an_announcement_that_cannot_be_read_is_told_and_the_rest_goes_on(
    build, deliver, home, everything_logged, content
):
    deliver("april", {})
    (deliver("may", IN_MAY, period=MAY) / "delivery.json").write_bytes(content)
    assert build().rows == 1
    assert verdicts(home) == {"april": "accepted", "may": "refused"}
    assert "visit/may refused: delivery.json is not whole" in everything_logged.text
    assert build().rows == 1


def test_a_mended_announcement_is_taken_in(build, deliver):
    folder = deliver("april", {})
    whole = (folder / "delivery.json").read_text()
    (folder / "delivery.json").write_text("{")
    assert build().rows == 0
    (folder / "delivery.json").write_text(whole)
    assert build().rows == 1


def test_a_mended_file_is_taken_in_though_it_has_the_same_size(build, deliver, home):
    folder = deliver("april", {})
    whole = (folder / "rows.csv").read_bytes()
    (folder / "rows.csv").write_bytes(whole.replace(b"RA1", b"RA?"))
    build()
    assert verdicts(home) == {"april": "refused"}
    (folder / "rows.csv").write_bytes(whole)
    assert build().rows == 1
    assert verdicts(home) == {"april": "accepted"}


def test_an_accepted_delivery_that_left_the_landing_folder_stays(build, deliver):
    folder = deliver("april", {})
    build()
    shutil.rmtree(folder)
    assert build().rows == 1


@pytest.mark.parametrize("lost", ["april/accepted-00000.parquet", "april/receipt.json", "april", "current.json"])
def test_what_a_kill_took_away_is_made_again(build, deliver, store, lost):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, period=APRIL)
    deliver("may", {**IN_MAY, "Visit": "v1"}, period=MAY)
    first = build()
    path = store.root / "visit" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert replace(build(), computed=first.computed) == first
    assert rows(store) == [("april", 2), ("may", 1)]


def test_a_lost_list_of_superseded_records_is_made_again(build, deliver, store):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, period=APRIL)
    deliver("may", {**IN_MAY, "Visit": "v1"}, period=MAY)
    first = build()
    (store.root / first.without).unlink()
    assert replace(build(), computed=first.computed) == first
    assert rows(store) == [("april", 2), ("may", 1)]


def test_half_written_deliveries_are_no_receipts(build, deliver, store):
    deliver("april", {})
    build()
    shutil.copytree(store.root / "visit" / "april", store.root / "visit" / ".half.tmp")
    assert [receipt.delivery_id for receipt in receipts(store.root / "visit")] == ["april"]


def test_before_the_first_build_nothing_is_judged(store):
    assert judged_receipts(store.root / "visit") == []


def test_the_pointer_is_plain_json(build, deliver, store):
    deliver("april", {})
    build()
    record = json.loads((store.root / "visit" / "current.json").read_text())
    assert record["files"] == ["visit/april/accepted-00000.parquet"]
    assert pl.read_parquet(store.root / record["files"][0]).height == record["rows"] == 1
