"""`linked-care figures`: the figures of the last release, drawn again with another list or into another folder."""

from pathlib import Path

import polars as pl
from rich.console import Console

from assets.publication.figures import FIGURES, SOURCES, draw, drawable
from assets.publication.files import released_files
from pipelines.environment import home_path
from pipelines.errors import LinkedCareError


def draw_figures(year: str | None, condition_list: str, to: Path | None) -> None:
    """Draw the figures of a year of the last release, and say where they are and which could not be drawn."""
    files = {table: found for table in SOURCES if any((found := released_files(home_path(), table)).values())}
    years = sorted({one for found in files.values() for one in found if one})
    if not years:
        raise LinkedCareError(f"{home_path() / 'outputs'}: no table is in it to draw. Run `linked-care nightly`.")
    chosen = year or years[-1]
    if chosen not in years:
        raise LinkedCareError(f"--year {chosen}: published are {', '.join(years)}.")
    paths = {table: found.get(chosen) or found.get(None) for table, found in files.items()}
    tables = {table: pl.read_parquet(found, glob=False) for table, found in paths.items() if found}
    _refuse_unknown_list(tables, condition_list)
    release = (home_path() / "outputs").resolve().name
    folder = to or home_path() / "figures" / release / chosen / condition_list
    folder.mkdir(parents=True, exist_ok=True)
    written = draw(tables.__getitem__, drawable(set(tables)), folder, condition_list)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{len(written)} files in {folder}", markup=False)
    if missing := sorted(FIGURES.keys() - {path.stem for path in written}):
        console.print(f"not drawn, since their tables are not in the release or hold no row: {', '.join(missing)}")


def _refuse_unknown_list(tables: dict[str, pl.DataFrame], condition_list: str) -> None:
    counted = [frame["condition_list"] for frame in tables.values() if "condition_list" in frame.columns]
    known = sorted(set(pl.concat(counted))) if counted else []
    if condition_list not in known:
        raise LinkedCareError(f"--list {condition_list}: published are {', '.join(known)}.")
