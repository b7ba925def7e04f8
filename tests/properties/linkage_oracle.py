"""Whom an identifier stands for, reckoned link by link in plain Python.

Belongs here: mergers, bridges, exclusions and withdrawals as docs/adr/0017 states them.
Does not belong here: anything imported from the steps that it is held against.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.properties.oracle import Feeds, Identifier, Row, Rows, identifier_of


def merger_of(events: Rows) -> set[str]:
    """Into which pseudonyms a superseded one is merged in the end: none, one, or several of one day."""
    by_pair: dict[str, list[tuple[date, str]]] = defaultdict(list)
    splits = [row["merged_on"] for row in events if row["event_code"] == "split"]
    for row in events:
        by_pair[row["pseudonym"]].append((row["merged_on"], row["event_code"] or "merged"))
    live: dict[str, date] = {}
    for survivor, history in by_pair.items():
        last = max(day for day, _ in history)
        if all(code == "merged" for day, code in history if day == last) and not any(day >= last for day in splits):
            live[survivor] = last
    return {survivor for survivor, day in live.items() if day == max(live.values())}


def bridges_of(rows: Rows) -> set[Identifier]:
    """What a foreign identifier stands for by the latest day; several when it was given to somebody else."""
    rows = [row for row in rows if (row["bridged_domain"], row["bridged_pseudonym"]) != _goal(row)]
    latest = max((row["bridged_from"] for row in rows), default=None)
    ends = {_goal(row) for row in rows if row["bridged_from"] == latest}
    return ends | {_goal(row) for row in rows if row["bridged_to"] is not None}


def _goal(row: Row) -> Identifier:
    return row["pseudonym_domain"], row["pseudonym"]


def links(feeds: Feeds, dummies: Collection[str]) -> dict[Identifier, set[Identifier]]:
    """The next identifiers to which each leads."""
    mergers: dict[Identifier, Rows] = defaultdict(list)
    bridges: dict[Identifier, Rows] = defaultdict(list)
    for row in feeds["person_merger"]:
        if dummies.isdisjoint((row["superseded_pseudonym"], row["pseudonym"])):
            mergers[row["pseudonym_domain"], row["superseded_pseudonym"]].append(row)
    for row in feeds["person_bridge"]:
        if dummies.isdisjoint((row["bridged_pseudonym"], row["pseudonym"])):
            bridges[row["bridged_domain"], row["bridged_pseudonym"]].append(row)
    found = {one: {(one[0], survivor) for survivor in merger_of(events)} for one, events in mergers.items()}
    for one, rows in bridges.items():
        found[one] = found.get(one, set()) | bridges_of(rows)
    return {one: ends for one, ends in found.items() if ends}


def ends_of(start: Identifier, onward: Mapping[Identifier, set[Identifier]]) -> set[Identifier]:
    """Where all ways from an identifier end; the links of whatever stands in a circle are void."""
    if start not in onward or _reaches(start, start, onward):
        return {start}
    return {end for following in onward[start] for end in ends_of(following, onward)}


def _reaches(goal: Identifier, start: Identifier, onward: Mapping[Identifier, set[Identifier]]) -> bool:
    waiting, seen = set(onward.get(start, ())), set[Identifier]()
    while waiting:
        one = waiting.pop()
        if one == goal:
            return True
        seen.add(one)
        waiting |= set(onward.get(one, ())) - seen
    return False


def people(feeds: Feeds, dummies: Collection[str]) -> tuple[dict[Identifier, Identifier], set[Identifier]]:
    """The identifier in which each one's person ends, for those who have a person; and those that are ambiguous."""
    onward = links(feeds, dummies)
    registered = {
        (row["pseudonym_domain"], row["pseudonym"])
        for row in feeds["patient_register"]
        if row["pseudonym"] not in dummies
    }
    ends = {
        one: ends_of(one, onward) for one in {*registered, *onward, *(end for way in onward.values() for end in way)}
    }
    ambiguous = {one for one, found in ends.items() if len(found) > 1}
    alive = {next(iter(ends[one])) for one in registered - ambiguous}
    return {one: next(iter(found)) for one, found in ends.items() if found <= alive and one not in ambiguous}, ambiguous


@dataclass
class Use:
    """What a feed says of an identifier in a year."""

    records: int = 0
    sexes: set[str] = field(default_factory=set)
    births: set[int] = field(default_factory=set)


DATE_OF = {
    "apc_spell": "discharge_date",
    "op_attendance": "appointment_date",
    "ec_attendance": "arrival_date",
    "gp_appointment": "appointment_date",
    "gp_coded_event": "record_date",
    "gp_prescription": "processing_month",
    "community_contact": "contact_date",
    "mh_contact": "contact_date",
    "mh_ward_stay": "end_date",
    "mh_diagnosis": "diagnosis_date",
    "social_care_event": "end_date",
    "continuing_care_package": "end_date",
    "ambulance_incident": "call_date",
}


def uses(feeds: Feeds, start: date, end: date) -> dict[tuple[str, Identifier], Use]:
    """By feed and identifier."""
    found: dict[tuple[str, Identifier], Use] = defaultdict(Use)
    for feed, column in DATE_OF.items():
        for row in feeds[feed]:
            day = row[column] or row["period_end"]
            if feed in ("social_care_event", "continuing_care_package"):
                day = min(day, row["period_end"])
            identifier = identifier_of(row)
            if identifier is None or not start <= day <= end:
                continue
            use = found[feed, identifier]
            use.records += 1
            use.sexes |= {_sex(row)} & {"1", "2"}
            use.births |= _births(row, day)
    return dict(found)


def _sex(row: Row) -> str | None:
    if "gender" in row:
        return {"Male": "1", "Female": "2"}.get(row["gender"])
    return row.get("sex_code") or row.get("gender_code")


def _births(row: Row, day: date) -> set[int]:
    if row.get("birth_month"):
        return {int(row["birth_month"][:4])}
    told = row["period_start"] if "council_code" in row else day
    return set() if row.get("age_years") is None else {told.year - row["age_years"]}


@dataclass(frozen=True)
class Limits:
    """Records in a year of one feed, years apart, records over all feeds."""

    volume: int
    years_apart: int
    one_time: int = 1


def exclusions(
    feeds: Feeds, dummies: Collection[str], limits: Limits, start: date, end: date
) -> dict[tuple[str, Identifier], str]:
    """Why the records of an identifier in a feed are nobody's."""
    index, ambiguous = people(feeds, dummies)
    used = {at: use for at, use in uses(feeds, start, end).items() if at[1][1] not in dummies}
    everywhere = Counter[Identifier]()
    for (_, identifier), use in used.items():
        everywhere[identifier] += use.records
    sexes, births = defaultdict(set), defaultdict(set)
    for row in feeds["patient_register"]:
        if person := index.get((row["pseudonym_domain"], row["pseudonym"])):
            sexes[person] |= {row["sex_code"]} & {"1", "2"}
            births[person].add(int(row["birth_month"][:4]))
    found = {}
    for (feed, identifier), use in used.items():
        person = index.get(identifier)
        if use.records > limits.volume:
            found[feed, identifier] = "impossible_volume"
        elif identifier in ambiguous:
            found[feed, identifier] = "ambiguous"
        elif person and use.births and years_apart(use.births, births[person]) > limits.years_apart:
            found[feed, identifier] = "birth_year_conflict"
        elif person and len(use.sexes) == len(sexes[person]) == 1 and use.sexes != sexes[person]:
            found[feed, identifier] = "sex_conflict"
        elif person is None and everywhere[identifier] <= limits.one_time:
            found[feed, identifier] = "one_time"
    return found


def years_apart(told: Collection[int], registered: Collection[int]) -> int:
    """How far the register lies from every year of birth that ages allow, a year either way."""
    return max(min(told) - 1 - max(registered), min(registered) - max(told) - 1)
