"""General practice: appointments, and the coded record in which most long-term conditions are found."""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.chance import Rng, bounded_lognormal, events, label, pick, stream
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import NEVER, Study
from synthetic.population import DAYS_IN_YEAR, People

HISTORY = -1  # period of the first delivery of coded events
_YEARS_OF_REVIEWS_BEFORE = 5
_ROLES = ("GP", "Nurses", "Other Direct Patient Care", "Data Quality", "Unknown")
_MODES = ("Face-to-Face", "Telephone", "Video Conference/Online", "Home Visit", "Unknown")
_STATUS = ("Attended", "DNA", "Unknown")
# Counts of GPAD, May 2025, England (status and mode); roles: GP share of GPAD, the rest an assumption.
_STATUS_WEIGHTS = (26196644, 1204897, 1712523)
_MODE_WEIGHTS = (18488598, 7326425, 2274222, 344458, 680361)
_ROLE_WEIGHTS = (0.452, 0.24, 0.27, 0.016, 0.022)
_USUAL_MINUTES = np.array([9.5, 13.0, 16.0, 10.0, 10.0])
_SLOTS = (
    "General Consultation Routine",
    "General Consultation Acute",
    "Planned Clinics",
    "Clinical Triage",
    "Planned Clinical Procedure",
    "Structured Medication Review",
    "Home Visit",
    "Unplanned Clinical Activity",
    "Care Home Visit",
    "Social Prescribing Service",
    "Walk-in",
    "Unmapped",
)
_SLOT_WEIGHTS = (40, 19, 13, 8, 8, 2, 1, 3, 0.6, 0.8, 1, 3.6)


@dataclass(frozen=True)
class Held:
    """Conditions that people have: who, which, and the day on which it began."""

    person: np.ndarray
    condition: np.ndarray
    began: np.ndarray


def gp_appointment(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one appointment. Units: minutes. Marginals: GPAD May 2025 (status, mode)."""
    rng = stream(seed, "gp_appointment", py.people.block)
    expected = (
        py.by_age(calibration.APPOINTMENT_BASE)
        * py.by_count(calibration.APPOINTMENT_BY_COUNT)
        * py.intensity**0.4
        * py.exposure
    )
    row = events(rng, expected, 80)
    person, day, count = py.person[row], py.days(rng, row), len(row)
    role = pick(rng, _ROLE_WEIGHTS, count)
    mode = pick(rng, _MODE_WEIGHTS, count)
    at_home = (mode != 3) & (py.age[row] >= 85) & (rng.random(count) < 0.12)
    mode = np.where(at_home, 3, np.where((mode == 3) & (py.age[row] < 65), 0, mode))
    minutes = np.maximum(np.round(bounded_lognormal(rng, _USUAL_MINUTES[role], 0.55, count, 90)), 1).astype(np.int32)
    timed = rng.random(count) < 0.9
    slot = np.where(mode == 3, _SLOTS.index("Home Visit"), pick(rng, _SLOT_WEIGHTS, count))
    return columns.frame(
        "gp_appointment",
        study.month_of(day),
        {
            "ID": columns.text(record_numbers(py.people.block, count, 4)),
            "SK_PATIENT_ID": columns.pseudonym(py.people, person),
            "ORGANISATION_CODE": columns.practice(py.people, person, day),
            "START_DATE": columns.dates(day),
            "APPOINTMENT_STATUS_CODE": label(_STATUS, pick(rng, _STATUS_WEIGHTS, count)),
            "NATIONAL_SLOT_CATEGORY_NAME": label(_SLOTS, slot),
            "CONTACT_MODE_CODE": label(_MODES, mode),
            "SDS_ROLE_GROUP": label(_ROLES, role),
            "ACTUAL_DURATION": pl.Series(minutes).set(pl.Series(~timed), None),
        },
    )


def gp_coded_event(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one coded event, when a condition begins or the person joins with it, and at most yearly reviews."""
    rng = stream(seed, "gp_coded_event", py.people.block)
    people = py.people
    person, condition = np.nonzero(py.onset != NEVER)
    began = py.onset[person, condition]
    held = Held(person, condition, began)
    pieces = [_first_codings(rng, people, held), *_reviews(rng, people, study, held)]
    who, what, event, recorded = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    codes = codebook.code_set("snomed")
    code = codes.first[what] + np.floor(rng.random(len(what)) * codes.count[what]).astype(int)

    minor = events(rng, 0.7 * py.exposure, 6)
    minor_day = py.days(rng, minor)
    minor_codes = codebook.column("emergency_complaint", "snomed_code")
    who = np.concatenate([who, py.person[minor]])
    event, recorded = np.concatenate([event, minor_day]), np.concatenate([recorded, minor_day])
    code = np.concatenate([code, len(codes.codes) + pick(rng, np.ones(len(minor_codes)), len(minor))])

    inside = (recorded <= np.minimum(people.left[who], study.end)) & (recorded >= study.history.start)
    who, event, recorded, code = who[inside], event[inside], recorded[inside], code[inside]
    during = recorded >= study.start
    period = np.where(during, study.month_of(np.where(during, recorded, study.start)), HISTORY)
    return columns.frame(
        "gp_coded_event",
        period,
        {
            "NHS_NUMBER_DEID": columns.pseudonym(people, who),
            "PRACTICE": columns.practice(people, who, recorded),
            "DATE": columns.dates(event),
            "RECORD_DATE": columns.dates(recorded),
            "CODE": label((*codes.codes, *minor_codes), code),
        },
    )


def _first_codings(rng: Rng, people: People, held: Held) -> tuple[np.ndarray, ...]:
    """The first coding of each condition, entered within weeks, or when the person joins the practice."""
    lag = np.floor(rng.exponential(9, len(held.person))).astype(int)
    known_from = np.maximum(people.joined[held.person], held.began)
    return held.person, held.condition, held.began, known_from + lag


def _reviews(rng: Rng, people: People, study: Study, held: Held) -> Iterator[tuple[np.ndarray, ...]]:
    """One coding in most financial years, from five years before the study, while the person is on the list."""
    share = codebook.numbers("condition_profile", "review_share")[held.condition]
    # The take-on summary of a new patient brings the old record with it, so earlier reviews are not repeated.
    joined = people.joined[held.person]
    from_day = np.maximum(held.began + 30, np.where(joined >= study.start, joined + 20, 0))
    first = study.start - round(_YEARS_OF_REVIEWS_BEFORE * DAYS_IN_YEAR)
    for start in np.arange(first, study.end, DAYS_IN_YEAR):
        day = np.floor(start + rng.random(len(joined)) * (DAYS_IN_YEAR - 1)).astype(int)
        kept = (rng.random(len(joined)) < share) & (day >= from_day)
        yield held.person[kept], held.condition[kept], day[kept], day[kept]
