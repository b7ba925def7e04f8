"""Feed contracts, read from their ODCS files.

Belongs here: from an ODCS file to a typed contract, and the refusal of what this project cannot check.
Does not belong here: what a contract is (`contract_model.py`); reading deliveries (`assets/feeds`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import jsonschema
import polars as pl
import yaml

from schemas.contract_model import (
    ARROW_OF_TYPE,
    CATEGORY_OF_DIMENSION,
    DEFAULT_DATE_FORMATS,
    PROVENANCE,
    Contract,
    ContractColumn,
    ContractError,
    Dialect,
    Kind,
    Limit,
    LocalCode,
    Rhythm,
    Rule,
    Severity,
    SubmissionRule,
)

__all__ = ["CONTRACTS", "PROVENANCE", "Contract", "ContractColumn", "ContractError", "Rule", "contracts", "load"]

CONTRACTS = Path(__file__).parent.parent / "data_contracts"
_DECIMAL = re.compile(r"DECIMAL\([0-9]+,[0-9]+\)")


@cache
def contracts() -> dict[str, Contract]:
    """Every contract by feed, in alphabetical order."""
    return {path.name.removesuffix(".odcs.yaml"): load(path) for path in sorted(CONTRACTS.glob("*.odcs.yaml"))}


def load(path: Path) -> Contract:
    """Read one ODCS file.

    Raises:
        ContractError: if the file breaks the standard's JSON schema, or asks for a check that this project cannot make.
    """
    try:
        document = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name}: is not YAML.") from error
    standard = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
    validator = jsonschema.validators.validator_for(standard)(standard)
    if problems := sorted(validator.iter_errors(document), key=lambda error: list(error.absolute_path)):
        where = "/".join(map(str, problems[0].absolute_path)) or "the top"
        raise ContractError(f"{path.name}: {len(problems)} breaches of ODCS, first at {where}: {problems[0].message}.")
    try:
        contract = _contract(document)
        if path.name != f"{contract.feed}.odcs.yaml":
            raise ContractError(f"{path.name}: describes {contract.feed}. Name the file {contract.feed}.odcs.yaml.")
        _refuse_what_cannot_be_checked(contract)
    except KeyError as error:
        raise ContractError(f"{path.name}: lacks {error.args[0]}, which this project needs.") from error
    except (AttributeError, IndexError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise ContractError(
            f"{path.name}: a rule or custom property is not written as this project reads it. Compare another contract."
        ) from error
    return contract


def _contract(document: dict[str, Any]) -> Contract:
    schema = document["schema"][0]
    own = _own(schema)
    feed = schema["name"]
    return Contract(
        feed=feed,
        version=document["version"],
        description=document["description"]["purpose"],
        grain=schema["dataGranularityDescription"],
        submission_rule=own["submissionRule"],
        rhythm=own["expected"]["rhythm"],
        due_days=own["expected"]["dueDays"],
        record_key=tuple(own.get("recordKey", ())),
        provider_column=own.get("providerColumn"),
        activity_date_column=own.get("activityDateColumn"),
        price_column=own.get("priceColumn"),
        spans_deliveries=own.get("spansDeliveries", False),
        columns=tuple(_column(item) for item in schema["properties"]),
        row_predicates=tuple(_row_predicate(feed, item) for item in schema.get("quality", ())),
        dialects=_dialects(own.get("dialects", {"own": {"label": "the contract's own headers"}})),
        missing_texts=tuple(own.get("missingTexts", ())),
        interval_columns=_interval(feed, own.get("intervalColumns")),
        submission_column=own.get("submissionColumn"),
        duplicate_severity=own.get("duplicateRecord", {}).get("severity", "reject"),
        duplicate_limit=_limit(own.get("duplicateRecord", {})),
    )


def _interval(feed: str, names: Sequence[str] | None) -> tuple[str, str] | None:
    match names:
        case None:
            return None
        case [str(first), str(last)]:
            return first, last
    raise ContractError(f"{feed}: intervalColumns are two: the first and the last day.")


def _own(item: Mapping[str, Any]) -> dict[str, Any]:
    """The custom properties of a part of a contract, by name."""
    return {entry["property"]: entry["value"] for entry in item.get("customProperties", ())}


def _dialects(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Dialect]:
    return {
        name: Dialect(
            name, item["label"], tuple(item.get("dateFormats", DEFAULT_DATE_FORMATS)), tuple(item.get("lacks", ()))
        )
        for name, item in found.items()
    }


def _column(item: dict[str, Any]) -> ContractColumn:
    own = _own(item)
    entries = item.get("enum", ())
    overrides: Mapping[str, Mapping[str, Any]] = own.get("rules", {})
    return ContractColumn(
        name=item["name"],
        header=item["physicalName"],
        physical_type=item["physicalType"],
        description=item["description"],
        required=item["required"],
        classification=item.get("classification"),
        unit=own.get("unit"),
        values=tuple(entry["value"] for entry in entries),
        options=item.get("logicalTypeOptions", {}),
        labels={entry["value"]: entry["label"] for entry in entries if "label" in entry},
        aliases=dict(own.get("aliases", {})),
        may_be_absent=own.get("mayBeAbsent", False),
        local_codes=tuple(_local_code(entry) for entry in own.get("localCodes", ())),
        missing_values=tuple(own.get("missingValues", ())),
        is_caseless=own.get("caseless", False),
        severities={kind: rule["severity"] for kind, rule in overrides.items() if "severity" in rule},
        limits={
            kind: _limit(rule) for kind, rule in overrides.items() if rule.keys() & {"maximumCount", "maximumRate"}
        },
    )


def _limit(item: Mapping[str, Any]) -> Limit:
    return Limit(item.get("maximumCount"), item.get("maximumRate"))


def _local_code(item: Mapping[str, Any]) -> LocalCode:
    first, last = (date.fromisoformat(item[name]) if name in item else None for name in ("first", "last"))
    return LocalCode(item["code"], item["means"], item.get("dialect"), first, last)


def _row_predicate(feed: str, item: dict[str, Any]) -> Rule:
    if item.get("type") != "custom" or item.get("engine") != "rowPredicate":
        raise ContractError(f"{feed}: rule {item.get('name')} is not a rowPredicate, the one kind of row rule.")
    message = item["description"].rstrip(".")
    severity, limit = item.get("severity", "reject"), _limit(_own(item))
    return Rule(
        code=f"{feed}.{item['name']}",
        kind="row_predicate",
        message=message[0].lower() + message[1:],
        category=CATEGORY_OF_DIMENSION[item["dimension"]],
        severity=severity,
        limit=Limit(count=0) if severity == "refuse" and limit == Limit() else limit,
        argument=item["implementation"],
    )


def _refuse_what_cannot_be_checked(contract: Contract) -> None:
    feed = contract.feed
    if contract.submission_rule not in get_args(SubmissionRule):
        raise ContractError(f"{feed}: submission rule {contract.submission_rule} is not known here.")
    _refuse_unclear_expectation(contract)
    for column in contract.columns:
        if column.physical_type not in ARROW_OF_TYPE and not _DECIMAL.fullmatch(column.physical_type):
            raise ContractError(f"{feed}.{column.name}: type {column.physical_type} is not known here.")
        if unknown := sorted((column.severities.keys() | column.limits.keys()) - set(get_args(Kind))):
            raise ContractError(f"{feed}.{column.name}: has no rules of the kind {', '.join(unknown)}.")
        if unknown := sorted({code.means for code in column.local_codes} - set(column.values or _any(column))):
            raise ContractError(f"{feed}.{column.name}: a local code means {', '.join(unknown)}, which its list lacks.")
    if unknown := sorted({rule.severity for rule in contract.rules} - set(get_args(Severity))):
        raise ContractError(f"{feed}: severity {', '.join(unknown)} is none of {', '.join(get_args(Severity))}.")
    if contract.duplicate_severity == "warn":
        raise ContractError(f"{feed}: a repeat of a record key cannot be kept with a warning. Leave out the key.")
    singled_out = (
        contract.provider_column,
        contract.activity_date_column,
        contract.price_column,
        contract.submission_column,
        *(contract.interval_columns or ()),
    )
    known: set[str | None] = {column.name for column in contract.columns} | {None}
    lacked: list[str | None] = [name for dialect in contract.dialects.values() for name in dialect.lacks]
    if strangers := [str(name) for name in (*contract.record_key, *singled_out, *lacked) if name not in known]:
        raise ContractError(f"{feed}: singles out {', '.join(strangers)}, which it does not describe.")
    days = {column.name for column in contract.columns if column.physical_type == "DATE"}
    if contract.interval_columns and (
        contract.submission_rule != "period" or not days.issuperset(contract.interval_columns)
    ):
        raise ContractError(f"{feed}: intervalColumns are two columns of days, of a feed of periods.")
    _refuse_confused_dialects(contract)
    from schemas.row_checks import unusable  # which imports the model of this module

    if codes := unusable(contract):
        raise ContractError(f"{feed}: {', '.join(codes)} cannot be evaluated. Mend the rule.")


def _refuse_unclear_expectation(contract: Contract) -> None:
    feed = contract.feed
    if contract.rhythm not in get_args(Rhythm):
        raise ContractError(
            f"{feed}: rhythm {contract.rhythm} is not known here. Known are {', '.join(get_args(Rhythm))}."
        )
    if (contract.rhythm == "snapshot") != (contract.submission_rule == "snapshot"):
        raise ContractError(f"{feed}: its rhythm and its submission rule must both be snapshot, or neither.")
    if type(contract.due_days) is not int or contract.due_days < 0:
        raise ContractError(f"{feed}: dueDays is no number of days. Write how many days after a period it is due.")


def _any(column: ContractColumn) -> set[str]:
    """Without a list, a local code may mean anything."""
    return {code.means for code in column.local_codes}


def _refuse_confused_dialects(contract: Contract) -> None:
    for name, dialect in contract.dialects.items():
        headers = [c.header_in(name).strip().lower() for c in contract.columns if c.name not in dialect.lacks]
        if repeated := sorted({header for header in headers if headers.count(header) > 1}):
            raise ContractError(f"{contract.feed}: dialect {name} names two columns {', '.join(repeated)}.")
        if needed := [c.name for c in contract.columns if c.required and c.name in dialect.lacks]:
            raise ContractError(f"{contract.feed}: dialect {name} lacks {', '.join(needed)}, which every row needs.")
    named = {name for column in contract.columns for name in column.aliases}
    named |= {code.dialect for column in contract.columns for code in column.local_codes if code.dialect}
    if unknown := sorted(named - contract.dialects.keys()):
        raise ContractError(f"{contract.feed}: has no dialect {', '.join(unknown)}. Name it under dialects.")
