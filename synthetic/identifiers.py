"""The identifiers that rows carry: the pseudonym of their day, in the domain of their delivery.

The feeds are drawn with the present pseudonyms of people. Here they become the older ones of rows from before a merger,
tokens of the national data sets, the council's own numbers, and pseudonyms under the old key; and every identifier
of another domain that is used gets its bridge. Where faults are planted, some identifiers are in use for two people.
Not here: identifiers of people who are not what they seem (`fault_identifiers`), dummies and strangers
(`fault_persons`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import columns
from synthetic.bridges import Bridges
from synthetic.casting import Cast
from synthetic.chance import stream
from synthetic.domains import COUNCIL_DOMAIN, OLD_DOMAIN, ROTATED_FEED, issued, rotation
from synthetic.identity import SUPERSEDED
from synthetic.layout import COMMUNITY_DOMAIN, FEEDS, KIND, MENTAL_HEALTH_DOMAIN, PERIOD, Feed
from synthetic.mergers import CHAIN_GAP_DAYS, Mergers
from synthetic.periods import Period, Study
from synthetic.population import People
from synthetic.truth import AMBIGUOUS, MERGED

UNTRACED_SHARE = 0.15
COUNCIL_PERSON = "LA Person Unique Identifier"
_PERSON = "__person"


@dataclass(frozen=True)
class Names:
    """The people of a block under all their names; each series has one entry per person."""

    people: People
    seed: int
    present: pl.Series
    positions: pl.DataFrame

    @staticmethod
    def of(people: People, seed: int) -> Names:
        """The names of a block."""
        present = columns.text(people.pseudonym)
        positions = pl.DataFrame({_PERSON: np.arange(len(people)), "present": present})
        return Names(people, seed, present, positions)

    def among(self, domain: str, person: np.ndarray) -> pl.Series:
        """The identifiers of some people in a domain."""
        return issued(domain, self.people.index[person], self.seed)

    def persons(self, feed: Feed, frame: pl.DataFrame) -> np.ndarray:
        """The position of the person of each row, which carries the present pseudonym."""
        joined = frame.select(pl.col(feed.pseudonym).alias("present")).join(
            self.positions, on="present", how="left", maintain_order="left"
        )
        return joined[_PERSON].to_numpy()

    def users(self, frames: Mapping[str, pl.DataFrame], feeds: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Who has at least two rows in a feed."""
        return {
            feed: np.bincount(self.persons(FEEDS[feed], frames[feed]), minlength=len(self.people)) > 1 for feed in feeds
        }


def _kind(frame: pl.DataFrame, code: int, where: pl.Series) -> pl.Series:
    """The kinds of rows, with another one where it holds."""
    return frame[KIND].scatter(where.arg_true(), code)


def with_superseded(
    feed: Feed, frame: pl.DataFrame, people: People, merged: Mergers, periods: Mapping[int, Period]
) -> pl.DataFrame:
    """Deliveries for periods that ended before a merger carry the pseudonym of their day."""
    ends = pl.DataFrame(
        {PERIOD: list(periods), "ends": [p.end for p in periods.values()]},
        schema={PERIOD: pl.Int16, "ends": pl.Int32},
    )
    old = pl.DataFrame(
        {
            feed.pseudonym: columns.text(people.pseudonym[merged.person]),
            "older": columns.text(merged.older),
            "oldest": columns.text(merged.oldest),
            "merged_on": merged.merged_on.astype(np.int32),
            "then": np.where(merged.is_fork, AMBIGUOUS, MERGED).astype(np.int8),
        }
    )
    chain = (pl.col("oldest") != "0") & (pl.col("ends") < pl.col("merged_on") - CHAIN_GAP_DAYS)
    before = (pl.col("ends") < pl.col("merged_on")).fill_null(False)
    then = pl.when(chain.fill_null(False)).then(pl.col("oldest")).when(before).then(pl.col("older"))
    joined = frame.join(old, on=feed.pseudonym, how="left", maintain_order="left").join(
        ends, on=PERIOD, how="left", maintain_order="left"
    )
    return joined.with_columns(
        then.otherwise(pl.col(feed.pseudonym)).alias(feed.pseudonym),
        pl.when(before).then("then").otherwise(pl.col(KIND)).alias(KIND),
    ).select(frame.columns)


def with_old_key(frame: pl.DataFrame, names: Names, merged: Mergers, bridges: Bridges) -> pl.DataFrame:
    """The feed whose key changes half-way: pseudonyms of the register's domain become those under the old key."""
    feed, study, people = FEEDS[ROTATED_FEED], bridges.study, names.people
    index = np.concatenate(
        [people.index, SUPERSEDED + 2 * people.index[merged.person], SUPERSEDED + 2 * people.index[merged.person] + 1]
    )
    older = columns.text(merged.older)
    known = pl.DataFrame(
        {
            feed.pseudonym: pl.concat([names.present, older, columns.text(merged.oldest)]),
            "old": issued(OLD_DOMAIN, index, names.seed),
            "person": pl.concat([names.present, *[names.present.gather(merged.person)] * 2]),
            "is_older": np.arange(len(index)) >= len(people),
            "is_fork": np.concatenate(
                [np.zeros(len(people), bool), merged.is_fork, np.zeros(len(merged.person), bool)]
            ),
        }
    ).filter(pl.col(feed.pseudonym) != "0")
    early = pl.col(PERIOD) < rotation(study)
    used = (
        frame.filter(early)
        .group_by(feed.pseudonym, maintain_order=True)
        .agg(pl.col(PERIOD).min())
        .join(known, on=feed.pseudonym, maintain_order="left")
    )
    bridges.add(OLD_DOMAIN, used["old"], used[feed.pseudonym], _starts(study, used[PERIOD].to_numpy()))
    forks, good = used.filter("is_fork"), used.filter(~pl.col("is_fork"))
    cases = good.select(pl.when("is_older").then(pl.lit("bridged_and_merged")).otherwise(pl.lit("rekeyed"))).to_series()
    bridges.stands_for(OLD_DOMAIN, good["old"], good["person"], cases)
    bridges.stands_for(OLD_DOMAIN, forks["old"], None, "fork")
    return (
        frame.join(known, on=feed.pseudonym, how="left", maintain_order="left")
        .with_columns(
            pl.when(early).then("old").otherwise(pl.col(feed.pseudonym)).alias(feed.pseudonym),
            # A merger of pseudonyms is one of the register's domain.
            pl.when(early & (pl.col(KIND) == MERGED)).then(pl.lit(0, dtype=pl.Int8)).otherwise(KIND).alias(KIND),
        )
        .select(frame.columns)
    )


def _starts(study: Study, month: np.ndarray) -> np.ndarray:
    """First days of months."""
    return np.array([period.start for period in study.months], np.int32)[month]


def with_tokens(
    domain: str,
    frames: Mapping[str, pl.DataFrame],
    names: Names,
    merged: Mergers,
    parts: Cast,
    bridges: Bridges,
) -> dict[str, pl.DataFrame]:
    """The feeds of a national data set: pseudonyms become its tokens, which are bridged."""
    study, everyone = bridges.study, np.arange(len(names.people))
    person = {feed: names.persons(FEEDS[feed], frame) for feed, frame in frames.items()}
    first = np.full(len(everyone), len(study.months))
    for feed, frame in frames.items():
        np.minimum.at(first, person[feed], frame[PERIOD].to_numpy())
    is_community = domain == COMMUNITY_DOMAIN
    corrected, reused = (parts[part] if is_community else parts[part][:0] for part in ("corrected", "reused"))
    fork = parts["bridge_fork"] if domain == MENTAL_HEALTH_DOMAIN else parts["bridge_fork"][:0]
    tokens = names.among(domain, everyone)
    half = study.quarters[len(study.quarters) // 2]

    found = {}
    for feed, frame in frames.items():
        who = person[feed]
        later = (frame[PERIOD] >= study.month_of(np.array([half.start]))[0]).to_numpy()
        # From the middle of the study on, the second of two people goes by the token of the first.
        token = np.where(later, _replaced(everyone, reused[:, 1], reused[:, 0])[who], who)
        ambiguous = np.isin(token, np.concatenate([reused[:, 0], fork[:, 0]]))
        found[feed] = frame.with_columns(
            tokens.gather(token).alias(FEEDS[feed].pseudonym), _kind(frame, AMBIGUOUS, pl.Series(ambiguous)).alias(KIND)
        )
    used = np.flatnonzero(first < len(study.months))
    used = used[~np.isin(used, reused[:, 0])]
    start = np.zeros(len(everyone), np.int32)
    start[used] = _starts(study, first[used])
    target, case = _targets(names, merged, parts["bridged"][:, 0], used)
    is_corrected, is_fork = np.isin(used, corrected[:, 0]), np.isin(used, fork[:, 0])
    # A correction is listed a quarter after the mistake, if the study is not over by then.
    shown = np.where(is_corrected, np.minimum(start[used] + 91, study.end), start[used])
    bridges.add(domain, tokens.gather(used), target, start[used], shown=shown)
    good = ~is_fork
    bridges.stands_for(
        domain, tokens.gather(used[good]), names.present.gather(used[good]), case.filter(pl.Series(good))
    )
    bridges.corrected(
        domain, tokens.gather(corrected[:, 0]), names.present.gather(corrected[:, 1]), start[corrected[:, 0]]
    )
    bridges.add(domain, tokens.gather(fork[:, 0]), names.present.gather(fork[:, 1]), start[fork[:, 0]])
    bridges.stands_for(domain, tokens.gather(fork[:, 0]), None, "fork")
    bridges.reused(
        domain,
        tokens.gather(reused[:, 0]),
        names.present.gather(reused[:, 0]),
        names.present.gather(reused[:, 1]),
        half.start,
    )
    bridges.stands_for(domain, tokens.gather(reused[:, 0]), None, "reused")
    return found


def _replaced(values: np.ndarray, some: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Values with those at some places replaced."""
    found = values.copy()
    found[some] = by
    return found


def _targets(names: Names, merged: Mergers, always: np.ndarray, person: np.ndarray) -> tuple[pl.Series, pl.Series]:
    """The pseudonym for which each person's token stands, and why.

    Of the merged, every other one is out of date, and those of some people `always`.
    """
    older = np.where(merged.oldest > 0, merged.oldest, merged.older)
    stale = ~merged.is_fork & ((np.arange(len(merged.person)) % 2 == 0) | np.isin(merged.person, always))
    numbers = _replaced(names.people.pseudonym, merged.person[stale], older[stale])
    is_stale = np.isin(person, merged.person[stale])
    case = np.where(is_stale, "bridged_and_merged", "bridged").astype(object)
    return columns.text(numbers[person]), pl.Series(case, dtype=pl.String)


def with_council_numbers(frame: pl.DataFrame, names: Names, bridges: Bridges) -> pl.DataFrame:
    """Social care: everybody has a number of the council, and some have no pseudonym beside it."""
    feed, people = FEEDS["social_care_event"], names.people
    person = names.persons(feed, frame)
    untraced = stream(names.seed, "untraced", people.block).random(len(people)) < UNTRACED_SHARE
    clients, first_row = np.unique(person, return_index=True)
    if not people.block and len(clients):
        untraced[person[first_row.min()]] = True
    first = np.full(len(people), len(bridges.study.quarters))
    np.minimum.at(first, person, frame[PERIOD].to_numpy())
    starts = np.array([quarter.start for quarter in bridges.study.quarters], np.int32)
    numbers = names.among(COUNCIL_DOMAIN, clients)
    bridges.add(COUNCIL_DOMAIN, numbers, names.present.gather(clients), starts[first[clients]])
    bridges.stands_for(COUNCIL_DOMAIN, numbers, names.present.gather(clients), "bridged")
    place = np.searchsorted(clients, person)
    return frame.with_columns(
        pl.when(~pl.Series(untraced[person])).then(pl.col(feed.pseudonym)).alias(feed.pseudonym),
        numbers.gather(place).alias(COUNCIL_PERSON),
    )
