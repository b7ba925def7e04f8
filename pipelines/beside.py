"""Work done beside the run, one piece at a time, and collected when it is needed.

Belongs here: one worker thread and its results.
Does not belong here: what the work is.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Beside:
    """Pieces of work by name."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1)
        self._begun: dict[str, Future[Any]] = {}

    def begin(self, name: str, work: Callable[[], Any]) -> None:
        """Do a piece of work as soon as the worker is free."""
        self._begun[name] = self._worker.submit(work)

    def result(self, name: str, work: Callable[[], Any]) -> Any:
        """The result of a piece of work, done now if it was never begun; raises what the work raised."""
        begun = self._begun.pop(name, None)
        return begun.result() if begun else work()

    def close(self) -> None:
        """Drop what has not been begun."""
        self._worker.shutdown(cancel_futures=True)
