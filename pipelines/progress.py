"""What a run tells whoever watches it: a record per asset, with the seconds that its own computing took.

Belongs here: the record and how to listen to it.
Does not belong here: how it is shown (`cli`).
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Built:
    """One asset that a run has dealt with."""

    step: str
    asset: str
    seconds: float


@contextmanager
def computing(step: str, asset: str) -> Iterator[None]:
    """Time the computing of an asset and tell the listeners."""
    started = time.perf_counter()
    yield
    _log.info("%s: %s", step, asset, extra={"built": Built(step, asset, time.perf_counter() - started)})


class _Listener(logging.Handler):
    def __init__(self, hear: Callable[[Built], None]) -> None:
        super().__init__(logging.INFO)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record.__dict__["built"])


@contextmanager
def listening(hear: Callable[[Built], None]) -> Iterator[None]:
    """Hear every asset that is dealt with."""
    listener, level = _Listener(hear), _log.level
    _log.addHandler(listener)
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.removeHandler(listener)
        _log.setLevel(level)
