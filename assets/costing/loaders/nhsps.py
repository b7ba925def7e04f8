"""NHS Payment Scheme, annex A: prices of admitted care, outpatients and emergency care that commissioners pay.

Published by NHS England with each scheme (england.nhs.uk, "NHS Payment Scheme", annex A; before 2023/24 "national
tariff workbook"), under the Open Government Licence. XLSX, or one sheet of it as CSV. Tables are found by their
headers, wherever they stand: "HRG code", "Combined day case / ordinary elective spell tariff (£)", "Non-elective spell
tariff (£)" and so on, with "tariff", "price" or "unit price"; "Treatment function code" with "WF01B First Attendance -
Single Professional" and so on, or the same without the code; "Type 1 and 2 Departments (£)". A dash means no price.
Whole pounds per spell, attendance or day. Prices exclude the market forces factor, which `mff` loads.

Belongs here: which header is priced where, and which prices cannot be told apart by what activity knows.
Does not belong here: how a spell is priced (`sql/price_used.sql`, `sql/activity_cost.sql`).
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from assets.costing.loaders.sheets import Sheet, find_sheets, numbers, plain_number, pounds
from assets.costing.loaders.terms import OPEN_LICENCE, Loaded, Terms, Unused, price_rows, short_year
from pipelines.errors import LinkedCareError

_PAID = "(tariff|price|unit price|guide price)"
_SPELL = {
    "code": "hrg( code)?|bpt hrg code",
    "name": "hrg (name|description)|bpt name|description",
    "flag": "bpt (flag|name|applied)|sub hrg( flag)?|bpt qualifying flag",
    "procedure": f"outpatient procedure {_PAID}",
    "combined": f"combined day case (and )?ordinary elective (spell )?{_PAID}",
    "day_case": f"day case (spell )?{_PAID}",
    "elective": f"ordinary elective (spell )?{_PAID}",
    "elective_trim": "ordinary elective long stay trim ?point( days)?",
    "non_elective": f"non elective (spell )?{_PAID}",
    "non_elective_trim": "non elective long stay trim ?point( days)?",
    "per_day": "per day long stay payment( for days exceeding trim ?point)?",
    "short_stay_applies": "reduced short stay emergency (tariff|price) applicable",
    "short_stay": f"reduced short stay emergency {_PAID}",
}
_SPELL_PRICES = ("combined", "day_case", "elective", "non_elective")
_ATTENDANCE = {"code": "treatment function( code)?|tfc", "name": "treatment function (name|description)"} | {
    f"{visit}_{mode}{team}": f"({code} )?{words}{_mode}( attendance)? {professional}( {_PAID})?|{code}"
    for visit, words, codes in (("first", "first( attendance)?", "BD"), ("follow_up", "follow up( attendance)?", "AC"))
    for mode, _mode, letter in (("face_to_face", "( face to face)?", 0), ("remote", " non face to face", 1))
    for team, professional, digit in (
        ("", "single professional", 1),
        ("_multi_professional", "multi professional", 2),
    )
    for code in (f"wf0{digit}{codes[letter].lower()}",)
}
_ATTENDANCE_PRICES = tuple(name for name in _ATTENDANCE if name not in {"code", "name"})
_EMERGENCY = {
    "code": "hrg( code)?",
    "name": "hrg (name|description)|description",
    "price": f"type 1 and (type )?2( departments?)?( {_PAID})?|(a e|emergency (care|medicine))( attendance)? {_PAID}",
    "type_3": f"type 3( departments?)?( {_PAID})?",
}
_EMERGENCY_HRG = "VB"
# The price point of a spell names what was done, so that a price of several points stands at each.
_BEST_PRACTICE = {
    "combined": ("day_case", "elective"),
    "day_case": ("day_case",),
    "elective": ("elective",),
    "non_elective": ("non_elective_short", "non_elective_long"),
}

Priced = tuple[str, str, str, str, Decimal, Decimal | None, Decimal | None]


def load_nhsps(path: Path, terms: Terms) -> Loaded:
    """All prices of the workbook that activity can be matched to.

    Raises:
        LinkedCareError: if no table of the workbook is known, a figure is none, or a price stands there twice.
    """
    notes: list[str] = []
    unused: list[Unused] = []
    found: list[Priced] = []
    for sheet in find_sheets(path, _SPELL, ["code"]):
        if sheet.columns & {*_SPELL_PRICES, "procedure"}:
            if "flag" in sheet.columns:
                found += _best_practice(path.name, sheet, unused)
            else:
                found += _spells(path.name, sheet, notes)
    for sheet in find_sheets(path, _ATTENDANCE, ["code"]):
        found += _attendances(path.name, sheet, notes)
    for sheet in find_sheets(path, _EMERGENCY, ["code", "price"]):
        found += _emergency(path.name, sheet, notes)
    if not found:
        raise LinkedCareError(f"{path.name}: has no table of prices by HRG or treatment function. See docs/costing.md.")
    keys = {price[:3] for price in found}
    if repeated := len(found) - len(keys):
        raise LinkedCareError(
            f"{path.name}: {repeated} prices stand in it twice, for the same point and code. Keep one sheet of each."
        )
    stamp = terms.stamp("tariff", f"NHS Payment Scheme {short_year(terms.year)}, annex A", OPEN_LICENCE)
    return Loaded(price_rows(_row(price) | stamp for price in found), tuple(notes), tuple(unused))


def _row(price: Priced) -> dict[str, str | None]:
    setting, point, code, description, amount, trim, per_day = price
    return {
        "setting": setting,
        "point_of_delivery": point,
        "currency_code": code,
        "description": description or code,
        "unit": "spell" if setting == "inpatient" else "attendance",
        "price_gbp": pounds(amount),
        "trim_point_days": plain_number(trim) if trim is not None else None,
        "excess_day_price_gbp": pounds(per_day) if per_day is not None else None,
        "status": "V",
        "is_proxy": "false",
    }


def _spells(file: str, sheet: Sheet, notes: list[str]) -> Iterator[Priced]:
    rows = [row for row in sheet.rows if row["code"]]
    figures = {
        name: numbers(file, rows, name, f"the column of {name.replace('_', ' ')}")
        for name in ("procedure", *_SPELL_PRICES, "elective_trim", "non_elective_trim", "per_day", "short_stay")
    }
    halves = without = 0
    for place, row in enumerate(rows):
        figure = {name: values[place] for name, values in figures.items()}
        code, name = row["code"], row.get("name", "")
        if (amount := figure["procedure"]) is not None:
            yield "outpatient", "procedure", code, name, amount, None, None
        for column in _SPELL_PRICES:
            if (amount := figure[column]) is None:
                continue
            point = "day_case_or_elective" if column == "combined" else column
            trim = figure["non_elective_trim" if column == "non_elective" else "elective_trim"]
            long_stay = (trim, figure["per_day"]) if column != "day_case" else (None, None)
            if (long_stay[0] is None) != (long_stay[1] is None):
                halves, long_stay = halves + 1, (None, None)
            yield "inpatient", point, code, name, amount, *long_stay
        if row.get("short_stay_applies", "").lower() in {"yes", "y", "true"}:
            if (amount := figure["short_stay"]) is None:
                without += 1
            else:
                yield "inpatient", "short_stay_emergency", code, name, amount, None, None
    if halves:
        notes.append(f"{halves} prices have a trim point or a price per day without the other; both are left out")
    if without:
        notes.append(f"{without} HRGs have a reduced short stay price by their flag, and none is given")


def _best_practice(file: str, sheet: Sheet, unused: list[Unused]) -> Iterator[Priced]:
    """Prices for best practice; activity says whether it was met and not which, so that an HRG needs a single price."""
    rows = [row for row in sheet.rows if row["code"]]
    names = ("elective_trim", "non_elective_trim", "per_day")
    figures = {
        name: numbers(file, rows, name, f"the column of {name.replace('_', ' ')}") for name in (*_SPELL_PRICES, *names)
    }
    by_key: dict[tuple[str, str], set[Priced]] = defaultdict(set)
    for place, row in enumerate(rows):
        figure = {name: values[place] for name, values in figures.items()}
        for column, points in _BEST_PRACTICE.items():
            if (amount := figure[column]) is None:
                continue
            trim = figure["non_elective_trim" if column == "non_elective" else "elective_trim"]
            both = (
                (trim, figure["per_day"])
                if column != "day_case" and None not in (trim, figure["per_day"])
                else (None, None)
            )
            for point in points:
                key = f"best_practice_{point}", row["code"]
                by_key[key].add(("inpatient", *key, row.get("name", ""), amount, *both))
    for (point, code), prices in sorted(by_key.items()):
        amounts = {price[4:] for price in prices}
        if len(amounts) == 1:
            yield min(prices, key=lambda price: price[3])
        else:
            reason = f"{len(amounts)} best practice prices of {point}; activity does not say which was earned"
            unused.append(Unused("several prices", sheet.name, code, reason))


def _attendances(file: str, sheet: Sheet, notes: list[str]) -> Iterator[Priced]:
    priced = [name for name in _ATTENDANCE_PRICES if name in sheet.columns]
    rows = [row for row in sheet.rows if row["code"]]
    for point in priced:
        for row, amount in zip(rows, numbers(file, rows, point, f"the column of {point}"), strict=True):
            if amount is not None:
                yield "outpatient", point, row["code"], row.get("name", ""), amount, None, None
    if priced and not any("remote" in point for point in priced):
        notes.append("outpatient attendances: no prices of attendances that are not face to face")


def _emergency(file: str, sheet: Sheet, notes: list[str]) -> Iterator[Priced]:
    rows = [row for row in sheet.rows if row["code"].startswith(_EMERGENCY_HRG)]
    for row, amount in zip(rows, numbers(file, rows, "price", "the column of emergency prices"), strict=True):
        if amount is not None:
            yield "emergency", "emergency_attendance", row["code"], row.get("name", ""), amount, None, None
    if "type_3" in sheet.columns:
        notes.append("emergency care: the price of type 1 and 2 departments is taken; that of type 3 has no point here")
