"""Rows that lose their person: to a dummy, to nothing, or to a stranger whom no register holds.

Belongs here: which of the clean rows, and what identifier they get. Every stranger has two records at least, since an
identifier with a single one is a case of its own. Not here: identifiers that are wrong for other reasons
(`fault_identifiers`), and rules that reject rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import identity
from synthetic.chance import stream
from synthetic.domains import COUNCIL_DOMAIN, OLD_DOMAIN, ROTATED_FEED, issued, rotation
from synthetic.fault_rules import ALL, DEFAULT
from synthetic.identifiers import COUNCIL_PERSON
from synthetic.layout import KIND, PERIOD, Feed
from synthetic.periods import Study
from synthetic.population import BLOCK
from synthetic.truth import CLEAN, DUMMY, NOT_REGISTERED, STAYS

DUMMY_SHARE, NOT_REGISTERED_SHARE = 0.0015, 0.0008
DUMMIES: dict[str, tuple[str | None, ...]] = {DEFAULT: (None, "1", "-1", "0", "INVALID", "9999999999", "UNKNOWN")}
DUMMIES[ALL] = (*DUMMIES[DEFAULT], "NULL", "0000000000", "1111111111")
_BLANK = (None, "NULL")  # of a council: not dummies, since its own number counts then
_COUNCIL_STRANGERS = 2_000
Identifiers = set[tuple[str, str]]


@dataclass(frozen=True)
class Chance:
    """How rows of a block lose their person.

    Attributes:
        blank_due: the first of the clean rows to lose its person has none.
    """

    seed: int
    block: int
    rate: float
    dummies: Sequence[str | None]
    blank_due: bool


def unlinked(
    feed: Feed, frame: pl.DataFrame, study: Study, chance: Chance
) -> tuple[pl.DataFrame, Identifiers, Identifiers]:
    """Some rows lose their person; stays and packages, whole. Also the strangers and dummies, each with its domain."""
    rng = stream(chance.seed, f"unlinked {feed.name}", chance.block)
    draw, stay = rng.random(frame.height), np.arange(frame.height)
    is_council = feed.name == "social_care_event"
    if feed.name in STAYS:
        stay = frame[STAYS[feed.name]].rank("dense").to_numpy().astype(int) - 1
        draw = draw[stay] / 12  # stays are few: enough of them must be unlinked to be seen
    clean = (frame[KIND] == CLEAN).to_numpy()
    dummies = [dummy for dummy in chance.dummies if not (is_council and dummy in _BLANK)]
    is_blank_due = chance.blank_due and not is_council and clean.any()
    blank = clean & (draw == draw[clean].min()) if is_blank_due else np.zeros(frame.height, bool)
    dummy = clean & (draw < DUMMY_SHARE * chance.rate) | blank
    which = np.where(blank, 0, rng.integers(0, len(dummies), frame.height))
    named = pl.Series(dummies, dtype=pl.String).gather(which)
    old = (frame[PERIOD] < rotation(study)).to_numpy() & (feed.name == ROTATED_FEED)
    # Strangers are none of the history: their two records must lie in the years that are asked about.
    free, below = clean & ~dummy & (frame[PERIOD] >= 0).to_numpy(), (DUMMY_SHARE + NOT_REGISTERED_SHARE) * chance.rate
    pairs = {
        domain: _pairs(np.where(free & where, draw, np.inf), stay, below)
        for domain, where in ((feed.domain, ~old), (OLD_DOMAIN, old))
    }
    strangers: Identifiers = set()
    for domain, pair in pairs.items():
        stranger = pair >= 0
        if stranger.any():
            named = named.scatter(
                np.flatnonzero(stranger), issued(domain, _unknown(chance.block, pair[stranger]), chance.seed)
            )
            strangers |= {(domain, name) for name in named.filter(pl.Series(stranger))}
    unknown = np.any([pair >= 0 for pair in pairs.values()], axis=0)
    lost = pl.Series(dummy | unknown)
    kind = np.select([dummy, unknown], [DUMMY, NOT_REGISTERED], frame[KIND].to_numpy()).astype(np.int8)
    changed = frame.with_columns(
        pl.when(lost).then(named).otherwise(pl.col(feed.pseudonym)).alias(feed.pseudonym), pl.Series(KIND, kind)
    )
    if is_council and lost.any():
        changed, more = _of_council(feed, changed, lost, pairs[feed.domain], chance)
        strangers = {(domain, name) for domain, name in strangers if name in changed[feed.pseudonym]} | more
    return changed, strangers, {(_domain(feed, is_old), name) for name, is_old in _named(named, dummy, old)}


def _domain(feed: Feed, is_old: bool) -> str:
    return OLD_DOMAIN if is_old else feed.domain


def _named(named: pl.Series, dummy: np.ndarray, old: np.ndarray) -> set[tuple[str, bool]]:
    """The dummies that are not blank, and whether each was planted under the old key."""
    return {(named[int(row)], bool(old[row])) for row in np.flatnonzero(dummy) if named[int(row)] is not None}


def _pairs(draw: np.ndarray, stay: np.ndarray, below: float) -> np.ndarray:
    """For each row the number of its stranger, or -1: those with a low draw, two records or stays to a stranger."""
    found = np.full(len(draw), -1)
    order = np.argsort(draw, kind="stable")
    order = order[: np.searchsorted(draw[order], np.inf)]
    _, first = np.unique(stay[order], return_index=True)
    units = stay[order][np.sort(first)]
    chosen = len(np.unique(stay[draw < below]))
    if not chosen or len(units) < 2:  # noqa: PLR2004
        return found
    units = units[: max(chosen, 2)]
    number = np.minimum(np.arange(len(units)) // 2, len(units) // 2 - 1)
    of_unit = np.full(stay.max() + 1, -1)
    of_unit[units] = number
    is_free = np.isfinite(draw)
    found[is_free] = of_unit[stay[is_free]]
    return found


def _unknown(block: int, number: np.ndarray) -> np.ndarray:
    """Numbers of persons of whom the register does not know."""
    return identity.UNKNOWN + np.int64(block) * 4 * BLOCK + number


def _of_council(
    feed: Feed, frame: pl.DataFrame, lost: pl.Series, pair: np.ndarray, chance: Chance
) -> tuple[pl.DataFrame, Identifiers]:
    """Who is not known has another number of the council; every other stranger has that number alone."""
    number = np.where(pair >= 0, pair, np.arange(len(pair)) + pair.max() + 1) % _COUNCIL_STRANGERS
    index = identity.UNKNOWN_COUNCIL + np.int64(chance.block) * _COUNCIL_STRANGERS + number
    numbers = issued(COUNCIL_DOMAIN, index, chance.seed)
    alone = pl.Series((pair >= 0) & (pair % 2 == 0))
    changed = frame.with_columns(
        pl.when(lost).then(numbers).otherwise(COUNCIL_PERSON).alias(COUNCIL_PERSON),
        pl.when(~alone).then(pl.col(feed.pseudonym)).alias(feed.pseudonym),
    )
    return changed, {(COUNCIL_DOMAIN, name) for name in numbers.filter(alone)}
