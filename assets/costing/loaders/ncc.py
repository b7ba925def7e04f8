"""National Cost Collection: the national schedule of NHS costs, one row per department and currency.

Published every year by NHS England (england.nhs.uk, "National Cost Collection for the NHS"), under the Open Government
Licence. Columns, as CSV or XLSX: department code, currency code, currency description, activity, unit cost, cost; also
written with spaces, capitals, "department", "currency", "national average unit cost", "total cost", "number of FCEs".
Pounds per unit of activity. A cell without activity or unit cost is suppressed or rests on too few units.

Belongs here: which department is priced where (`ncc_department.csv`), means of departments, totals beside the cost.
Does not belong here: trim points and excess bed days, which schedules after 2017/18 have none of.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from itertools import groupby
from pathlib import Path

import polars as pl

from assets.costing.loaders.sheets import numbers, one_sheet, plain_number, pounds
from assets.costing.loaders.terms import (
    NOWHERE,
    OPEN_LICENCE,
    WHOLE_POINT,
    Loaded,
    Terms,
    Unused,
    price_rows,
    short_year,
)
from assets.reference import FOLDER
from pipelines.errors import LinkedCareError

DEPARTMENTS = FOLDER / "loaders" / "ncc_department.csv"
PRECISION = 60  # digits; the products of a schedule have up to thirty
_PENNY = Decimal("0.01")
_PATTERNS = {
    "department": "department( code| name)?",
    "code": "currency( code)?",
    "description": "currency desc(ription)?",
    "activity": "activity|number of fces",
    "unit_cost": "(national average )?unit cost",
    "cost": "(total )?cost",
}
_HEADED = "department_code, currency_code, activity, unit_cost and cost"
_REQUIRED = ("department", "code", "activity", "unit_cost", "cost")
_SUPPRESSED = "no activity or no unit cost is published"

_UNKNOWN = "the department is not in ncc_department.csv"

Row = dict[str, str | Decimal | None]
Place = Mapping[str, str]


def load_ncc(path: Path, terms: Terms) -> Loaded:
    """The schedule's prices, a mean for each point, and each department's total beside its published cost.

    Raises:
        LinkedCareError: if the file is in another layout, repeats a currency or has no department that is known.
    """
    sheet = one_sheet(path, _PATTERNS, _REQUIRED, _HEADED)
    rows = _exact(path.name, [row for row in sheet.rows if not _is_note(row)])
    known: dict[str, list[Place]] = {}
    for row in pl.read_csv(DEPARTMENTS, infer_schema=False).iter_rows(named=True):
        known.setdefault(row["department"], []).append(row)
    if not any(row["department"] in known for row in rows):
        raise LinkedCareError(f"{path.name}: names no department of the National Cost Collection. Name its schedule.")
    stamp = terms.stamp("cost", f"National Cost Collection {short_year(terms.year)}", OPEN_LICENCE)
    prices: list[Mapping[str, str | None]] = []
    unused: list[Unused] = []
    totals: list[Mapping[str, object]] = []
    for department, group in groupby(sorted(rows, key=_department), key=_department):
        members = list(group)
        complete = [row for row in members if row["activity"] and row["unit_cost"] is not None]
        places = [place for place in known.get(department, []) if place["setting"]]
        for place in places:
            placed = [row for row in complete if _belongs(row, place)]
            prices += [_price(row, place) | stamp for row in placed]
            if place["gives_mean"] == "true" and placed:
                prices.append(_mean(department, placed, place) | stamp)
        nowhere = next((place["note"] for place in known.get(department, []) if not place["setting"]), _UNKNOWN)
        for row in members:
            if not any(_belongs(row, place) for place in places):
                unused.append(_unused(NOWHERE, row, nowhere or _UNKNOWN))
            elif not row["activity"] or row["unit_cost"] is None:
                unused.append(_unused("suppressed", row, _SUPPRESSED))
        totals.append(_total(department, places, complete, members))
    return Loaded(price_rows(prices), unused=tuple(unused), reconciliation=pl.DataFrame(totals))


def _is_note(row: Mapping[str, str]) -> bool:
    """Whether a row below the table says something in words."""
    return not any(row[name] for name in ("code", "activity", "unit_cost", "cost"))


def _belongs(row: Row, place: Place) -> bool:
    """Whether a currency of a department has its price at a place."""
    code, without = str(row["code"]), place["except_beginning"]
    return code.startswith(place["code_beginning"] or "") and not (without and code.startswith(without))


def _department(row: Row) -> str:
    return str(row["department"])


def _exact(file: str, rows: list[dict[str, str]]) -> list[Row]:
    """Rows with their figures as exact numbers.

    Raises:
        LinkedCareError: counting rows without department or code, and currencies that a department has twice.
    """
    blank = sum(not (row["department"] and row["code"]) for row in rows)
    if blank:
        raise LinkedCareError(f"{file}: {blank} rows lack a department_code or currency_code. Mend the file.")
    if repeated := len(rows) - len({(row["department"], row["code"]) for row in rows}):
        raise LinkedCareError(f"{file}: {repeated} rows repeat a currency of their department. Mend the file.")
    figures = {name: numbers(file, rows, name, name) for name in ("activity", "unit_cost", "cost")}
    return [row | {name: values[place] for name, values in figures.items()} for place, row in enumerate(rows)]


def _price(row: Row, place: Place) -> dict[str, str | None]:
    assert isinstance(row["unit_cost"], Decimal)
    return {
        "setting": place["setting"],
        "point_of_delivery": place["point_of_delivery"],
        "currency_code": str(row["code"]).removesuffix(place["code_ending"] or ""),
        "description": str(row.get("description") or row["code"]),
        "unit": place["unit"],
        "price_gbp": pounds(row["unit_cost"]),
        "status": "V",
        "is_proxy": "false",
        "national_activity": plain_number(_figure(row, "activity")),
    }


def _mean(department: str, rows: list[Row], place: Place) -> dict[str, str | None]:
    """The mean of a department, weighted by activity."""
    with localcontext() as context:
        context.prec = PRECISION
        activity = sum((_figure(row, "activity") for row in rows), Decimal())
        mean = _product(rows) / activity
    return {
        "setting": place["setting"],
        "point_of_delivery": place["point_of_delivery"],
        "currency_code": WHOLE_POINT,
        "description": f"Mean of {department}, weighted by activity",
        "unit": place["unit"],
        "price_gbp": pounds(mean),
        "status": "D",
        "is_proxy": "true",
        "national_activity": plain_number(activity),
    }


def _total(department: str, places: list[Place], complete: list[Row], members: list[Row]) -> dict[str, object]:
    """A department's total over the rows that carry both figures, beside the published cost of the same rows."""
    with localcontext() as context:
        context.prec = PRECISION
        product, cost = _product(complete), _sum(complete, "cost")
        rounded = [_figure(row, "activity") * Decimal(pounds(_figure(row, "unit_cost"))) for row in complete]
        return {
            "department": department,
            "points": ", ".join(f"{place['setting']}/{place['point_of_delivery']}" for place in places),
            "row_count": len(members),
            "complete_count": len(complete),
            "activity": plain_number(_sum(complete, "activity")),
            "activity_cost_gbp": product.quantize(_PENNY),
            "loaded_cost_gbp": sum(rounded, Decimal()).quantize(_PENNY),
            "cost_gbp": cost.quantize(_PENNY),
            "difference_gbp": (product - cost).quantize(_PENNY),
            "suppressed_count": len(members) - len(complete),
            "suppressed_cost_gbp": (_sum(members, "cost") - cost).quantize(_PENNY),
        }


def _figure(row: Row, name: str) -> Decimal:
    value = row[name]
    return value if isinstance(value, Decimal) else Decimal()


def _sum(rows: Iterable[Row], name: str) -> Decimal:
    return sum((_figure(row, name) for row in rows), Decimal())


def _product(rows: Iterable[Row]) -> Decimal:
    return sum((_figure(row, "activity") * _figure(row, "unit_cost") for row in rows), Decimal())


def _unused(kind: str, row: Row, reason: str) -> Unused:
    cost = row["cost"]
    return Unused(
        kind,
        str(row["department"]),
        str(row["code"]),
        reason,
        plain_number(cost.quantize(_PENNY)) if isinstance(cost, Decimal) else "",
    )
