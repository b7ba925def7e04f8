"""What all tests share."""

import os
import sys

import pytest

_ended: dict[str, int] = {}


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    _ended["status"] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: DuckDB's bindings report harmless leaks at shutdown once Great Expectations has used them."""
    if "status" in _ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_ended["status"])
