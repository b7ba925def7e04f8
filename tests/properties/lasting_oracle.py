"""What care in the community, of mental health and of councils comes to, reckoned row by row in plain Python.

Belongs here: contacts, care clusters, ward stays and packages, as the documents state their rules.
Does not belong here: hospitals and general practice (`oracle.py`); anything imported from the steps under test.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from tests.properties.continuing_oracle import continuing_units
from tests.properties.oracle import (
    ATTENDED,
    ONE_DAY,
    Feeds,
    Identifier,
    Row,
    Rows,
    Unit,
    end_of_month,
    half_up,
    identifier_of,
    month_of,
    months_between,
    pence,
    unit_of,
)

Month = tuple[Identifier, str, date]  # of an identifier at a provider
ADULT_CONTACT = 19
BY_WIRE = ("02", "04", "05", "09", "10", "11", "12", "13")
COST_EXPECTED = ("short term residential care", "short term nursing care", "unpaid carer respite")


@dataclass(frozen=True)
class Known:
    """What the rules rest on beside the rows.

    Attributes:
        clusters: care clusters that the price book prices by the day.
        is_one_person: whether the care under an identifier in a feed can be one person's.
        died: month of death on the register of the person for whom an identifier stands in a feed.
    """

    currencies: Rows
    frequencies: Rows
    clusters: Collection[str]
    is_one_person: Callable[[str, Identifier | None], bool]
    died: Callable[[str, Identifier | None], date | None]


def lasting_units(feeds: Feeds, known: Known) -> Iterator[Unit]:
    """Every payable unit of community, mental health, social and continuing care, in months where it spans them."""
    for row in feeds["community_contact"]:
        yield _community_contact(row, known.currencies)
    carried = _cluster_months(feeds["mh_contact"], known)
    for row in feeds["mh_contact"]:
        yield _mh_contact(row, carried)
    for unit in _nights(feeds["mh_ward_stay"], known):
        month = (unit.identifier, unit.provider, month_of(unit.day))
        yield replace(unit, is_payable=month not in carried)
    frequencies = {row["cost_frequency"]: row for row in known.frequencies}
    for row in feeds["social_care_event"]:
        yield from _package(row, frequencies.get(row["cost_frequency"]), known)
    yield from continuing_units(feeds, known.died)


def _community_contact(row: Row, currencies: Rows) -> Unit:
    age = "adult" if (row["age_years"] if row["age_years"] is not None else 99) >= ADULT_CONTACT else "child"
    mode = "remote" if row["consultation_mechanism_code"] in BY_WIRE else "face_to_face"
    fitting = [
        one
        for one in currencies
        if one["team_type_code"] == row["team_type_code"]
        and {one["age_group"], age} <= {"all", age}
        and {one["contact_mode"], mode} <= {"all", mode}
    ]
    assert len(fitting) <= 1, "a contact has at most one currency"
    currency = fitting[0] if fitting else {}
    return unit_of(
        row,
        "community_contact",
        "contact_date",
        "community",
        currency.get("point_of_delivery", "community_contact"),
        currency.get("currency_code"),
        is_proxy_currency=currency.get("is_proxy", True),
        is_payable=row["attendance_status_code"] in ATTENDED,
    )


def _cluster_months(contacts: Rows, known: Known) -> dict[Month, Row]:
    """The months under an all-in price, each with the contact that carries it."""
    found: dict[Month, Row] = {}
    for row in sorted(contacts, key=lambda one: (one["contact_date"], one["delivery_id"], one["source_row"])):
        one = identifier_of(row)
        if one is None or row["attendance_status_code"] not in ATTENDED or not known.is_one_person("mh_contact", one):
            continue
        if row["care_cluster_code"] in known.clusters:
            found.setdefault((one, row["provider_code"], month_of(row["contact_date"])), row)
    return found


def _mh_contact(row: Row, carried: dict[Month, Row]) -> Unit:
    plain = unit_of(row, "mh_contact", "contact_date", "mental_health", "mh_contact", row["team_type_code"])
    plain = replace(plain, is_payable=row["attendance_status_code"] in ATTENDED)
    one = identifier_of(row)
    bearer = carried.get((one, row["provider_code"], month_of(plain.day))) if one else None
    if bearer is None:
        return plain
    if bearer is not row:
        return replace(plain, is_payable=False)
    return replace(
        plain,
        point_of_delivery="mh_cluster_day",
        currency=row["care_cluster_code"],
        quantity=end_of_month(plain.day).day,
    )


def _nights(stays: Rows, known: Known) -> Iterator[Unit]:
    """Each night of a person at a provider once, whichever stay began first; of nobody in particular, every night."""
    slept: dict[tuple[Identifier, str], set[date]] = {}
    for row in sorted(stays, key=_turn):
        last = row["end_date"] or row["period_end"]
        nights = {row["start_date"] + ONE_DAY * n for n in range((_out(row) - row["start_date"]).days)}
        one = identifier_of(row)
        if one is not None and known.is_one_person("mh_ward_stay", one):
            taken = slept.setdefault((one, row["provider_code"]), set())
            nights -= taken
            taken |= nights
        for month in months_between(row["start_date"], last):
            yield unit_of(
                row | {"day": max(row["start_date"], month)},
                "mh_ward_stay",
                "day",
                "mental_health",
                "mh_bed_day",
                row["patient_class_code"],
                quantity=sum(month_of(night) == month for night in nights),
                records=int(last <= end_of_month(month)),
            )


def _out(row: Row) -> date:
    """The day after the last night: that of discharge; of an open stay, the day after its period."""
    out: date = row["end_date"] or row["period_end"] + ONE_DAY
    return out


def _turn(row: Row) -> tuple[date, date, str, int]:
    return row["start_date"], _out(row), row["delivery_id"], row["source_row"]


def _text(row: Row, name: str) -> str:
    return (row[name] or "").lower()


def _service(row: Row) -> str:
    if row["event_type"] != "Service":
        return _text(row, "event_type")
    kind = _text(row, "service_type")
    if kind.endswith("residential care") and kind.startswith("long term support"):
        return "residential_care"
    if kind == "long term support: nursing care":
        return "nursing_care"
    if "direct payment" in (_text(row, "delivery_mechanism"), _text(row, "service_component")):
        return "direct_payment"
    if kind == "long term support: community":
        return "community_support"
    if kind.startswith("short term support"):
        return "short_term_support"
    return "carer_support" if kind.startswith("unpaid carer") else "other_service"


def _costs_something(row: Row) -> bool:
    """A service with a price, or one for which the guidance wants a price."""
    if row["event_type"] != "Service":
        return False
    if row["unit_cost"] or _text(row, "service_component") in COST_EXPECTED:
        return True
    is_own = _text(row, "delivery_mechanism") == "cassr commissioned support"
    return not is_own and _text(row, "service_type").startswith(("long term support", "unpaid carer"))


def _package(row: Row, frequency: Row | None, known: Known) -> Iterator[Unit]:
    """A package's days of its delivery's period, each month rounded so that the months sum to the rounded whole."""
    first = max(row["start_date"], row["period_start"])
    last = min(row["end_date"] or row["period_end"], row["period_end"])
    deaths = [day for day in (_death(row), known.died("social_care_event", identifier_of(row))) if day]
    unit = pence(abs(row["unit_cost"])) if row["unit_cost"] else None
    client = _client_pence(row, unit)
    for month in months_between(first, last) if first <= last else ():
        begin, end = max(first, month), min(last, end_of_month(month))
        is_payable = _costs_something(row) and all(month <= month_of(day) for day in deaths)
        package = share = None
        if is_payable and unit is not None:
            package = _amount(row, frequency, unit, first, begin, end)
            share = None if client is None else _amount(row, frequency, client, first, begin, end)
        yield unit_of(
            row | {"day": begin},
            "social_care_event",
            "day",
            "social_care",
            _service(row),
            None,
            quantity=(end - begin).days + 1,
            is_payable=is_payable,
            records=int(end == last),
            package=package,
            contribution=None if share is None or package is None else min(share, package),
        )


def _client_pence(row: Row, unit: int | None) -> int | None:
    """What the person pays of one unit: as sent, at most all; all where the council says so."""
    if unit is None:
        return None
    if row["client_contribution"] is not None:
        return min(pence(abs(row["client_contribution"])) or 0, unit)
    return unit if _text(row, "full_cost_client") == "yes" else None


def _amount(row: Row, frequency: Row | None, unit: int, first: date, begin: date, end: date) -> int | None:
    if frequency is None:
        return None
    if frequency["rule"] == "one_off":
        return unit if row["start_date"] >= row["period_start"] and begin == first else 0
    units_a_week = Fraction(frequency["units_numerator"], frequency["units_denominator"])
    if frequency["rule"] == "planned":
        if not row["planned_units_per_week"]:
            return None
        units_a_week = Fraction(abs(row["planned_units_per_week"]))
    daily = unit * units_a_week / 7
    return half_up(daily * ((end - first).days + 1)) - half_up(daily * (begin - first).days)


def _death(row: Row) -> date | None:
    if not row["death_month"]:
        return None
    digits = row["death_month"].replace("-", "")
    return date(int(digits[:4]), int(digits[4:]), 1)
