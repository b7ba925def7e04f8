"""`linked-care recost`: the same activity under another price book, and why it costs something else."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from assets.costing.reconciliation import pounds
from assets.costing.recost import Recosted, recost, refuse_uncosted
from pipelines.home import open_home
from pipelines.resources import home_resource
from pipelines.store import Store
from schemas.costing import SETTINGS
from schemas.recost import REASONS

_NARROWEST = 150  # columns; a narrower screen wraps lines rather than cut figures
_ALL = "all settings"
_CODE = ["setting", "point_of_delivery", "currency_code"]
_SUMS = ("unit_count", "first_pence", "second_pence", "difference_pence")


def show_recost(book: str, years: Sequence[str], count: int) -> None:
    """Price everything again under a book, and print the difference by setting, by reason, and the largest by code."""
    resource, console = home_resource(), Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, _NARROWEST)
    root = Path(resource.root)
    refuse_uncosted(Store(root / "store"), years)  # before a lock makes a home of whatever folder this is
    with open_home(root, resource.person_key, resource.memory_limit) as home, console.status("pricing"):
        made = recost(home, book, years)
    _show(console, made, count)


def _show(console: Console, made: Recosted, count: int) -> None:
    found = made.comparison
    years = found["financial_year"].unique().sort()
    of = years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}, {len(years)} years"
    console.print(f"First: {made.first_book}, of the last run. Second: {made.second_book}. Care of {of}.", style="bold")
    console.print(_by_setting(found))
    console.print(_by_reason(found))
    console.print(_by_code(found, count))
    console.print(f"Written to {made.folder}; store and release are as they were.", style="dim")


def by_setting(found: pl.DataFrame) -> pl.DataFrame:
    """Sums of a comparison by setting and in all, with the difference by each reason that occurs, as its columns."""
    reasons = [reason for reason in REASONS if reason in found["reason"].unique()]
    both = pl.concat([found, found.with_columns(setting=pl.lit(_ALL))])
    summed = both.group_by("setting").agg(
        pl.col(_SUMS).sum(),
        *(pl.col("difference_pence").filter(reason=reason).sum().alias(reason) for reason in reasons),
    )
    order = {name: place for place, name in enumerate((*SETTINGS, _ALL))}
    return summed.sort(pl.col("setting").replace_strict(order))


def by_code(found: pl.DataFrame, count: int) -> pl.DataFrame:
    """The codes with the largest difference, each with the reason of most of it."""
    chief = pl.col("reason").sort_by(pl.col("difference_pence").abs(), "reason", descending=[True, False]).first()
    codes = found.group_by(_CODE).agg(pl.col(_SUMS).sum(), chief)
    size = pl.col("difference_pence").abs()
    return codes.filter(size > 0).sort(size, *_CODE, descending=[True, *[False] * len(_CODE)]).head(count)


def _by_setting(found: pl.DataFrame) -> Table:
    rows = by_setting(found)
    reasons = [name for name in rows.columns[1 + len(_SUMS) :] if name != "same"]
    table = _table("By setting, with the share of the difference by reason")
    table.add_column("setting")
    for name in ("units", "£ first", "£ second", "£ difference", *(name.replace("_", " ") for name in reasons)):
        table.add_column(name, justify="right")
    for row in rows.iter_rows(named=True):
        whole = row["difference_pence"]
        shares = [_share(row[reason], whole) for reason in reasons]
        setting = row["setting"]
        table.add_row(setting.replace("_", " "), *_money(row), *shares, style="bold" if setting == _ALL else "")
    return table


def _by_reason(found: pl.DataFrame) -> Table:
    table = _table("By reason; each unit has one")
    table.add_column("reason")
    for name in ("units", "£ first", "£ second", "£ difference", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("in words")
    whole = found["difference_pence"].sum()
    sums = {row["reason"]: row for row in found.group_by("reason").agg(pl.col(_SUMS).sum()).iter_rows(named=True)}
    for reason in (reason for reason in REASONS if reason in sums):
        share = _share(sums[reason]["difference_pence"], int(whole))
        table.add_row(reason.replace("_", " "), *_money(sums[reason]), share, REASONS[reason])
    return table


def _by_code(found: pl.DataFrame, count: int) -> Table | str:
    rows = by_code(found, count)
    if rows.is_empty():
        return "No code costs anything else."
    table = _table(f"The {rows.height} codes with the largest difference")
    for name in ("setting", "point", "code"):
        table.add_column(name)
    for name in ("units", "£ first", "£ second", "£ difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("chiefly by")
    for row in rows.iter_rows(named=True):
        table.add_row(
            row["setting"].replace("_", " "),
            row["point_of_delivery"],
            row["currency_code"] or "no code",
            *_money(row),
            row["reason"].replace("_", " "),
        )
    return table


def _money(row: dict[str, int]) -> tuple[str, ...]:
    difference = row["difference_pence"]
    return (
        f"{row['unit_count']:,}",
        pounds(row["first_pence"]),
        pounds(row["second_pence"]),
        pounds(difference, sign=difference != 0),
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole and part else ""


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
