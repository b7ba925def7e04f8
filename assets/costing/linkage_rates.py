"""The sections of the linkage report that hold its results: what links, what does not, in whom, and the bounds.

Belongs here: sections made of linkage_quality, linkage_difference, linkage_bound and the ledger.
Does not belong here: the data and the method behind them (`linkage_report.py`).
"""

import polars as pl

from assets.costing.linkage_page import Section, count, money, per_person, rate, share, table, text
from schemas.activity import UNLINKED
from schemas.linkage_quality import LARGE_DIFFERENCE

FEWEST_RECORDS = 20  # below it a share of records is chance, and a list of the worst is one of the smallest
LONGEST_LIST = 10


def match_rates(bound: pl.DataFrame) -> Section:
    """How much links, by feed, with the bounds of its cost."""
    feeds = bound.filter((pl.col("feed") != "all") | (pl.col("setting") == "total"))
    return Section(
        "Match rates",
        (
            "Share of records, people and pounds that links. People are persons where linked and identifiers where not;"
            " records that name nobody are in no count of people. Pounds are as priced, unlinked care like linked. The "
            "bounds are the cost per registered person if none, or all, of the unlinked cost belonged to the register.",
        ),
        ("setting", "feed", "records", "matched", "people", "matched", "cost", "matched", "lower bound", "upper bound"),
        table(
            _in_order(feeds),
            text("setting"),
            text("feed"),
            count("record_count"),
            rate("record_match_rate"),
            count("identified_count"),
            rate("people_match_rate"),
            money("cost_pence"),
            lambda row: "" if row["cost_pence"] is None else share(row["cost_match_rate"]),
            per_person("lower_pence_per_person"),
            per_person("upper_pence_per_person"),
        ),
        is_brief=True,
    )


def _in_order(bound: pl.DataFrame) -> pl.DataFrame:
    last = {"codes": 1, "total": 2}
    place = pl.col("setting").replace_strict(last, default=0, return_dtype=pl.Int64)
    return bound.sort(place, "setting", "feed")


def reasons(ledger: pl.DataFrame) -> Section:
    """For which reasons care does not link."""
    order = {code: place for place, code in enumerate(UNLINKED)}
    unlinked = (
        ledger.filter(pl.col("stage") == "linkage", pl.col("status").is_in(list(UNLINKED)))
        .group_by("feed", "status")
        .agg(pl.col("record_count", "cost_pence").sum())
        .filter(pl.col("record_count") > 0)
        .sort(pl.col("status").replace_strict(order, return_dtype=pl.Int64), "feed")
    )
    return Section(
        "Why care does not link",
        (
            "The first reason that holds, in this order: "
            + "; ".join(f"{code}, {why}" for code, why in UNLINKED.items())
            + ".",
        ),
        ("reason", "feed", "records", "cost"),
        table(unlinked, text("status"), text("feed"), count("record_count"), money("cost_pence")),
        is_brief=True,
    )


def bounds(bound: pl.DataFrame) -> Section:
    """The cost per registered person if none or all of the unlinked care was theirs."""
    settings = bound.filter(pl.col("feed") == "all", pl.col("setting") != "codes")
    return Section(
        "Bounds on the cost per registered person",
        (
            "The figure as linked is the lower bound: it is right if the unlinked care was that of strangers. The upper"
            " bound is right if all of it was that of registered people. Cost that links to people who are registered "
            "on no day of the year is in neither.",
        ),
        ("setting", "linked", "outside the register", "unlinked", "people", "lower bound", "upper bound", "gap"),
        table(
            _in_order(settings),
            text("setting"),
            money("linked_pence"),
            money("outside_register_pence"),
            money("unlinked_pence"),
            count("people_count"),
            per_person("lower_pence_per_person"),
            per_person("upper_pence_per_person"),
            lambda row: _gap(row["lower_pence_per_person"], row["upper_pence_per_person"]),
        ),
        is_brief=True,
    )


def _gap(lower: float | None, upper: float | None) -> str:
    return "" if not lower or upper is None else f"+{upper / lower - 1:.2%}"


def differences(differences: pl.DataFrame) -> Section:
    """In whom unlinked care differs most."""
    # A feed of which nothing links has nobody to compare with.
    compared = differences.filter(pl.col("unlinked_total_count") >= FEWEST_RECORDS, pl.col("linked_total_count") > 0)
    size = pl.max_horizontal(pl.col("standardised_difference", "cost_standardised_difference").abs())
    largest = compared.sort(
        "is_large", size, "feed", "characteristic", "level", descending=[True, True, False, False, False]
    )
    large = compared.filter(pl.col("is_large")).height
    return Section(
        "Linked and unlinked compared",
        (
            f"By what the records themselves say. {large} of {compared.height} levels differ by more than "
            f"{LARGE_DIFFERENCE} standard deviations (Austin 2009), of feeds with at least {FEWEST_RECORDS} unlinked "
            f"records. Shown are the {LONGEST_LIST} largest; linkage_difference has them all.",
        ),
        ("feed", "characteristic", "level", "linked", "of", "unlinked", "of", "difference", "by cost"),
        table(
            largest.head(LONGEST_LIST),
            text("feed"),
            text("characteristic"),
            text("level"),
            rate("linked_share"),
            count("linked_total_count"),
            rate("unlinked_share"),
            count("unlinked_total_count"),
            lambda row: _signed(row["standardised_difference"]),
            lambda row: _signed(row["cost_standardised_difference"]),
        ),
        is_brief=True,
    )


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"


def lowest(whole: pl.DataFrame) -> Section:
    """The months of providers that link least."""
    months = whole.filter(pl.col("record_count") >= FEWEST_RECORDS, pl.col("record_match_rate") < 1)
    lowest = months.sort("record_match_rate", "feed", "provider_code", "activity_month").head(LONGEST_LIST)
    return Section(
        "Months of providers that link least",
        (f"Of those with at least {FEWEST_RECORDS} records. A month that stands out is a delivery to ask about.",),
        ("feed", "provider", "month", "records", "matched", "people matched", "cost matched"),
        table(
            lowest,
            text("feed"),
            text("provider_code"),
            lambda row: f"{row['activity_month']:%Y-%m}",
            count("record_count"),
            rate("record_match_rate"),
            rate("people_match_rate"),
            lambda row: "" if row["cost_pence"] is None else share(row["cost_match_rate"]),
        ),
        is_brief=True,
    )


def meaning() -> Section:
    """What missed and false links do to results."""
    return Section(
        "What this means for results",
        (
            "A missed link leaves care with nobody: people look healthier and cheaper, and means fall, at most by what "
            "the bounds show. Where one group is missed more often than another, a comparison of the two is biased. "
            "A false link gives one person the care and conditions of another: means stay and the spread changes, so "
            "that counts of conditions, concentration and explained variance are distorted. Under exact linkage false "
            "links come from pseudonyms that stand for several people and from wrong mergers and bridges.",
            "Figures of this release are as linked: nothing is imputed, weighted or scaled up for what does not link. "
            "Beside a figure, report the match rates of its setting by people and by pounds, its bounds, and in whom "
            "unlinked care differs. Where the bounds are wide, or groups that are compared differ, repeat the analysis "
            "with the unlinked care given to the register in proportion.",
        ),
        is_brief=True,
    )
