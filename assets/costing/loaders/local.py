"""Local prices: a CSV or XLSX that is already in the columns of `price.csv`.

No publication: what a commissioner, council or provider agreed. Columns are those of `price.csv`; "code" stands for
currency_code, "price" for price_gbp. Setting, point_of_delivery, currency_code, unit and price_gbp must be there; what
else lacks is taken from the command. Pounds per unit.

Belongs here: taking rows over one by one, and saying why others are not.
Does not belong here: whether placeholders are wanted (`merge`).
"""

import re
from pathlib import Path

from assets.costing.book import PRICE_COLUMNS
from assets.costing.loaders.sheets import number, one_sheet, plain_number, pounds
from assets.costing.loaders.terms import Loaded, Terms, Unused, canonical_year, price_rows
from assets.costing.points import known_points
from pipelines.errors import LinkedCareError

_ALSO = {
    "currency_code": "currency( code)?|code",
    "price_gbp": "price( gbp)?",
    "point_of_delivery": "point of delivery|pod",
}
_PATTERNS = {name: _ALSO.get(name, name.replace("_", " ")) for name in PRICE_COLUMNS}
_REQUIRED = ("setting", "point_of_delivery", "currency_code", "unit", "price_gbp")
_AMOUNTS = ("price_gbp", "excess_day_price_gbp")
_STATUSES = ("V", "D", "X")


def load_local(path: Path, terms: Terms) -> Loaded:
    """The rows of the file that can be prices; the others with a reason each.

    Raises:
        LinkedCareError: if the file is in another layout, or not one row of it can be a price.
    """
    sheet = one_sheet(path, _PATTERNS, _REQUIRED, ", ".join(_REQUIRED))
    stamp = terms.stamp("local", "", "")
    known = known_points()
    prices, unused = [], []
    for row in sheet.rows:
        filled = {name: row.get(name) or stamp.get(name) for name in PRICE_COLUMNS}
        filled["basis"] = terms.basis or row.get("basis") or "local"
        filled["status"] = row.get("status") or "V"
        filled["is_proxy"] = (row.get("is_proxy") or "false").lower()
        filled["description"] = row.get("description") or row["currency_code"]
        filled["price_year"] = canonical_year(row.get("price_year") or terms.year)
        if reason := _reason(filled, known):
            place = f"{row['setting']}/{row['point_of_delivery']}"
            unused.append(Unused("refused", place, row["currency_code"], reason))
        else:
            prices.append(filled | {name: _exact(filled[name]) for name in _AMOUNTS})
    if not prices:
        reasons = sorted({row.reason for row in unused})
        raise LinkedCareError(f"{path.name}: none of its {len(sheet.rows)} rows is a price: {'; '.join(reasons)}.")
    return Loaded(price_rows(prices), unused=tuple(unused))


def _reason(row: dict[str, str | None], known: frozenset[tuple[str, str]]) -> str | None:
    """Why a row cannot be a price; none if it can."""
    if (row["setting"], row["point_of_delivery"]) not in known:
        return "the setting and point of delivery are none of those that are priced"
    if not row["currency_code"] or not row["unit"]:
        return "it has no currency_code or no unit"
    if not _is_amount(row["price_gbp"]):
        return "it has no price in pounds with at most four decimals"
    if any(row[name] and not _is_amount(row[name]) for name in ("excess_day_price_gbp", "national_activity")):
        return "its excess_day_price_gbp or national_activity is no number"
    if not re.fullmatch(r"\d{0,4}", row["trim_point_days"] or ""):
        return "its trim_point_days are no whole days"
    if row["status"] not in _STATUSES:
        return f"its status is none of {', '.join(_STATUSES)}"
    if row["is_proxy"] not in {"true", "false"}:
        return "is_proxy is neither true nor false"
    if not row["price_year"]:
        return "its price_year is no financial year"
    if not row["source"] or not row["licence"]:
        return "it has no source or no licence; give --source and --licence"
    return None


def _is_amount(text: str | None) -> bool:
    try:
        value = number(text or "")
    except ValueError:
        return False
    return value is not None and value >= 0 and len(plain_number(value).partition(".")[2]) <= 4  # noqa: PLR2004


def _exact(text: str | None) -> str | None:
    value = number(text or "")
    return pounds(value) if value is not None else None
