"""Promise 2: nothing is dropped in silence. Every planted fault is found, by kind, and no clean row is."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.store import Store
from synthetic import synthesise
from tests.releases import table

CONDITION_FEEDS = ("gp_coded_event", "mh_diagnosis")


def test_a_clean_county_has_nothing_in_quarantine(published: Path) -> None:
    store = Store(published / "store")
    assert store.frame("quarantine").height == 0
    broken = store.frame("rule_result").filter(pl.col("broken_count") > 0)["rule_code"].unique().to_list()
    assert broken == ["social_care_event.pseudonym_missing"]  # some people have the council's own number alone
    assert set(table(published, "delivery_receipt")["verdict"]) == {"accepted", "superseded"}
    assert set(table(published, "activity")["link_status"]) == {"linked"}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, nightly) -> tuple[Path, dict[str, Any]]:
    home = tmp_path_factory.mktemp("faulty")
    synthesise(people=1500, years=["2022-23", "2023-24", "2024-25"], seed=11, faults="default", to=home / "landing")
    nightly(home)
    return home, json.loads((home / "landing" / "truth.json").read_text())


def test_quarantine_is_what_was_planted_by_rule(faulty: tuple[Path, dict[str, Any]]) -> None:
    home, truth = faulty
    planted = {rule: rows for rules in truth["rejected"].values() for rule, rows in rules.items() if rows}
    planted |= {f"{feed}.duplicate_record": rows for feed, rows in truth["duplicate"].items() if rows}
    found = Store(home / "store").frame("quarantine").group_by("rule_code").len()
    assert dict(found.rows()) == planted
    assert len(planted) > 60  # many kinds, not a few


def test_warnings_are_what_was_planted_by_delivery_and_rule(faulty: tuple[Path, dict[str, Any]]) -> None:
    """Rules that only warn keep their rows; each is counted, and so is a row that another rule rejects."""
    home, truth = faulty
    apart = [*truth["repeated_deliveries"], *truth["refused_deliveries"]]
    results = (
        Store(home / "store")
        .frame("rule_result")
        .filter(pl.col("severity") == "warn", pl.col("broken_count") > 0, ~pl.col("delivery_id").is_in(apart))
    )
    found = {
        (delivery, rule): rows
        for delivery, rule, rows in results.select("delivery_id", "rule_code", "broken_count").rows()
    }
    planted = {(delivery, rule): rows for delivery, rules in truth["warned"].items() for rule, rows in rules.items()}
    assert found == planted
    assert {rule.split(".")[1] for _, rule in planted} >= {"pseudonym_missing", "team_type_code"}


def test_superseded_is_what_was_planted_by_feed(faulty: tuple[Path, dict[str, Any]]) -> None:
    home, truth = faulty
    receipts = table(home, "delivery_receipt").filter(pl.col("verdict") != "repeat")
    found = receipts.group_by("feed").agg(pl.col("superseded_rows").sum()).filter(pl.col("superseded_rows") > 0)
    assert dict(found.rows()) == {feed: rows for feed, rows in truth["superseded"].items() if rows}


def test_unlinked_is_what_was_planted_by_kind_and_feed(faulty: tuple[Path, dict[str, Any]]) -> None:
    home, truth = faulty
    found: dict[tuple[str, str], int] = {}
    activity = table(home, "activity").filter(pl.col("record_count") == 1, pl.col("link_status") != "linked")
    for status, feed, rows in activity.group_by("link_status", "feed").len().rows():
        found[status, feed] = rows
    store = Store(home / "store")
    name = ["pseudonym_domain", "pseudonym"]
    known = store.frame("person_identifier").select(*name, linked=pl.lit("linked"))
    dummies = store.frame("dummy_pseudonym")["pseudonym"].to_list()
    for feed in CONDITION_FEEDS:  # these carry conditions, not activity
        excluded = store.frame("identifier_exclusion").filter(feed=feed).select(*name, "reason")
        events = pl.read_parquet(store.paths(store.require(feed)), glob=False).select(name)
        statuses = (
            events.join(excluded, on=name, how="left")
            .join(known, on=name, how="left")
            .select(
                pl.when(pl.col("pseudonym").is_null() | pl.col("pseudonym").is_in(dummies))
                .then(pl.lit("dummy"))
                .otherwise(pl.coalesce("reason", "linked", pl.lit("not_registered")))
                .alias("status")
            )
        )
        for status, rows in statuses.filter(pl.col("status") != "linked").group_by("status").len().rows():
            found[status, feed] = rows
    planted = {(kind, feed): rows for kind, feeds in truth["unlinked"].items() for feed, rows in feeds.items()}
    assert {key: rows for key, rows in found.items() if rows} == {key: rows for key, rows in planted.items() if rows}


def test_merged_pseudonyms_link_through_their_chains(faulty: tuple[Path, dict[str, Any]]) -> None:
    """The truth counts the rows that arrive under a superseded pseudonym; all of them find their person."""
    home, truth = faulty
    store = Store(home / "store")
    merged = set(store.frame("person_identifier").filter(pl.col("how") == "merged")["pseudonym"])
    found = {}
    for feed in truth["merged"]["rows"]:
        stored = store.require(feed)
        rows = pl.read_parquet(store.paths(stored), glob=False).filter(pl.col("pseudonym").is_in(list(merged)))
        found[feed] = rows.height
    assert found == truth["merged"]["rows"]
    assert sum(found.values()) > 0


def test_repeated_and_refused_deliveries_are_those_planted(faulty: tuple[Path, dict[str, Any]]) -> None:
    home, truth = faulty
    receipts = table(home, "delivery_receipt")
    by_verdict = dict(receipts.group_by("verdict").agg("delivery_id").rows())
    assert sorted(by_verdict["repeat"]) == sorted(truth["repeated_deliveries"])
    assert sorted(by_verdict["refused"]) == sorted(truth["refused_deliveries"])
    refused = receipts.filter(pl.col("verdict") == "refused")
    assert refused["reason"].str.contains("\n").sum() == 0
    assert refused["reason"].null_count() == 0


def test_faults_cost_nothing_that_was_clean(faulty: tuple[Path, dict[str, Any]]) -> None:
    """Received is rejected, superseded and accepted: no row beyond those planted is missing."""
    home, _ = faulty
    receipts = table(home, "delivery_receipt")
    parts = receipts["rejected_rows"] + receipts["superseded_rows"] + receipts["accepted_rows"]
    assert (receipts["received_rows"] == parts).all()
