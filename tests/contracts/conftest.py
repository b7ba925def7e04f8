"""A good row of any contract, built from the contract alone, and the rules that a row breaks."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from re import _constants as kind  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import polars as pl
import pytest

from schemas.contract import Contract, ContractColumn
from schemas.row_checks import RAW, Form

Row = Mapping[str, str | None]

FIRST, LAST = date(2024, 4, 1), date(2024, 4, 30)

# Where the smallest texts of two columns would be equal though a rule wants them to differ.
_APART = {"person_merger": {"superseded_pseudonym": "1000"}}


def _smallest(parsed: Any) -> str:
    """The first text that a parsed regular expression matches, with as few repeats as it allows."""
    text = ""
    for code, argument in parsed:
        if code is kind.LITERAL:
            text += chr(argument)
        elif code is kind.IN:
            first, value = argument[0]
            text += chr(value[0] if first is kind.RANGE else value)
        elif code is kind.BRANCH:
            text += _smallest(argument[1][0])
        elif code is kind.SUBPATTERN:
            text += _smallest(argument[-1])
        elif code is kind.MAX_REPEAT:
            least, _, repeated = argument
            text += _smallest(repeated) * least
        else:
            assert code is kind.AT, f"{code} has no example"
    return text


def _good_value(column: ContractColumn) -> str:
    if column.values:
        return column.values[0]
    if "pattern" in column.options:
        text = _smallest(parser.parse(column.options["pattern"]))
        assert re.search(column.options["pattern"], text)
        return text
    if column.physical_type == "DATE":
        return "2024-04-15"
    if column.physical_type == "VARCHAR":
        return "x"
    return str(column.options.get("minimum", 1))


@pytest.fixture(scope="session")
def good_row() -> Callable[[Contract], dict[str, str | None]]:
    """Builds a row that fills every column and breaks no rule."""
    return lambda contract: {
        **{column.name: _good_value(column) for column in contract.columns},
        **_APART.get(contract.feed, {}),
    }


@pytest.fixture(scope="session")
def broken_rules() -> Callable[[Contract, Row], list[str]]:
    """Every rule, by code and in the contract's order, that a row breaks."""

    def find(contract: Contract, row: Row) -> list[str]:
        form = Form.own(contract, FIRST, LAST)
        checked = (
            pl.DataFrame([row], schema={column.name: pl.String for column in contract.columns})
            .select(pl.all().name.prefix(RAW))
            .with_columns(*form.typed_columns(), period_start=FIRST, period_end=LAST)
            .select(expression.alias(code) for code, expression in form.broken.items())
        )
        return [code for code in form.broken if checked[code].item()]

    return find
