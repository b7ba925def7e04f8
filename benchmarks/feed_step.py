"""`make bench-feeds`: the whole feed step over outpatient rows, as a multiple of the floor, and its peak memory.

Belongs here: which deliveries are made, running the step and the floor in turn, the table of results.
Does not belong here: making the deliveries (`attendances.py`), measuring a process (`measure.py`).
"""

import json
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import attendances
from benchmarks.measure import measure

MILLION = 1_000_000
_SAMPLE = 200_000
_GB = 1000**3
_TO_GB = 1024**3 / _GB
_TIMES_THE_FLOOR, _PEAK_GB = 2, 4


@dataclass(frozen=True)
class Step:
    """One run of the feed step: its seconds, start-up left out, the wall of its process, its peak in GB."""

    seconds: float
    wall: float
    peak: float


def main(
    rows: Annotated[int, typer.Option(min=1_000, help="Rows of the year's deliveries.")] = 12 * MILLION,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each form; the median counts.")] = 3,
    large: Annotated[bool, typer.Option("--large", help="Also take in one large CSV.")] = False,
    large_gb: Annotated[float, typer.Option(min=0.1, help="Size of the large CSV, in GB.")] = 5.0,
    to: Annotated[Path | None, typer.Option(help="Where the temporary folder is made; the default is TMPDIR.")] = None,
) -> None:
    """Make the deliveries, run the floor and the feed step in turn over each form, and print."""
    console = Console(soft_wrap=True)
    table = Table("measure", "figure", "target", title="make bench-feeds", title_justify="left")
    sample = attendances.some_rows(min(rows, _SAMPLE))
    for form in ("monthly", "one file"):
        with tempfile.TemporaryDirectory(prefix="linked-care-feeds-", dir=to) as folder:
            _against_the_floor(table, Path(folder), sample, rows, form, repeats, console)
    if large:
        with tempfile.TemporaryDirectory(prefix="linked-care-feeds-", dir=to) as folder:
            _large(table, Path(folder), sample, large_gb, console)
    console.print(table)


def _against_the_floor(
    table: Table, folder: Path, sample: pl.DataFrame, rows: int, form: str, repeats: int, console: Console
) -> None:
    landing, written = _deliver(folder, sample, rows, one_file=form == "one file", console=console)
    floors, steps = [], []
    for _ in range(repeats):  # in turn, so that both see the same drift of the machine
        floors.append(float(measure("benchmarks.floor", str(landing), str(_fresh(folder / "floor"))).output))
        steps.append(_feed_step(folder, landing, written))
        console.print(f"{form}: floor {floors[-1]:.1f} s, feed step {steps[-1].seconds:.1f} s", highlight=False)
    floor, seconds = statistics.median(floors), statistics.median(step.seconds for step in steps)
    wall, peak = statistics.median(step.wall for step in steps), max(step.peak for step in steps)
    table.add_section()
    table.add_row(f"{form}, {written:,} rows: floor", f"{floor:.1f} s", "")
    table.add_row("feed step", f"{seconds:.1f} s, {seconds / floor:.1f} x floor", f"{_TIMES_THE_FLOOR} x floor")
    table.add_row("wall of its whole process, start-up included", f"{wall:.1f} s", "")
    table.add_row("peak memory of its process tree", f"{peak:.2f} GB", "")


def _large(table: Table, folder: Path, sample: pl.DataFrame, gigabytes: float, console: Console) -> None:
    row_bytes = len(sample.write_csv(include_header=False).encode()) / sample.height
    landing, written = _deliver(folder, sample, int(gigabytes * _GB / row_bytes), one_file=True, console=console)
    [csv] = landing.glob("*/*/*.csv")
    size = csv.stat().st_size / _GB
    try:
        step = _feed_step(folder, landing, written)
        figure = f"{step.seconds:.0f} s, peak {step.peak:.2f} GB"
    except RuntimeError as error:  # a miss must not take the other figures with it
        figure = f"failed: {str(error).strip().splitlines()[-1]}"
    table.add_section()
    table.add_row(f"one CSV of {size:.1f} GB, {written:,} rows", figure, f"peak under {_PEAK_GB} GB")


def _deliver(folder: Path, sample: pl.DataFrame, rows: int, one_file: bool, console: Console) -> tuple[Path, int]:
    landing = folder / "landing"
    with console.status(f"writing {rows:,} rows"):
        written = attendances.deliver_year(sample, rows, landing, one_file)
    return landing, written


def _feed_step(folder: Path, landing: Path, rows: int) -> Step:
    """A first build of the feed, in a home of its own."""
    home = _fresh(folder / "home")
    home.mkdir()
    (home / "landing").symlink_to(landing)
    run = measure("benchmarks.build_feed", str(home), attendances.FEED)
    outcome = json.loads(run.output)
    if outcome["rows"] != rows:
        raise RuntimeError(f"{rows:,} rows were delivered and {outcome['rows']:,} are current; no speed can be stated.")
    return Step(outcome["seconds"], run.wall, run.peak * _TO_GB)


def _fresh(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    return path


if __name__ == "__main__":
    typer.run(main)
