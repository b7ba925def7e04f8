"""A feed's contract, read from its ODCS file and compiled to rules and schemas.

Belongs here: what a contract says, as typed objects; the one list of rules that the row checks, the Great Expectations
suite and the documentation share.
Does not belong here: reading deliveries (`assets/feeds`) or running expectations (`pipelines/expectations.py`).
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import dagster as dg
import jsonschema
import pyarrow as pa
import yaml

from pipelines.errors import LinkedCareError

CONTRACTS = Path(__file__).parent.parent / "data_contracts"

SubmissionRule = Literal["period", "snapshot"]
Kind = Literal[
    "required", "type", "enum", "pattern", "length", "minimum", "maximum", "row_predicate", "duplicate_record"
]

# Added to every accepted row: where it came from and which period its delivery covers.
PROVENANCE = {
    "delivery_id": (pa.large_string(), "The delivery that the record came in."),
    "source_row": (pa.int64(), "Row number in the delivery, counted from 1 over its files."),
    "pseudonym_domain": (pa.large_string(), "Domain in which the delivery's pseudonyms were made."),
    "period_start": (pa.date32(), "First day that the delivery covers."),
    "period_end": (pa.date32(), "Last day that the delivery covers."),
}

_ARROW = {"VARCHAR": pa.large_string(), "INTEGER": pa.int32(), "DATE": pa.date32()}
_DECIMAL = re.compile(r"DECIMAL\([0-9]+,[0-9]+\)")


class ContractError(LinkedCareError):
    """A contract that does not follow the standard or asks for something that cannot be checked."""


@dataclass(frozen=True)
class ContractColumn:
    """One column of a feed: canonical name, the header it arrives under, type and limits."""

    name: str
    header: str
    physical_type: str
    description: str
    required: bool
    classification: str | None
    unit: str | None
    values: tuple[str, ...]
    options: dict[str, Any]

    @cached_property
    def arrow_type(self) -> pa.DataType:
        """Type of the accepted column."""
        if self.physical_type.startswith("DECIMAL"):
            return pa.decimal128(*self.precision_and_scale)
        return _ARROW[self.physical_type]

    @cached_property
    def precision_and_scale(self) -> tuple[int, int]:
        """Digits in all and after the point, of a decimal column."""
        precision, scale = self.physical_type.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return int(precision), int(scale)


@dataclass(frozen=True)
class Rule:
    """One rule that a row can break, with its stable code."""

    code: str
    kind: Kind
    message: str
    column: str | None = None
    argument: Any = None


@dataclass(frozen=True)
class Contract:
    """One feed as its ODCS file describes it."""

    feed: str
    version: str
    description: str
    grain: str
    submission_rule: SubmissionRule
    record_key: tuple[str, ...]
    provider_column: str | None
    activity_date_column: str | None
    price_column: str | None
    spans_deliveries: bool
    columns: tuple[ContractColumn, ...]
    row_predicates: tuple[Rule, ...]
    text: str

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in the order in which the first one broken is named."""
        required = [
            Rule(f"{self.feed}.{c.name}.required", "required", f"{c.header} is missing", c.name)
            for c in self.columns
            if c.required
        ]
        typed = [
            Rule(f"{self.feed}.{c.name}.type", "type", f"{c.header} is not {c.physical_type}", c.name)
            for c in self.columns
            if c.physical_type != "VARCHAR"
        ]
        limits = [rule for column in self.columns for rule in self._limits(column)]
        duplicate = [
            Rule(
                f"{self.feed}.duplicate_record",
                "duplicate_record",
                "the record key stands on an earlier row of the delivery",
            )
        ]
        return (*required, *typed, *limits, *self.row_predicates, *(duplicate if self.record_key else []))

    def _limits(self, column: ContractColumn) -> list[Rule]:
        def rule(kind: Kind, message: str, argument: Any) -> Rule:
            return Rule(f"{self.feed}.{column.name}.{kind}", kind, f"{column.header} {message}", column.name, argument)

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
        return found

    def _day(self, column: ContractColumn, value: Any) -> date:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise ContractError(f'{self.feed}.{column.name}: limit {value} is no day. Write "2024-04-01".') from error

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

    def dagster_schema(self) -> dg.TableSchema:
        """The accepted columns as Dagster shows them, with the rules that each must pass."""
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


@cache
def contracts() -> dict[str, Contract]:
    """Every contract by feed, in alphabetical order."""
    return {path.name.removesuffix(".odcs.yaml"): load(path) for path in sorted(CONTRACTS.glob("*.odcs.yaml"))}


def load(path: Path) -> Contract:
    """Read one ODCS file.

    Raises:
        ContractError: if the file breaks the standard's JSON schema, or asks for a check that this project cannot make.
    """
    text = path.read_text()
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name}: is not YAML.") from error
    standard = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
    validator = jsonschema.validators.validator_for(standard)(standard)
    if problems := sorted(validator.iter_errors(document), key=lambda error: list(error.absolute_path)):
        where = "/".join(map(str, problems[0].absolute_path)) or "the top"
        raise ContractError(f"{path.name}: {len(problems)} breaches of ODCS, first at {where}: {problems[0].message}.")
    try:
        contract = _contract(document, text)
    except KeyError as error:
        raise ContractError(f"{path.name}: lacks {error.args[0]}, which this project needs.") from error
    if path.name != f"{contract.feed}.odcs.yaml":
        raise ContractError(f"{path.name}: describes {contract.feed}. Name the file {contract.feed}.odcs.yaml.")
    _refuse_what_cannot_be_checked(contract)
    return contract


def _contract(document: dict[str, Any], text: str) -> Contract:
    schema = document["schema"][0]
    own = {item["property"]: item["value"] for item in schema["customProperties"]}
    feed = schema["name"]
    return Contract(
        feed=feed,
        version=document["version"],
        description=document["description"]["purpose"],
        grain=schema["dataGranularityDescription"],
        submission_rule=own["submissionRule"],
        record_key=tuple(own.get("recordKey", ())),
        provider_column=own.get("providerColumn"),
        activity_date_column=own.get("activityDateColumn"),
        price_column=own.get("priceColumn"),
        spans_deliveries=own.get("spansDeliveries", False),
        columns=tuple(_column(item) for item in schema["properties"]),
        row_predicates=tuple(_row_predicate(feed, item) for item in schema.get("quality", ())),
        text=text,
    )


def _refuse_what_cannot_be_checked(contract: Contract) -> None:
    if contract.submission_rule not in get_args(SubmissionRule):
        raise ContractError(f"{contract.feed}: submission rule {contract.submission_rule} is not known here.")
    for column in contract.columns:
        if column.physical_type not in _ARROW and not _DECIMAL.fullmatch(column.physical_type):
            raise ContractError(f"{contract.feed}.{column.name}: type {column.physical_type} is not known here.")
    singled_out = (contract.provider_column, contract.activity_date_column, contract.price_column)
    known = {column.name for column in contract.columns} | {None}
    if unknown := [name for name in (*contract.record_key, *singled_out) if name not in known]:
        raise ContractError(f"{contract.feed}: singles out {', '.join(map(str, unknown))}, which it does not describe.")
    from schemas.row_checks import unusable  # which imports this module

    if codes := unusable(contract):
        raise ContractError(f"{contract.feed}: {', '.join(codes)} cannot be evaluated. Mend the rule.")


def _column(item: dict[str, Any]) -> ContractColumn:
    own = {entry["property"]: entry["value"] for entry in item.get("customProperties", ())}
    return ContractColumn(
        name=item["name"],
        header=item["physicalName"],
        physical_type=item["physicalType"],
        description=item["description"],
        required=item["required"],
        classification=item.get("classification"),
        unit=own.get("unit"),
        values=tuple(entry["value"] for entry in item.get("enum", ())),
        options=item.get("logicalTypeOptions", {}),
    )


def _row_predicate(feed: str, item: dict[str, Any]) -> Rule:
    if item.get("type") != "custom" or item.get("engine") != "rowPredicate":
        raise ContractError(f"{feed}: rule {item.get('name')} is not a rowPredicate, the one kind of row rule.")
    message = item["description"].rstrip(".")
    return Rule(
        f"{feed}.{item['name']}", "row_predicate", message[0].lower() + message[1:], argument=item["implementation"]
    )


if __name__ == "__main__":
    print(f"{len(contracts())} contracts follow ODCS and compile")  # noqa: T201  the contract lint of `make check`
