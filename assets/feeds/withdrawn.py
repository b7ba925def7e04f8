"""Which identifiers must no longer be processed: those listed, and all that links connect to them.

Belongs here: the `withdrawn_identifier` table, and what of the lists withdraws nobody.
Does not belong here: removing rows (`withdrawal.py`); who is who (`assets/linkage`).
"""

import logging
from pathlib import Path

import polars as pl

from assets.feeds.current import judged_receipts
from assets.feeds.delivery import RefusedDeliveryError, landed, read_delivery
from assets.feeds.withdrawal import COUNCIL
from pipelines.build import build_frame
from pipelines.home import Home
from pipelines.store import Store, Stored, digest_of
from schemas.contract import contracts
from schemas.feeds import LINK_FEEDS, WITHDRAWN_IDENTIFIER

log = logging.getLogger(__name__)

_KEY = ["pseudonym_domain", "pseudonym"]


def build_withdrawn_identifier(store: Store) -> Stored:
    """Build `withdrawn_identifier` from the current lists and links."""
    return build_frame(store, WITHDRAWN_IDENTIFIER, digest_of(Path(__file__)), lambda: _withdrawn(store))


def _withdrawn(store: Store) -> pl.DataFrame:
    listed = _current(store, "person_withdrawal").select(_KEY).unique().collect()
    if listed.is_empty():
        return WITHDRAWN_IDENTIFIER.empty_frame()
    domain, survivor = _KEY
    mergers = _current(store, "person_merger").select(
        domain, pseudonym="superseded_pseudonym", other_domain=domain, other=survivor
    )
    bridges = _current(store, "person_bridge").select(
        pseudonym_domain="bridged_domain", pseudonym="bridged_pseudonym", other_domain=domain, other=survivor
    )
    nobody = store.frame("dummy_pseudonym")["pseudonym"].to_list()
    return connected(listed, pl.concat([mergers, bridges]).unique().collect(), nobody)


def _current(store: Store, feed: str) -> pl.LazyFrame:
    stored = store.require(feed)
    rows = pl.scan_parquet(store.paths(stored), glob=False, missing_columns="insert", extra_columns="ignore")
    if stored.without is None:
        return rows
    gone = pl.scan_parquet(store.root / stored.without, glob=False)
    return rows.join(gone, on=["delivery_id", "source_row"], how="anti")


def connected(listed: pl.DataFrame, links: pl.DataFrame, nobody: list[str]) -> pl.DataFrame:
    """Those listed and all that a chain of links, in either direction, leads to.

    Whether a link still counts is not asked: to remove too much is the lesser harm. Values that stand for nobody
    withdraw nobody and connect nobody: else one placeholder in a link would withdraw everybody who shares it.

    Args:
        listed: pseudonym_domain, pseudonym.
        links: pseudonym_domain, pseudonym, other_domain, other.
        nobody: values that stand for nobody, in any domain.
    """
    whole = links.filter(~pl.col("pseudonym").is_in(nobody) & ~pl.col("other").is_in(nobody))
    back = whole.select(pseudonym_domain="other_domain", pseudonym="other", other_domain=_KEY[0], other=_KEY[1])
    steps = pl.concat([whole, back])
    first = listed.filter(~pl.col("pseudonym").is_in(nobody))
    found, reached = first, first
    while not reached.is_empty():
        ends = steps.join(reached, on=_KEY, how="semi").select(pseudonym_domain="other_domain", pseudonym="other")
        reached = ends.unique().join(found, on=_KEY, how="anti")
        found = pl.concat([found, reached])
    return found.join(first.with_columns(how=pl.lit("listed")), on=_KEY, how="left").with_columns(
        pl.col("how").fill_null("linked")
    )


def warn_of_what_withdraws_nobody(home: Home) -> None:
    """Tell of what a list asks for in vain: rows in quarantine, placeholders, and domains that nothing comes in."""
    shelf = home.store.root / "person_withdrawal"
    rejected = sum(j.receipt.rows("rejected") for j in judged_receipts(shelf) if j.verdict == "accepted")
    if rejected:
        log.warning("person_withdrawal: %d rows of the current lists are in quarantine and withdraw nobody", rejected)
    withdrawn = home.store.frame(WITHDRAWN_IDENTIFIER.name)
    if withdrawn.is_empty():
        return
    by_how = dict(withdrawn.group_by("how").len().rows())
    log.info("%d identifiers are withdrawn, and %d linked to them", by_how["listed"], by_how.get("linked", 0))
    known = _domains(home)
    for domain, count in withdrawn.group_by("pseudonym_domain").len().sort("pseudonym_domain").rows():
        if domain not in known and not domain.startswith(COUNCIL):
            log.warning(
                "person_withdrawal: %d identifiers are of domain %s, in which nothing has come. Correct the"
                " pseudonym_domain of the list.",
                *(count, domain),
            )


def _domains(home: Home) -> set[str]:
    """Pseudonym domains of all deliveries but the lists and links."""
    found: set[str] = set()
    for feed in contracts():
        if feed in LINK_FEEDS:
            continue
        found.update(judged.receipt.pseudonym_domain for judged in judged_receipts(home.store.root / feed))
        for folder in landed(home.landing, feed):
            try:
                found.add(read_delivery(folder).pseudonym_domain)
            except RefusedDeliveryError:
                continue
    return found
