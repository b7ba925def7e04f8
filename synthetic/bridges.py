"""The bridging tables: which identifiers of other domains stand for which pseudonyms of the register.

An identifier is bridged from the month in which it is first used. Belongs here: what the tables tell, corrections and
mistakes among it, and whom the identifiers then stand for. Not here: the rows that carry them (`identifiers`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from synthetic.domains import COUNCIL_DOMAIN, OLD_DOMAIN
from synthetic.layout import COMMUNITY_DOMAIN, FEEDS, MENTAL_HEALTH_DOMAIN, PERIOD, STREAMS
from synthetic.periods import NEVER, Study
from synthetic.truth_identifier import identified

SUPPLIERS = {
    COMMUNITY_DOMAIN: "RH5",
    MENTAL_HEALTH_DOMAIN: "RH5",
    COUNCIL_DOMAIN: "905",
    OLD_DOMAIN: "SUS",
}
_CORRECTED_AFTER_DAYS = 40


@dataclass
class Bridges:
    """The bridges of one block as they are collected, with the truth about the identifiers."""

    study: Study
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _truth: list[pl.DataFrame] = field(default_factory=list)

    def add(
        self,
        domain: str,
        identifier: pl.Series,
        pseudonym: pl.Series,
        first: np.ndarray,
        *,
        shown: np.ndarray | None = None,
    ) -> None:
        """Identifiers that stand for pseudonyms from these days on; listed from then, or from `shown` on."""
        first = np.asarray(first).astype(np.int32)
        self._listed(domain, identifier, pseudonym, first, first if shown is None else shown)

    def corrected(self, domain: str, identifier: pl.Series, wrong: pl.Series, first: np.ndarray) -> None:
        """Identifiers that stood for somebody else at first, by mistake; the right bridge begins on `first`."""
        self._listed(domain, identifier, wrong, np.asarray(first) - _CORRECTED_AFTER_DAYS, first)

    def reused(self, domain: str, identifier: pl.Series, first: pl.Series, second: pl.Series, day: int) -> None:
        """Identifiers that stood for one person until the day, and stand for another from then on."""
        start = np.full(len(identifier), self.study.start, np.int32)
        self._listed(domain, identifier, first, start, start, until=day)
        self._listed(domain, identifier, first, start, np.full(len(identifier), day), ends=day - 1)
        self._listed(domain, identifier, second, np.full(len(identifier), day), np.full(len(identifier), day))

    def stands_for(self, domain: str, identifier: pl.Series, person: pl.Series | None, case: pl.Series | str) -> None:
        """The truth about identifiers."""
        self._truth.append(identified(domain, identifier, person, case))

    @property
    def truth(self) -> pl.DataFrame:
        """Whom all identifiers stand for."""
        return pl.concat(self._truth)

    def _listed(
        self,
        domain: str,
        identifier: pl.Series,
        pseudonym: pl.Series,
        first: np.ndarray,
        shown: np.ndarray,
        *,
        until: int = int(NEVER),
        ends: int | None = None,
    ) -> None:
        """Rows for the snapshots from the day `shown` on, and before the day `until`."""
        self._frames.append(
            pl.DataFrame({"identifier": identifier, "pseudonym": pseudonym}).with_columns(
                pl.lit(domain).alias("domain"),
                pl.Series("first", np.asarray(first).astype(np.int32)),
                pl.Series("shown", np.asarray(shown).astype(np.int32)),
                pl.lit(until, dtype=pl.Int32).alias("until"),
                pl.lit(ends, dtype=pl.Int32).alias("ends"),
            )
        )

    def frames(self) -> dict[str, pl.DataFrame]:
        """Grain: one bridge and quarterly snapshot, by stream of the feed."""
        everything = pl.concat(self._frames)
        found = {}
        for name, feed in STREAMS.items():
            if feed.name != "person_bridge":
                continue
            ours = everything.filter(
                pl.col("domain").is_in([domain for domain, supplier in SUPPLIERS.items() if supplier == feed.supplier])
            ).select(
                "shown",
                "until",
                pl.col("domain").alias("Bridged_Domain"),
                pl.col("identifier").alias("Person_ID"),
                pl.col("pseudonym").alias("Pseudo_NHS_Number"),
                pl.col("first").cast(pl.Date).alias("Bridge_From_Date"),
                pl.col("ends").cast(pl.Date).alias("Bridge_To_Date"),
            )
            found[name] = pl.concat(
                ours.filter((pl.col("shown") <= quarter.end) & (pl.col("until") > quarter.end)).select(
                    *FEEDS["person_bridge"].columns, pl.lit(i, dtype=pl.Int16).alias(PERIOD)
                )
                for i, quarter in enumerate(self.study.quarters)
            )
        return found
