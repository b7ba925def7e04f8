"""Great Expectations on DuckDB, in a process of its own: `python -m pipelines.expectation_worker`.

Reads a question a line (`{"feed": …, "files": […]}`) and answers `{"broken": {rule: rows}}` or `{"error": …}`. It takes
seconds to import, which is why it runs beside the run. Nothing else imports Great Expectations.

Belongs here: the suite that follows from a contract, and running it over accepted files.
Does not belong here: when it runs and what follows (`expectations.py`).
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import great_expectations as gx

import pipelines.gx_duckdb  # noqa: F401  registers the data source
from pipelines.engine import read_parquet
from schemas.contract import Contract, Rule, contracts


def _expected(contract: Contract) -> list[Rule]:
    """The rules that no accepted row breaks; one that only warns keeps the row."""
    return [rule for rule in contract.rules if rule.kind in _EXPECTATIONS and rule.severity != "warn"]


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
                **column, **arguments(rule), meta={"rule": rule.code}, description=rule.message
            )
        )
    return found


def broken_expectations(contract: Contract, files: list[Path]) -> dict[str, int]:
    """Rows by rule that the accepted files break, by Great Expectations on DuckDB.

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
    broken = {}
    for one in result.results:
        assert one.expectation_config
        code = one.expectation_config.meta["rule"]
        if any(info.get("raised_exception") for info in _exceptions(one.exception_info)):
            raise RuntimeError(f"{code}: Great Expectations could not evaluate the rule.")
        if not one.success:
            broken[code] = one.result.get("unexpected_count") or one.result.get("observed_value") or 1
    return broken


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


def _answer(feed: str, files: list[str]) -> dict[str, Any]:
    try:
        return {"broken": broken_expectations(contracts()[feed], [Path(file) for file in files])}
    except Exception as error:
        return {"error": str(error) if isinstance(error, RuntimeError) else type(error).__name__}


if __name__ == "__main__":
    main()
