"""Work done beside the run, in a process of its own: questions go in, answers come out, a JSON line each.

Belongs here: the process, and the thread that waits for it.
Does not belong here: what the work is.
"""

import json
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Beside:
    """A helper process, `python -m <module>`, started with the first question and ended with the run.

    It reads a question a line from its standard input and ends when that does, so that none outlives a killed run.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[str] | None = None
        self._thread = ThreadPoolExecutor(1)
        self._asked: dict[str, Future[dict[str, Any]]] = {}

    def ask(self, name: str, question: dict[str, Any]) -> None:
        """Put a question, to be answered while the run goes on."""
        self._asked[name] = self._thread.submit(self._answer, question)

    def answer(self, name: str) -> dict[str, Any] | None:
        """The answer to a question, when it has come; None if it was never put."""
        asked = self._asked.pop(name, None)
        return asked.result() if asked else None

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended without an answer.")
        return json.loads(line)

    def close(self) -> None:
        """End the process and drop what has not been answered."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._process:
            self._process.kill()
            self._process.wait()
