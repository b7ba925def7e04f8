"""`linked-care index-history`: what changed in the person index from run to run."""

import polars as pl
from rich.console import Console
from rich.table import Table

from pipelines.environment import home_path
from pipelines.errors import LinkedCareError
from pipelines.store import Store
from schemas.overlap import IDENTIFIER_HISTORY

_NARROWEST = 130  # columns; a narrower screen wraps lines rather than cut names


def show_history(change: int | None) -> None:
    """Print a line per change, domain and kind of change.

    Raises:
        LinkedCareError: if no run has built a history yet, or there is no such change.
    """
    history = Store(home_path() / "store").frame(IDENTIFIER_HISTORY.name)
    if change is not None:
        shown = history.filter(pl.col("change_number") == change)
        if shown.is_empty():
            known = history["change_number"].n_unique()
            raise LinkedCareError(f"--change {change}: the index has changed {known} times.")
        history = shown
    console = Console(soft_wrap=True)
    console.width = max(console.width, _NARROWEST)
    console.print(_as_table(history))


def _as_table(history: pl.DataFrame) -> Table:
    table = Table(box=None)
    for name in ("change", "index", "domain", "kind", "linked before", "after"):
        table.add_column(name, no_wrap=True)
    for name in ("identifiers", "people before", "after"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in history.rows(named=True):
        table.add_row(
            str(row["change_number"]),
            f"{row['digest_before']} to {row['digest_after']}",
            row["pseudonym_domain"],
            row["kind"],
            row["how_before"],
            row["how_after"],
            *(f"{row[name]:,}" for name in ("identifier_count", "person_count_before", "person_count_after")),
        )
    return table
