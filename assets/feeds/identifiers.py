"""The identifier gate."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class GateColumn:
    """How one column of the file is known to the contract."""

    header: str
    is_known: bool
    is_pseudonym: bool = False
    is_date: bool = False
    is_key: bool = False


def refused_by_header(columns: Sequence[GateColumn]) -> str | None:
    """Placeholder until the gate lands."""
    return None


class IdentifierGate:
    """Placeholder until the gate lands."""

    def __init__(self, columns: Sequence[GateColumn]) -> None:
        self._columns = columns

    def look(self, batch: pl.DataFrame) -> None:
        """Look at a batch."""

    def verdict(self) -> str | None:
        """The verdict."""
        return None
