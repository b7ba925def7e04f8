"""How complete each feed is: what share of what was due in a year has come, and what is late or missing in a line.

Belongs here: adding up the calendar.
Does not belong here: what was expected, or came (`calendar.py`).
"""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from pipelines.build import build_frame
from pipelines.home import Home
from pipelines.store import Stored, digest_of
from schemas.activity import SETTING_OF_FEED
from schemas.feeds import FEED_COMPLETENESS

_DUE = ("delivered", "late", "missing")


def build_feed_completeness(home: Home, year: str, feeds: Iterable[str]) -> Stored:
    """Build a year of `feed_completeness` from the calendar."""
    return build_frame(
        home.store,
        FEED_COMPLETENESS,
        (sorted(feeds), SETTING_OF_FEED, digest_of(Path(__file__))),
        lambda: feed_completeness(home.store.frame("delivery_calendar"), year, feeds),
        year,
    )


def feed_completeness(calendar: pl.DataFrame, year: str, feeds: Iterable[str]) -> pl.DataFrame:
    """Which share of what was due in a year has come, for each feed, delivered or not."""
    due = calendar.filter(pl.col("expected") & (pl.col("financial_year") == year) & pl.col("status").is_in(_DUE))
    weight = pl.coalesce("usual_record_count", pl.col("usual_record_count").median().over("feed"), 1.0)
    has_come = pl.col("status") != "missing"
    by_feed = (
        due.with_columns(weight=weight)
        .group_by("feed")
        .agg(
            due_months=pl.col("activity_month").n_unique().cast(pl.Int32),
            expected_provider_months=pl.len().cast(pl.Int64),
            delivered_provider_months=has_come.sum().cast(pl.Int64),
            missing_provider_months=(~has_come).sum().cast(pl.Int64),
            expected_records=pl.col("weight").sum(),
            completeness=pl.col("weight").filter(has_come).sum() / pl.col("weight").sum(),
        )
    )
    every = pl.DataFrame({"feed": sorted(feeds)}).with_columns(
        financial_year=pl.lit(year), setting=pl.col("feed").replace_strict(SETTING_OF_FEED, default=None)
    )
    counts = pl.exclude(*FEED_COMPLETENESS.key, "financial_year", "setting", "completeness")
    return every.join(by_feed, on="feed", how="left").with_columns(counts.fill_null(0))


def gaps(calendar: pl.DataFrame) -> pl.DataFrame:
    """What is missing or late by feed, supplier and provider, the largest gap first.

    Returns:
        status, count of months, first and last of them, and the usual records of those months.
    """
    return (
        calendar.filter(pl.col("expected") & pl.col("status").is_in(["missing", "late"]))
        .group_by("status", "feed", "supplier", "provider_code")
        .agg(
            months=pl.len(),
            first_month=pl.col("activity_month").min(),
            last_month=pl.col("activity_month").max(),
            usual_records=pl.col("usual_record_count").sum(),
        )
        .sort("status", "usual_records", "feed", "supplier", "provider_code", descending=[True, True, *3 * [False]])
    )


def gaps_in_words(calendar: pl.DataFrame) -> str:
    """One line: how much is missing or late, and of whom most."""
    due = calendar.filter(pl.col("expected") & pl.col("status").is_in(_DUE))
    found = gaps(calendar)
    months = dict(found.group_by("status").agg(pl.col("months").sum()).rows())
    line = f"{due.height:,} months of providers were due: {months.get('missing', 0):,} missing, "
    line += f"{months.get('late', 0):,} came late"
    if found.is_empty():
        return line
    worst = found.row(0, named=True)
    return f"{line}; worst is {worst['feed']} of {worst['provider_code']}, {worst['months']:,} {worst['status']}"
