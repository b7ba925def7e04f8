"""Reads the SQL cases: one YAML file per table, a case being input rows, the year and the rows expected.

A table of rows is written as text: a line of column names, then a line per row, columns two or more spaces apart.
`null` is null. A number may be written as arithmetic, so that a reader sees where it comes from: `120 + 80`.
Columns that do not matter are left out: they are null where they may be, else a plain value of their type.
Source tables that do not matter are left out: reference tables and the rules and indices of the price book hold what
the project ships, all others, the prices themselves among them, no rows.
"""

import ast
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from assets.activity.calendar import months
from assets.costing.book import shipped_book
from assets.costing.price_book import of_a_book
from assets.costing.price_index import shipped_index
from assets.reference import FOLDER, read_reference
from schemas.catalogue import DECLARED
from schemas.contract import contracts
from schemas.table import BEFORE

HERE = Path(__file__).parent
YEAR = "2024-25"
_ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_PLAIN = {"pseudonym_domain": "ncdr", "delivery_id": "delivery_1", "financial_year": YEAR, "practice_code": "L81001"}

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One case of one table.

    Attributes:
        given: rows by source table, as text.
        only: values that a result row must have to be compared.
        expect: the rows expected, as text; columns left out are not compared.
    """

    table: str
    name: str
    given: dict[str, str]
    expect: str
    year: str = YEAR
    look_back_years: int = 5
    only: tuple[tuple[str, str], ...] = ()

    def sources(self) -> dict[str, pa.Table]:
        """Every source table of the SQL file, typed as declared."""
        reads = DECLARED[self.table].reads
        unknown = self.given.keys() - set(reads)
        assert not unknown, f"{self.table} does not read {unknown}"
        return {name: _source(name.removesuffix(BEFORE), self.given.get(name)) for name in reads}

    def expected(self) -> Rows:
        """The rows expected, as values."""
        return _typed(self.expect, DECLARED[self.table].arrow_schema)


def cases() -> Iterator[Case]:
    """Every case of every file."""
    for path in sorted(HERE.glob("*.yaml")):
        for item in yaml.safe_load(path.read_text()):
            only = tuple(item.pop("only", {}).items())
            yield Case(table=path.stem, name=item.pop("case"), given=item.pop("given", {}), only=only, **item)


def _source(name: str, text: str | None) -> pa.Table:
    schema = contracts()[name].accepted_schema if name in contracts() else DECLARED[name].arrow_schema
    if text is None:
        return _shipped(name) or schema.empty_table()
    rows = _typed(text, schema)
    for place, row in enumerate(rows, 1):
        for field in schema:
            if field.name not in row:
                row[field.name] = None if field.nullable else _plain(name, field, place)
    return pa.Table.from_pylist(rows, schema)


@cache
def _shipped(name: str) -> pa.Table | None:
    book = of_a_book(shipped_book())
    made = {name: book[name] for name in ("price_policy", "setting_index")}
    made |= {"price_index": shipped_index(), "calendar_month": months()}
    if name in made:
        schema = DECLARED[name].arrow_schema
        return made[name].select(schema.names).to_arrow().cast(schema)
    if (FOLDER / f"{name}.csv").exists():
        return read_reference(DECLARED[name]).to_arrow()
    return None


def _plain(table: str, field: pa.Field, place: int) -> Any:
    """A value of a required column that a case does not care about."""
    if field.name == "source_row":
        return place
    if field.name in _PLAIN:
        return _PLAIN[field.name]
    feed = contracts().get(table)
    values = next((column.values for column in feed.columns if column.name == field.name), ()) if feed else ()
    if values:
        return values[0]
    if pa.types.is_date(field.type):
        return date(2025, 3, 31) if field.name == "period_end" else date(2024, 4, 1)
    if pa.types.is_boolean(field.type):
        return False
    return "X01" if pa.types.is_string(field.type) or pa.types.is_large_string(field.type) else 0


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a table written as text, cells as they are written."""
    header, *lines = [re.split(r" {2,}", line.strip()) for line in text.strip().splitlines()]
    for line in lines:
        assert len(line) == len(header), f"{line} has not the columns {header}"
    return [dict(zip(header, line, strict=True)) for line in lines]


def _typed(text: str, schema: pa.Schema) -> Rows:
    return [{name: _value(cell, schema.field(name).type) for name, cell in row.items()} for row in rows_of(text)]


def _value(cell: str, kind: pa.DataType) -> Any:
    if cell == "null":
        return None
    if pa.types.is_date(kind):
        return date.fromisoformat(cell)
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[cell]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return cell
    exact = evaluate(cell)
    if pa.types.is_floating(kind):
        return float(exact)
    if pa.types.is_decimal(kind):
        return Decimal(exact.numerator) / Decimal(exact.denominator)
    assert exact.denominator == 1, f"{cell} is not a whole number"
    return int(exact)


def evaluate(text: str) -> Fraction:
    """The value of an arithmetic expression of numbers, + - * / and brackets, exactly; half_up(..) is whole."""

    def of(node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value=int() | float()):
                return Fraction(ast.get_source_segment(text, node) or "")
            case ast.BinOp():
                return _ARITHMETIC[type(node.op)](of(node.left), of(node.right))
            case ast.UnaryOp(op=ast.USub()):
                return -of(node.operand)
            case ast.Call(func=ast.Name(id="half_up"), args=[rounded], keywords=[]):
                return Fraction(floor(of(rounded) + Fraction(1, 2)))
        raise ValueError(f"{text!r} is not arithmetic")

    return of(ast.parse(text, mode="eval").body)
