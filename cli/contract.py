"""`linked-care contract`: lint, show, compare, draft and release what suppliers are asked to send.

Belongs here: the commands and how they print.
Does not belong here: what a change is (`schemas/contract_changes.py`), or a draft (`assets/feeds/draft.py`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipelines.errors import LinkedCareError

if TYPE_CHECKING:
    from schemas.contract_changes import Change
    from schemas.contract_model import Contract

STOPPED = 1

app = typer.Typer(no_args_is_help=True, help="What suppliers are asked to send, feed by feed.")


@app.command()
def lint(
    files: Annotated[list[Path] | None, typer.Argument(help="ODCS files; all contracts by default.")] = None,
) -> None:
    """Check that contracts follow ODCS and ask for nothing that cannot be checked."""
    from schemas.contract import CONTRACTS, load

    is_sound = True
    for path in files or sorted(CONTRACTS.glob("*.odcs.yaml")):
        try:
            if not path.is_file():
                raise LinkedCareError(f"{path.name}: is no file.")
            contract = load(path)
        except (LinkedCareError, UnicodeDecodeError) as error:
            is_sound = False
            _say(str(error) if isinstance(error, LinkedCareError) else f"{path.name}: is not UTF-8.")
        else:
            counts = f"{len(contract.columns)} columns, {len(contract.rules)} rules, {len(contract.dialects)} dialects"
            _say(f"{contract.feed} {contract.version}: {counts}; follows ODCS")
    if not is_sound:
        raise typer.Exit(STOPPED)


@app.command()
def show(
    feed: Annotated[str, typer.Argument(help="The feed.")],
    dialect: Annotated[str | None, typer.Option(help="Show the headers of this dialect alone.")] = None,
) -> None:
    """Show a feed's grain, dialects, columns and rules."""
    from cli.contract_tables import show_contract

    show_contract(_console(), _contract(feed), dialect)


@app.command()
def diff(
    old: Annotated[str | None, typer.Argument(help="A feed, or the older of two ODCS files.")] = None,
    new: Annotated[Path | None, typer.Argument(help="The newer file; a feed is compared with its release.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Compare every feed with its release.")] = False,
) -> None:
    """Say what changed, and whether it breaks what suppliers send or readers read."""
    if everything == (old is not None):
        raise typer.BadParameter("Give a feed, two files, or --all.")
    if everything:
        is_sound = _diff_all()
    elif new:
        is_sound = _diff_files(Path(str(old)), new)
    else:
        is_sound = _diff_feed(str(old))
    if not is_sound:
        raise typer.Exit(STOPPED)


def _diff_all() -> bool:
    from schemas.contract import CONTRACTS, contracts
    from schemas.released import RELEASED, current_interfaces, problems, read_released

    found = problems(read_released(CONTRACTS / RELEASED), current_interfaces(contracts()))
    for problem in found:
        _say(problem)
    if not found:
        _say(f"{len(contracts())} contracts are as released")
    return not found


def _diff_feed(feed: str) -> bool:
    from schemas.contract import CONTRACTS
    from schemas.contract_changes import changes
    from schemas.released import RELEASED, current_interfaces, read_released, unannounced

    now = current_interfaces({feed: _contract(feed)})[feed]
    released = read_released(CONTRACTS / RELEASED).get(feed)
    if released is None:
        _say(f"{feed}: was not released yet. Run `linked-care contract release`.")
        return True
    _say_changes(feed, released["version"], now["version"], changes(released, now))
    return _is_announced(unannounced(feed, released, now))


def _diff_files(old: Path, new: Path) -> bool:
    from schemas.contract import load
    from schemas.contract_changes import changes, described_changes
    from schemas.released import current_interfaces, unannounced

    for path in (old, new):
        if not path.is_file():
            raise LinkedCareError(f"{path}: is no file.")
    before, after = load(old), load(new)
    if before.feed != after.feed:
        raise LinkedCareError(f"{old.name} describes {before.feed} and {new.name} {after.feed}. Compare one feed.")
    feed = after.feed
    was, now = (current_interfaces({feed: contract})[feed] for contract in (before, after))
    _say_changes(feed, before.version, after.version, [*changes(was, now), *described_changes(before, after)])
    return _is_announced(unannounced(feed, was, now))


def _say_changes(feed: str, before: str, after: str, found: "list[Change]") -> None:
    breaking = sum(change.is_breaking for change in found)
    _say(f"{feed}: {before} to {after}, {breaking} breaking and {len(found) - breaking} compatible changes")
    for change in found:
        _say(f"{'breaking  ' if change.is_breaking else 'compatible'}  {change.where}: {change.what}")


def _is_announced(reason: str | None) -> bool:
    if reason:
        _say(reason)
    return reason is None


@app.command()
def release(
    retire: Annotated[list[str] | None, typer.Option(help="A feed whose contract was removed for good.")] = None,
) -> None:
    """Write the contracts' interfaces to `data_contracts/released.json`; no breaking change without a major version."""
    from schemas.contract import CONTRACTS, contracts
    from schemas.released import RELEASED
    from schemas.released import release as write

    changed = write(CONTRACTS / RELEASED, contracts(), retire or ())
    _say(f"{len(changed)} feeds changed{': ' + ', '.join(changed) if changed else ''}; {RELEASED} is up to date")


@app.command()
def draft(
    file: Annotated[Path, typer.Argument(help="An extract: CSV or parquet.")],
    delimiter: Annotated[str, typer.Option(help="What parts the cells of a CSV; \\t for a tab.")] = ",",
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV, such as utf-8 or cp1252.")] = "utf-8",
    rows: Annotated[int, typer.Option(min=1, help="How many rows to look at.")] = 1_000_000,
    to: Annotated[Path | None, typer.Option(help="Write FEED.odcs.yaml here; printed by default.")] = None,
) -> None:
    """Profile an unknown extract into a first contract, and say which known feed it most resembles."""
    from assets.feeds.draft import draft_contract, feed_named
    from assets.feeds.profile import read_extract
    from schemas.contract import contracts

    if to and (to.exists() or not to.name.endswith(".odcs.yaml")):
        raise LinkedCareError(f"{to}: exists, or is not named FEED.odcs.yaml. Choose another name for --to.")
    feed = feed_named(to.name.removesuffix(".odcs.yaml") if to else file.name.partition(".")[0])
    extract = read_extract(file, "\t" if delimiter == "\\t" else delimiter, encoding, rows)
    made = draft_contract(feed, file.name, extract, contracts())
    notes = _console(stderr=True)
    for line in made.notes:
        notes.print(line, markup=False, highlight=False)
    if to:
        to.write_text(made.text)
        notes.print(f"{to}: read it, describe what is not described yet, then `linked-care contract lint {to}`")
    else:
        typer.echo(made.text, nl=False)


def _contract(feed: str) -> "Contract":
    from schemas.contract import contracts

    if feed not in contracts():
        raise LinkedCareError(f"{feed}: is no feed. Feeds are {', '.join(contracts())}.")
    return contracts()[feed]


def _say(line: str) -> None:
    _console().print(line, markup=False, highlight=False)


def _console(stderr: bool = False) -> Console:
    return Console(stderr=stderr, soft_wrap=True)
