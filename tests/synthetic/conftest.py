"""Three small counties, made once for all tests here: one clean, one with the default faults, one with all."""

from __future__ import annotations

import pytest

from synthetic import synthesise
from tests.synthetic.landing import Landing

PEOPLE, YEARS, SEED = 2_000, ("2023-24", "2024-25"), 2013


def _landing(tmp_path_factory: pytest.TempPathFactory, faults: str) -> Landing:
    folder = tmp_path_factory.mktemp(f"county_{faults}")
    return Landing(folder, synthesise(PEOPLE, YEARS, SEED, faults, folder))


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """A county without planted faults."""
    return _landing(tmp_path_factory, "none")


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """The same county with the default faults."""
    return _landing(tmp_path_factory, "default")


@pytest.fixture(scope="session")
def all_faulty(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """The same county with every fault."""
    return _landing(tmp_path_factory, "all")
