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

from tests.properties.ladder import Ladder

Row = dict[str, Any]
Rows = list[Row]
Feeds = Mapping[str, Rows]
Identifier = tuple[str, str]

ONE_DAY = timedelta(days=1)
DAYS_AFTER_DEATH = 30
ADMITTED = {"2": "day_case", "3": "regular_attender", "4": "regular_attender"}
ELECTIVE = ("11", "12", "13")
ATTENDED = ("5", "6")


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


def identifier_of(row: Row) -> Identifier | None:
    """Domain and pseudonym of a record; a council's own number where it sends no pseudonym."""
    if row["pseudonym"] is not None:
        return row["pseudonym_domain"], row["pseudonym"]
    if row.get("council_person_id") is not None:
        return f"council_{row['council_code']}", row["council_person_id"]
    return None


def units(feeds: Feeds, currencies: Mapping[str, Row], frequencies: Mapping[str, Row]) -> Iterator[Unit]:
    """Every payable unit of every feed, in months where it spans them; years are not yet told apart."""
    for row in feeds["apc_spell"]:
        stay = (row["discharge_date"] - row["admission_date"]).days
        otherwise = "non_elective_short" if stay <= 1 else "non_elective_long"
        if row["admission_method_code"] in ELECTIVE:
            otherwise = "elective"
        point = ADMITTED.get(row["patient_classification_code"], otherwise)
        yield _unit(row, "apc_spell", "discharge_date", "inpatient", point, row["hrg_code"], submitted=_price(row))
    for row in feeds["op_attendance"]:
        kinds = {"1": "first_face_to_face", "3": "first_remote", "4": "follow_up_remote"}
        point = kinds.get(row["first_attendance_code"], "follow_up_face_to_face")
        if row["hrg_code"] is not None and row["hrg_code"][:2] != "WF":
            point = "procedure"
        attended = row["attendance_status_code"] in ATTENDED
        yield _unit(
            row,
            "op_attendance",
            "appointment_date",
            "outpatient",
            point,
            row["hrg_code"],
            is_payable=attended,
            submitted=_price(row),
        )
    for row in feeds["ec_attendance"]:
        yield _unit(
            row,
            "ec_attendance",
            "arrival_date",
            "emergency",
            "emergency_attendance",
            row["hrg_code"],
            submitted=_price(row),
        )
    for row in feeds["gp_appointment"]:
        yield _appointment(row)
    for row in feeds["gp_prescription"]:
        yield _unit(
            row,
            "gp_prescription",
            "processing_month",
            "primary",
            "prescribing",
            None,
            quantity=row["item_count"],
            submitted=_price(row),
        )
    for row in feeds["community_contact"]:
        currency = currencies.get(row["team_type_code"])
        yield _unit(
            row,
            "community_contact",
            "contact_date",
            "community",
            "community_contact",
            currency and currency["currency_code"],
            is_proxy_currency=currency["is_proxy"] if currency else True,
            is_payable=row["attendance_status_code"] in ATTENDED,
        )
    for row in feeds["mh_contact"]:
        attended = row["attendance_status_code"] in ATTENDED
        yield _unit(
            row,
            "mh_contact",
            "contact_date",
            "mental_health",
            "mh_contact",
            row["team_type_code"],
            is_payable=attended,
        )
    for row in feeds["mh_ward_stay"]:
        yield from _ward_stay(row)
    for row in feeds["social_care_event"]:
        yield from _package(row, frequencies.get(row["cost_frequency"]))


def _price(row: Row) -> int | None:
    return pence(row["submitted_price"])


def _unit(row: Row, feed: str, day: str, setting: str, point: str, currency: str | None, **rest: Any) -> Unit:
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


def _appointment(row: Row) -> Unit:
    staff = {"GP": "GP", "Nurses": "PN"}.get(row["staff_role_group"], "AHP")
    minutes = row["duration_minutes"] or 0
    if minutes > 0:
        by = "MIN"
    elif row["contact_mode"] in ("Telephone", "Video Conference/Online"):
        by = "TEL"
    else:
        by = "HV" if row["contact_mode"] == "Home Visit" else "F2F"
    return _unit(
        row,
        "gp_appointment",
        "appointment_date",
        "primary",
        "gp_appointment",
        f"{staff}-{by}",
        quantity=min(minutes, 60) if minutes > 0 else 1,
        is_payable=row["status_code"] == "Attended",
    )


def _ward_stay(row: Row) -> Iterator[Unit]:
    """A night belongs to the day on which it begins; of an open stay the last day of the period is one."""
    last = row["end_date"] or row["period_end"]
    nights = [row["start_date"] + ONE_DAY * n for n in range((last - row["start_date"]).days)]
    if row["end_date"] is None:
        nights.append(row["period_end"])
    for month in months_between(row["start_date"], last):
        here = {"day": max(row["start_date"], month)}
        yield _unit(
            row | here,
            "mh_ward_stay",
            "day",
            "mental_health",
            "mh_bed_day",
            row["patient_class_code"],
            quantity=sum(month_of(night) == month for night in nights),
            records=int(last <= end_of_month(month)),
        )


def _service(row: Row) -> str:
    if row["event_type"] != "Service":
        return row["event_type"].lower()
    kind = (row["service_type"] or "").lower()
    if kind.endswith("residential care") and kind.startswith("long term support"):
        return "residential_care"
    if kind == "long term support: nursing care":
        return "nursing_care"
    if "direct payment" in ((row["delivery_mechanism"] or "").lower(), (row["service_component"] or "").lower()):
        return "direct_payment"
    if kind == "long term support: community":
        return "community_support"
    if kind.startswith("short term support"):
        return "short_term_support"
    return "carer_support" if kind.startswith("unpaid carer") else "other_service"


def _package(row: Row, frequency: Row | None) -> Iterator[Unit]:
    """A package's days of the delivery's quarter, each month rounded so that the months sum to the rounded whole."""
    first = max(row["start_date"], row["period_start"])
    last = min(row["end_date"] or row["period_end"], row["period_end"])
    is_payable = row["event_type"] == "Service" and (row["unit_cost"] or 0) > 0
    for month in months_between(first, last) if first <= last else ():
        begin, end = max(first, month), min(last, end_of_month(month))
        amount: int | None = None
        if is_payable and frequency and frequency["rule"] == "one_off":
            amount = pence(row["unit_cost"]) if row["start_date"] >= row["period_start"] and begin == first else 0
        elif is_payable and (daily := _daily_pence(row, frequency)) is not None:
            amount = half_up(daily * ((end - first).days + 1)) - half_up(daily * (begin - first).days)
        yield _unit(
            row | {"day": begin},
            "social_care_event",
            "day",
            "social_care",
            _service(row),
            None,
            quantity=(end - begin).days + 1,
            is_payable=is_payable,
            records=int(end == last),
            package=amount,
        )


def _daily_pence(row: Row, frequency: Row | None) -> Fraction | None:
    if frequency is None:
        return None
    units_a_week = Fraction(frequency["units_numerator"], frequency["units_denominator"])
    if frequency["rule"] == "planned":
        if row["planned_units_per_week"] is None:
            return None
        units_a_week = Fraction(row["planned_units_per_week"])
    return Fraction(row["unit_cost"]) * 100 * units_a_week / 7


def cost(unit: Unit, book: Ladder) -> tuple[int | None, str, bool]:
    """Pence, how they are known, and whether they are borrowed; prices are of the year of the activity."""
    if not unit.is_payable:
        return 0, "not_payable", False
    if unit.submitted is not None:
        return unit.submitted, "submitted", False
    if unit.package is not None:
        return unit.package, "package", False
    point = getattr(unit, "price_point", None) or unit.point_of_delivery
    if found := book.find(unit.setting, unit.point_of_delivery, point, unit.currency, unit.is_proxy_currency):
        return half_up(unit.quantity * found.per_unit), found.level, found.is_proxy
    return None, "unpriced", False


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


def ledger(costed: Iterable[tuple[Unit, str, str | None, tuple[int | None, str, bool]]]) -> dict[tuple, Counter]:
    """Records and pence by feed, provider and month, at each stage after the door."""
    lines: dict[tuple, Counter] = defaultdict(Counter)
    for unit, link_status, exposure_status, (amount, level, _) in costed:
        place = (unit.feed, unit.provider, month_of(unit.day))
        for stage in (
            ("linkage", "accepted", link_status),
            ("pricing", link_status, level),
            *([("exposure", "linked", exposure_status)] if exposure_status else ()),
        ):
            lines[*place, *stage].update(records=unit.records, submitted=unit.submitted or 0, cost=amount or 0, units=1)
    return dict(lines)
