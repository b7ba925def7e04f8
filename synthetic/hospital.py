"""Admitted patient care: one row per finished hospital provider spell.

Admissions come as emergencies, last illnesses, planned procedures, courses of cancer treatment, births, and rehabilitation after a long
stay. The reason for admission (`admission_reason.csv`) gives the HRG, the primary diagnosis, the usual stay and the specialty; the
person's own conditions follow as secondary diagnoses. Prices are near National Cost Collection means, with paid excess days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.chance import Rng, bounded_lognormal, events, label, pick_by_row, stream
from synthetic.diagnosis import diagnosis_text
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import NEVER, Study

_REHABILITATION = -1
_CHILDBIRTH = ("maternity", "birth")


@dataclass(frozen=True)
class Admissions:
    """Finished spells of one block; `reason` is a position in `admission_reason.csv`, or -1 for rehabilitation."""

    row: np.ndarray
    reason: np.ndarray
    admitted: np.ndarray
    discharged: np.ndarray
    emergency: np.ndarray


def _reasons(kind: str) -> np.ndarray:
    return np.flatnonzero(np.array(codebook.column("admission_reason", "admission_kind")) == kind)


def _draw_reasons(
    rng: Rng, py: PersonYears, row: np.ndarray, day: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """A reason for each event that fits the person's age, sex and conditions on the day, and whether one fitted."""
    listed = [codebook.rows("admission_reason")[i] for i in _reasons(kind)]
    person = py.person[row]
    age, sex = py.people.age(person, day), py.people.sex[person]
    weights = np.empty((len(row), len(listed)))
    for j, reason in enumerate(listed):
        fits = (age >= int(reason["age_from"])) & (age <= int(reason["age_to"]))
        if reason["sex_code"]:
            fits &= sex == int(reason["sex_code"])
        if reason["needs_condition"]:
            fits &= py.onset[person, codebook.position(reason["needs_condition"])] <= day
        weights[:, j] = float(reason["weight"]) * fits
    return _reasons(kind)[pick_by_row(rng, weights)], weights.sum(axis=1) > 0


def _expected(py: PersonYears) -> dict[str, np.ndarray]:
    """Expected admissions per person-year by kind."""
    c, exposure = calibration, py.exposure
    cancer = py.has("ca_solid") | py.has("ca_haem") | py.has("ca_mets")
    woman = (py.people.sex[py.person] == 2) & (py.age >= 16) & (py.age < 46)
    born = (py.people.birth[py.person] >= py.start) & (py.people.joined[py.person] == py.people.birth[py.person])
    return {
        "non_elective": py.by_age(c.NON_ELECTIVE_BASE) * py.by_count(c.NON_ELECTIVE_BY_COUNT)
        * py.by_priority(c.NON_ELECTIVE_BY_PRIORITY) * py.intensity * exposure,
        "elective": py.by_age(c.ELECTIVE_BASE) * py.by_count(c.ELECTIVE_BY_COUNT) * np.sqrt(py.intensity) * exposure,
        "regular": np.where(cancer, c.REGULAR_BASE, 0) * py.intensity * exposure,
        "maternity": np.where(woman, c.MATERNITY_RATE, 0) * exposure,
        "birth": np.where(born, 0.35, 0),
    }  # fmt: skip


def admissions(py: PersonYears, study: Study, seed: int) -> Admissions:
    """All finished spells of the block, without two spells of one person at once."""
    rng = stream(seed, "hospital", py.people.block)
    drawn = [_spells(rng, py, kind, expected) for kind, expected in _expected(py).items()]
    drawn.append(_spells(rng, py, "non_elective", np.where(py.dies, calibration.TERMINAL_ADMISSIONS, 0), terminal=True))
    row, reason, admitted, stay, emergency = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    discharged = np.minimum(admitted + stay, py.people.left[py.person[row]])
    row, reason, admitted, discharged, emergency = _with_rehabilitation(
        rng, py, row, reason, admitted, discharged, emergency
    )
    keep = first_of_overlapping(py.person[row], admitted, discharged) & (discharged <= study.end)
    return Admissions(*(array[keep] for array in (row, reason, admitted, discharged, emergency)))


def _spells(
    rng: Rng, py: PersonYears, kind: str, expected: np.ndarray, *, terminal: bool = False
) -> tuple[np.ndarray, ...]:
    """Row, reason, day of admission, nights and whether unplanned, for one kind of admission."""
    row = events(rng, expected, calibration.NON_ELECTIVE_MOST if kind == "non_elective" else calibration.ELECTIVE_MOST)
    day = py.days(rng, row)
    if terminal:
        before = np.floor(rng.exponential(35, len(row)))
        day = np.maximum(py.people.died[py.person[row]] - before, py.start[row]).astype(np.int32)
    if kind == "birth":
        day = py.people.birth[py.person[row]]
    reason, fits = _draw_reasons(rng, py, row, day, kind)
    row, day, reason = row[fits], day[fits], reason[fits]
    if kind == "regular":
        row, day, reason = _courses(rng, py, row, day, reason)
    usual = codebook.numbers("admission_reason", "mean_stay_days")[reason]
    if kind == "non_elective":
        usual = usual * (0.75 + 0.05 * np.minimum(py.conditions[row], 9)) * np.where(py.age[row] >= 75, 1.15, 1.0)
    stay = np.floor(bounded_lognormal(rng, usual, calibration.STAY_SIGMA, len(row), calibration.STAY_MOST))
    if kind == "non_elective":
        short = rng.random(len(row)) < np.where(terminal, 0.1, 0.38 - 0.025 * np.minimum(py.conditions[row], 8))
        stay = np.where(short, np.minimum(stay, rng.integers(0, 2, len(row))), stay)
    return row, reason, day, stay.astype(np.int32), np.full(len(row), kind == "non_elective")


def _courses(rng: Rng, py: PersonYears, row: np.ndarray, day: np.ndarray, reason: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each course of cancer treatment as its sessions, a week apart, while the person is registered."""
    sessions = rng.integers(3, 13, len(row))
    course = np.repeat(np.arange(len(row)), sessions)
    step = np.arange(len(course)) - np.repeat(np.cumsum(sessions) - sessions, sessions)
    when = day[course] + 7 * step
    inside = when <= py.end[row[course]]
    return row[course][inside], when[inside].astype(np.int32), reason[course][inside]


def _with_rehabilitation(rng, py, row, reason, admitted, discharged, emergency):
    """After some long emergency stays of older people: a transfer to a community hospital bed."""
    chosen = emergency & (py.age[row] >= 70) & (discharged - admitted >= 6)
    chosen &= rng.random(len(row)) < calibration.REHABILITATION_SHARE * (1 + np.minimum(py.priorities[row], 4))
    start = discharged[chosen]
    stay = np.floor(bounded_lognormal(rng, 18.0, 0.6, int(chosen.sum()), 56)).astype(np.int32) + 2
    last = np.minimum(start + stay, py.people.left[py.person[row[chosen]]])
    lives = py.people.left[py.person[row[chosen]]] > start
    return (
        np.concatenate([row, row[chosen][lives]]),
        np.concatenate([reason, np.full(lives.sum(), _REHABILITATION)]),
        np.concatenate([admitted, start[lives]]),
        np.concatenate([discharged, last[lives]]),
        np.concatenate([emergency, np.zeros(lives.sum(), bool)]),
    )


def first_of_overlapping(person: np.ndarray, admitted: np.ndarray, discharged: np.ndarray) -> np.ndarray:
    """Keeps a spell unless the person was already in a bed when it began."""
    spells = pl.DataFrame({"person": person, "admitted": admitted, "discharged": discharged}).with_row_index("i")
    busy_until = pl.col("discharged").cum_max().shift(1).over("person")
    ordered = spells.sort("person", "admitted", "discharged", "i").with_columns(
        free=busy_until.fill_null(-(2**31)) <= pl.col("admitted")
    )
    return ordered.sort("i")["free"].to_numpy()


def apc_spell(py: PersonYears, spells: Admissions, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one finished spell. Units: nights, pounds. Source of prices: National Cost Collection 2024/25."""
    rng = stream(seed, "apc_spell", py.people.block)
    person, count = py.person[spells.row], len(spells.row)
    stay = spells.discharged - spells.admitted
    kinds = np.array([*codebook.column("admission_reason", "admission_kind"), "rehabilitation"])[spells.reason]
    hrg, price, classification = _price(rng, py, spells, kinds, stay)
    rehabilitation = spells.reason == _REHABILITATION
    died = (spells.discharged == py.people.died[person]) & (py.people.died[person] != NEVER)
    functions = (*codebook.column("admission_reason", "treatment_function_code"), "314")
    provider = columns.acute_provider(rng, spells.discharged)
    provider = pl.select(pl.when(pl.Series(rehabilitation)).then(pl.lit("RH5")).otherwise(provider)).to_series()
    return columns.frame("apc_spell", study.month_of(spells.discharged), {
        "APCS_Ident": columns.text(record_numbers(py.people.block, count, 1)),
        "Der_Pseudo_NHS_Number": columns.pseudonym(py.people, person),
        "Der_Provider_Code": provider,
        "Admission_Date": columns.dates(spells.admitted),
        "Discharge_Date": columns.dates(spells.discharged),
        "Admission_Method": _admission_method(rng, kinds),
        "Patient_Classification": label(("1", "2", "3"), classification - 1),
        "Source_of_Admission": label(("19", "51", "79"), np.where(rehabilitation, 1, np.where(kinds == "birth", 2, 0))),
        "Discharge_Method": label(("1", "4"), died.astype(int)),
        "Discharge_Destination": label(("19", "79", "85", "51"), np.where(
            died, 1, np.where((py.age[spells.row] >= 80) & (rng.random(count) < 0.08), 2, 0))),
        "Der_Spell_LoS": pl.Series(stay.astype(np.int32)),
        "Der_Admit_Treatment_Function_Code": label(functions, np.where(rehabilitation, len(functions) - 1, spells.reason)),
        "Spell_Core_HRG_SUS": hrg,
        "Der_Diagnosis_All": diagnosis_text(rng, py, person, spells.reason, spells.discharged, stay),
        "Sex": columns.sex(py.people, person),
        "Ethnic_Group": columns.ethnic_code(py.people, person),
        "Der_Age_at_CDS_Activity_Date": pl.Series(py.people.age(person, spells.admitted)),
        "Der_Postcode_LSOA_2011_Code": columns.lsoa(py.people, person),
        "GP_Practice_Code": columns.practice(py.people, person, spells.discharged),
        "Grand_Total_Payment_MFF": price,
    })  # fmt: skip


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
) -> tuple[pl.Series, pl.Series, np.ndarray]:
    """HRG, price and patient classification (1 ordinary, 2 day case, 3 regular day) of each spell."""
    listed = [row["hrg_codes"].split() for row in codebook.rows("admission_reason")]
    groups = sorted({code for codes in listed for code in codes})
    by_point = {point: codebook.prices(point) for point in
                ("non_elective_long", "non_elective_short", "elective", "day_case", "regular_attender")}  # fmt: skip
    table = {point: np.array([book.get(code, np.nan) for code in groups]) for point, book in by_point.items()}
    width = max(map(len, listed))
    ladder = np.array([[groups.index(codes[min(i, len(codes) - 1)]) for i in range(width)] for codes in listed])
    steps = np.array([len(codes) for codes in listed])
    severity = np.clip(
        np.minimum(py.conditions[spells.row], 8) / 8 * 0.75 + 0.4 * rng.random(len(stay)) - 0.1, 0, 0.999
    )
    rehabilitation = spells.reason == _REHABILITATION
    code = ladder[spells.reason, np.floor(severity * steps[spells.reason]).astype(int)]

    planned = np.isin(kinds, ("elective",))
    day_case = planned & ((stay == 0) | np.isnan(table["elective"][code])) & ~np.isnan(table["day_case"][code])
    point = np.select(
        [kinds == "regular", day_case, planned, stay <= 1],
        ["regular_attender", "day_case", "elective", "non_elective_short"], "non_elective_long",
    )  # fmt: skip
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
    )
