"""Planting defects on the clean county, and counting each one as it is planted.

First pseudonyms (`fault_persons`). Then rows that break one rule, and exact repeats. No row receives two defects. With
`faults="none"` the rows pass through and only the natural supersession is counted; with `faults="all"` every fault, and
then every value of it, is planted at least once if there are rows for it. Whole deliveries are in `fault_deliveries`,
the list of row faults in `fault_rules`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import columns, identity
from synthetic.chance import Rng, stream
from synthetic.fault_cells import as_text, replaced
from synthetic.fault_deliveries import Plan
from synthetic.fault_persons import DUMMIES, Chance, unlinked
from synthetic.fault_rules import (
    ALL,
    Fault,
    duplicate_rule,
    faults_of,
    has_record_key,
    missing_pseudonym_rule,
    missing_pseudonyms,
)
from synthetic.layout import KIND, PERIOD, REGISTER, Feed
from synthetic.periods import Period, Study
from synthetic.population import BLOCK
from synthetic.truth import CLEAN, STAYS, Truth
from synthetic.truth_identifier import identified
from synthetic.truth_rows import Planted, marked

REJECTED_SHARE = {
    "mh_ward_stay": 0.03,
    "mh_diagnosis": 0.01,
    "social_care_event": 0.006,
    "person_merger": 0.06,
    "person_bridge": 0.002,
    "patient_register": 0.001,
}
REJECTED_USUALLY = 0.003
DUPLICATE_SHARE = {"mh_ward_stay": 0.02, "person_merger": 0.02, "patient_register": 0.0005, "person_bridge": 0.0005}
DUPLICATE_USUALLY = 0.001
CHANGED_SHARE = 0.02
_STRANGERS = identity.UNKNOWN + 10**9
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


@dataclass(frozen=True)
class Sending:
    """Rows that go to one delivery, with those among them that are planted."""

    position: int
    version: int
    rows: pl.DataFrame
    planted: list[Planted]


class Planter:
    """Turns the clean rows of one block into the rows of each delivery; `rate` multiplies every planted share."""

    def __init__(self, faults: str, rate: float, study: Study, seed: int, plan: Plan, truth: Truth) -> None:
        self.faults, self.rate, self.study, self.seed = faults, rate, study, seed
        self.plan, self.truth = plan, truth
        self.active = faults != "none"
        self.chains: set[str] = set()
        self._count: Counter[str] = Counter()
        self._strangers: set[tuple[str, str]] = set()
        self._dummies: set[tuple[str, str]] = set()

    def strangers(self) -> pl.DataFrame:
        """The identifiers of strangers that were planted since the last call."""
        found, self._strangers = self._strangers, set()
        return _nobody(found, "not_registered")

    def dummies(self) -> pl.DataFrame:
        """All dummies that were planted."""
        return _nobody(self._dummies, "dummy")

    def deliveries(self, feed: Feed, frame: pl.DataFrame, block: int, periods: dict[int, Period]) -> Iterator[Sending]:
        """The rows of every delivery that this block contributes to."""
        if self.active and feed.name not in REGISTER:
            blank_due = self.faults == ALL and not self._count[missing_pseudonym_rule(feed.name)]
            chance = Chance(self.seed, block, self.rate, DUMMIES[self.faults], blank_due)
            frame, strangers, dummies = unlinked(feed, frame, self.study, chance)
            self._strangers |= strangers
            self._dummies |= dummies
            self._count[missing_pseudonym_rule(feed.name)] += missing_pseudonyms(feed, frame)
        last = max(periods)
        for (position,), rows in frame.partition_by(
            PERIOD, as_dict=True, include_key=False, maintain_order=True
        ).items():
            part = Part(feed, position, periods[position], block, rows.drop(KIND), rows[KIND])
            if feed.rhythm == "snapshot" and position < last:
                self.truth.superseded[feed.name] += rows.height
            elif feed.name not in (*STAYS, *REGISTER):
                self.truth.current_rows(feed.name, part.rows[feed.pseudonym], part.kind)
            if self.active:
                yield from self._planted(part)
                continue
            if feed.name in STAYS:
                self.truth.accepted_stays(feed, position, part.rows, part.kind)
            yield Sending(position, 1, part.rows, [])

    def _planted(self, part: Part) -> Iterator[Sending]:
        """One delivery with its planted rows, and the same without them where it is sent again."""
        feed, position = part.feed, part.position
        rng = stream(self.seed, f"faults {feed.stream}", part.block, position + 1)
        version = self.plan.first_version(feed.stream, position)
        if feed.name in REGISTER:
            yield Sending(position, version, *self._with_extra_rows(rng, part))
            return
        rows, planted, due = self._spoiled(rng, part)
        touched, spoiled = marked(planted, part.rows.height), marked([p for p in planted if p.rule], part.rows.height)
        candidates = np.flatnonzero((part.kind == CLEAN).to_numpy() & ~touched)
        repeats = self._repeats(rng, part, candidates, np.flatnonzero(~spoiled))
        if feed.name in STAYS:
            self.truth.accepted_stays(feed, position, part.rows.filter(~spoiled), part.kind.filter(~spoiled))
        places = np.array([place for place, _ in due], int)
        copies, more = self._copies(part, part.rows[places], [fault for _, fault in due])
        rows = pl.concat([as_text(rows, like=copies), as_text(copies, like=rows)])
        rows = pl.concat([rows, as_text(repeats, like=rows)])
        yield Sending(position, version, rows, [*planted, *more, *_at_the_end(feed, rows, repeats)])
        if self.plan.sent_again(feed.name, position):
            self.truth.superseded[feed.name] += part.rows.height - int(spoiled.sum())
            yield Sending(position, version + 1, self._changed(rng, part), [])

    def _spoiled(self, rng: Rng, part: Part) -> tuple[pl.DataFrame, list[Planted], list[tuple[int, Fault]]]:
        """The rows with each fault of the feed planted on a few clean ones, and which those are.

        Also the faults that are still due, each with a row of which a copy may carry it. Where no row is clean, what is
        due and costs no row falls to one without a person.
        """
        feed, is_text = part.feed, self.plan.is_text(part.feed.name, part.position)
        rows, clean = as_text(part.rows) if is_text else part.rows, (part.kind == CLEAN).to_numpy()
        catalogue, free, taken = faults_of(feed, self.faults), clean.copy(), np.zeros(len(clean), bool)
        each = REJECTED_SHARE.get(feed.name, REJECTED_USUALLY) * self.rate * rows.height / len(catalogue)
        planted, copied = [], []
        for fault in catalogue:
            if fault.needs_text and feed.format == "parquet" and not is_text:
                continue
            qualifies = fault.qualifies(part.rows, part.period)
            candidates = np.flatnonzero(free & qualifies)
            chosen = _few(rng, candidates, each)
            due = self._due(fault, catalogue) - len(chosen)
            if due > 0 and not fault.rule:  # a copy would be accepted, as one row too many
                candidates = candidates if len(candidates) else np.flatnonzero(~clean & ~taken & qualifies)
                chosen = np.sort(rng.choice(candidates, min(due + len(chosen), len(candidates)), replace=False))
            elif due > 0 and qualifies.any():
                of = np.flatnonzero(clean & qualifies if (clean & qualifies).any() else qualifies)
                copied += [(int(place), fault) for place in rng.choice(of, due)]
            if len(chosen):
                values = fault.spoil(part.rows[chosen], part.period, self._first_value(fault))
                rows = replaced(rows, feed, fault.column, chosen, values)
                free[chosen], taken[chosen] = False, True
                planted.append(self._counted(feed, fault, chosen))
        return rows, planted, copied

    def _copies(self, part: Part, copies: pl.DataFrame, faults: Sequence[Fault]) -> tuple[pl.DataFrame, list[Planted]]:
        """Copies of rows, to follow those of the part, each planted with a fault: nothing that is clean is lost."""
        spoiled, planted = as_text(copies) if self.plan.is_text(part.feed.name, part.position) else copies, []
        for i, fault in enumerate(faults):
            values = fault.spoil(copies[i], part.period, self._first_value(fault))
            spoiled = replaced(spoiled, part.feed, fault.column, np.array([i]), values)
            planted.append(self._counted(part.feed, fault, np.array([part.rows.height + i])))
        return spoiled, planted

    def _due(self, fault: Fault, catalogue: Sequence[Fault]) -> int:
        """How many rows are still to be planted with it: each fault comes once before any comes with all its values."""
        if self.faults != ALL:
            return 0
        once = all(self._count[one.name] for one in catalogue)
        return max((len(fault.values) if once else 1) - self._count[fault.name], 0)

    def _first_value(self, fault: Fault) -> int:
        """Which of the values of a fault comes next."""
        return self._count[fault.name] if self.faults == ALL else 0

    def _counted(self, feed: Feed, fault: Fault, rows: np.ndarray) -> Planted:
        self._count[fault.name] += len(rows)
        if fault.rule:
            self.truth.rejected[feed.name][fault.rule] += len(rows)
        variant = None if fault.rule or fault.warns else fault.column
        return Planted(rows, fault.rule or None, variant, fault.warns)

    def _repeats(self, rng: Rng, part: Part, candidates: np.ndarray, accepted: np.ndarray) -> pl.DataFrame:
        """Exact repeats of a few rows. Without a record key, equal rows are equal events, so nothing is repeated.

        One that is due is of any of the accepted rows if there are no candidates.
        """
        feed = part.feed.name
        share = DUPLICATE_SHARE.get(feed, DUPLICATE_USUALLY) * self.rate if has_record_key(feed) else 0.0
        chosen = _few(rng, candidates, share * part.rows.height)
        is_due = self.faults == ALL and share and not self._count[duplicate_rule(feed)]
        if is_due and not len(chosen) and len(accepted):
            chosen = rng.choice(candidates if len(candidates) else accepted, 1)
        self._count[duplicate_rule(feed)] += len(chosen)
        self.truth.duplicate[feed] += len(chosen)
        return part.rows[chosen]

    def _with_extra_rows(self, rng: Rng, part: Part) -> tuple[pl.DataFrame, list[Planted]]:
        """Snapshots keep every good row and gain bad ones about strangers: a register must lose nobody.

        What only warns is planted on the rows that are kept.
        """
        kept, warned = self._warned(rng, part)
        feed, everyone = part.feed, np.arange(part.rows.height)
        copied = _few(rng, everyone, REJECTED_SHARE[feed.name] * self.rate * len(everyone))
        catalogue = [fault for fault in faults_of(feed, self.faults) if fault.rule]
        choices = rng.integers(0, len(catalogue), len(copied))
        due = [i for i, fault in enumerate(catalogue) if self._due(fault, catalogue) > int((choices == i).sum())]
        if due and len(everyone):
            copied = np.concatenate([copied, rng.choice(everyone, len(due))])
            choices = np.concatenate([choices, due])
        extra = part.rows[copied]
        number = _STRANGERS + (np.int64(part.block) * 64 + part.position) * BLOCK + np.arange(extra.height)
        extra = extra.with_columns(columns.text(identity.pseudonyms(number, self.seed)).alias(feed.pseudonym))
        spoiled, planted = self._copies(part, extra, [catalogue[choice] for choice in choices])
        repeats = self._repeats(rng, part, everyone[~marked(warned, len(everyone))], everyone)
        rows = pl.concat([as_text(kept), as_text(spoiled), as_text(repeats)])
        return rows, [*warned, *planted, *_at_the_end(feed, rows, repeats)]

    def _warned(self, rng: Rng, part: Part) -> tuple[pl.DataFrame, list[Planted]]:
        """The rows of a snapshot with the faults that only warn planted on a few of them."""
        rows, planted, free = as_text(part.rows), [], np.ones(part.rows.height, bool)
        each = REJECTED_SHARE[part.feed.name] * self.rate * rows.height
        catalogue = faults_of(part.feed, self.faults)
        for fault in (fault for fault in catalogue if not fault.rule):
            candidates = np.flatnonzero(free & fault.qualifies(part.rows, part.period))
            wanted = max(int(rng.poisson(each / len(catalogue))), self._due(fault, catalogue))
            chosen = np.sort(rng.choice(candidates, min(wanted, len(candidates)), replace=False))
            if len(chosen):
                values = fault.spoil(part.rows[chosen], part.period, self._first_value(fault))
                rows = replaced(rows, part.feed, fault.column, chosen, values)
                free[chosen] = False
                planted.append(self._counted(part.feed, fault, chosen))
        return rows, planted

    def _changed(self, rng: Rng, part: Part) -> pl.DataFrame:
        """The delivery as sent again: no planted rows, a few values corrected, at least one, else it is a repeat."""
        column, rows = _CHANGED[part.feed.name], part.rows
        corrected = pl.lit(pl.Series(rng.random(rows.height) < CHANGED_SHARE * self.rate))
        if not rows.filter(corrected & (pl.col(column) > 1)).height:
            corrected = corrected | (pl.col(column) == pl.col(column).max())
        value = pl.col(column) + 5 if rows.schema[column] == pl.Int32 else (pl.col(column) * 1.02).round(2)
        return rows.with_columns(pl.when(corrected).then(value).otherwise(pl.col(column)).alias(column))


def _nobody(identifiers: set[tuple[str, str]], case: str) -> pl.DataFrame:
    """Truth of identifiers (domain, pseudonym) that stand for nobody."""
    domains, pseudonyms = zip(*sorted(identifiers), strict=True) if identifiers else ((), ())
    return identified(pl.Series(domains, dtype=pl.String), pl.Series(pseudonyms, dtype=pl.String), None, case)


def _few(rng: Rng, candidates: np.ndarray, expected: float) -> np.ndarray:
    """A Poisson number of the candidates, in their order."""
    return np.sort(rng.choice(candidates, min(int(rng.poisson(expected)), len(candidates)), replace=False))


def _at_the_end(feed: Feed, rows: pl.DataFrame, repeats: pl.DataFrame) -> list[Planted]:
    """The repeats, which are the last of the rows."""
    places = np.arange(rows.height - repeats.height, rows.height)
    return [Planted(places, duplicate_rule(feed.name))] if len(places) else []
