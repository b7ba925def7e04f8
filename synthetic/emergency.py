"""Emergency care attendances: those that end in an emergency admission, and all the others."""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.admissions import Admissions
from synthetic.chance import events, label, pick, stream
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import Study

_HOME, WARD = "306689006", "306706006"


def ec_attendance(py: PersonYears, spells: Admissions, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one attendance. Units: pounds. Source of prices: National Cost Collection 2024/25."""
    rng = stream(seed, "ec_attendance", py.people.block)
    brought_in = (
        spells.emergency
        & (spells.admitted >= study.start)
        & (rng.random(len(spells.row)) < calibration.VIA_EMERGENCY_SHARE)
    )
    expected = (
        py.by_age(calibration.EMERGENCY_BASE)
        * py.by_count(calibration.EMERGENCY_BY_COUNT)
        * py.intensity**0.7
        * py.exposure
    )
    own = events(rng, expected, 25)
    row = np.concatenate([spells.row[brought_in], own])
    day = np.concatenate([spells.admitted[brought_in], py.days(rng, own)])
    admitted = np.arange(len(row)) < brought_in.sum()
    person, count = py.person[row], len(row)
    department = np.where(admitted, 0, pick(rng, (0.62, 0.02, 0.33, 0.0, 0.03), count))
    hrg, price = _price(rng, department, admitted, py.age[row])
    complaints = codebook.column("emergency_complaint", "snomed_code")
    weights = codebook.numbers("emergency_complaint", "weight")
    complaint = pick(rng, weights, count)
    found = np.where(rng.random(count) < 0.85, pick(rng, weights, count), -1)
    minute = np.minimum(rng.normal(14.5, 5.0, count).clip(0, 23.98) * 60, 1439).astype(int)
    return columns.frame(
        "ec_attendance",
        study.month_of(day),
        {
            "EC_Ident": columns.text(record_numbers(py.people.block, count, 3)),
            "Der_Pseudo_NHS_Number": columns.pseudonym(py.people, person),
            "Der_Provider_Code": columns.acute_provider(rng, day),
            "Arrival_Date": columns.dates(day),
            "Arrival_Time": label([f"{m // 60:02d}:{m % 60:02d}" for m in range(1440)], minute),
            "EC_Department_Type": label(("01", "02", "03", "04", "05"), department),
            "EC_AttendanceCategory": label(
                ("1", "2", "4"), np.where(admitted, 0, pick(rng, (0.93, 0.05, 0.02), count))
            ),
            "EC_Chief_Complaint_SNOMED_CT": label(complaints, complaint),
            "EC_Diagnosis_01": label(complaints, found),
            "Discharge_Destination_SNOMED_CT": label((_HOME, WARD), admitted.astype(int)),
            "Ambulance_Incident_Number": None,  # until `ambulance` says who was brought
            "SUS_HRG_Code": hrg,
            "Sex": columns.sex(py.people, person),
            "Der_Age_at_CDS_Activity_Date": pl.Series(py.people.age(person, day)),
            "Der_Postcode_LSOA_2011_Code": columns.lsoa(py.people, person),
            "GP_Practice_Code": columns.practice(py.people, person, day),
            "Grand_Total_Payment_MFF": price,
        },
    )


def _price(
    rng: np.random.Generator, department: np.ndarray, admitted: np.ndarray, age: np.ndarray
) -> tuple[pl.Series, pl.Series]:
    """HRG in national proportion, dearer for the admitted and the old, cheaper in urgent treatment centres."""
    book = codebook.prices("emergency_attendance")
    groups, cost = tuple(book), np.array(list(book.values()))
    weights = np.array(
        [
            float(row["weight"])
            for row in codebook.rows("hrg_price")
            if row["point_of_delivery"] == "emergency_attendance"
        ]
    )
    level = np.where(department == 2, 0, np.where(admitted, 2, np.where(age >= 70, 2, 1)))
    place = np.zeros(len(level), dtype=int)
    for tilt, power in enumerate((-2.2, 0.0, 1.2)):
        chosen = level == tilt
        place[chosen] = pick(rng, weights * (cost / 280) ** power, int(chosen.sum()))
    price = np.round(cost[place] * np.exp(0.03 * rng.standard_normal(len(level))), 2)
    unpriced = rng.random(len(level)) < 0.05
    ungrouped = rng.random(len(level)) < 0.01
    return label(groups, np.where(ungrouped, -1, place)), pl.Series(np.where(unpriced, np.nan, price)).fill_nan(None)
