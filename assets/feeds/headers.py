"""Which dialect a file speaks, from its headers.

Belongs here: from headers as sent to the contract's columns.
Does not belong here: the rows (`reading.py`); casts and rules (`schemas/row_checks.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from assets.feeds.delivery import Delivery, RefusedDeliveryError
from assets.feeds.identifiers import GateColumn
from schemas.contract_model import Contract, ContractColumn, Dialect
from schemas.row_checks import RAW, Form


@dataclass(frozen=True)
class Headers:
    """One file's headers, matched with the contract's columns under one dialect."""

    form: Form
    found: dict[str, str]
    all: tuple[str, ...]

    def raw_columns(self) -> list[pl.Expr]:
        """Each column that the file carries as `raw:<name>`."""
        return [pl.col(header).alias(RAW + name) for name, header in self.found.items()]

    def gate_columns(self) -> list[GateColumn]:
        """Every column of the file as the identifier gate looks at it."""
        contract = self.form.contract
        known = {self.found[column.name]: column for column in contract.columns if column.name in self.found}
        return [
            GateColumn(
                header,
                is_known=header in known,
                is_pseudonym=header in known and known[header].classification == "pseudonym",
                is_date=header in known and known[header].physical_type == "DATE",
                is_key=header in known and known[header].name in contract.record_key,
            )
            for header in self.all
        ]


def match_headers(file: str, headers: Sequence[str], delivery: Delivery, contract: Contract) -> Headers:
    """The dialect under whose headers a file carries most columns and lacks none.

    Case and outer spaces are not compared. Where a delivery names its dialect, only that one is tried.

    Raises:
        RefusedDeliveryError: if no dialect fits, naming the columns that the nearest one misses.
    """
    if delivery.dialect and delivery.dialect not in contract.dialects:
        raise RefusedDeliveryError(f"names a dialect that is none of {', '.join(contract.dialects)}. Correct it.")
    tried = [contract.dialects[delivery.dialect]] if delivery.dialect else list(contract.dialects.values())
    sent: dict[str, list[str]] = {}
    for header in headers:
        sent.setdefault(header.strip().lower(), []).append(header)
    outcomes = [(dialect, *_match(sent, contract, dialect)) for dialect in tried]
    dialect, found, missing = min(outcomes, key=lambda outcome: (len(outcome[2]), -len(outcome[1])))
    if missing:
        where = "" if dialect == contract.own_dialect else f" of dialect {dialect.name}"
        names = ", ".join(column.header_in(dialect.name) for column in missing)
        raise RefusedDeliveryError(f"{file} lacks {len(missing)} columns{where}: {names}. Send them.")
    if twice := sum(len(sent[header.strip().lower()]) > 1 for header in found.values()):
        raise RefusedDeliveryError(f"{file} has {twice} headers twice. Name each column once.")
    form = Form(contract, dialect, delivery.period_start, delivery.period_end, frozenset(found))
    return Headers(form, found, tuple(headers))


def _match(
    sent: dict[str, list[str]], contract: Contract, dialect: Dialect
) -> tuple[dict[str, str], list[ContractColumn]]:
    """The header of each column that the file carries, and the columns that it should carry and does not."""
    found, missing = {}, []
    for column in contract.columns:
        if column.name in dialect.lacks:  # even where a header of that name stands in the file, it is another column
            continue
        header = sent.get(column.header_in(dialect.name).strip().lower())
        if header:
            found[column.name] = header[0]
        elif not column.may_be_absent:
            missing.append(column)
    return found, missing
