"""The terms of a model: which characteristics have a dummy of their own in a fit, and which do not and why.

Belongs here: merging levels with too few people, leaving out terms that cannot be told apart, reference levels.
Does not belong here: the characteristics (`model_people.py`); the fits (`model_fits.py`).

A term is fitted only where enough people on each side of the outcome have it, since a dummy whose people all use a
setting, or none of them, has no finite coefficient in a logit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from assets.analysis.model_people import CONDITION, NOT_KNOWN, OTHER_CONDITION

FEWEST = 20
INTERCEPT = "intercept"
_AGE_OF_REFERENCE = "40-44"
_REFERENCE = {"sex": "1", "deprivation": "5"}
_LARGEST_COUNT = 7
_LEAST_OF_ITS_OWN = 0.01  # of the squares of a term: what the terms before it do not say


@dataclass(frozen=True)
class Design:
    """The terms of one fit.

    Attributes:
        terms: their names, the intercept first.
        matrix: a row per cell, a column per term.
        left_out: why a term is not among them, by its name.
        count_group: of each cell, the number of its group of counts as merged.
    """

    terms: tuple[str, ...]
    matrix: np.ndarray
    left_out: dict[str, str]
    count_group: np.ndarray


def design(cells: pl.DataFrame, sides: Sequence[np.ndarray]) -> Design:
    """The terms for an outcome; `sides` are people by cell on each side of it, such as users and others."""
    terms: dict[str, np.ndarray] = {INTERCEPT: np.ones(cells.height)}
    left_out: dict[str, str] = {}
    age = _merged(cells["age_band"].to_numpy().astype(str), sides)
    terms |= {f"age_{name}": is_in for name, of, is_in in age if _AGE_OF_REFERENCE not in of}
    for name, reference in _REFERENCE.items():
        for level in sorted(set(cells[name].unique()) - {reference}):
            has = (cells[name] == level).to_numpy()
            _add(terms, left_out, f"{name}_{level}", has, sides)
    for name in cells.columns:
        if name.startswith(CONDITION) or name == OTHER_CONDITION:
            _add(terms, left_out, name, cells[name].to_numpy(), sides)
    number = cells["count"].to_numpy()
    count = _merged(_counted(number), sides)
    terms |= {f"count_{name}": is_in for name, _, is_in in count[1:]}
    above = np.maximum(number - _LARGEST_COUNT, 0).astype(np.float64)
    _add(terms, left_out, f"count_each_above_{_LARGEST_COUNT}", above > 0, sides, above)
    group = sum((place * is_in for place, (_, _, is_in) in enumerate(count)), np.zeros(cells.height))
    names, matrix = _independent(terms, np.sum(sides, axis=0), left_out)
    return Design(names, matrix, left_out, group.astype(np.int64))


def _counted(number: np.ndarray) -> np.ndarray:
    """Levels of the number of conditions; of people with one condition, the condition itself says all."""
    band = np.minimum(number, _LARGEST_COUNT).astype(str)
    return np.where(number <= 1, "0-1", np.where(number >= _LARGEST_COUNT, f"{_LARGEST_COUNT}+", band))


def _add(
    terms: dict[str, np.ndarray],
    left_out: dict[str, str],
    name: str,
    has: np.ndarray,
    sides: Sequence[np.ndarray],
    value: np.ndarray | None = None,
) -> None:
    if _is_enough(has, sides):
        terms[name] = has.astype(np.float64) if value is None else value
    elif has.any() and NOT_KNOWN not in name:
        left_out[name] = f"fewer than {FEWEST} people on a side of the outcome"


def _is_enough(has: np.ndarray, sides: Sequence[np.ndarray]) -> bool:
    return all(side[has].sum() >= FEWEST for side in sides)


def _merged(level: np.ndarray, sides: Sequence[np.ndarray]) -> list[tuple[str, tuple[str, ...], np.ndarray]]:
    """Ordered levels in groups with enough people each: name, levels, dummy; what is left at the end joins the last."""
    names, code = np.unique(level, return_inverse=True)
    people = np.array([np.bincount(code, side, len(names)) for side in sides])
    groups: list[list[int]] = [[]]
    for place in sorted(range(len(names)), key=lambda place: int(str(names[place]).rstrip("+").split("-")[0])):
        groups[-1].append(place)
        if people[:, groups[-1]].sum(axis=1).min() >= FEWEST:
            groups.append([])
    if len(groups) > 1:
        rest = groups.pop()
        groups[-1] += rest
    merged = []
    for of in groups:
        levels = tuple(str(names[place]) for place in of)
        merged.append((_named(levels), levels, np.isin(np.arange(len(names)), of)[code].astype(np.float64)))
    return merged


def _named(levels: tuple[str, ...]) -> str:
    first, last = levels[0].split("-")[0], levels[-1].split("-")[-1]
    if last.endswith("+"):
        return f"{first.rstrip('+')}+"
    return first if first == last else f"{first}-{last}"


def _independent(
    terms: dict[str, np.ndarray], people: np.ndarray, left_out: dict[str, str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """The terms, less each that the terms before it nearly add up to among the people fitted on."""
    matrix = np.column_stack(list(terms.values()))
    crossed = matrix.T @ (matrix * people[:, None])
    size = np.maximum(np.sqrt(np.diag(crossed)), 1)
    left = crossed / size / size[:, None]  # of each pair of terms, what the terms kept so far do not explain
    kept: list[int] = []
    for place, name in enumerate(terms):
        if left[place, place] <= _LEAST_OF_ITS_OWN:
            left_out[name] = "the terms before it say nearly the same"
            continue
        kept.append(place)
        left = left - np.outer(left[place], left[place]) / left[place, place]
    names = list(terms)
    return tuple(names[place] for place in kept), matrix[:, kept]
