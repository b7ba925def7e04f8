"""`truth_identifier.parquet` says whom each identifier stands for, as an independent reader of the lists finds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from schemas.activity import UNLINKED
from synthetic import synthesise
from synthetic.layout import REGISTER
from synthetic.truth import UNLINKED as PLANTED
from synthetic.truth_identifier import AGAINST_NOBODY, DETERMINISTIC
from tests.synthetic.landing import FEEDS, Landing
from tests.synthetic.plain_index import PlainIndex, current, identifiers

ACTIVITY = [feed for feed in FEEDS if feed not in REGISTER]
NO_FAULTS = {"direct", "merged", "chain", "reversed", "split", "bridged", "rekeyed", "bridged_and_merged"}
STATUS = {"fork": "ambiguous", "reused": "ambiguous"}


@pytest.fixture(
    scope="module", params=[("none", 800, 3), ("default", 800, 3), ("all", 1_500, 4), ("default", 6_000, 9)]
)
def county(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Landing]:
    """Small counties, and one of two blocks."""
    faults, people, seed = request.param
    folder = tmp_path_factory.mktemp("county")
    return faults, Landing(folder, synthesise(people, ("2023-24",), seed, faults, folder))


def everywhere(landing: Landing) -> dict[tuple[str, str], tuple[str | None, str]]:
    """Person and case of the identifiers, of those for which the feed does not matter."""
    known = landing.truth_identifiers.filter(pl.col("feed").is_null())
    return {(r[0], r[1]): (r[2], r[3]) for r in known.iter_rows()}


def test_each_identifier_stands_for_whom_it_should(county: tuple[str, Landing]) -> None:
    _, landing = county
    index, truth = PlainIndex(landing), everywhere(landing)
    for name, (person, case) in truth.items():
        if case == "impossible_volume":
            continue
        status, found = index.whom(name)
        expected = "linked" if person else STATUS.get(case, "not_registered" if case == "one_time" else case)
        assert (found, status) == (person, expected), (name, case)
    assert {name for name in index.steps if truth[name][1] == "direct"} == set()
    assert set(index.steps) | {("south_somerset", p) for p in index.people} <= truth.keys()


def test_each_identifier_of_every_row_is_known(county: tuple[str, Landing]) -> None:
    _, landing = county
    truth = everywhere(landing)
    for feed in ACTIVITY:
        assert {name for name in identifiers(landing, feed) if name} <= truth.keys(), feed


def test_what_holds_in_one_feed_holds_for_all_its_rows(county: tuple[str, Landing]) -> None:
    faults, landing = county
    index = PlainIndex(landing)
    count = Counter(name for feed in ACTIVITY for name in identifiers(landing, feed))
    expected = {
        (r["feed"], r["pseudonym_domain"], r["pseudonym"]): r["case"]
        for r in landing.truth_identifiers.filter(pl.col("feed").is_not_null()).iter_rows(named=True)
    }
    found = {}
    for feed in ACTIVITY:
        for name, status in zip(identifiers(landing, feed), index.statuses(feed, count), strict=True):
            is_linked_elsewhere = name is not None and index.whom(name)[0] == "linked"
            if status != "linked" and is_linked_elsewhere:
                found[feed, *name] = status
    assert found == expected
    assert bool(found) == (faults != "none")


def test_every_case_is_there_and_only_where_it_should(county: tuple[str, Landing]) -> None:
    faults, landing = county
    cases = Counter(landing.truth_identifiers["case"])
    assert set(cases) == (NO_FAULTS if faults == "none" else {*DETERMINISTIC, *AGAINST_NOBODY})
    assert min(cases.values()) > 1
    rows = landing.truth_identifiers
    assert set(rows.filter("is_deterministic")["case"]) == set(cases) & set(DETERMINISTIC)
    assert rows.filter(pl.col("person").is_null())["case"].is_in(AGAINST_NOBODY).all()
    assert rows.filter(pl.col("person").is_not_null())["case"].is_in(DETERMINISTIC).all()
    assert rows.select("pseudonym_domain", "pseudonym", "feed").is_unique().all()


def test_lists_carry_what_they_should(county: tuple[str, Landing]) -> None:
    """Reversals, splits, corrections; with faults, identifiers that were given to somebody else."""
    faults, landing = county
    events = Counter(current(landing, "person_merger")["event_code"].fill_null("merged"))
    assert events.keys() == {"merged", "reversed", "split"}
    bridges = current(landing, "person_bridge")
    pairs = bridges.group_by("bridged_domain", "bridged_pseudonym").len()
    assert (pairs["len"] > 1).any()
    assert set(pairs["bridged_domain"]) == {"csds_person_id", "mhsds_person_id", "council_905", "sus_2022"}
    assert (bridges["bridged_to"].null_count() < bridges.height) == (faults != "none")


def test_the_key_of_one_feed_changes_half_way(county: tuple[str, Landing]) -> None:
    _, landing = county
    domains = {(m["period_start"], m["pseudonym_domain"]) for m in landing.whole("ec_attendance").values()}
    assert {start for start, domain in domains if domain == "sus_2022"} == {f"2023-{m:02}-01" for m in range(4, 10)}
    assert {domain for start, domain in domains if start >= "2023-10"} == {"south_somerset"}


def test_part_of_social_care_has_the_numbers_of_the_council_only(county: tuple[str, Landing]) -> None:
    _, landing = county
    alone = landing.rows["social_care_event"].filter(pl.col("rule").is_null())["pseudonym"].is_null().mean()
    assert 0 < alone < 0.5


def test_the_statuses_are_those_of_the_tables() -> None:
    assert list(PLANTED) == list(UNLINKED)


def test_the_file_does_not_depend_on_workers(tmp_path: Path) -> None:
    for workers in (1, 3):
        synthesise(5_100, ("2024-25",), 5, "all", tmp_path / f"{workers}", workers=workers)
    one, three = ((tmp_path / f"{w}" / "truth_identifier.parquet").read_bytes() for w in (1, 3))
    assert one == three
