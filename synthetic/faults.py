"""Planting defects on the clean county, and counting each one as it is planted.

First pseudonyms: merged, dummy, not registered. Then rows that break one rule, and exact repeats. No row receives two defects. With
`faults="none"` the rows pass through and only the natural supersession is counted. Whole deliveries are in `fault_deliveries`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import polars as pl

from synthetic import columns, identity
from synthetic.chance import Rng, stream
from synthetic.fault_deliveries import Plan
from synthetic.fault_rules import FAULTS
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
_REGISTER = ("patient_register", "person_merger")
# The column that differs when a delivery is sent again.
_CHANGED = {
    "op_attendance": "Grand_Total_Payment_MFF", "gp_prescription": "ItemActualCost", "community_contact": "CareContact_Duration",
    "apc_spell": "Grand_Total_Payment_MFF", "social_care_event": "Unit Cost",
}  # fmt: skip


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
        for (position,), part in frame.partition_by(
            PERIOD, as_dict=True, include_key=False, maintain_order=True
        ).items():
            kind, part = part[KIND], part.drop(KIND)
            if feed.rhythm == "snapshot" and position < last:
                self.truth.superseded[feed.name] += part.height
            elif feed.name not in (STAYS, *_REGISTER):
                self.truth.current_rows(feed.name, part[feed.pseudonym], kind)
            if not self.active:
                if feed.name == STAYS:
                    self.truth.accepted_stays(position, part, kind)
                yield position, 1, part
                continue
            yield from self._planted(feed, position, part, kind, periods[position], people.block)

    def _planted(
        self, feed: Feed, position: int, part: pl.DataFrame, kind: pl.Series, period: Period, block: int
    ) -> Iterator[tuple[int, int, pl.DataFrame]]:
        """One delivery with its planted rows, and the same without them where it is sent again."""
        rng = stream(self.seed, f"faults {feed.name}", block, position + 1)
        if feed.name in _REGISTER:
            yield position, 1, self._with_extra_rows(rng, feed, part, period, block, position)
            return
        spoiled, repeats = self._spoiled(rng, feed, part, (kind == CLEAN).to_numpy(), period)
        if feed.name == STAYS:
            accepted = ~self._spoiled_rows
            self.truth.accepted_stays(position, part.filter(accepted), kind.filter(accepted))
        version = self.plan.first_version(feed.name, position)
        yield position, version, pl.concat([spoiled, repeats.cast(spoiled.schema) if feed.format == "parquet" else
                                            as_text(repeats, spoiled)])  # fmt: skip
        if self.plan.sent_again(feed.name, position):
            self.truth.superseded[feed.name] += part.height - int(self._spoiled_rows.sum())
            yield position, version + 1, self._changed(rng, feed.name, part)

    def _merged(
        self, feed: Feed, frame: pl.DataFrame, people: People, merged: Mergers, periods: dict[int, Period]
    ) -> pl.DataFrame:
        """Deliveries for periods that ended before a merger carry the pseudonym of their day."""
        ends = pl.DataFrame(
            {PERIOD: list(periods), "ends": [p.end for p in periods.values()]},
            schema={PERIOD: pl.Int16, "ends": pl.Int32},
        )
        old = pl.DataFrame({
            feed.pseudonym: columns.text(people.pseudonym[merged.person]), "older": columns.text(merged.older),
            "oldest": columns.text(merged.oldest), "merged_on": merged.merged_on.astype(np.int32),
        })  # fmt: skip
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
        """Some rows lose their person: to a dummy, or to a pseudonym that no register holds. All rows of a ward stay go together."""
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
            pl.when(pl.Series(dummy)).then(dummies).when(pl.Series(unknown)).then(strangers).otherwise(pl.col(feed.pseudonym)).alias(feed.pseudonym),
            pl.when(pl.Series(dummy)).then(pl.lit(DUMMY, dtype=pl.Int8)).when(pl.Series(unknown)).then(pl.lit(NOT_REGISTERED, dtype=pl.Int8))
            .otherwise(pl.col(KIND)).alias(KIND),
        )  # fmt: skip

    def _spoiled(
        self, rng: Rng, feed: Feed, part: pl.DataFrame, free: np.ndarray, period: Period
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows with each fault planted on a few free ones, and exact repeats of a few others."""
        catalogue = FAULTS[feed.name]
        each = REJECTED_SHARE.get(feed.name, REJECTED_USUALLY) * part.height / len(catalogue)
        free, original = free.copy(), part
        self._spoiled_rows = np.zeros(part.height, bool)
        for fault in catalogue:
            wanted = int(rng.poisson(each))
            qualifies = (
                free
                if fault.eligible is None
                else free & original.select(fault.eligible(period).fill_null(False)).to_series().to_numpy()
            )
            candidates = np.flatnonzero(qualifies)
            rows = np.sort(rng.choice(candidates, min(wanted, len(candidates)), replace=False))
            if len(rows):
                part = replaced(part, fault.column, rows, fault.spoil(original[rows], period), feed.format)
                free[rows], self._spoiled_rows[rows] = False, True
                self.truth.rejected[feed.name][fault.rule] += len(rows)
        if not has_record_key(feed.name):
            return part, original.clear()
        count = min(int(rng.poisson(DUPLICATE_SHARE.get(feed.name, DUPLICATE_USUALLY) * part.height)), int(free.sum()))
        chosen = np.sort(rng.choice(np.flatnonzero(free), count, replace=False))
        self.truth.duplicate[feed.name] += count
        return part, original[chosen]

    def _with_extra_rows(
        self, rng: Rng, feed: Feed, part: pl.DataFrame, period: Period, block: int, position: int
    ) -> pl.DataFrame:
        """Snapshots keep every good row and gain bad ones, about people whom nobody else knows: a register must lose nobody."""
        count = int(rng.poisson(REJECTED_SHARE[feed.name] * part.height))
        chosen = part[np.sort(rng.choice(part.height, min(count, part.height), replace=False))]
        number = identity.UNKNOWN + 10**9 + (np.int64(block) * 64 + position) * BLOCK + np.arange(chosen.height)
        extra = chosen.with_columns(columns.text(identity.pseudonyms(number, self.seed)).alias(feed.pseudonym))
        spoiled = as_text(extra, None)
        catalogue = FAULTS[feed.name]
        for i in range(extra.height):
            fault = catalogue[int(rng.integers(len(catalogue)))]
            spoiled = replaced(spoiled, fault.column, np.array([i]), fault.spoil(extra[i], period), "csv")
            self.truth.rejected[feed.name][fault.rule] += 1
        repeats = part[
            np.sort(
                rng.choice(
                    part.height,
                    min(int(rng.poisson(DUPLICATE_SHARE[feed.name] * part.height)), part.height),
                    replace=False,
                )
            )
        ]
        self.truth.duplicate[feed.name] += repeats.height
        return pl.concat([as_text(part, None), spoiled, as_text(repeats, None)])

    def _changed(self, rng: Rng, feed: str, part: pl.DataFrame) -> pl.DataFrame:
        """The delivery as sent again: no planted rows, and a few values corrected."""
        column = _CHANGED[feed]
        corrected = pl.Series(rng.random(part.height) < CHANGED_SHARE)
        value = pl.col(column) + 5 if part.schema[column] == pl.Int32 else (pl.col(column) * 1.02).round(2)
        return part.with_columns(pl.when(corrected).then(value).otherwise(pl.col(column)).alias(column))


def has_record_key(feed: str) -> bool:
    """Whether a repeated row can be told from two equal events: the feed has a record key."""
    return feed not in ("gp_coded_event", "gp_prescription", "mh_diagnosis", "social_care_event")


def as_text(frame: pl.DataFrame, like: pl.DataFrame | None) -> pl.DataFrame:
    """Columns as they would be written to CSV; with `like`, only those that are text there."""
    chosen = [
        name
        for name in frame.columns
        if frame.schema[name] != pl.String and (like is None or like.schema[name] == pl.String)
    ]
    return frame.with_columns(_rendered(frame[name]) for name in chosen)


def _rendered(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Float64:
        return series.round(2).cast(pl.Decimal(14, 2)).cast(pl.String)
    return series.cast(pl.String)


def replaced(
    frame: pl.DataFrame, column: str, rows: np.ndarray, values: list[str | int | dt.date | None], file_format: str
) -> pl.DataFrame:
    """The frame with new values in some rows of a column; in CSV the column becomes text."""
    series = frame[column]
    if file_format == "csv" and series.dtype != pl.String:
        series = _rendered(series)
    return frame.with_columns(series.scatter(pl.Series(rows), pl.Series(values, dtype=series.dtype)).alias(column))
