"""Pseudonyms and record numbers: unique, without meaning, and the same for the same seed.

A pseudonym is a 10-digit number, as a commissioning support unit issues it. It is an index sent through a keyed
permutation, so no table of issued pseudonyms is needed and no two people can share one. About 9% pass the NHS number
check digit, by chance alone.
"""

from __future__ import annotations

import numpy as np

_LOWEST, _HIGHEST = 10**9, 10**10
_HALF = np.uint64(17)
_MASK = np.uint64(2**17 - 1)
_ROUNDS = 6
# Index ranges that keep the kinds of pseudonym apart.
SUPERSEDED = 4 * 10**9
UNKNOWN = 6 * 10**9
RECORDS_PER_BLOCK = 10**8


def _permute(values: np.ndarray, seed: int) -> np.ndarray:
    """A Feistel permutation of the 34-bit numbers."""
    left, right = values >> _HALF, values & _MASK
    for step in range(_ROUNDS):
        key = np.uint64((seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9) % 2**64)
        mixed = (right + key) * np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(29)
        mixed = (mixed * np.uint64(0x94D049BB133111EB)) >> np.uint64(40)
        left, right = right, left ^ (mixed & _MASK)
    return (left << _HALF) | right


def _usable(values: np.ndarray) -> np.ndarray:
    """Ten digits, and not one digit repeated, which would read as a dummy."""
    return (values >= _LOWEST) & (values < _HIGHEST) & (values % np.uint64(1_111_111_111) != 0)


def pseudonyms(index: np.ndarray, seed: int) -> np.ndarray:
    """The pseudonyms (int64, ten digits) of person numbers `index`, below 9 000 000 000."""
    values = np.asarray(index, dtype=np.uint64) + np.uint64(_LOWEST)
    with np.errstate(over="ignore"):
        values = _permute(values, seed)
        # Walking the cycle until the value is usable keeps the map one to one.
        while not (usable := _usable(values)).all():
            values[~usable] = _permute(values[~usable], seed)
    return values.astype(np.int64)


def record_numbers(block: int, count: int, series: int) -> np.ndarray:
    """Identifiers of records, unique over all blocks of one feed; `series` is the leading digit."""
    return np.int64(series) * 10**14 + np.int64(block) * RECORDS_PER_BLOCK + np.arange(count, dtype=np.int64)
