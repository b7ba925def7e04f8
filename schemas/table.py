"""How a built table is declared: once, and everything else follows from it.

Belongs here: the shape of a declaration and its forms for PyArrow and Dagster.
Does not belong here: the tables themselves (one module per step) and feeds, which are described by their contracts.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import pyarrow as pa

if TYPE_CHECKING:
    import dagster as dg
    import polars as pl

Step = Literal["feeds", "linkage", "activity", "costing", "morbidity", "analysis", "cohorts"]
STEPS: tuple[Step, ...] = get_args(Step)
Zone = Literal["store", "restricted"]
BEFORE = "_before"

ARROW_TYPES = {
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "BOOLEAN": pa.bool_(),
    "STRING": pa.string(),
    "DECIMAL(18,2)": pa.decimal128(18, 2),
}


@dataclass(frozen=True)
class Column:
    """One column: its portable SQL type, what it means and in which unit."""

    name: str
    type: str
    description: str
    nullable: bool = False
    unit: str | None = None

    @cached_property
    def arrow_field(self) -> pa.Field:
        """The column as a PyArrow field that carries its description and unit."""
        metadata = {"description": self.description} | ({"unit": self.unit} if self.unit else {})
        return pa.field(self.name, ARROW_TYPES[self.type], self.nullable, metadata)


@dataclass(frozen=True)
class Table:
    """One built table.

    Attributes:
        name: the name of the asset, of the SQL file and of the folder in `outputs/`.
        step: the pipeline step that builds it; Dagster's group.
        grain: what one row is, in words.
        description: what the table is for.
        columns: in order.
        key: the columns that identify a row; every build proves that they do.
        sources: the tables it is built from, and no others.
        sources_before: tables by year of which it also reads the year before, as `<name>_before`; without rows where
            that year was never built.
        by_year: whether it is kept by financial year.
        denominator: whom shares and means divide by, in words; empty where a row divides by nobody.
        caveats: what a reader must know before a figure is used.
        zone: `restricted` tables are published to analysts inside, `store` tables never leave the workshop.
        control: the columns by which its rows and pence are totalled when written, to name what changed in it.
        speaks_of_runs: whether it also depends on what earlier runs saw, so that another order gives other rows.
    """

    name: str
    step: Step
    grain: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    sources: tuple[str, ...] = ()
    sources_before: tuple[str, ...] = ()
    by_year: bool = False
    denominator: str = ""
    caveats: tuple[str, ...] = ()
    zone: Zone = "restricted"
    control: tuple[str, ...] = ()
    speaks_of_runs: bool = False

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The schema written into every parquet file of this table."""
        metadata = {"table": self.name, "grain": self.grain, "description": self.description}
        metadata |= {"denominator": self.denominator} if self.denominator else {}
        metadata |= {"caveats": " ".join(self.caveats)} if self.caveats else {}
        return pa.schema([column.arrow_field for column in self.columns], metadata)

    @cached_property
    def told(self) -> str:
        """What a reader is told of it: description, grain, denominator, caveats."""
        denominator = (f"Denominator: {self.denominator}",) if self.denominator else ()
        return " ".join((self.description, self.grain, *denominator, *self.caveats))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names under which its SQL reads its sources."""
        return (*self.sources, *(f"{name}{BEFORE}" for name in self.sources_before))

    @cached_property
    def pence_columns(self) -> tuple[str, ...]:
        """The columns that hold money, in pence."""
        return tuple(column.name for column in self.columns if column.unit == "pence")

    def empty_frame(self) -> "pl.DataFrame":
        """The table without rows."""
        import polars as pl  # which commands that only read a release do without

        return pl.DataFrame(self.arrow_schema.empty_table())

    def dagster_schema(self) -> "dg.TableSchema":
        """The columns as Dagster shows them."""
        import dagster as dg  # which takes a second, and most commands do without

        return dg.TableSchema(
            columns=[
                dg.TableColumn(
                    column.name,
                    column.type,
                    description=column.description,
                    constraints=dg.TableColumnConstraints(nullable=column.nullable),
                )
                for column in self.columns
            ]
        )
