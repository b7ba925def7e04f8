"""What a table held when it was written, by its control columns, and how what is there now differs.

Belongs here: rows, pence and a digest of the rows by control group; the words for a difference.
Does not belong here: finding that a file was changed, which its bytes tell (`store.py`).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from pipelines.engine import read_parquet
from schemas.table import Table

Groups = tuple[tuple[Any, ...], ...]
DIGESTED_BY = duckdb.__version__
"""Digests of rows compare within one version of the engine that makes them."""


def control_totals(table: Table, files: Iterable[Path]) -> tuple[Groups, tuple[str, ...]]:
    """Rows and pence by the table's control columns, and a digest of the rows of each group.

    Returns:
        (values of the control columns …, rows, pence …) by group, and the digest of each group; without control columns
        the whole table is one group without a digest, and without pence either there is none.
    """
    if not (table.control or table.pence_columns):
        return (), ()
    groups = [f"cast({name} as varchar)" for name in table.control]
    sums = [f"cast(coalesce(sum({name}), 0) as bigint)" for name in table.pence_columns]
    # A sum, not an exclusive or, so that a row that comes twice does not cancel itself out.
    digest = [f"cast(sum(hash({', '.join(table.arrow_schema.names)})) as varchar)"] if groups else []
    sql = f"select {', '.join([*groups, 'count(*)', *sums, *digest])} from {read_parquet(*files)}"
    with duckdb.connect() as connection:
        found = connection.execute(f"{sql} {'group by all order by all' if groups else ''}").fetchall()
    if not groups:
        return tuple(tuple(group) for group in found), ()
    return tuple(tuple(group[:-1]) for group in found), tuple(group[-1] for group in found)


def difference(
    table: Table, then: Groups, digests: tuple[str, ...] | None, files: Iterable[Path], rows: int | None = None
) -> str:
    """What changed since a table was written, and in which group: never with a value that was not there when written.

    `digests` are None where another version of the engine made them; `rows` is how many there were.
    """
    try:
        totals, now_digests = control_totals(table, files)
        with duckdb.connect() as connection:
            counted = connection.execute(f"select count(*) from {read_parquet(*files)}").fetchall()[0][0]
    except duckdb.Error:  # may quote what it read
        return "cannot be read as the table that was written"
    found = list(_differences(table, then, digests, totals, now_digests))
    if found:
        others = len(found) - 1
        more = f" and in {others} other control group{'s' if others > 1 else ''}" if others else ""
        return f"{found[0]}{more}"
    if rows is not None and counted != rows:
        return f"{counted - rows:+d} rows since it was written"
    if table.control and digests is not None:
        return "the same rows, in another order or form, since it was written"
    return f"{_others(table)} since it was written"


def _others(table: Table) -> str:
    return f"other rows with the same {'sums' if table.pence_columns else 'count'}"


def _differences(
    table: Table, then: Groups, digests: tuple[str, ...] | None, totals: Groups, now_digests: tuple[str, ...]
) -> Iterator[str]:
    """One by one the groups that differ: first those that were there when written, then that others came."""
    width = len(table.control)
    measures = ("rows", *table.pence_columns)
    now = {group[:width]: group[width:] for group in totals}
    now_digest = dict(zip((group[:width] for group in totals), now_digests, strict=False))
    then_digest = dict(zip((group[:width] for group in then), digests or (), strict=False))
    for group in then:
        values = group[:width]
        where = ", ".join(f"{name} {value}" for name, value in zip(table.control, values, strict=True))
        place = f" since it was written{f' ({where})' if where else ''}"
        gaps = {
            name: after - before
            for name, after, before in zip(measures, now.get(values, (0,) * len(measures)), group[width:], strict=True)
            if after != before
        }
        if gaps:
            amounts = (f"{gap:+d} {'rows' if name == 'rows' else f'pence in {name}'}" for name, gap in gaps.items())
            yield f"{', '.join(amounts)}{place}"
        elif digests is not None and now_digest.get(values) != then_digest.get(values):
            yield f"{_others(table)}{place}"
    for _ in now.keys() - {group[:width] for group in then}:
        yield "a control group came since it was written"
