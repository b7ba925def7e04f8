"""The county in one run: blocks of people are drawn, and each block's rows go to the deliveries of their periods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from synthetic.block import Block, block_of_county, periods_of
from synthetic.delivery import Delivery
from synthetic.domains import domain_of
from synthetic.fault_cells import as_text
from synthetic.fault_deliveries import Plan, refuse, repeat
from synthetic.faults import Planter
from synthetic.layout import FEEDS, KIND, PERIOD, STREAMS
from synthetic.periods import Period, Study
from synthetic.population import block_sizes
from synthetic.truth import Truth
from synthetic.truth_identifier import TruthIdentifiers
from synthetic.truth_rows import TRUTH_VERSION, TruthRows

Faults = Literal["none", "default", "all"]


MOST_FAULTS = 10.0
MOST_PEOPLE = 2_000_000


@dataclass(frozen=True)
class Synthesis:
    """What a run wrote: number of deliveries, rows by feed, and the file that says what was planted."""

    deliveries: int
    rows: dict[str, int]
    truth: Path


def _blocks(study: Study, seed: int, people: int, fault_rate: float, workers: int) -> Iterator[Block]:
    """Blocks in their order, drawn by `workers` threads and never more than a few ahead of the writer."""
    sizes = block_sizes(people)
    with ThreadPoolExecutor(workers) as pool:

        def submitted(block: int) -> Future[Block]:
            return pool.submit(block_of_county, study, seed, block, sizes[block], fault_rate)

        ahead = [submitted(block) for block in range(min(workers, len(sizes)))]
        for block in range(len(sizes)):
            drawn = ahead.pop(0).result()
            if block + workers < len(sizes):
                ahead.append(submitted(block + workers))
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
    if not 1 <= people <= MOST_PEOPLE:
        raise ValueError("people: at least one, and at most two million, whom a council can number with seven digits")
    if faults not in get_args(Faults):
        raise ValueError(f"faults: {faults!r} is none of {', '.join(get_args(Faults))}")
    if not 0 < fault_rate <= MOST_FAULTS:
        raise ValueError(f"fault_rate: above 0 and at most {MOST_FAULTS}")
    periods = {name: periods_of(feed, study) for name, feed in STREAMS.items()}
    plan = Plan.of(faults, periods)
    about: dict[str, object] = {
        "truth_version": TRUTH_VERSION,
        "faults": faults,
        "fault_rate": fault_rate,
        "seed": seed,
    }
    truth = Truth({**about, "people": people, "years": list(study.years)})
    deliveries = _open(periods, plan, study, to)
    planter = Planter(faults, fault_rate, study, seed, plan, truth)
    blocks = len(block_sizes(people))
    odd = fault_rate if faults != "none" else 0.0
    with TruthRows(to, about) as truth_rows, TruthIdentifiers(to, about) as truth_identifiers:
        for done, block in enumerate(_blocks(study, seed, people, odd, workers), start=1):
            planter.chains |= block.chains
            for name, frame in block.frames.items():
                if done == 1:
                    _shape(deliveries, plan, name, frame)
                for part in planter.deliveries(STREAMS[name], frame, block.number, periods[name]):
                    delivery = deliveries[name, part.position, part.version]
                    truth_rows.add(STREAMS[name].name, delivery.name, delivery.rows, part.planted)
                    truth.warnings(STREAMS[name], delivery.name, part.rows, part.planted)
                    delivery.append(part.rows)
            truth_identifiers.add(block.truth)
            truth_identifiers.add(planter.strangers())
            if progress:
                progress(done, blocks)
        truth_identifiers.add(planter.dummies())
    rows = dict.fromkeys(FEEDS, 0)
    for (name, position, version), delivery in deliveries.items():
        delivery.close()
        rows[STREAMS[name].name] += delivery.rows
        is_last = (name, position, version + 1) not in deliveries
        stands = position == max(periods[name]) if STREAMS[name].rhythm == "snapshot" else is_last
        truth.expect(STREAMS[name].name, delivery.name, "accepted" if stands else "superseded")
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
    empty = frame.drop(PERIOD, KIND).clear()
    for (name, position, _), delivery in deliveries.items():
        if name == feed:
            delivery.append(as_text(empty) if plan.is_text(name, position) else empty)


def _open(
    periods: dict[str, dict[int, Period]], plan: Plan, study: Study, to: Path
) -> dict[tuple[str, int, int], Delivery]:
    """Every whole delivery of the plan, by stream, position and version."""
    found = {}
    for name, by_position in periods.items():
        feed = STREAMS[name]
        for position, period in by_position.items():
            first, domain = plan.first_version(name, position), domain_of(feed, position, study)
            for version in (first, first + 1) if plan.sent_again(name, position) else (first,):
                found[name, position, version] = Delivery(feed, period, to, domain, version).open()
    return found
