"""Segments and counts by look-back of a whole run agree with the tables that they divide."""

from pathlib import Path

import polars as pl

from tests.releases import table


def test_everybody_registered_is_in_one_segment_of_each_segmentation(published: Path) -> None:
    people = table(published, "person_year").select("financial_year", "person_id")
    segmentations = table(published, "segment_rule").select("segmentation").unique()
    segments = table(published, "person_year_segment")
    assert segments.height == people.height * segmentations.height > 0
    expected = people.join(segmentations, how="cross")
    assert expected.join(segments, on=expected.columns, how="anti").is_empty()


def test_segments_hold_the_people_that_the_summary_counts(published: Path) -> None:
    key = ["financial_year", "segmentation", "segment"]
    held = table(published, "person_year_segment").group_by(key).agg(pl.len().cast(pl.Int64).alias("people_count"))
    summary = table(published, "segment_summary")
    rules = table(published, "segment_rule").select("segmentation", "segment").unique()
    assert summary.height == rules.height * summary["financial_year"].n_unique()
    counted = summary.filter(pl.col("people_count") > 0).select(*key, "people_count")
    assert counted.sort(key).equals(held.sort(key))


def test_bands_of_year_of_care_are_those_of_its_list(published: Path) -> None:
    listed = table(published, "person_year_morbidity").filter(condition_list="year_of_care18")
    found = table(published, "person_year_segment").filter(segmentation="year_of_care18")
    both = listed.join(found, on=["financial_year", "person_id"], validate="1:1")
    assert both.height == listed.height > 0
    assert (both["list_band"] == both["segment"]).all()


def test_the_look_back_of_the_run_gives_the_counts_of_the_run(published: Path) -> None:
    key = ["financial_year", "condition_list", "count_band"]
    made = table(published, "morbidity_by_look_back").filter(look_back="5", source_scope="any")
    counts = table(published, "cost_by_condition_count")
    columns = [*key, "people_count", "people_share", "mean_total_pence", "sd_total_pence"]
    assert made.select(columns).sort(key).equals(counts.select(columns).sort(key))


def test_the_look_back_of_the_run_gives_the_conditions_of_the_run(published: Path) -> None:
    key = ["financial_year", "condition_code"]
    gp, hospital = pl.col("in_gp"), pl.col("in_hospital")
    held = (
        table(published, "person_year_condition")
        .group_by(key)
        .agg(
            pl.len().alias("people_count"),
            (gp & ~hospital).sum().alias("gp_only_count"),
            (hospital & ~gp).sum().alias("hospital_only_count"),
            (gp & hospital).sum().alias("both_count"),
            (~gp & ~hospital).sum().alias("mental_health_only_count"),
        )
        .with_columns(pl.exclude(key).cast(pl.Int64))
    )
    made = table(published, "condition_by_look_back").filter(pl.col("people_count") > 0, look_back="5")
    assert made.select(held.columns).sort(key).equals(held.sort(key))


def test_no_look_back_or_source_loses_anybody(published: Path) -> None:
    people = table(published, "person_year").group_by("financial_year").agg(pl.len().cast(pl.Int64).alias("people"))
    made = table(published, "morbidity_by_look_back")
    cells = made.group_by("financial_year", "condition_list", "look_back", "source_scope").agg(
        pl.col("people_count").sum()
    )
    lists = table(published, "condition_list")["condition_list"].n_unique()
    assert cells.height == people.height * lists * made["look_back"].n_unique() * made["source_scope"].n_unique()
    both = cells.join(people, on="financial_year", validate="m:1")
    assert (both["people_count"] == both["people"]).all()


def test_a_longer_look_back_never_knows_less(published: Path) -> None:
    """But for what a graver condition then hides, which the hierarchy names."""
    hidden = table(published, "condition_hierarchy")["suppresses_condition_code"]
    made = table(published, "condition_by_look_back").filter(~pl.col("condition_code").is_in(hidden.implode()))
    wide = made.pivot("look_back", index=["financial_year", "condition_code"], values="people_count")
    assert wide.height > 0
    assert wide.select(
        ((pl.col("1") <= pl.col("2")) & (pl.col("2") <= pl.col("5")) & (pl.col("5") <= pl.col("ever"))).all()
    ).item()
