"""`linked-care linkage-score`: the person index held against the truth of a synthetic county."""

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from assets.linkage.index_score import precision, recall, score_index
from pipelines.environment import home_path
from pipelines.store import Store

_NARROWEST = 120  # columns; a narrower screen wraps lines rather than cut figures


def show_linkage_score(landing: Path | None) -> bool:
    """Print precision and recall by case; whether every identifier is right."""
    home = home_path()
    score = score_index(Store(home / "store"), landing or home / "landing")
    table = Table("case", "identifiers in feeds", "should link", "link", "rightly", "precision", "recall")
    for row in score.partition_by("truth_case", maintain_order=True):
        table.add_row(str(row["truth_case"][0]), *_cells(row))
    table.add_section()
    table.add_row("register, mergers and bridges", *_cells(score.filter("is_deterministic")))
    table.add_row("all", *_cells(score))
    console = Console(soft_wrap=True)
    console.width = max(console.width, _NARROWEST)
    console.print(table)
    return precision(score) == recall(score) == 1


def _cells(score: pl.DataFrame) -> list[str]:
    counts = [f"{score[name].sum():,}" for name in ("identifier_count", "due_count", "linked_count", "right_count")]
    return [*counts, f"{precision(score):.4%}", f"{recall(score):.4%}"]
