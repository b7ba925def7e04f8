"""One run of the generator as a reader finds it: manifests, truth, and every row with the rule that it breaks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from synthetic import Synthesis
from synthetic.layout import FEEDS as LAYOUT
from tests.synthetic import contract_rules

FEEDS = sorted(LAYOUT)


@dataclass(frozen=True)
class Landing:
    """A folder of deliveries with its truth."""

    folder: Path
    synthesis: Synthesis

    @cached_property
    def truth(self) -> dict:
        return json.loads(self.synthesis.truth.read_text(encoding="utf-8"))

    def manifests(self, feed: str, but: Collection[str] = ()) -> dict[Path, dict]:
        """Manifests of a feed by folder, but for some deliveries."""
        found = sorted((self.folder / feed).glob("*/delivery.json"))
        return {p.parent: json.loads(p.read_text(encoding="utf-8")) for p in found if p.parent.name not in but}

    def whole(self, feed: str) -> dict[Path, dict]:
        """Manifests of the deliveries that are neither refused nor repeated."""
        passed_over = {*self.truth["refused_deliveries"], *self.truth["repeated_deliveries"]}
        return self.manifests(feed, but=passed_over)

    @cached_property
    def truth_identifiers(self) -> pl.DataFrame:
        """Whom each identifier stands for."""
        return pl.read_parquet(self.folder / "truth_identifier.parquet")

    def of_people(self, feed: str) -> pl.DataFrame:
        """The rows of a feed with the `person` of their identifiers, as its pseudonym in the register."""
        known = self.truth_identifiers.filter(pl.col("feed").is_null())
        domain, pseudonym = pl.col("pseudonym_domain"), pl.col("pseudonym")
        if feed == "social_care_event":
            domain = pl.when(pseudonym.is_null()).then(pl.lit("council_905")).otherwise(domain)
            pseudonym = pseudonym.fill_null(pl.col("council_person_id"))
        keys = ["pseudonym_domain", "pseudonym"]
        named = self.rows[feed].with_columns(domain.alias("pseudonym_domain"), pseudonym.alias("pseudonym"))
        return named.join(known.select(*keys, "person"), on=keys, how="left", maintain_order="left", validate="m:1")

    @cached_property
    def truth_rows(self) -> pl.DataFrame:
        """Which row was planted with what."""
        return pl.read_parquet(self.folder / "truth_row.parquet")

    def warned(self, feed: str) -> dict[str, dict[str, int]]:
        """How many rows of each delivery break each rule that only warns, by the validator of this folder."""
        broken = self.rows[feed].select("delivery_id", "warnings").explode("warnings").drop_nulls()
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for delivery, rule, rows in broken.group_by("delivery_id", "warnings").len().rows():
            found[delivery][rule] = rows
        return dict(found)

    @cached_property
    def rows(self) -> dict[str, pl.DataFrame]:
        """All rows of each feed with the rule that they break, by the validator of this folder."""
        return {feed: contract_rules.verdicts(feed, self.whole(feed)) for feed in FEEDS}
