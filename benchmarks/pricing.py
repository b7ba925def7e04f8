"""`make bench-pricing`: a county's care so many times over, priced, beside the same rows read and rewritten.

Belongs here: many rows of activity from a home's, what is timed over them, the table of results.
Does not belong here: prices and the SQL that applies them (`assets/costing`, `sql/`).
"""

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
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
from schemas.table import Table as Declared

MILLION = 1_000_000
STEPS = ("price_used", "spell_supplement", "activity_cost")
_TIMES_THE_REWRITE = 2
_KIB_OF_GB = 1000**3 / 1024


@dataclass(frozen=True)
class Spent:
    """Seconds of wall time and of all processors."""

    wall: float
    cpu: float


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
    if to:
        to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="linked-care-pricing-", dir=to) as folder:
        large = _Large(store, chosen, Path(folder), memory)
        with console.status(f"making {rows:,} rows"):
            made = large.make(rows)
        found: dict[str, list[Spent]] = {}
        for _ in range(repeats):  # in turn, so that all see the same drift of the machine
            for name, spent in large.timed(profile).items():
                found.setdefault(name, []).append(spent)
                console.print(f"{name}: {spent.wall:.1f} s, {spent.cpu:.1f} CPU s", highlight=False)
        console.print(_results({name: _median(runs) for name, runs in found.items()}, made, chosen))


def _median(runs: list[Spent]) -> Spent:
    return Spent(statistics.median(run.wall for run in runs), statistics.median(run.cpu for run in runs))


def _results(spent: dict[str, Spent], rows: int, year: str) -> Table:
    rewrite, plain = spent["rewrite, sorted"], spent["rewrite, unsorted"]
    pricing = Spent(sum(spent[name].wall for name in STEPS), sum(spent[name].cpu for name in STEPS))
    table = Table("measure", "wall", "CPU", "target", title=f"pricing, {rows:,} rows of {year}", title_justify="left")
    for name, one in spent.items():
        table.add_row(name, f"{one.wall:.1f} s", f"{one.cpu:.1f} s", "")
    speed = f"{rows / pricing.wall / MILLION:.2f} million rows a second"
    table.add_row(f"pricing, {speed}", f"{pricing.wall:.1f} s", f"{pricing.cpu:.1f} s", "")
    for what, beside, target in (
        ("sorted as the store sorts", rewrite, f"{_TIMES_THE_REWRITE} x"),
        ("unsorted", plain, ""),
    ):
        wall, cpu = f"{pricing.wall / beside.wall:.2f} x", f"{pricing.cpu / beside.cpu:.2f} x"
        table.add_row(f"pricing beside the rewrite, {what}", wall, cpu, target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_OF_GB
    table.add_row("peak memory of the process", f"{peak:.2f} GB", "", "")
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
            target = self._file("activity")
            made = engine.run_sql(ACTIVITY, f"select {columns} from activity cross join copies", target)
            self.files["activity"] = [target]
            self._register(engine, "apc_spell")
            spells = engine.rows("select * from apc_spell")
        target = self._file("apc_spell")
        columns = ", ".join(_repeated(name) for name in spells.schema.names)
        with duckdb.connect() as connection:
            connection.register("spells", spells)
            connection.execute(
                f"copy (select {columns} from spells cross join (select range as copy from range({times})))"
                f" to {quoted(target)} (format parquet, compression zstd)"
            )
        self.files["apc_spell"] = [target]
        return made

    def timed(self, profile: bool) -> dict[str, Spent]:
        """What rewriting activity takes, and each step of pricing, its reading and writing included."""
        spent = {
            "rewrite, unsorted": self._spent(partial(self._copied, read_parquet(*self.files["activity"]))),
            "rewrite, sorted": self._spent(partial(self._built, ACTIVITY, "select * from activity", "rewritten")),
        }
        for name in STEPS:
            spent[name] = self._spent(partial(self._built, TABLES[name], _sql(name), name))
            self.files[name] = [self._file(name)]
        if profile:
            reckoned = "reckoned, nothing written"
            spent[f"activity {reckoned}"] = self._spent(partial(self._reckoned, "select * from activity"))
            spent[f"activity_cost {reckoned}"] = self._spent(partial(self._reckoned, _sql("activity_cost")))
            written = partial(self._copied, f"({_sql('activity_cost')}\n)")
            spent["activity_cost written, not sorted"] = self._spent(written)
        return spent

    def _built(self, table: Declared, sql: str, name: str, engine: Engine) -> None:
        engine.run_sql(table, sql, self._file(name))

    def _reckoned(self, sql: str, engine: Engine) -> None:
        engine.fetch(f"select bit_xor(hash(every)) from ({sql}\n) as every")

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _copied(self, source: str, engine: Engine) -> None:
        target = quoted(self._file("copied"))
        engine.fetch(f"copy (select * from {source}) to {target} (format parquet, compression zstd)")

    def _spent(self, run: Callable[[Engine], None]) -> Spent:
        with self._session() as engine:
            for name in {source for step in STEPS for source in TABLES[step].sources} - set(STEPS) | self.files.keys():
                self._register(engine, name)
            engine.register_rows("run_parameters", pa.Table.from_pylist([RunParameters.of(self.year).row()]))
            wall, cpu = time.perf_counter(), time.process_time()
            run(engine)
            return Spent(time.perf_counter() - wall, time.process_time() - cpu)

    def _register(self, engine: Engine, name: str) -> None:
        """A table as made here, else as the home has it."""
        if name in self.files:
            engine.register(name, self.files[name])
            return
        table = TABLES.get(name)
        stored = self.store.require(name, self.year if table and table.by_year else None)
        self.store.register(engine, name, [stored], table)

    def _session(self) -> AbstractContextManager[Engine]:
        return duckdb_session(self.memory, self.folder / "spill")


def _repeated(column: str) -> str:
    return f"{column} || '-' || cast(copy as varchar) as {column}" if column == "delivery_id" else column


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text()


if __name__ == "__main__":
    typer.run(main)
