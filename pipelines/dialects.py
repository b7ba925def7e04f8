"""The page of dialects: `python -m pipelines.dialects docs/dialects.md`.

Belongs here: headers, ways to write days and local codes of every contract as one page of Markdown.
Does not belong here: any fact about a feed; those are in `data_contracts/`.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipelines.store import write_whole
from schemas.contract import Contract, ContractColumn, contracts
from schemas.contract_model import DEFAULT_DATE_FORMATS

_NOT_CARRIED = "-"
_HEAD = """# Dialects

Written by `python -m pipelines.dialects docs/dialects.md` from `data_contracts/`. Change those, then write this page
again; a test fails while it is stale. How to add a header, a dialect or a code: [contracts.md](contracts.md).

A feed arrives under the headers of one of its dialects. Case, order and outer spaces of headers do not matter. The
dialect is the one under which a file carries most columns and lacks none; `"dialect": "hes"` in `delivery.json` names
it, and must where two dialects share their headers. A dash is a column that the dialect does not carry: it is missing
on every row. A column in brackets may be absent from a file.

Names come from public specifications and code, as the label of the dialect says. *Proposed* means that no source was
read: check the names with the supplier, and correct them in the contract.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for contract in contracts().values() for line in _feed(contract))])


def _feed(contract: Contract) -> Iterator[str]:
    yield f"## {contract.feed}\n"
    for dialect in contract.dialects.values():
        days = "" if dialect.date_formats == DEFAULT_DATE_FORMATS else f"; days as {_code(dialect.date_formats)}"
        yield f"- `{dialect.name}`: {dialect.label}{days}"
    yield from _grid(
        ("column", *(f"`{name}`" for name in contract.dialects)), (_headers(contract, c) for c in contract.columns)
    )
    if contract.missing_texts:
        yield f"The text {_code(contract.missing_texts)} is a missing value in every column.\n"
    missing = [(f"`{c.name}`", _code(c.missing_values)) for c in contract.columns if c.missing_values]
    if missing:
        yield "Values that stand for a missing one; they are counted:"
        yield from _grid(("column", "values"), missing)
    codes = [row for column in contract.columns for row in _codes(column)]
    if codes:
        yield "Values that mean one of the contract's own:"
        yield from _grid(("column", "written", "means", "dialect", "deliveries"), codes)


def _headers(contract: Contract, column: ContractColumn) -> Sequence[str]:
    name = f"[`{column.name}`]" if column.may_be_absent else f"`{column.name}`"
    return name, *(
        _NOT_CARRIED if column.name in dialect.lacks else f"`{column.header_in(dialect.name)}`"
        for dialect in contract.dialects.values()
    )


def _codes(column: ContractColumn) -> Iterator[Sequence[str]]:
    for code in column.local_codes:
        first, last = f"from {code.first}" if code.first else "", f"to {code.last}" if code.last else ""
        yield (
            f"`{column.name}`",
            f"`{code.code}`",
            f"`{code.means}`",
            code.dialect or "any",
            f"{first} {last}".strip() or "all",
        )


def _code(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), page() + "\n")
