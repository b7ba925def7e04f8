"""Small synthetic counties, delivered and run once for all tests of this folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from assets.linkage.identity import DEMONSTRATION_KEY
from pipelines.resources import HomeResource
from pipelines.run import NightlyRun, run_nightly
from synthetic import synthesise

YEARS = ["2023-24", "2024-25"]
Nightly = Callable[..., NightlyRun]


@pytest.fixture(scope="session")
def nightly() -> Nightly:
    """Runs the nightly job over a home, with a Dagster instance of its own."""

    def run(home: Path, rebuild: bool = False) -> NightlyRun:
        with dg.DagsterInstance.ephemeral() as instance:
            return run_nightly(instance, HomeResource(root=str(home), person_key=DEMONSTRATION_KEY, rebuild=rebuild))

    return run


@pytest.fixture(scope="session")
def clean_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deliveries of a county without faults."""
    landing = tmp_path_factory.mktemp("clean") / "landing"
    synthesise(people=800, years=YEARS, seed=7, faults="none", to=landing)
    return landing


@pytest.fixture(scope="session")
def published(clean_landing: Path, tmp_path_factory: pytest.TempPathFactory, nightly: Nightly) -> Path:
    """A home with one release of the clean county; tests that change it take a copy."""
    home = tmp_path_factory.mktemp("published")
    shutil.copytree(clean_landing, home / "landing")
    assert nightly(home).is_new
    return home


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a home that a test may change."""

    def copy(home: Path, name: str = "home") -> Path:
        return shutil.copytree(home, tmp_path / name, symlinks=True)

    return copy
