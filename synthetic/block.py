"""One block of people and all their rows, each with the identifier that its delivery carries.

The feeds draw clean rows with present pseudonyms; then come the identifiers of their day and domain, and the faults of
identifiers. Not here: dummies, strangers, and rows that break a rule (`faults`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from synthetic import (
    admissions,
    ambulance,
    casting,
    community,
    continuing_care,
    emergency,
    hospital,
    mental_health,
    mergers,
    outpatients,
    practice,
    prescribing,
    register,
    social_care,
)
from synthetic.bridges import Bridges
from synthetic.domains import ROTATED_FEED
from synthetic.fault_identifiers import with_conflicts, with_crowds, with_one_time
from synthetic.identifiers import Names, with_council_numbers, with_old_key, with_superseded, with_tokens
from synthetic.layout import COMMUNITY_DOMAIN, FEEDS, KIND, MENTAL_HEALTH_DOMAIN, Feed
from synthetic.need import PersonYears, person_years
from synthetic.periods import Period, Study
from synthetic.truth import CLEAN

_COUNCIL_FEED = "social_care_event"


@dataclass(frozen=True)
class Block:
    """One block of people and their rows by stream, each row with the position of its period and its kind.

    Attributes:
        truth: whom the identifiers stand for.
        chains: pseudonyms that are two mergers old.
    """

    number: int
    frames: dict[str, pl.DataFrame]
    truth: pl.DataFrame
    chains: frozenset[str]


def periods_of(feed: Feed, study: Study) -> dict[int, Period]:
    """The periods of a feed's deliveries by position; the history of coded events has position -1."""
    periods = dict(enumerate(study.months if feed.rhythm == "month" else study.quarters))
    return {practice.HISTORY: study.history, **periods} if feed.name == "gp_coded_event" else periods


def block_of_county(study: Study, seed: int, block: int, size: int, fault_rate: float) -> Block:
    """Draw one block of the county; with a `fault_rate` of 0, without faults of identifiers."""
    py = person_years(study, seed, block, size)
    people, names = py.people, Names.of(py.people, seed)
    drawn = {name: _of_kind(frame, CLEAN) for name, frame in _care(py, study, seed).items()}
    users = names.users(drawn, casting.FEEDS_OF_PARTS)
    parts = casting.cast(people, users, study, seed, fault_rate=fault_rate)
    merged = mergers.mergers(people, parts, study, seed)
    bridges, truth = Bridges(study), [merged.truth]
    frames = {}
    for name, drawn_frame in drawn.items():
        feed, frame = FEEDS[name], drawn_frame
        if fault_rate:
            frame, odd = with_conflicts(name, frame, names, parts, study)
            truth += odd
            frame, odd = with_crowds(name, frame, names, parts, study, fault_rate)
            truth += odd
        if name == _COUNCIL_FEED:
            frame = with_council_numbers(frame, names, bridges)
        if feed.domain not in (COMMUNITY_DOMAIN, MENTAL_HEALTH_DOMAIN):
            frame = with_superseded(feed, frame, people, merged, periods_of(feed, study))
        if name == ROTATED_FEED:
            frame = with_old_key(frame, names, merged, bridges)
        frames[name] = frame
    for domain in (COMMUNITY_DOMAIN, MENTAL_HEALTH_DOMAIN):
        ours = {name: frame for name, frame in frames.items() if FEEDS[name].domain == domain}
        frames |= with_tokens(domain, ours, names, merged, parts, bridges)
    if fault_rate:
        frames["mh_contact"], odd = with_one_time(frames["mh_contact"], names, fault_rate)
        truth += odd
    lists = {
        "patient_register": register.patient_register(people, study),
        "person_merger": mergers.person_merger(merged, study),
        **bridges.frames(),
    }
    return Block(
        block,
        {**{name: _of_kind(frame, CLEAN) for name, frame in lists.items()}, **frames},
        pl.concat([*truth, bridges.truth]),
        frozenset(str(number) for number in merged.oldest if number),
    )


def _of_kind(frame: pl.DataFrame, kind: int) -> pl.DataFrame:
    return frame.with_columns(pl.lit(kind, dtype=pl.Int8).alias(KIND))


def _care(py: PersonYears, study: Study, seed: int) -> dict[str, pl.DataFrame]:
    """The clean rows of every feed of care, with present pseudonyms."""
    spells = admissions.admissions(py, study, seed)
    seen = mental_health.contacts(py, study, seed)
    attendances, incidents = ambulance.with_incidents(emergency.ec_attendance(py, spells, study, seed), py, study, seed)
    return {
        "apc_spell": hospital.apc_spell(py, spells, study, seed),
        "op_attendance": outpatients.op_attendance(py, study, seed),
        "ec_attendance": attendances,
        "gp_appointment": practice.gp_appointment(py, study, seed),
        "gp_coded_event": practice.gp_coded_event(py, study, seed),
        "gp_prescription": prescribing.gp_prescription(py, study, seed),
        "community_contact": community.community_contact(py, study, seed),
        "mh_contact": mental_health.mh_contact(py, seen, study, seed),
        "mh_ward_stay": mental_health.mh_ward_stay(py, study, seed),
        "mh_diagnosis": mental_health.mh_diagnosis(py, seen, study, seed),
        "social_care_event": social_care.social_care_event(py, study, seed),
        "continuing_care_package": continuing_care.continuing_care_package(py, study, seed),
        "ambulance_incident": incidents,
    }
