"""What the pipeline should make of a small world, reckoned row by row in plain Python, without SQL and without frames.

Belongs here: the rules as the documents state them, in the plainest code that follows them.
Does not belong here: anything imported from the steps that it is held against.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from tests.properties.price_terms import Priced

Row = dict[str, Any]
Rows = list[Row]
Feeds = Mapping[str, Rows]
Identifier = tuple[str, str]

ONE_DAY = timedelta(days=1)
DAYS_AFTER_DEATH = 30
ADMITTED = {"2": "day_case", "3": "regular_attender", "4": "regular_attender"}
ELECTIVE = ("11", "12", "13")
EMERGENCY = {"21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D"}
ADULT = 19
ATTENDED = ("5", "6")
LONGEST_APPOINTMENT = 60


def month_of(day: date) -> date:
    """First day of its month."""
    return day.replace(day=1)


def end_of_month(day: date) -> date:
    """Last day of its month."""
    return (month_of(day) + timedelta(days=31)).replace(day=1) - ONE_DAY


def months_between(first: date, last: date) -> Iterator[date]:
    """First days of the months that a period touches."""
    month = month_of(first)
    while month <= last:
        yield month
        month = end_of_month(month) + ONE_DAY


def half_up(amount: Fraction) -> int:
    """A whole number of pence, halves away from nothing upwards."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def pence(pounds: Decimal | None) -> int | None:
    """Pounds with two decimals as pence."""
    return None if pounds is None else int((pounds * 100).to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True)
class Unit:
    """One payable unit, or the part of one that falls in a month."""

    feed: str
    delivery_id: str
    source_row: int
    identifier: Identifier | None
    provider: str
    day: date
    setting: str
    point_of_delivery: str
    currency: str | None
    is_proxy_currency: bool = False
    quantity: int = 1
    is_payable: bool = True
    records: int = 1
    submitted: int | None = None
    package: int | None = None
    price_point: str | None = None  # none: the point of delivery
    payable_days: int | None = None
    net_ingredient: int | None = None
    contribution: int | None = None


def identifier_of(row: Row) -> Identifier | None:
    """Domain and pseudonym of a record; a council's own number where it sends no pseudonym."""
    if row["pseudonym"] is not None:
        return row["pseudonym_domain"], row["pseudonym"]
    if row.get("council_person_id") is not None:
        return f"council_{row['council_code']}", row["council_person_id"]
    return None


def units(feeds: Feeds) -> Iterator[Unit]:
    """Every payable unit of hospitals and general practice; years are not yet told apart."""
    for row in feeds["apc_spell"]:
        yield _spell(row)
    for row in feeds["op_attendance"]:
        yield _attendance(row)
    for row in feeds["ec_attendance"]:
        yield unit_of(
            row,
            "ec_attendance",
            "arrival_date",
            "emergency",
            "emergency_attendance",
            _grouped(row),
            submitted=_price(row),
        )
    for row in feeds["gp_appointment"]:
        yield _appointment(row)
    for row in feeds["gp_prescription"]:
        yield _prescription(row)


def _price(row: Row) -> int | None:
    return pence(row["submitted_price"])


def unit_of(row: Row, feed: str, day: str, setting: str, point: str, currency: str | None, **rest: Any) -> Unit:
    provider = next(row[name] for name in ("provider_code", "practice_code", "council_code") if row.get(name))
    when = row[day] if isinstance(day, str) else day
    return Unit(
        feed,
        row["delivery_id"],
        row["source_row"],
        identifier_of(row),
        provider,
        when,
        setting,
        point,
        currency,
        **rest,
    )


def _grouped(row: Row) -> str | None:
    """The healthcare resource group, unless it says that the record could not be grouped."""
    group: str | None = row["hrg_code"]
    return None if group is None or group.startswith("U") else group


def _spell(row: Row) -> Unit:
    nights = (row["discharge_date"] - row["admission_date"]).days
    elsewhere = ("critical_care_days", "rehabilitation_days", "specialist_palliative_care_days")
    days = row["payable_days"]
    if days is None:
        days = nights - sum(max(row[name] or 0, 0) for name in elsewhere)
    days = max(days, 0)
    method = row["admission_method_code"]
    if (kind := row["patient_classification_code"]) in ADMITTED:
        point = ADMITTED[kind]
    elif method in ELECTIVE:
        point = "elective"
    else:
        point = "non_elective_long" if nights > 1 else "non_elective_short"
    price_point = point
    if row["best_practice_flag"] not in (None, "0", "N"):
        price_point = f"best_practice_{point}"
    elif point.startswith("non_elective") and method in EMERGENCY and days < 2 and (row["age_years"] or 0) >= ADULT:
        price_point = "short_stay_emergency"
    code, quantity = _grouped(row), 1
    if code is None and kind not in ADMITTED and _is_community_bed(row, nights):
        point = price_point = "community_bed_day"
        code = "EpGro04" if row["treatment_function_code"] == "318" else "EpGro06"
        quantity = max(nights, 1)
    return unit_of(
        row,
        "apc_spell",
        "discharge_date",
        "inpatient",
        point,
        code,
        quantity=quantity,
        submitted=_price(row),
        price_point=price_point,
        payable_days=days,
    )


def _is_community_bed(row: Row, nights: int) -> bool:
    """Intermediate care or rehabilitation, by treatment function or since all of its days are rehabilitation."""
    all_of_it = (row["rehabilitation_days"] or 0) >= max(nights, 1)
    return row["treatment_function_code"] in ("314", "318") or all_of_it


def _attendance(row: Row) -> Unit:
    group = _grouped(row)
    is_procedure = group is not None and not group.startswith("WF")
    code = row["first_attendance_code"]
    seen = "first" if code in ("1", "3") else "follow_up"
    point = "procedure" if is_procedure else f"{seen}_{'remote' if code in ('3', '4') else 'face_to_face'}"
    is_several = row["multi_professional_code"] in ("1", "2") or (group or "").startswith("WF02")
    return unit_of(
        row,
        "op_attendance",
        "appointment_date",
        "outpatient",
        point,
        group if is_procedure else row["treatment_function_code"],
        is_payable=row["attendance_status_code"] in ATTENDED and code != "5",
        submitted=_price(row),
        price_point=f"{point}_multi_professional" if is_several and not is_procedure else point,
    )


def _prescription(row: Row) -> Unit:
    is_free = row["not_dispensed_code"] in ("Y", "1") or row["paid_code"] in ("N", "0")
    return unit_of(
        row,
        "gp_prescription",
        "processing_month",
        "primary",
        "prescribing",
        None,
        quantity=row["item_count"],
        is_payable=not is_free and row["private_code"] not in ("Y", "1"),
        submitted=_price(row),
        net_ingredient=pence(row["net_ingredient_price"]),
    )


def _appointment(row: Row) -> Unit:
    role, mode = row["staff_role_group"], row["contact_mode"]
    minutes = row["duration_minutes"] or 0
    if minutes > 0:
        by = "MIN"
    elif mode in ("Telephone", "Video Conference/Online"):
        by = "TEL"
    else:
        by = "HV" if mode == "Home Visit" else "F2F"
    is_role_known = role in ("GP", "Nurses", "Other Direct Patient Care")
    is_mode_known = mode in ("Face-to-Face", "Telephone", "Video Conference/Online", "Home Visit")
    return unit_of(
        row,
        "gp_appointment",
        "appointment_date",
        "primary",
        "gp_appointment",
        {"GP": "GP-", "Nurses": "PN-"}.get(role, "AHP-") + by,
        is_proxy_currency=not (is_role_known and (is_mode_known or by == "MIN")),
        quantity=min(minutes, LONGEST_APPOINTMENT) if by == "MIN" else 1,
        is_payable=row["status_code"] == "Attended",
    )


def registered_days(spells: Iterable[tuple[date, date | None]], died: date | None, start: date, end: date) -> set[date]:
    """The days of a year on which somebody is registered, each once; the month of death is the last."""
    days: set[date] = set()
    for first, last in spells:
        until = min(last or end, end, end_of_month(died) if died else end)
        days.update(max(first, start) + ONE_DAY * n for n in range((until - max(first, start)).days + 1))
    return days


def exposure(day: date, spells: Iterable[tuple[date, date | None]], died: date | None) -> str:
    """Whether somebody was registered, not, or dead on a day of care; soon after death it counts as its last day."""
    if died and day > end_of_month(died) + ONE_DAY * DAYS_AFTER_DEATH:
        return "after_death"
    until = end_of_month(died) if died else date.max
    inside = any(first <= min(day, until) <= min(last or date.max, until) for first, last in spells)
    return "registered" if inside else "outside_registration"


def ledger(costed: Iterable[tuple[Unit, str, str | None, Priced]]) -> dict[tuple, Counter]:
    """Records and pence by feed, provider and month, at each stage after the door."""
    lines: dict[tuple, Counter] = defaultdict(Counter)
    for unit, link_status, exposure_status, price in costed:
        place = (unit.feed, unit.provider, month_of(unit.day))
        for stage in (
            ("linkage", "accepted", link_status),
            ("pricing", link_status, price.match_level),
            *([("exposure", "linked", exposure_status)] if exposure_status else ()),
        ):
            lines[*place, *stage].update(
                records=unit.records,
                submitted=unit.submitted or 0,
                cost=price.cost_pence or 0,
                real=price.real_cost_pence or 0,
            )
    return dict(lines)
