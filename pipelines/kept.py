"""Files that must still have the bytes that were written.

Belongs here: digests of bytes, and stopping at the first file that has others.
Does not belong here: which files these are (`verification.py`), or what changed in one.
"""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ConservationError

_AT_ONCE = 2


@dataclass(frozen=True)
class Kept:
    """A file that must still have the bytes that were written.

    Attributes:
        sha256: of the bytes as written; None if nobody wrote such a file.
        changed: says what changed and where, once it is known that something did.
    """

    path: Path
    sha256: str | None
    changed: Callable[[], str]


class KeptBytes:
    """Digests of files, for the length of a run: each file is read once, unless it changes."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], str] = {}

    def digest(self, path: Path) -> str:
        """Digest of a file's bytes. Two links to one file are one file."""
        status = path.stat()
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self._known:
            self._known[key] = digest_of(path)
        return self._known[key]

    def refuse_changed(self, files: Iterable[Kept]) -> None:
        """Stop at the first file that has other bytes than were written, or is gone.

        Raises:
            ConservationError: saying what changed in it.
        """
        listed = list(files)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            whole = list(threads.map(self.is_whole, listed))
        for kept, is_whole in zip(listed, whole, strict=True):
            if not is_whole:
                raise ConservationError(kept.changed())

    def is_whole(self, kept: Kept) -> bool:
        """Whether a file is there with the bytes that were written."""
        try:
            return self.digest(kept.path) == kept.sha256
        except FileNotFoundError:
            return False


def digest_of(file: Path) -> str:
    """Digest of a file's bytes."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
