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
STAYS = "mh_ward_stay"  # the latest row of a stay is current, whatever its month


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
    _stays: list[pl.DataFrame] = field(default_factory=list)

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

    def accepted_stays(self, position: int, part: pl.DataFrame, kind: pl.Series) -> None:
        """Remember the accepted rows of ward stays; which of them are current is known only at the end."""
        columns = [pl.col("UniqWardStayID").alias("stay"), pl.col("Pseudo_NHS_Number").alias("pseudonym")]
        self._stays.append(part.select(*columns).with_columns(kind=kind, position=pl.lit(position)))

    def close(self, chains: set[str]) -> None:
        """Settle the ward stays; `chains` holds the pseudonyms that are two mergers old."""
        if self._stays:
            stays = pl.concat(self._stays).sort("position", maintain_order=True)
            latest = stays.group_by("stay", maintain_order=True).last()
            self.superseded[STAYS] += stays.height - latest.height
            self.current_rows(STAYS, latest["pseudonym"], latest["kind"])
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
