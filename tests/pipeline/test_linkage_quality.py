"""Linkage quality of a county with faults: it partitions the costed care, and its bounds hold the published cost."""

import re
from pathlib import Path

import polars as pl
import pytest

from assets.costing.linkage_report import linkage_report
from assets.costing.linkage_truth import TRUTH, missed_and_false
from cli.linkage import show_linkage
from pipelines.errors import LinkedCareError
from pipelines.store import Store
from schemas.linkage_quality import FEEDS_OF_CODES
from synthetic import synthesise
from tests.releases import table

YEAR = "2024-25"
MEASURES = ["record_count", "linked_count", "cost_pence", "linked_pence"]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, nightly) -> Path:
    home = tmp_path_factory.mktemp("unlinked")
    synthesise(people=600, years=[YEAR], seed=5, faults="default", to=home / "landing")
    nightly(home)
    return home


def test_it_partitions_the_costed_care_by_feed_provider_and_month(faulty: Path) -> None:
    key = ["feed", "provider_code", "activity_month"]
    cost = table(faulty, "activity_cost")
    linked = pl.col("link_status") == "linked"
    expected = cost.group_by(key).agg(
        pl.col("record_count").sum(),
        linked_count=pl.col("record_count").filter(linked).sum(),
        people_count=pl.col("person_id").drop_nulls().n_unique(),
        submitted_pence=pl.col("submitted_pence").sum(),
        cost_pence=pl.col("cost_pence").sum(),
        linked_pence=pl.col("cost_pence").filter(linked).sum(),
    )
    assert cost.filter(~linked).height > 0
    whole = table(faulty, "linkage_quality").filter(
        pl.col("subgroup_type") == "all", ~pl.col("feed").is_in(FEEDS_OF_CODES)
    )
    made = whole.select(
        *key,
        "record_count",
        "linked_count",
        pl.col("linked_people_count").alias("people_count"),
        pl.col("submitted_pence").fill_null(0),
        "cost_pence",
        "linked_pence",
    )
    assert made.sort(key).equals(expected.sort(key))
    groups = ["linked", "dummy", "unreliable", "unregistered"]
    for measure, total in (("count", "record_count"), ("pence", "cost_pence")):
        assert whole.select(pl.sum_horizontal(f"{group}_{measure}" for group in groups).eq(pl.col(total)).all()).item()


def test_every_subgroup_partitions_the_whole(faulty: Path) -> None:
    quality = table(faulty, "linkage_quality")
    key = ["feed", "provider_code", "activity_month"]
    whole = quality.filter(pl.col("subgroup_type") == "all").select(*key, *MEASURES)
    found = set()
    for (kind,), rows in quality.filter(pl.col("subgroup_type") != "all").group_by("subgroup_type"):
        summed = rows.group_by(key).agg(pl.col(MEASURES).sum())
        assert summed.sort(key).equals(whole.join(summed, on=key, how="semi").sort(key))
        found.add(kind)
    assert found == {"age_band", "sex", "ethnicity", "deprivation_decile"}
    assert set(quality.filter(pl.col("feed") == "gp_appointment")["subgroup_type"]) == {"all"}


def test_the_lower_bound_is_the_published_cost_and_the_upper_adds_all_that_is_unlinked(faulty: Path) -> None:
    bound = table(faulty, "linkage_bound").filter(pl.col("feed") == "all", pl.col("setting") != "codes")
    published = table(faulty, "cost_by_setting").filter(pl.col("morbidity_group") == "all")
    both = bound.join(published, on="setting", validate="1:1", suffix="_published")
    assert both.height == bound.height == 9  # eight settings, and the total
    for one in both.iter_rows(named=True):
        assert one["lower_pence_per_person"] == pytest.approx(one["mean_pence_per_person"])
        assert one["people_count"] == one["people_count_published"]
        gap = one["upper_pence_per_person"] - one["lower_pence_per_person"]
        assert gap == pytest.approx(one["unlinked_pence"] / one["people_count"])
    total = both.filter(pl.col("setting") == "total")
    settings = both.filter(pl.col("setting") != "total")
    assert total["unlinked_pence"].item() == settings["unlinked_pence"].sum() > 0


def test_the_report_shows_what_matters_and_writes_all_of_it(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LINKED_CARE_HOME", str(faulty))
    out = tmp_path / "report.md"
    show_linkage(None, out)
    shown, page = capsys.readouterr().out, out.read_text()
    titles = [section.title for section in linkage_report(Store(faulty / "store"), faulty / "landing", YEAR)]
    assert [f"## {number}. {title}" for number, title in enumerate(titles, 1)] == re.findall("^## .*$", page, re.M)
    assert "Match rates" in shown and "Why care does not link" in shown
    assert "doi:10.1093/pubmed/fdx037" in page
    pseudonyms = set(Store(faulty / "store").frame("person_identifier")["pseudonym"])
    assert not pseudonyms & set(re.findall(r"\w+", page))


def test_reasons_in_the_report_are_all_that_is_unlinked(faulty: Path) -> None:
    sections = linkage_report(Store(faulty / "store"), faulty / "landing", YEAR)
    reasons = next(section for section in sections if section.title == "Why care does not link")
    unlinked = table(faulty, "activity_cost").filter(pl.col("link_status") != "linked")
    assert sum(int(row[2].replace(",", "")) for row in reasons.rows) == unlinked["record_count"].sum() > 0


def test_against_the_truth_no_record_of_the_county_is_somebody_elses(faulty: Path) -> None:
    truth = pl.read_parquet(faulty / "landing" / TRUTH)
    found = missed_and_false(Store(faulty / "store"), truth, YEAR)
    used = Store(faulty / "store").frame("identifier_use", YEAR)
    assert found["record_count"].sum() == used["record_count"].sum() > 0
    assert found["false_count"].sum() == 0


def test_a_year_that_is_not_built_is_told(faulty: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINKED_CARE_HOME", str(faulty))
    with pytest.raises(LinkedCareError, match="--year 1999-00: built are 2024-25"):
        show_linkage("1999-00", None)
    monkeypatch.setenv("LINKED_CARE_HOME", str(tmp_path))
    with pytest.raises(LinkedCareError, match="linkage_bound is not built yet"):
        show_linkage(None, None)
