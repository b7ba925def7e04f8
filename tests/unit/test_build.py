"""A table is built from what its sources hold, and not built again while they hold the same."""

import json
from dataclasses import replace

import polars as pl
import pytest

from pipelines import build
from pipelines.build import build_frame, build_sql, sources
from pipelines.errors import LinkedCareError
from pipelines.store import Stored, digest_of, frame_writer
from schemas.catalogue import TABLES
from schemas.table import Column, Table

TOTAL = Table(
    name="total",
    step="costing",
    grain="One row.",
    description="All that teams spend.",
    columns=(Column("paid_pence", "BIGINT", "Paid.", unit="pence"),),
    key=("paid_pence",),
    sources=("spend",),
)
YEARLY_TOTAL = replace(TOTAL, name="yearly_total", by_year=True)
SUM = "select cast(sum(paid_pence) as bigint) as paid_pence from spend"


@pytest.fixture
def sql(tmp_path, monkeypatch):
    """Writes the SQL file of a table."""
    folder = tmp_path / "sql"
    folder.mkdir()
    monkeypatch.setattr(build, "SQL", folder)
    return lambda name, text: (folder / f"{name}.sql").write_text(text)


@pytest.fixture
def spend_of(store, spend, spent, monkeypatch):
    """Writes so many rows of the source table, whole or for a year."""

    def write(rows: int, year: str | None = None) -> Stored:
        table = replace(spend, by_year=bool(year))
        monkeypatch.setitem(TABLES, "spend", table)
        return store.write(table, year, f"{rows} rows", frame_writer(table, spent.head(rows)))

    return write


@pytest.fixture
def delivered(store):
    """Makes a feed current whose deliveries cover these periods."""

    def point(*periods: tuple[str, str], table: str = "visit", spans: bool = False) -> Stored:
        names = [f"{table}/{start}.parquet" for start, _ in periods]
        for name in names:
            (store.root / name).parent.mkdir(exist_ok=True)
            pl.DataFrame({"day": [name]}).write_parquet(store.root / name)
        sha256 = {name: digest_of(store.root / name) for name in names}
        stored = Stored(table, None, "f", tuple(names), tuple(names), len(names), tuple(periods), spans, sha256=sha256)
        store.point(stored)
        return stored

    return point


def test_a_source_that_was_never_built_is_named(store):
    with pytest.raises(LinkedCareError, match="spend: not built yet"):
        sources(store, TOTAL, None)


def test_a_table_by_year_reads_the_same_year_of_a_source_by_year(store, spend_of):
    spend_of(3, "2023-24")
    spend_of(1, "2024-25")
    [part] = sources(store, YEARLY_TOTAL, "2024-25")["spend"]
    assert part.year == "2024-25"


def test_a_year_that_its_source_lacks_is_named(store, spend_of):
    spend_of(3, "2023-24")
    with pytest.raises(LinkedCareError, match="spend 2024-25: not built yet"):
        sources(store, YEARLY_TOTAL, "2024-25")


def test_a_source_of_the_year_before_is_read_beside_that_of_the_year(store, spend_of, sql):
    sql(
        "yearly_total",
        "select cast(sum(paid_pence) as bigint) as paid_pence from (select paid_pence from spend"
        " union all select 10 * paid_pence as paid_pence from spend_before) as spent",
    )
    table = replace(YEARLY_TOTAL, sources_before=("spend",))
    spend_of(3, "2023-24")
    spend_of(1, "2024-25")
    build_sql(store, table, "2024-25")
    assert store.frame("yearly_total", "2024-25").rows() == [(200 + 10 * (200 + 30 + 100),)]


def test_a_first_year_has_nothing_before_it_and_is_built_again_when_it_has(store, spend_of, sql):
    sql("yearly_total", "select cast(count(*) as bigint) as paid_pence from spend_before")
    table = replace(YEARLY_TOTAL, sources=(), sources_before=("spend",))
    spend_of(1, "2024-25")
    assert build_sql(store, table, "2024-25").computed
    assert store.frame("yearly_total", "2024-25").rows() == [(0,)]
    assert not build_sql(store, table, "2024-25").computed
    spend_of(2, "2023-24")
    assert build_sql(store, table, "2024-25").computed
    assert store.frame("yearly_total", "2024-25").rows() == [(2,)]
    spend_of(3, "2022-23")
    assert not build_sql(store, table, "2024-25").computed


def test_a_whole_table_reads_every_year_of_a_source_by_year(store, spend_of):
    spend_of(1, "2024-25")
    spend_of(3, "2023-24")
    assert [part.year for part in sources(store, TOTAL, None)["spend"]] == ["2023-24", "2024-25"]


def test_a_year_reads_only_deliveries_that_touch_it(store, delivered):
    delivered(("2024-03-01", "2024-03-31"), ("2024-04-01", "2024-04-30"), ("2025-03-01", "2025-04-30"))
    table = replace(YEARLY_TOTAL, sources=("visit",))
    [part] = sources(store, table, "2024-25")["visit"]
    assert part.files == ("visit/2024-04-01.parquet", "visit/2025-03-01.parquet")
    [whole] = sources(store, replace(TOTAL, sources=("visit",)), None)["visit"]
    assert len(whole.files) == 3


def test_a_feed_whose_records_reach_back_keeps_later_deliveries(store, delivered):
    delivered(("2024-03-01", "2024-03-31"), ("2024-04-01", "2024-04-30"), ("2025-04-01", "2025-04-30"), spans=True)
    [part] = sources(store, replace(YEARLY_TOTAL, sources=("visit",)), "2024-25")["visit"]
    assert part.files == ("visit/2024-04-01.parquet", "visit/2025-04-01.parquet")


def test_a_delivery_of_another_year_rebuilds_no_year_that_it_does_not_touch(store, delivered, sql):
    sql("yearly_total", "select cast(count(*) as bigint) as paid_pence from visit")
    table = replace(YEARLY_TOTAL, sources=("visit",))
    delivered(("2024-04-01", "2024-04-30"))
    assert build_sql(store, table, "2024-25").computed
    delivered(("2024-04-01", "2024-04-30"), ("2025-04-01", "2025-04-30"))
    assert not build_sql(store, table, "2024-25").computed
    delivered(("2024-04-01", "2024-04-30"), ("2024-05-01", "2024-05-31"))
    assert build_sql(store, table, "2024-25").computed
    assert store.frame("yearly_total", "2024-25").rows() == [(2,)]


def test_sql_is_run_over_every_source(store, spend_of, sql):
    sql("total", SUM)
    spend_of(1, "2023-24")
    spend_of(3, "2024-25")
    assert build_sql(store, TOTAL).computed
    assert store.frame("total").rows() == [(200 + 200 + 30 + 100,)]


def test_parameters_are_one_row(store, spend_of, sql):
    sql(
        "total",
        "select cast(p.more + sum(paid_pence) as bigint) as paid_pence from spend, run_parameters as p group by p.more",
    )
    spend_of(1)
    build_sql(store, TOTAL, parameters={"more": 7})
    assert store.frame("total").rows() == [(200 + 7,)]


@pytest.mark.parametrize("change", ["nothing", "the source", "the SQL", "the declaration", "the parameters"])
def test_a_table_is_built_again_when_what_it_depends_on_changes(store, spend_of, sql, change):
    sql("total", SUM)
    spend_of(1)
    build_sql(store, TOTAL, parameters={"more": 7})
    table = replace(TOTAL, description="Better said.") if change == "the declaration" else TOTAL
    if change == "the source":
        spend_of(2)
    if change == "the SQL":
        sql("total", f"{SUM} -- in pence")
    again = build_sql(store, table, parameters={"more": 8 if change == "the parameters" else 7})
    assert again.computed is (change != "nothing")


def test_a_source_built_again_to_the_same_rows_changes_nothing(store, spend, spent, spend_of, sql):
    sql("total", SUM)
    spend_of(3)
    build_sql(store, TOTAL)
    store.write(TABLES["spend"], None, "another fingerprint", frame_writer(TABLES["spend"], spent))
    assert not build_sql(store, TOTAL).computed


def test_the_last_line_of_sql_may_be_a_comment(store, spend_of, sql):
    sql("total", f"{SUM} -- in pence")
    spend_of(1)
    assert build_sql(store, TOTAL).rows == 1


def test_a_table_of_a_function_is_made_once(store, spend_of):
    spend_of(1)
    made = []

    def make() -> pl.DataFrame:
        made.append(1)
        return pl.DataFrame({"paid_pence": [7]})

    assert build_frame(store, TOTAL, "rule 1", make).computed
    assert not build_frame(store, TOTAL, "rule 1", make).computed
    assert build_frame(store, TOTAL, "rule 2", make).computed
    spend_of(2)
    assert build_frame(store, TOTAL, "rule 2", make).computed
    assert len(made) == 1 + 0 + 1 + 1


def test_what_is_written_records_what_it_was_made_from(store, spend_of, sql):
    sql("total", SUM)
    spend_of(1)
    stored = build_sql(store, TOTAL)
    record = json.loads((store.root / "total" / "current.json").read_text())
    assert record["fingerprint"] == stored.fingerprint
    assert record["control"] == [[1, 200]]
