"""The index leads every identifier of a county, in every feed, to its true person, and the score sees a wrong one."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from assets.linkage.index_score import TRUTH_IDENTIFIER, precision, recall, score_index
from pipelines.errors import LinkedCareError
from pipelines.store import Store
from synthetic import synthesise
from tests.pipeline.conftest import YEARS, Nightly

PLANTED = {
    *("birth_year_conflict", "bridged", "bridged_and_merged", "chain", "circle", "direct", "dummy", "fork"),
    *("impossible_volume", "merged", "not_registered", "one_time", "rekeyed", "reused", "reversed", "sex_conflict"),
    "split",
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, nightly: Nightly) -> Path:
    home = tmp_path_factory.mktemp("faulty")
    synthesise(people=800, years=YEARS, seed=3, faults="all", to=home / "landing")
    nightly(home)
    return home


def test_every_identifier_leads_to_its_person(faulty: Path) -> None:
    score = score_index(Store(faulty / "store"), faulty / "landing")
    assert set(score["truth_case"]) == PLANTED
    wrong = score.filter(
        (pl.col("due_count") != pl.col("right_count")) | (pl.col("linked_count") != pl.col("right_count"))
    )
    assert wrong.rows() == []
    assert precision(score) == recall(score) == 1
    assert score["right_count"].sum() > 1_000


@pytest.mark.parametrize(
    ("change", "column"),
    [
        pytest.param(pl.lit(None, pl.String), "due_count", id="somebody who should be nobody"),
        pytest.param(pl.lit("9999999999"), "right_count", id="another person"),
    ],
)
def test_a_wrong_person_is_seen(published: Path, tmp_path: Path, change: pl.Expr, column: str) -> None:
    truth = pl.read_parquet(published / "landing" / TRUTH_IDENTIFIER)
    known = score_index(Store(published / "store"), published / "landing")
    merged = pl.col("case") == "merged"
    truth.with_columns(pl.when(merged).then(change).otherwise("person").alias("person")).write_parquet(
        tmp_path / TRUTH_IDENTIFIER
    )
    score = score_index(Store(published / "store"), tmp_path)
    assert precision(known) == recall(known) == 1 > precision(score)
    assert known.filter(truth_case="merged")[column].sum() > 0 == score.filter(truth_case="merged")[column].sum()


def test_an_identifier_that_the_truth_does_not_know_is_wrong(published: Path, tmp_path: Path) -> None:
    truth = pl.read_parquet(published / "landing" / TRUTH_IDENTIFIER)
    truth.filter(pl.col("case") != "bridged").write_parquet(tmp_path / TRUTH_IDENTIFIER)
    score = score_index(Store(published / "store"), tmp_path)
    unknown = score.filter(truth_case="unknown")
    assert unknown["linked_count"].sum() > 0 == unknown["right_count"].sum()


def test_without_truth_there_is_no_score(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published / "landing" / "person_merger", tmp_path / "person_merger")
    with pytest.raises(LinkedCareError, match=r"lacks truth_identifier\.parquet"):
        score_index(Store(published / "store"), tmp_path)
