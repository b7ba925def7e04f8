"""The receipt of one delivery, judged on its own, and the files that lie beside it.

Belongs here: what is remembered of a delivery.
Does not belong here: judging it (`intake.py`), or against others (`submission.py`).
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import ConservationError
from pipelines.kept import digest_of
from pipelines.sealed import BrokenSealError, sealed, unsealed

RECEIPT = "receipt.json"
WIPED = "wiped.json"
_ASIDE = ".aside"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Receipt:
    """What became of one delivery, judged on its own.

    Attributes:
        intake_key: digest of the announcement, the contract and the code; the same key is accepted once.
        content: digests of the files.
        announced: digest of the announcement but for its name and time: a repeat has the same.
        dialect: under which headers it came.
        reason: why it was refused, or None.
        holds_identifiers: whether it was refused for what it holds, so that nothing of it may stay.
        received_rows: rows as the reader counted them, before any was judged.
        received_pence: their submitted price, added up likewise; None on a receipt of before it was counted.
        totals: rows and pence by (status, provider, month).
        broken: rows by rule broken, also those that only warn; rules that no row breaks are left out.
        released: the rules that were released for it.
        released_rows: rows accepted though they break a rule, because the rule was released for them.
        returned_rows: rows now accepted that an earlier reading of the same delivery had rejected.
        providers: those that it is for; none named means all of its supplier.
        roles: the kinds of files that it holds: `records`, and companions.
        unreadable_prices: rejected rows whose price is no amount of money, so that their pence are unknown.
        announced_rows, announced_pence: control totals of the whole delivery, where its supplier announces them.
        files: SHA-256 of the bytes of each file that lies beside it, as written.
        held_against: digest of the withdrawn identifiers that its rows were last held against.
        left: digest of what is left of its accepted rows since some were withdrawn; empty where none were.
    """

    delivery_id: str
    feed: str
    supplier: str
    contract_version: str
    pseudonym_domain: str
    synthetic: bool
    period_start: date | None
    period_end: date | None
    received_at: datetime | None
    intake_key: str
    content: tuple[str, ...] = ()
    announced: str = ""
    dialect: str | None = None
    reason: str | None = None
    holds_identifiers: bool = False
    received_rows: int = 0
    received_pence: int | None = None
    totals: tuple[tuple[str, str, date, int, int], ...] = ()
    broken: Mapping[str, int] = field(default_factory=dict)
    released: tuple[str, ...] = ()
    released_rows: int = 0
    returned_rows: int = 0
    providers: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("records",)
    unreadable_prices: int = 0
    announced_rows: int | None = None
    announced_pence: int | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    held_against: str = ""
    left: str = ""

    @property
    def rows_key(self) -> str:
        """Digest of all that its accepted rows depend on: equal ones mean equal rows."""
        return f"{self.intake_key} {self.left}" if self.left else self.intake_key

    @property
    def has_records(self) -> bool:
        """Whether it holds records, and so speaks for its period; a delivery of companions alone does not."""
        return "records" in self.roles

    def rows(self, status: str) -> int:
        """Rows that the delivery, judged on its own, has of a status."""
        return sum(rows for found, _, _, rows, _ in self.totals if found == status)

    def pence(self) -> int:
        """Submitted price of all its rows."""
        return sum(pence for *_, pence in self.totals) if self.received_pence is None else self.received_pence

    def dump(self) -> str:
        """The receipt as JSON that carries its own digest."""
        return sealed(asdict(self))

    @staticmethod
    def load(path: Path) -> "Receipt":
        """Read a receipt back.

        Raises:
            ConservationError: if it is not the one that was written.
        """
        feed, delivery_id = path.parts[-3:-1]
        try:
            record: dict[str, Any] = unsealed(path.read_text())
            if (record["feed"], record["delivery_id"]) != (feed, delivery_id):
                raise BrokenSealError
        except BrokenSealError:
            raise ConservationError(f"{feed}/{delivery_id}: its receipt changed since it was written") from None
        for name in ("period_start", "period_end"):
            record[name] = record[name] and date.fromisoformat(record[name])
        record["received_at"] = record["received_at"] and datetime.fromisoformat(record["received_at"])
        for name in ("content", "released", "providers", "roles"):
            record[name] = tuple(record.get(name, getattr(Receipt, name)))
        record["totals"] = tuple((s, p, date.fromisoformat(m), n, c) for s, p, m, n, c in record["totals"])
        return Receipt(**record)


def stands(folder: Path) -> bool:
    """Whether a delivery lies on the shelf taken in and whole, so that it need not be read again.

    Raises:
        ConservationError: if its receipt is not the one that was written.
    """
    try:
        receipt = Receipt.load(folder / RECEIPT)
    except FileNotFoundError:
        return False
    return receipt.reason is None and bool(accepted_files(folder) or not receipt.has_records)


def put_in_place(staged: Path, final: Path) -> None:
    """Replace what is kept of a delivery; what it replaces stays aside until the new one stands."""
    aside = final.with_name(f".{final.name}{_ASIDE}")
    if final.exists():
        final.rename(aside)
        if (aside / WIPED).exists():
            shutil.copy2(aside / WIPED, staged / WIPED)
    staged.rename(final)
    shutil.rmtree(aside, ignore_errors=True)


def restore(shelf: Path) -> None:
    """Put back what a killed run had laid aside and not replaced."""
    for aside in shelf.glob(f".*{_ASIDE}"):
        final = shelf / aside.name.removeprefix(".").removesuffix(_ASIDE)
        if final.exists():
            shutil.rmtree(aside)
        else:
            aside.rename(final)


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each parquet file that lies in the folder of a delivery."""
    return {path.name: digest_of(path) for path in sorted(folder.glob("*.parquet"))}


def accepted_files(folder: Path) -> list[Path]:
    """The accepted rows of a delivery, in parts of whole batches, in order of row number."""
    return sorted(folder.glob("accepted-*.parquet"))


def quarantine_files(folder: Path) -> list[Path]:
    """Row number, first rule broken and rules broken of each rejected row."""
    return sorted(folder.glob("quarantine-*.parquet"))


def unchanged(folder: Path, files: Iterable[Path]) -> list[Path]:
    """Those files of a delivery that have the bytes that were written; none if its receipt was changed."""
    try:
        written = Receipt.load(folder / RECEIPT).files
    except (FileNotFoundError, ConservationError):
        return []
    return [path for path in files if digest_of(path) == written.get(path.name)]


def quarantined_row_files(folder: Path) -> list[Path]:
    """The rejected rows as received."""
    return sorted(folder.glob("quarantined_row-*.parquet"))
