"""`linked-care places`: load the official files of practices and small areas, and show what was loaded."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Practices and small areas: whose they are, and how deprived.")


class Places(StrEnum):
    """What is loaded."""

    PRACTICE = "practice"
    LSOA = "lsoa"


@app.command()
def load(
    what: Annotated[Places, typer.Argument(help="The table to load.")],
    files: Annotated[list[Path], typer.Argument(help="Official files as CSV; one of each layout.")],
    source: Annotated[str, typer.Option(help="Publication that the files are from.")],
    vintage: Annotated[str, typer.Option(help="Its date or edition.")],
    area: Annotated[
        list[str] | None,
        typer.Option(
            help="Code of what is yours: sub-ICB, ICB, network or practice; local authority or LSOA. May repeat."
        ),
    ] = None,
    licence: Annotated[str, typer.Option(help="Its licence.")] = "Open Government Licence v3.0",
) -> None:
    """Read official files into the home; the next run uses them. Replaces what was loaded before."""
    from assets.linkage.places import load_places
    from pipelines.environment import home_path
    from pipelines.home import holding

    home = home_path()
    with holding(home):
        frame = load_places(home, what.value, files, area or [], source, vintage, licence)
    inside = int(frame["is_in_area"].sum() or 0)
    told = f"{inside:,} of them in the area" if area else "no area named"
    Console(soft_wrap=True).print(f"{what.value}: {frame.height:,} loaded, {told}; the next run uses them")


@app.command()
def show() -> None:
    """Show what was loaded, from where, and how much of it is in the area."""
    from assets.linkage.places import read_loaded
    from pipelines.environment import home_path

    table = Table("table", "rows", "in area", "with decile", "source", "vintage", "licence")
    for what in Places:
        frame = read_loaded(home_path(), what.value)
        if frame.is_empty():
            table.add_row(what.value, "0", "", "", "not loaded", "", "")
            continue
        deciles = f"{frame['deprivation_decile'].count():,}" if what is Places.LSOA else ""
        inside = f"{frame['is_in_area'].sum():,}" if frame["is_in_area"].count() else "none named"
        cited = [str(frame[name][0]) for name in ("source", "vintage", "licence")]
        table.add_row(what.value, f"{frame.height:,}", inside, deciles, *cited)
    Console(soft_wrap=True).print(table)
