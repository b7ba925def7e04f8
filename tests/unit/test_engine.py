"""One SELECT becomes one parquet file under its declaration, or is refused in one line."""

from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine import duckdb_session
from pipelines.errors import LinkedCareError
from schemas.table import Column, Table

ROWS = "(values ('red', 2, 200, 5), ('blue', 1, 30, null), ('red', 1, 100, null)) as v(team, item, paid, owed)"
GOOD = f"select team, item, cast(paid as bigint) as paid_pence, cast(owed as bigint) as owed_pence from {ROWS}"


@pytest.fixture
def engine(tmp_path):
    with duckdb_session("200MB", tmp_path / "spill") as opened:
        yield opened


@pytest.fixture
def parquet(tmp_path):
    def write(name: str, **columns) -> str:
        path = tmp_path / f"{name}.parquet"
        pl.DataFrame(columns).write_parquet(path)
        return path

    return write


def test_rows_are_written_in_key_order_and_counted(engine, spend, tmp_path):
    assert engine.run_sql(spend, GOOD, tmp_path / "out.parquet") == 3
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [
        {"team": "blue", "item": 1, "paid_pence": 30, "owed_pence": None},
        {"team": "red", "item": 1, "paid_pence": 100, "owed_pence": None},
        {"team": "red", "item": 2, "paid_pence": 200, "owed_pence": 5},
    ]


def test_pyarrow_reads_types_descriptions_and_units_from_the_file(engine, spend, tmp_path):
    engine.run_sql(spend, GOOD, tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert schema.metadata[b"description"] == b"What teams spend."
    assert schema.metadata[b"grain"] == b"One row per team and item."
    for declared in spend.columns:
        field = schema.field(declared.name)
        assert field.type == declared.arrow_field.type
        assert field.metadata == declared.arrow_field.metadata


def test_every_declared_type_survives(engine, tmp_path):
    types = ("BIGINT", "INT", "DOUBLE", "DATE", "BOOLEAN", "STRING", "DECIMAL(18,2)")
    table = Table(
        "types", "costing", "", "", tuple(Column(f"c{n}", kind, "") for n, kind in enumerate(types)), key=("c0",)
    )
    sql = (
        "select cast(1 as bigint) as c0, cast(2 as int) as c1, cast(0.5 as double) as c2, date '2024-04-01' as c3,"
        " true as c4, 'x' as c5, cast(1.25 as decimal(18, 2)) as c6"
    )
    engine.run_sql(table, sql, tmp_path / "out.parquet")
    made = pq.read_table(tmp_path / "out.parquet")
    assert made.schema.types == table.arrow_schema.types
    assert made["c6"].to_pylist() == [Decimal("1.25")]


def test_the_same_rows_in_any_order_give_the_same_bytes(engine, spend, tmp_path):
    engine.run_sql(spend, GOOD, tmp_path / "a.parquet")
    engine.run_sql(spend, f"{GOOD} order by paid", tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (GOOD.replace("paid_pence", "spent_pence"), "differ in paid_pence, spent_pence"),
        (GOOD.replace("select team", "select 1 as extra, team"), "differ in extra"),
        (GOOD.replace(", cast(owed as bigint) as owed_pence", ""), "differ in owed_pence"),
        (GOOD.replace("cast(paid as bigint)", "cast(paid as double)"), "differ in paid_pence"),
        (GOOD.replace("cast(paid as bigint)", "cast(paid as hugeint)"), "differ in paid_pence"),
        (GOOD.replace("select team, item,", "select item, team,"), "differ in the order of columns"),
    ],
    ids=["renamed", "extra", "missing", "double", "hugeint", "order"],
)
def test_columns_and_types_other_than_declared_are_refused_in_one_line(engine, spend, tmp_path, sql, told):
    with pytest.raises(LinkedCareError) as refusal:
        engine.run_sql(spend, sql, tmp_path / "out.parquet")
    assert str(refusal.value) == f"spend: sql/spend.sql and its declaration {told}. Make them agree."
    assert not (tmp_path / "out.parquet").exists()


def test_a_value_on_which_the_sql_fails_is_not_shown(engine, spend, tmp_path):
    sql = GOOD.replace("cast(paid as bigint)", "cast('marker-' || team as bigint)")
    with pytest.raises(LinkedCareError) as failure:
        engine.run_sql(spend, sql, tmp_path / "out.parquet")
    assert str(failure.value).startswith("spend: sql/spend.sql meets a value")
    assert "marker" not in str(failure.value)
    assert failure.value.__cause__ is None and failure.value.__suppress_context__


def test_files_are_one_table(engine, parquet):
    engine.register("spend", [parquet("a", item=[1]), parquet("b", item=[2])])
    assert engine.fetch("select item from spend order by item") == [(1,), (2,)]


def test_superseded_rows_are_left_out(engine, parquet):
    files = [
        parquet("a", delivery_id=["april"] * 2, source_row=[1, 2]),
        parquet("b", delivery_id=["may"] * 2, source_row=[1, 2]),
    ]
    engine.register("visit", files, parquet("without", delivery_id=["april"], source_row=[2]))
    assert engine.fetch("select delivery_id, source_row from visit order by 1, 2") == [
        ("april", 1),
        ("may", 1),
        ("may", 2),
    ]


def test_a_name_can_be_registered_anew(engine, parquet):
    engine.register("spend", [parquet("a", item=[1])])
    engine.register("spend", [parquet("b", item=[2])])
    assert engine.fetch("select item from spend") == [(2,)]


def test_folders_named_like_partitions_add_no_column(engine, tmp_path):
    folder = tmp_path / "county=north" / "financial_year=2024-25"
    folder.mkdir(parents=True)
    pl.DataFrame({"item": [1]}).write_parquet(folder / "a.parquet")
    engine.register("spend", [folder / "a.parquet"])
    assert engine.fetch("describe select * from spend")[0][0] == "item"
    assert len(engine.fetch("describe select * from spend")) == 1


@pytest.mark.parametrize("name", ["o'brien", "a[1]", "x*y"])
def test_folders_may_have_odd_names(tmp_path, spend, name):
    folder = tmp_path / name
    folder.mkdir()
    with duckdb_session("200MB", folder / "spill") as engine:
        engine.run_sql(spend, GOOD, folder / "out.parquet")
        engine.register("spend", [folder / "out.parquet"])
        assert engine.fetch("select count(*) from spend") == [(3,)]


def test_small_rows_are_registered(engine):
    engine.register_rows("run_parameters", pa.Table.from_pylist([{"financial_year": "2024-25"}]))
    assert engine.fetch("select financial_year from run_parameters") == [("2024-25",)]
