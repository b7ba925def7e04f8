"""Adult social care: packages with their unit cost, and the requests, assessments and reviews around them.

Packages are drawn per person, not per year: they start before or during the study and run until they end, the person
dies, leaves, or the study ends. Each quarterly delivery repeats the services that run in it. Costs are gross and
planned, and do not change in a package.
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns, identity
from synthetic.chance import bounded_lognormal, events, label, pick, stream, systematic
from synthetic.morbidity import counted
from synthetic.need import PersonYears
from synthetic.periods import NEVER, Study
from synthetic.population import DAYS_IN_YEAR

_COUNCIL = "905"  # Somerset
_SERVICE, _REQUEST, _ASSESSMENT, _REVIEW = range(4)
_EVENTS = ("Service", "Request", "Assessment", "Review")
_ONE_OFF_DAYS = 41
_DOUBLE_HANDED_SHARE = 0.08
_LOOKING_BACK_DAYS = 1000
_WORKING_AGE_MEAN_DAYS = 12_000


@dataclass(frozen=True)
class Events:
    """Social care events; `package` is a position in the list of packages or -1, `end` is `NEVER` while it runs."""

    person: np.ndarray
    kind: np.ndarray
    package: np.ndarray
    start: np.ndarray
    end: np.ndarray
    unit_cost: np.ndarray
    units: np.ndarray


def _package(name: str) -> int:
    return codebook.column("social_care_package", "package").index(name)


def _likely(age: np.ndarray, active: np.ndarray, dead: np.ndarray) -> dict[str, np.ndarray]:
    """Chance that a person has each lasting package at the end of the study (or when they died or left)."""

    def has(condition: str) -> np.ndarray:
        return active[:, codebook.position(condition)]

    count, _ = counted(active)
    old = (
        np.select([age >= 90, age >= 85, age >= 75, age >= 65], [0.030, 0.020, 0.008, 0.003], 0)
        * calibration.CARE_HOME_SCALE
    )
    old = old * (1 + 4.0 * has("dementia") + 1.0 * has("stroke") + 1.2 * has("pd")) * np.where(dead, 3.0, 1.0)
    home = (
        np.select([age >= 85, age >= 75, age >= 65, age >= 18], [0.075, 0.042, 0.010, 0.0008], 0)
        * calibration.HOME_CARE_SCALE
    )
    home = home * (1 + 0.12 * np.minimum(count, 8)) * np.where(dead, 1.3, 1.0)
    disabled = (age >= 18) & (age < 75) & (has("ms") | has("paralysis") | has("cf") | has("epilepsy"))
    learning, psychosis = has("learning") & (age >= 18), has("smi_scz") & (age >= 18)
    scale = calibration.WORKING_AGE_CARE_SCALE
    return {
        "residential care": old * 0.40,
        "nursing care": old * 0.28,
        "dementia residential care": old * 0.32 * np.where(has("dementia"), 2, 0.3),
        "home care": home * 0.70,
        "extra care housing": np.where(age >= 65, home * 0.12, 0),
        "day support": home * 0.10,
        "complex placement": np.where((age >= 18) & (age < 70), calibration.COMPLEX_PLACEMENTS, 0),
        "direct payment": np.where(disabled, 0.07, 0.0008 * (age >= 18)) * scale,
        "supported living": np.where(learning, 0.20, 0) * scale,
        "learning disability residential": np.where(learning, 0.05, 0) * scale,
        "mental health support": np.where(psychosis, 0.08, 0) * scale,
    }


def _lasting(rng: np.random.Generator, py: PersonYears, study: Study) -> Events:
    """Packages that run for months or years."""
    people = py.people
    last = np.minimum(people.left, study.end)
    everyone = np.arange(len(people))
    age = people.age(everyone, last)
    likely = _likely(age, py.onset <= last[:, None], people.died != NEVER)
    names = list(likely)
    chance = np.stack(list(likely.values()), axis=1)
    at_home = slice(names.index("home care"), names.index("day support") + 1)
    # Care at home comes and goes: the chance of being in it on one day becomes the chance of an episode in this window.
    window = study.end - study.start + _LOOKING_BACK_DAYS
    chance[:, at_home] *= window / calibration.HOME_CARE_MEAN_DAYS
    has = systematic(rng, np.minimum(chance, 0.7))
    in_care_home = np.any(has[:, : at_home.start], axis=1, keepdims=True)
    has[:, at_home] &= ~in_care_home  # nobody in a care home has care at home
    person, place = np.nonzero(has)
    package = np.array([_package(name) for name in names])[place]
    start, end = _episodes(rng, py, study, person=person, place=place, at_home=at_home)
    kept = end >= study.start
    person, package, start, end = person[kept], package[kept], start[kept], end[kept]
    scatter = codebook.numbers("social_care_package", "unit_cost_spread")[package]
    cost = codebook.numbers("social_care_package", "unit_cost_gbp")[package] * np.exp(
        scatter * rng.standard_normal(len(person))
    )
    hours = (
        np.round(
            bounded_lognormal(rng, calibration.HOME_CARE_HOURS, 0.6, len(person), calibration.HOME_CARE_HOURS_MOST) * 2
        )
        / 2
    )
    units = np.where(package == _package("home care"), np.maximum(hours, 1.5), np.nan)
    units = np.where(package == _package("day support"), rng.integers(1, 4, len(person)), units)
    return Events(person, np.full(len(person), _SERVICE), package, start, end, np.round(cost, 2), units)


def _episodes(
    rng: np.random.Generator, py: PersonYears, study: Study, *, person: np.ndarray, place: np.ndarray, at_home: slice
) -> tuple[np.ndarray, np.ndarray]:
    """First and last day of each package. A care home is for life, a placement in working age for many years."""
    people = py.people
    last = np.minimum(people.left, study.end)[person]
    in_care_home, home = place < at_home.start, (place >= at_home.start) & (place < at_home.stop)
    mean = np.select(
        [in_care_home, home], [calibration.CARE_HOME_MEAN_DAYS, calibration.HOME_CARE_MEAN_DAYS], _WORKING_AGE_MEAN_DAYS
    )
    length = np.floor(rng.exponential(mean)).astype(np.int64) + 14
    anywhere = last - np.floor(rng.random(len(person)) * (last - study.start + _LOOKING_BACK_DAYS)).astype(np.int64)
    start = np.where(home, anywhere, np.maximum(last - length, people.birth[person] + round(18 * DAYS_IN_YEAR)))
    # Care that began elsewhere is not this council's: nothing starts before a person who moves in has joined.
    arrived = np.where(people.joined[person] >= study.start, people.joined[person], 0)
    start = np.minimum(np.maximum(start, arrived), last)
    return start, np.where(home, np.minimum(start + length, people.left[person]), people.left[person]).astype(np.int64)


def _one_off(rng: np.random.Generator, py: PersonYears) -> Events:
    """Reablement, equipment and payments to carers: one cost, in the quarter in which they start."""
    parts = []
    frail = 1 + 0.3 * np.minimum(py.conditions, 8)
    for name, rate in (
        ("reablement", np.where(py.age >= 65, 0.016, 0) * frail),
        ("equipment", np.where(py.age >= 65, 0.024, 0.001) * frail * (py.age >= 18)),
        ("carer support", np.where((py.age >= 25) & (py.age < 90), 0.003, 0)),
    ):
        row = events(rng, rate * py.exposure, 2)
        day = py.days(rng, row)
        scatter = codebook.numbers("social_care_package", "unit_cost_spread")[_package(name)]
        cost = codebook.numbers("social_care_package", "unit_cost_gbp")[_package(name)] * np.exp(
            scatter * rng.standard_normal(len(row))
        )
        end = np.minimum(day + (_ONE_OFF_DAYS if name == "reablement" else 0), py.people.left[py.person[row]])
        parts.append((py.person[row], np.full(len(row), _package(name)), day, end, np.round(cost, 2)))
    person, package, day, end, cost = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    nothing = np.full(len(person), np.nan)
    return Events(person, np.full(len(person), _SERVICE), package, day, end, cost, nothing)


def _around(rng: np.random.Generator, py: PersonYears) -> Events:
    """Requests, assessments and reviews: no service, no cost."""
    rate = np.select([py.age >= 85, py.age >= 75, py.age >= 65, py.age >= 18], [0.12, 0.04, 0.012, 0.006], 0)
    row = events(rng, rate * py.exposure, 4)
    day = py.days(rng, row)
    kind = np.array([_REQUEST, _ASSESSMENT, _REVIEW])[pick(rng, (0.5, 0.25, 0.25), len(row))]
    nothing = np.full(len(row), np.nan)
    return Events(py.person[row], kind, np.full(len(row), -1), day, day, nothing, nothing)


def _who_pays(rng: np.random.Generator, lasting: int, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the person pays of each unit, where the council sends it, and whether the person pays all."""
    draw, share = rng.random(len(cost)), 0.1 + 0.5 * rng.random(len(cost))
    draw[lasting:] = 1.0  # one-off costs are the council's
    contributes = draw < calibration.CONTRIBUTING_SHARE
    pays_all = ~contributes & (draw < calibration.CONTRIBUTING_SHARE + calibration.FULL_COST_SHARE)
    return np.where(contributes, np.round(cost * share, 2), np.nan), pays_all


def social_care_event(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one event and quarter; double-handed care is two equal rows. Units: pounds a unit, units a week."""
    rng = stream(seed, "social_care_event", py.people.block)
    parts = [_lasting(rng, py, study), _one_off(rng, py), _around(rng, py)]
    person, kind, package, start, end, cost, units = (
        np.concatenate([getattr(part, name) for part in parts]) for name in Events.__dataclass_fields__
    )
    paying = stream(seed, "client_contribution", py.people.block)
    contribution, pays_all = _who_pays(paying, len(parts[0].person), cost)
    doubled = (package == _package("home care")) & (rng.random(len(person)) < _DOUBLE_HANDED_SHARE)
    event = np.repeat(np.arange(len(person)), 1 + doubled)
    event, quarter = _by_quarter(study, event, start, end)
    quarter_end = np.array([q.end for q in study.quarters])[quarter]
    person, kind, package = person[event], kind[event], package[event]
    reference = identity.record_numbers(py.people.block, len(start), 8)[event]
    ethnicity = codebook.column("ethnic_category", "client_level_label")
    carer = package == _package("carer support")

    def listed(field: str) -> pl.Series:
        return label(codebook.column("social_care_package", field), package)

    reasons = sorted(set(codebook.column("social_care_package", "primary_support_reason")))
    stated = label(reasons, pick(rng, np.ones(len(reasons)), len(event)))
    return columns.frame(
        "social_care_event",
        quarter,
        {
            "LA Code": _COUNCIL,
            "Pseudo NHS Number": columns.pseudonym(py.people, person),
            "LA Person Unique Identifier": None,
            "Event Type": label(_EVENTS, kind),
            "Event Reference": columns.text(reference),
            "Event Start Date": columns.dates(start[event]),
            "Event End Date": columns.dates(np.minimum(end[event], NEVER), end[event] > quarter_end),
            "Client Type": label(("Service user", "Unpaid carer"), carer.astype(int)),
            "Primary Support Reason": listed("primary_support_reason").zip_with(pl.Series(package >= 0), stated),
            "Service Type": listed("service_type"),
            "Service Component": listed("service_component"),
            "Delivery Mechanism": listed("delivery_mechanism"),
            "Unit Cost": pl.Series(cost[event]).fill_nan(None),
            "Cost Frequency (Unit Type)": listed("cost_frequency"),
            "Planned units per week": pl.Series(units[event]).fill_nan(None),
            "Gender": label(("Male", "Female"), py.people.sex[person].astype(int) - 1),
            "Ethnicity": label(ethnicity, py.people.ethnicity[person].astype(int)),
            "Full cost client": label(("No", "Yes"), np.where(package >= 0, pays_all[event].astype(int), -1)),
            "Client Contribution": pl.Series(contribution[event]).fill_nan(None),
        },
    )


def _by_quarter(study: Study, event: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each event once for every quarter that it touches."""
    pairs = [(event[(start[event] <= q.end) & (end[event] >= q.start)], i) for i, q in enumerate(study.quarters)]
    return np.concatenate([rows for rows, _ in pairs]), np.concatenate([np.full(len(rows), i) for rows, i in pairs])
