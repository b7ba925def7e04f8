"""Mergers of pseudonyms, their reversals and splits, and the list of them as it stood at the end of each quarter.

Most people with a part in them have one older pseudonym, or two, in a chain; a few registered people are merged by
mistake, until that is undone. Where faults are planted, some mergers run in circles, and some pseudonyms give way to
two people on one day. Not here: which rows still carry an older pseudonym (`identifiers`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import columns, identity
from synthetic.casting import Cast
from synthetic.chance import Rng, stream
from synthetic.layout import PSEUDONYM_DOMAIN
from synthetic.periods import Study
from synthetic.population import People
from synthetic.truth_identifier import identified

CHAIN_GAP_DAYS = 29
_SOLE_PARTS = ("merged", "chain", "chain_twice", "merged_again", "bridged", "fork")  # one person with older pseudonyms


@dataclass(frozen=True)
class Mergers:
    """People with an older pseudonym; in a chain the oldest gave way to the older, and that to the present one.

    Attributes:
        oldest: 0 where there is no chain.
        is_fork: the older pseudonym gave way to another person as well, on the same day.
        events: all that the list tells, reversals and splits among it; `event` is null for some mergers.
        truth: whom the pseudonyms of the block, present and older, stand for.
    """

    person: np.ndarray
    older: np.ndarray
    oldest: np.ndarray
    merged_on: np.ndarray
    is_fork: np.ndarray
    events: pl.DataFrame
    truth: pl.DataFrame


def mergers(people: People, parts: Cast, study: Study, seed: int) -> Mergers:
    """What happened to the pseudonyms of a block."""
    rng = stream(seed, "mergers", people.block)
    person = np.concatenate([parts[part][:, 0] for part in _SOLE_PARTS])
    part = np.concatenate([np.full(len(parts[part]), i) for i, part in enumerate(_SOLE_PARTS)])
    has_chain = (part == _SOLE_PARTS.index("chain")) | (part == _SOLE_PARTS.index("chain_twice"))
    is_fork = part == _SOLE_PARTS.index("fork")
    older = identity.pseudonyms(identity.SUPERSEDED + 2 * people.index[person], seed)
    oldest = identity.pseudonyms(identity.SUPERSEDED + 2 * people.index[person] + 1, seed)
    span = study.end - study.start - 90
    # A fork is late enough in the study for records from before it.
    share = np.where(is_fork, 0.5, 0.0) + rng.random(len(person)) * np.where(is_fork, 0.5, 1.0)
    day = study.start + 60 + np.floor(share * span).astype(np.int32)

    told = _Told(people)
    told.add(older, person, day)
    told.add(oldest[has_chain], older[has_chain], day[has_chain] - CHAIN_GAP_DAYS, numbers=True)
    twice, again = part == _SOLE_PARTS.index("chain_twice"), part == _SOLE_PARTS.index("merged_again")
    told.add(oldest[twice], person[twice], day[twice] - CHAIN_GAP_DAYS)
    told.add(older[again], person[again], day[again] - 45)
    told.add(older[again], person[again], day[again] - 20, "reversed")
    told.add(older[is_fork], parts["fork"][:, 1], day[is_fork])
    cases = _undone(rng, people, parts, study, told)
    truth = [
        _register(people, cases),
        identified(PSEUDONYM_DOMAIN, columns.text(older[~is_fork]), told.named(person[~is_fork]), "merged"),
        identified(PSEUDONYM_DOMAIN, columns.text(older[is_fork]), None, "fork"),
        identified(PSEUDONYM_DOMAIN, columns.text(oldest[has_chain]), told.named(person[has_chain]), "chain"),
    ]
    oldest = np.where(has_chain, oldest, 0)
    return Mergers(person, older, oldest, day, is_fork, told.frame(), pl.concat(truth))


class _Told:
    """The events of a block as they are collected."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._frames: list[pl.DataFrame] = []

    def named(self, person: np.ndarray) -> pl.Series:
        """The present pseudonyms of these people."""
        return columns.pseudonym(self._people, person)

    def add(
        self, superseded: np.ndarray, to: np.ndarray, day: np.ndarray, event: str = "merged", *, numbers: bool = False
    ) -> None:
        """Pseudonyms `superseded` by people `to` (or by pseudonyms, if they are `numbers`) on each day."""
        self._frames.append(
            pl.DataFrame(
                {
                    "superseded": columns.text(superseded),
                    "pseudonym": columns.text(to) if numbers else self.named(to),
                    "day": pl.Series(np.asarray(day).astype(np.int32)),
                    "event": pl.Series([event] * len(superseded), dtype=pl.String),
                }
            )
        )

    def frame(self) -> pl.DataFrame:
        """All events; every third merger is told by a blank."""
        third = (pl.int_range(pl.len()) % 3 == 2) & (pl.col("event") == "merged")  # noqa: PLR2004
        return pl.concat(self._frames).with_columns(pl.when(~third).then("event").alias("event"))


def _undone(rng: Rng, people: People, parts: Cast, study: Study, told: _Told) -> dict[str, np.ndarray]:
    """Mergers of registered people that count no longer, or never did; gives these people by case."""

    def days(count: int, low: float, high: float) -> np.ndarray:
        return study.start + np.floor((low + (high - low) * rng.random(count)) * (study.end - study.start)).astype(int)

    wrong, right = parts["reversed"].T
    own = people.pseudonym
    first = days(len(wrong), 0.1, 0.4)
    told.add(own[wrong], right, first)
    told.add(own[wrong], right, days(len(wrong), 0.5, 0.9), "reversed")
    apart, one, other = parts["split"].T
    first = days(len(apart), 0.1, 0.4)
    told.add(own[apart], one, first)
    told.add(own[apart], other, first + 10)
    told.add(own[apart], one, days(len(apart), 0.5, 0.9), "split")
    for part in ("circle", "circle_of_three"):
        ring = parts[part]
        for place in range(ring.shape[1]):
            told.add(own[ring[:, place]], ring[:, (place + 1) % ring.shape[1]], days(len(ring), 0.1, 0.9))
    return {
        "reversed": wrong,
        "split": apart,
        "circle": np.concatenate([parts["circle"].ravel(), parts["circle_of_three"].ravel()]),
    }


def _register(people: People, cases: dict[str, np.ndarray]) -> pl.DataFrame:
    """Everybody stands for himself, whatever was told of him."""
    case = np.full(len(people), "direct", dtype=object)
    for name, person in cases.items():
        case[person] = name
    own = columns.text(people.pseudonym)
    return identified(PSEUDONYM_DOMAIN, own, own, pl.Series(case, dtype=pl.String))


def person_merger(merged: Mergers, study: Study) -> pl.DataFrame:
    """Grain: one event and quarterly snapshot."""
    frames = []
    for i, quarter in enumerate(study.quarters):
        known = merged.events.filter(pl.col("day") <= quarter.end)
        frames.append(
            columns.frame(
                "person_merger",
                np.full(known.height, i),
                {
                    "Pseudo NHS Number": known["pseudonym"],
                    "Pseudo Superseded NHS Number": known["superseded"],
                    "Merge_Date": known["day"].cast(pl.Date),
                    "Merger_Event": known["event"],
                },
            )
        )
    return pl.concat(frames)
