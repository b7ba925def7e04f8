"""Identifiers that are not what they seem: in use for somebody of another sex or age, for a crowd, or for one record.

Each is planted so that every record with it in its feed shows the fault. Rows are changed, but for a crowd's, which are
added. Not here: identifiers that mergers and bridges make ambiguous (`mergers`, `identifiers`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import columns, identity
from synthetic.casting import Cast, cases
from synthetic.chance import Rng, stream
from synthetic.domains import issued
from synthetic.identifiers import Names
from synthetic.layout import FEEDS, KIND, MENTAL_HEALTH_DOMAIN, PERIOD, PSEUDONYM_DOMAIN
from synthetic.periods import Study
from synthetic.truth import BIRTH_YEAR_CONFLICT, CLEAN, IMPOSSIBLE_VOLUME, ONE_TIME, SEX_CONFLICT
from synthetic.truth_identifier import identified

_SEX = {"op_attendance": "Sex", "community_contact": "Gender"}
_AGE = {"op_attendance": "Der_Age_at_CDS_Activity_Date", "community_contact": "AgeYr_Contact_Date"}
_CROWDED = ("gp_coded_event", "gp_appointment")
_OTHER_AGE, _OLD_ENOUGH = 25, 56  # years
_CROWD, _CROWD_MORE = 1_700, 200  # records of one identifier between April and December of one year
_APRIL_TO_DECEMBER = 9
_ONE_TIME_RATE = 12  # in 100,000 people
_CROWD_RATE = 1
_RECORDS_OF_CROWDS = 5 * 10**7  # their record numbers follow all others of the block


def with_conflicts(
    feed: str, frame: pl.DataFrame, names: Names, parts: Cast, study: Study
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """All rows of a few people in the feed are of somebody of another sex, or of 25 years older or younger."""
    if feed not in _SEX:
        return frame, []
    born, flipped = parts[f"birth {feed}"][:, 0], parts[f"sex {feed}"][:, 0]
    person, people = names.persons(FEEDS[feed], frame), names.people
    is_born, is_flipped = np.isin(person, born), np.isin(person, flipped)
    age = people.age(np.arange(len(people)), np.full(len(people), study.end))
    shift = np.where(age >= _OLD_ENOUGH, -_OTHER_AGE, _OTHER_AGE)[person]
    kind = np.select([is_born, is_flipped], [BIRTH_YEAR_CONFLICT, SEX_CONFLICT], frame[KIND].to_numpy())
    sex, years = _SEX[feed], _AGE[feed]
    changed = frame.with_columns(
        pl.when(pl.Series(is_flipped)).then(pl.col(sex).replace({"1": "2", "2": "1"})).otherwise(sex).alias(sex),
        pl.when(pl.Series(is_born)).then(pl.col(years) + pl.Series(shift)).otherwise(years).cast(pl.Int32).alias(years),
        pl.Series(KIND, kind.astype(np.int8)),
    )
    return changed, [
        identified(FEEDS[feed].domain, names.among(FEEDS[feed].domain, who), None, case, feed)
        for who, case in ((born, "birth_year_conflict"), (flipped, "sex_conflict"))
    ]


def with_one_time(frame: pl.DataFrame, names: Names, fault_rate: float) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """A few mental health contacts are anonymous: each has a token of its own."""
    seed, block = names.seed, names.people.block
    rng = stream(seed, "one time", block)
    clean = np.flatnonzero((frame[KIND] == CLEAN).to_numpy())
    wanted = min(cases(seed, "one time", names.people, _ONE_TIME_RATE * fault_rate), len(clean))
    chosen = pl.Series(np.sort(rng.choice(clean, wanted, replace=False)), dtype=pl.UInt32)
    tokens = issued(MENTAL_HEALTH_DOMAIN, _odd(block, wanted), seed)
    column = FEEDS["mh_contact"].pseudonym
    changed = frame.with_columns(
        frame[column].scatter(chosen, tokens), frame[KIND].scatter(chosen, ONE_TIME).alias(KIND)
    )
    return changed, [identified(MENTAL_HEALTH_DOMAIN, tokens, None, "one_time")]


def _odd(block: int, count: int) -> np.ndarray:
    """Numbers of persons who are none."""
    return identity.ODD + np.int64(block) * 10_000 + np.arange(count)


def with_crowds(
    feed: str, frame: pl.DataFrame, names: Names, parts: Cast, study: Study, fault_rate: float
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """An identifier has more records in a year than one person can have: a stranger's, and a registered person's."""
    if feed not in _CROWDED:
        return frame, []
    people, seed = names.people, names.seed
    rng = stream(seed, f"crowds {feed}", people.block)
    strangers = min(cases(seed, f"crowds {feed}", people, _CROWD_RATE * fault_rate), 1)
    index = _odd(people.block, len(_CROWDED))[_CROWDED.index(feed) :][:strangers]
    crowd = issued(PSEUDONYM_DOMAIN, index, seed)
    truth = [identified(PSEUDONYM_DOMAIN, crowd, None, "impossible_volume")]
    if feed == "gp_coded_event":
        registered = names.present.gather(parts["volume"][:, 0])
        truth.append(identified(PSEUDONYM_DOMAIN, registered, None, "impossible_volume", feed))
        crowd = crowd.append(registered)
    column = FEEDS[feed].pseudonym
    own = frame[column].is_in(crowd.implode())
    frame = frame.with_columns(frame[KIND].scatter(own.arg_true(), IMPOSSIBLE_VOLUME).alias(KIND))
    added = [_added(rng, feed, frame, study, one) for one in crowd]
    if not added:
        return frame, truth
    more = pl.concat(added)
    if "ID" in more.columns:
        number = identity.record_numbers(people.block, more.height, 4) + _RECORDS_OF_CROWDS
        more = more.with_columns(columns.text(number).alias("ID"))
    return pl.concat([frame, more]), truth


def _added(rng: Rng, feed: str, frame: pl.DataFrame, study: Study, pseudonym: str) -> pl.DataFrame:
    """Copies of rows of one year, all with the same pseudonym."""
    year = 12 * int(rng.integers(0, len(study.years)))
    early = np.flatnonzero(frame[PERIOD].is_between(year, year + _APRIL_TO_DECEMBER - 1).to_numpy())
    count = _CROWD + int(rng.integers(0, _CROWD_MORE)) if len(early) else 0
    copied = frame[np.sort(rng.choice(early, count))]
    if feed == "gp_coded_event":
        copied = copied.with_columns(pl.col("RECORD_DATE").alias("DATE"))
    return copied.with_columns(
        pl.lit(pseudonym).alias(FEEDS[feed].pseudonym), pl.lit(IMPOSSIBLE_VOLUME, dtype=pl.Int8).alias(KIND)
    )
