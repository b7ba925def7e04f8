"""A cast keeps a value whole or breaks the type rule: nothing is rounded, trimmed or guessed."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from schemas.contract import Contract, contracts
from schemas.contract_model import DEFAULT_DATE_FORMATS
from schemas.row_checks import RAW, Form

# One column of each type stands for all, since the cast depends on the type alone; of a day also on the dialect.
OF_TYPE = {
    column.physical_type: (contract, column.name)
    for contract in contracts().values()
    if contract.own_dialect.date_formats == DEFAULT_DATE_FORMATS
    for column in contract.columns
    if column.severities.get("type") != "warn"
}
NO_INTEGER = ["1.6", "1e3", " 3", "3 ", "012", "+3", "1e2", ".5", "1,000", "-0", "2147483648", "9" * 30, "", "three"]
NO_PRICE = [
    "1e3",
    " 3",
    "3 ",
    "012",
    "+3",
    "10.505",
    "1e2",
    ".5",
    "5.",
    "1,000",
    "£5.00",
    "10000000000.00",
    "9" * 30,
    "",
    "NaN",
    "inf",
]
NO_DATE = ["2023-1-5", "05/01/2023", "2023-02-30", " 2023-01-05", "2023-01-05 00:00:00", "20230105", "18000101x", ""]


def cast(physical_type: str, text: str) -> object:
    contract, name = OF_TYPE[physical_type]
    row = pl.DataFrame([{name: text}], schema={column.name: pl.String for column in contract.columns})
    return row.select(pl.all().name.prefix(RAW)).select(Form.own(contract).typed_columns())[name].item()


def type_rule(physical_type: str) -> tuple[Contract, str, str]:
    contract, name = OF_TYPE[physical_type]
    return contract, name, f"{contract.feed}.{name}.type"


def test_the_contracts_use_these_types():
    assert OF_TYPE.keys() == {"VARCHAR", "INTEGER", "DATE", "DECIMAL(12,2)", "DECIMAL(12,3)"}


@pytest.mark.parametrize(
    ("physical_type", "text"),
    [
        *(("INTEGER", text) for text in NO_INTEGER),
        *(("DECIMAL(12,2)", text) for text in NO_PRICE),
        ("DECIMAL(12,3)", "1.2345"),
        ("DECIMAL(12,3)", "1000000000.000"),
        *(("DATE", text) for text in NO_DATE),
    ],
)
def test_a_text_that_is_not_exactly_of_its_type_is_rejected_and_never_rounded(
    physical_type: str, text: str, good_row, broken_rules
):
    contract, name, code = type_rule(physical_type)
    assert broken_rules(contract, good_row(contract) | {name: text}) == [code]
    assert cast(physical_type, text) is None


@pytest.mark.parametrize(
    ("physical_type", "text", "value"),
    [
        ("INTEGER", "0", 0),
        ("INTEGER", "-3", -3),
        ("INTEGER", "2147483647", 2**31 - 1),
        ("DECIMAL(12,2)", "0", Decimal(0)),
        ("DECIMAL(12,2)", "10.5", Decimal("10.50")),
        ("DECIMAL(12,2)", "0.01", Decimal("0.01")),
        ("DECIMAL(12,2)", "-0.50", Decimal("-0.50")),
        ("DECIMAL(12,2)", "9999999999.99", Decimal("9999999999.99")),
        ("DECIMAL(12,3)", "1.234", Decimal("1.234")),
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("DATE", "1800-01-01", date(1800, 1, 1)),
        ("VARCHAR", "012", "012"),
    ],
)
def test_a_text_of_its_type_keeps_its_value(physical_type: str, text: str, value: object, good_row, broken_rules):
    contract, name, code = type_rule(physical_type)
    assert cast(physical_type, text) == value
    assert code not in broken_rules(contract, good_row(contract) | {name: text})
