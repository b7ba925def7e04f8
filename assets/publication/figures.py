"""The figures of a release: which there are, from which tables each is drawn, and drawing them all.

Belongs here: the list of figures; drawing those of a year; what their bytes depend on.
Does not belong here: what a figure shows (`figures_cost.py`, `figures_conditions.py`); making a release (`release.py`).
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.store import Stored, fingerprint

if TYPE_CHECKING:
    import polars as pl

FOLDER = "figures"
CONDITION_LIST = "delphi52"
# Each figure and the tables it is drawn from: none of them has a row per person.
FIGURES = {
    "cost_by_age_band": ("cost_by_age_band",),
    "conditions_by_age_band": ("conditions_by_age_band",),
    "cost_by_condition_count": ("cost_by_condition_count",),
    "condition_by_comorbidity": ("condition_by_comorbidity", "cost_by_condition_count", "condition"),
    "lorenz_curve": ("lorenz_point", "concentration", "concentration_summary"),
    "condition_pair": ("condition_pair", "condition_profile", "cost_by_condition_count", "condition"),
    "condition_combination": ("condition_combination", "condition_profile", "condition"),
}
SOURCES = tuple(sorted({table for tables in FIGURES.values() for table in tables}))
_CODE = ("figures", "figures_cost", "figures_conditions", "drawing")
_LIBRARIES = ("altair", "vl-convert-python")


def drawing_code() -> str:
    """A fingerprint of how figures are drawn: when it changes, they are drawn again."""
    code = [(Path(__file__).parent / f"{module}.py").read_text() for module in _CODE]
    return fingerprint([*code, *((library, version(library)) for library in _LIBRARIES)])


def draw_years(release: Path, parts: Iterable[Stored], last: Path | None, before: Mapping[str, str]) -> dict[str, str]:
    """Draw the figures of every year of a release into it, or share those of the last one where nothing changed.

    Args:
        release: its folder, in which the tables are already.
        parts: what the release holds.
        last: the folder of the release before it.
        before: what this function said of the last one; empty where its figures are not to be shared.

    Returns:
        A fingerprint of what the figures of each year are drawn from.
    """
    held = [part for part in parts if part.table in SOURCES]
    drawn = {}
    for year in sorted({part.year for part in held if part.year}):
        content = [(part.table, part.content) for part in held if part.year in {year, None}]
        names = drawable({table for table, _ in content})
        if not names:
            continue
        drawn[year] = fingerprint([drawing_code(), content])
        folder = figures_of(release, year)
        folder.mkdir(parents=True)
        if last and before.get(year) == drawn[year]:
            for path in figures_of(last, year).iterdir():
                os.link(path, folder / path.name)
        else:
            draw(partial(read_of, release, year), names, folder)
    return drawn


def figures_of(release: Path, year: str) -> Path:
    """The folder of the figures of a year in a release."""
    return release / "restricted" / FOLDER / f"financial_year={year}"


def read_of(release: Path, year: str, table: str) -> "pl.DataFrame":
    """A table of a release, of one year where it is kept by year."""
    import polars as pl

    folder = release / "restricted" / table
    by_year = folder / f"financial_year={year}"
    return pl.read_parquet(sorted((by_year if by_year.exists() else folder).glob("*.parquet")), glob=False)


def drawable(tables: set[str]) -> list[str]:
    """The figures whose tables are all there."""
    return [name for name, sources in FIGURES.items() if tables.issuperset(sources)]


def draw(
    read: Callable[[str], "pl.DataFrame"], names: list[str], folder: Path, condition_list: str = CONDITION_LIST
) -> list[Path]:
    """Draw figures of one year into a folder, each as SVG and PNG; one without a row to draw is left out.

    Args:
        read: gives a table of the year by its name.
        names: of the figures, as in `FIGURES`.
        folder: where the files go; it must exist.
        condition_list: the list of conditions that is counted.
    """
    from assets.publication import figures_conditions, figures_cost  # the drawing library takes a second to import
    from assets.publication.drawing import write

    tables = {table: read(table) for name in names for table in FIGURES[name]}
    written = []
    for name in names:
        module = figures_cost if hasattr(figures_cost, name) else figures_conditions
        chart = getattr(module, name)(tables, condition_list)
        if chart is not None:
            written += write(chart, folder, name)
    return written
