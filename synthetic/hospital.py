"""Admitted patient care: one row per finished hospital provider spell.

The reason for admission (`admission_reason.csv`) gives the HRG, the primary diagnosis, the usual stay and the
specialty; the person's own conditions follow as secondary diagnoses. Prices are near National Cost Collection means,
with critical care and paid excess days on top.
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.admissions import REHABILITATION, Admissions
from synthetic.chance import Rng, bounded_lognormal, label, stream
from synthetic.diagnosis import diagnosis_text
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import NEVER, Study


def apc_spell(py: PersonYears, spells: Admissions, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one finished spell. Units: nights, pounds. Source of prices: National Cost Collection 2024/25."""
    rng = stream(seed, "apc_spell", py.people.block)
    person, count = py.person[spells.row], len(spells.row)
    stay = spells.discharged - spells.admitted
    kinds = np.array([*codebook.column("admission_reason", "admission_kind"), "rehabilitation"])[spells.reason]
    hrg, price, classification, critical_days = _price(rng, py, spells, kinds, stay)
    payment = stream(seed, "apc_payment", py.people.block)
    rehabilitation = spells.reason == REHABILITATION
    died = (spells.discharged == py.people.died[person]) & (py.people.died[person] != NEVER)
    functions = (*codebook.column("admission_reason", "treatment_function_code"), "314")
    provider = columns.acute_provider(rng, spells.discharged)
    provider = pl.select(pl.when(pl.Series(rehabilitation)).then(pl.lit("RH5")).otherwise(provider)).to_series()
    return columns.frame(
        "apc_spell",
        study.month_of(spells.discharged),
        {
            "APCS_Ident": columns.text(record_numbers(py.people.block, count, 1)),
            "Der_Pseudo_NHS_Number": columns.pseudonym(py.people, person),
            "Der_Provider_Code": provider,
            "Admission_Date": columns.dates(spells.admitted),
            "Discharge_Date": columns.dates(spells.discharged),
            "Admission_Method": _admission_method(rng, kinds),
            "Patient_Classification": label(("1", "2", "3"), classification - 1),
            "Source_of_Admission": label(
                ("19", "51", "79"), np.where(rehabilitation, 1, np.where(kinds == "birth", 2, 0))
            ),
            "Discharge_Method": label(("1", "4"), died.astype(int)),
            "Discharge_Destination": label(
                ("19", "79", "85", "51"),
                np.where(died, 1, np.where((py.age[spells.row] >= 80) & (rng.random(count) < 0.08), 2, 0)),
            ),
            "Der_Spell_LoS": pl.Series(stay.astype(np.int32)),
            "Der_Admit_Treatment_Function_Code": label(
                functions, np.where(rehabilitation, len(functions) - 1, spells.reason)
            ),
            "Spell_Core_HRG_SUS": hrg,
            "Der_Diagnosis_All": diagnosis_text(
                rng, py, person=person, reason=spells.reason, day=spells.discharged, stay=stay
            ),
            "Sex": columns.sex(py.people, person),
            "Ethnic_Group": columns.ethnic_code(py.people, person),
            "Der_Age_at_CDS_Activity_Date": pl.Series(py.people.age(person, spells.admitted)),
            "Der_Postcode_LSOA_2011_Code": columns.lsoa(py.people, person),
            "GP_Practice_Code": columns.practice(py.people, person, spells.discharged),
            "Grand_Total_Payment_MFF": price,
            "Spell_PbR_CC_Days": pl.Series(critical_days),
            "Spell_PbR_Adj_LoS": pl.Series(stay - critical_days).set(pl.Series(payment.random(count) < 0.2), None),
            "Best_Practice_Tariff_Flag": label(
                ("DAYCASE", "SDEC", "STROKE", "PLANNED"),
                np.where(
                    payment.random(count) < calibration.BEST_PRACTICE_SHARE,
                    np.select([classification == 2, kinds != "non_elective", stay <= 1], [0, 3, 1], 2),
                    -1,
                ),
            ),
        },
    )


def _admission_method(rng: Rng, kinds: np.ndarray) -> pl.Series:
    codes = ("21", "22", "24", "2D", "11", "12", "13", "31", "82", "81")
    draw = rng.random(len(kinds))
    place = np.select(
        [
            kinds == "non_elective",
            kinds == "maternity",
            kinds == "birth",
            kinds == "rehabilitation",
            kinds == "regular",
        ],
        [np.searchsorted([0.76, 0.93, 0.97], draw), 7, 8, 9, 6],
        4 + np.searchsorted([0.45, 0.85], draw),
    )
    return label(codes, place)


def _price(
    rng: Rng, py: PersonYears, spells: Admissions, kinds: np.ndarray, stay: np.ndarray
) -> tuple[pl.Series, pl.Series, np.ndarray, np.ndarray]:
    """HRG, price, patient classification (1 ordinary, 2 day case, 3 regular day) and critical care days of spells."""
    listed = [row["hrg_codes"].split() for row in codebook.rows("admission_reason")]
    groups = sorted({code for codes in listed for code in codes})
    by_point = {
        point: codebook.prices(point)
        for point in ("non_elective_long", "non_elective_short", "elective", "day_case", "regular_attender")
    }
    table = {point: np.array([book.get(code, np.nan) for code in groups]) for point, book in by_point.items()}
    width = max(map(len, listed))
    ladder = np.array([[groups.index(codes[min(i, len(codes) - 1)]) for i in range(width)] for codes in listed])
    steps = np.array([len(codes) for codes in listed])
    severity = np.clip(
        np.minimum(py.conditions[spells.row], 8) / 8 * 0.75 + 0.4 * rng.random(len(stay)) - 0.1, 0, 0.999
    )
    rehabilitation = spells.reason == REHABILITATION
    code = ladder[spells.reason, np.floor(severity * steps[spells.reason]).astype(int)]

    planned = np.isin(kinds, ("elective",))
    day_case = planned & ((stay == 0) | np.isnan(table["elective"][code])) & ~np.isnan(table["day_case"][code])
    point = np.select(
        [kinds == "regular", day_case, planned, stay <= 1],
        ["regular_attender", "day_case", "elective", "non_elective_short"],
        "non_elective_long",
    )
    base = np.select([point == name for name in table], [values[code] for values in table.values()])
    usual = codebook.numbers("admission_reason", "mean_stay_days")[spells.reason]
    excess = np.where(point == "non_elective_long", np.maximum(stay - np.ceil(2.5 * usual + 5), 0), 0)
    critical = np.where(
        rng.random(len(stay)) < calibration.CRITICAL_CARE_SHARE * (point == "non_elective_long"), 1.0, 0.0
    )
    critical *= bounded_lognormal(rng, calibration.CRITICAL_CARE_MEAN, 1.2, len(stay), calibration.CRITICAL_CARE_MOST)
    price = (base + critical + excess * calibration.EXCESS_DAY_PRICE) * np.exp(0.04 * rng.standard_normal(len(stay)))
    price = np.where(rehabilitation, np.maximum(stay, 1) * calibration.REHABILITATION_DAY_PRICE, price)
    unpriced = rng.random(len(stay)) < 0.05
    ungrouped = rehabilitation | (rng.random(len(stay)) < 0.004)
    return (
        label(groups, np.where(ungrouped, -1, code)),
        pl.Series(np.where(unpriced, np.nan, np.round(price, 2))).fill_nan(None),
        np.where(point == "regular_attender", 3, np.where(day_case, 2, 1)),
        np.minimum(np.ceil(critical / calibration.CRITICAL_CARE_DAY_PRICE), stay).astype(np.int32),
    )
