"""The check that accepted rows meet their contract, proved by Great Expectations beside the run.

Belongs here: the asset check, with counts only; which deliveries are still to be proved.
Does not belong here: Great Expectations itself (`expectation_worker.py`); rejecting rows, which the feeds step does
before this check proves it independently.
"""

import json

import dagster as dg

from pipelines.home import Home
from pipelines.progress import computing
from pipelines.resources import HomeResource
from pipelines.store import write_whole
from schemas.contract_model import Contract

_PROVED = "expectations.json"


def contract_expectations(contract: Contract) -> dg.AssetChecksDefinition:
    """The check that a feed's accepted rows meet its contract. Each delivery is proved once."""

    @dg.asset_check(
        asset=contract.feed,
        name="contract_expectations",
        blocking=True,
        description="Accepted rows meet every rule of the contract, by Great Expectations. Counts only.",
        op_tags={"dagster/priority": "-1"},  # after the other feeds, while which the proof goes on beside the run
    )
    def check(home: HomeResource) -> dg.AssetCheckResult:
        with computing("feeds", f"{contract.feed} expectations"):
            broken = finish_proof(home.home, contract)
        return dg.AssetCheckResult(passed=not broken, metadata={"rules": len(contract.rules), "broken": broken})

    return check


def begin_proof(home: Home, contract: Contract) -> None:
    """Begin to prove, beside the run, the current deliveries that no earlier run has proved."""
    stored = home.store.require(contract.feed)
    proved = _proved(home, contract)
    new = [path for path, digest in zip(home.store.paths(stored), stored.digests, strict=True) if digest not in proved]
    if new and stored.periods:
        home.beside.ask(contract.feed, {"feed": contract.feed, "files": [str(path) for path in new]})


def finish_proof(home: Home, contract: Contract) -> dict[str, int]:
    """Rows by broken rule, once the proof has ended; none if all hold.

    Raises:
        RuntimeError: if an expectation could not be evaluated.
    """
    answer = home.beside.answer(contract.feed)
    if answer is None:
        begin_proof(home, contract)
        answer = home.beside.answer(contract.feed) or {"broken": {}}
    if "error" in answer:
        raise RuntimeError(f"{contract.feed}: Great Expectations could not prove the contract: {answer['error']}")
    if not answer["broken"]:
        digests = home.store.require(contract.feed).digests
        record = json.dumps(sorted(_proved(home, contract) | set(digests)))
        write_whole(home.store.folder(contract.feed) / _PROVED, record)
    return answer["broken"]


def _proved(home: Home, contract: Contract) -> set[str]:
    record = home.store.folder(contract.feed) / _PROVED
    return set(json.loads(record.read_text())) if record.exists() else set()
