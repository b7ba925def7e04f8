"""One home: `landing/`, `store/`, `outputs/`, and the lock that lets one run write at a time.

Belongs here: paths, the lock, opening the store.
Does not belong here: what is in them; the environment (`resources.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from pipelines.beside import Beside
from pipelines.errors import AnotherRunError
from pipelines.store import Store


@dataclass(frozen=True)
class Home:
    """What a build may touch.

    Attributes:
        root: the folder that `LINKED_CARE_HOME` names.
        store: the workshop, opened for writing.
        person_key: the secret under which people are hashed.
        beside: what is proved while the run goes on.
    """

    root: Path
    store: Store
    person_key: str
    beside: Beside

    @property
    def landing(self) -> Path:
        """Where suppliers put deliveries."""
        return self.root / "landing"

    @property
    def outputs(self) -> Path:
        """The link to the last whole release."""
        return self.root / "outputs"

    @property
    def releases(self) -> Path:
        """Whole releases, the last few of them kept."""
        return self.root / "releases"


@contextmanager
def holding(root: Path) -> Iterator[None]:
    """Keep every other run and command from writing in a home.

    Raises:
        AnotherRunError: if another one holds it.
    """
    store = root / "store"
    store.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(store / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise AnotherRunError(f"{root}: another run is writing here. Wait for it to end, then run again.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def open_home(root: Path, person_key: str, memory_limit: str = "4GB", rebuild: bool = False) -> Iterator[Home]:
    """A home opened for writing, by one run at a time.

    Raises:
        AnotherRunError: if another run holds it.
    """
    with holding(root):
        beside = Beside("pipelines.expectation_worker")
        try:
            opened = Store(root / "store", memory_limit, rebuild)
            opened.clear_leftovers()
            yield Home(root, opened, person_key, beside)
        finally:
            beside.close()
