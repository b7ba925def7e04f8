"""Great Expectations on DuckDB, in a process of its own: `python -m pipelines.expectation_worker`.

Reads a question a line (`{"feed": …, "files": {file: [released rules]}}`) and answers `{"broken": {rule: rows},
"warned": {rule: rows}, "records": […]}` or `{"error": …}`. It takes seconds to import, which is why it runs beside the
run. Beside this module, only `data_docs.py` imports Great Expectations.

Belongs here: the suite that follows from a contract, and running it over accepted files.
Does not belong here: when it runs and what follows (`expectations.py`); showing what was found (`data_docs.py`).
"""

import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import great_expectations as gx

import pipelines.gx_duckdb  # noqa: F401  registers the data source
from pipelines.engine import read_parquet
from schemas.contract import Contract, Rule, contracts

_COUNTS = ("element_count", "missing_count", "missing_percent", "unexpected_count", "unexpected_percent")


@dataclass(frozen=True)
class Proof:
    """What accepted rows were found to break.

    Attributes:
        broken: rows by rule that ought to have been rejected.
        warned: rows by rule that only warns, or that was released for the delivery.
        record: the result as Great Expectations keeps it, without any value of a cell.
    """

    broken: dict[str, int]
    warned: dict[str, int]
    record: dict[str, Any]


def _expected(contract: Contract) -> list[Rule]:
    """What can be looked for in accepted rows: a value that stands for a missing one is already read as missing."""
    return [rule for rule in contract.rules if rule.kind in _EXPECTATIONS]


_EXPECTATIONS: Mapping[str, tuple[str, Any]] = {
    "required": ("ExpectColumnValuesToNotBeNull", lambda rule: {}),
    "enum": ("ExpectColumnValuesToBeInSet", lambda rule: {"value_set": list(rule.argument)}),
    "pattern": ("ExpectColumnValuesToMatchRegex", lambda rule: {"regex": rule.argument}),
    "length": ("ExpectColumnValueLengthsToBeBetween", lambda rule: {"max_value": rule.argument}),
    "minimum": ("ExpectColumnValuesToBeBetween", lambda rule: {"min_value": rule.argument}),
    "maximum": ("ExpectColumnValuesToBeBetween", lambda rule: {"max_value": rule.argument}),
    "row_predicate": ("UnexpectedRowsExpectation", lambda rule: {"unexpected_rows_query": _rows_that_break(rule)}),
}


def _rows_that_break(rule: Rule) -> str:
    return f"select source_row from {{batch}} where {rule.argument}"


def suite(contract: Contract) -> gx.ExpectationSuite:
    """The contract as an expectation suite; each expectation carries its rule code."""
    found = gx.ExpectationSuite(name=f"{contract.feed} {contract.version}")
    for rule in _expected(contract):
        kind, arguments = _EXPECTATIONS[rule.kind]
        column = {"column": rule.column} if rule.column else {}
        found.add_expectation(
            getattr(gx.expectations, kind)(
                **column,
                **arguments(rule),
                severity="warning" if rule.severity == "warn" else "critical",
                meta={"rule": rule.code},
                description=f"{rule.code}: broken where {rule.message}",
            )
        )
    return found


def prove(contract: Contract, files: Iterable[Path], released: Collection[str] = ()) -> Proof:
    """What the accepted files break, by Great Expectations on DuckDB.

    Raises:
        RuntimeError: if an expectation could not be evaluated, which Great Expectations reports as mere failure.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    source = context.data_sources.add_duckdb(contract.feed, connection_string="duckdb:///:memory:")
    source.create_view(contract.feed, f"select * from {read_parquet(*files)}")
    batch = source.add_table_asset(contract.feed, table_name=contract.feed).add_batch_definition_whole_table("all")
    validation = gx.ValidationDefinition(name=contract.feed, data=batch, suite=context.suites.add(suite(contract)))
    result = context.validation_definitions.add(validation).run(
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
    )
    tolerated = {rule.code for rule in contract.rules if rule.severity == "warn"} | set(released)
    broken: dict[str, int] = {}
    warned: dict[str, int] = {}
    for one in result.results:
        assert one.expectation_config
        code = one.expectation_config.meta["rule"]
        if any(info.get("raised_exception") for info in _exceptions(one.exception_info)):
            raise RuntimeError(f"{code}: Great Expectations could not evaluate the rule.")
        if not one.success:
            rows = one.result.get("unexpected_count") or one.result.get("observed_value") or 1
            (warned if code in tolerated else broken)[code] = rows
    return Proof(broken, warned, _counts_only(result.to_json_dict()))


def broken_expectations(contract: Contract, files: Iterable[Path]) -> dict[str, int]:
    """Rows by rule that the accepted files break and ought not to."""
    return prove(contract, files).broken


def _counts_only(record: dict[str, Any]) -> dict[str, Any]:
    """The record without anything that was observed but counts."""
    for one in record["results"]:
        found, kind = one["result"], one["expectation_config"]["type"]
        one["result"] = {name: found[name] for name in _COUNTS if name in found}
        if kind == "unexpected_rows_expectation":
            one["result"]["observed_value"] = found["observed_value"]  # of this kind, a count of rows
        one["exception_info"] = {"raised_exception": False, "exception_message": None, "exception_traceback": None}
    return record


def _exceptions(info: Any) -> list[Mapping[str, Any]]:
    """One record, or one per metric."""
    if not info:
        return []
    return [info] if "raised_exception" in info else [each for each in info.values() if isinstance(each, Mapping)]


def main() -> None:
    """Answer questions until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = sys.stderr  # whatever a library prints must not pass for an answer
    for question in sys.stdin:
        answers.write(json.dumps(_answer(**json.loads(question))) + "\n")
        answers.flush()


def _answer(feed: str, files: Mapping[str, list[str]]) -> dict[str, Any]:
    try:
        return answer(contracts()[feed], {Path(file): tuple(released) for file, released in files.items()})
    except Exception as error:
        return {"error": str(error) if isinstance(error, RuntimeError) else type(error).__name__}


def answer(contract: Contract, files: Mapping[Path, tuple[str, ...]]) -> dict[str, Any]:
    """Prove the files, those of deliveries with the same released rules together."""
    groups = sorted(set(files.values()))
    proofs = [prove(contract, [file for file in files if files[file] == rules], rules) for rules in groups]
    return {
        "broken": _added_up(proof.broken for proof in proofs),
        "warned": _added_up(proof.warned for proof in proofs),
        "records": [proof.record for proof in proofs],
    }


def _added_up(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        for code, rows in one.items():
            found[code] = found.get(code, 0) + rows
    return found


if __name__ == "__main__":
    main()
