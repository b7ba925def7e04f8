"""Control totals that a supplier announces: rows and pounds of a delivery, or of a provider or month of it.

Belongs here: reading them from the announcement, and comparing them with what was read.
Does not belong here: counting what was read (`sorting.py`); refusing (`intake.py`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

_PROVIDER = re.compile(r"[A-Za-z0-9]{1,8}")  # it stands in messages
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_POUNDS = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")
_FIELDS = {"provider_code", "month", "rows", "submitted_price"}

Read = tuple[str, date, int, int]


@dataclass(frozen=True)
class ControlTotal:
    """What a supplier counted.

    Attributes:
        provider: the provider that is counted; all of them by default.
        month: the month that is counted; all of them by default.
        pence: their submitted price; None if it is not announced.
    """

    provider: str | None
    month: date | None
    rows: int
    pence: int | None

    @property
    def is_of_the_whole(self) -> bool:
        """Whether it is the total of the delivery."""
        return self.provider is None and self.month is None

    def of(self) -> str:
        """What is counted, in words."""
        parts = [f"provider {self.provider}" if self.provider else "", f"{self.month:%Y-%m}" if self.month else ""]
        return ", ".join(filter(None, parts)) or "the delivery"


def control_totals(announced: Any) -> tuple[ControlTotal, ...]:
    """Read `control_totals` of an announcement; raises TypeError or ValueError where it is not as documented."""
    if not isinstance(announced, list) or not announced:
        raise TypeError
    totals = tuple(_total(entry) for entry in announced)
    if len({(total.provider, total.month) for total in totals}) < len(totals):
        raise ValueError
    return totals


def _total(entry: Any) -> ControlTotal:
    if not isinstance(entry, dict) or not isinstance(entry.get("rows"), int) or isinstance(entry["rows"], bool):
        raise TypeError
    if entry.keys() - _FIELDS or entry["rows"] < 0:  # a misspelt provider_code would make it the total of all
        raise ValueError
    provider = _matching(_PROVIDER, entry["provider_code"]) if "provider_code" in entry else None
    month = date.fromisoformat(f"{_matching(_MONTH, entry['month'])}-01") if "month" in entry else None
    pounds = _matching(_POUNDS, entry["submitted_price"]) if "submitted_price" in entry else None
    return ControlTotal(provider, month, entry["rows"], None if pounds is None else int(Decimal(pounds) * 100))


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not pattern.fullmatch(value):
        raise ValueError
    return value


def difference(totals: Iterable[ControlTotal], read: Iterable[Read], unreadable_prices: int) -> str | None:
    """Why announced totals are not what was read, exactly: counts only. None if they are.

    Args:
        totals: as announced.
        read: provider, month, rows and pence of all rows that were read, accepted or not.
        unreadable_prices: rows whose price is no amount of money, so that their pence are in no sum.
    """
    read = list(read)
    gaps = [gap for total in totals if (gap := _gap(total, read))]
    if not gaps:
        return None
    others = f" So do {len(gaps) - 1} other totals." if gaps[1:] else ""
    unreadable = f" The price of {unreadable_prices} rows is no amount of money." if unreadable_prices else ""
    return (
        f"control_totals differ from what was read: {gaps[0]}.{others}{unreadable}"
        " Correct the files or the announcement and send the delivery again."
    )


def _gap(total: ControlTotal, read: list[Read]) -> str | None:
    own = [
        (rows, pence)
        for provider, month, rows, pence in read
        if total.provider in (None, provider) and total.month in (None, month)
    ]
    rows, pence = sum(one for one, _ in own), sum(one for _, one in own)
    found = [f"{total.rows} rows are announced and {rows} arrived"] if total.rows != rows else []
    if total.pence is not None and total.pence != pence:
        found.append(f"£{_pounds(total.pence)} is announced and £{_pounds(pence)} arrived")
    return f"of {total.of()}, {' and '.join(found)}" if found else None


def _pounds(pence: int) -> str:
    return f"{Decimal(pence) / 100:.2f}"
