"""Tables are written in one step, skipped while nothing changed, and proved when read."""

import shutil
from dataclasses import replace
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ConservationError, LinkedCareError
from pipelines.sealed import sealed, unsealed
from pipelines.store import Store, Stored, fingerprint, frame_writer, write_whole


@pytest.fixture
def write(store, spend, spent):
    def put(key="key one", frame=spent, table=spend, year=None, into=store) -> Stored:
        return into.write(table, year, key, frame_writer(table, frame))

    return put


@pytest.fixture
def change(store):
    """Changes rows of what is stored, as a broken disk or an eager hand would."""

    def edit(stored: Stored, rows: pl.DataFrame) -> None:
        [path] = store.paths(stored)
        pq.write_table(rows.to_arrow().cast(pq.read_schema(path)), path)

    return edit


def files_of(store: Store, table: str) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in (store.root / table).rglob("*") if path.is_file())


def test_what_is_written_is_current(write, store, spent):
    stored = write()
    assert stored.computed
    assert store.current("spend") == replace(stored, computed=False) == store.require("spend")
    assert store.frame("spend").equals(spent.sort("team", "item"))
    assert stored.rows == 3


def test_control_totals_are_rows_and_pence_by_group(write):
    assert write().control == (("blue", 1, 30, 0), ("red", 2, 200 + 100, 5))


def test_without_control_columns_the_whole_table_is_totalled(write, spend):
    assert write(table=replace(spend, control=())).control == ((3, 200 + 30 + 100, 5),)


def test_a_table_without_money_is_counted_by_its_control_columns(write, spend, spent):
    free = replace(spend, columns=spend.columns[:2])
    stored = write(table=free)
    assert stored.control == (("blue", 1), ("red", 1 + 1))


def test_a_table_without_money_or_control_columns_is_not_totalled(write, spend):
    bare = replace(spend, columns=spend.columns[:2], control=())
    assert (write(table=bare).control, write(table=bare).row_digests) == ((), ())


def test_nothing_is_current_before_the_first_write(store):
    assert store.current("spend") is None
    assert store.years("spend") == []
    with pytest.raises(LinkedCareError, match="spend: not built yet"):
        store.require("spend")
    with pytest.raises(LinkedCareError, match="spend 2024-25: not built yet"):
        store.require("spend", "2024-25")


def test_the_same_fingerprint_is_not_built_again(write, store, spend):
    before = write()

    def never(target):
        raise AssertionError("built again")

    assert store.write(spend, None, "key one", never) == replace(before, computed=False)


def test_another_fingerprint_replaces_the_files(write, store, spent):
    before = write()
    after = write("key two", spent.head(1))
    assert store.frame("spend").rows() == [("red", 2, 200, 5)]
    assert after.files != before.files
    assert files_of(store, "spend") == ["spend/current.json", after.files[0]]


def test_what_a_kill_left_of_an_older_build_goes_with_the_next(write, store):
    older = store.paths(write())[0].parent
    copy = shutil.copytree(older, older.with_name("older"))
    write()
    assert older.exists()
    assert not copy.exists()


def test_a_rebuild_builds_each_table_once(write, store):
    before = write()
    rebuilding = Store(store.root, rebuild=True)
    again = write(into=rebuilding)
    assert again.computed
    assert (again.digests, again.content) == (before.digests, before.content)
    assert not write(into=rebuilding).computed


def test_years_stand_beside_each_other(write, store, spent):
    write(year="2024-25")
    write(year="2023-24", frame=spent.head(1))
    write("key two", year="2024-25")
    assert store.years("spend") == ["2023-24", "2024-25"]
    assert store.require("spend", "2023-24").rows == 1
    assert store.current("spend") is None


def test_a_table_kept_whole_leaves_its_years_alone(write, store):
    write(year="2024-25")
    write()
    assert store.require("spend", "2024-25").rows == 3


def test_a_missing_file_means_that_it_is_built_again(write, store):
    before = write()
    shutil.rmtree(store.paths(before)[0].parent)
    assert store.current("spend") is None
    assert write().computed


@pytest.mark.parametrize("content", ["", "{", "[]", '{"table": "spend"}'], ids=["empty", "cut", "list", "other"])
def test_a_pointer_that_cannot_be_read_means_that_it_is_built_again(write, store, content):
    write()
    (store.root / "spend" / "current.json").write_text(content)
    assert store.current("spend") is None
    assert write().computed


def test_a_pointer_of_another_version_means_that_it_is_built_again(write, store):
    write()
    pointer = store.root / "spend" / "current.json"
    pointer.write_text(sealed(unsealed(pointer.read_text()) | {"colour": "red"}))
    assert store.current("spend") is None
    assert write().computed


def test_a_build_that_fails_leaves_what_was_current(write, store, spend, spent):
    before = write()

    def fails(target):
        frame_writer(spend, spent.head(1))(target)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.write(spend, None, "key two", fails)
    assert store.current("spend") == replace(before, computed=False)
    assert store.frame("spend").height == 3
    store.clear_leftovers()
    assert files_of(store, "spend") == sorted(["spend/current.json", before.files[0]])


def test_a_repeated_key_is_refused_and_counted(write, store, spent):
    before = write()
    with pytest.raises(LinkedCareError, match="spend: 2 rows repeat the key team, item"):
        write("key two", pl.concat([spent, spent.head(2)]))
    assert store.current("spend") == replace(before, computed=False)


def test_a_missing_part_of_a_key_repeats_too(write, spend, spent):
    loose = replace(spend, columns=(spend.columns[0], replace(spend.columns[1], nullable=True), *spend.columns[2:]))
    nameless = spent.with_columns(team=pl.lit("red"), item=pl.Series([None, 1, None], dtype=pl.Int32))
    with pytest.raises(LinkedCareError, match="1 rows repeat the key"):
        write(frame=nameless, table=loose)


def test_rows_that_share_part_of_a_key_are_no_repeats(write):
    assert write().rows == 3


def test_an_empty_table_is_written(write, spend, store):
    stored = write(frame=spend.empty_frame())
    assert (stored.rows, stored.control) == (0, ())
    assert store.prove(stored, spend) is None


def test_what_was_not_touched_is_proved(write, store, spend):
    stored = write()
    assert store.prove(stored, spend) is None
    assert store.prove(store.require("spend")) is None


def test_one_pence_more_is_named_with_group_and_column(write, store, spend, spent, change):
    stored = write()
    change(stored, spent.with_columns(paid_pence=pl.when(team="blue").then(31).otherwise("paid_pence")))
    with pytest.raises(ConservationError) as gap:
        store.prove(stored, spend)
    assert str(gap.value).startswith("spend: +1 pence in paid_pence since it was written (team blue).")


def test_a_penny_moved_between_groups_is_found(write, store, spend, spent, change):
    stored = write(year="2024-25")
    moved = spent.with_columns(paid_pence=pl.Series([199, 31, 100]))
    change(stored, moved)
    with pytest.raises(
        ConservationError, match=r"spend 2024-25: \+1 pence .* \(team blue\) and in 1 other control group"
    ):
        store.prove(stored, spend)


def test_a_lost_row_without_money_is_found(write, store, spend, spent, change):
    nothing = spent.with_columns(paid_pence=pl.lit(0), owed_pence=pl.lit(None, pl.Int64))
    stored = write(frame=nothing)
    change(stored, nothing.head(2))
    with pytest.raises(ConservationError, match=r"spend: -1 rows since it was written \(team red\)"):
        store.prove(stored, spend)


def test_a_group_that_went_is_found(write, store, spend, spent, change):
    stored = write()
    change(stored, spent.filter(team="red"))
    with pytest.raises(ConservationError, match=r"spend: -1 rows, -30 pence in paid_pence since .* \(team blue\)"):
        store.prove(stored, spend)


def test_reading_a_table_in_a_session_proves_it(write, store, spend, spent, change):
    stored = write()
    with store.engine() as engine:
        store.register(engine, "spend", [stored], spend)
        assert engine.fetch("select sum(paid_pence) from spend") == [(200 + 30 + 100,)]
        change(stored, spent.with_columns(paid_pence=pl.col("paid_pence") + 1))
        with pytest.raises(ConservationError):
            store.register(engine, "spend", [stored], spend)


def test_leftovers_of_a_killed_run_are_cleared(write, store):
    stored = write(year="2024-25")
    for leftover in ("spend/.1.tmp", "spend/financial_year=2024-25/.2.tmp", ".spill"):
        (store.root / leftover).mkdir()
        (store.root / leftover / "part-0.parquet").touch()
    store.clear_leftovers()
    assert files_of(store, "spend") == sorted(["spend/financial_year=2024-25/current.json", stored.files[0]])
    assert not (store.root / ".spill").exists()


def test_a_small_file_half_written_by_a_killed_run_is_cleared(write, store, monkeypatch):
    write()

    def killed(self, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_whole(store.root / "spend" / "current.json", "{}")
    assert store.require("spend").rows == 3
    store.clear_leftovers()
    assert len(files_of(store, "spend")) == 2


def test_a_new_version_that_was_not_pointed_at_is_no_longer_there_after_the_next(write, store, spent, monkeypatch):
    write()

    def killed(stored):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "point", killed)
        with pytest.raises(KeyboardInterrupt):
            write("key two", spent.head(1))
    assert store.require("spend").fingerprint == "key one"
    after = write("key two", spent.head(1))
    assert files_of(store, "spend") == sorted(["spend/current.json", after.files[0]])


def test_the_files_carry_descriptions_and_units(write, store, spend):
    [path] = store.paths(write())
    schema = pq.read_schema(path)
    assert schema.equals(spend.arrow_schema, check_metadata=False)
    assert schema.metadata[b"grain"] == b"One row per team and item."
    assert schema.field("paid_pence").metadata == {b"description": b"Paid.", b"unit": b"pence"}
    assert schema.field("owed_pence").nullable and not schema.field("paid_pence").nullable


def test_a_value_that_does_not_fit_its_type_is_not_written(store, spend, spent):
    with pytest.raises(pa.ArrowInvalid):
        store.write(spend, None, "key", frame_writer(spend, spent.with_columns(item=pl.lit(2**31))))
    assert store.current("spend") is None


def test_equal_rows_give_equal_bytes_whatever_their_order(write, store, spent):
    assert write(frame=spent).digests == write("key two", frame=spent.reverse()).digests


FEED = Stored(
    table="visit",
    year=None,
    fingerprint="f",
    files=("a", "b", "c"),
    digests=("da", "db", "dc"),
    rows=3,
    periods=(("2024-03-01", "2024-03-31"), ("2024-04-01", "2024-06-30"), ("2025-04-01", "2025-04-30")),
)
YEAR = (date(2024, 4, 1), date(2025, 3, 31))


@pytest.mark.parametrize(
    ("stored", "bounds", "kept"),
    [
        pytest.param(FEED, None, ("a", "b", "c"), id="no year"),
        pytest.param(FEED, YEAR, ("b",), id="a year"),
        pytest.param(replace(FEED, spans=True), YEAR, ("b", "c"), id="records that reach back"),
        pytest.param(FEED, (date(2024, 3, 31), date(2024, 4, 1)), ("a", "b"), id="a shared day"),
        pytest.param(FEED, (date(2024, 6, 30), date(2025, 4, 1)), ("b", "c"), id="the last day and the first"),
        pytest.param(FEED, (date(2030, 4, 1), date(2031, 3, 31)), ("a",), id="none, so that one stands for the schema"),
        pytest.param(replace(FEED, periods=()), YEAR, ("a", "b", "c"), id="files that are no deliveries"),
    ],
)
def test_only_files_that_can_hold_records_of_a_period_are_read(stored, bounds, kept):
    found = stored.within(bounds)
    assert found.files == kept
    assert found.digests == tuple(f"d{name}" for name in kept)
    assert len(found.periods) in {len(kept), 0}


def test_content_follows_the_rows_and_not_the_place():
    assert replace(FEED, fingerprint="g", files=("x", "y", "z")).content == FEED.content
    assert replace(FEED, digests=("da", "db", "dd")).content != FEED.content
    assert replace(FEED, without="superseded").content != FEED.content


def test_fingerprints_are_stable_and_tell_parts_apart():
    assert fingerprint({"b": 1, "a": date(2024, 4, 1)}) == fingerprint({"a": "2024-04-01", "b": 1})
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_what_a_build_wrote_beside_its_table_is_proved_too(store, spend, spent):
    def write(target):
        target.with_name("beside.parquet").write_bytes(b"kept")
        return frame_writer(spend, spent)(target)

    stored = store.write(spend, None, "key", write)
    assert store.prove(stored, spend) is None
    store.paths(stored)[0].with_name("beside.parquet").write_bytes(b"changed")
    with pytest.raises(ConservationError, match=r"^spend: beside\.parquet changed since it was written\."):
        store.prove(stored, spend)


def test_two_values_that_changed_places_are_found_though_every_sum_stays(write, store, spend, spent, change):
    stored = write()
    change(stored, spent.with_columns(paid_pence=pl.Series([100, 30, 200])))
    with pytest.raises(ConservationError, match=r"^spend: other rows with the same sums .* \(team red\)\. Nothing"):
        store.prove(stored, spend)


def test_a_row_that_comes_twice_is_found_though_it_has_no_money(write, store, spend, spent, change):
    free = spent.with_columns(paid_pence=pl.lit(0), owed_pence=pl.lit(None, pl.Int64))
    stored = write(frame=free)
    change(stored, pl.concat([free, free.head(1), free.head(1)]))
    with pytest.raises(ConservationError, match=r"^spend: \+2 rows since it was written \(team red\)\. Nothing"):
        store.prove(stored, spend)


def test_the_same_rows_in_another_order_are_told_as_such(write, store, spend, spent, change):
    stored = write()
    change(stored, spent.sort("item", descending=True))
    with pytest.raises(ConservationError, match=r"^spend: the same rows, in another order or form, since"):
        store.prove(stored, spend)


def test_a_group_that_was_not_there_is_told_without_its_values(write, store, spend, spent, change):
    stored = write()
    change(stored, pl.concat([spent, spent.head(1).with_columns(team=pl.lit("Ada Marker"))]))
    with pytest.raises(ConservationError, match=r"^spend: a control group came since it was written\. Nothing"):
        store.prove(stored, spend)


def test_digests_of_another_version_of_the_engine_are_not_compared(write, store, spend, spent, change):
    stored = replace(write(), digested_by="0.0.0")
    change(stored, spent.with_columns(item=pl.col("item") + 1))
    with pytest.raises(ConservationError, match=r"^spend: other rows with the same sums since it was written\. "):
        store.prove(stored, spend)


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_what_can_no_longer_be_read_is_told(write, store, spend, content):
    stored = write(year="2024-25")
    store.paths(stored)[0].write_bytes(content)
    with pytest.raises(ConservationError, match=r"^spend 2024-25: cannot be read as the table that was written\. No"):
        store.prove(stored, spend)


def test_other_columns_are_no_table_that_was_written(write, store, spend):
    stored = write()
    pl.DataFrame({"name": ["Ada Marker"]}).write_parquet(store.paths(stored)[0])
    with pytest.raises(ConservationError, match=r"^spend: cannot be read as the table that was written\. Nothing"):
        store.prove(stored, spend)


def test_a_lost_file_is_told(write, store, spend):
    stored = write()
    store.paths(stored)[0].unlink()
    with pytest.raises(ConservationError, match=r"^spend: part-0\.parquet is gone since it was written\. Nothing"):
        store.prove(stored, spend)


def test_a_small_table_is_proved_before_it_is_read_as_a_frame(write, store, spent, change):
    change(write(), spent.head(1))
    with pytest.raises(ConservationError, match=r"^spend: part-0\.parquet changed"):
        store.frame("spend")


def test_the_pointer_of_another_table_or_a_changed_one_points_at_nothing(write, store, spend):
    write(year="2023-24")
    pointer = store.root / "spend" / "financial_year=2023-24" / "current.json"
    (pointer.parent.parent / "current.json").write_text(pointer.read_text())
    assert store.current("spend") is None
    pointer.write_text(pointer.read_text().replace('"rows": 3', '"rows": 4'))
    assert store.current("spend", "2023-24") is None
