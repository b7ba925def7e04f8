"""Pseudonyms that do not name a person of the register: superseded by a merger, dummy, missing, or of strangers.

Belongs here: which pseudonym a clean row gets, and the kind of row that it then is. Not here: rules that reject rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from synthetic import columns, identity
from synthetic.chance import stream
from synthetic.fault_rules import ALL, DEFAULT
from synthetic.layout import PERIOD, Feed
from synthetic.periods import Period
from synthetic.population import BLOCK, People
from synthetic.register import Mergers
from synthetic.truth import CLEAN, DUMMY, MERGED, NOT_REGISTERED, STAYS

KIND = "__kind"
DUMMY_SHARE, NOT_REGISTERED_SHARE = 0.0015, 0.0008
DUMMIES: dict[str, tuple[str | None, ...]] = {DEFAULT: (None, "1", "-1", "0", "INVALID", "9999999999", "UNKNOWN")}
DUMMIES[ALL] = (*DUMMIES[DEFAULT], "NULL", "0000000000", "1111111111")
_CHAIN_GAP_DAYS = 29


def superseded_pseudonyms(
    feed: Feed, frame: pl.DataFrame, people: People, merged: Mergers, periods: Mapping[int, Period]
) -> pl.DataFrame:
    """Deliveries for periods that ended before a merger carry the pseudonym of their day."""
    ends = pl.DataFrame(
        {PERIOD: list(periods), "ends": [p.end for p in periods.values()]},
        schema={PERIOD: pl.Int16, "ends": pl.Int32},
    )
    old = pl.DataFrame(
        {
            feed.pseudonym: columns.text(people.pseudonym[merged.person]),
            "older": columns.text(merged.older),
            "oldest": columns.text(merged.oldest),
            "merged_on": merged.merged_on.astype(np.int32),
        }
    )
    chain = (pl.col("oldest") != "0") & (pl.col("ends") < pl.col("merged_on") - _CHAIN_GAP_DAYS)
    before = (pl.col("ends") < pl.col("merged_on")).fill_null(False)
    then = pl.when(chain.fill_null(False)).then(pl.col("oldest")).when(before).then(pl.col("older"))
    joined = frame.join(old, on=feed.pseudonym, how="left", maintain_order="left").join(
        ends, on=PERIOD, how="left", maintain_order="left"
    )
    return joined.with_columns(
        then.otherwise(pl.col(feed.pseudonym)).alias(feed.pseudonym),
        pl.when(before).then(pl.lit(MERGED, dtype=pl.Int8)).otherwise(pl.col(KIND)).alias(KIND),
    ).select(frame.columns)


def unlinked(
    feed: Feed,
    frame: pl.DataFrame,
    block: int,
    seed: int,
    rate: float,
    dummies: Sequence[str | None],
    *,
    blank_due: bool,
) -> pl.DataFrame:
    """Some rows lose their person: to a dummy, or to a pseudonym that no register holds; ward stays, whole.

    Where a blank is due, the first of the clean rows to lose its person has none: the first of the `dummies`.
    """
    rng = stream(seed, f"unlinked {feed.name}", block)
    draw = rng.random(frame.height)
    if feed.name == STAYS:
        stay = frame["UniqWardStayID"].rank("dense").to_numpy().astype(int) - 1
        draw = draw[stay] / 12  # stays are few: enough of them must be unlinked to be seen
    clean = (frame[KIND] == CLEAN).to_numpy()
    blank = clean & (draw == draw[clean].min()) if blank_due and clean.any() else np.zeros(frame.height, bool)
    dummy = clean & (draw < DUMMY_SHARE * rate) | blank
    unknown = clean & ~dummy & (draw < (DUMMY_SHARE + NOT_REGISTERED_SHARE) * rate)
    number = identity.UNKNOWN + np.int64(block) * 4 * BLOCK + rng.integers(0, BLOCK, frame.height)
    strangers = columns.text(identity.pseudonyms(number, seed))
    which = np.where(blank, 0, rng.integers(0, len(dummies), frame.height))
    named = pl.Series(dummies, dtype=pl.String).gather(which)
    return frame.with_columns(
        pl.when(pl.Series(dummy))
        .then(named)
        .when(pl.Series(unknown))
        .then(strangers)
        .otherwise(pl.col(feed.pseudonym))
        .alias(feed.pseudonym),
        pl.when(pl.Series(dummy))
        .then(pl.lit(DUMMY, dtype=pl.Int8))
        .when(pl.Series(unknown))
        .then(pl.lit(NOT_REGISTERED, dtype=pl.Int8))
        .otherwise(pl.col(KIND))
        .alias(KIND),
    )
