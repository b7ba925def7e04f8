"""Prescription Cost Analysis: the mean net ingredient cost of an item.

Published every year by the NHS Business Services Authority (nhsbsa.nhs.uk, "Prescription Cost Analysis - England";
monthly on its open data portal), under the Open Government Licence. CSV or XLSX. Columns: items (also "ITEMS", "total
items", "items dispensed"), net ingredient cost in pounds (also "NIC", "total NIC", "cost", "NIC (£)"), and any of BNF
chapter, section or chemical substance, which are not read. The Drug Tariff is a price per pack and no such table.

Belongs here: one mean of all rows, exactly: total net ingredient cost divided by total items.
Does not belong here: a price by substance. Prescriptions carry no currency, so that no line would ever be matched to
one; lines that arrive with their own cost are priced by it, and the mean is for those that do not.
"""

from decimal import Decimal, localcontext
from pathlib import Path

from assets.costing.loaders.ncc import PRECISION
from assets.costing.loaders.sheets import numbers, one_sheet, plain_number, pounds
from assets.costing.loaders.terms import OPEN_LICENCE, WHOLE_POINT, Loaded, Terms, price_rows, short_year
from pipelines.errors import LinkedCareError

_PATTERNS = {
    "items": "(total )?(number of )?items( dispensed)?",
    "cost": "(total )?(nic|net ingredient cost|cost)( gbp)?( £)?",
    "code": "bnf (chapter|section|chemical substance|presentation)( code| name)?|drug",
}


def load_nhsbsa(path: Path, terms: Terms) -> Loaded:
    """The mean of all items.

    Raises:
        LinkedCareError: if the file is in another layout or has no items.
    """
    sheet = one_sheet(path, _PATTERNS, ("items", "cost"), "items and net ingredient cost")
    if any(row.get("code", "").lower().startswith(("total", "grand total", "all")) for row in sheet.rows):
        raise LinkedCareError(f"{path.name}: has a row of totals, which would count twice. Leave it out.")
    items = numbers(path.name, sheet.rows, "items", "items")
    costs = numbers(path.name, sheet.rows, "cost", "net ingredient cost")
    both = [(item, cost) for item, cost in zip(items, costs, strict=True) if item and cost is not None]
    if not both:
        raise LinkedCareError(f"{path.name}: has no row with items and their cost. Name another file.")
    with localcontext() as context:
        context.prec = PRECISION
        count = sum((item for item, _ in both), Decimal())
        mean = sum((cost for _, cost in both), Decimal()) / count
    row = {
        "setting": "primary",
        "point_of_delivery": "prescribing",
        "currency_code": WHOLE_POINT,
        "description": "Mean net ingredient cost of an item",
        "unit": "item",
        "price_gbp": pounds(mean),
        "status": "D",
        "is_proxy": "true",
        "national_activity": plain_number(count),
    } | terms.stamp("cost", f"NHSBSA Prescription Cost Analysis {short_year(terms.year)}", OPEN_LICENCE)
    told = [
        f"{len(both)} rows made one mean per item: prescriptions carry no currency to match a price by substance to"
    ]
    if left := len(sheet.rows) - len(both):
        told.append(f"{left} rows have no items or no cost and are not in the mean")
    return Loaded(price_rows([row]), tuple(told))
