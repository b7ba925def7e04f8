"""What a feed's contract says, as typed objects.

Belongs here: columns, dialects, rules with severity and limits, and the schemas that follow from them.
Does not belong here: reading ODCS files (`contract.py`); evaluating rules (`row_checks.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from pipelines.errors import LinkedCareError

if TYPE_CHECKING:
    import dagster as dg

SubmissionRule = Literal["period", "snapshot"]
Rhythm = Literal["month", "quarter", "snapshot"]
Kind = Literal[
    "required",
    "type",
    "enum",
    "pattern",
    "length",
    "minimum",
    "maximum",
    "missing_value",
    "row_predicate",
    "duplicate_record",
]
Severity = Literal["warn", "reject", "refuse"]
Category = Literal["completeness", "conformance", "plausibility"]  # Kahn et al. 2016

CATEGORY_OF_KIND: Mapping[Kind, Category] = {
    "required": "completeness",
    "missing_value": "completeness",
    "type": "conformance",
    "enum": "conformance",
    "pattern": "conformance",
    "length": "conformance",
    "duplicate_record": "conformance",
    "minimum": "plausibility",
    "maximum": "plausibility",
}
CATEGORY_OF_DIMENSION: Mapping[str, Category] = {
    "completeness": "completeness",
    "coverage": "completeness",
    "conformity": "conformance",
    "uniqueness": "conformance",
    "accuracy": "plausibility",
    "consistency": "plausibility",
    "timeliness": "plausibility",
}

# Added to every accepted row: where it came from and which period its delivery covers.
PROVENANCE = {
    "delivery_id": (pa.large_string(), "The delivery that the record came in."),
    "source_row": (pa.int64(), "Row number in the delivery, counted from 1 over its files."),
    "pseudonym_domain": (pa.large_string(), "Domain in which the delivery's pseudonyms were made."),
    "period_start": (pa.date32(), "First day that the delivery covers."),
    "period_end": (pa.date32(), "Last day that the delivery covers."),
}

ARROW_OF_TYPE = {"VARCHAR": pa.large_string(), "INTEGER": pa.int32(), "DATE": pa.date32()}
DEFAULT_DATE_FORMATS = ("%Y-%m-%d",)


class ContractError(LinkedCareError):
    """A contract that does not follow the standard or asks for something that cannot be checked."""


@dataclass(frozen=True)
class Limit:
    """How many rows of a delivery may break a rule: a count, a share of its rows, or both; None is no limit."""

    count: int | None = None
    rate: float | None = None

    def exceeded(self, broken: int, rows: int) -> bool:
        """Whether a delivery of so many rows breaks the rule too often."""
        most = (self.count, None if self.rate is None else self.rate * rows)
        return any(bound is not None and broken > bound for bound in most)


@dataclass(frozen=True)
class Rule:
    """One rule that a row can break, with its stable code.

    Attributes:
        severity: `warn` keeps the row, `reject` sends it to quarantine, `refuse` refuses the delivery over the limit.
        limit: how often a delivery may break it; re-applied to stored counts, never part of reading.
    """

    code: str
    kind: Kind
    message: str
    category: Category
    severity: Severity = "reject"
    limit: Limit = Limit()
    column: str | None = None
    argument: Any = None


@dataclass(frozen=True)
class Dialect:
    """One set of headers under which a feed arrives; the first of a contract is its own.

    Attributes:
        date_formats: how its days are written, tried in order.
        lacks: columns that it does not carry.
    """

    name: str
    label: str
    date_formats: tuple[str, ...] = DEFAULT_DATE_FORMATS
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class LocalCode:
    """A value that means one of the contract's own: in one dialect or in all, for deliveries of a time or of any."""

    code: str
    means: str
    dialect: str | None = None
    first: date | None = None
    last: date | None = None

    def applies(self, dialect: str, start: date, end: date) -> bool:
        """Whether a delivery of this dialect and period uses it."""
        in_time = (self.first is None or end >= self.first) and (self.last is None or start <= self.last)
        return in_time and self.dialect in {None, dialect}


@dataclass(frozen=True)
class ContractColumn:
    """One column of a feed: canonical name, the headers it arrives under, type and limits.

    Attributes:
        header, aliases: its header in the contract's own dialect, and in others where it differs.
        may_be_absent: whether a file may lack it; it is then missing on every row.
        local_codes: values that mean one of the contract's.
        missing_values: values that stand for a missing one; counted, then read as missing.
        is_caseless: whether codes are compared without regard to case and outer spaces.
        severities, limits: what differs from the default, by kind of rule.
    """

    name: str
    header: str
    physical_type: str
    description: str
    required: bool
    classification: str | None
    unit: str | None
    values: tuple[str, ...]
    options: dict[str, Any]
    labels: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    may_be_absent: bool = False
    local_codes: tuple[LocalCode, ...] = ()
    missing_values: tuple[str, ...] = ()
    is_caseless: bool = False
    severities: dict[str, Severity] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)

    @cached_property
    def arrow_type(self) -> pa.DataType:
        """Type of the accepted column."""
        if self.physical_type.startswith("DECIMAL"):
            return pa.decimal128(*self.precision_and_scale)
        return ARROW_OF_TYPE[self.physical_type]

    @cached_property
    def precision_and_scale(self) -> tuple[int, int]:
        """Digits in all and after the point, of a decimal column."""
        precision, scale = self.physical_type.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return int(precision), int(scale)

    def header_in(self, dialect: str) -> str:
        """Its header in a dialect: the contract's own unless the dialect names another."""
        return self.aliases.get(dialect, self.header)


@dataclass(frozen=True)
class Contract:
    """One feed as its ODCS file describes it; expected in its rhythm, `due_days` after the end of each period."""

    feed: str
    version: str
    description: str
    grain: str
    submission_rule: SubmissionRule
    rhythm: Rhythm
    due_days: int
    record_key: tuple[str, ...]
    provider_column: str | None
    activity_date_column: str | None
    price_column: str | None
    spans_deliveries: bool
    columns: tuple[ContractColumn, ...]
    row_predicates: tuple[Rule, ...]
    dialects: dict[str, Dialect] = field(default_factory=lambda: {"own": Dialect("own", "the contract's own")})
    missing_texts: tuple[str, ...] = ()
    interval_columns: tuple[str, str] | None = None  # first and last day of records that run over time
    submission_column: str | None = None  # what a list of active submissions names
    duplicate_severity: Severity = "reject"
    duplicate_limit: Limit = Limit()

    @cached_property
    def own_dialect(self) -> Dialect:
        """The dialect of the contract's own headers."""
        return next(iter(self.dialects.values()))

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in the order in which the first one broken is named."""
        required = [self._rule(c, "required", f"{c.header} is missing") for c in self.columns if c.required]
        typed = [
            self._rule(c, "type", f"{c.header} is not {c.physical_type}")
            for c in self.columns
            if c.physical_type != "VARCHAR"
        ]
        limits = [rule for column in self.columns for rule in self._limits(column)]
        duplicate = Rule(
            f"{self.feed}.duplicate_record",
            "duplicate_record",
            "the record key stands on an earlier row of the delivery",
            CATEGORY_OF_KIND["duplicate_record"],
            severity=self.duplicate_severity,
            limit=self.duplicate_limit,
        )
        return (*required, *typed, *limits, *self.row_predicates, *([duplicate] if self.record_key else []))

    def _rule(self, column: ContractColumn, kind: Kind, message: str, argument: Any = None) -> Rule:
        severity = column.severities.get(kind, "warn" if kind == "missing_value" else "reject")
        limit = column.limits.get(kind, Limit(count=0) if severity == "refuse" else Limit())
        code = f"{self.feed}.{column.name}.{kind}"
        return Rule(code, kind, message, CATEGORY_OF_KIND[kind], severity, limit, column.name, argument)

    def _limits(self, column: ContractColumn) -> list[Rule]:
        def rule(kind: Kind, message: str, argument: Any) -> Rule:
            return self._rule(column, kind, f"{column.header} {message}", argument)

        found = [rule("enum", "is not a code of its list", column.values)] if column.values else []
        for option, value in column.options.items():
            match option:
                case "pattern":
                    found.append(rule("pattern", f"does not match {value}", value))
                case "maxLength":
                    found.append(rule("length", f"is longer than {value}", value))
                case "minimum" | "maximum":
                    limit = self._day(column, value) if column.physical_type == "DATE" else value
                    side = "below" if option == "minimum" else "above"
                    found.append(rule(option, f"is {side} {value}", limit))
                case _:
                    raise ContractError(f"{self.feed}.{column.name}: option {option} is not one this project checks.")
        if column.missing_values:
            found.append(rule("missing_value", "holds a value that stands for a missing one", column.missing_values))
        return found

    def _day(self, column: ContractColumn, value: Any) -> date:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise ContractError(f'{self.feed}.{column.name}: limit {value} is no day. Write "2024-04-01".') from error

    @cached_property
    def read_by(self) -> str:
        """All that decides what a delivery reads as: without limits, applied to stored counts, and due days."""
        columns = tuple(replace(column, limits={}) for column in self.columns)
        predicates = tuple(replace(rule, limit=Limit()) for rule in self.row_predicates)
        plain = replace(self, columns=columns, row_predicates=predicates, duplicate_limit=Limit())
        return repr(replace(plain, rhythm="month", due_days=0))

    @cached_property
    def accepted_schema(self) -> pa.Schema:
        """Schema of accepted rows: the contract's columns, then where the row came from."""
        own = [
            pa.field(
                c.name,
                c.arrow_type,
                not c.required,
                {"description": c.description, "header": c.header, **({"unit": c.unit} if c.unit else {})},
            )
            for c in self.columns
        ]
        provenance = [pa.field(n, t, False, {"description": d}) for n, (t, d) in PROVENANCE.items()]
        return pa.schema(own + provenance, {"contract": self.feed, "contract_version": self.version})

    def dagster_schema(self) -> "dg.TableSchema":
        """The accepted columns as Dagster shows them, with the rules that each must pass."""
        import dagster as dg  # which takes a second, and most commands do without

        own = [
            dg.TableColumn(
                c.name,
                c.physical_type,
                description=c.description,
                tags={"classification": c.classification} if c.classification else None,
                constraints=dg.TableColumnConstraints(
                    nullable=not c.required, other=[r.code for r in self.rules if r.column == c.name]
                ),
            )
            for c in self.columns
        ]
        return dg.TableSchema(
            columns=own + [dg.TableColumn(n, str(t), description=d) for n, (t, d) in PROVENANCE.items()]
        )
