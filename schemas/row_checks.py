"""A contract's rules as Polars expressions: find each column, cast it, mark each broken rule.

Belongs here: from a contract to expressions over one delivery.
Does not belong here: files, deliveries, quarantine.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from schemas.contract_model import Contract, ContractColumn, Dialect, Rule

RAW = "raw:"


@dataclass(frozen=True)
class Form:
    """How one file writes a contract's columns: its dialect, the period that it covers, the columns that it has.

    Attributes:
        carried: names of these columns; the others are missing on every row, and cost nothing.
    """

    contract: Contract
    dialect: Dialect
    period_start: date
    period_end: date
    carried: frozenset[str]

    @staticmethod
    def own(contract: Contract, period_start: date = date.min, period_end: date = date.max) -> "Form":
        """The contract's own dialect."""
        return Form(contract, contract.own_dialect, period_start, period_end, every_column(contract))

    def header(self, column: ContractColumn) -> str:
        """The header that the column has in this form."""
        return column.header_in(self.dialect.name)

    def typed_columns(self) -> list[pl.Expr]:
        """Casts from `raw:<name>`, the text as it arrived. What does not cast becomes null."""
        return [
            (self._typed(column) if column.name in self.carried else pl.lit(None, _dtype(column))).alias(column.name)
            for column in self.contract.columns
        ]

    @cached_property
    def broken(self) -> dict[str, pl.Expr]:
        """For each row rule, by code, whether the row breaks it; never null.

        Duplicate records are not among them, since they depend on the other rows.
        """
        columns = {column.name: column for column in self.contract.columns}
        return {
            rule.code: self._is_broken(rule, columns[rule.column] if rule.column else None).fill_null(False)
            for rule in self.contract.rules
            if rule.kind != "duplicate_record"
        }

    def raw_as_received(self) -> list[pl.Expr]:
        """The text of each column under the header that it arrived with."""
        carried = [column for column in self.contract.columns if column.name in self.carried]
        return [pl.col(RAW + column.name).alias(self.header(column)) for column in carried]

    def _text(self, column: ContractColumn) -> pl.Expr:
        """The text of a column in the contract's own codes; what stands for a missing value is null."""
        text, missing = self._mapped(column), [*self.contract.missing_texts, *self._missing(column)]
        return pl.when(~text.is_in(missing)).then(text) if missing else text

    def _mapped(self, column: ContractColumn) -> pl.Expr:
        """The text of a column in the contract's own codes, in their own spelling where case does not count."""
        text = pl.col(RAW + column.name)
        meanings = {
            code.code: code.means
            for code in column.local_codes
            if code.applies(self.dialect.name, self.period_start, self.period_end)
        }
        if column.is_caseless:
            text = text.str.strip_chars()
            own = (*self.contract.missing_texts, *self._missing(column), *column.values)
            meanings = {value.lower(): value for value in own} | {k.lower(): v for k, v in meanings.items()}
            text = text.str.to_lowercase().replace_strict(meanings, default=text) if meanings else text
        elif meanings:
            text = text.replace(meanings)
        return text

    def _missing(self, column: ContractColumn) -> list[str]:
        """The column's values that stand for a missing one; a day also as this dialect writes days."""
        found = list(column.missing_values)
        if column.physical_type == "DATE":
            days = [day for value in found if (day := _iso_day(value))]
            found += [day.strftime(form) for day in days for form in self.dialect.date_formats]
        return found

    def _typed(self, column: ContractColumn) -> pl.Expr:
        """The value where the text is exactly of its type, else null: a cast alone rounds `10.505`, reads `1e3`."""
        text = self._text(column)
        match column.physical_type:
            case "VARCHAR":
                return text
            case "INTEGER":
                value = text.cast(pl.Int32, strict=False)
                is_exact = value.cast(pl.String) == text
            case "DATE":
                return pl.coalesce(_day(text, form) for form in self.dialect.date_formats)
            case _:
                places = column.precision_and_scale[1]
                value = text.cast(pl.Decimal(*column.precision_and_scale), strict=False)
                is_exact = text.str.contains(rf"^-?(0|[1-9][0-9]*)(\.[0-9]{{1,{places}}})?$")
        return pl.when(is_exact).then(value)

    def _is_broken(self, rule: Rule, column: ContractColumn | None) -> pl.Expr:
        if column is None:
            return self._breaks_predicate(pl.sql_expr(rule.argument))
        if column.name not in self.carried:
            return pl.lit(rule.kind == "required")
        typed = pl.col(column.name)
        match rule.kind:
            case "required":
                return self._text(column).is_null()
            case "type":
                return typed.is_null() & self._text(column).is_not_null()
            case "missing_value":
                return self._mapped(column).is_in(self._missing(column))
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

    def _breaks_predicate(self, predicate: pl.Expr) -> pl.Expr:
        """Not where a value is none of its type, which its own rule says: it is not missing."""
        named = set(predicate.meta.root_names())
        typed = [c for c in self.contract.columns if c.name in named & self.carried and c.physical_type != "VARCHAR"]
        unread = [pl.col(c.name).is_null() & self._text(c).is_not_null() for c in typed]
        return predicate & ~pl.any_horizontal(unread) if unread else predicate


def every_column(contract: Contract) -> frozenset[str]:
    """The names of a contract's columns."""
    return frozenset(column.name for column in contract.columns)


def _dtype(column: ContractColumn) -> pl.DataType:
    match column.physical_type:
        case "VARCHAR":
            return pl.String()
        case "INTEGER":
            return pl.Int32()
        case "DATE":
            return pl.Date()
        case _:
            return pl.Decimal(*column.precision_and_scale)


def _iso_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day(text: pl.Expr, form: str) -> pl.Expr:
    """The day that is written in this form; a time that the form has is read and left out."""
    if "%H" in form:
        moment = text.str.to_datetime(form, strict=False)
        return pl.when(moment.dt.strftime(form) == text).then(moment.dt.date())
    value = text.str.to_date(form, strict=False)
    written = value.cast(pl.String) if form == "%Y-%m-%d" else value.dt.strftime(form)
    return pl.when(written == text).then(value)


def unusable(contract: Contract) -> list[str]:
    """Codes of the row rules that cannot be evaluated: a predicate over no column, a pattern that is none."""
    form = Form.own(contract)
    nobody = (
        pl.DataFrame(schema={RAW + column.name: pl.String for column in contract.columns})
        .with_columns(form.typed_columns())
        .with_columns(pl.lit(None, pl.Date).alias(name) for name in ("period_start", "period_end"))
    )
    codes = []
    for code, expression in form.broken.items():
        try:
            nobody.select(expression)
        except pl.exceptions.PolarsError:
            codes.append(code)
    return codes
