"""Every defect that the generator can plant is found, row by row and delivery by delivery, and nothing else is."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets.feeds.current import build_feed
from assets.feeds.dq_score import Report, read_truth, score
from cli.dq_score import show_score
from pipelines.store import Store
from schemas.contract import contracts
from synthetic import synthesise


def _score(home: Path) -> Report:
    return score(read_truth(home / "landing"), home / "store", contracts())


def _taken_in(home: Path, faults: str, seed: int) -> Path:
    synthesise(people=1500, years=["2023-24", "2024-25"], seed=seed, faults=faults, to=home / "landing")
    (home / "store").mkdir()
    store = Store(home / "store")
    for contract in contracts().values():
        build_feed(store, home / "landing", contract)
    return home


@pytest.fixture(scope="module", params=[("default", 11), ("all", 11)], ids=lambda run: run[0])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store holds what was taken in of a county with planted faults."""
    return _taken_in(tmp_path_factory.mktemp("scored"), *request.param)


@pytest.fixture(scope="module")
def report(home: Path) -> Report:
    return _score(home)


def test_every_rule_is_found_and_no_clean_row(report: Report) -> None:
    assert [one for one in report.rules if not one.is_perfect] == []
    assert [one for one in report.legal if not one.is_perfect] == []
    assert {one.severity for one in report.rules} <= {"reject", "refuse", "warn"}
    planted = {one.name for one in report.rules if one.planted}
    assert len(planted) > (50 if report.about["faults"] == "default" else 270)
    warned = {one.name for one in report.rules if one.severity == "warn" and one.planted}
    assert len(warned) > (5 if report.about["faults"] == "default" else 25)


def test_every_delivery_is_judged_as_it_deserves(report: Report) -> None:
    assert report.misjudged == []
    assert [one for one in report.deliveries if not one.is_perfect] == []
    kinds = {one.name for one in report.deliveries}
    assert kinds >= {"repeat", "superseded", "row_count", "sha256", "missing_file", "unreadable", "columns"}
    if report.about["faults"] == "all":
        assert kinds >= {
            "identifiers",
            "ragged",
            "nul_byte",
            "encoding",
            "header_twice",
            "empty_file",
            "manifest",
            "limit",
        }


def test_the_command_tells_a_perfect_score_from_one_that_is_not(
    home: Path, report: Report, copy_of: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, page = copy_of(home), tmp_path / "score.md"
    monkeypatch.setenv("LINKED_CARE_HOME", str(changed))
    assert show_score(None, page) == report.is_perfect
    planted = sum(one.planted > 0 for one in (*report.rules, *report.deliveries, *report.legal))
    assert page.read_text().count("| 100% | 0% |") == planted
    path = max((changed / "store" / "gp_prescription").glob("*/quarantine-*.parquet"), key=lambda p: p.stat().st_size)
    found = pl.read_parquet(path)
    clean = found.head(1).with_columns(source_row=pl.lit(found["source_row"].max() + 1, pl.Int64))
    pl.concat([found, clean]).write_parquet(path)
    before = {one.name: one for one in report.rules}
    [alarmed] = [one for one in _score(changed).rules if one != before[one.name]]
    assert (alarmed.name, alarmed.false_alarms, alarmed.missed) == (found["rule_code"][0], 1, 0)
    assert not show_score(changed / "landing", None)
