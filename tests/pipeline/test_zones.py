"""Promise 5: no identifier comes in, no pseudonym goes out; promise 6: uncertainty travels with the figure."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from pipelines.store import Store
from tests.releases import table


def strings_of(files: list[Path]) -> set[str]:
    """Every text value in parquet files."""
    found: set[str] = set()
    for path in files:
        frame = pl.read_parquet(path, glob=False).select(pl.col(pl.String))
        for column in frame.get_columns():
            found.update(column.unique().drop_nulls())
    return found


def test_no_source_pseudonym_is_published(published: Path) -> None:
    pseudonyms = set(Store(published / "store").frame("person_identifier")["pseudonym"])
    files = list((published / "outputs").resolve().rglob("*.parquet"))
    assert len(files) > 20
    assert not pseudonyms & strings_of(files)
    people = set(map(str, table(published, "person")["person_id"]))
    assert not pseudonyms & people
    assert all(int(person) > 0 for person in people)


def test_tables_of_the_store_are_not_published(published: Path) -> None:
    names = {path.name for path in (published / "outputs" / "restricted").iterdir()}
    assert {"person_year_cost", "person_year_morbidity", "cost_ledger"} <= names
    assert not names & {"person_identifier", "quarantine", "apc_spell", "patient_register", "dummy_pseudonym"}


def test_a_column_beyond_the_contract_never_reaches_the_store(
    clean_landing: Path, tmp_path: Path, nightly: Callable[..., object]
) -> None:
    shutil.copytree(clean_landing, tmp_path / "landing")
    folder = tmp_path / "landing" / "ec_attendance" / "ec_attendance-SUS-2024-09"
    announced = json.loads((folder / "delivery.json").read_text())
    path = folder / announced["files"][0]["name"]
    with_name = pl.read_csv(path, infer_schema=False).with_columns(pl.lit("Ada Marker").alias("PATIENT_NAME"))
    with_name.write_csv(path)
    with path.open("rb") as content:
        import hashlib

        announced["files"][0]["sha256"] = hashlib.file_digest(content, "sha256").hexdigest()
    (folder / "delivery.json").write_text(json.dumps(announced))
    nightly(tmp_path)
    taken = list((tmp_path / "store" / "ec_attendance").rglob("*.parquet"))
    assert taken
    assert "Ada Marker" not in strings_of(taken)


def test_logs_hold_counts_and_no_values(
    clean_landing: Path, tmp_path: Path, nightly: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    """A marker planted in every text column of a delivery, rejected or not, is in no log line and no receipt."""
    shutil.copytree(clean_landing, tmp_path / "landing")
    folder = tmp_path / "landing" / "op_attendance" / "op_attendance-SUS-2024-09"
    announced = json.loads((folder / "delivery.json").read_text())
    path = folder / announced["files"][0]["name"]
    path.write_text(path.read_text().replace(",5,", ",MARKER,", 3))
    import hashlib

    announced["files"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "delivery.json").write_text(json.dumps(announced))
    with caplog.at_level(logging.DEBUG):
        nightly(tmp_path)
    assert table(tmp_path, "delivery_receipt")["rejected_rows"].sum() > 0
    assert "MARKER" not in caplog.text
    for record in (tmp_path / "store").rglob("*.json"):
        assert "MARKER" not in record.read_text()
    assert "MARKER" not in strings_of(list((tmp_path / "outputs").resolve().rglob("*.parquet")))


def test_uncertainty_stands_beside_the_figure(published: Path) -> None:
    costs = table(published, "activity_cost")
    levels = dict(costs.group_by("match_level").agg(pl.col("cost_pence").sum()).rows())
    assert {"submitted", "package", "exact", "point_of_delivery", "not_payable"} <= levels.keys()
    assert levels["not_payable"] == 0
    people = table(published, "person_year_cost")
    proxy = costs.filter(pl.col("is_proxy"))["cost_pence"].sum()
    assert people["proxy_pence"].sum() == proxy > 0
    assert (people["proxy_pence"] <= people["total_pence"]).all()
    explained = table(published, "explained_variance")
    said = explained.select("timing", "validation", "design").unique()
    assert {"group means, in sample, concurrent", "line, held-out half of people, prospective"} <= {*said["design"]}
    assert all(row["timing"] in row["design"] for row in said.iter_rows(named=True))
    assert table(published, "person_year_morbidity")["look_back_years"].unique().to_list() == [5]


def test_everybody_registered_has_every_score_that_is_for_them(published: Path) -> None:
    people = table(published, "person_year").select("financial_year", "person_id", "age_mid_year")
    scores = table(published, "person_year_score")
    old = people.filter(pl.col("age_mid_year") >= 75).height
    counts = dict(scores.group_by("score").len().rows())
    twice = dict.fromkeys(("charlson", "elixhauser", "cambridge"), 2 * people.height)
    assert counts == twice | {"charlson_shmi": people.height, "frailty": old}
    assert scores.join(people, on=["financial_year", "person_id"], how="anti").is_empty()
    assert (scores.group_by("score").agg(pl.col("category_count").max())["category_count"] > 0).all()
    assert scores.filter((pl.col("score_value") != 0) & (pl.col("category_count") == 0)).is_empty()


def test_units_and_descriptions_are_in_the_files_and_the_catalogue(published: Path) -> None:
    release = (published / "outputs").resolve()
    schema = pq.read_schema(next(release.glob("restricted/person_year_cost/*/*.parquet")))
    assert schema.field("total_pence").metadata[b"unit"] == b"pence"
    assert schema.metadata[b"grain"].startswith(b"One row per person and financial year")
    with duckdb.connect(str(release / "linked_care.duckdb"), read_only=True) as catalogue:
        rows = catalogue.execute("select count(*) from restricted.person_year_cost").fetchall()[0][0]
        comments = catalogue.execute(
            "select count(*), count(comment) from duckdb_columns() where schema_name = 'restricted'"
        ).fetchall()[0]
    assert rows == table(published, "person_year_cost").height
    assert comments[0] == comments[1] > 100
