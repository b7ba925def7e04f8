"""Whom an identifier stands for, read from the delivered lists alone, in plain Python, one identifier at a time.

It shares nothing with the generator, nor with the pipeline. An identifier is a pair of domain and pseudonym.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from tests.synthetic.landing import Landing

REGISTER = "south_somerset"
Identifier = tuple[str, str]
DUMMIES = {"1", "-1", "0", "INVALID", "UNKNOWN", "NULL", *(str(digit) * 10 for digit in range(10))}
CONFLICT_YEARS = 10
MOST_RECORDS = 1_500
SENT_EACH_MONTH = {"mh_ward_stay": "ward_stay_id", "continuing_care_package": "package_id"}


def current(landing: Landing, feed: str) -> pl.DataFrame:
    """Accepted rows that no later delivery replaces: the latest of a period, stay, package or snapshot."""
    rows = landing.rows[feed].filter(pl.col("rule").is_null())
    if feed in SENT_EACH_MONTH:
        return rows.sort("period_end", "received_at", "n").group_by(SENT_EACH_MONTH[feed], maintain_order=True).last()
    if feed in ("patient_register", "person_merger", "person_bridge"):
        return rows.filter(pl.col("period_end") == pl.col("period_end").max())
    return rows.filter(pl.col("received_at") == pl.col("received_at").max().over("period_end"))


def identifiers(landing: Landing, feed: str) -> list[Identifier | None]:
    """The identifier of each current row; a council's own number counts where there is no pseudonym."""
    rows = current(landing, feed)
    found = []
    for row in rows.iter_rows(named=True):
        pseudonym = row["pseudonym"]
        if feed == "social_care_event" and pseudonym in (None, "NULL"):
            found.append((f"council_{row['council_code']}", row["council_person_id"]))
        else:
            found.append(None if pseudonym is None else (row["pseudonym_domain"], pseudonym))
    return found


@dataclass
class PlainIndex:
    """The lists of one county, and what follows from them."""

    landing: Landing

    @cached_property
    def people(self) -> dict[str, tuple[int, str]]:
        """Year of birth and sex by pseudonym of the register."""
        rows = current(self.landing, "patient_register")
        return {r["pseudonym"]: (int(r["birth_month"][:4]), r["sex_code"]) for r in rows.iter_rows(named=True)}

    @cached_property
    def steps(self) -> dict[Identifier, set[Identifier] | None]:
        """Where each identifier leads in one step; None where it leads to more than one person in turn."""
        steps: dict[Identifier, set[Identifier] | None] = {}
        events = defaultdict(list)
        for row in current(self.landing, "person_merger").iter_rows(named=True):
            events[row["superseded_pseudonym"]].append(
                (row["merged_on"], row["event_code"] or "merged", row["pseudonym"])
            )
        for superseded, told in events.items():
            split = max((day for day, event, _ in told if event == "split"), default="")
            live = {}
            for pseudonym in {one for _, _, one in told}:
                merged = max((day for day, event, one in told if one == pseudonym and event == "merged"), default="")
                undone = max((day for day, event, one in told if one == pseudonym and event == "reversed"), default="")
                if merged > undone and merged > split:
                    live[pseudonym] = merged
            if live:
                steps[REGISTER, superseded] = {(REGISTER, p) for p, day in live.items() if day == max(live.values())}
        pairs = defaultdict(list)
        for row in current(self.landing, "person_bridge").iter_rows(named=True):
            bridged = row["bridged_domain"], row["bridged_pseudonym"]
            pairs[bridged].append((row["bridged_from"], row["bridged_to"], row["pseudonym"]))
        for bridged, told in pairs.items():
            last = max(day for day, _, _ in told)
            latest = {(REGISTER, pseudonym) for day, _, pseudonym in told if day == last}
            others = {(REGISTER, pseudonym) for day, to, pseudonym in told if to}
            steps[bridged] = None if others - latest else latest
        return steps

    def ends(self, identifier: Identifier, seen: tuple[Identifier, ...] = ()) -> set[Identifier] | None:
        """The identifiers at the end of its steps; itself if they run in a circle."""
        if identifier in seen:
            return {identifier}
        if self._runs_back_to(identifier):
            return {identifier}
        nexts = self.steps.get(identifier, {identifier})
        if nexts is None:
            return None
        found: set[Identifier] = set()
        for one in nexts:
            ends = {one} if one == identifier else self.ends(one, (*seen, identifier))
            if ends is None:
                return None
            found |= ends
        return found

    def _runs_back_to(self, identifier: Identifier) -> bool:
        reached, ahead = set(), [identifier]
        while ahead:
            for one in self.steps.get(ahead.pop()) or ():
                if one == identifier:
                    return True
                if one not in reached:
                    reached.add(one)
                    ahead.append(one)
        return False

    def whom(self, identifier: Identifier | None) -> tuple[str, str | None]:
        """`linked` and the person's pseudonym of the register, or why not."""
        if identifier is None or identifier[1] in DUMMIES:
            return "dummy", None
        ends = self.ends(identifier)
        if ends is None or len(ends) > 1:
            return "ambiguous", None
        ((domain, pseudonym),) = ends
        if domain == REGISTER and pseudonym in self.people:
            return "linked", pseudonym
        return "not_registered", None

    def statuses(self, feed: str, everywhere: Counter[Identifier | None]) -> list[str]:
        """Why each current row of a feed is linked or not; `everywhere` counts the current rows of all feeds."""
        rows = current(self.landing, feed)
        names = identifiers(self.landing, feed)
        day = next((c for c in rows.columns if c in _DAYS), "period_end")
        volume = Counter(
            (name, _financial_year(row[day])) for name, row in zip(names, rows.iter_rows(named=True), strict=True)
        )
        crowds = {name for (name, _), count in volume.items() if count > MOST_RECORDS}
        years, sexes = defaultdict(set), defaultdict(set)
        for name, row in zip(names, rows.iter_rows(named=True), strict=True):
            if row.get("age_years") is not None:
                years[name].add(int(row[day][:4]) - int(row["age_years"]))
            sex = row.get("sex_code") or row.get("gender_code")
            if sex in ("1", "2"):
                sexes[name].add(sex)
        status = {}
        for name in set(names):
            found, person = self.whom(name)
            if found == "dummy":
                status[name] = found
            elif name in crowds:
                status[name] = "impossible_volume"
            elif person is not None:
                birth, sex = self.people[person]
                if years[name] and min(abs(year - birth) for year in years[name]) >= CONFLICT_YEARS:
                    found = "birth_year_conflict"
                elif sexes[name] and sex not in sexes[name]:
                    found = "sex_conflict"
                status[name] = found
            else:
                is_once = found == "not_registered" and everywhere[name] == 1
                status[name] = "one_time" if is_once else found
        return [status[name] for name in names]


_DAYS = (
    *("discharge_date", "appointment_date", "arrival_date", "record_date", "contact_date", "diagnosis_date"),
    *("processing_month", "call_date"),
)


def _financial_year(day: str) -> int:
    return int(day[:4]) - (day[5:7] < "04")
