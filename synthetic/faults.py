"""Planting defects on the clean county, and counting each one as it is planted.

First pseudonyms: merged, dummy, not registered. Then rows that break one rule, and exact repeats. No row receives two
defects. With `faults="none"` the rows pass through and only the natural supersession is counted. Whole deliveries are
in `fault_deliveries`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import columns, identity
from synthetic.chance import Rng, stream
from synthetic.fault_deliveries import Plan
from synthetic.fault_rules import FAULTS, Value
from synthetic.layout import PERIOD, Feed
from synthetic.periods import Period
from synthetic.population import BLOCK, People
from synthetic.register import Mergers
from synthetic.truth import CLEAN, DUMMY, MERGED, NOT_REGISTERED, STAYS, Truth

KIND = "__kind"
REJECTED_SHARE = {
    "mh_ward_stay": 0.03,
    "mh_diagnosis": 0.01,
    "social_care_event": 0.006,
    "person_merger": 0.06,
    "patient_register": 0.001,
}
REJECTED_USUALLY = 0.003
DUPLICATE_SHARE = {"mh_ward_stay": 0.02, "person_merger": 0.02, "patient_register": 0.0005}
DUPLICATE_USUALLY = 0.001
DUMMY_SHARE, NOT_REGISTERED_SHARE = 0.0015, 0.0008
CHANGED_SHARE = 0.02
DUMMIES = (None, "1", "-1", "0", "INVALID", "9999999999", "UNKNOWN")
_CHAIN_GAP_DAYS = 29
_STRANGERS = identity.UNKNOWN + 10**9
_REGISTER = ("patient_register", "person_merger")
# The column that differs when a delivery is sent again.
_CHANGED = {
    "op_attendance": "Grand_Total_Payment_MFF",
    "gp_prescription": "ItemActualCost",
    "community_contact": "CareContact_Duration",
    "apc_spell": "Grand_Total_Payment_MFF",
    "social_care_event": "Unit Cost",
}


@dataclass(frozen=True)
class Part:
    """The rows of one block that belong to one period of a feed, and what kind each row is (clean, dummy, ...)."""

    feed: Feed
    position: int
    period: Period
    block: int
    rows: pl.DataFrame
    kind: pl.Series


class Planter:
    """Turns the clean rows of one block into the rows of each delivery."""

    def __init__(self, faults: str, seed: int, plan: Plan, truth: Truth) -> None:
        self.active, self.seed, self.plan, self.truth = faults != "none", seed, plan, truth
        self.chains: set[str] = set()

    def deliveries(
        self, feed: Feed, frame: pl.DataFrame, people: People, merged: Mergers, periods: dict[int, Period]
    ) -> Iterator[tuple[int, int, pl.DataFrame]]:
        """Position of the period, version and rows of every delivery that this block contributes to."""
        frame = frame.with_columns(pl.lit(CLEAN, dtype=pl.Int8).alias(KIND))
        if self.active and feed.name not in _REGISTER:
            self.chains.update(str(number) for number in merged.oldest if number)
            frame = self._merged(feed, frame, people, merged, periods)
            frame = self._unlinked(feed, frame, people.block)
        last = max(periods)
        for (position,), rows in frame.partition_by(
            PERIOD, as_dict=True, include_key=False, maintain_order=True
        ).items():
            part = Part(feed, position, periods[position], people.block, rows.drop(KIND), rows[KIND])
            if feed.rhythm == "snapshot" and position < last:
                self.truth.superseded[feed.name] += rows.height
            elif feed.name not in (STAYS, *_REGISTER):
                self.truth.current_rows(feed.name, part.rows[feed.pseudonym], part.kind)
            if self.active:
                yield from self._planted(part)
                continue
            if feed.name == STAYS:
                self.truth.accepted_stays(position, part.rows, part.kind)
            yield position, 1, part.rows

    def _planted(self, part: Part) -> Iterator[tuple[int, int, pl.DataFrame]]:
        """One delivery with its planted rows, and the same without them where it is sent again."""
        feed, position = part.feed, part.position
        rng = stream(self.seed, f"faults {feed.name}", part.block, position + 1)
        if feed.name in _REGISTER:
            yield position, 1, self._with_extra_rows(rng, part)
            return
        rows, spoiled = self._spoiled(rng, part)
        repeats = self._repeats(rng, part, np.flatnonzero((part.kind == CLEAN).to_numpy() & ~spoiled))
        if feed.name == STAYS:
            self.truth.accepted_stays(position, part.rows.filter(~spoiled), part.kind.filter(~spoiled))
        version = self.plan.first_version(feed.name, position)
        yield position, version, pl.concat([rows, as_text(repeats, like=rows)])
        if self.plan.sent_again(feed.name, position):
            self.truth.superseded[feed.name] += part.rows.height - int(spoiled.sum())
            yield position, version + 1, self._changed(rng, part)

    def _merged(
        self, feed: Feed, frame: pl.DataFrame, people: People, merged: Mergers, periods: dict[int, Period]
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

    def _unlinked(self, feed: Feed, frame: pl.DataFrame, block: int) -> pl.DataFrame:
        """Some rows lose their person: to a dummy, or to a pseudonym that no register holds; ward stays, whole."""
        rng = stream(self.seed, f"unlinked {feed.name}", block)
        draw = rng.random(frame.height)
        if feed.name == STAYS:
            stay = frame["UniqWardStayID"].rank("dense").to_numpy().astype(int) - 1
            draw = draw[stay] / 12  # stays are few: enough of them must be unlinked to be seen
        clean = (frame[KIND] == CLEAN).to_numpy()
        dummy = clean & (draw < DUMMY_SHARE)
        unknown = clean & ~dummy & (draw < DUMMY_SHARE + NOT_REGISTERED_SHARE)
        number = identity.UNKNOWN + np.int64(block) * 4 * BLOCK + rng.integers(0, BLOCK, frame.height)
        strangers = columns.text(identity.pseudonyms(number, self.seed))
        dummies = pl.Series(DUMMIES, dtype=pl.String).gather(rng.integers(0, len(DUMMIES), frame.height))
        return frame.with_columns(
            pl.when(pl.Series(dummy))
            .then(dummies)
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

    def _spoiled(self, rng: Rng, part: Part) -> tuple[pl.DataFrame, np.ndarray]:
        """The rows with each fault of the catalogue planted on a few clean ones, and which those are."""
        feed, rows = part.feed.name, part.rows
        each = REJECTED_SHARE.get(feed, REJECTED_USUALLY) * rows.height / len(FAULTS[feed])
        free, spoiled = (part.kind == CLEAN).to_numpy().copy(), np.zeros(rows.height, bool)
        for fault in FAULTS[feed]:
            qualifies = free & fault.qualifies(part.rows, part.period)
            chosen = _few(rng, np.flatnonzero(qualifies), each)
            if len(chosen):
                rows = replaced(rows, fault.column, chosen, fault.spoil(part.rows[chosen], part.period))
                free[chosen], spoiled[chosen] = False, True
                self.truth.rejected[feed][fault.rule] += len(chosen)
        return rows, spoiled

    def _repeats(self, rng: Rng, part: Part, candidates: np.ndarray) -> pl.DataFrame:
        """Exact repeats of a few rows. Without a record key, equal rows are equal events, so nothing is repeated."""
        feed = part.feed.name
        share = DUPLICATE_SHARE.get(feed, DUPLICATE_USUALLY) if has_record_key(feed) else 0.0
        chosen = _few(rng, candidates, share * part.rows.height)
        self.truth.duplicate[feed] += len(chosen)
        return part.rows[chosen]

    def _with_extra_rows(self, rng: Rng, part: Part) -> pl.DataFrame:
        """Snapshots keep every good row and gain bad ones about strangers: a register must lose nobody."""
        feed, everyone = part.feed, np.arange(part.rows.height)
        extra = part.rows[_few(rng, everyone, REJECTED_SHARE[feed.name] * len(everyone))]
        number = _STRANGERS + (np.int64(part.block) * 64 + part.position) * BLOCK + np.arange(extra.height)
        extra = extra.with_columns(columns.text(identity.pseudonyms(number, self.seed)).alias(feed.pseudonym))
        spoiled, catalogue = as_text(extra), FAULTS[feed.name]
        for i, choice in enumerate(rng.integers(0, len(catalogue), extra.height)):
            fault = catalogue[choice]
            spoiled = replaced(spoiled, fault.column, np.array([i]), fault.spoil(extra[i], part.period))
            self.truth.rejected[feed.name][fault.rule] += 1
        return pl.concat([as_text(part.rows), spoiled, as_text(self._repeats(rng, part, everyone))])

    def _changed(self, rng: Rng, part: Part) -> pl.DataFrame:
        """The delivery as sent again: no planted rows, and a few values corrected."""
        column, rows = _CHANGED[part.feed.name], part.rows
        corrected = pl.Series(rng.random(rows.height) < CHANGED_SHARE)
        value = pl.col(column) + 5 if rows.schema[column] == pl.Int32 else (pl.col(column) * 1.02).round(2)
        return rows.with_columns(pl.when(corrected).then(value).otherwise(pl.col(column)).alias(column))


def _few(rng: Rng, candidates: np.ndarray, expected: float) -> np.ndarray:
    """A Poisson number of the candidates, in their order."""
    return np.sort(rng.choice(candidates, min(int(rng.poisson(expected)), len(candidates)), replace=False))


def has_record_key(feed: str) -> bool:
    """Whether a repeated row can be told from two equal events: the feed has a record key."""
    return feed not in ("gp_coded_event", "gp_prescription", "mh_diagnosis", "social_care_event")


def as_text(frame: pl.DataFrame, like: pl.DataFrame | None = None) -> pl.DataFrame:
    """Columns as they would be written to CSV; with `like`, only those that are text there."""
    chosen = [
        name
        for name, kind in frame.schema.items()
        if kind != pl.String and (like is None or like.schema[name] == pl.String)
    ]
    return frame.with_columns(_rendered(frame[name]) for name in chosen)


def _rendered(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Float64:
        return series.round(2).cast(pl.Decimal(14, 2)).cast(pl.String)
    return series.cast(pl.String)


def replaced(frame: pl.DataFrame, column: str, rows: np.ndarray, values: list[Value]) -> pl.DataFrame:
    """The frame with new values in some rows of a column; a column that takes in text becomes text."""
    series = frame[column]
    if series.dtype != pl.String and (any(isinstance(value, str) for value in values)):
        series = _rendered(series)
    return frame.with_columns(series.scatter(pl.Series(rows), pl.Series(values, dtype=series.dtype)).alias(column))
