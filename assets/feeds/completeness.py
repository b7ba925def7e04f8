"""How complete each feed is: what share of what was due in a year has come.

Belongs here: adding up the calendar by feed and financial year.
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
