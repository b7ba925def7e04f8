"""`make bench`: time, memory and growth of the nightly run, as ratios, in one run on one machine.

Belongs here: which counties are made, what is run over them, and the table of results.
Does not belong here: how a process is measured (`measure.py`).
"""

import json
import math
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measured, measure
from synthetic import synthesise

YEARS = ["2022-23", "2023-24", "2024-25"]
TIMES = (1, 2, 4)
MILLION = 1_000_000


def main(
    people: Annotated[int, typer.Option(help="People of the county.")] = 114_874,
    growth_years: Annotated[int, typer.Option(min=1, max=3, help="Years of the counties that show growth.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each county; the median counts.")] = 3,
    million: Annotated[bool, typer.Option(help="Whether a million people x 1 year is run, too.")] = True,
) -> None:
    """Measure and print."""
    console = Console(soft_wrap=True)
    table = Table("measure", "figure", "target", title="make bench", title_justify="left")
    with tempfile.TemporaryDirectory(prefix="linked-care-bench-") as folder:
        _speed_and_memory(table, Path(folder), people, repeats, console)
        _growth(table, Path(folder), people, YEARS[-growth_years:], repeats, console)
        if million:
            _million(table, Path(folder), console)
    console.print(table)


def _speed_and_memory(table: Table, folder: Path, people: int, repeats: int, console: Console) -> None:
    landing = _county(folder, people, YEARS, console)
    floors, runs = [], []
    for _ in range(repeats):  # in turn, so that both see the same drift of the machine
        floors.append(float(measure("benchmarks.floor", str(landing), str(_fresh(folder / "floor"))).output))
        runs.append(_nightly(folder, landing))
        console.print(f"floor {floors[-1]:.1f} s, nightly {runs[-1].wall:.1f} s: {runs[-1].output}", highlight=False)
    floor, wall = statistics.median(floors), statistics.median(run.wall for run in runs)
    times = [json.loads(run.output) for run in runs]
    computing = statistics.median(time["computing"] for time in times)
    table.add_row(f"floor, {people:,} people x {len(YEARS)} years", f"{floor:.1f} s", "")
    table.add_row("nightly, wall of the whole process", f"{wall:.1f} s, {wall / floor:.1f} x floor", "")
    table.add_row("nightly, computing", f"{computing:.1f} s, {computing / floor:.1f} x floor", "4 x floor")
    table.add_row("Dagster, imports and start-up", f"{wall - computing:.1f} s", "shown apart")
    table.add_row("peak memory of the process tree", f"{max(run.peak for run in runs):.2f} GiB", "4 GB")
    shutil.rmtree(landing.parent)


def _growth(table: Table, folder: Path, people: int, years: list[str], repeats: int, console: Console) -> None:
    cpu: dict[int, float] = {}
    for times in TIMES:
        landing = _county(folder, people * times, years, console)
        runs = [_nightly(folder, landing) for _ in range(repeats)]
        cpu[times] = statistics.median(run.cpu for run in runs)
        peak = max(run.peak for run in runs)
        figure = f"{cpu[times]:.0f} CPU s, {peak:.2f} GiB"
        table.add_row(f"{people * times:,} people x {len(years)} year", figure, "")
        console.print(f"{people * times:,} people: {figure}", highlight=False)
        shutil.rmtree(landing.parent)
    exponent = statistics.linear_regression([math.log(t) for t in TIMES], [math.log(cpu[t]) for t in TIMES]).slope
    last = math.log2(cpu[TIMES[-1]] / cpu[TIMES[-2]])
    table.add_row("growth exponent, and that of the last doubling", f"{exponent:.2f}, {last:.2f}", "1.10")


def _million(table: Table, folder: Path, console: Console) -> None:
    landing = _county(folder, MILLION, YEARS[-1:], console)
    try:
        run = _nightly(folder, landing)
        figure = f"{run.wall:.0f} s, {run.peak:.2f} GiB"
    except RuntimeError as error:  # a miss must not take the other figures with it
        figure = f"failed: {str(error).strip().splitlines()[-1]}"
    table.add_row("1,000,000 people x 1 year", figure, "completes within 8 GB")
    shutil.rmtree(landing.parent)


def _county(folder: Path, people: int, years: list[str], console: Console) -> Path:
    landing = folder / f"county-{people}-{len(years)}" / "landing"
    with console.status(f"making {people:,} people x {len(years)}"):
        synthesise(people=people, years=years, seed=2013, faults="none", to=landing)
    return landing


def _nightly(folder: Path, landing: Path) -> Measured:
    """A first run over the county, in a home of its own."""
    home = _fresh(folder / "home")
    home.mkdir()
    (home / "landing").symlink_to(landing)
    return measure("benchmarks.nightly", str(home))


def _fresh(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    return path


if __name__ == "__main__":
    typer.run(main)
