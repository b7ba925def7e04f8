"""`linked-care quarantine`: what was rejected, a copy for the supplier, and rules that are released.

Belongs here: the commands and how they print: counts and positions, never a value.
Does not belong here: reading the quarantine (`assets/feeds/quarantined.py`), the decisions (`releases.py`).
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.user import user_name
from pipelines.errors import LinkedCareError

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True, help="Rejected rows: how many, why, where; and what is done about them.")

_Feed = Annotated[str, typer.Option("--feed", help="The feed.")]
_Rule = Annotated[str, typer.Option("--rule", help="Code of the rule, as `quarantine show` prints it.")]
_Delivery = Annotated[str | None, typer.Option("--delivery", help="One delivery; every one of the feed by default.")]


@app.command()
def show(
    feed: Annotated[str | None, typer.Option(help="One feed; all by default.")] = None,
    delivery: Annotated[str | None, typer.Option(help="One delivery; all by default.")] = None,
    rule: Annotated[str | None, typer.Option(help="One rule; all by default.")] = None,
    rows: Annotated[int, typer.Option(min=0, help="Print the positions of so many rows, too.")] = 0,
    export: Annotated[Path | None, typer.Option(help="Write the rejected rows, as received, to this folder.")] = None,
) -> None:
    """Count rejected rows by feed, rule and delivery. No value is printed."""
    from assets.feeds.quarantined import counted, quarantined
    from pipelines.environment import home_path
    from schemas.contract import contracts

    if feed and feed not in contracts():
        raise LinkedCareError(f"--feed {feed}: is no feed. Feeds are {', '.join(contracts())}.")
    store = home_path() / "store"
    found = quarantined(store, [feed] if feed else list(contracts()), delivery, rule)
    console = Console(soft_wrap=True)
    if found.is_empty():
        console.print("no such row is in quarantine")
    else:
        console.print(_counts(counted(found)))
    if rows and not found.is_empty():
        console.print(_positions(found.head(rows)))
    if export and not found.is_empty():
        _export(console, store, found, export)


def _counts(counts: "pl.DataFrame") -> Table:
    from assets.feeds.releases import RELEASES, read_releases
    from pipelines.environment import home_path
    from schemas.contract import contracts

    messages = {rule.code: rule.message for contract in contracts().values() for rule in contract.rules}
    released = {one.target for one in read_releases(home_path() / RELEASES)}
    table = Table("feed", "rule", "a row breaks it if", "delivery", "verdict", "rows", "no other rule", "released")
    for feed, code, delivery, verdict, rows, only in counts.rows():
        is_released = bool({(feed, "", code), (feed, delivery, code)} & released)
        message = messages.get(code, "(the contract no longer has this rule)")
        cells = (
            feed,
            code,
            message,
            delivery,
            verdict,
            f"{rows:,}",
            f"{only:,}",
            "at the next run" if is_released else "",
        )
        table.add_row(*map(escape, cells))
    return table


def _positions(rows: "pl.DataFrame") -> Table:
    table = Table("feed", "delivery", "row number", "first rule broken", "rules broken")
    for feed, delivery, code, row, broken in rows.select(
        "feed", "delivery_id", "rule_code", "source_row", "broken_rule_count"
    ).rows():
        table.add_row(*map(escape, (feed, delivery, str(row), code, str(broken))))
    return table


def _export(console: Console, store: Path, rows: "pl.DataFrame", target: Path) -> None:
    from assets.feeds.quarantined import export
    from pipelines.environment import home_path

    home = home_path()
    for kept in ("landing", "store", "outputs", "releases"):
        if target.resolve().is_relative_to((home / kept).resolve()):
            raise LinkedCareError(f"--export {target}: is inside {kept}/ of the home. Choose a folder elsewhere.")
    written = export(store, rows, target)
    console.print(
        f"{rows.height:,} rows of {len(written)} deliveries written to {target}. They hold what was sent, pseudonyms"
        " among it: show them to the supplier alone, and remove them afterwards.",
        style="yellow",
        markup=False,
        highlight=False,
    )


@app.command()
def release(
    feed: _Feed,
    rule: _Rule,
    reason: Annotated[str, typer.Option(help="Why the rows may be used though they break the rule.")],
    delivery: _Delivery = None,
    by: Annotated[str | None, typer.Option(help="Who decided; the user by default.")] = None,
) -> None:
    """Let rows come back that break this rule, from the next run on."""
    from assets.feeds.quarantined import returning_rows
    from assets.feeds.releases import RELEASES, Release, add_release
    from pipelines.environment import home_path
    from pipelines.home import holding
    from schemas.contract import contracts

    home = home_path()
    _refuse_unknown(home, feed, delivery)
    decided = Release(feed, delivery or "", rule, reason, by or user_name(), str(date.today()))
    with holding(home):
        add_release(home / RELEASES, decided, contracts()[feed])
    rows = returning_rows(home / "store", feed, rule, delivery)
    _say(f"{rule} is released for {delivery or 'every delivery'} of {feed}: {rows:,} rows come back at the next run")


@app.command("withdraw-release")
def withdraw(feed: _Feed, rule: _Rule, delivery: _Delivery = None) -> None:
    """Take a release back: its rows are rejected again, from the next run on."""
    from assets.feeds.releases import RELEASES, withdraw_release
    from pipelines.environment import home_path
    from pipelines.home import holding

    home = home_path()
    with holding(home):
        taken = withdraw_release(home / RELEASES, feed, delivery or "", rule)
    _say(
        f"{rule} is no longer released for {delivery or 'every delivery'} of {feed}, as {taken.decided_by} decided on"
        f" {taken.decided_on}: rows that break it are rejected again at the next run"
    )


def _refuse_unknown(home: Path, feed: str, delivery: str | None) -> None:
    from assets.feeds.current import receipts
    from schemas.contract import contracts

    if feed not in contracts():
        raise LinkedCareError(f"--feed {feed}: is no feed. Feeds are {', '.join(contracts())}.")
    known = {receipt.delivery_id for receipt in receipts(home / "store" / feed)}
    if delivery is not None and delivery not in known:
        raise LinkedCareError(f"--delivery {delivery}: no run has taken in such a delivery of {feed}.")


def _say(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)
