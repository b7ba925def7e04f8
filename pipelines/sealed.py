"""Small records that carry a digest of themselves, so that a changed one is told from one that was written.

Belongs here: writing and reading them.
Does not belong here: what a record says.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_SEAL = "seal"


class BrokenSealError(ValueError):
    """A record that is not what was written: cut off, changed, or never sealed."""


def sealed(record: Mapping[str, Any]) -> str:
    """A record as JSON that carries its own digest; what JSON does not know is written as text."""
    return json.dumps({**record, _SEAL: _seal(record)}, indent=1, default=str)


def unsealed(text: str) -> dict[str, Any]:
    """The record that was sealed.

    Raises:
        BrokenSealError: if it is not JSON, carries no digest, or another one.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise BrokenSealError from error
    if not isinstance(record, dict) or record.pop(_SEAL, None) != _seal(record):
        raise BrokenSealError
    return record


def was_never_sealed(text: str) -> bool:
    """Whether it is a whole record without a digest: written by a version that made none."""
    try:
        record = json.loads(text)
    except ValueError:
        return False
    return isinstance(record, dict) and _SEAL not in record


def _seal(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, default=str, sort_keys=True).encode()).hexdigest()
