"""Every score read from its publication in plain Python: no joins, no rules of the tables, one person at a time."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache

from assets.reference import FOLDER

YEAR_START, YEAR_END = date(2024, 4, 1), date(2025, 3, 31)
EVER = date(1900, 1, 1)
SCORES = ("charlson", "charlson_shmi", "elixhauser", "frailty", "cambridge")
GRAVER = {
    "charlson": (
        ("severe_liver", "mild_liver"),
        ("diabetes_complicated", "diabetes"),
        ("metastatic_cancer", "cancer"),
    ),
    "elixhauser": (
        ("hypertension_complicated", "hypertension"),
        ("diabetes_complicated", "diabetes"),
        ("metastatic_cancer", "solid_tumour"),
    ),
}
GRAVER["charlson_shmi"] = GRAVER["charlson"]
ANALGESICS = ("040701", "040702", "040703")
ASTHMA_MEDICINES = ("0301", "0302", "0303")
LITHIUM = ("0402030K0", "0402030P0")
EVER_CODED = {
    "dementia",
    "copd",
    "atrial_fibrillation",
    "heart_failure",
    "stroke_tia",
    "diabetes",
    "chd",
    "connective_tissue",
    "hearing_loss",
    "hypertension",
    "alcohol_problems",
    "ckd",
}


@dataclass
class Person:
    """What one person's records say.

    Attributes:
        spells: discharge date, whether an emergency, codes as written.
        events: date and concept.
        items: first day of the month, BNF code, number of items.
    """

    age: int
    spells: list[tuple[date, bool, list[str]]] = field(default_factory=list)
    events: list[tuple[date, str]] = field(default_factory=list)
    items: list[tuple[date, str, int]] = field(default_factory=list)


def first_day(years: int) -> date:
    """The first day of so many financial years, of which the last ends now."""
    return date(YEAR_END.year - years, 4, 1)


@cache
def shipped(name: str) -> list[dict[str, str]]:
    """The rows of a reference table as typed."""
    with (FOLDER / f"{name}.csv").open(newline="") as source:
        return list(csv.DictReader(source))


@cache
def prefixes(score: str) -> list[tuple[str, str]]:
    """ICD-10 prefixes and what they set."""
    return [
        (row["code_prefix"], row["category"])
        for row in shipped("score_code")
        if row["score"] == score and row["code_system"] == "icd10"
    ]


@cache
def concepts() -> dict[str, set[str]]:
    """Cambridge categories by SNOMED CT concept."""
    found = defaultdict(set)
    for row in shipped("score_code"):
        if row["code_system"] == "snomed":
            found[row["code_prefix"]].add(row["category"])
    for row in shipped("score_condition"):
        for concept in shipped("condition_snomed"):
            if concept["condition_code"] == row["condition_code"]:
                found[concept["snomed_code"]].add(row["category"])
    return found


def set_by(code: str, score: str) -> set[str]:
    """What a code of a hospital record sets."""
    plain = code.replace(".", "")
    return {category for prefix, category in prefixes(score) if plain.startswith(prefix)}


def of_hospital(person: Person, score: str) -> set[str]:
    """What a person's admissions set: five years for comorbidities, emergencies of three years for frailty."""
    earliest = first_day(3 if score == "frailty" else 5)
    found: set[str] = set()
    for day, is_emergency, codes in person.spells:
        if earliest <= day <= YEAR_END and (is_emergency or score != "frailty"):
            for code in codes:
                found |= set_by(code, score)
    return found - {milder for graver, milder in GRAVER.get(score, ()) if graver in found}


def cambridge(person: Person) -> set[str]:
    """The conditions of the Cambridge score by its usage rules."""

    def coded(category: str, since: date = EVER) -> bool:
        return any(category in concepts().get(code, ()) for day, code in person.events if since <= day <= YEAR_END)

    def items(*groups: str, since: date = YEAR_START) -> int:
        return sum(n for day, code, n in person.items if code.startswith(groups) and since <= day <= YEAR_END)

    found = {category for category in EVER_CODED if coded(category)}
    holds = {
        "cancer": coded("cancer", first_day(5))
        and not any("cancer" in concepts().get(code, ()) for day, code in person.events if day < first_day(5)),
        "constipation": items("0106") >= 4,
        "painful_condition": items(*ANALGESICS) >= 4 or (items("0408") >= 4 and not coded("epilepsy")),
        "epilepsy": coded("epilepsy") and items("0408") > 0,
        "asthma": coded("asthma") and items(*ASTHMA_MEDICINES) > 0,
        "anxiety_depression": coded("anxiety_depression", YEAR_START) or items("0403") >= 4 or items("0401") >= 4,
        "irritable_bowel": coded("irritable_bowel", YEAR_START) or items("0102") >= 4,
        "psychosis_bipolar": coded("psychosis_bipolar") or items(*LITHIUM, since=EVER) > 0,
    }
    return found | {category for category, is_there in holds.items() if is_there}


def values(person: Person) -> dict[tuple[str, str], tuple[Decimal, int, int | None, str | None]]:
    """Score, count, points for age and band of a person, by score and weighting."""
    made = {}
    for score in SCORES:
        if score == "frailty" and person.age < 75:
            continue
        present = cambridge(person) if score == "cambridge" else of_hospital(person, score)
        weights: dict[str, Decimal] = defaultdict(Decimal)
        for row in shipped("score_weight"):
            if row["score"] == score:
                weights[row["weighting"]] += Decimal(row["weight"]) if row["category"] in present else 0
        for weighting, value in weights.items():
            points = min(4, max(0, (person.age - 40) // 10)) if score == "charlson" else None
            made[score, weighting] = (value, len(present), points, band(score, weighting, value))
    return made


def band(score: str, weighting: str, value: Decimal) -> str | None:
    """The band as the publications give it."""
    if score == "frailty":
        return "low" if value < 5 else "intermediate" if value <= 15 else "high"
    if (score, weighting) == ("charlson", "original"):
        return "0" if value < 1 else "1-2" if value < 3 else "3-4" if value < 5 else "5+"
    return None
