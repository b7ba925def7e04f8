"""Rejected rows: counted without a value, copied for the supplier, and brought back by a release."""

import csv
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.feeds.current import build_feed
from assets.feeds.delivery import read_delivery
from assets.feeds.intake import take_in
from assets.feeds.quarantined import counted, export, quarantined, returning_rows
from assets.feeds.releases import COLUMNS, RELEASES, Release, add_release, read_releases, withdraw_release
from cli.quarantine import app
from pipelines.errors import AnotherRunError, LinkedCareError
from pipelines.home import holding
from schemas import contract as contract_module

SECRET = "q7secret"
TOO_LONG = {"Visit": "v2", "Minutes": "61"}
TWO_RULES = {"Visit": "v3", "Minutes": "0", "Mode": SECRET}
NO_DAY = {"Visit": "v4", "Date": None}
MAXIMUM = "visit.minutes.maximum"


@pytest.fixture
def rejected(home, visit, deliver):
    """A feed of two deliveries; in April three of four rows are rejected, in May one of one."""
    deliver("april", {}, TOO_LONG, TWO_RULES, NO_DAY)
    deliver("may", {"Visit": "v9", "Date": "2024-05-15", "Minutes": "99"}, period=("2024-05-01", "2024-05-31"))
    build_feed(home.store, home.landing, visit)
    return home


@pytest.fixture
def command(tmp_path, visit, monkeypatch):
    """The command, in a home whose one feed is the small one."""
    monkeypatch.setattr(contract_module, "contracts", lambda: {"visit": visit})
    monkeypatch.setenv("LINKED_CARE_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "250"})
        if isinstance(result.exception, LinkedCareError):
            return 1, str(result.exception)
        return result.exit_code, result.output

    return run


@pytest.fixture
def idle(rejected):
    """The same home while no run holds it: the fixture's own hold is given back and taken again."""
    lock = rejected.store.root / ".lock"
    lock.unlink(missing_ok=True)  # the next to come makes and locks a file of its own
    return rejected


def decided(rule: str = MAXIMUM, delivery: str = "", reason: str = "Group sessions run long.") -> Release:
    return Release("visit", delivery, rule, reason, "A. Clerk", "2024-06-01")


def test_rows_are_counted_by_rule_and_delivery(rejected):
    assert counted(quarantined(rejected.store.root, ["visit"])).rows() == [
        ("visit", "visit.minutes.maximum", "april", "accepted", 1, 1),
        ("visit", "visit.minutes.maximum", "may", "accepted", 1, 1),
        ("visit", "visit.mode.enum", "april", "accepted", 1, 0),
        ("visit", "visit.visit_date.required", "april", "accepted", 1, 1),
    ]


def test_a_delivery_that_was_withdrawn_by_hand_is_left_out(rejected):
    shutil.rmtree(rejected.store.root / "visit" / "april")
    assert quarantined(rejected.store.root, ["visit"])["delivery_id"].unique().to_list() == ["may"]


def test_rows_are_chosen_by_delivery_and_rule(rejected):
    store = rejected.store.root
    assert quarantined(store, ["visit"], "april")["source_row"].to_list() == [2, 3, 4]
    assert quarantined(store, ["visit"], None, MAXIMUM)["delivery_id"].to_list() == ["april", "may"]
    assert quarantined(store, ["visit"], "june").is_empty()
    assert quarantined(store, []).is_empty()


def test_repeats_are_not_counted_and_superseded_rows_do_not_come_back(rejected, visit, deliver):
    april = quarantined(rejected.store.root, ["visit"], "april").height
    deliver("april-again", {}, TOO_LONG, TWO_RULES, NO_DAY, received="2024-06-18T06:00:00Z")
    deliver("may-again", {"Visit": "v9", "Date": "2024-05-15"}, period=("2024-05-01", "2024-05-31"),
            received="2024-06-18T06:00:00Z")  # fmt: skip
    build_feed(rejected.store, rejected.landing, visit)
    assert quarantined(rejected.store.root, ["visit"], "april").height == april
    assert quarantined(rejected.store.root, ["visit"], "april-again").is_empty()
    assert returning_rows(rejected.store.root, "visit", MAXIMUM, None) == 1


def test_show_prints_counts_and_never_a_value(rejected, command):
    code, told = command("show", "--rows", "10")
    assert code == 0
    assert SECRET not in told
    assert "Minutes is above 60" in told
    assert "61" not in told
    positions = [line for line in told.splitlines() if "april" in line and MAXIMUM in line]
    assert len(positions) == 1 + 1
    assert command("show", "--delivery", "june") == (0, "no such row is in quarantine\n")
    assert command("show", "--feed", "nothing")[0] == 1


def test_positions_are_printed_only_when_asked_for(rejected, command):
    assert "row number" not in command("show")[1]
    assert command("show", "--rows", "1")[1].count("april") == 3 + 1


def test_the_export_holds_the_rows_as_sent_and_warns(rejected, command, tmp_path):
    target = tmp_path / "export"
    code, told = command("show", "--delivery", "april", "--export", str(target))
    assert code == 0
    assert "They hold what was sent" in told
    assert SECRET not in told
    rows = pl.read_parquet(target / "visit" / "april.parquet")
    assert rows["source_row"].to_list() == [2, 3, 4]
    assert rows["rule_code"].to_list() == [MAXIMUM, "visit.mode.enum", "visit.visit_date.required"]
    assert rows["Mode"].to_list() == ["seen", SECRET, "seen"]
    assert not (target / "visit" / "may.parquet").exists()


def test_the_export_holds_the_chosen_rule_alone(rejected, tmp_path):
    rows = quarantined(rejected.store.root, ["visit"], None, MAXIMUM)
    written = export(rejected.store.root, rows, tmp_path / "export")
    assert [pl.read_parquet(path)["Minutes"].to_list() for path in written] == [["61"], ["99"]]


def test_the_export_overwrites_nothing_and_stays_out_of_the_home(rejected, command, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert "is not an empty folder" in command("show", "--export", str(tmp_path / "full"))[1]
    for place in ("outputs", "landing", "store", "releases"):
        assert f"is inside {place}/" in command("show", "--export", str(tmp_path / "home" / place / "x"))[1]


def test_a_release_is_a_line_of_the_file(tmp_path, visit):
    path = tmp_path / RELEASES
    add_release(path, decided(reason='Long, and "agreed".'), visit)
    add_release(path, decided("visit.mode.enum", "april"), visit)
    with path.open(newline="") as text:
        header, first, second = csv.reader(text)
    assert tuple(header) == COLUMNS == ("feed", "delivery_id", "rule_code", "reason", "decided_by", "decided_on")
    assert first == ["visit", "", MAXIMUM, 'Long, and "agreed".', "A. Clerk", "2024-06-01"]
    assert second[:3] == ["visit", "april", "visit.mode.enum"]


def test_a_released_rule_brings_its_rows_back_and_the_receipt_says_so(rejected, visit, tmp_path):
    shelf = rejected.store.root / "visit"
    expected = returning_rows(rejected.store.root, "visit", MAXIMUM, "april")
    path = tmp_path / RELEASES
    add_release(path, decided(), visit)
    codes = frozenset(one.rule_code for one in read_releases(path))
    receipt = take_in(read_delivery(rejected.landing / "visit" / "april"), visit, shelf, codes)
    assert (receipt.returned_rows, receipt.released_rows, receipt.rows("accepted")) == (expected, 1, 1 + expected)


@pytest.mark.parametrize("rule", ["visit.visit_date.required", "visit.minutes.type", "visit.duplicate_record"])
def test_a_rule_without_which_no_row_can_be_used_is_not_released(tmp_path, visit, rule):
    with pytest.raises(LinkedCareError, match="cannot be released"):
        add_release(tmp_path / RELEASES, decided(rule), visit)
    assert not (tmp_path / RELEASES).exists()


def test_what_is_unknown_blank_or_released_before_is_told(tmp_path, visit, visit_document, write_contract):
    path = tmp_path / RELEASES
    with pytest.raises(LinkedCareError, match="has no such rule"):
        add_release(path, decided("visit.mode.length"), visit)
    with pytest.raises(LinkedCareError, match="needs a reason"):
        add_release(path, decided(reason=" "), visit)
    add_release(path, decided(), visit)
    for delivery in ("", "april"):
        with pytest.raises(LinkedCareError, match="was released before"):
            add_release(path, decided(delivery=delivery), visit)
    minutes = visit_document["schema"][0]["properties"][5]
    minutes["customProperties"] = [{"property": "rules", "value": {"minimum": {"severity": "warn"}}}]
    warned = contract_module.load(write_contract(visit_document))
    with pytest.raises(LinkedCareError, match="only warns"):
        add_release(path, decided("visit.minutes.minimum"), warned)


def test_a_withdrawn_release_is_gone_and_the_others_stand(tmp_path, visit):
    path = tmp_path / RELEASES
    add_release(path, decided(delivery="april"), visit)
    add_release(path, decided(delivery="may"), visit)
    assert withdraw_release(path, "visit", "april", MAXIMUM) == decided(delivery="april")
    assert read_releases(path) == [decided(delivery="may")]
    with pytest.raises(LinkedCareError, match="is not released for every delivery of visit"):
        withdraw_release(path, "visit", "", MAXIMUM)


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / RELEASES
    for content in ("feed,rule\n", ",".join(COLUMNS) + "\nvisit,april\n", ""):
        path.write_text(content)
        with pytest.raises(LinkedCareError, match=r"released_rules\.csv: .* Correct it"):
            read_releases(path)


def test_the_command_releases_and_withdraws(idle, command, tmp_path):
    code, told = command("release", "--feed", "visit", "--rule", MAXIMUM, "--reason", "Agreed.", "--by", "A. Clerk")
    assert (code, told) == (0, f"{MAXIMUM} is released for every delivery of visit: 2 rows come back at the next run\n")
    assert read_releases(tmp_path / "home" / RELEASES) == [
        Release("visit", "", MAXIMUM, "Agreed.", "A. Clerk", str(date.today()))
    ]
    assert command("show", "--rule", MAXIMUM)[1].count("at the next run") == 2
    code, told = command("withdraw-release", "--feed", "visit", "--rule", MAXIMUM)
    assert code == 0
    assert "as A. Clerk decided on" in told
    assert read_releases(tmp_path / "home" / RELEASES) == []


def test_the_command_counts_one_delivery_and_refuses_unknown_ones(idle, command):
    chosen = ("--feed", "visit", "--rule", MAXIMUM, "--reason", "Agreed.")
    assert "is no feed" in command("release", "--feed", "x", *chosen[2:])[1]
    assert "no run has taken in such a delivery" in command("release", *chosen, "--delivery", "../april")[1]
    assert "april of visit: 1 rows" in command("release", *chosen, "--delivery", "april")[1]


def test_nothing_is_released_while_a_run_is_on(rejected, command, tmp_path):
    with pytest.raises(AnotherRunError), holding(tmp_path / "home"):
        pass
    told = command("release", "--feed", "visit", "--rule", MAXIMUM, "--reason", "Agreed.")
    assert "another run is writing here" in told[1]
    assert not Path(tmp_path / "home" / RELEASES).exists()
