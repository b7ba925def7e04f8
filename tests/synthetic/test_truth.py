"""The truth file says exactly what an independent reader of the deliveries finds."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import polars as pl
import pytest

from tests.synthetic import contract_rules
from tests.synthetic.landing import FEEDS, Landing

ACTIVITY = [feed for feed in FEEDS if feed not in ("patient_register", "person_merger")]
DUMMIES = {None, "1", "-1", "0", "INVALID", "UNKNOWN", "9999999999"}


def current(landing: Landing, feed: str) -> pl.DataFrame:
    """Accepted rows that no later delivery replaces: the latest delivery of a period, row of a stay, or snapshot."""
    rows = landing.rows[feed].filter(pl.col("rule").is_null())
    if feed == "mh_ward_stay":
        return rows.sort("period_end", "received_at", "n").group_by("ward_stay_id", maintain_order=True).last()
    if feed in ("patient_register", "person_merger"):
        return rows.filter(pl.col("period_end") == pl.col("period_end").max())
    return rows.filter(pl.col("received_at") == pl.col("received_at").max().over("period_end"))


def counted(values: pl.Series) -> dict[str, int]:
    return dict(sorted(Counter(values.to_list()).items()))


@pytest.mark.parametrize("feed", FEEDS)
def test_rejected_and_duplicate_rows_are_those_planted(faulty: Landing, feed: str) -> None:
    broken = faulty.rows[feed]["rule"].drop_nulls()
    repeats = broken == f"{feed}.duplicate_record"
    assert counted(broken.filter(~repeats)) == faulty.truth["rejected"].get(feed, {})
    assert repeats.sum() == faulty.truth["duplicate"].get(feed, 0)


@pytest.mark.parametrize("kind", ["clean", "faulty"])
@pytest.mark.parametrize("feed", FEEDS)
def test_superseded_rows(kind: str, feed: str, request: pytest.FixtureRequest) -> None:
    landing: Landing = request.getfixturevalue(kind)
    accepted = landing.rows[feed]["rule"].is_null().sum()
    assert accepted - current(landing, feed).height == landing.truth["superseded"].get(feed, 0)


def test_unlinked_and_merged_rows(faulty: Landing) -> None:
    register = set(current(faulty, "patient_register")["pseudonym"])
    mergers = current(faulty, "person_merger")
    successor = dict(zip(mergers["superseded_pseudonym"], mergers["pseudonym"], strict=True))
    dummy, unknown, merged, used = Counter(), Counter(), Counter(), set()
    for feed in ACTIVITY:
        for pseudonym in current(faulty, feed)["pseudonym"]:
            if pseudonym in DUMMIES:
                dummy[feed] += 1
            elif pseudonym in successor:
                merged[feed] += 1
                used.add(pseudonym)
                survivor = successor[pseudonym]
                assert successor.get(survivor, survivor) in register
            elif pseudonym not in register:
                unknown[feed] += 1
    assert dummy == faulty.truth["unlinked"]["dummy"]
    assert unknown == faulty.truth["unlinked"]["not_registered"]
    assert merged == faulty.truth["merged"]["rows"]
    assert len(used) == faulty.truth["merged"]["pseudonyms"]
    assert sum(successor.get(p) in successor for p in used) == faulty.truth["merged"]["chains"]
    assert sum(dummy.values()) > 0 < sum(unknown.values())


def test_clean_county_plants_nothing_and_links_everybody(clean: Landing) -> None:
    register = set(current(clean, "patient_register")["pseudonym"])
    for feed in ACTIVITY:
        assert set(clean.rows[feed]["pseudonym"]) <= register, feed
    assert clean.truth["rejected"] == clean.truth["duplicate"] == {}
    assert clean.truth["unlinked"] == {"dummy": {}, "not_registered": {}}
    assert clean.truth["merged"] == {"pseudonyms": 0, "chains": 0, "rows": {}}
    assert set(clean.truth["superseded"]) <= {"patient_register", "person_merger", "mh_ward_stay"}


def test_most_rows_of_the_two_counties_are_the_same(clean: Landing, faulty: Landing) -> None:
    for feed in ("op_attendance", "gp_coded_event", "social_care_event"):
        columns = [c["name"] for c in contract_rules.sent(feed)]
        before, after = (
            clean.rows[feed].select(columns),
            faulty.rows[feed].filter(pl.col("rule").is_null()).select(columns),
        )
        kept = before.unique().join(after.unique(), on=columns, how="semi", nulls_equal=True).height
        assert kept > 0.96 * before.unique().height, feed


def test_repeated_deliveries_hold_the_same_files(faulty: Landing) -> None:
    for name in faulty.truth["repeated_deliveries"]:
        feed = name.split("-")[0]
        manifests = {folder.name: m for folder, m in faulty.manifests(feed).items()}
        twins = [m for other, m in manifests.items() if m["files"] == manifests[name]["files"] and other != name]
        assert len(twins) == 1
        assert twins[0]["received_at"] < manifests[name]["received_at"]


def test_refused_deliveries_are_broken_as_stated_and_followed_by_whole_ones(faulty: Landing) -> None:
    assert sorted(set(faulty.truth["refused_deliveries"].values())) == [
        "columns",
        "missing_file",
        "row_count",
        "sha256",
        "unreadable",
    ]
    for name, reason in faulty.truth["refused_deliveries"].items():
        feed = name.split("-")[0]
        folder = faulty.folder / feed / name
        manifest = json.loads((folder / "delivery.json").read_text(encoding="utf-8"))
        entry = manifest["files"][0]
        file = folder / entry["name"]
        later = [m for m in faulty.whole(feed).values() if m["period_end"] == manifest["period_end"]]
        assert later and all(m["received_at"] > manifest["received_at"] for m in later)
        assert file.exists() == (reason != "missing_file")
        if reason != "missing_file":
            same = hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
            assert same == (reason != "sha256")
        if reason == "row_count":
            assert pl.read_csv(file, infer_schema=False).height != entry["rows"]
        if reason == "columns":
            assert set(pl.read_csv(file, infer_schema=False).columns) < set(contract_rules.headers(feed))
        if reason == "unreadable":
            with pytest.raises(pl.exceptions.PolarsError):
                pl.read_parquet(file)
