"""What a reader of linked figures has to know of the linkage, in the order of the GUILD guidance.

Belongs here: the sections of the report, as text and tables of text, from what the store holds.
Does not belong here: how they are shown (`cli/linkage.py`); the figures themselves, which are tables.

Gilbert R. et al., GUILD: GUidance for Information about Linking Data sets. J Public Health 2018;40(1):191-198,
doi:10.1093/pubmed/fdx037. It asks for what providers of data, linkers, analysts and authors know: who is in the data
and how they came to be, identifiers and their quality, how records are linked, how much links and with which errors, in
whom the unlinked differ, and what that does to results.
"""

from pathlib import Path

import polars as pl

from assets.costing.linkage_index import findings, history, method, overlap
from assets.costing.linkage_page import Section, count, rate, share, table, text
from assets.costing.linkage_rates import bounds, differences, lowest, match_rates, meaning, reasons
from assets.costing.linkage_truth import errors
from pipelines.errors import LinkedCareError
from pipelines.store import Store
from schemas.financial_year import year_bounds


def linkage_years(store: Store) -> list[str]:
    """The financial years that can be reported.

    Raises:
        LinkedCareError: if none was built.
    """
    if years := store.years("linkage_bound"):
        return years
    raise LinkedCareError(f"{store.root}: linkage_bound is not built yet. Run `linked-care nightly`.")


def linkage_report(store: Store, landing: Path, year: str) -> list[Section]:
    """The report of a financial year; `landing` is asked for the truth that synthetic deliveries come with."""
    quality = store.frame("linkage_quality", year)
    bound = store.frame("linkage_bound", year)
    whole = quality.filter(pl.col("subgroup_type") == "all")
    return [
        _population(store, year),
        _identifiers(whole),
        method(store),
        findings(store),
        overlap(store, year),
        history(store),
        match_rates(bound),
        reasons(store.frame("cost_ledger", year)),
        bounds(bound),
        errors(store, landing, year),
        differences(store.frame("linkage_difference", year)),
        lowest(whole),
        meaning(),
    ]


def _population(store: Store, year: str) -> Section:
    first, last = year_bounds(year)
    people = store.require("person_year", year).rows
    complete = store.frame("feed_completeness", year).select("feed", "completeness")
    receipts = (
        store.frame("delivery_receipt")
        .filter(pl.col("period_end") >= first, pl.col("period_start") <= last)
        .group_by("feed")
        .agg(
            pl.len().alias("deliveries"),
            (pl.col("verdict") == "refused").sum().alias("refused"),
            pl.col("^(received|rejected|superseded|withdrawn|accepted)_rows$").sum(),
        )
        .join(complete, on="feed", how="left", validate="1:1")
        .sort("feed")
    )
    return Section(
        "Population and data",
        (
            f"Population: everybody on the register on at least one day of {year}, {people:,} people, with those who "
            "used nothing. Care counts if it falls in the year, whether or not its person is known.",
            "Rows are as suppliers extracted them; data_contracts/ says what each feed holds and in which form. Rows "
            "that break a rule are rejected, rows that a later delivery replaces are superseded, those of people on a "
            "withdrawal list withdrawn, deliveries that hold direct identifiers refused: none of these was linked. "
            "Deliveries are those whose period touches the year. Complete is the share that has come of what was due.",
        ),
        (
            "feed",
            "deliveries",
            "refused",
            "rows received",
            "rejected",
            "superseded",
            "withdrawn",
            "accepted",
            "complete",
        ),
        table(
            receipts,
            text("feed"),
            count("deliveries"),
            count("refused"),
            count("received_rows"),
            count("rejected_rows"),
            count("superseded_rows"),
            count("withdrawn_rows"),
            count("accepted_rows"),
            lambda row: "not due" if row["completeness"] is None else share(row["completeness"]),
        ),
    )


def _identifiers(whole: pl.DataFrame) -> Section:
    by_feed = (
        whole.group_by("feed")
        .agg(pl.col("record_count", "dummy_count", "unreliable_count").sum())
        .with_columns(
            dummy_share=pl.col("dummy_count") / pl.col("record_count"),
            unreliable_share=pl.col("unreliable_count") / pl.col("record_count"),
        )
        .sort("feed")
    )
    return Section(
        "Identifiers and their quality",
        (
            "A record carries one identifier, a pseudonym that its supplier made in its own domain; names, postcodes, "
            "dates of birth and NHS numbers are refused. How well a person was traced before the pseudonym was made is "
            "not known here: ask the supplier. What can be told is how many records name nobody, and how many carry an "
            "identifier that is not to be trusted.",
        ),
        ("feed", "records", "name nobody", "share", "not to be trusted", "share"),
        table(
            by_feed,
            text("feed"),
            count("record_count"),
            count("dummy_count"),
            rate("dummy_share"),
            count("unreliable_count"),
            rate("unreliable_share"),
        ),
    )
