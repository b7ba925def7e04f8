"""A delivery as its supplier announces it: the folder in `landing/` and its `delivery.json`.

Belongs here: finding deliveries, reading and judging the announcement.
Does not belong here: the rows (`intake.py`), or which delivery is current (`submission.py`).
"""

import json
import os
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.feeds.control import ControlTotal, control_totals
from pipelines.errors import LinkedCareError
from pipelines.store import fingerprint
from schemas.activity import FEEDS_OF_CARE
from schemas.contract import contracts
from schemas.financial_year import years_between

MANIFEST = "delivery.json"
ROLES = ("records", "deletes", "active_submissions")
_EARLIEST = date(1900, 1, 1)
_LATEST_YEARS = 20
_LONGEST_NAME = 255  # bytes, in any file system
_LONGEST_TEXT = 200
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RefusedDeliveryError(LinkedCareError):
    """A delivery that is refused whole, with the reason."""


class IdentifiersError(RefusedDeliveryError):
    """A delivery that names or holds identifiers: nothing of it may stay."""


@dataclass(frozen=True)
class DeliveredFile:
    """One file as announced; all but the first four may be left out of `delivery.json`.

    Attributes:
        format: csv, parquet or xlsx.
        role: records, or a companion of them such as deletes.
        encoding: of a csv: utf-8 (with or without byte order mark), utf-16 (with one) or cp1252.
        delimiter: of a csv: one character.
        quote: of a csv: one character, or nothing where no cell is quoted.
        header: whether the first line of a csv names its columns.
        columns: the names of the columns where no line does.
        compression: of a csv: gzip, or zip with one member.
        sheet: of a workbook with more than one.
    """

    name: str
    format: str
    sha256: str
    rows: int
    role: str = "records"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    columns: tuple[str, ...] = ()
    compression: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One delivery as announced in its `delivery.json`.

    Attributes:
        providers: those that it is for; none named means all of its supplier.
        control_totals: what its supplier counted, where it says so.
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
    control_totals: tuple[ControlTotal, ...] = ()

    def files_of(self, role: str) -> list[DeliveredFile]:
        """The files of one role: `records`, or companions such as `deletes`."""
        return [file for file in self.files if file.role == role]


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
        control_totals=_read(announced, "control_totals", control_totals) if "control_totals" in announced else (),
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
    if delivery.period_start < _EARLIEST or delivery.period_end - timedelta(days=366) > delivery.received_at.date():
        raise RefusedDeliveryError("its period begins before 1900 or ends more than a year after it was received.")
    if delivery.received_at.year - delivery.period_end.year > _LATEST_YEARS:  # it would count as the newest for good
        raise RefusedDeliveryError(f"received_at lies more than {_LATEST_YEARS} years after its period. Correct it.")
    return delivery


def _announced(manifest: Path) -> dict[str, Any]:
    try:
        announced = json.loads(manifest.read_text())
    except OSError:
        raise RefusedDeliveryError(f"{MANIFEST} cannot be opened. Grant access to it.") from None
    except (ValueError, RecursionError) as error:
        raise RefusedDeliveryError(f"{MANIFEST} is not whole: it is not JSON. Send it again.") from error
    if not isinstance(announced, dict):
        raise RefusedDeliveryError(f"{MANIFEST} is not whole: it is not a JSON object. Send it again.")
    return announced


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not value.isprintable() or not 0 < len(value) <= _LONGEST_TEXT:  # it stands in messages and tables
        raise ValueError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):  # the text "false" would count as true
        raise TypeError
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if value < 0:
        raise ValueError
    return value


def _file_name(value: Any) -> str:
    """The last part of a name, so that no file outside the folder can be announced."""
    name = Path(_text(value)).name
    if not name.isprintable() or not 0 < len(os.fsencode(name)) <= _LONGEST_NAME:  # it stands in messages of one line
        raise ValueError
    return name


def _sha256(value: Any) -> str:
    if not _SHA256.fullmatch(_text(value)):
        raise ValueError
    return value


def _mark(value: Any) -> str:
    """A character that can part or enclose cells."""
    if not (isinstance(value, str) and len(value) == 1 and (value == "\t" or value in string.punctuation)):
        raise ValueError
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(name) for name in value)


def _lower(value: Any) -> str:
    return _text(value).lower()


_REQUIRED: dict[str, Callable[[Any], Any]] = {
    "name": _file_name,
    "format": _text,
    "sha256": _sha256,
    "rows": _count,
}
_OPTIONAL: dict[str, Callable[[Any], Any]] = {
    "role": _text,
    "encoding": _lower,
    "delimiter": _mark,
    "quote": lambda value: value if value == "" else _mark(value),
    "header": _flag,
    "columns": _names,
    "compression": lambda value: None if value is None else _lower(value),
    "sheet": lambda value: None if value is None else _text(value),
}


def _files(value: Any) -> tuple[DeliveredFile, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_file(record) for record in value)


def _file(record: Any) -> DeliveredFile:
    if not isinstance(record, dict):
        raise TypeError
    given = {name: read for name, read in _OPTIONAL.items() if name in record}
    file = DeliveredFile(**{name: _read(record, name, read) for name, read in (_REQUIRED | given).items()})
    if file.quote == file.delimiter:
        raise ValueError
    return file


def _providers(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(code, str) and code for code in value):
        raise TypeError  # an empty list would mean all, the opposite of what it says
    return tuple(sorted(set(value)))


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
