"""A delivery as its supplier announces it: the folder in `landing/` and its `delivery.json`.

Belongs here: finding deliveries, reading and judging the announcement.
Does not belong here: the rows (`intake.py`), or which delivery is current (`submission.py`).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.errors import LinkedCareError
from pipelines.store import fingerprint
from schemas.activity import FEEDS_OF_CARE
from schemas.contract import contracts
from schemas.financial_year import years_between

MANIFEST = "delivery.json"
ROLES = ("records", "deletes", "active_submissions")
_EARLIEST = date(1900, 1, 1)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RefusedDeliveryError(LinkedCareError):
    """A delivery that is refused whole, with the reason."""


class IdentifiersError(RefusedDeliveryError):
    """A delivery that names or holds identifiers: nothing of it may stay."""


@dataclass(frozen=True)
class DeliveredFile:
    """One file as announced."""

    name: str
    format: str
    sha256: str
    rows: int
    role: str = "records"


@dataclass(frozen=True)
class Delivery:
    """One delivery as announced in its `delivery.json`.

    Attributes:
        providers: those that it is for; none named means all of its supplier.
    """

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
    dialect: str | None
    files: tuple[DeliveredFile, ...]
    manifest: str
    providers: tuple[str, ...] = ()

    def files_of(self, role: str) -> list[DeliveredFile]:
        """The files of one role: `records`, or companions such as `deletes`."""
        return [file for file in self.files if file.role == role]

    @property
    def announced_rows(self) -> int:
        """Rows over all files of records."""
        return sum(file.rows for file in self.files_of("records"))


def landed(landing: Path, feed: str) -> Iterator[Path]:
    """The folders of a feed whose announcement has arrived, in order of name."""
    yield from sorted(path.parent for path in (landing / feed).glob(f"*/{MANIFEST}") if path.parent.name[0] != ".")


def read_delivery(folder: Path) -> Delivery:
    """Read an announcement.

    Raises:
        RefusedDeliveryError: if it is not whole, or does not match the folder in which it lies.
    """
    announced = _announced(folder / MANIFEST)
    delivery = Delivery(
        folder=folder,
        delivery_id=_read(announced, "delivery_id"),
        feed=_read(announced, "feed"),
        contract_version=_read(announced, "contract_version"),
        supplier=_read(announced, "supplier"),
        pseudonym_domain=_read(announced, "pseudonym_domain"),
        synthetic=_read({"synthetic": False} | announced, "synthetic", _flag),
        period_start=_read(announced, "period_start", date.fromisoformat),
        period_end=_read(announced, "period_end", date.fromisoformat),
        received_at=_read(announced, "received_at", datetime.fromisoformat),
        dialect=_read(announced, "dialect") if "dialect" in announced else None,
        files=_read(announced, "files", _files),
        manifest=json.dumps(announced, sort_keys=True),
        providers=_read(announced, "providers", _providers) if "providers" in announced else (),
    )
    if (delivery.delivery_id, delivery.feed) != (folder.name, folder.parent.name):
        raise RefusedDeliveryError(f"{MANIFEST} names another feed or delivery than the folder it lies in.")
    if not _ID.fullmatch(delivery.delivery_id):
        raise RefusedDeliveryError("the delivery_id may hold letters, digits, dots, dashes and underscores only.")
    if delivery.period_end < delivery.period_start or not delivery.files:
        raise RefusedDeliveryError(f"{MANIFEST} announces no files, or a period that ends before it starts.")
    if odd := sum(file.role not in ROLES for file in delivery.files):
        raise RefusedDeliveryError(f"{MANIFEST} announces {odd} files whose role is none of {', '.join(ROLES)}.")
    if len({file.name for file in delivery.files}) < len(delivery.files):
        raise RefusedDeliveryError(f"{MANIFEST} announces a file twice, so that its rows would count twice.")
    if delivery.received_at.tzinfo is None:
        raise RefusedDeliveryError("received_at states no time zone. Write it as 2024-05-18T06:00:00Z.")
    if delivery.period_end > delivery.received_at.date() + timedelta(days=366) or delivery.period_start < _EARLIEST:
        raise RefusedDeliveryError("its period begins before 1900 or ends more than a year after it was received.")
    return delivery


def _announced(manifest: Path) -> dict[str, Any]:
    try:
        announced = json.loads(manifest.read_text())
    except ValueError as error:
        raise RefusedDeliveryError(f"{MANIFEST} is not whole: it is not JSON. Send it again.") from error
    if not isinstance(announced, dict):
        raise RefusedDeliveryError(f"{MANIFEST} is not whole: it is not a JSON object. Send it again.")
    return announced


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):  # the text "false" would count as true
        raise TypeError
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _providers(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(code, str) and code for code in value):
        raise TypeError  # an empty list would mean all, the opposite of what it says
    return tuple(sorted(set(value)))


def _files(value: Any) -> tuple[DeliveredFile, ...]:
    return tuple(
        DeliveredFile(
            Path(_read(file, "name")).name,
            _read(file, "format"),
            _read(file, "sha256"),
            _read(file, "rows", _count),
            _read(file, "role") if "role" in file else "records",
        )
        for file in value
    )


def _read(record: Any, name: str, read: Callable[[Any], Any] = _text) -> Any:
    """One field of an announcement; the refusal names the field, never its value."""
    try:
        return read(record[name])
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedDeliveryError(
            f"{MANIFEST} is not whole: {name} is missing or cannot be read. Send it again."
        ) from error


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
