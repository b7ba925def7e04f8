"""The overlap gate: feeds under another key than the register are not joined to it.

Belongs here: stopping or warning by the verdicts of `identifier_overlap`, which is SQL.
Does not belong here: the limits, which are data (`assets/reference/overlap_limit.csv`).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from assets.parameters import RunParameters
from pipelines.build import build_sql
from pipelines.errors import LinkedCareError
from pipelines.store import Store, Stored
from schemas.contract import contracts
from schemas.overlap import IDENTIFIER_OVERLAP, OVERLAP_LIMIT

log = logging.getLogger(__name__)

REGISTER = "patient_register"
_ANY = "all"


def build_identifier_overlap(store: Store, year: str) -> Stored:
    """Count what feeds share with the register and with each other, and stop the run at near nothing.

    Raises:
        LinkedCareError: if the limits do not fit the feeds, or an overlap is below the least that is allowed.
    """
    refuse_unfit_limits(store.frame(OVERLAP_LIMIT.name))
    stored = build_sql(store, IDENTIFIER_OVERLAP, year, RunParameters.of(year).row())
    found = store.frame(IDENTIFIER_OVERLAP.name, year)
    for row in _in_order(found, "warn", once_by=("feed", "provider_code", "pseudonym_domain", "other_feed")):
        log.warning("identifier_overlap %s: %s; expected are %s", year, in_words(row), _share(row["warn_under"]))
    refuse_other_keys(found, year)
    return stored


def refuse_unfit_limits(limits: pl.DataFrame) -> None:
    """Limits that leave a feed without any, or name one that is unknown, would let everything pass.

    Raises:
        LinkedCareError: naming what is missing or unknown.
    """
    names = pl.concat([limits["feed"], limits["other_feed"]]).unique().sort()
    unknown = [name for name in names if name not in {*contracts(), _ANY}]
    if unknown:
        raise LinkedCareError(f"overlap_limit: {', '.join(unknown)} is no feed. Mend overlap_limit.csv.")
    if limits.filter(pl.all_horizontal(pl.col(OVERLAP_LIMIT.key) == _ANY)).is_empty():
        raise LinkedCareError("overlap_limit: no row is for all feeds, providers and domains. Mend overlap_limit.csv.")
    shares = ("refuse_under", "warn_under")
    if unfit := limits.filter(~pl.all_horizontal(pl.col(shares).is_between(0, 1))).height:
        raise LinkedCareError(f"overlap_limit: {unfit} rows have a limit outside 0 to 1. Mend overlap_limit.csv.")


def refuse_other_keys(found: pl.DataFrame, year: str) -> None:
    """Refuse a year in which identifiers were made under another key than those they would be joined with.

    Raises:
        LinkedCareError: naming the feed, provider, domain, month or year and share of the gravest.
    """
    refused = _in_order(found, "refuse")
    if not refused:
        return
    gravest = refused[0]
    others = f"; {len(refused) - 1} more in store/{IDENTIFIER_OVERLAP.name}" if len(refused) > 1 else ""
    raise LinkedCareError(
        f"identifier_overlap {year}: {in_words(gravest)}, at least {_share(gravest['refuse_under'])} must be{others}."
        " Nothing was published; ask the supplier for its key table (feed person_bridge), or for the month in which its"
        " key changed; to link without, give a lower limit in assets/reference/overlap_limit.csv."
    )


def in_words(row: Mapping[str, Any]) -> str:
    """What a row of `identifier_overlap` says, in counts."""
    if row["other_feed"] == REGISTER:
        when = "" if row["seen"] == "year" else f" last seen in {row['seen']}"
        return (
            f"{row['feed']}, provider {row['provider_code']}, domain {row['pseudonym_domain']}:"
            f" {row['shared_count']} of {row['identifier_count']} identifiers{when}"
            f" ({_share(row['overlap'])}) are on the register"
        )
    return (
        f"{row['feed']} and {row['other_feed']}: of {row['identifier_count']} and {row['other_identifier_count']}"
        f" people {row['shared_count']} ({_share(row['overlap'])} of the fewer) are in both"
    )


def _in_order(
    found: pl.DataFrame, verdict: str, once_by: Sequence[str] = IDENTIFIER_OVERLAP.key
) -> list[dict[str, Any]]:
    """The rows of a verdict: the register before pairs, whole years before months, many identifiers before few."""
    return (
        found.filter(pl.col("verdict") == verdict)
        .sort(
            pl.col("other_feed") != REGISTER,
            pl.col("seen") != "year",
            -pl.col("identifier_count"),
            *IDENTIFIER_OVERLAP.key,
        )
        .unique(once_by, keep="first", maintain_order=True)
        .to_dicts()
    )


def _share(share: float) -> str:
    return f"{share:.1%}"
