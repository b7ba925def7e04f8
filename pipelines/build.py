"""Building one table, or one year of it, from what earlier steps wrote: skipped when nothing it depends on changed.

Belongs here: resolving sources, fingerprints, running SQL or a function.
Does not belong here: what any table means.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.store import Store, Stored, fingerprint, frame_writer
from schemas.catalogue import TABLES
from schemas.financial_year import year_before, year_bounds
from schemas.table import BEFORE, Table

SQL = Path(__file__).parent.parent / "sql"


def sources(store: Store, table: Table, year: str | None) -> dict[str, list[Stored]]:
    """What each source of a table holds now: the same year where both are by year, else all of it.

    Under `<name>_before` stands the year before; nothing, where that was never built.

    Raises:
        LinkedCareError: if a source was never built.
    """
    found = {}
    for name in table.sources:
        source = TABLES.get(name)
        years: Sequence[str | None] = [None]
        if source and source.by_year:
            years = [year] if table.by_year else store.years(name)
        bounds = year_bounds(year) if year else None
        found[name] = [store.require(name, one).within(bounds) for one in years]
    for name in table.sources_before if year else ():
        before = store.current(name, year_before(year))
        found[f"{name}{BEFORE}"] = [before] if before else []
    return found


def build_sql(
    store: Store, table: Table, year: str | None = None, parameters: Mapping[str, Any] | None = None
) -> Stored:
    """Build a table from `sql/<table>.sql`; `parameters` is the one row of `run_parameters`."""
    sql = (SQL / f"{table.name}.sql").read_text()
    found = sources(store, table, year)

    def write(target: Path) -> int:
        with store.engine() as engine:
            for name, parts in found.items():
                of = TABLES.get(name.removesuffix(BEFORE))
                if parts or not of:
                    store.register(engine, name, parts, of)
                else:
                    engine.register_rows(name, of.arrow_schema.empty_table())
            if parameters:
                engine.register_rows("run_parameters", pa.Table.from_pylist([dict(parameters)]))
            return engine.run_sql(table, sql, target)

    content = _content(found)
    return store.write(table, year, fingerprint(repr(table), sql, content, parameters), write, fingerprint(content))


def build_frame(
    store: Store, table: Table, depends_on: Any, make: Callable[[], pl.DataFrame], year: str | None = None
) -> Stored:
    """Build a table from a function; `depends_on` names everything beside its sources that the result depends on."""

    def write(target: Path) -> int:
        return frame_writer(table, make())(target)

    return build_file(store, table, depends_on, write, year)


def build_file(
    store: Store, table: Table, depends_on: Any, write: Callable[[Path], int], year: str | None = None
) -> Stored:
    """Build a table from a function that writes its file, and may write others beside it; returns the rows."""
    content = _content(sources(store, table, year))
    return store.write(table, year, fingerprint(repr(table), depends_on, content), write, fingerprint(content))


def is_stale(store: Store, table: Table, stored: Stored) -> bool:
    """Whether the sources of a table hold other rows than those it was built from."""
    return bool(table.reads) and fingerprint(_content(sources(store, table, stored.year))) != stored.made_of


def _content(found: Mapping[str, list[Stored]]) -> dict[str, list[str]]:
    return {name: [part.content for part in parts] for name, parts in found.items()}
