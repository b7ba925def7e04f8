"""The truth file says exactly what an independent reader of the deliveries finds."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import polars as pl
import pytest

from synthetic.layout import REGISTER
from tests.synthetic import contract_rules
from tests.synthetic.landing import FEEDS, Landing
from tests.synthetic.plain_index import SENT_EACH_MONTH, PlainIndex, current, identifiers

ACTIVITY = [feed for feed in FEEDS if feed not in REGISTER]


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


@pytest.mark.parametrize("kind", ["clean", "faulty", "all_faulty"])
def test_unlinked_rows_by_status(kind: str, request: pytest.FixtureRequest) -> None:
    landing: Landing = request.getfixturevalue(kind)
    index = PlainIndex(landing)
    everywhere = Counter(name for feed in ACTIVITY for name in identifiers(landing, feed))
    found: dict[str, dict[str, int]] = {status: {} for status in landing.truth["unlinked"]}
    for feed in ACTIVITY:
        for status, rows in Counter(index.statuses(feed, everywhere)).items():
            if status != "linked":
                found[status][feed] = rows
    assert found == landing.truth["unlinked"]
    assert all(found.values()) == (kind != "clean")
    assert any(found.values()) == (kind != "clean")


@pytest.mark.parametrize("kind", ["clean", "faulty"])
def test_merged_rows(kind: str, request: pytest.FixtureRequest) -> None:
    """Rows under a pseudonym of the register's domain that leads to another one, and no further than to one person."""
    landing: Landing = request.getfixturevalue(kind)
    index = PlainIndex(landing)
    merged, used = Counter(), set()
    for feed in ACTIVITY:
        for name in identifiers(landing, feed):
            if name in index.steps and name[0] == "south_somerset":
                status, person = index.whom(name)
                if status == "linked" and person != name[1]:
                    merged[feed] += 1
                    used.add(name)
    assert merged == landing.truth["merged"]["rows"]
    assert len(used) == landing.truth["merged"]["pseudonyms"]
    chains = sum(any(one in index.steps for one in index.steps[name]) for name in used)
    assert chains == landing.truth["merged"]["chains"] > 0


def test_clean_county_plants_nothing_and_links_everybody(clean: Landing) -> None:
    for feed in ACTIVITY:
        assert clean.of_people(feed)["person"].null_count() == 0, feed
    assert clean.truth["rejected"] == clean.truth["duplicate"] == {}
    assert not any(clean.truth["unlinked"].values())
    assert set(clean.truth["superseded"]) <= {*REGISTER, *SENT_EACH_MONTH}


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
