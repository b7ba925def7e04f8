"""Defects of whole deliveries: sent again with changes, sent twice unchanged, or sent broken and then whole.

Which delivery suffers what is listed in `reference/delivery_fault.csv`, by feed and by the share of the study that has
passed, so that a study of any length has all of them. A broken delivery arrives first under its usual name; the whole
one follows as its second version, so no data is lost. How a file is broken is in `fault_files`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from synthetic import codebook
from synthetic.delivery import delivery_id, file_name, received_at, write_manifest
from synthetic.fault_files import MANIFEST_CUT_SHORT, SPOILERS
from synthetic.layout import FEEDS
from synthetic.periods import Period


def _at(share: float, periods: dict[int, Period]) -> int:
    """The position that lies this share into the study."""
    return int(share * (max(periods) + 1))


@dataclass(frozen=True)
class Refusal:
    """A delivery that arrives broken: feed, position of the period, what is wrong, and the kind of reason."""

    feed: str
    position: int
    defect: str
    kind: str


@dataclass(frozen=True)
class Plan:
    """Which deliveries are sent again, repeated, sent with text in every column, and refused."""

    again: frozenset[tuple[str, int]] = frozenset()
    repeated: tuple[tuple[str, int], ...] = ()
    all_text: frozenset[tuple[str, int]] = frozenset()
    refused: tuple[Refusal, ...] = ()

    @staticmethod
    def of(faults: str, periods: dict[str, dict[int, Period]]) -> Plan:
        """The plan for a study with these periods by feed."""
        listed = [row for row in codebook.rows("delivery_fault") if row["faults"] in ("default", faults)]
        if faults == "none":
            return Plan()

        def places(defects: Iterable[str]) -> list[tuple[str, int, str, str]]:
            return [
                (row["feed"], _at(float(row["share"]), periods[row["feed"]]), row["defect"], row["kind"])
                for row in listed
                if row["defect"] in defects
            ]

        return Plan(
            frozenset(place[:2] for place in places(["sent_again"])),
            tuple(place[:2] for place in places(["repeated"])),
            frozenset(place[:2] for place in places(["all_text"])),
            tuple(Refusal(*place) for place in places(SPOILERS)),
        )

    def first_version(self, feed: str, position: int) -> int:
        """Version of the first whole delivery: the second where a broken one came before it."""
        return 2 if any((feed, position) == (one.feed, one.position) for one in self.refused) else 1

    def sent_again(self, feed: str, position: int) -> bool:
        """Whether the delivery is followed by a changed one for the same period."""
        return (feed, position) in self.again

    def is_text(self, feed: str, position: int) -> bool:
        """Whether a typed file holds text in every column."""
        return (feed, position) in self.all_text


def _copy(to: Path, feed: str, period: Period, *, whole: int, version: int, spoil: Callable[[Path], None]) -> str:
    """Make delivery `version` from the whole one and return its name."""
    name = delivery_id(FEEDS[feed], period, version)
    source, workshop = to / feed / delivery_id(FEEDS[feed], period, whole), to / feed / f".{name}.partial"
    shutil.copytree(source, workshop)
    manifest = json.loads((workshop / "delivery.json").read_text(encoding="utf-8"))
    write_manifest(workshop, manifest | {"delivery_id": name, "received_at": received_at(FEEDS[feed], period, version)})
    spoil(workshop)
    workshop.rename(to / feed / name)
    return name


def repeat(to: Path, feed: str, period: Period, whole: int) -> str:
    """The same files once more, under a later name: to be ignored."""
    return _copy(to, feed, period, whole=whole, version=whole + 1, spoil=lambda _: None)


def refuse(to: Path, refusal: Refusal, period: Period) -> str:
    """A broken delivery that arrives before the whole one."""
    feed = FEEDS[refusal.feed]

    def spoil(workshop: Path) -> None:
        manifest = workshop / "delivery.json"
        announced = json.loads(manifest.read_text(encoding="utf-8"))
        SPOILERS[refusal.defect](workshop / file_name(feed, period), announced, feed)
        write_manifest(workshop, announced)
        if refusal.defect == MANIFEST_CUT_SHORT:
            manifest.write_bytes(manifest.read_bytes()[: manifest.stat().st_size // 2])

    return _copy(to, refusal.feed, period, whole=2, version=1, spoil=spoil)
