"""Which people of a block play a part in the mergers, bridges and mistakes about identifiers.

Nobody plays two parts. The first block has some of each part, so that even a small county has them all; the others
have as many as chance gives them. Not here: what a part does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synthetic.chance import stream
from synthetic.periods import Study
from synthetic.population import People

Cast = dict[str, np.ndarray]  # positions of people by part: one row per case, its people in order
_AT_LEAST = 2


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        people: how many people a case of it takes.
        rate: cases in 100,000 people.
        among: the feed in which the first of them has records, if it must be one.
        is_fault: it is played only where faults are planted.
    """

    name: str
    people: int
    rate: float
    among: str | None = None
    is_fault: bool = False


PARTS = (
    Part("merged", 1, 80),
    Part("chain", 1, 12),
    Part("chain_twice", 1, 4),
    Part("merged_again", 1, 4),
    Part("reversed", 2, 6),
    Part("split", 3, 6),
    Part("corrected", 2, 6, "community_contact"),
    Part("bridged", 1, 6, "community_contact"),  # to a pseudonym that is superseded
    Part("circle", 2, 4, is_fault=True),
    Part("circle_of_three", 3, 2, is_fault=True),
    Part("fork", 2, 5, "op_attendance", is_fault=True),
    Part("bridge_fork", 2, 4, "mh_contact", is_fault=True),
    Part("reused", 2, 5, "community_contact", is_fault=True),
    Part("birth op_attendance", 1, 4, "op_attendance", is_fault=True),
    Part("birth community_contact", 1, 4, "community_contact", is_fault=True),
    Part("sex op_attendance", 1, 4, "op_attendance", is_fault=True),
    Part("sex community_contact", 1, 4, "community_contact", is_fault=True),
    Part("volume", 1, 2, "gp_coded_event", is_fault=True),
)
FEEDS_OF_PARTS = tuple(sorted({part.among for part in PARTS if part.among}))


def cases(seed: int, name: str, people: People, rate: float) -> int:
    """How many cases of something, with `rate` in 100,000 people, a block has: in the first, some."""
    drawn = int(stream(seed, f"cases of {name}", people.block).poisson(rate * len(people) / 100_000))
    return max(drawn, 0 if people.block else _AT_LEAST)


def cast(people: People, users: Mapping[str, np.ndarray], study: Study, seed: int, *, fault_rate: float) -> Cast:
    """Choose people for every part; `users` says by feed who has records in it. No faults if `fault_rate` is 0."""
    free = people.joined < study.start
    found: Cast = {}
    for part in PARTS:
        if part.is_fault and not fault_rate:
            found[part.name] = np.empty((0, part.people), int)
            continue
        wanted = cases(seed, part.name, people, part.rate * (fault_rate if part.is_fault else 1))
        rng = stream(seed, f"part {part.name}", people.block)
        first = np.flatnonzero(free & users[part.among] if part.among else free)
        wanted = min(wanted, len(first), int(free.sum()) // part.people)
        chosen = rng.choice(first, wanted, replace=False)
        free[chosen] = False
        others = rng.choice(np.flatnonzero(free), wanted * (part.people - 1), replace=False)
        free[others] = False
        found[part.name] = np.column_stack([chosen, others.reshape(wanted, part.people - 1)])
    return found
