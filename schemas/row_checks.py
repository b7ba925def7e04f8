"""A contract's rules as Polars expressions: cast each column, mark each broken rule.

Belongs here: from rule to expression.
Does not belong here: files, deliveries, quarantine.
"""

import polars as pl

from schemas.contract import Contract, ContractColumn, Rule

_RAW = "raw:"


def typed_columns(contract: Contract) -> list[pl.Expr]:
    """Casts from text. What does not cast becomes null and is told apart from a missing value by its text."""
    return [_typed(column).alias(column.name) for column in contract.columns]


def raw_columns(contract: Contract) -> list[pl.Expr]:
    """The text as it arrived, kept beside the typed columns under names of its own."""
    return [pl.col(column.name).alias(_RAW + column.name) for column in contract.columns]


def raw_as_received(contract: Contract) -> list[pl.Expr]:
    """The text of each column under the header that it arrived with."""
    return [pl.col(_RAW + column.name).alias(column.header) for column in contract.columns]


def broken(contract: Contract) -> dict[str, pl.Expr]:
    """For each row rule, by code, whether the row breaks it; never null.

    Duplicate records are not among them, since they depend on the other rows.
    """
    return {rule.code: _is_broken(rule).fill_null(False) for rule in contract.rules if rule.kind != "duplicate_record"}


def unusable(contract: Contract) -> list[str]:
    """Codes of the row rules that cannot be evaluated: a predicate over no column, a pattern that is none."""
    nobody = (
        pl.DataFrame(schema={column.name: pl.String for column in contract.columns})
        .with_columns(raw_columns(contract))
        .with_columns(typed_columns(contract))
        .with_columns(pl.lit(None, pl.Date).alias(name) for name in ("period_start", "period_end"))
    )
    codes = []
    for rule in contract.rules:
        try:
            if rule.kind != "duplicate_record":
                nobody.select(_is_broken(rule))
        except pl.exceptions.PolarsError:
            codes.append(rule.code)
    return codes


def _typed(column: ContractColumn) -> pl.Expr:
    """The value where the text is exactly of its type, else null: a cast alone rounds `10.505` and reads `1e3`."""
    text = pl.col(column.name)
    match column.physical_type:
        case "VARCHAR":
            return text
        case "INTEGER":
            value = text.cast(pl.Int32, strict=False)
            is_exact = value.cast(pl.String) == text
        case "DATE":
            value = text.str.to_date("%Y-%m-%d", strict=False)
            is_exact = value.cast(pl.String) == text
        case _:
            places = column.precision_and_scale[1]
            value = text.cast(pl.Decimal(*column.precision_and_scale), strict=False)
            is_exact = text.str.contains(rf"^-?(0|[1-9][0-9]*)(\.[0-9]{{1,{places}}})?$")
    return pl.when(is_exact).then(value)


def _is_broken(rule: Rule) -> pl.Expr:
    if rule.kind == "row_predicate":
        return pl.sql_expr(rule.argument)
    assert rule.column
    typed, raw = pl.col(rule.column), pl.col(_RAW + rule.column)
    match rule.kind:
        case "required":
            return raw.is_null()
        case "type":
            return raw.is_not_null() & typed.is_null()
        case "enum":
            return ~typed.is_in(list(rule.argument))
        case "pattern":
            return ~typed.str.contains(rule.argument)
        case "length":
            return typed.str.len_chars() > rule.argument
        case "minimum":
            return typed < rule.argument
        case _:
            return typed > rule.argument
