"""What was planted, counted: the file a reader holds against what the pipeline found. Single rows are in `truth_rows`.

A row is counted once: rejected, or a duplicate, or superseded, or accepted and current (and then perhaps unlinked or
merged). Rules that only warn are counted apart, by delivery, over all of its rows: they change nothing of that.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from synthetic.fault_rules import missing_pseudonym_rule, missing_pseudonyms
from synthetic.layout import FEEDS, REGISTER, Feed
from synthetic.truth_rows import Planted

# What a row's identifier leads to. Clean and merged rows lead to a person of the register, the others to nobody.
CLEAN, MERGED, *_NOBODY = range(9)
DUMMY, IMPOSSIBLE_VOLUME, AMBIGUOUS, BIRTH_YEAR_CONFLICT, SEX_CONFLICT, ONE_TIME, NOT_REGISTERED = _NOBODY
UNLINKED = {
    "dummy": DUMMY,
    "impossible_volume": IMPOSSIBLE_VOLUME,
    "ambiguous": AMBIGUOUS,
    "birth_year_conflict": BIRTH_YEAR_CONFLICT,
    "sex_conflict": SEX_CONFLICT,
    "one_time": ONE_TIME,
    "not_registered": NOT_REGISTERED,
}
# Stays and packages are sent in each month: the latest row of one is current, whatever its month. By what it is known.
STAYS = {"mh_ward_stay": "UniqWardStayID", "continuing_care_package": "Package Identifier"}


@dataclass
class Truth:
    """Counts of one run, filled while its rows are written."""

    about: dict[str, object]
    rejected: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    warned: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    duplicate: Counter[str] = field(default_factory=Counter)
    superseded: Counter[str] = field(default_factory=Counter)
    unlinked: dict[str, Counter[str]] = field(default_factory=lambda: {status: Counter() for status in UNLINKED})
    merged_rows: Counter[str] = field(default_factory=Counter)
    merged_pseudonyms: set[str] = field(default_factory=set)
    chain_ends: set[str] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    deliveries: dict[str, dict[str, str]] = field(default_factory=dict)
    _stays: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))

    def expect(self, feed: str, delivery_id: str, verdict: str, **planted: str) -> None:
        """The verdict that a delivery deserves, and what was planted on it: the kind of reason, and the defect."""
        self.deliveries[delivery_id] = {"feed": feed, "verdict": verdict, **planted}
        if verdict == "repeat":
            self.repeated.append(delivery_id)
        if verdict == "refused":
            self.refused[delivery_id] = planted["kind"]

    def warnings(self, feed: Feed, delivery_id: str, rows: pl.DataFrame, planted: list[Planted]) -> None:
        """Count the rows of a part of a delivery by the rules that they break and that only warn."""
        for one in planted:
            self.warned[delivery_id].update(dict.fromkeys(one.warns, len(one.rows)))
        if feed.name not in REGISTER:
            self.warned[delivery_id][missing_pseudonym_rule(feed.name)] += missing_pseudonyms(feed, rows)

    def current_rows(self, feed: str, pseudonym: pl.Series, kind: pl.Series) -> None:
        """Count the unlinked and the merged among rows that are accepted and current."""
        for status, code in UNLINKED.items():
            self.unlinked[status][feed] += int((kind == code).sum())
        self.merged_rows[feed] += int((kind == MERGED).sum())
        self.merged_pseudonyms.update(pseudonym.filter(kind == MERGED))

    def accepted_stays(self, feed: Feed, position: int, part: pl.DataFrame, kind: pl.Series) -> None:
        """Remember the accepted rows of stays or packages; which of them are current is known only at the end."""
        columns = [pl.col(STAYS[feed.name]).alias("stay"), pl.col(feed.pseudonym).alias("pseudonym")]
        self._stays[feed.name].append(part.select(*columns).with_columns(kind=kind, position=pl.lit(position)))

    def close(self, chains: set[str]) -> None:
        """Settle the stays and packages; `chains` holds the pseudonyms that are two mergers old."""
        for feed, parts in self._stays.items():
            stays = pl.concat(parts).sort("position", maintain_order=True)
            latest = stays.group_by("stay", maintain_order=True).last()
            self.superseded[feed] += stays.height - latest.height
            self.current_rows(feed, latest["pseudonym"], latest["kind"])
        self.chain_ends = self.merged_pseudonyms & chains

    def write(self, to: Path) -> Path:
        """Write `truth.json`; counts of zero are left out."""
        path = to / "truth.json"
        content = {
            **self.about,
            "rejected": {feed: _present(self.rejected[feed]) for feed in FEEDS if self.rejected[feed]},
            "warned": {name: counts for name in sorted(self.warned) if (counts := _present(self.warned[name]))},
            "duplicate": _present(self.duplicate),
            "superseded": _present(self.superseded),
            "unlinked": {status: _present(tally) for status, tally in self.unlinked.items()},
            "merged": {
                "pseudonyms": len(self.merged_pseudonyms),
                "chains": len(self.chain_ends),
                "rows": _present(self.merged_rows),
            },
            "repeated_deliveries": sorted(self.repeated),
            "refused_deliveries": dict(sorted(self.refused.items())),
            "deliveries": dict(sorted(self.deliveries.items())),
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return path


def _present(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts) if counts[name]}
