"""Outpatient appointments: one row per appointment, attended or not. Price only when attended."""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.chance import events, label, pick, pick_by_row, stream
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import Study

# Conditions whose clinic a person attends for about half of the appointments.
_CLINICS = {
    "ca_solid": "370",
    "ca_haem": "303",
    "chd": "320",
    "hf": "320",
    "arrhythmia": "320",
    "copd": "340",
    "dm": "307",
    "ckd": "361",
    "eskd": "361",
    "ctd": "410",
    "ibd": "301",
    "ms": "400",
    "epilepsy": "400",
    "pd": "400",
    "vision": "130",
    "hearing": "120",
    "oa": "110",
    "endometriosis": "502",
    "thyroid": "302",
    "melanoma": "330",
}
_ATTENDANCE_HRG = {1: "WF01B", 2: "WF01A", 3: "WF01D", 4: "WF01C"}
_POINTS = ("first_face_to_face", "follow_up_face_to_face", "first_remote", "follow_up_remote")


def op_attendance(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one appointment. Units: pounds.

    Source of prices: attendances, reference costs 2017/18 uprated; procedures, National Cost Collection 2024/25.
    """
    rng = stream(seed, "op_attendance", py.people.block)
    cancer = py.has("ca_solid") | py.has("ca_haem")
    expected = (
        py.by_age(calibration.OUTPATIENT_BASE)
        * py.by_count(calibration.OUTPATIENT_BY_COUNT)
        * (1 + 1.0 * cancer)
        * np.sqrt(py.intensity)
        * py.exposure
    )
    # Clinics hold some people for many visits and leave most alone: a gamma of small shape.
    shape = calibration.OUTPATIENT_SHAPE
    row = events(rng, expected * rng.gamma(shape, 1 / shape, len(py)), 60)
    person, day, count = py.person[row], py.days(rng, row), len(row)
    status, seen = columns.attendance_status(rng, count)
    first = rng.random(count) < 0.31
    remote = rng.random(count) < 0.16
    kind = np.where(first, 1, 2) + 2 * remote
    hrg, price = _price(rng, kind, seen)
    draw = stream(seed, "op_professions", py.people.block).random(count) / calibration.MULTI_PROFESSIONAL_SHARE
    together = np.select([draw < 0.7, draw < 1], [0, 1], -1)  # several professions, several disciplines, or one alone
    hrg = pl.select(pl.when(pl.Series(together >= 0)).then(hrg.str.replace("^WF01", "WF02")).otherwise(hrg)).to_series()
    return columns.frame(
        "op_attendance",
        study.month_of(day),
        {
            "OPA_Ident": columns.text(record_numbers(py.people.block, count, 2)),
            "Der_Pseudo_NHS_Number": columns.pseudonym(py.people, person),
            "Der_Provider_Code": columns.acute_provider(rng, day),
            "Appointment_Date": columns.dates(day),
            "Attendance_Status": status,
            "First_Attendance": label(("1", "2", "3", "4"), kind - 1),
            "Consultation_Medium_Used": label(
                ("01", "02", "03"), np.where(remote, np.where(rng.random(count) < 0.8, 1, 2), 0)
            ),
            "Treatment_Function_Code": _clinic(rng, py, row),
            "HRG_Code": hrg,
            "Outcome_of_Attendance": label(
                ("1", "2", "3"), np.where(seen, np.where(first, 1, pick(rng, (0.4, 0.45, 0.15), count)), -1)
            ),
            "Sex": columns.sex(py.people, person),
            "Der_Age_at_CDS_Activity_Date": pl.Series(py.people.age(person, day)),
            "Der_Postcode_LSOA_2011_Code": columns.lsoa(py.people, person),
            "GP_Practice_Code": columns.practice(py.people, person, day),
            "Grand_Total_Payment_MFF": price,
            "Multi_Professional_Indicator": label(("1", "2"), together),
        },
    )


def _clinic(rng: np.random.Generator, py: PersonYears, row: np.ndarray) -> pl.Series:
    """Treatment function: the clinic of one of the person's conditions, or any in national proportion."""
    codes = codebook.column("treatment_function", "treatment_function_code")
    general = pick(rng, codebook.numbers("treatment_function", "weight"), len(row))
    own = np.stack([py.has(condition)[row] for condition in _CLINICS], axis=1).astype(float)
    listed = np.array([codes.index(code) for code in _CLINICS.values()])
    place = listed[pick_by_row(rng, own)]
    return label(codes, np.where(own.any(axis=1) & (rng.random(len(row)) < 0.5), place, general))


def _price(rng: np.random.Generator, kind: np.ndarray, seen: np.ndarray) -> tuple[pl.Series, pl.Series]:
    """HRG and price of each appointment; a sixth of the seen have a procedure."""
    book = codebook.prices("procedure")
    weights = [float(row["weight"]) for row in codebook.rows("hrg_price") if row["point_of_delivery"] == "procedure"]
    attendance = [codebook.prices(point)[_ATTENDANCE_HRG[i + 1]] for i, point in enumerate(_POINTS)]
    procedure = seen & (kind <= 2) & (rng.random(len(kind)) < 0.17)
    place = np.where(procedure, 4 + pick(rng, weights, len(kind)), kind - 1)
    base = np.array([*attendance, *book.values()])[place]
    price = np.round(base * np.exp(0.03 * rng.standard_normal(len(kind))), 2)
    unpriced = ~seen | (rng.random(len(kind)) < 0.05)
    ungrouped = ~seen | (rng.random(len(kind)) < 0.01)
    groups = (*_ATTENDANCE_HRG.values(), *book)
    return label(groups, np.where(ungrouped, -1, place)), pl.Series(np.where(unpriced, np.nan, price)).fill_nan(None)
