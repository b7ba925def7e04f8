"""Every defect that the generator can plant is found, row by row and delivery by delivery, and nothing else is."""

from pathlib import Path

import pytest

from assets.feeds.current import build_feed
from assets.feeds.dq_score import Report, read_truth, score
from pipelines.store import Store
from schemas.contract import contracts
from synthetic import synthesise


def _report(home: Path, faults: str, seed: int) -> Report:
    synthesise(people=1500, years=["2023-24", "2024-25"], seed=seed, faults=faults, to=home / "landing")
    (home / "store").mkdir()
    store = Store(home / "store")
    for contract in contracts().values():
        build_feed(store, home / "landing", contract)
    return score(read_truth(home / "landing"), store.root, contracts())


@pytest.fixture(scope="module", params=[("default", 11), ("all", 11)], ids=lambda run: run[0])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return _report(tmp_path_factory.mktemp("scored"), *request.param)


def test_every_rule_is_found_and_no_clean_row(report: Report) -> None:
    assert [one for one in report.rules if not one.is_perfect] == []
    assert [one for one in report.legal if not one.is_perfect] == []
    assert {one.severity for one in report.rules} <= {"reject", "refuse", "warn"}
    planted = sum(one.planted > 0 for one in report.rules)
    assert planted > (90 if report.about["faults"] == "default" else 270)


def test_every_delivery_is_judged_as_it_deserves(report: Report) -> None:
    assert report.misjudged == []
    assert [one for one in report.deliveries if not one.is_perfect] == []
    kinds = {one.name for one in report.deliveries}
    assert kinds >= {"repeat", "superseded", "row_count", "sha256", "missing_file", "unreadable", "columns"}
    if report.about["faults"] == "all":
        assert kinds >= {"identifiers", "ragged", "nul_byte", "encoding", "header_twice", "empty_file", "manifest"}
