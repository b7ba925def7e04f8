"""The history of the person index: what changed, chained from run to run, whatever is killed."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from assets.linkage.history import build_identifier_history, changes_between
from pipelines.errors import ConservationError
from pipelines.store import Store, frame_writer
from schemas.identifiers import PERSON_IDENTIFIER

HISTORY = "identifier_history"


def index_of(*rows):
    """An index of (pseudonym, person, how) rows, or with a domain, a date and steps before and after these."""
    names = ["pseudonym", "person_id", "how"]
    frame = pl.DataFrame(rows, schema=names, orient="row") if rows else pl.DataFrame(schema=names)
    return frame.select(
        pl.lit("county").alias("pseudonym_domain"),
        "pseudonym",
        pl.col("person_id").cast(pl.Int64),
        pl.col("how").cast(pl.String),
        pl.lit("2024-04-01").str.to_date().alias("since"),
        pl.lit(0, pl.Int32).alias("step_count"),
    )


FIRST = index_of(("a", 1, "direct"), ("b", 2, "direct"), ("c", 3, "bridged"))
MERGED = index_of(("a", 2, "merged"), ("b", 2, "direct"), ("c", 3, "bridged"))
GROWN = index_of(("a", 2, "merged"), ("b", 2, "direct"), ("d", 4, "direct"))


def night(store, index):
    """What a run does: builds the index, then its history."""
    store.write(PERSON_IDENTIFIER, None, str(index.rows()), frame_writer(PERSON_IDENTIFIER, index))
    return build_identifier_history(store)


def counts(store):
    """The history without its digests."""
    frame = store.frame(HISTORY)
    return frame.drop("digest_before", "digest_after").rows()


def test_the_first_change_adds_everything(store):
    night(store, FIRST)
    assert counts(store) == [
        (1, "county", "added", "none", "bridged", 1, 0, 1),
        (1, "county", "added", "none", "direct", 2, 0, 2),
    ]
    assert store.frame(HISTORY)["digest_before"].unique().to_list() == ["none"]


def test_a_merger_is_one_identifier_that_moved(store):
    night(store, FIRST)
    night(store, MERGED)
    assert counts(store)[2:] == [(2, "county", "moved", "direct", "merged", 1, 1, 1)]


def test_an_index_that_did_not_change_adds_nothing_and_writes_nothing(store):
    before = night(store, FIRST)
    assert before.computed
    again = night(store, FIRST)
    assert not again.computed
    assert again.files == before.files


def test_every_change_goes_on_where_the_one_before_ended(store):
    for index in (FIRST, MERGED, GROWN, FIRST):
        night(store, index)
    chain = store.frame(HISTORY).select("change_number", "digest_before", "digest_after").unique().sort("change_number")
    assert chain["change_number"].to_list() == [1, 2, 3, 4]
    assert chain["digest_before"].to_list() == ["none", *chain["digest_after"].to_list()[:-1]]
    assert chain["digest_after"][0] == chain["digest_after"][3]
    assert chain["digest_after"][3] == store.require(PERSON_IDENTIFIER.name).content[:12]


def test_a_rebuild_changes_nothing(home):
    for index in (FIRST, MERGED):
        night(home.store, index)
    before = home.store.require(HISTORY).digests
    rebuilding = Store(home.store.root, rebuild=True)
    assert night(rebuilding, MERGED).computed
    assert rebuilding.require(HISTORY).digests == before


def test_a_change_whose_history_was_not_written_is_told_with_the_next(store):
    night(store, FIRST)
    store.write(PERSON_IDENTIFIER, None, "stopped", frame_writer(PERSON_IDENTIFIER, MERGED))  # the gate, say, refused
    night(store, GROWN)
    assert counts(store)[2:] == [
        (2, "county", "added", "none", "direct", 1, 0, 1),
        (2, "county", "moved", "direct", "merged", 1, 1, 1),
        (2, "county", "removed", "bridged", "none", 1, 1, 0),
    ]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([("a", 2, "direct", "2024-04-01", 0)], [("moved", "direct", "direct", 1, 1, 1)]),
        ([("a", 1, "merged", "2024-04-01", 0)], [("rerouted", "direct", "merged", 1, 1, 1)]),
        ([("a", 1, "direct", "2024-05-01", 0)], [("redated", "direct", "direct", 1, 1, 1)]),
        ([("a", 1, "direct", "2024-04-01", 1)], [("redated", "direct", "direct", 1, 1, 1)]),
        ([("a", 1, "direct", None, 0)], [("redated", "direct", "direct", 1, 1, 1)]),
        ([], [("removed", "direct", "none", 1, 1, 0)]),
        ([("a", 1, "direct", "2024-04-01", 0)], []),
    ],
)
def test_kinds_of_change(after, expected):
    names = ["pseudonym", "person_id", "how", "since", "step_count"]
    kinds = {"person_id": pl.Int64, "step_count": pl.Int32}

    def frame(rows):
        made = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String) | kinds, orient="row")
        return made.with_columns(pl.lit("county").alias("pseudonym_domain"), pl.col("since").str.to_date())

    found = changes_between(frame([("a", 1, "direct", "2024-04-01", 0)]), frame(after))
    assert found.drop("pseudonym_domain").rows() == expected


def test_people_are_counted_once_however_many_identifiers_they_have():
    before = index_of(("a", 1, "direct"), ("b", 1, "direct"), ("c", 2, "direct"))
    after = index_of(("a", 9, "merged"), ("b", 9, "merged"), ("c", 9, "merged"))
    found = changes_between(before, after)
    assert found.select("identifier_count", "person_count_before", "person_count_after").rows() == [(3, 2, 1)]


class Killed(BaseException):
    """The run ends here, as if it were killed."""


def counted(monkeypatch, moment):
    """Stops at the n-th change that is made to the file system; returns how many were made."""
    made = [0]

    def stopping(change):
        def wrapper(*args, **kwargs):
            made[0] += 1
            if made[0] == moment:
                raise Killed
            return change(*args, **kwargs)

        return wrapper

    for name in ("rename", "replace", "mkdir", "write_text"):
        monkeypatch.setattr(Path, name, stopping(getattr(Path, name)))
    for name in ("copyfile", "rmtree"):
        monkeypatch.setattr(shutil, name, stopping(getattr(shutil, name)))
    return made


def test_killed_at_every_moment_no_change_is_lost_or_told_twice(home, tmp_path, monkeypatch):
    night(home.store, FIRST)
    whole = Store(shutil.copytree(home.store.root, tmp_path / "whole"))
    with monkeypatch.context() as patched:
        made = counted(patched, moment=-1)
        night(whole, MERGED)
    assert made[0] > 5
    for moment in range(1, made[0] + 1):
        store = Store(shutil.copytree(home.store.root, tmp_path / f"killed-{moment}"))
        with monkeypatch.context() as patched, pytest.raises(Killed):
            counted(patched, moment)
            night(store, MERGED)
        store.clear_leftovers()
        night(store, MERGED)
        assert store.frame(HISTORY).equals(whole.frame(HISTORY)), f"killed at change {moment}"
        night(store, GROWN)
        assert store.frame(HISTORY)["change_number"].max() == 3


@pytest.fixture
def damaged(store):
    """A history of two changes, and its file and the index beside it."""
    for index in (FIRST, MERGED):
        stored = night(store, index)
    (file,) = store.paths(stored)
    return file, file.with_name("compared.parquet")


def test_a_damaged_history_is_not_begun_anew_in_silence(store, damaged):
    file, _ = damaged
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"x")
    with pytest.raises(ConservationError, match=r"^identifier_history: .*put store/identifier_history back from"):
        build_identifier_history(store)
    file.unlink()
    with pytest.raises(ConservationError, match=r"^identifier_history: cannot be read.*or remove it to begin with"):
        build_identifier_history(store)
    shutil.rmtree(store.folder(HISTORY))
    night(store, GROWN)
    assert set(store.frame(HISTORY)["change_number"]) == {1}


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_the_index_beside_it_is_missed_only_when_the_index_has_changed(store, damaged, damage):
    rows = counts(store)
    damage(damaged[1])
    night(Store(store.root, rebuild=True), MERGED)
    assert counts(store) == rows
    night(store, GROWN)
    assert counts(store)[: len(rows)] == rows
    assert store.frame(HISTORY)["change_number"].max() == 3


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_change_that_cannot_be_told_stops_the_run(store, damaged, damage):
    damage(damaged[1])
    with pytest.raises(ConservationError, match=r"^identifier_history: compared.parquet .*put store/identifier_hist"):
        night(store, GROWN)
