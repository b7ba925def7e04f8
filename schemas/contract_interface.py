"""What a contract promises to suppliers and readers, as plain records that can be kept and compared.

Belongs here: the interface of a contract, without its descriptions.
Does not belong here: comparing two (`contract_changes.py`); the one that was released (`released.py`).
"""

from dataclasses import fields
from datetime import date
from typing import Any

from schemas.contract_model import Contract, ContractColumn, Dialect, Rule

Interface = dict[str, Any]

_ROLES = ("_column", "_columns", "spans_deliveries")  # how the attributes end that single columns out


def interface(contract: Contract) -> Interface:
    """What a contract promises, in plain records whose order says nothing."""
    return {
        "version": contract.version,
        "submission_rule": contract.submission_rule,
        "record_key": list(contract.record_key),
        "missing_texts": sorted(contract.missing_texts),
        "roles": {one.name: getattr(contract, one.name) for one in fields(contract) if one.name.endswith(_ROLES)},
        "dialects": {name: _dialect(dialect) for name, dialect in contract.dialects.items()},
        "columns": {column.name: _column(column, contract) for column in contract.columns},
        "rules": {rule.code: _rule(rule) for rule in contract.rules},
    }


def _dialect(dialect: Dialect) -> dict[str, Any]:
    return {"date_formats": list(dialect.date_formats)}


def _column(column: ContractColumn, contract: Contract) -> dict[str, Any]:
    carried = [name for name, dialect in contract.dialects.items() if column.name not in dialect.lacks]
    return {
        "type": column.physical_type,
        "unit": column.unit,
        "classification": column.classification,
        "headers": {name: column.header_in(name) for name in carried},
        "may_be_absent": column.may_be_absent,
        "caseless": column.is_caseless,
        "missing_values": sorted(column.missing_values),
        "local_codes": sorted(
            f"{one.code} means {one.means} in {one.dialect or 'every dialect'}, {one.first or ''}..{one.last or ''}"
            for one in column.local_codes
        ),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    argument = rule.argument
    if isinstance(argument, date):
        argument = str(argument)
    elif isinstance(argument, tuple):
        argument = sorted(argument)
    return {
        "kind": rule.kind,
        "column": rule.column,
        "severity": rule.severity,
        "argument": argument,
        "count": rule.limit.count,
        "rate": rule.limit.rate,
    }
