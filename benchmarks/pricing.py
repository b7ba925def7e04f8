"""Pricing beside reading and rewriting: `python -m benchmarks.pricing --home PATH` repeats a county's care and prices it.

Belongs here: many rows of activity from a home's, what is timed over them, the table of results.
Does not belong here: prices and the SQL that applies them (`assets/costing`, `sql/`).
"""

import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import duckdb
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from assets.parameters import RunParameters
from pipelines.build import SQL
from pipelines.engine import Engine, duckdb_session, quoted, read_parquet
from pipelines.store import Store
from schemas.activity import ACTIVITY
from schemas.catalogue import TABLES

MILLION = 1_000_000
STEPS = ("price_used", "spell_supplement", "activity_cost")
_TIMES_THE_REWRITE = 2
_KIB_OF_GB = 1000**3 / 1024


def main(
    home: Annotated[Path, typer.Option(help="A home in which a county has been built.")],
    rows: Annotated[int, typer.Option(min=1_000, help="Rows of activity, or a few more.")] = 35 * MILLION,
    year: Annotated[str | None, typer.Option(help="Financial year; the default is the home's last.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; the median counts.")] = 1,
    memory: Annotated[str, typer.Option(help="Memory of the engine.")] = "4GB",
    profile: Annotated[bool, typer.Option("--profile", help="Also time the parts of pricing.")] = False,
    to: Annotated[Path | None, typer.Option(help="Where the temporary folder is made; the default is TMPDIR.")] = None,
) -> None:
    """Make the rows, rewrite and price them in turn, and print."""
    console = Console(soft_wrap=True)
    store = Store(home / "store", memory)
    chosen = year or store.years("activity")[-1]
    with tempfile.TemporaryDirectory(prefix="linked-care-pricing-", dir=to) as folder:
        large = _Large(store, chosen, Path(folder), memory)
        with console.status(f"making {rows:,} rows"):
            made = large.make(rows)
        found: dict[str, list[float]] = {}
        for _ in range(repeats):  # in turn, so that all see the same drift of the machine
            for name, seconds in large.timed(profile).items():
                found.setdefault(name, []).append(seconds)
                console.print(f"{name}: {seconds:.1f} s", highlight=False)
        console.print(_results({name: statistics.median(times) for name, times in found.items()}, made, chosen))


def _results(seconds: dict[str, float], rows: int, year: str) -> Table:
    rewrite, pricing = seconds["rewrite, sorted"], sum(seconds[name] for name in STEPS)
    table = Table("measure", "figure", "target", title=f"pricing, {rows:,} rows of {year}", title_justify="left")
    table.add_row("activity read and rewritten, unsorted", f"{seconds['rewrite, unsorted']:.1f} s", "")
    table.add_row("activity read and rewritten, sorted as the store sorts", f"{rewrite:.1f} s", "")
    for name in STEPS:
        table.add_row(name, f"{seconds[name]:.1f} s", "")
    table.add_row("pricing, in all", f"{pricing:.1f} s, {rows / pricing / MILLION:.2f} million rows a second", "")
    target = f"{_TIMES_THE_REWRITE} x sorted"
    unsorted = pricing / seconds["rewrite, unsorted"]
    table.add_row("pricing beside rewriting", f"{pricing / rewrite:.2f} x sorted, {unsorted:.2f} x unsorted", target)
    for name in seconds.keys() - {*STEPS, "rewrite, sorted", "rewrite, unsorted"}:
        table.add_row(f"profile: {name}", f"{seconds[name]:.1f} s", "")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_OF_GB
    table.add_row("peak memory of the process", f"{peak:.2f} GB", "")
    return table


class _Large:
    """A home's care of one year, so many times over, under delivery numbers of their own."""

    def __init__(self, store: Store, year: str, folder: Path, memory: str) -> None:
        self.store, self.year, self.folder, self.memory = store, year, folder, memory
        self.files: dict[str, list[Path]] = {}

    def make(self, rows: int) -> int:
        """Write the repeated tables; the rows of activity."""
        times = -(-rows // self.store.require("activity", self.year).rows)
        with self._session() as engine:
            engine.register_rows("copies", pa.table({"copy": pa.array(range(times), pa.int64())}))
            self._register(engine, "activity")
            columns = ", ".join(_repeated(column.name) for column in ACTIVITY.columns)
            target = self.folder / "activity.parquet"
            made = engine.run_sql(ACTIVITY, f"select {columns} from activity cross join copies", target)
            self.files["activity"] = [target]
            self._register(engine, "apc_spell")
            spells = engine.rows("select * from apc_spell")
        target = self.folder / "apc_spell.parquet"
        columns = ", ".join(_repeated(name) for name in spells.schema.names)
        with duckdb.connect() as connection:
            connection.register("spells", spells)
            connection.execute(
                f"copy (select {columns} from spells cross join (select range as copy from range({times})))"
                f" to {quoted(target)} (format parquet, compression zstd)"
            )
        self.files["apc_spell"] = [target]
        return made

    def timed(self, profile: bool) -> dict[str, float]:
        """Seconds of rewriting activity, and of each step of pricing, its reading and writing included."""
        spent = {
            "rewrite, unsorted": self._seconds(lambda engine: self._copied(engine, read_parquet(*self.files["activity"]))),
            "rewrite, sorted": self._seconds(
                lambda engine: engine.run_sql(ACTIVITY, "select * from activity", self.folder / "rewritten.parquet")
            ),
        }
        for name in STEPS:
            target = self.folder / f"{name}.parquet"
            spent[name] = self._seconds(lambda engine, name=name, to=target: engine.run_sql(TABLES[name], _sql(name), to))
            self.files[name] = [target]
        if profile:
            for what, query in (("activity", "select * from activity"), ("activity_cost", _sql("activity_cost"))):
                spent[f"{what} reckoned, nothing written"] = self._seconds(
                    lambda engine, query=query: engine.fetch(f"select bit_xor(hash(every)) from ({query}\n) as every")
                )
            spent["activity_cost written, not sorted"] = self._seconds(
                lambda engine: self._copied(engine, f"({_sql('activity_cost')}\n)")
            )
        return spent

    def _copied(self, engine: Engine, source: str) -> None:
        target = quoted(self.folder / "copied.parquet")
        engine.fetch(f"copy (select * from {source}) to {target} (format parquet, compression zstd)")

    def _seconds(self, run: Callable[[Engine], object]) -> float:
        with self._session() as engine:
            for name in {source for step in STEPS for source in TABLES[step].sources} - set(STEPS) | self.files.keys():
                self._register(engine, name)
            engine.register_rows("run_parameters", pa.Table.from_pylist([RunParameters.of(self.year).row()]))
            started = time.perf_counter()
            run(engine)
            return time.perf_counter() - started

    def _register(self, engine: Engine, name: str) -> None:
        """A table as made here, else as the home has it."""
        if name in self.files:
            engine.register(name, self.files[name])
            return
        table = TABLES.get(name)
        stored = self.store.require(name, self.year if table and table.by_year else None)
        self.store.register(engine, name, [stored], table)

    def _session(self):
        return duckdb_session(self.memory, self.folder / "spill")


def _repeated(column: str) -> str:
    return f"{column} || '-' || cast(copy as varchar) as {column}" if column == "delivery_id" else column


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text()


if __name__ == "__main__":
    typer.run(main)
