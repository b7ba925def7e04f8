"""The cited lists of `synthetic/reference/`, read once and kept as tuples and arrays.

Every list carries its source in the file, but for the two lists of faults, which are our own. Nothing here is drawn by
chance.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).parent / "reference"
PROFILE_AGES = (5, 20, 35, 50, 65, 75, 85)
PRIORITY_GROUPS = (
    ("depression",),
    ("ca_solid", "ca_haem", "ca_mets", "melanoma"),
    ("dm",),
    ("chd",),
    ("stroke",),
    ("copd",),
    ("dementia",),
    ("ckd", "eskd"),
)
SUPPRESSED_BY = {"ca_solid": "ca_mets", "ckd": "eskd", "tia": "stroke"}


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one reference list, as text."""
    with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


def column(name: str, field: str) -> tuple[str, ...]:
    """One column of a reference list, as text."""
    return tuple(row[field] for row in rows(name))


@cache
def numbers(name: str, field: str) -> np.ndarray:
    """One column of a reference list, as numbers; blank reads as zero."""
    return np.array([float(row[field] or 0) for row in rows(name)])


@cache
def conditions() -> tuple[str, ...]:
    """The 52 long-term conditions, in the order of every condition matrix."""
    return column("condition_profile", "condition_code")


@cache
def position(condition: str) -> int:
    """Place of a condition in the condition matrices."""
    return conditions().index(condition)


@dataclass(frozen=True)
class CodeSet:
    """All codes of one coding system, and where each condition's codes start in it."""

    codes: tuple[str, ...]
    first: np.ndarray
    count: np.ndarray


@cache
def code_set(system: str) -> CodeSet:
    """Codes by condition: condition c owns codes[first[c] : first[c] + count[c]]."""
    by_condition = [
        [row["code"] for row in rows("condition_code") if row["condition_code"] == c and row["code_system"] == system]
        for c in conditions()
    ]
    count = np.array([len(codes) for codes in by_condition])
    return CodeSet(tuple(code for codes in by_condition for code in codes), np.cumsum(count) - count, count)


@cache
def prices(point_of_delivery: str) -> dict[str, float]:
    """Price of each healthcare resource group in pounds, National Cost Collection 2024/25."""
    return {
        row["hrg_code"]: float(row["price_gbp"])
        for row in rows("hrg_price")
        if row["point_of_delivery"] == point_of_delivery
    }
