"""Seeded chance: every draw of the county comes from a stream named here.

One stream per purpose and block of people, so no draw depends on the order or the number of blocks that are worked on
at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import polars as pl

Rng = np.random.Generator


def stream(seed: int, purpose: str, *keys: int) -> Rng:
    """The generator for one purpose (and block, delivery ...) of the county with this seed."""
    spawn_key = (zlib.crc32(purpose.encode()), *keys)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=spawn_key)))


def pick(rng: Rng, weights: Sequence[float] | np.ndarray, size: int) -> np.ndarray:
    """Positions 0 … len(weights)-1, drawn in proportion to the weights."""
    cumulative = np.cumsum(np.asarray(weights, dtype=float))
    positions = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")
    return np.minimum(positions, len(cumulative) - 1)


def pick_by_row(rng: Rng, weights: np.ndarray) -> np.ndarray:
    """One position per row of a matrix of weights; a row of zeros gives position 0."""
    cumulative = np.cumsum(weights, axis=1)
    return np.minimum(
        (cumulative < (rng.random(len(weights)) * cumulative[:, -1])[:, None]).sum(axis=1), weights.shape[1] - 1
    )


def systematic(rng: Rng, chance: np.ndarray) -> np.ndarray:
    """Whether each row is chosen, column by column, with the given chances (below 1): systematic sampling.

    The number chosen differs by less than one from its expectation, so a few very dear people weigh alike in all seeds.
    """
    chosen: np.ndarray = (
        np.diff(np.floor(np.cumsum(chance, axis=0) + rng.random(chance.shape[1])), axis=0, prepend=0) > 0
    )
    return chosen


def events(rng: Rng, expected: np.ndarray, most: int) -> np.ndarray:
    """Row numbers, each repeated as often as an event falls on it: Poisson, at most `most` a row.

    The cap bounds the tail: a county of this size must not hang on a single person.
    """
    return np.repeat(np.arange(len(expected)), np.minimum(rng.poisson(expected), most))


def bounded_lognormal(rng: Rng, mean: np.ndarray | float, sigma: float, size: int, most: float) -> np.ndarray:
    """Lognormal draws around `mean`, cut at `most`."""
    return np.minimum(mean * np.exp(sigma * rng.standard_normal(size) - sigma * sigma / 2), most)


def label(values: Sequence[str], positions: np.ndarray, name: str = "") -> pl.Series:
    """A text column from a short list of values; position -1 gives null."""
    lookup = pl.Series(name, [*values, None], dtype=pl.String)
    return lookup.gather(np.where(positions < 0, len(values), positions).astype(np.uint32))
