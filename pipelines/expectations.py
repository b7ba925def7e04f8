"""Great Expectations over accepted rows: the one module that imports it, and only when a check runs.

Belongs here: the suite that follows from a contract, its DuckDB data source, the asset check with counts only.
Does not belong here: rejecting rows, which the feeds step does before this check proves it independently.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.home import Home
from pipelines.progress import computing
from pipelines.resources import HomeResource
from pipelines.store import Store, write_whole
from schemas.contract import Contract, Rule

if TYPE_CHECKING:
    import great_expectations as gx

_PROVED = "expectations.json"


def contract_expectations(contract: Contract) -> dg.AssetChecksDefinition:
    """The check that a feed's accepted rows meet its contract."""

    @dg.asset_check(
        asset=contract.feed,
        name="contract_expectations",
        blocking=True,
        description="Accepted rows meet every rule of the contract, by Great Expectations. Counts only.",
        op_tags={"dagster/priority": "-1"},  # after the other feeds, while which the proof goes on beside the run
    )
    def check(home: HomeResource) -> dg.AssetCheckResult:
        with computing("feeds", f"{contract.feed} expectations"):
            broken = home.home.beside.result(*proof(home.home, contract))
        return dg.AssetCheckResult(
            passed=not broken, metadata={"expectations": len(_expected(contract)), "broken": broken}
        )

    return check


def begin_proof(home: Home, contract: Contract) -> None:
    """Begin to prove a feed's new deliveries beside the run."""
    home.beside.begin(*proof(home, contract))


def proof(home: Home, contract: Contract) -> tuple[str, Callable[[], dict[str, int]]]:
    """The proof of a feed as a named piece of work."""
    return f"{contract.feed} expectations", lambda: prove_new_deliveries(home.store, contract)


def prove_new_deliveries(store: Store, contract: Contract) -> dict[str, int]:
    """Run the suite over the current deliveries that no earlier run has proved; rows by broken rule."""
    stored = store.require(contract.feed)
    record = store.folder(contract.feed) / _PROVED
    proved = set(json.loads(record.read_text())) if record.exists() else set()
    new = [path for path, digest in zip(store.paths(stored), stored.digests, strict=True) if digest not in proved]
    if not new or not stored.periods:
        return {}
    broken = broken_expectations(contract, new)
    if not broken:
        write_whole(record, json.dumps(sorted(proved | set(stored.digests))))
    return broken


def _expected(contract: Contract) -> list[Rule]:
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


def suite(contract: Contract) -> "gx.ExpectationSuite":
    """The contract as an expectation suite; each expectation carries its rule code."""
    import great_expectations as gx

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
    import great_expectations as gx

    import pipelines.gx_duckdb  # noqa: F401  registers the data source

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    source = context.data_sources.add_duckdb(contract.feed, connection_string="duckdb:///:memory:")
    source.create_view(contract.feed, f"select * from read_parquet({[str(path) for path in files]})")
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
