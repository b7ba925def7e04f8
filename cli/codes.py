"""`linked-care codes`: load code lists for conditions, and show what was loaded."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Codes of your own for conditions and lists, beside those shipped.")


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="OpenCodelists CSV, national reference set, or codes and terms.")],
    source: Annotated[str, typer.Option(help="Publication that the file is from.")],
    vintage: Annotated[str, typer.Option(help="Its date, version or edition.")],
    condition: Annotated[str | None, typer.Option(help="Condition that every code of the file sets.")] = None,
    list_: Annotated[
        str | None,
        typer.Option("--list", help="List that counts the conditions; without --condition a column names them."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of a --condition of your own.")] = None,
    refset: Annotated[str | None, typer.Option(help="Which reference set of the file.")] = None,
    licence: Annotated[str, typer.Option(help="Its licence.")] = "Open Government Licence v3.0",
) -> None:
    """Read a file of SNOMED CT or ICD-10 codes into the home; the next run uses them."""
    from assets.morbidity.codes import load_codes
    from pipelines.environment import home_path
    from pipelines.home import holding

    home = home_path()
    with holding(home):
        frame = load_codes(
            home, file, condition, list_, source=source, vintage=vintage, licence=licence, name=name, refset=refset
        )
    system, conditions = frame["code_system"][0], frame["condition_code"].n_unique()
    counted = f", counted by {list_}" if list_ else ""
    Console(soft_wrap=True).print(
        f"{system}: {frame.height:,} codes of {conditions:,} conditions loaded{counted}; the next run uses them"
    )


@app.command()
def show() -> None:
    """Show what was loaded, for which conditions, and from where."""
    from assets.morbidity.codes import loaded_files, read_loaded
    from pipelines.environment import home_path

    home = home_path()
    groups = ["code_system", "condition_code", "condition_list", "source", "vintage", "licence"]
    table = Table("system", "condition", "list", "source", "vintage", "licence", "codes")
    for *cells, count in read_loaded(home).group_by(groups).len().sort(groups, nulls_last=True).iter_rows():
        table.add_row(*(cell or "" for cell in cells), f"{count:,}")
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(f"{len(loaded_files(home))} files in codes/; remove one to take its codes out at the next run")
