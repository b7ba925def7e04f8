"""Pseudonyms, tokens and record numbers: unique, without meaning, and the same for the same seed.

A pseudonym is a 10-digit number, as a commissioning support unit issues it; a token has 15 capitals and digits, as the
Person_ID of the national data sets; a council's number has 7 digits. Each is an index sent through a keyed permutation,
so no table of what was issued is needed and no two people can share one. About 9% of pseudonyms pass the NHS number
check digit, by chance alone. Not here: which domain uses which form (`domains`).
"""

from __future__ import annotations

import numpy as np

_LOWEST, _HIGHEST = 10**9, 10**10
_HALF = 17  # bits; councils need fewer
_COUNCIL_HALF, _COUNCIL_LOWEST, _COUNCIL_COUNT = 12, 10**6, 9 * 10**6
_ROUNDS = 6
_DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
_HALF_TOKEN = 7  # digits to the base of 36 that hold 34 bits
# Index ranges that keep the kinds of pseudonym apart.
SUPERSEDED = 4 * 10**9
UNKNOWN = 6 * 10**9
ODD = 8 * 10**9  # identifiers that stand for nobody in particular: of impossible volume, or used once
UNKNOWN_COUNCIL = 8 * 10**6  # the same by which a council knows strangers; two thousand for a block of people
RECORDS_PER_BLOCK = 10**8


def _permute(values: np.ndarray, seed: int, bits: int = _HALF) -> np.ndarray:
    """A Feistel permutation of the numbers of twice so many bits."""
    half, mask = np.uint64(bits), np.uint64(2**bits - 1)
    left, right = values >> half, values & mask
    for step in range(_ROUNDS):
        key = np.uint64((seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9) % 2**64)
        mixed = (right + key) * np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(29)
        mixed = (mixed * np.uint64(0x94D049BB133111EB)) >> np.uint64(40)
        left, right = right, left ^ (mixed & mask)
    return (left << half) | right


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


def tokens(index: np.ndarray, seed: int) -> np.ndarray:
    """The tokens (text of 15 capitals and digits) of person numbers `index`, below 9 000 000 000."""
    with np.errstate(over="ignore"):
        first = _permute(np.asarray(index, dtype=np.uint64), seed)
        second = _permute(first, seed + 1)
    digits = np.zeros((len(first), 1 + 2 * _HALF_TOKEN), np.uint8)
    for place in range(_HALF_TOKEN):
        for half, values in enumerate((first, second)):
            power = np.uint64(36**place)
            digits[:, (half + 1) * _HALF_TOKEN - place] = (values // power) % np.uint64(36)
    text: np.ndarray = _DIGITS[digits].view(f"S{digits.shape[1]}").ravel().astype(str)
    return text


def council_numbers(index: np.ndarray, seed: int) -> np.ndarray:
    """The numbers (int64, seven digits) under which a council knows the persons `index`, below 9 000 000."""
    values = np.asarray(index, dtype=np.uint64)
    if len(values) and values.max() >= _COUNCIL_COUNT:
        raise ValueError("people: a council's numbers have seven digits, which is enough for two million people")
    with np.errstate(over="ignore"):
        values = _permute(values, seed, _COUNCIL_HALF)
        while (beyond := values >= _COUNCIL_COUNT).any():
            values[beyond] = _permute(values[beyond], seed, _COUNCIL_HALF)
    return values.astype(np.int64) + _COUNCIL_LOWEST


def record_numbers(block: int, count: int, series: int) -> np.ndarray:
    """Identifiers of records, unique over all blocks of one feed; `series` is the leading digit."""
    return np.int64(series) * 10**14 + np.int64(block) * RECORDS_PER_BLOCK + np.arange(count, dtype=np.int64)
