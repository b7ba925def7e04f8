"""Readers see one whole release, whatever happens to the run that makes the next."""

import json
import subprocess
import sys
from dataclasses import replace

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.costing import conservation
from assets.publication import release
from assets.publication.catalogue import CATALOGUE
from assets.publication.release import KEPT, current_release, publish
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.store import frame_writer
from schemas.reconciliation import COST_CONTROL_TOTAL


@pytest.fixture
def tables(home, spend, monkeypatch):
    """A county of three tables: one whole, one by year, one that never leaves the workshop."""
    known = {
        "spend": replace(spend, description="What the teams' people spend."),
        "yearly": replace(spend, name="yearly", by_year=True),
        "secret": replace(spend, name="secret", zone="store"),
    }
    monkeypatch.setattr(release, "TABLES", known)
    empty = frame_writer(COST_CONTROL_TOTAL, COST_CONTROL_TOTAL.empty_frame())
    home.store.write(COST_CONTROL_TOTAL, None, "", empty)  # nor totals from elsewhere
    monkeypatch.setattr(conservation, "TIES", {})  # the county has no ledger to be tied to
    return known


@pytest.fixture
def build(home, tables, spent):
    """Writes all tables with so many rows."""

    def write(rows: int = 3) -> None:
        frame = spent.head(rows)
        for name, year in (("spend", None), ("yearly", "2023-24"), ("yearly", "2024-25"), ("secret", None)):
            home.store.write(tables[name], year, f"{rows} rows", frame_writer(tables[name], frame))

    return write


def catalogue(home):
    return duckdb.connect(str(home.outputs / CATALOGUE), read_only=True)


def kept(home) -> list[str]:
    return sorted(path.name for path in home.releases.iterdir())


def test_a_release_holds_every_restricted_table_and_no_other(build, home):
    build()
    published = publish(home)
    assert (published.is_new, published.tables) == (True, 1 + 2)
    folder = current_release(home)
    found = sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("*.parquet"))
    assert found == [
        "restricted/spend",
        "restricted/yearly/financial_year=2023-24",
        "restricted/yearly/financial_year=2024-25",
    ]


def test_the_release_says_what_it_holds(build, home):
    build()
    name = publish(home).name
    record = json.loads((home.outputs / "release.json").read_text())
    assert record["release"] == name == current_release(home).name
    assert [(t["table"], t["financial_year"], t["rows"]) for t in record["tables"]] == [
        ("spend", None, 3),
        ("yearly", "2023-24", 3),
        ("yearly", "2024-25", 3),
    ]


def test_outputs_is_a_link_that_moves_with_the_home(build, home, tmp_path):
    build()
    publish(home)
    assert home.outputs.is_symlink()
    assert not home.outputs.readlink().is_absolute()


def test_nothing_is_shown_before_the_first_release(home):
    assert current_release(home) is None


def test_what_did_not_change_is_not_published_again(build, home):
    build()
    first = publish(home)
    again = publish(home)
    assert again == replace(first, is_new=False)
    assert kept(home) == [first.name]


def test_the_link_is_swapped_to_what_changed_and_the_old_release_stays_whole(build, home):
    build(3)
    first = publish(home).name
    build(2)
    second = publish(home).name
    assert (home.outputs.resolve().name, kept(home)) == (second, [first, second])
    assert first[:7] < second[:7]
    for name, rows in ((first, 3), (second, 2)):
        [file] = (home.releases / name / "restricted" / "spend").glob("*.parquet")
        assert pq.read_metadata(file).num_rows == rows


def test_three_releases_are_kept(build, home):
    names = []
    for rows in (1, 2, 3, 1, 2):
        build(rows)
        names.append(publish(home).name)
    assert KEPT == 3
    assert kept(home) == names[-3:]


def test_views_read_every_table_by_year_too(build, home):
    build()
    publish(home)
    with catalogue(home) as connection:
        assert connection.sql("select sum(paid_pence) from restricted.spend").fetchall() == [(200 + 30 + 100,)]
        assert connection.sql("select count(*) from restricted.yearly").fetchall() == [(3 + 3,)]
        names = connection.sql("select table_name from information_schema.tables order by 1").fetchall()
        assert names == [("spend",), ("yearly",)]


def test_views_have_the_declared_columns_and_comments(build, home, tables):
    build()
    publish(home)
    with catalogue(home) as connection:
        views = connection.sql("select view_name, comment from duckdb_views() where not internal order by 1").fetchall()
        assert views[0] == ("spend", "What the teams' people spend. One row per team and item.")
        columns = connection.sql(
            "select column_name, comment from duckdb_columns() where table_name = 'spend' order by column_index"
        ).fetchall()
    assert columns == [
        ("team", "The team."),
        ("item", "The item. Unit: items."),
        ("paid_pence", "Paid. Unit: pence."),
        ("owed_pence", "Owed. Unit: pence."),
    ]


def test_the_catalogue_is_read_from_any_working_directory(build, home, tmp_path):
    build()
    publish(home)
    query = (
        "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('from restricted.spend').fetchall())"
    )
    seen = subprocess.run(
        [sys.executable, "-c", query, home.outputs / CATALOGUE], cwd="/", capture_output=True, text=True, check=True
    )
    assert seen.stdout == "[('blue', 1, 30, None), ('red', 1, 100, None), ('red', 2, 200, 5)]\n"


def test_an_open_catalogue_keeps_to_its_release(build, home):
    build(3)
    publish(home)
    with catalogue(home) as before:
        build(2)
        publish(home)
        assert before.sql("select count(*) from restricted.spend").fetchall() == [(3,)]
    with catalogue(home) as after:
        assert after.sql("select count(*) from restricted.spend").fetchall() == [(2,)]


def test_a_table_that_was_never_built_stops_publication(home, tables, spent):
    home.store.write(tables["yearly"], "2024-25", "f", frame_writer(tables["yearly"], spent))
    with pytest.raises(LinkedCareError, match="spend: not built yet"):
        publish(home)
    assert current_release(home) is None


def test_a_penny_too_many_stops_publication_and_the_last_release_stays(build, home, spent):
    build(2)
    good = publish(home).name
    build(3)
    [path] = home.store.paths(home.store.require("yearly", "2024-25"))
    rows = spent.with_columns(owed_pence=pl.col("owed_pence") + 1)
    pq.write_table(rows.to_arrow().cast(pq.read_schema(path)), path)
    with pytest.raises(
        ConservationError, match=r"yearly 2024-25: \+1 pence in owed_pence since it was written \(team red\)"
    ):
        publish(home)
    assert (home.outputs.resolve().name, kept(home)) == (good, [good])


@pytest.mark.parametrize("step", ["_assemble", "write_catalogue", "_swap"])
def test_a_kill_before_the_swap_leaves_the_last_release_and_the_next_run_carries_on(build, home, monkeypatch, step):
    build(1)
    first = publish(home).name
    build(2)
    second = publish(home).name
    build(3)

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(release, step, killed)
        with pytest.raises(KeyboardInterrupt):
            publish(home)
    assert home.outputs.resolve().name == second
    third = publish(home)
    assert third.is_new
    assert kept(home) == [first, second, third.name]
    with catalogue(home) as connection:
        assert connection.sql("select count(*) from restricted.spend").fetchall() == [(3,)]


def test_a_lost_link_is_made_again(build, home):
    build()
    publish(home)
    home.outputs.unlink()
    publish(home)
    with catalogue(home) as connection:
        assert connection.sql("select count(*) from restricted.spend").fetchall() == [(3,)]


def test_files_are_shared_with_the_store_not_copied(build, home):
    build()
    publish(home)
    [file] = (home.outputs / "restricted" / "spend").glob("*.parquet")
    assert file.samefile(home.store.paths(home.store.require("spend"))[0])
