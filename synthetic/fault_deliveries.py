"""Defects of whole deliveries: sent again with changes, sent twice unchanged, or sent broken and then whole.

Which delivery suffers what is fixed by feed and by the share of the study that has passed, so that a study of any
length has all of them. A broken delivery arrives first under its usual name; the whole one follows as its second
version, so no data is lost.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from synthetic.delivery import delivery_id, file_name, received_at, write_manifest
from synthetic.layout import FEEDS
from synthetic.periods import Period

_SENT_AGAIN = {
    "op_attendance": 0.40,
    "gp_prescription": 0.50,
    "community_contact": 0.60,
    "apc_spell": 0.20,
    "social_care_event": 0.45,
}
_REPEATED = {"ec_attendance": 0.30, "gp_appointment": 0.55, "mh_contact": 0.80, "gp_prescription": 0.10}
_REFUSED = {
    "apc_spell": (0.45, "row_count"),
    "op_attendance": (0.70, "sha256"),
    "gp_prescription": (0.75, "missing_file"),
    "gp_appointment": (0.25, "unreadable"),
    "mh_diagnosis": (0.60, "columns"),
    "community_contact": (0.15, "sha256"),
}


def _at(share: float, periods: dict[int, Period]) -> int:
    """The position that lies this share into the study."""
    return int(share * (max(periods) + 1))


@dataclass(frozen=True)
class Plan:
    """Which deliveries are sent again, repeated and refused: feed and position of the period (and the reason)."""

    again: frozenset[tuple[str, int]] = frozenset()
    repeated: tuple[tuple[str, int], ...] = ()
    refused: tuple[tuple[str, int, str], ...] = ()

    @staticmethod
    def default(periods: dict[str, dict[int, Period]]) -> Plan:
        """The plan for a study with these periods by feed."""
        return Plan(
            frozenset((feed, _at(share, periods[feed])) for feed, share in _SENT_AGAIN.items()),
            tuple((feed, _at(share, periods[feed])) for feed, share in _REPEATED.items()),
            tuple((feed, _at(share, periods[feed]), reason) for feed, (share, reason) in _REFUSED.items()),
        )

    def first_version(self, feed: str, position: int) -> int:
        """Version of the first whole delivery: the second where a broken one came before it."""
        return 2 if any((feed, position) == (f, p) for f, p, _ in self.refused) else 1

    def sent_again(self, feed: str, position: int) -> bool:
        """Whether the delivery is followed by a changed one for the same period."""
        return (feed, position) in self.again


def _copy(
    to: Path, feed: str, period: Period, *, whole: int, version: int, spoil: Callable[[Path, dict], None] | None
) -> str:
    """Make delivery `version` from the whole one, spoiled or as it is, and return its name."""
    name = delivery_id(FEEDS[feed], period, version)
    source, workshop = to / feed / delivery_id(FEEDS[feed], period, whole), to / feed / f".{name}.partial"
    shutil.copytree(source, workshop)
    manifest = json.loads((workshop / "delivery.json").read_text(encoding="utf-8"))
    manifest |= {"delivery_id": name, "received_at": received_at(FEEDS[feed], period, version)}
    if spoil:
        spoil(workshop / file_name(FEEDS[feed], period), manifest["files"][0])
    write_manifest(workshop, manifest)
    workshop.rename(to / feed / name)
    return name


def repeat(to: Path, feed: str, period: Period, whole: int) -> str:
    """The same files once more, under a later name: to be ignored."""
    return _copy(to, feed, period, whole=whole, version=whole + 1, spoil=None)


def refuse(to: Path, feed: str, period: Period, reason: str) -> str:
    """A broken delivery that arrives before the whole one: to be refused for `reason`."""
    return _copy(to, feed, period, whole=2, version=1, spoil=_SPOILERS[reason])


def _wrong_count(_: Path, entry: dict) -> None:
    entry["rows"] += 7


def _wrong_digest(_: Path, entry: dict) -> None:
    entry["sha256"] = hashlib.sha256(entry["sha256"].encode()).hexdigest()


def _missing(file: Path, _: dict) -> None:
    file.unlink()


def _truncated(file: Path, entry: dict) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 3])
    entry["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()


def _column_lost(file: Path, entry: dict) -> None:
    table = pl.read_csv(file, infer_schema=False)
    table.drop("PrimDiag").write_csv(file)
    entry["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()


_SPOILERS: dict[str, Callable[[Path, dict], None]] = {
    "row_count": _wrong_count,
    "sha256": _wrong_digest,
    "missing_file": _missing,
    "unreadable": _truncated,
    "columns": _column_lost,
}
