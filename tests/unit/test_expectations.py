"""Great Expectations proves accepted rows independently: a broken file is caught for each kind of rule."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assets.feeds.current import build_feed
from pipelines.expectation_worker import broken_expectations, suite
from pipelines.expectations import begin_proof, finish_proof
from schemas.contract import Contract

IN_MAY = {"Visit": "v9", "Date": "2024-05-15"}
MAY = ("2024-05-01", "2024-05-31")

# A bad value in the second of three rows, by the rule that it breaks.
BROKEN = {
    "visit.provider_code.required": pl.col("provider_code").replace("RB2", None),
    "visit.mode.enum": pl.col("mode").replace("heard", "smelt"),
    "visit.provider_code.pattern": pl.col("provider_code").replace("RB2", "surgery"),
    "visit.visit_id.length": pl.col("visit_id").replace("v2", "visit two"),
    "visit.minutes.minimum": pl.col("minutes").replace(2, 0),
    "visit.minutes.maximum": pl.col("minutes").replace(2, 61),
    "visit.outside_period": pl.col("visit_date").replace(pl.date(2024, 4, 2), pl.date(2024, 6, 1)),
}


@pytest.fixture
def accepted(deliver, home, visit):
    """The accepted rows of one delivery, as a path."""
    deliver(
        "april",
        {"Visit": "v1", "Date": "2024-04-01"},
        {"Visit": "v2", "Date": "2024-04-02", "Provider": "RB2", "Mode": "heard", "Minutes": "2"},
        {"Visit": "v3", "Date": "2024-04-03", "Mode": None, "Minutes": None, "Price": None},
    )
    [path] = home.store.paths(build_feed(home.store, home.landing, visit))
    return path


@pytest.fixture
def spoil(accepted):
    def change(expression: pl.Expr):
        pl.read_parquet(accepted).with_columns(expression).write_parquet(accepted)
        return accepted

    return change


def test_rows_that_meet_the_contract_break_nothing(accepted, visit):
    assert broken_expectations(visit, [accepted]) == {}


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_file_is_caught_and_counted(spoil, visit, code):
    assert broken_expectations(visit, [spoil(BROKEN[code])]) == {code: 1}


def test_every_kind_of_rule_but_those_of_the_door_has_an_example(visit):
    kinds = {rule.kind for rule in visit.rules if rule.code in BROKEN}
    assert kinds == {rule.kind for rule in visit.rules} - {"type", "duplicate_record"}


def test_two_broken_rules_are_both_counted(spoil, visit):
    expression = [pl.col("minutes").fill_null(0), pl.lit("smelt").alias("mode")]
    assert broken_expectations(visit, [spoil(expression)]) == {"visit.minutes.minimum": 1, "visit.mode.enum": 3}


def test_every_file_is_looked_at(spoil, visit, accepted, tmp_path):
    whole = tmp_path / "whole.parquet"
    whole.write_bytes(accepted.read_bytes())
    assert broken_expectations(visit, [whole, spoil(BROKEN["visit.mode.enum"])]) == {"visit.mode.enum": 1}


def test_a_rule_that_cannot_be_evaluated_is_no_mere_failure(accepted, visit):
    rows = pl.read_parquet(accepted).drop("minutes")
    rows.write_parquet(accepted)
    with pytest.raises(RuntimeError, match=r"visit\.minutes\.minimum: .* could not evaluate"):
        broken_expectations(visit, [accepted])


def test_the_suite_follows_from_the_contract(visit: Contract):
    found = suite(visit)
    codes = [expectation.meta["rule"] for expectation in found.expectations]
    assert codes == [rule.code for rule in visit.rules if rule.kind not in {"type", "duplicate_record"}]


class Proofs:
    """In place of the helper process: notes the deliveries that it is asked to prove, and answers at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.finds: dict[str, object] = {"broken": {}}
        self._open: set[str] = set()

    def ask(self, name: str, question: dict) -> None:
        self.asked.extend(Path(file).parent.name for file in question["files"])
        self._open.add(name)

    def answer(self, name: str) -> dict | None:
        if name not in self._open:
            return None
        self._open.remove(name)
        return self.finds


@pytest.fixture
def proofs() -> Proofs:
    return Proofs()


@pytest.fixture
def run(home, visit, proofs):
    """Builds the feed and proves it, as one run does; rows by broken rule."""

    def once(contract: Contract = visit) -> dict[str, int]:
        build_feed(home.store, home.landing, contract)
        opened = replace(home, beside=proofs)
        begin_proof(opened, contract)
        return finish_proof(opened, contract)

    return once


def test_each_delivery_is_proved_once(deliver, run, proofs):
    deliver("april", {})
    assert run() == {}
    deliver("may", IN_MAY, period=MAY)
    assert run() == run() == {}
    assert proofs.asked == ["april", "may"]


def test_a_delivery_under_a_changed_contract_is_proved_again(deliver, run, proofs, visit):
    deliver("april", {})
    run(visit)
    run(replace(visit, missing_texts=("NULL",)))
    assert proofs.asked == ["april", "april"]


def test_a_broken_delivery_is_proved_until_it_holds(deliver, run, proofs):
    deliver("april", {})
    proofs.finds = {"broken": {"visit.mode.enum": 1}}
    assert run() == run() == {"visit.mode.enum": 1}
    proofs.finds = {"broken": {}}
    assert run() == run() == {}
    assert proofs.asked == ["april"] * 3


def test_a_proof_that_failed_stops_the_run_and_is_made_again(deliver, run, proofs):
    deliver("april", {})
    proofs.finds = {"error": "visit.mode.enum: could not be evaluated."}
    with pytest.raises(RuntimeError, match=r"visit: .*visit\.mode\.enum"):
        run()
    proofs.finds = {"broken": {}}
    assert run() == {}
    assert proofs.asked == ["april", "april"]


def test_a_proof_that_was_not_begun_is_made_when_it_is_wanted(deliver, home, visit, proofs):
    deliver("april", {})
    build_feed(home.store, home.landing, visit)
    assert finish_proof(replace(home, beside=proofs), visit) == {}
    assert proofs.asked == ["april"]


def test_a_feed_without_deliveries_has_nothing_to_prove(run, proofs):
    assert run() == {}
    assert proofs.asked == []
