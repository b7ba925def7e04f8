"""Small random worlds: a handful of people, what links their identifiers, and care around the edges of a year.

Belongs here: rows as feeds hold them after the door, drawn so that every rule of linkage and costing is met often.
Does not belong here: what should come of them (`oracle.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa

from schemas.contract import contracts

COUNTY, COUNCIL = "county", "905"
DOMAINS = (COUNTY, "csds", "mhsds", f"council_{COUNCIL}")
FIRST, LAST = date(2024, 2, 20), date(2025, 5, 10)
Rows = list[dict[str, Any]]
World = dict[str, Rows]


def random_world(seed: int) -> World:
    """Every feed's rows, all columns in place."""
    chance = Random(seed)
    made: dict[str, list[dict[str, Any]]] = {
        "patient_register": [row for place in range(chance.randint(3, 9)) for row in _registered(chance, place)],
        "person_merger": [_merger(chance) for _ in range(chance.randint(0, 8))],
        "person_bridge": [_bridge(chance) for _ in range(chance.randint(0, 14))],
        **{feed: [row(chance) for _ in range(chance.randint(2, 12))] for feed, row in _CARE.items()},
    }
    return {feed: _whole(feed, made.get(feed, [])) for feed in contracts()}


def typed(feed: str, rows: Rows) -> pa.Table:
    """The rows of a feed under its contract's schema."""
    return pa.Table.from_pylist(rows, contracts()[feed].accepted_schema)


def _whole(feed: str, rows: Rows) -> Rows:
    """Rows with every column: provenance, and nothing where nothing was drawn."""
    columns = contracts()[feed].accepted_schema.names
    common = {
        "delivery_id": "d1",
        "pseudonym_domain": COUNTY,
        "period_start": date(2024, 4, 1),
        "period_end": date(2025, 3, 31),
    }
    unique = list({tuple(sorted(row.items(), key=str)): row for row in rows}.values())
    return [dict.fromkeys(columns) | common | row | {"source_row": place} for place, row in enumerate(unique, 1)]


def day(chance: Random, first: date = FIRST, last: date = LAST) -> date:
    """A day, often the first or last of a month or year."""
    drawn = first + timedelta(days=chance.randrange((last - first).days + 1))
    edges = [drawn, drawn.replace(day=1), drawn.replace(day=1) - timedelta(days=1), date(2024, 4, 1), date(2025, 3, 31)]
    return min(max(chance.choice([drawn, drawn, *edges]), first), last)


def _number(chance: Random, of: int = 12) -> str:
    return f"p{chance.randrange(of):03d}"


def _pseudonym(chance: Random) -> str | None:
    return chance.choice([None, "1", "INVALID", *(_number(chance) for _ in range(9))])


def _sex(chance: Random) -> str | None:
    return chance.choice(["1", "1", "2", "2", "9", "0", "X", None])


def _pounds(chance: Random) -> Decimal | None:
    return chance.choice([None, Decimal(chance.randrange(500_000)) / 100, Decimal("0.00")])


def _registered(chance: Random, place: int) -> Rows:
    """A person's registrations, which may overlap, stop and begin again; or none, so that only a link knows them."""
    birth = f"{chance.randrange(1930, 2025)}-{chance.randrange(1, 13):02d}"
    death = chance.choice([None, None, None, f"{day(chance, date(2024, 3, 1), date(2025, 4, 30)):%Y-%m}"])
    rows = []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        begins = day(chance, date(2023, 6, 1), date(2025, 4, 10))
        rows.append(
            {
                "pseudonym": f"p{place:03d}",
                "birth_month": birth,
                "sex_code": _sex(chance) or "9",
                "ethnic_category_code": chance.choice(["A", "C", "Z", "99", None]),
                "death_month": death,
                "practice_code": chance.choice(["L85001", "L85002"]),
                "registered_from": begins,
                "registered_to": chance.choice([None, begins + timedelta(days=chance.randrange(400))]),
                "lsoa_code": chance.choice([None, "E01029301", "E01029302"]),
                "deprivation_decile": chance.choice([None, 1, 10]),
            }
        )
    return list({row["registered_from"]: row for row in rows}.values())


def _merger(chance: Random) -> dict[str, Any]:
    superseded, survivor = chance.sample([f"p{n:03d}" for n in range(12)] + ["1"], 2)
    return {
        "superseded_pseudonym": superseded,
        "pseudonym": survivor,
        "merged_on": date(2024, chance.randrange(1, 5), 1),
        "event_code": chance.choice([None, "merged", "merged", "merged", "reversed", "split"]),
    }


def _bridge(chance: Random) -> dict[str, Any]:
    start = date(2024, chance.randrange(1, 4), 1)
    foreign = chance.choice(DOMAINS[1:])
    return {
        "bridged_domain": foreign,
        "bridged_pseudonym": _number(chance),
        "pseudonym_domain": chance.choice([COUNTY, COUNTY, COUNTY, *(d for d in DOMAINS[1:] if d != foreign)]),
        "pseudonym": _number(chance),
        "bridged_from": start,
        "bridged_to": chance.choice([None, None, None, start + timedelta(days=20)]),
    }


def _care(chance: Random, domain: str = COUNTY, **columns: Any) -> dict[str, Any]:
    return {
        "pseudonym": _pseudonym(chance),
        "pseudonym_domain": domain,
        "age_years": chance.choice([None, 0, 18, 19, 34, 70]),
        **columns,
    }


def _spell(chance: Random) -> dict[str, Any]:
    end = day(chance)
    return _care(
        chance,
        provider_code=chance.choice(["RH5", "RA4"]),
        admission_date=end - timedelta(days=chance.choice([0, 1, 2, 9, 400])),
        discharge_date=end,
        admission_method_code=chance.choice(
            ["11", "11", "12", "13", "21", "21", "22", "28", "2A", "2D", "31", "32", "81", "82", "83"]
        ),
        patient_classification_code=chance.choice(["1", "1", "1", "1", "2", "3", "4", "5"]),
        hrg_code=chance.choice(["NZ19B", "FD10M", "FD10Z", "EB12C", "EB99Z", "ZZ99Z", "UZ01Z", None]),
        critical_care_days=chance.choice([None, None, 0, 1, 8, -2]),
        rehabilitation_days=chance.choice([None, None, 1, 9]),
        specialist_palliative_care_days=chance.choice([None, None, 1]),
        payable_days=chance.choice([None, None, None, 0, 1, 2, 300, -1]),
        treatment_function_code=chance.choice(["100", "314", "318", None]),
        best_practice_flag=chance.choice([None, None, "N", "0", "BP01", "BP02"]),
        sex_code=_sex(chance),
        ethnic_category_code=chance.choice(["A", "Z", None]),
        submitted_price=_pounds(chance),
    )


def _outpatient(chance: Random) -> dict[str, Any]:
    return _care(
        chance,
        provider_code="RH5",
        appointment_date=day(chance),
        attendance_status_code=chance.choice(["5", "6", "3", "7"]),
        first_attendance_code=chance.choice(["1", "2", "3", "4", "5"]),
        treatment_function_code=chance.choice(["320", "130", "999", None]),
        multi_professional_code=chance.choice([None, None, "0", "1", "2", "N"]),
        hrg_code=chance.choice(["WF01A", "WF02A", "JC43C", "ZZ99Z", "UZ01Z", None]),
        sex_code=_sex(chance),
        submitted_price=_pounds(chance),
    )


def _emergency(chance: Random) -> dict[str, Any]:
    return _care(
        chance,
        provider_code="RA4",
        arrival_date=day(chance),
        hrg_code=chance.choice(["VB08Z", "VB11Z", "VB99Z", "UZ01Z", None]),
        sex_code=_sex(chance),
        submitted_price=_pounds(chance),
    )


def _appointment(chance: Random) -> dict[str, Any]:
    row = _care(
        chance,
        practice_code=chance.choice(["L85001", "L85002"]),
        appointment_date=day(chance),
        status_code=chance.choice(["Attended", "Attended", "DNA"]),
        contact_mode=chance.choice(
            ["Face-to-Face", "Telephone", "Home Visit", "Video Conference/Online", "Unknown", None]
        ),
        staff_role_group=chance.choice(["GP", "Nurses", "Other Direct Patient Care", "Data Quality", "Unknown", None]),
        duration_minutes=chance.choice([None, None, 0, 1, 7, 59, 60, 61, 600]),
    )
    del row["age_years"]
    return row


def _prescription(chance: Random) -> dict[str, Any]:
    return _care(
        chance,
        practice_code="L85001",
        processing_month=day(chance).replace(day=1),
        item_count=chance.randrange(1, 4),
        gender_code=_sex(chance),
        submitted_price=_pounds(chance),
        net_ingredient_price=_pounds(chance),
        not_dispensed_code=chance.choice([None, None, None, "N", "Y", "1"]),
        paid_code=chance.choice([None, None, None, "Y", "1", "N", "0"]),
        private_code=chance.choice([None, None, None, "0", "N", "1", "Y"]),
    )


def _contact(chance: Random) -> dict[str, Any]:
    return _care(
        chance,
        "csds",
        provider_code="RH5",
        contact_date=day(chance),
        attendance_status_code=chance.choice(["5", "6", "3"]),
        team_type_code=chance.choice(["02", "06", "12", "16", "47", "99"]),
        consultation_mechanism_code=chance.choice(["01", "02", "11", "98", None]),
        gender_code=_sex(chance),
    )


def _mental_health(chance: Random) -> dict[str, Any]:
    return _contact(chance) | {
        "pseudonym_domain": "mhsds",
        "pseudonym": _few(chance),
        "team_type_code": chance.choice(["A02", "A05", "Z99"]),
        "contact_date": day(chance, date(2024, 5, 1), date(2024, 6, 30)),
        "care_cluster_code": chance.choice([None, "03", "14", "05", "99"]),
    }


def _few(chance: Random) -> str | None:
    """One of few identifiers, so that their care meets."""
    return chance.choice([_pseudonym(chance), _number(chance, 3), _number(chance, 3)])


def _stay(chance: Random) -> dict[str, Any]:
    start = day(chance, date(2024, 1, 1), date(2025, 3, 20))
    end = chance.choice([None, start, start + timedelta(days=chance.randrange(120))])
    return _care(
        chance,
        "mhsds",
        pseudonym=_few(chance),
        provider_code=chance.choice(["RH5", "RH5", "RA4"]),
        start_date=start,
        end_date=end,
        period_start=date(2025, 3, 1),
        period_end=max(date(2025, 3, 31), end or start),
        patient_class_code=chance.choice(["10", "200", "99"]),
        gender_code=_sex(chance),
    )


def _package(chance: Random) -> dict[str, Any]:
    start = day(chance, date(2024, 1, 1), date(2024, 7, 30))
    row = _care(
        chance,
        council_code=COUNCIL,
        council_person_id=chance.choice([None, _number(chance)]),
        event_type=chance.choice(["Service", "Service", "Service", "Request"]),
        start_date=start,
        end_date=chance.choice([None, start + timedelta(days=chance.randrange(200))]),
        period_start=date(2024, 4, 1),
        period_end=date(2024, 6, 30),
        service_type=chance.choice(
            [
                None,
                "Long Term Support: Residential Care",
                "Long term support: nursing care",
                "Long Term Support: Community",
                "Short Term Support: ST-Max",
                "Unpaid Carer: Support",
            ]
        ),
        gender=chance.choice([None, "Male", "Female", "Other"]),
        birth_month=chance.choice([None, None, "1950-07", "2001-01"]),
        service_component=chance.choice([None, None, "Short term nursing care", "Unpaid carer respite"]),
        delivery_mechanism=chance.choice([None, "Direct Payment", "CASSR commissioned support"]),
        unit_cost=chance.choice([None, Decimal("0.00"), Decimal("612.37"), Decimal("18.55"), Decimal("-0.04")]),
        cost_frequency=chance.choice(["Weekly", "4-weekly", "Monthly", "One-off", "Hourly", None]),
        planned_units_per_week=chance.choice([None, Decimal(0), Decimal("10.5"), Decimal(-14)]),
        client_contribution=chance.choice([None, None, Decimal("0.03"), Decimal("-7.00"), Decimal("99.90")]),
        full_cost_client=chance.choice([None, "No", "Yes"]),
        death_month=chance.choice([None, None, "2024-05", "202406"]),
    )
    del row["age_years"]
    return row


def _continuing(chance: Random) -> dict[str, Any]:
    month = chance.choice([date(2024, 3, 1), date(2024, 4, 1), date(2024, 9, 1), date(2025, 3, 1)])
    period_end = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    start = day(chance, date(2023, 11, 20), period_end)
    row = _care(
        chance,
        commissioner_code=chance.choice(["QSL", "QOX"]),
        provider_code=chance.choice([None, "1-100001"]),
        package_type=chance.choice(["CHC", "FNC", "JOINT", "CYP", "FAST TRACK"]),
        start_date=start,
        end_date=chance.choice([None, max(start, month) + timedelta(days=chance.randrange(60))]),
        period_start=month,
        period_end=period_end,
        weekly_cost=chance.choice([None, Decimal("0.00"), Decimal("0.05"), Decimal("254.06"), Decimal("1633.37")]),
    )
    del row["age_years"]
    return row


def _ambulance(chance: Random) -> dict[str, Any]:
    return _care(
        chance,
        provider_code="RYF",
        call_date=day(chance),
        treatment_type=chance.choice(["Hear and treat", "See and treat", "See and convey", "Other"]),
        sex_code=_sex(chance),
    )


def _coded_event(chance: Random) -> dict[str, Any]:
    return {
        "pseudonym": _pseudonym(chance),
        "practice_code": "L85001",
        "event_date": day(chance),
        "record_date": day(chance),
        "snomed_code": "38341003",
    }


def _diagnosis(chance: Random) -> dict[str, Any]:
    return {
        "pseudonym": _pseudonym(chance),
        "pseudonym_domain": "mhsds",
        "provider_code": "RH5",
        "diagnosis_date": day(chance),
        "diagnosis_code": "F20",
    }


_CARE: dict[str, Callable[[Random], dict[str, Any]]] = {
    "apc_spell": _spell,
    "op_attendance": _outpatient,
    "ec_attendance": _emergency,
    "gp_appointment": _appointment,
    "gp_coded_event": _coded_event,
    "gp_prescription": _prescription,
    "community_contact": _contact,
    "mh_contact": _mental_health,
    "mh_ward_stay": _stay,
    "mh_diagnosis": _diagnosis,
    "social_care_event": _package,
    "continuing_care_package": _continuing,
    "ambulance_incident": _ambulance,
}
