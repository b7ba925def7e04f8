"""The ICD-10 diagnoses of a spell, concatenated as SUS sends them: `||I10X,E119||J449`.

The first code is the reason for admission; the person's conditions follow, as far as they are recorded. `||` parts
episodes.
"""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import codebook
from synthetic.chance import Rng, label
from synthetic.need import PersonYears

_RECORDED = 0.8
_MOST_SECONDARY = 9
_REHABILITATION_CODE = "Z509"


def diagnosis_text(
    rng: Rng, py: PersonYears, *, person: np.ndarray, reason: np.ndarray, day: np.ndarray, stay: np.ndarray
) -> pl.Series:
    """Diagnoses of each spell; only conditions that had begun by its last day."""
    present = (py.onset[person] <= day[:, None]) & (rng.random((len(person), py.onset.shape[1])) < _RECORDED)
    order = np.argsort(np.where(present, rng.random(present.shape), 2.0), axis=1)[:, :_MOST_SECONDARY]
    chosen = np.take_along_axis(present, order, axis=1)
    codes = codebook.code_set("icd10")
    place = codes.first[order] + np.floor(rng.random(order.shape) * codes.count[order]).astype(int)
    place = np.where(chosen, place, -1)
    primaries = (*codebook.column("admission_reason", "primary_icd10"), _REHABILITATION_CODE)
    primary = label(primaries, np.where(reason < 0, len(primaries) - 1, reason), "primary")
    parts = pl.DataFrame([primary, *(label(codes.codes, place[:, i], f"d{i}") for i in range(place.shape[1]))])

    half = _MOST_SECONDARY // 2
    two_episodes = (stay >= 3) & (rng.random(len(stay)) < 0.2) & (place[:, half] >= 0)
    names = parts.columns
    whole = pl.concat_str(names, separator=",", ignore_nulls=True)
    split = (
        pl.concat_str(names[: half + 1], separator=",", ignore_nulls=True)
        + "||"
        + pl.concat_str(names[half + 1 :], separator=",", ignore_nulls=True)
    )
    text = pl.lit("||") + pl.when(pl.Series(two_episodes)).then(split).otherwise(whole)
    return parts.select(text.alias("diagnoses"))["diagnoses"]
