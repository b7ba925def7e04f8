"""The data dictionary: `python -m pipelines.dictionary docs/dictionary.md`.

Belongs here: the declarations and contracts as one page of Markdown.
Does not belong here: any fact about a table or feed; those are in `schemas/` and `data_contracts/`.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path

from pipelines.store import write_whole
from schemas.catalogue import ASIDE, TABLES
from schemas.contract import PROVENANCE, Contract, ContractColumn, Rule, contracts
from schemas.contract_model import Limit
from schemas.table import STEPS, Column, Table

_HEAD = """# Data dictionary

Written by `python -m pipelines.dictionary docs/dictionary.md` from `schemas/` and `data_contracts/`. Change those, then
write this page again; a test fails while it is stale.

A table of the zone *restricted* is in `outputs/restricted/<table>/` and, as a view, in `outputs/linked_care.duckdb`.
A table of the zone *store* stays in `store/`. A table kept by year has one folder `financial_year=2024-25` a year; its
key identifies a row within the year, so across years add `financial_year`. A column marked *optional* can be null.
"""
_FEEDS_HEAD = """Feeds are what suppliers deliver, as their contracts describe it, under the headers of the contract's
own dialect; those of the others are in [dialects.md](dialects.md). A rejected row goes to quarantine under the code of
the first rejecting rule it breaks, in the order given. `period_start` and `period_end` are those of the delivery."""


def dictionary() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_contents(), *_tables(), *_aside(), *_feeds()])


def _contents() -> Iterator[str]:
    yield "## Contents\n"
    for step, tables in _by_step():
        yield f"- {step}: {_links(table.name for table in tables)}"
    yield f"- beside: {_links(ASIDE)}"
    yield f"- delivered: {_links(contracts())}\n"


def _links(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}](#{name})" for name in names)


def _by_step() -> Iterator[tuple[str, list[Table]]]:
    ordered = sorted(TABLES.values(), key=lambda table: STEPS.index(table.step))
    for step, tables in groupby(ordered, key=lambda table: table.step):
        yield step, list(tables)


def _tables() -> Iterator[str]:
    for step, tables in _by_step():
        yield f"## Step {STEPS.index(step) + 1}: {step}\n"
        for table in tables:
            yield from _table(table)


def _aside() -> Iterator[str]:
    yield "## Made by commands, in no release\n"
    for table in ASIDE.values():
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    kept = "kept by financial year" if table.by_year else "kept whole"
    yield f"### {table.name}\n"
    yield f"{table.description}\n"
    yield f"- Grain: {table.grain}"
    if table.denominator:
        yield f"- Denominator: {table.denominator}"
    yield from (f"- Caveat: {caveat}" for caveat in table.caveats)
    yield f"- Key: {_code(table.key)}"
    yield f"- Zone: {table.zone}, {kept}"
    if table.sources:
        yield f"- Sources: {_links(table.sources)}"
    if table.sources_before:
        yield f"- Sources, the year before: {_links(table.sources_before)}"
    if table.pence_columns:
        within = f" by {_code(table.control)}" if table.control else ", in all"
        yield f"- Control totals: rows and each column of pence{within}"
    yield from _grid(("column", "type", "unit", "description"), map(_column, table.columns))


def _column(column: Column) -> Sequence[str]:
    kind = f"{column.type}, optional" if column.nullable else column.type
    return f"`{column.name}`", kind, column.unit or "", column.description


def _feeds() -> Iterator[str]:
    yield "## Feeds, as delivered\n"
    yield f"{_FEEDS_HEAD}\n"
    yield "Every accepted row also carries where it came from:"
    yield from _grid(("column", "type", "description"), ((f"`{n}`", str(t), d) for n, (t, d) in PROVENANCE.items()))
    for contract in contracts().values():
        yield from _feed(contract)


def _feed(contract: Contract) -> Iterator[str]:
    yield f"### {contract.feed}\n"
    yield f"{contract.description}\n"
    yield f"- Grain: {contract.grain}"
    yield f"- Contract: version {contract.version}, `data_contracts/{contract.feed}.odcs.yaml`"
    yield f"- Submission: {contract.submission_rule}"
    yield f"- Expected: {contract.rhythm}, {contract.due_days} days after the end of the period"
    if contract.spans_deliveries:
        yield "- A record can reach back beyond the period of its delivery"
    if contract.record_key:
        yield f"- Record key: {_code(contract.record_key)}"
    for role in fields(contract):
        if role.name.endswith("_column") and (column := getattr(contract, role.name)):
            yield f"- {role.name.removesuffix('_column').replace('_', ' ').capitalize()}: `{column}`"
    yield from _grid(
        ("header", "column", "type", "required", "unit", "description"), map(_delivered_column, contract.columns)
    )
    yield "Rules, in order:"
    yield from _grid(("code", "a row breaks it if", "category", "then", "limit"), map(_rule, contract.rules))


def _delivered_column(column: ContractColumn) -> Sequence[str]:
    required = "yes" if column.required else ""
    return (
        f"`{column.header}`",
        f"`{column.name}`",
        column.physical_type,
        required,
        column.unit or "",
        column.description,
    )


def _rule(rule: Rule) -> Sequence[str]:
    values = f": {', '.join(rule.argument)}" if rule.kind == "enum" else ""
    return f"`{rule.code}`", rule.message + values, rule.category, _THEN[rule.severity], _limit(rule.limit)


_THEN = {"warn": "row kept", "reject": "row rejected", "refuse": "row rejected; over the limit, delivery refused"}


def _limit(limit: Limit) -> str:
    count = "" if limit.count is None else f"{limit.count} rows"
    rate = "" if limit.rate is None else f"{limit.rate:.0%} of rows"
    return ", ".join(filter(None, (count, rate)))


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _grid(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(headers)} |"
    yield f"|{'---|' * len(headers)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"
    yield ""


def _cell(text: str) -> str:
    """A bar would end the cell, and a star of a pattern would slant the text."""
    return text.replace("|", r"\|").replace("*", r"\*")


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), dictionary())
