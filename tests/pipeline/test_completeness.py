"""A missing month looks like a saving: it is told before anything is summed, and stands beside the figures."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets.feeds.completeness import gaps_in_words
from pipelines.store import Store
from schemas.activity import SETTING_OF_FEED
from tests.pipeline.test_command_line import linked_care
from tests.releases import table

YEAR, MONTH, FEED = "2024-25", "2024-09", "op_attendance"
WITH_TOTAL = (
    "person_year_cost",
    "cost_by_age_band",
    "cost_by_condition_count",
    "explained_variance",
    "cost_by_age_and_count",
    "condition_profile",
    "condition_by_comorbidity",
    "condition_pair",
    "condition_combination",
)


def test_a_whole_county_is_complete(published: Path) -> None:
    calendar = table(published, "delivery_calendar")
    assert set(calendar["status"]) <= {"delivered", "not_expected", "not_yet_due"}
    found = table(published, "feed_completeness")
    never_sent = found.filter(feed="person_withdrawal")
    assert set(never_sent["completeness"]) == {None}
    assert set(found.join(never_sent, on="feed", how="anti")["completeness"]) == {1.0}
    assert set(table(published, "cost_by_setting")["completeness"]) == {1.0}


def test_care_of_a_feed_counts_in_the_setting_that_is_declared(published: Path) -> None:
    found = table(published, "activity").select("feed", "setting").unique()
    assert dict(found.rows()).items() <= SETTING_OF_FEED.items()
    assert found.height == found["feed"].n_unique() >= len(SETTING_OF_FEED) - 1


def test_a_month_that_a_provider_left_out_stands_beside_the_figures(
    published: Path,
    copy_of: Callable[[Path], Path],
    nightly: Callable[..., object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = copy_of(published)
    before = table(home, "delivery_calendar").filter(
        pl.col("expected"), pl.col("record_count") > 0, feed=FEED, financial_year=YEAR
    )
    provider = before.group_by("provider_code").agg(pl.col("record_count").sum()).sort("record_count").row(-1)[0]
    is_left_out = (pl.col("provider_code") == provider) & (pl.col("activity_month").dt.strftime("%Y-%m") == MONTH)
    usual = dict(before.filter(~is_left_out).group_by("provider_code").agg(pl.col("record_count").median()).rows())
    other_year = {path: path.read_bytes() for path in parts(home, "2023-24")}
    leave_out(home / "landing" / FEED / f"{FEED}-SUS-{MONTH}", provider)
    with caplog.at_level(logging.WARNING):
        nightly(home)

    expected = 1 - usual[provider] / (12 * sum(usual.values()))
    assert expected < 1 - 1 / (2 * 12 * len(usual))
    by_setting = table(home, "cost_by_setting").filter(morbidity_group="all", financial_year=YEAR)
    found = dict(by_setting.select("setting", "completeness").rows())
    assert found.pop("outpatient") == found.pop("total") == pytest.approx(expected)
    assert set(found.values()) == {1.0}
    tested = table(home, "cost_by_setting_test").filter(financial_year=YEAR)
    assert dict(tested.select("setting", "completeness").rows()) == dict(by_setting["setting", "completeness"].rows())
    for name in ("conditions_by_age_band", "multimorbidity_clustering"):
        assert set(table(home, name)["completeness"]) == {1.0}, "of codes alone, not of care"
    for name in (*WITH_TOTAL, "cohort_candidate"):
        rows = table(home, name)
        if name == "explained_variance":  # of a setting it rests on the feeds of that setting
            rows = rows.filter(outcome="total")
        figures = rows.group_by("financial_year").agg(pl.col("completeness").unique())
        assert dict(figures.rows()) == {"2023-24": [1.0], YEAR: [pytest.approx(expected)]}
    assert other_year
    assert {path: path.read_bytes() for path in parts(home, "2023-24")} == other_year

    calendar = Store(home / "store").frame("delivery_calendar")
    gap = calendar.filter(status="missing").row(0, named=True)
    assert (gap["feed"], gap["provider_code"], f"{gap['activity_month']:%Y-%m}") == (FEED, provider, MONTH)
    words = f"1 missing, 0 came late; worst is {FEED} of {provider}, 1 missing"
    assert gaps_in_words(calendar).endswith(words)
    assert words in caplog.text
    shown = linked_care(home, "status").stdout
    assert words in shown
    assert "missing" in shown.split(words)[1]


def parts(home: Path, year: str) -> list[Path]:
    """The files of one year of all tables, but the two that read a table of all years and are written every night."""
    files = (home / "store").glob(f"*/financial_year={year}/*/part-0.parquet")
    return sorted(path for path in files if not {"feed_completeness", "cost_ledger"} & set(path.parts))


def leave_out(folder: Path, provider: str) -> None:
    """Take one provider out of a file, as if its supplier had sent it so."""
    announced = json.loads((folder / "delivery.json").read_text())
    [file] = announced["files"]
    rows = pl.read_csv(folder / file["name"], infer_schema=False)
    left = rows.filter(pl.col("Der_Provider_Code") != provider)
    assert left.height < rows.height
    left.write_csv(folder / file["name"])
    file |= {"rows": left.height, "sha256": hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest()}
    (folder / "delivery.json").write_text(json.dumps(announced))
