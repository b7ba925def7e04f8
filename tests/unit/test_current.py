"""A feed's current table: what is taken in, what is current, and that nothing is done twice."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assets.feeds import current
from assets.feeds.current import build_feed, judged_receipts, receipts
from assets.feeds.submission import judge, standing
from assets.feeds.superseded import why
from pipelines.home import Home, open_home
from pipelines.store import Store
from schemas.contract_model import Contract, Limit
from tests.accounts import build_accounts

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


def test_another_due_day_takes_nothing_in_again(build, deliver, taken_in, visit):
    deliver("april", {})
    build()
    build(replace(visit, rhythm="quarter", due_days=30))
    assert taken_in == ["april"]


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


def limited(visit: Contract, most: int) -> Contract:
    """The feed, where more than so many visits of no minutes refuse the delivery."""
    columns = tuple(
        replace(c, severities={"minimum": "refuse"}, limits={"minimum": Limit(most)}) if c.name == "minutes" else c
        for c in visit.columns
    )
    return replace(visit, columns=columns)


def test_another_limit_changes_the_verdict_without_reading_again(build, deliver, visit, home, store, taken_in):
    deliver("april", {"Visit": "old"}, received=SENT)
    deliver("april-r2", {"Minutes": "0"}, {"Visit": "v2", "Minutes": "0"}, {"Visit": "v3"}, received=LATER)
    build(limited(visit, 1))
    assert verdicts(home) == {"april": "accepted", "april-r2": "refused"}
    assert rows(store) == [("april", 1)]
    taken_in.clear()
    build(limited(visit, 2))
    assert verdicts(home) == {"april": "superseded", "april-r2": "accepted"}
    assert rows(store) == [("april-r2", 3)]
    build(limited(visit, 1))
    assert rows(store) == [("april", 1)]
    assert taken_in == []


RELEASES = "feed,delivery_id,rule_code,reason,decided_by,decided_on\n"


def test_a_released_rule_brings_rows_back_and_says_so(build, deliver, home, store, everything_logged):
    deliver("april", {"Minutes": "0"}, {"Visit": "v2"})
    build()
    assert rows(store) == [("april", 2)]
    (home.root / "released_rules.csv").write_text(
        RELEASES + "visit,,visit.minutes.minimum,a known fault of the clock,Anna,2024-05-20\n"
    )
    build()
    assert rows(store) == [("april", 1), ("april", 2)]
    assert "visit/april: 1 rows came back from quarantine" in everything_logged.text


def test_a_release_for_one_delivery_reads_no_other_again(build, deliver, home, taken_in):
    deliver("april", {"Visit": "v1"})
    deliver("may", IN_MAY, period=MAY)
    build()
    taken_in.clear()
    (home.root / "released_rules.csv").write_text(
        RELEASES + "visit,may,visit.minutes.minimum,a known fault of the clock,Anna,2024-05-20\n"
    )
    build()
    assert taken_in == ["may"]


@pytest.fixture
def submitted(visit) -> Contract:
    """The feed, where a visit names the submission that it came in with."""
    mode = next(column for column in visit.columns if column.name == "mode")
    submission = replace(mode, name="submission_id", header="Submission", values=(), may_be_absent=True)
    return replace(visit, columns=(*visit.columns, submission), submission_column="submission_id")


PLAIN = {
    "Visit": "v1",
    "Pseudonym": "p1",
    "Provider": "RA1",
    "Date": "2024-04-15",
    "Mode": "",
    "Minutes": "",
    "Price": "",
}


@pytest.fixture
def accompany(home):
    """Adds a companion file to a delivery, or puts it in the place of its records."""

    def add(folder: Path, role: str, text: str, alone: bool = False, rows: int | None = None) -> None:
        (folder / f"{role}.csv").write_text(text)
        manifest = json.loads((folder / "delivery.json").read_text())
        digest = hashlib.sha256(text.encode()).hexdigest()
        file = {"name": f"{role}.csv", "format": "csv", "sha256": digest, "role": role}
        file["rows"] = text.count("\n") - 1 if rows is None else rows
        manifest["files"] = [file] if alone else [*manifest["files"], file]
        (folder / "delivery.json").write_text(json.dumps(manifest))

    return add


def test_inactive_submissions_are_superseded_and_the_latest_list_counts(build, deliver, accompany, submitted, store):
    sent = [{"Visit": "v1", "Submission": "s1"}, {"Visit": "v2", "Submission": "s2"}, {"Visit": "v3", "Submission": ""}]
    deliver("april", *sent, plain={**PLAIN, "Submission": ""}, received=SENT)
    build(submitted)
    assert rows(store) == [("april", 1), ("april", 2), ("april", 3)]
    folder = deliver("may", {**IN_MAY, "Visit": "v9"}, period=MAY, received=LATER)
    accompany(folder, "active_submissions", "Submission\ns2\n")
    build(submitted)
    assert rows(store) == [("april", 2), ("april", 3), ("may", 1)]
    accompany(deliver("list", received="2024-06-03T06:00:00Z"), "active_submissions", "submission_id\ns1\n", alone=True)
    build(submitted)
    assert rows(store) == [("april", 1), ("april", 3), ("may", 1)]


def test_a_list_says_nothing_of_what_is_received_after_it(build, deliver, accompany, submitted, store):
    accompany(deliver("list", received=SENT), "active_submissions", "Submission\ns1\n", alone=True)
    deliver("april", {"Submission": "s2"}, plain={**PLAIN, "Submission": ""}, received=LATER)
    build(submitted)
    assert rows(store) == [("april", 1)]


def test_deletes_remove_what_was_received_before_and_a_later_delivery_brings_it_back(
    build, deliver, accompany, store, home, taken_in
):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, received=SENT)
    accompany(deliver("gone", received=LATER), "deletes", "Visit\nv1\nv9\n", alone=True)
    build()
    assert rows(store) == [("april", 2)]
    assert verdicts(home) == {"april": "accepted", "gone": "accepted"}
    taken_in.clear()
    assert build().computed is False
    assert taken_in == []
    deliver("may", {**IN_MAY, "Visit": "v1"}, period=MAY, received="2024-06-03T06:00:00Z")
    build()
    assert rows(store) == [("april", 2), ("may", 1)]


def test_deletes_of_another_supplier_or_pseudonym_domain_do_not_count(build, deliver, accompany, store):
    deliver("april", {"Visit": "v1"}, received=SENT)
    for name, announce in (("a", {"supplier": "others"}), ("b", {"pseudonym_domain": "shire"})):
        accompany(deliver(name, received=LATER, **announce), "deletes", "visit_id\nv1\n", alone=True)
    build()
    assert rows(store) == [("april", 1)]


@pytest.mark.parametrize(
    ("role", "text", "rows", "reason"),
    [
        ("deletes", "Visit\nv1\n", 2, "2 rows are announced and 1 arrived"),
        ("deletes", "Visit,Mode\n,seen\nv1,seen\n", 2, "1 rows of deletes lack visit_id or are not of the type"),
        ("deletes", "Mode\nseen\n", 1, "deletes.csv lacks 1 columns: Visit"),
        ("active_submissions", "Submission\ns1\n", 1, "active_submissions, and the feed has no submission column"),
        ("poems", "Visit\nv1\n", 1, "1 files whose role is none of records, deletes, active_submissions"),
    ],
)
def test_a_companion_that_cannot_be_used_refuses_the_delivery(
    build, deliver, accompany, home, role, text, rows, reason
):
    accompany(deliver("april", {}), role, text, rows=rows)
    build()
    [judged] = judged_receipts(home.store.root / "visit")
    assert judged.verdict == "refused"
    assert reason in judged.reason


def test_deletes_for_a_feed_without_record_key_are_refused(build, deliver, accompany, visit, home):
    accompany(deliver("gone"), "deletes", "Visit\nv1\n", alone=True)
    build(replace(visit, record_key=()))
    [judged] = judged_receipts(home.store.root / "visit")
    assert judged.reason == "announces a file of deletes, and the feed has no record key. Leave it out."


def test_a_row_of_a_provider_that_is_not_announced_refuses_the_delivery(build, deliver, home):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2", "Provider": "RB2"}, providers=["RA1"])
    build()
    [judged] = judged_receipts(home.store.root / "visit")
    assert judged.reason.startswith("1 rows are of providers that delivery.json does not announce.")


def test_providers_of_a_feed_without_any_are_refused(build, deliver, home, visit):
    deliver("april", {}, providers=["RA1"])
    build(replace(visit, provider_column=None))
    [judged] = judged_receipts(home.store.root / "visit")
    assert judged.reason == "announces providers, and the feed has no provider column. Leave them out."


@pytest.fixture
def service(visit) -> Contract:
    """Services that run from a day to a day or without end."""
    date = next(column for column in visit.columns if column.name == "visit_date")
    until = replace(date, name="last_date", header="Until", required=False)
    [outside] = visit.row_predicates
    return replace(
        visit,
        columns=(*visit.columns, until),
        record_key=(),
        activity_date_column="last_date",
        interval_columns=("visit_date", "last_date"),
        row_predicates=(replace(outside, argument="visit_date > period_end OR last_date < period_start"),),
    )


@pytest.fixture
def rolling(deliver):
    """A year sent in April and again, rolling, in July: the second service has vanished from the later one."""
    plain = {**PLAIN, "Until": ""}
    running, vanished = {"Date": "2024-01-10"}, {"Date": "2024-02-10"}
    ended, begun = {"Date": "2024-01-05", "Until": "2024-01-20"}, {"Date": "2024-05-05"}
    deliver("year", running, vanished, ended, begun, plain=plain, period=("2024-01-01", "2024-12-31"), received=SENT)

    def send_later() -> None:
        deliver("later", running, begun, plain=plain, period=("2024-04-01", "2025-03-31"), received=LATER)

    return send_later


def periods(store: Store) -> list[tuple[str, int, str, str]]:
    with store.engine() as engine:
        store.register(engine, "visit", [store.require("visit")], None)
        return engine.fetch(
            "select delivery_id, source_row, period_start::varchar, period_end::varchar from visit order by 1, 2"
        )


def test_a_rolling_file_cuts_the_earlier_one_to_the_days_before_it(build, service, rolling, store):
    build(service)
    rolling()
    stored = build(service)
    assert periods(store) == [
        ("later", 1, "2024-04-01", "2025-03-31"),
        ("later", 2, "2024-04-01", "2025-03-31"),
        ("year", 1, "2024-01-01", "2024-03-31"),
        ("year", 2, "2024-01-01", "2024-03-31"),
        ("year", 3, "2024-01-01", "2024-03-31"),
    ]
    assert stored.periods == (("2024-01-01", "2024-03-31"), ("2024-04-01", "2025-03-31"))
    assert stored.rows == 5
    [copy] = store.root.glob("visit/*/cut-*")
    assert pl.read_parquet(copy)["source_row"].to_list() == [1, 2, 3]  # the fourth touches no day of the copy


def test_a_cut_copy_that_is_lost_is_made_again_and_one_that_is_not_needed_goes(build, service, rolling, store, deliver):
    rolling()
    first = build(service)
    [copy] = store.root.glob("visit/*/cut-*")
    copy.unlink()
    assert replace(build(service), computed=first.computed) == first
    assert copy.exists()
    plain = {**PLAIN, "Until": ""}
    deliver("all", {}, plain=plain, period=("2024-01-01", "2025-03-31"), received="2024-06-03T06:00:00Z")
    build(service)
    assert list(store.root.glob("visit/*/cut-*")) == []


def test_cut_services_count_to_the_month_in_which_they_are_cut(build, service, rolling, store):
    rolling()
    build(service)
    build_accounts(store, {"visit": service})
    totals = store.frame("delivery_total").filter(pl.col("record_count") != 0).sort("delivery_id", "activity_month")
    assert totals.select("delivery_id", "status", pl.col("activity_month").cast(pl.String), "record_count").rows() == [
        ("later", "accepted", "2025-03-01", 2),
        ("year", "accepted", "2024-01-01", 1),
        ("year", "accepted", "2024-03-01", 2),
        ("year", "superseded", "2024-12-01", 1),
    ]


def test_a_deleted_service_moves_to_no_month(build, service, store, accompany, deliver):
    plain = {**PLAIN, "Until": ""}
    deliver(
        "old",
        {"Visit": "v8", "Date": "2024-03-05"},
        plain=plain,
        period=("2024-03-01", "2024-04-30"),
        received=SENT,
        supplier="others",
    )
    deliver("cut", plain=plain, period=("2024-04-01", "2024-05-31"), received=LATER, supplier="others")
    folder = deliver("gone", received="2024-06-03T06:00:00Z", supplier="others")
    accompany(folder, "deletes", "Visit\nv8\n", alone=True)
    keyed = replace(service, record_key=("visit_id",))
    assert build(keyed).rows == 0
    build_accounts(store, {"visit": keyed})
    totals = store.frame("delivery_total").filter(pl.col("record_count") != 0)
    assert totals.select("delivery_id", "status", pl.col("activity_month").cast(pl.String)).rows() == [
        ("old", "superseded", "2024-04-01")
    ]


def test_deletes_of_a_delivery_that_was_replaced_still_hold(build, deliver, accompany, store, home):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, received=SENT)
    accompany(deliver("may", IN_MAY | {"Visit": "v3"}, period=MAY, received=SENT), "deletes", "Visit\nv1\n")
    deliver("may-r2", IN_MAY | {"Visit": "v3"}, period=MAY, received=LATER)
    build()
    assert verdicts(home) == {"april": "accepted", "may": "superseded", "may-r2": "accepted"}
    assert rows(store) == [("april", 2), ("may-r2", 1)]


def test_a_superseded_row_tells_why_and_by_what(build, deliver, accompany, submitted, home, store):
    sent = [
        {"Visit": "v1", "Submission": "s1", "Date": "2024-04-02"},
        {"Visit": "v2", "Submission": "s2", "Date": "2024-04-02"},
        {"Visit": "v3", "Submission": "s1", "Date": "2024-04-03"},
        {"Visit": "v4", "Submission": "s1", "Date": "2024-04-04"},
        {"Visit": "v5", "Submission": "s1", "Date": "2024-04-29"},
    ]
    deliver("april", *sent, plain={**PLAIN, "Submission": ""}, received=SENT)
    deliver("end", {"Visit": "v6", "Date": "2024-04-30"}, period=("2024-04-25", "2024-04-30"), received=LATER)
    folder = deliver("may", {**IN_MAY, "Visit": "v4"}, period=MAY, received="2024-06-03T06:00:00Z")
    accompany(folder, "active_submissions", "Submission\ns1\n")
    accompany(deliver("gone", received="2024-06-04T06:00:00Z"), "deletes", "Visit\nv3\n", alone=True)
    build(submitted)
    assert rows(store) == [("april", 1), ("end", 1), ("may", 1)]
    shelf = home.store.root / "visit"
    found = standing(judge(receipts(shelf), submitted))
    april = next(one for one in found if one.receipt.delivery_id == "april")
    assert {row: why(april, found, shelf, submitted, row) for row in (2, 3, 4, 5)} == {
        2: "its submission is not among the active ones of may",
        3: "deleted, by gone",
        4: "the same record came again, in may",
        5: "its provider and day were sent again, in end",
    }
