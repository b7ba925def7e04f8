"""The ladder down which a price book is searched, in plain Python: one unit at a time, over a book without dates.

Belongs here: finding the price of one unit.
Does not belong here: factors, top-ups, indices and effective dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
_HRG_SETTINGS = ("inpatient", "outpatient", "emergency")
_HRG_LENGTH = 5


@dataclass(frozen=True)
class Found:
    """A price in pence and how it was found."""

    per_unit: Fraction
    level: str
    is_proxy: bool


class Ladder:
    """A book and the points at which it may price a unit."""

    def __init__(self, book: Iterable[Row], points: Iterable[Row]) -> None:
        self._book = list(book)
        self._points = sorted(points, key=lambda row: row["rank"])

    def find(
        self, setting: str, point_of_delivery: str, price_point: str, currency: str | None, is_proxy_currency: bool
    ) -> Found | None:
        """The best price there is, or none."""
        code = currency or ""
        if setting in _HRG_SETTINGS and code.startswith("U"):
            code = ""
        points = list(self._points_of(setting, point_of_delivery, price_point))
        rows = [row for row in self._book if row["setting"] == setting]
        at = [[row for row in rows if row["point_of_delivery"] == point] for point in points]
        for row in (row for there in at for row in there if code and row["currency_code"] == code):
            is_proxy = is_proxy_currency or row["is_proxy"]
            return Found(Fraction(row["unit_price"]), "proxy" if is_proxy else "exact", is_proxy)
        if same := [row for row in rows if code and row["currency_code"] == code]:
            return Found(_mean(same), "all_points", True)
        if len(code) == _HRG_LENGTH and (
            setting == "inpatient" or point_of_delivery in ("procedure", "emergency_attendance")
        ):
            for level, length in (("hrg_root", 4), ("subchapter", 2)):
                for there in at:
                    if like := [row for row in there if _is_like(row["currency_code"], code[:length])]:
                        return Found(_mean(like), level, True)
        for row in (row for there in at for row in there if row["currency_code"] == "ALL"):
            return Found(Fraction(row["unit_price"]), "point_of_delivery", True)
        return None

    def _points_of(self, setting: str, point_of_delivery: str, price_point: str) -> Iterator[str]:
        place = (setting, point_of_delivery, price_point)
        listed = [
            row["book_point"]
            for row in self._points
            if (row["setting"], row["point_of_delivery"], row["price_point"]) == place
        ]
        yield from listed or dict.fromkeys((price_point, point_of_delivery))


def _is_like(code: str, prefix: str) -> bool:
    return len(code) == _HRG_LENGTH and code.startswith(prefix)


def _mean(rows: list[Row]) -> Fraction:
    """To a hundredth of a penny, halves upwards; of one year and one basis, the latest year and first basis of all."""
    by_kind: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        by_kind.setdefault((-int(row["price_year"][:4]), row["price_basis"]), []).append(row)
    chosen = by_kind[min(by_kind)]
    weights = [row["national_activity"] for row in chosen]
    is_weighed = None not in weights and sum(weights) > 0
    parts = zip(chosen, weights if is_weighed else [1] * len(chosen), strict=True)
    total = sum((Fraction(row["unit_price"]) * weight for row, weight in parts), Fraction())
    mean = total / (sum(weights) if is_weighed else len(chosen))
    return Fraction((2 * 100 * mean + 1) // 2, 100)
