"""A delivery as its supplier announces it: the folder in `landing/` and its `delivery.json`.

Belongs here: finding deliveries, reading and judging the announcement.
Does not belong here: the rows (`intake.py`), or which delivery is current (`submission.py`).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import LinkedCareError
from pipelines.store import fingerprint
from schemas.activity import FEEDS_OF_CARE
from schemas.contract import contracts
from schemas.financial_year import years_between

MANIFEST = "delivery.json"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RefusedDeliveryError(LinkedCareError):
    """A delivery that is refused whole, with the reason."""


@dataclass(frozen=True)
class DeliveredFile:
    """One file as announced."""

    name: str
    format: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Delivery:
    """One delivery as announced in its `delivery.json`."""

    folder: Path
    delivery_id: str
    feed: str
    contract_version: str
    supplier: str
    pseudonym_domain: str
    synthetic: bool
    period_start: date
    period_end: date
    received_at: datetime
    files: tuple[DeliveredFile, ...]
    manifest: str

    @property
    def announced_rows(self) -> int:
        """Rows over all files."""
        return sum(file.rows for file in self.files)


def landed(landing: Path, feed: str) -> Iterator[Path]:
    """The folders of a feed whose announcement has arrived, in order of name."""
    yield from sorted(path.parent for path in (landing / feed).glob(f"*/{MANIFEST}") if path.parent.name[0] != ".")


def read_delivery(folder: Path) -> Delivery:
    """Read an announcement.

    Raises:
        RefusedDeliveryError: if it is not whole, or does not match the folder in which it lies.
    """
    manifest = (folder / MANIFEST).read_text()
    try:
        announced: dict[str, Any] = json.loads(manifest)
        delivery = Delivery(
            folder=folder,
            delivery_id=announced["delivery_id"],
            feed=announced["feed"],
            contract_version=announced["contract_version"],
            supplier=announced["supplier"],
            pseudonym_domain=announced["pseudonym_domain"],
            synthetic=bool(announced.get("synthetic", False)),
            period_start=date.fromisoformat(announced["period_start"]),
            period_end=date.fromisoformat(announced["period_end"]),
            received_at=datetime.fromisoformat(announced["received_at"]),
            files=tuple(
                DeliveredFile(Path(f["name"]).name, f["format"], f["sha256"], int(f["rows"]))
                for f in announced["files"]
            ),
            manifest=manifest,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RefusedDeliveryError(
            f"{MANIFEST} is not whole: {type(error).__name__} {error}. Send it again."
        ) from error
    if (delivery.delivery_id, delivery.feed) != (folder.name, folder.parent.name):
        raise RefusedDeliveryError(f"{MANIFEST} names another feed or delivery than the folder it lies in.")
    if not _ID.fullmatch(delivery.delivery_id):
        raise RefusedDeliveryError("the delivery_id may hold letters, digits, dots, dashes and underscores only.")
    if delivery.period_end < delivery.period_start or not delivery.files:
        raise RefusedDeliveryError(f"{MANIFEST} announces no files, or a period that ends before it starts.")
    if delivery.received_at.tzinfo is None:
        raise RefusedDeliveryError("received_at states no time zone. Write it as 2024-05-18T06:00:00Z.")
    return delivery


@dataclass(frozen=True)
class Unseen:
    """Deliveries that landed after the last run took any in."""

    count: int
    digest: str

    def __bool__(self) -> bool:
        return self.count > 0


def unseen(root: Path) -> Unseen:
    """Deliveries in `landing/` that have no receipt yet."""
    waiting = [
        folder
        for feed in contracts()
        for folder in landed(root / "landing", feed)
        if not (root / "store" / feed / folder.name / "receipt.json").exists()
    ]
    return Unseen(len(waiting), fingerprint([(folder.parent.name, folder.name) for folder in waiting]))


def known_years(root: Path) -> list[str]:
    """Financial years touched by any delivery of care that has landed or was taken in."""
    years: set[str] = set()
    for feed in FEEDS_OF_CARE:
        for folder in landed(root / "landing", feed):
            try:
                delivery = read_delivery(folder)
            except RefusedDeliveryError:
                continue
            years.update(years_between(delivery.period_start, delivery.period_end))
    return sorted(years)
