"""The county in one run: blocks of people are drawn, and each block's rows go to the deliveries of their periods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from synthetic import (
    admissions,
    community,
    emergency,
    hospital,
    mental_health,
    outpatients,
    practice,
    prescribing,
    register,
    social_care,
)
from synthetic.delivery import Delivery
from synthetic.fault_cells import as_text
from synthetic.fault_deliveries import Plan, refuse, repeat
from synthetic.faults import Planter
from synthetic.layout import FEEDS, PERIOD, Feed
from synthetic.need import person_years
from synthetic.periods import Period, Study
from synthetic.population import People, block_sizes
from synthetic.truth import Truth
from synthetic.truth_rows import TRUTH_VERSION, TruthRows

Faults = Literal["none", "default", "all"]


MOST_FAULTS = 10.0


@dataclass(frozen=True)
class Synthesis:
    """What a run wrote: number of deliveries, rows by feed, and the file that says what was planted."""

    deliveries: int
    rows: dict[str, int]
    truth: Path


@dataclass(frozen=True)
class Block:
    """One block of people and their clean rows by feed, each row with the position of its period."""

    people: People
    merged: register.Mergers
    frames: dict[str, pl.DataFrame]


def block_of_county(study: Study, seed: int, block: int, size: int) -> Block:
    """Draw one block of the county."""
    py = person_years(study, seed, block, size)
    spells = admissions.admissions(py, study, seed)
    seen = mental_health.contacts(py, study, seed)
    merged = register.mergers(py.people, study, seed)
    return Block(
        py.people,
        merged,
        {
            "patient_register": register.patient_register(py.people, study),
            "person_merger": register.person_merger(py.people, merged, study),
            "apc_spell": hospital.apc_spell(py, spells, study, seed),
            "op_attendance": outpatients.op_attendance(py, study, seed),
            "ec_attendance": emergency.ec_attendance(py, spells, study, seed),
            "gp_appointment": practice.gp_appointment(py, study, seed),
            "gp_coded_event": practice.gp_coded_event(py, study, seed),
            "gp_prescription": prescribing.gp_prescription(py, study, seed),
            "community_contact": community.community_contact(py, study, seed),
            "mh_contact": mental_health.mh_contact(py, seen, study, seed),
            "mh_ward_stay": mental_health.mh_ward_stay(py, study, seed),
            "mh_diagnosis": mental_health.mh_diagnosis(py, seen, study, seed),
            "social_care_event": social_care.social_care_event(py, study, seed),
        },
    )


def periods_of(feed: Feed, study: Study) -> dict[int, Period]:
    """The periods of a feed's deliveries by position; the history of coded events has position -1."""
    periods = dict(enumerate(study.months if feed.rhythm == "month" else study.quarters))
    return {practice.HISTORY: study.history, **periods} if feed.name == "gp_coded_event" else periods


def _blocks(study: Study, seed: int, people: int, workers: int) -> Iterator[Block]:
    """Blocks in their order, drawn by `workers` threads and never more than a few ahead of the writer."""
    sizes = block_sizes(people)
    with ThreadPoolExecutor(workers) as pool:
        ahead = [pool.submit(block_of_county, study, seed, b, sizes[b]) for b in range(min(workers, len(sizes)))]
        for block in range(len(sizes)):
            drawn = ahead.pop(0).result()
            if block + workers < len(sizes):
                ahead.append(pool.submit(block_of_county, study, seed, block + workers, sizes[block + workers]))
            yield drawn


def synthesise(
    people: int,
    years: Sequence[str],
    seed: int,
    faults: Faults,
    to: Path,
    *,
    fault_rate: float = 1.0,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Synthesis:
    """Write the county: `people` registered on the last day of the last year, one folder per delivery under `to`.

    The same people, years, seed, faults and rate give the same bytes, whatever `workers` is. `fault_rate` multiplies
    the share of rows that are planted. `progress` receives the number of blocks done and of all blocks.
    """
    study, to = Study.of(years), Path(to)
    if people < 1:
        raise ValueError("people: at least one person is needed")
    if faults not in get_args(Faults):
        raise ValueError(f"faults: {faults!r} is none of {', '.join(get_args(Faults))}")
    if not 0 < fault_rate <= MOST_FAULTS:
        raise ValueError(f"fault_rate: above 0 and at most {MOST_FAULTS}")
    periods = {name: periods_of(feed, study) for name, feed in FEEDS.items()}
    plan = Plan.of(faults, periods)
    about: dict[str, object] = {
        "truth_version": TRUTH_VERSION,
        "faults": faults,
        "fault_rate": fault_rate,
        "seed": seed,
    }
    truth = Truth({**about, "people": people, "years": list(study.years)})
    deliveries = _open(periods, plan, to)
    planter = Planter(faults, fault_rate, seed, plan, truth)
    blocks = len(block_sizes(people))
    with TruthRows(to, about) as truth_rows:
        for done, block in enumerate(_blocks(study, seed, people, workers), start=1):
            for name, frame in block.frames.items():
                if done == 1:
                    _shape(deliveries, plan, name, frame)
                for part in planter.deliveries(FEEDS[name], frame, block.people, block.merged, periods[name]):
                    delivery = deliveries[name, part.position, part.version]
                    truth_rows.add(name, delivery.name, delivery.rows, part.planted)
                    truth.warnings(FEEDS[name], delivery.name, part.rows, part.planted)
                    delivery.append(part.rows)
            if progress:
                progress(done, blocks)
    rows = dict.fromkeys(FEEDS, 0)
    for (name, position, version), delivery in deliveries.items():
        delivery.close()
        rows[name] += delivery.rows
        is_last = (name, position, version + 1) not in deliveries
        stands = position == max(periods[name]) if FEEDS[name].rhythm == "snapshot" else is_last
        truth.expect(name, delivery.name, "accepted" if stands else "superseded")
    for name, position in plan.repeated:
        whole = plan.first_version(name, position)
        truth.expect(name, repeat(to, name, periods[name][position], whole), "repeat", kind="repeat")
    for one in plan.refused:
        broken = refuse(to, one, periods[one.feed][one.position])
        truth.expect(one.feed, broken, "refused", kind=one.kind, defect=one.defect)
    truth.close(planter.chains)
    return Synthesis(len(truth.deliveries), rows, truth.write(to))


def _shape(deliveries: dict[tuple[str, int, int], Delivery], plan: Plan, feed: str, frame: pl.DataFrame) -> None:
    """Give every delivery of a feed its columns and types, so that a period without rows is a file without rows."""
    empty = frame.drop(PERIOD).clear()
    for (name, position, _), delivery in deliveries.items():
        if name == feed:
            delivery.append(as_text(empty) if plan.is_text(name, position) else empty)


def _open(periods: dict[str, dict[int, Period]], plan: Plan, to: Path) -> dict[tuple[str, int, int], Delivery]:
    """Every whole delivery of the plan, by feed, position and version."""
    found = {}
    for name, by_position in periods.items():
        for position, period in by_position.items():
            first = plan.first_version(name, position)
            for version in (first, first + 1) if plan.sent_again(name, position) else (first,):
                found[name, position, version] = Delivery(FEEDS[name], period, to, version).open()
    return found
