"""The check that accepted rows meet their contract, proved by Great Expectations beside the run.

Belongs here: the asset check, with counts only; which deliveries are still to be proved.
Does not belong here: Great Expectations itself (`expectation_worker.py`); rejecting rows, which the feeds step does
before this check proves it independently.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from assets.feeds.receipt import RECEIPT, Receipt
from pipelines.home import Home
from pipelines.progress import computing
from pipelines.resources import HomeResource
from pipelines.store import fingerprint, write_whole
from schemas.contract_model import Contract

_PROVED = "expectations.json"
RECORDS = "proof-*.json"


@dataclass(frozen=True)
class Found:
    """Rows by rule that newly proved deliveries break: those that should have been rejected, and those that may stand.

    A rule that only warns, or that was released for a delivery, leaves its rows accepted: they are told, and stop
    nothing.
    """

    broken: dict[str, int]
    warned: dict[str, int]


def contract_expectations(contract: Contract) -> dg.AssetChecksDefinition:
    """The check that a feed's accepted rows meet its contract. Each delivery is proved once."""

    @dg.asset_check(
        asset=contract.feed,
        name="contract_expectations",
        blocking=True,
        description="Accepted rows meet every rule of the contract that rejects rows, by Great Expectations. Rows that"
        " break a rule that only warns are counted. Counts only, of deliveries proved by this run.",
        op_tags={"dagster/priority": "-1"},  # after the other feeds, while which the proof goes on beside the run
    )
    def check(home: HomeResource) -> dg.AssetCheckResult:
        with computing("feeds", f"{contract.feed} expectations"):
            found = finish_proof(home.home, contract)
        return dg.AssetCheckResult(
            passed=not found.broken,
            metadata={"rules": len(contract.rules), "broken": found.broken, "warned": found.warned},
        )

    return check


def begin_proof(home: Home, contract: Contract) -> None:
    """Begin to prove, beside the run, the current deliveries that no earlier run has proved."""
    new = _unproved(home, contract)
    if new:
        released = {path: Receipt.load(path.parent / RECEIPT).released for path in new}
        home.beside.ask(contract.feed, {"feed": contract.feed, "files": {str(path): released[path] for path in new}})


def finish_proof(home: Home, contract: Contract) -> Found:
    """What was found, once the proof has ended.

    Raises:
        RuntimeError: if an expectation could not be evaluated.
    """
    answer = home.beside.answer(contract.feed)
    if answer is None:
        begin_proof(home, contract)
        answer = home.beside.answer(contract.feed) or {"broken": {}, "warned": {}, "records": []}
    if "error" in answer:
        raise RuntimeError(f"{contract.feed}: Great Expectations could not prove the contract: {answer['error']}")
    folder, new = home.store.folder(contract.feed), _unproved(home, contract)
    if new:
        key = fingerprint(sorted(new.values()))[:16]
        write_whole(folder / RECORDS.replace("*", key), json.dumps(answer["records"]))
    if not answer["broken"]:
        digests = home.store.require(contract.feed).digests
        write_whole(folder / _PROVED, json.dumps(sorted(_proved(home, contract) | set(digests))))
    return Found(answer["broken"], answer["warned"])


def _unproved(home: Home, contract: Contract) -> dict[Path, str]:
    """Files of current deliveries that no run has proved, with their digests."""
    stored = home.store.require(contract.feed)
    if not stored.periods:
        return {}
    proved = _proved(home, contract)
    files = zip(home.store.paths(stored), stored.digests, strict=True)
    return {path: digest for path, digest in files if digest not in proved}


def _proved(home: Home, contract: Contract) -> set[str]:
    record = home.store.folder(contract.feed) / _PROVED
    return set(json.loads(record.read_text())) if record.exists() else set()
