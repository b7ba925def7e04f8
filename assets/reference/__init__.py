"""Cited reference data: one CSV per table, with its source in a column.

Belongs here: reading a reference CSV under its declared schema.
Does not belong here: figures without a citation.
"""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from pipelines.build import build_frame
from pipelines.errors import LinkedCareError
from pipelines.store import Store, Stored
from schemas.table import Table

FOLDER = Path(__file__).parent


def build_reference(store: Store, table: Table) -> Stored:
    """Build a reference table from the CSV of the same name."""
    return build_frame(store, table, reference_text(table), lambda: read_reference(table))


def reference_text(table: Table) -> str:
    """The CSV of a reference table, as typed."""
    return (FOLDER / f"{table.name}.csv").read_text()


def read_reference(table: Table) -> pl.DataFrame:
    """The rows of a reference CSV, cast to the declared types.

    Raises:
        LinkedCareError: if the columns differ from the declaration or a value does not fit its type.
    """
    path = FOLDER / f"{table.name}.csv"
    text = pl.read_csv(path, infer_schema=False)
    declared = table.empty_frame().schema
    if text.columns != declared.names():
        raise LinkedCareError(
            f"{path.name}: has the columns {', '.join(text.columns)}. Declared are {', '.join(declared)}."
        )
    refuse_unclear_flags(path.stem, text, [name for name, kind in declared.items() if kind == pl.Boolean])
    try:
        return text.with_columns(_typed(name, kind) for name, kind in declared.items())
    except pl.exceptions.PolarsError as error:
        raise LinkedCareError(f"{path.name}: {error}") from error


def _typed(name: str, kind: pl.DataType) -> pl.Expr:
    match kind:
        case pl.Boolean():
            return pl.col(name) == "true"
        case pl.Date():
            return pl.col(name).str.to_date("%Y-%m-%d")
        case _:
            return pl.col(name).cast(kind)


def refuse_unclear_flags(table: str, text: pl.DataFrame, names: Iterable[str]) -> None:
    """Refuse flags that are neither true nor false: read as false, they would hide what is borrowed.

    Raises:
        LinkedCareError: naming the column and how many rows it concerns.
    """
    for name in names:
        if unclear := text.filter(~pl.col(name).is_in(["true", "false"]).fill_null(False)).height:
            raise LinkedCareError(f"{table}: {unclear} rows say neither true nor false in {name}. Mend them.")
