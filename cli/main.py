"""The `linked-care` command.

Belongs here: commands, options, exit codes.
Does not belong here: anything a function elsewhere could do; heavy imports, which wait until a command needs them.

Exit codes: 0 done, also when there was nothing new; 1 stopped, and what was published before stays; 2 wrong usage;
3 published, but deliveries were refused; 75 another run is writing.
"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli import codes, contract, places, prices, quarantine
from pipelines.errors import AnotherRunError, LinkedCareError

STOPPED, REFUSED_DELIVERIES, TRY_LATER = 1, 3, 75

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Who used what care, what it cost and which conditions they live with: every night, per person.",
)
app.add_typer(contract.app, name="contract")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(places.app, name="places")
app.add_typer(prices.app, name="prices")
app.add_typer(codes.app, name="codes")


class Faults(StrEnum):
    """Whether defects are planted in synthetic deliveries."""

    NONE = "none"
    DEFAULT = "default"
    ALL = "all"


@app.command()
def synthesise(
    people: Annotated[
        int, typer.Option(min=100, max=2_000_000, help="People registered at the end of the last year.")
    ] = 114_874,
    years: Annotated[str, typer.Option(help="Financial years, first..last.")] = "2022-23..2024-25",
    seed: Annotated[int, typer.Option(help="The same seed makes the same county, to the byte.")] = 2013,
    faults: Annotated[Faults, typer.Option(help="Plant defects, and say where in truth.json.")] = (Faults.NONE),
    fault_rate: Annotated[
        float, typer.Option(min=0.01, max=10, help="Multiplies the share of rows with planted defects.")
    ] = 1.0,
    to: Annotated[Path | None, typer.Option(help="Folder for the deliveries; the home's landing/ by default.")] = None,
) -> None:
    """Make the deliveries of a synthetic South Somerset."""
    from cli.synthesis import synthesise as make

    make(people, years, seed, faults.value, to, fault_rate)


@app.command()
def nightly(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Compute everything again, from what has landed.")] = False,
) -> None:
    """Take in what has landed, link, cost and count it, and publish one whole release."""
    from cli.nightly import run_and_summarise

    if run_and_summarise(rebuild):
        raise typer.Exit(REFUSED_DELIVERIES)


@app.command()
def status() -> None:
    """Show what is published, what is waiting, and what became of the deliveries."""
    from cli.status import show_status

    show_status()


@app.command("index-history")
def index_history(
    change: Annotated[int | None, typer.Option(min=1, help="Only this change.")] = None,
) -> None:
    """Show what changed in the person index from run to run, in counts."""
    from cli.history import show_history

    show_history(change)


@app.command()
def ledger(
    year: Annotated[str | None, typer.Option(help="Financial year, such as 2024-25; all by default.")] = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider, by its code.")] = None,
    month: Annotated[str | None, typer.Option(help="Only this month, such as 2024-05.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print rows for a spreadsheet, in pence.")] = False,
) -> None:
    """Show where every record and pound went: received, less what did not count, linked, priced."""
    from cli.ledger import show_ledger

    show_ledger(year, feed, provider, month, as_csv)


@app.command()
def reconcile(
    year: Annotated[str | None, typer.Option(help="Financial year; the last built by default.")] = None,
    codes: Annotated[int, typer.Option(min=1, help="How many codes without a price of their own to list.")] = 10,
) -> None:
    """Show costed care beside your own totals, how much is priced at each match level, and which codes lack a price."""
    from cli.reconcile import show_reconcile

    show_reconcile(year, codes)


@app.command()
def recost(
    book: Annotated[
        str, typer.Option(help="Name of the price book: a folder in prices/ of the home, or a shipped one.")
    ],
    year: Annotated[
        list[str] | None, typer.Option(help="Financial year, such as 2024-25; all by default. May repeat.")
    ] = None,
    codes: Annotated[int, typer.Option(min=1, help="How many codes to list.")] = 10,
) -> None:
    """Price everything again under another price book, beside the first result, and show what differs and why."""
    from cli.recost import show_recost

    show_recost(book, year or [], codes)


@app.command()
def trace(
    activity_id: Annotated[
        str, typer.Argument(help="FEED/DELIVERY/ROW, and /YYYY-MM for one part of a package or stay.")
    ],
) -> None:
    """Follow one payable unit from its delivery to every table that its pence ended up in."""
    from cli.trace import show_trail

    show_trail(activity_id)


@app.command()
def calibrate(
    year: Annotated[str | None, typer.Option(help="Financial year; the last published by default.")] = None,
) -> None:
    """Print South Somerset's published figures beside those of the last release."""
    from cli.calibration import show_calibration

    if not show_calibration(year):
        raise typer.Exit(STOPPED)


@app.command()
def figures(
    year: Annotated[str | None, typer.Option(help="Financial year; the last published by default.")] = None,
    condition_list: Annotated[
        str, typer.Option("--list", help="The condition list that is counted, such as priority8.")
    ] = "delphi52",
    to: Annotated[
        Path | None, typer.Option(help="Folder for the files; figures/RELEASE/YEAR/LIST of the home by default.")
    ] = None,
) -> None:
    """Draw the figures of the last release again, with any condition list: SVG and PNG, for use inside."""
    from cli.figures import draw_figures

    draw_figures(year, condition_list, to)


@app.command()
def quality(
    feed: Annotated[str | None, typer.Option(help="Only this feed.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule, in every delivery.")] = None,
    maximum_count: Annotated[int | None, typer.Option(min=0, help="Judge as if every rule had this limit.")] = None,
    maximum_rate: Annotated[float | None, typer.Option(min=0, max=1, help="The same, as a share of rows.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the trend of every rule: .html, .svg or .png.")] = None,
    data_docs: Annotated[Path | None, typer.Option(help="Write Great Expectations' pages into this folder.")] = None,
) -> None:
    """Show which rules deliveries break more often than their limit allows."""
    from cli.quality import show_quality, write_data_docs
    from schemas.contract_model import Limit

    show_quality(feed, rule, Limit(maximum_count, maximum_rate), plot)
    if data_docs:
        write_data_docs(data_docs)


@app.command()
def linkage(
    year: Annotated[str | None, typer.Option(help="Financial year; the last built by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the whole report to this file, in Markdown.")] = None,
) -> None:
    """Show how much links by records, people and pounds, in whom it does not, and what that does to the figures."""
    from cli.linkage import show_linkage

    show_linkage(year, out)


@app.command("linkage-score")
def linkage_score(
    landing: Annotated[
        Path | None, typer.Option(help="Folder of the synthetic deliveries; the home's landing/ by default.")
    ] = None,
) -> None:
    """Hold the person index against the truth of a synthetic county, case by case."""
    from cli.linkage_score import show_linkage_score

    if not show_linkage_score(landing):
        raise typer.Exit(STOPPED)


@app.command("dq-score")
def dq_score(
    landing: Annotated[
        Path | None, typer.Option(help="Folder of the synthetic deliveries; the home's landing/ by default.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write the tables to this file.")] = None,
) -> None:
    """Hold what the checks found against the defects that were planted, rule by rule."""
    from cli.dq_score import show_score

    if not show_score(landing, markdown):
        raise typer.Exit(STOPPED)


@app.command()
def wipe(
    deliveries: Annotated[list[str] | None, typer.Argument(help="Refused deliveries, as FEED/DELIVERY.")] = None,
    everything: Annotated[bool, typer.Option("--all-refused", help="All that were refused.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove refused deliveries from landing for good; their receipts stay."""
    from cli.wipe import wipe as remove

    if everything == bool(deliveries):
        raise typer.BadParameter("Name deliveries, or give --all-refused.")
    remove(deliveries or [], everything, yes)


@app.command()
def withdraw(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Take people who are withdrawn, as of the last run, out of the releases that are kept; writes a receipt."""
    from cli.withdraw import withdraw as remove

    remove(dry_run)


def run() -> None:
    """Run the command; a user's mistake is one line, not a traceback."""
    code = 0
    try:
        app()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else STOPPED
    except LinkedCareError as error:
        Console(stderr=True, soft_wrap=True).print(f"linked-care: {error}", style="red", markup=False, highlight=False)
        code = TRY_LATER if isinstance(error, AnotherRunError) else STOPPED
    sys.stdout.flush()
    sys.stderr.flush()
    # DuckDB's bindings report harmless leaks at interpreter shutdown once Great Expectations has used them.
    os._exit(code)


if __name__ == "__main__":
    run()
