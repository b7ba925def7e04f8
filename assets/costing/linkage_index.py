"""The sections of the linkage report about the index: the method, what is odd about identifiers, what feeds share.

Belongs here: sections made of person_identifier, linkage_rule, linkage_finding, identifier_overlap, identifier_history.
Does not belong here: what links of the care (`linkage_rates.py`).
"""

import polars as pl

from assets.costing.linkage_page import Section, count, rate, table, text
from pipelines.store import Store

_REGISTER = "patient_register"


def method(store: Store) -> Section:
    """How an identifier comes to stand for a person, and by which rules it does not."""
    index = store.frame("person_identifier")
    how = index.group_by("pseudonym_domain", "how").agg(
        pl.len().alias("identifiers"), pl.col("person_id").n_unique().alias("people"), pl.col("step_count").max()
    )
    rules = store.frame("linkage_rule").sort("rule_code", "feed")
    told = "; ".join(_rule(rule) for rule in rules.iter_rows(named=True))
    return Section(
        "How records are linked",
        (
            "Deterministic and exact: a record links if its pseudonym, in its domain, stands for a person on the "
            "register, by itself or through links that suppliers sent (mergers within a domain, bridges between "
            "domains). Nothing is linked by likeness, so there are no weights and no thresholds.",
            f"Rules that keep an identifier from linking in a feed, or only report it: {told}.",
        ),
        ("domain", "how an identifier stands for its person", "identifiers", "people", "most links followed"),
        table(
            how.sort("pseudonym_domain", "how"),
            text("pseudonym_domain"),
            text("how"),
            count("identifiers"),
            count("people"),
            count("step_count"),
        ),
    )


def _rule(rule: dict) -> str:
    limit = "" if rule["most"] is None else f", limit {rule['most']}"
    return f"{rule['rule_code']} ({rule['action']}, feed {rule['feed']}{limit})"


def findings(store: Store) -> Section:
    """What is odd about identifiers, in counts."""
    return Section(
        "What is odd about identifiers",
        ("By rule, in all years. A finding unlinks the records of its identifiers or is reported only.",),
        ("finding", "feed", "domain", "action", "identifiers", "records"),
        table(
            store.frame("linkage_finding").sort("finding_code", "feed", "pseudonym_domain"),
            text("finding_code"),
            text("feed"),
            text("pseudonym_domain"),
            text("action"),
            count("identifier_count"),
            count("record_count"),
        ),
    )


def overlap(store: Store, year: str) -> Section:
    """How many identifiers of each feed are on the register."""
    shared = (
        store.frame("identifier_overlap", year)
        .filter(other_feed=_REGISTER, seen="year")
        .group_by("feed", "pseudonym_domain")
        .agg(
            pl.len().alias("providers"),
            pl.col("identifier_count", "shared_count").sum(),
            pl.col("overlap").min().alias("least"),
            pl.col("verdict").is_in(["warn", "refuse"]).sum().alias("warned"),
        )
        .with_columns(share=pl.col("shared_count") / pl.col("identifier_count"))
        .sort("feed", "pseudonym_domain")
    )
    return Section(
        "What feeds share with the register",
        (
            "Identifiers of the year, by feed and domain, that stand for somebody on the register. A provider near "
            "none uses another key, and the run stops; one under its limit is warned of.",
        ),
        ("feed", "domain", "providers", "identifiers", "on the register", "share", "least of a provider", "warned"),
        table(
            shared,
            text("feed"),
            text("pseudonym_domain"),
            count("providers"),
            count("identifier_count"),
            count("shared_count"),
            rate("share"),
            rate("least"),
            count("warned"),
        ),
    )


def history(store: Store) -> Section:
    """What the last change of the index changed, and for how many."""
    changes = store.frame("identifier_history")
    number = changes.select(pl.col("change_number").max()).item()
    last = changes.filter(change_number=number)
    return Section(
        "What changed in the index last",
        (f"Change {number}, in identifiers; the first change holds everything.",),
        ("domain", "change", "linked before", "linked since", "identifiers", "people since"),
        table(
            last.sort("pseudonym_domain", "kind", "how_before", "how_after"),
            text("pseudonym_domain"),
            text("kind"),
            text("how_before"),
            text("how_after"),
            count("identifier_count"),
            count("person_count_after"),
        ),
    )
