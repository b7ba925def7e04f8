"""`make bench-dve`: this project's intake beside NHS England's Data Validation Engine, same rules, same file, one run.

Belongs here: the contract's rules in the engine's own language, running both in turn, the table of results.
Does not belong here: calling the engine (`dve_run.py`), making the file (`attendances.py`).
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import attendances
from schemas.contract import Contract, ContractColumn, contracts

TARGETS = {"clean": 20, "every row fails": 50}
_WARM_UP = 1_000  # rows that each program validates first, uncounted
_ENGINE_RUN = Path(__file__).with_name("dve_run.py")
_SOME_KINDS = {
    "string_too_long": "length",
    "greater_than_equal": "minimum",
    "less_than_equal": "maximum",
    "required": "required",
}


@dataclass(frozen=True)
class Outcome:
    """What one program made of the file: seconds, accepted rows, rows by the first rule that each breaks."""

    seconds: float
    accepted: int
    broken: dict[str, int]


def main(
    engine: Annotated[Path, typer.Option(help="Python of the environment that holds the engine.")],
    rows: Annotated[int, typer.Option(min=1_000, max=200_000, help="Rows of each file.")] = 200_000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each program on each file; the median counts.")] = 3,
) -> None:
    """Validate a clean file, and one in which every row fails, with both programs; print speeds, ratios and counts."""
    console = Console(soft_wrap=True)
    table = Table("file", "rows", "program", "seconds", "rows/s", "ratio", "target", title="make bench-dve")
    counts = Table("rule broken", "Linked Care", "engine", title="rows by the first rule that each breaks")
    contract = contracts()[attendances.FEED]
    clean = attendances.some_rows(rows)
    with tempfile.TemporaryDirectory(prefix="linked-care-dve-") as name:
        folder = Path(name)
        small = attendances.deliver_one(clean.head(_WARM_UP), folder / "landing", "warm-up")
        rules = folder / "rules.dischema.json"
        rules.write_text(json.dumps(engine_rules(contract)))
        for place, (kind, target) in enumerate(TARGETS.items()):
            frame = attendances.spoiled(clean, contract) if place else clean
            delivery = attendances.deliver_one(frame, folder / "landing", f"file-{place}")
            ours, theirs = [], []
            for repeat in range(repeats):  # in turn, so that both see the same drift of the machine
                ours.append(_ours(delivery, small, folder / f"ours-{place}-{repeat}"))
                theirs.append(_theirs(engine, delivery, small, rules, folder / f"engine-{place}-{repeat}"))
                seconds = f"{ours[-1].seconds:.2f} s and {theirs[-1].seconds:.2f} s"
                console.print(f"{kind}: {seconds}", highlight=False)
            _report(table, kind, frame.height, ours, theirs, target)
            _compare(counts, kind, frame.height, _like_the_engine(ours[-1], contract), _named(theirs[-1], contract))
    console.print(counts)
    console.print(table)


def _ours(delivery: Path, small: Path, shelf: Path) -> Outcome:
    return _run(sys.executable, "-m", "benchmarks.take_in", delivery, small, shelf)


def _theirs(engine: Path, delivery: Path, small: Path, rules: Path, folder: Path) -> Outcome:
    return _run(engine, _ENGINE_RUN, delivery / "rows.csv", small / "rows.csv", rules, folder, *attendances.YEAR)


def _run(*command: object) -> Outcome:
    """The outcome of a process that prints it last. Nothing samples the process, which would slow it down."""
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{command[1]} failed: {run.stderr[-2000:]}")
    return Outcome(**json.loads(run.stdout.strip().splitlines()[-1]))


def _report(table: Table, kind: str, rows: int, ours: list[Outcome], theirs: list[Outcome], target: int) -> None:
    seconds = [statistics.median(run.seconds for run in runs) for runs in (ours, theirs)]
    speeds = [f"{rows / each:,.0f}" for each in seconds]
    ratio = f"{seconds[1] / seconds[0]:.1f} x"
    table.add_row(kind, f"{rows:,}", "Linked Care", f"{seconds[0]:.2f}", speeds[0], ratio, f"{target} x")
    table.add_row("", "", "engine", f"{seconds[1]:.2f}", speeds[1], "", "")


def _compare(counts: Table, kind: str, rows: int, ours: Outcome, theirs: Outcome) -> None:
    counts.add_section()
    counts.add_row(f"{kind}: accepted", f"{ours.accepted:,}", f"{theirs.accepted:,}")
    for code in sorted(ours.broken.keys() | theirs.broken.keys()):
        found = ours.broken.get(code, 0), theirs.broken.get(code, 0)
        note = "" if found[0] == found[1] else " DIFFERS"
        counts.add_row(code, f"{found[0]:,}", f"{found[1]:,}{note}")
    for outcome in (ours, theirs):
        if outcome.accepted + sum(outcome.broken.values()) != rows:
            raise RuntimeError(f"{kind}: accepted and rejected rows do not add up to {rows:,}; no speed can be stated.")


def _like_the_engine(outcome: Outcome, contract: Contract) -> Outcome:
    """Counts under the names that can be told apart in the engine's messages: it says of a date only that it is bad."""
    dates = [column.name for column in contract.columns if column.physical_type == "DATE"]
    merged = {f"{contract.feed}.{name}.{kind}": f"{contract.feed}.{name}.type or minimum"
              for name in dates for kind in ("type", "minimum")}  # fmt: skip
    return _renamed(outcome, merged)


def _named(outcome: Outcome, contract: Contract) -> Outcome:
    """The engine's counts under this project's rule codes."""
    columns = {column.header: column for column in contract.columns}
    names = {}
    for label in outcome.broken:
        header, _, error = label.partition(":")
        if column := columns.get(header):
            names[label] = f"{contract.feed}.{column.name}.{_kind(column, error)}"
    return _renamed(outcome, names)


def _kind(column: ContractColumn, error: str) -> str:
    if error in _SOME_KINDS:
        return _SOME_KINDS[error]
    if error == "string_pattern_mismatch":
        return "enum" if column.values else "pattern"
    return "type or minimum" if column.physical_type == "DATE" else "type"


def _renamed(outcome: Outcome, names: dict[str, str]) -> Outcome:
    broken: Counter[str] = Counter()
    for code, rows in outcome.broken.items():
        broken[names.get(code, code)] += rows
    return Outcome(outcome.seconds, outcome.accepted, dict(broken))


def engine_rules(contract: Contract) -> dict[str, Any]:
    """The contract in the engine's language: columns and limits as its data contract, the rest as its filters.

    Limits could be filters, too; in its data contract they take the engine less time. Rules that only warn, and columns
    that the file does not have, are ours alone.
    """
    feed, numbered = contract.feed, "__record_of_key__"
    headers = {column.name: column.header for column in contract.columns}
    key = ", ".join(f'"{headers[name]}"' for name in contract.record_key)
    first_of_key = f"row_number() OVER (PARTITION BY {key} ORDER BY __record_index__)"
    filters = [
        _filter(feed, rule.code, f"coalesce(NOT ({_in_headers(rule.argument, headers)}), TRUE)")
        for rule in attendances.rejecting_rules(contract)
        if rule.kind == "row_predicate"
    ]
    return {
        "contract": {
            "datasets": {
                feed: {
                    "fields": {column.header: _field(column) for column in attendances.sent_columns(contract)},
                    "mandatory_fields": [column.header for column in contract.columns if column.required],
                    "reporting_fields": [headers[name] for name in contract.record_key],
                    "reader_config": {".csv": {"reader": "DuckDBCSVReader", "kwargs": {}}},
                }
            }
        },
        "transformations": {
            "parameters": {"entity": feed},
            "rules": [{"operation": "add", "entity": feed, "column_name": numbered, "expression": first_of_key}],
            "filters": [*filters, _filter(feed, f"{feed}.duplicate_record", f"{numbered} = 1")],
            "post_filter_rules": [{"operation": "remove", "entity": feed, "column_name": numbered}],
        },
    }


def _filter(feed: str, code: str, is_good: str) -> dict[str, str]:
    return {
        "entity": feed,
        "name": code,
        "expression": is_good,
        "failure_type": "record",
        "failure_message": code,
        "error_code": code,
    }


def _in_headers(predicate: str, headers: dict[str, str]) -> str:
    """A predicate of the contract over the headers of the file and the days of the period."""
    names = {name: f'"{header}"' for name, header in headers.items()}
    names |= {"period_start": f"DATE '{attendances.YEAR[0]}'", "period_end": f"DATE '{attendances.YEAR[1]}'"}
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), predicate)


def _field(column: ContractColumn) -> dict[str, Any]:
    """Type and limits of one column; the engine's limits are the keyword arguments of its Pydantic types."""
    limits = {name: str(column.options[name]) for name in ("minimum", "maximum") if name in column.options}
    ranged = {{"minimum": "ge", "maximum": "le"}[name]: value for name, value in limits.items()}
    match column.physical_type:
        case "VARCHAR":
            pattern = f"^({'|'.join(column.values)})$" if column.values else column.options.get("pattern")
            length = column.options.get("maxLength")
            named = {"regex": pattern, "max_length": length}
            return {"callable": "constr", "constraints": {k: v for k, v in named.items() if v is not None}}
        case "INTEGER":
            return {"callable": "conint", "constraints": ranged}
        case "DATE":
            return {
                "callable": "conformatteddate",
                "constraints": {"date_format": "%Y-%m-%d", "strict": True, **ranged},
            }
        case _:
            digits, places = column.precision_and_scale
            return {"callable": "condecimal", "constraints": {"max_digits": digits, "decimal_places": places, **ranged}}


if __name__ == "__main__":
    typer.run(main)
