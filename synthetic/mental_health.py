"""Mental health services: contacts by team, stays on wards, and coded diagnoses.

Only people with one of the conditions of `mental_health_team.csv` are seen, and only a share of them in any one year.
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.admissions import first_of_overlapping
from synthetic.chance import bounded_lognormal, events, label, pick, stream
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import Study

APRIL_2024 = 1489  # month counter of the submission month April 2024
_MOST_CONTACTS = 60
_CHILD_WARD, _YOUNG_WARD, _ADULT_WARD, _INTENSIVE_WARD, _OLDER_WARD, _REHABILITATION_WARD = range(6)
_WARDS = ("300", "301", "200", "202", "201", "212")


@dataclass(frozen=True)
class Contacts:
    """Contacts of one block with mental health teams; `service` is a position in `mental_health_team.csv`."""

    row: np.ndarray
    service: np.ndarray
    day: np.ndarray


def month_ids(study: Study, month: np.ndarray) -> pl.Series:
    """The month counter of each month of the study."""
    first = APRIL_2024 - 12 * (2024 - int(study.years[0][:4]))
    return pl.Series((first + month).astype(np.int32))


def contacts(py: PersonYears, study: Study, seed: int) -> Contacts:
    """All contacts of the block; a person is seen by a team after the condition began."""
    rng = stream(seed, "mental_health", py.people.block)
    parts = []
    for s, service in enumerate(codebook.rows("mental_health_team")):
        condition = codebook.position(service["condition_code"])
        row = np.flatnonzero(py.active[:, condition])
        seen = row[rng.random(len(row)) < np.minimum(float(service["seen_share"]) * calibration.MENTAL_HEALTH_SCALE, 1)]
        spread = np.minimum(rng.gamma(1.2, 1 / 1.2, len(seen)), 4.0)
        own = seen[events(rng, float(service["contacts_a_year"]) * spread * py.exposure[seen], _MOST_CONTACTS)]
        earliest = np.maximum(py.start[own], py.onset[py.person[own], condition])
        day = earliest + np.floor(rng.random(len(own)) * (py.end[own] - earliest + 1)).astype(np.int32)
        parts.append((own, np.full(len(own), s), day))
    return Contacts(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _referral(py: PersonYears, row: np.ndarray, service: np.ndarray) -> pl.Series:
    """One referral to one team in one financial year."""
    return pl.select(
        pl.concat_str(
            pl.lit("RH5"),
            columns.text(py.people.index[py.person[row]]).str.zfill(9),
            columns.text(100 * py.year[row] + service).str.zfill(4),
        )
    ).to_series()


def mh_contact(py: PersonYears, seen: Contacts, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one care contact. Units: minutes."""
    rng = stream(seed, "mh_contact", py.people.block)
    person, count = py.person[seen.row], len(seen.row)
    month = study.month_of(seen.day)
    status, _ = columns.attendance_status(rng, count)
    minutes = np.maximum(5 * np.round(bounded_lognormal(rng, 48.0, 0.4, count, 240) / 5), 5).astype(np.int32)
    return columns.frame(
        "mh_contact",
        month,
        {
            "UniqCareContID": columns.text(record_numbers(py.people.block, count, 6)),
            "UniqServReqID": _referral(py, seen.row, seen.service),
            "Pseudo_NHS_Number": columns.pseudonym(py.people, person),
            "OrgIDProv": "RH5",
            "UniqMonthID": month_ids(study, month),
            "CareContDate": columns.dates(seen.day),
            "ClinContDurOfCareCont": pl.Series(minutes),
            "AttendStatus": status,
            "ConsMechanismMH": label(("01", "02", "11"), pick(rng, (0.68, 0.22, 0.10), count)),
            "ServTeamTypeMH": label(codebook.column("mental_health_team", "team_type_code"), seen.service),
            "Gender": columns.sex(py.people, person),
            "AgeServReferRecDate": pl.Series(py.people.age(person, seen.day)),
        },
    )


def mh_diagnosis(py: PersonYears, seen: Contacts, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one coded diagnosis, for about four in five referrals, on the day of the first contact; 92% are ICD-10."""
    rng = stream(seed, "mh_diagnosis", py.people.block)
    first = (
        pl.DataFrame({"row": seen.row, "service": seen.service, "day": seen.day})
        .group_by("row", "service")
        .agg(pl.col("day").min())
        .sort("row", "service")
    )
    row, service, day = (first[name].to_numpy() for name in ("row", "service", "day"))
    coded = rng.random(len(row)) < 0.8
    row, service, day = row[coded], service[coded], day[coded]
    condition = np.array([codebook.position(code) for code in codebook.column("mental_health_team", "condition_code")])[
        service
    ]
    snomed = rng.random(len(row)) < 0.08
    systems = [codebook.code_set(system) for system in ("icd10", "snomed")]
    draw = rng.random(len(row))
    places = [codes.first[condition] + np.floor(draw * codes.count[condition]).astype(int) for codes in systems]
    place = np.where(snomed, len(systems[0].codes) + places[1], places[0])
    month = study.month_of(day)
    return columns.frame(
        "mh_diagnosis",
        month,
        {
            "Pseudo_NHS_Number": columns.pseudonym(py.people, py.person[row]),
            "OrgIDProv": "RH5",
            "UniqServReqID": _referral(py, row, service),
            "UniqMonthID": month_ids(study, month),
            "DiagSchemeInUse": label(("02", "06"), snomed.astype(int)),
            "PrimDiag": label(systems[0].codes + systems[1].codes, place),
            "CodedDiagTimestamp": columns.dates(day),
        },
    )


def mh_ward_stay(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one ward stay and month; an open stay is repeated each month, its end given only in the last."""
    rng = stream(seed, "mh_ward_stay", py.people.block)
    rates = sum(py.has(condition) * rate for condition, rate in calibration.WARD_STAY_RATE.items())
    row = np.flatnonzero(rng.random(len(py)) < np.minimum(rates * py.intensity**0.5 * py.exposure, 0.5))
    start = py.days(rng, row)
    nights = (
        np.floor(bounded_lognormal(rng, calibration.WARD_STAY_MEAN, 0.8, len(row), calibration.WARD_STAY_MOST)).astype(
            int
        )
        + 1
    )
    long = py.has("smi_scz")[row] & (py.age[row] >= 18) & (rng.random(len(row)) < calibration.LONG_STAY_SHARE)
    months_long = np.floor(
        bounded_lognormal(rng, calibration.LONG_STAY_MEAN, 0.4, len(row), calibration.LONG_STAY_MOST)
    ).astype(int)
    end = np.minimum(start + np.where(long, months_long, nights), py.people.left[py.person[row]])
    kept = first_of_overlapping(py.person[row], start, end)
    row, start, end = row[kept], start[kept], end[kept]
    ward = np.where(long[kept], _REHABILITATION_WARD, _wards(rng, py, row))
    number = record_numbers(py.people.block, len(row), 7)

    first_month, last_month = study.month_of(start), study.month_of(np.minimum(end, study.end))
    months = last_month - first_month + 1
    stay = np.repeat(np.arange(len(row)), months)
    month = first_month[stay] + np.arange(len(stay)) - np.repeat(np.cumsum(months) - months, months)
    still_open = end[stay] > np.array([m.end for m in study.months])[month]
    person = py.person[row[stay]]
    return columns.frame(
        "mh_ward_stay",
        month,
        {
            "UniqWardStayID": pl.select(pl.concat_str(pl.lit("RH5"), columns.text(number[stay]))).to_series(),
            "UniqHospProvSpellID": pl.select(pl.concat_str(pl.lit("RH5S"), columns.text(number[stay]))).to_series(),
            "Pseudo_NHS_Number": columns.pseudonym(py.people, person),
            "OrgIDProv": "RH5",
            "UniqMonthID": month_ids(study, month),
            "StartDateWardStay": columns.dates(start[stay]),
            "EndDateWardStay": columns.dates(end[stay], still_open),
            "MHAdmittedPatientClass": label(_WARDS, ward[stay]),
            "Gender": columns.sex(py.people, person),
            "AgeServReferRecDate": pl.Series(py.people.age(person, start[stay])),
        },
    )


def _wards(rng: np.random.Generator, py: PersonYears, row: np.ndarray) -> np.ndarray:
    age, draw = py.age[row], rng.random(len(row))
    adult = np.where(draw < 0.08, _INTENSIVE_WARD, _ADULT_WARD)
    return np.select([age < 13, age < 18, age >= 70], [_CHILD_WARD, _YOUNG_WARD, _OLDER_WARD], adult)
