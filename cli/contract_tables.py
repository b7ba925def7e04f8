"""A contract as tables for the eye.

Belongs here: how `linked-care contract show` prints a contract.
Does not belong here: any fact about a feed; those are in `data_contracts/`.
"""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.errors import LinkedCareError
from schemas.contract_model import Contract, ContractColumn, Limit, Rule

_SHOWN_CODES = 6


def show_contract(console: Console, contract: Contract, dialect: str | None) -> None:
    """Print grain, submission rule, dialects, columns and rules; with one dialect, its headers alone."""
    if dialect and dialect not in contract.dialects:
        raise LinkedCareError(f"--dialect {dialect}: {contract.feed} has {', '.join(contract.dialects)}.")
    chosen = [dialect] if dialect else list(contract.dialects)
    console.print(_feed(contract))
    console.print(_dialects(contract, chosen))
    console.print(_columns(contract, chosen))
    console.print(_rules(contract))


def _table(title: str, *headers: str) -> Table:
    return Table(*headers, title=title, title_justify="left", title_style="bold")


def _feed(contract: Contract) -> Table:
    table = Table(show_header=False, box=None)
    facts = {
        "feed": f"{contract.feed}, version {contract.version}",
        "holds": contract.description,
        "grain": contract.grain,
        "submission": contract.submission_rule,
        "record key": ", ".join(contract.record_key) or "none",
        "provider": contract.provider_column or "none",
        "activity date": contract.activity_date_column or "none",
        "price": contract.price_column or "none",
        "reaches back": "beyond the period of its delivery" if contract.spans_deliveries else "never",
        "read as missing": ", ".join(map(repr, contract.missing_texts)) or "blanks",
    }
    for name, fact in facts.items():
        table.add_row(name, escape(fact))
    return table


def _dialects(contract: Contract, chosen: Iterable[str]) -> Table:
    table = _table("Dialects", "dialect", "headers of", "dates", "lacks")
    for name in chosen:
        one = contract.dialects[name]
        table.add_row(*map(escape, (name, one.label, ", ".join(one.date_formats), ", ".join(one.lacks))))
    return table


def _columns(contract: Contract, chosen: list[str]) -> Table:
    table = _table(
        "Columns", "column", *(f"header in {name}" for name in chosen), "type", "required", "codes", "missing"
    )
    for column in contract.columns:
        headers = ["" if column.name in contract.dialects[name].lacks else column.header_in(name) for name in chosen]
        needed = "yes" if column.required else ("may be absent" if column.may_be_absent else "")
        missing = ", ".join(map(repr, column.missing_values))
        table.add_row(*map(escape, (column.name, *headers, column.physical_type, needed, _codes(column), missing)))
    return table


def _codes(column: ContractColumn) -> str:
    shown = [
        f"{value} {column.labels[value]}" if column.labels.get(value, value) != value else value
        for value in column.values[:_SHOWN_CODES]
    ]
    more = len(column.values) - len(shown)
    local = [f"{len(column.local_codes)} local codes"] if column.local_codes else []
    return "; ".join([*shown, *([f"and {more} more"] if more else []), *local])


def _rules(contract: Contract) -> Table:
    table = _table("Rules, in order", "code", "a row breaks it if", "category", "severity", "limit")
    for rule in contract.rules:
        table.add_row(*map(escape, (rule.code, rule.message, rule.category, rule.severity, _limit(rule))))
    return table


def _limit(rule: Rule) -> str:
    if rule.limit == Limit():
        return ""
    bounds = [
        *([f"{rule.limit.count:,} rows"] if rule.limit.count is not None else []),
        *([f"{rule.limit.rate:.3%} of rows"] if rule.limit.rate is not None else []),
    ]
    return " or ".join(bounds)
