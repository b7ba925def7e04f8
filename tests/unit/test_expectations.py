"""Great Expectations proves accepted rows independently: a broken file is caught for each kind of rule."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assets.feeds.current import build_feed
from assets.feeds.delivery import read_delivery
from assets.feeds.intake import take_in
from assets.feeds.receipt import Receipt, accepted_files
from pipelines.expectation_worker import answer, broken_expectations, prove, suite
from pipelines.expectations import RECORDS, Found, begin_proof, finish_proof
from schemas.contract import Contract
from schemas.contract_model import Severity

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


NOTHING = {"broken": {}, "warned": {}, "records": []}


def with_severity(contract: Contract, column: str, kind: str, severity: Severity) -> Contract:
    columns = [replace(c, severities={kind: severity}) if c.name == column else c for c in contract.columns]
    return replace(contract, columns=tuple(columns))


def test_a_rule_that_only_warns_is_counted_and_breaks_nothing(spoil, visit):
    """Its rows are accepted, so that a proof that failed on them would stop every run."""
    contract = with_severity(visit, "mode", "enum", "warn")
    proof = prove(contract, [spoil([pl.lit("smelt").alias("mode"), BROKEN["visit.minutes.minimum"]])])
    assert proof.warned == {"visit.mode.enum": 3}
    assert proof.broken == {"visit.minutes.minimum": 1}


def test_a_rule_that_refuses_deliveries_breaks_like_one_that_rejects(spoil, visit):
    contract = with_severity(visit, "mode", "enum", "refuse")
    assert prove(contract, [spoil(BROKEN["visit.mode.enum"])]).broken == {"visit.mode.enum": 1}


def test_rows_that_were_warned_of_at_the_door_are_found_again(deliver, home, visit):
    contract = with_severity(visit, "minutes", "maximum", "warn")
    deliver("april", {"Visit": "v1", "Minutes": "61"}, {"Visit": "v2", "Minutes": "90"}, {"Visit": "v3"})
    stored = build_feed(home.store, home.landing, contract)
    found = answer(contract, dict.fromkeys(home.store.paths(stored), ()))
    assert (found["broken"], found["warned"]) == ({}, {"visit.minutes.maximum": 2})


def test_a_value_that_stands_for_a_missing_one_is_nothing_to_expect_of_accepted_rows(deliver, home, visit):
    columns = [replace(c, missing_values=("unsaid",)) if c.name == "mode" else c for c in visit.columns]
    contract = replace(visit, columns=tuple(columns))
    deliver("april", {"Mode": "unsaid"})
    stored = build_feed(home.store, home.landing, contract)
    assert "visit.mode.missing_value" not in [e.meta["rule"] for e in suite(contract).expectations]
    found = answer(contract, dict.fromkeys(home.store.paths(stored), ()))
    assert (found["broken"], found["warned"]) == ({}, {})


@pytest.fixture
def released(deliver, home, visit):
    """One delivery taken in with a rule released and one without: their accepted files."""
    may_as_well = frozenset({"visit.minutes.maximum", "visit.price.type"})
    for name, rules in (("april", may_as_well), ("may", frozenset())):
        period = MAY if name == "may" else ("2024-04-01", "2024-04-30")
        row = IN_MAY if name == "may" else {"Minutes": "61"}
        folder = deliver(name, row, {**row, "Visit": "v2"}, period=period)
        take_in(read_delivery(folder), visit, home.store.root / "visit", rules)
    return {name: accepted_files(home.store.root / "visit" / name) for name in ("april", "may")}


def test_a_rule_released_for_a_delivery_is_counted_there_and_breaks_nothing(released, visit, home):
    receipt = Receipt.load(home.store.root / "visit" / "april" / "receipt.json")
    assert (receipt.released, receipt.released_rows) == (("visit.minutes.maximum",), 2)
    files = dict.fromkeys(released["april"], receipt.released) | dict.fromkeys(released["may"], ())
    found = answer(visit, files)
    assert (found["broken"], found["warned"]) == ({}, {"visit.minutes.maximum": 2})
    assert len(found["records"]) == 2


def test_a_rule_released_for_one_delivery_still_breaks_in_another(released, visit):
    [may] = released["may"]
    pl.read_parquet(may).with_columns(pl.lit(61, pl.Int32).alias("minutes")).write_parquet(may)
    files = dict.fromkeys(released["april"], ("visit.minutes.maximum",)) | {may: ()}
    found = answer(visit, files)
    assert (found["broken"], found["warned"]) == ({"visit.minutes.maximum": 2}, {"visit.minutes.maximum": 2})


class Proofs:
    """In place of the helper process: notes the deliveries that it is asked to prove, and answers at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.finds: dict[str, object] = dict(NOTHING)
        self._open: set[str] = set()

    def ask(self, name: str, question: dict) -> None:
        self.asked.extend(Path(file).parent.name for file in question["files"])
        self.released = [rules for rules in question["files"].values() if rules]
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
        return finish_proof(opened, contract).broken

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
    proofs.finds = NOTHING | {"broken": {"visit.mode.enum": 1}}
    assert run() == run() == {"visit.mode.enum": 1}
    proofs.finds = NOTHING
    assert run() == run() == {}
    assert proofs.asked == ["april"] * 3


def test_a_proof_that_failed_stops_the_run_and_is_made_again(deliver, run, proofs):
    deliver("april", {})
    proofs.finds = {"error": "visit.mode.enum: could not be evaluated."}
    with pytest.raises(RuntimeError, match=r"visit: .*visit\.mode\.enum"):
        run()
    proofs.finds = NOTHING
    assert run() == {}
    assert proofs.asked == ["april", "april"]


def test_a_proof_that_was_not_begun_is_made_when_it_is_wanted(deliver, home, visit, proofs):
    deliver("april", {})
    build_feed(home.store, home.landing, visit)
    assert finish_proof(replace(home, beside=proofs), visit) == Found({}, {})
    assert proofs.asked == ["april"]


def test_a_feed_without_deliveries_has_nothing_to_prove(run, proofs):
    assert run() == {}
    assert proofs.asked == []


def test_the_proof_is_asked_with_the_rules_released_for_each_delivery(deliver, home, visit, proofs, run):
    deliver("april", {"Minutes": "20"})
    run()
    assert proofs.released == []
    receipt = home.store.root / "visit" / "april" / "receipt.json"
    receipt.write_text(replace(Receipt.load(receipt), released=("visit.mode.enum",)).dump())
    (home.store.root / "visit" / "expectations.json").unlink()
    opened = replace(home, beside=proofs)
    begin_proof(opened, visit)
    assert proofs.released == [("visit.mode.enum",)]


def test_warnings_are_told_and_what_was_found_is_kept(deliver, home, visit, proofs):
    deliver("april", {})
    build_feed(home.store, home.landing, visit)
    proofs.finds = {"broken": {}, "warned": {"visit.mode.enum": 7}, "records": [{"kept": 1}]}
    opened = replace(home, beside=proofs)
    assert finish_proof(opened, visit) == Found({}, {"visit.mode.enum": 7})
    assert finish_proof(opened, visit) == Found({}, {})  # told once, like the proof is made once
    [record] = (home.store.root / "visit").glob(RECORDS)
    assert json.loads(record.read_text()) == [{"kept": 1}]
