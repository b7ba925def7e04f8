"""Missed and false links of synthetic care, by records and pounds, against the truth that the generator wrote.

Belongs here: holding the index, as the feeds use it, against `truth_identifier.parquet`.
Does not belong here: how good the index is by identifier and case; real deliveries, of which nobody knows the truth.
"""

from pathlib import Path

import polars as pl

from assets.costing.linkage_page import Section, count, money, rate, table, text
from pipelines.store import Store
from schemas.activity import FEEDS_OF_CARE

TRUTH = "truth_identifier.parquet"
_IDENTIFIER = ["pseudonym_domain", "pseudonym"]
_RECORD = ["delivery_id", "source_row"]
_ERRORS = ("missed", "false")


def errors(store: Store, landing: Path, year: str) -> Section:
    """What missed and false links are, and how much there is of them where the truth is known."""
    title = "Missed and false links"
    meaning = (
        "A missed link is care of somebody on the register that is nobody's; a false link is care that is somebody "
        "else's. Only the truth tells them: of real deliveries nobody has it, and the bounds, the differences and the "
        "reasons above are what can be known."
    )
    if not (landing / TRUTH).exists():
        return Section(title, (meaning,), is_brief=True)
    found = missed_and_false(store, pl.read_parquet(landing / TRUTH), year)
    return Section(
        title,
        (
            meaning,
            f"These deliveries are synthetic, and {TRUTH} says whom each identifier stands for. Held against it, by "
            "feed; shares are of all records of the feed of whose identifier the truth is known.",
        ),
        ("feed", "records", "missed", "share", "cost", "false", "share", "cost"),
        table(
            found,
            text("feed"),
            count("record_count"),
            count("missed_count"),
            rate("missed_share"),
            money("missed_pence"),
            count("false_count"),
            rate("false_share"),
            money("false_pence"),
        ),
        is_brief=True,
    )


def missed_and_false(store: Store, truth: pl.DataFrame, year: str) -> pl.DataFrame:
    """Records and pence of each feed that are nobody's or somebody else's, and shouldn't be.

    A row of the truth with a feed holds in that feed alone and goes before the row that holds everywhere. Identifiers
    of which the truth says nothing are not judged.
    """
    judged = _judged(store, truth, year)
    wrong = judged.filter(pl.col("error").is_not_null())
    pence = [_pence(store, wrong, feed, year) for feed in FEEDS_OF_CARE]
    by_feed = judged.group_by("feed").agg(
        pl.col("record_count").sum(),
        *(pl.col("record_count").filter(error=error).sum().alias(f"{error}_count") for error in _ERRORS),
    )
    return (
        by_feed.join(pl.concat(pence), on="feed", how="left", validate="1:1")
        .with_columns((pl.col(f"{error}_count") / pl.col("record_count")).alias(f"{error}_share") for error in _ERRORS)
        .sort("feed")
    )


def _judged(store: Store, truth: pl.DataFrame, year: str) -> pl.DataFrame:
    """Each identifier that a feed uses, with the error that its records are in, if any."""
    index = store.frame("person_identifier").select(*_IDENTIFIER, "person_id")
    register = pl.scan_parquet(store.paths(store.require("patient_register")), glob=False)
    home = register.select("pseudonym_domain").unique().collect()
    # Whoever the index says the true person's own pseudonym on the register is.
    anchor = index.join(home, on="pseudonym_domain", how="semi").select(
        pl.col("pseudonym").alias("person"), pl.col("person_id").alias("true_person_id")
    )
    excluded = store.frame("identifier_exclusion").select("feed", *_IDENTIFIER, is_excluded=pl.lit(True))
    here, everywhere = truth.filter(pl.col("feed").is_not_null()), truth.filter(pl.col("feed").is_null())
    made = pl.when(pl.col("is_excluded").is_null()).then("person_id")
    true = pl.col("true_person_id")
    return (
        store.frame("identifier_use", year)
        .group_by("feed", *_IDENTIFIER)
        .agg(pl.col("record_count").sum())
        .join(_told(here, "here"), on=["feed", *_IDENTIFIER], how="left", validate="1:1")
        .join(_told(everywhere, "everywhere").drop("feed"), on=_IDENTIFIER, how="left", validate="m:1")
        .filter(pl.col("is_here") | pl.col("is_everywhere"))
        .with_columns(person=pl.when("is_here").then("person_here").otherwise("person_everywhere"))
        .join(anchor, on="person", how="left")
        .join(index, on=_IDENTIFIER, how="left", validate="m:1")
        .join(excluded, on=["feed", *_IDENTIFIER], how="left", validate="1:1")
        .with_columns(
            error=pl.when(made.is_null() & true.is_not_null())
            .then(pl.lit("missed"))
            .when(made.is_not_null() & made.ne_missing(true))
            .then(pl.lit("false"))
        )
        .select("feed", *_IDENTIFIER, "record_count", "error")
    )


def _told(truth: pl.DataFrame, name: str) -> pl.DataFrame:
    return truth.select(
        "feed", *_IDENTIFIER, pl.col("person").alias(f"person_{name}"), pl.lit(True).alias(f"is_{name}")
    )


def _pence(store: Store, wrong: pl.DataFrame, feed: str, year: str) -> pl.DataFrame:
    """Cost of the records of a feed whose identifier is wrong; records that were superseded have none."""
    records = pl.scan_parquet(store.paths(store.require(feed)), glob=False)
    if feed == "social_care_event":  # without pseudonym, the council's own number counts
        records = records.with_columns(
            pseudonym_domain=pl.when(pl.col("pseudonym").is_null())
            .then(pl.concat_str(pl.lit("council_"), "council_code"))
            .otherwise("pseudonym_domain"),
            pseudonym=pl.coalesce("pseudonym", "council_person_id"),
        )
    costs = pl.scan_parquet(store.paths(store.require("activity_cost", year)), glob=False).filter(feed=feed)
    here = wrong.lazy().filter(feed=feed).select(*_IDENTIFIER, "error")
    return (
        records.select(*_RECORD, *_IDENTIFIER)
        .join(here, on=_IDENTIFIER)
        .join(costs.select(*_RECORD, "cost_pence"), on=_RECORD)
        .select(
            pl.lit(feed).alias("feed"),
            *(pl.col("cost_pence").filter(error=error).sum().alias(f"{error}_pence") for error in _ERRORS),
        )
        .collect()
    )
