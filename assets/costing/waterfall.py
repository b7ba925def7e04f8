"""The ledger as a waterfall: what was received, less what did not count, by how it was linked, priced and registered.

Belongs here: the lines of the statement and what each adds up.
Does not belong here: printing them (`cli/ledger.py`); the proof that they add up (`conservation.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from schemas.activity import UNLINKED
from schemas.costing import DOOR_STATUSES, MATCH_LEVELS

Kind = Literal["total", "less", "of"]
Entry = tuple[str, str | None, str, int, int | None, int | None]

_DOOR = {
    "rejected": "rejected to quarantine",
    "superseded": "superseded by a later delivery",
    "withdrawn": "withdrawn",
}
_PRICED = {
    "submitted": "as submitted by the provider",
    "package": "package of a council or care board, by day",
    "exact": "price book, by its code",
    "all_points": "price book, mean of its code over all points of delivery",
    "hrg_root": "price book, mean of its HRG root",
    "subchapter": "price book, mean of its HRG subchapter",
    "point_of_delivery": "price book, mean of its kind of care",
    "proxy": "price book, by a borrowed code or price",
    "not_payable": "not payable, such as not attended",
    "unpriced": "unpriced: no price known",
}
_REGISTERED = {
    "registered": "on a day registered",
    "outside_registration": "on a day outside registration",
    "after_death": "dated after death",
}


@dataclass(frozen=True)
class Sums:
    """Records, and pence where any are known."""

    records: int = 0
    submitted: int | None = None
    cost: int | None = None

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.records + other.records, _plus(self.submitted, other.submitted), _plus(self.cost, other.cost))


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


@dataclass(frozen=True)
class Line:
    """One line of the statement: a total, what is taken off one, or what one is made of."""

    kind: Kind
    label: str
    sums: Sums


def sections(entries: Iterable[Entry]) -> list[list[Line]]:
    """The statement of ledger rows (stage, part_of, status, records, submitted pence, cost pence), summed.

    Four sections: the door, linkage, how what is linked was priced, how what is not linked was priced; and a fifth,
    whether people were registered. Lines of nothing are left out, totals are not.
    """
    sums: dict[tuple[str, str | None, str], Sums] = {}
    for stage, part_of, status, records, submitted, cost in entries:
        key = (stage, part_of if stage == "pricing" else None, status)
        sums[key] = sums.get(key, Sums()) + Sums(records, submitted, cost)

    def of(stage: str, status: str, part_of: str | None = None) -> Sums:
        return sums.get((stage, part_of, status), Sums())

    linked, unlinked = of("linkage", "linked"), {reason: of("linkage", reason) for reason in UNLINKED}
    none = sum(unlinked.values(), Sums())
    all_linkage = linked + none
    accepted = of("door", "accepted")
    statement = [
        [
            Line("total", "Received", of("received", "received")),
            *_lines("less", {_DOOR[status]: of("door", status) for status in DOOR_STATUSES if status in _DOOR}),
            Line("total", "Accepted", Sums(accepted.records, accepted.submitted, all_linkage.cost)),
        ],
        [
            *_lines("less", {f"{reason}: {UNLINKED[reason]}": found for reason, found in unlinked.items()}),
            Line("total", "Linked to a person", linked),
        ],
        _priced("Linked, by how it is priced", linked, {s: of("pricing", s, "linked") for s in MATCH_LEVELS}),
        _priced(
            "Unlinked, by how it is priced",
            none,
            {s: sum((of("pricing", s, reason) for reason in UNLINKED), Sums()) for s in MATCH_LEVELS},
        ),
        [
            Line("total", "Linked, by registration", linked),
            *_lines("of", {label: of("exposure", status) for status, label in _REGISTERED.items()}),
        ],
    ]
    return [lines for lines in statement if any(line.sums != Sums() for line in lines)]


def _priced(title: str, whole: Sums, by_level: dict[str, Sums]) -> list[Line]:
    order = [level for level in _PRICED if level in by_level]
    return [Line("total", title, whole), *_lines("of", {_PRICED[level]: by_level[level] for level in order})]


def _lines(kind: Kind, found: dict[str, Sums]) -> list[Line]:
    return [Line(kind, label, sums) for label, sums in found.items() if sums != Sums()]
