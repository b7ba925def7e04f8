"""`linked-care reconcile`: costed care beside the totals that users bring, and on which prices it rests."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from assets.costing.price_share import ALL, by_code, shares, wanting
from assets.costing.reconciliation import CONTROL_FILE, in_words, of_years_without_care, pounds
from pipelines.environment import home_path
from pipelines.errors import LinkedCareError
from pipelines.store import Store
from schemas.costing import SETTINGS
from schemas.reconciliation import COST_RECONCILIATION

_NARROWEST = 150  # columns; a narrower screen wraps lines rather than cut figures
_MEASURES = {"cost_pence": "pounds", "record_count": "records"}
_IN_WORDS = {
    "not_payable": "not payable",
    "all_points": "any point",
    "hrg_root": "HRG root",
    "point_of_delivery": "mean of point",
}
_VERDICT = {"within": "within", "outside": "OUTSIDE", "not_supplied": "no total supplied"}


def show_reconcile(year: str | None, count: int) -> None:
    """Print a year's care beside its control totals, how it is priced, and which codes want a price of their own."""
    store, console = Store(home_path() / "store"), Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, _NARROWEST)
    years = store.years(COST_RECONCILIATION.name)
    if not years:
        raise LinkedCareError(f"{store.root}: {COST_RECONCILIATION.name} is not built yet. Run `linked-care nightly`.")
    chosen = year or years[-1]
    if chosen not in years:
        raise LinkedCareError(f"--year {chosen}: built are {', '.join(years)}.")
    rows = store.frame(COST_RECONCILIATION.name, chosen)
    console.print(_beside_totals(chosen, rows.sort(_place(), "point_of_delivery", "provider_code", nulls_last=False)))
    if rows["control_pence"].is_null().all():
        console.print(f"No total was supplied for the year. Put your own into {CONTROL_FILE} of the home.", style="dim")
    for other in (other for other in years if other != chosen):
        for row in store.frame(COST_RECONCILIATION.name, other).filter(verdict="outside").iter_rows(named=True):
            console.print(f"OUTSIDE: {other}: {in_words(row)}", style="red")
    for row in of_years_without_care(store):
        console.print(f"OUTSIDE: {row['financial_year']}, of which nothing is costed: {in_words(row)}", style="red")
    codes = by_code(store, chosen)
    for measure, name in _MEASURES.items():
        console.print(_shares(f"Share of {name} by match level, {chosen}", shares(codes, measure), measure))
    borrowed, unpriced = wanting(codes, count)
    console.print(_codes(f"Most pounds at a borrowed price, {chosen}", borrowed))
    console.print(_codes(f"Most units without any price, {chosen}", unpriced))


def _place() -> pl.Expr:
    return pl.col("setting").replace_strict({name: place for place, name in enumerate(SETTINGS)})


def _beside_totals(year: str, rows: pl.DataFrame) -> Table:
    table = _table(f"Care beside totals from elsewhere, {year}")
    for name in ("setting", "point", "provider", "source", "compared"):
        table.add_column(name)
    for name in ("records", "linked", "£ here", "£ total", "£ difference", "%", "limit %"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for row in rows.iter_rows(named=True):
        table.add_row(*_cells(row), style="bold red" if row["verdict"] == "outside" else "")
    return table


def _cells(row: Mapping[str, Any]) -> Iterable[str]:
    is_held = row["control_pence"] is not None
    yield row["setting"].replace("_", " ")
    for name in ("point_of_delivery", "provider_code", "source", "basis_of_comparison"):
        yield row[name] or ""
    yield f"{row['record_count']:,}"
    yield f"{row['linked_count'] / row['record_count']:.1%}" if row["record_count"] else "-"
    yield pounds(row["compared_pence"] if is_held else row["cost_pence"])
    yield pounds(row["control_pence"]) if is_held else "-"
    yield pounds(row["difference_pence"], sign=True) if is_held else "-"
    yield "-" if row["difference_percent"] is None else f"{row['difference_percent']:+.2f}"
    yield f"{row['limit_percent']}" if is_held else "-"
    yield _VERDICT[row["verdict"]]


def _shares(title: str, found: pl.DataFrame, measure: str) -> Table:
    table = _table(title)
    table.add_column("setting")
    for name in found.columns[1:]:
        label = {"cost_pence": "£", "record_count": "records"}.get(name, _IN_WORDS.get(name, name))
        table.add_column(label, justify="right", no_wrap=True)
    order = {name: place for place, name in enumerate((*SETTINGS, ALL))}
    for setting, whole, *levels in sorted(found.rows(), key=lambda row: order[row[0]]):
        total = pounds(whole) if measure == "cost_pence" else f"{whole:,}"
        cells = ("-" if share is None else f"{share:.2%}" if share else "" for share in levels)
        table.add_row(setting.replace("_", " "), total, *cells, style="bold" if setting == ALL else "")
    return table


def _codes(title: str, found: pl.DataFrame) -> Table | str:
    if found.is_empty():
        return f"{title}: none."
    table = _table(title)
    for name in ("setting", "point", "code", "priced by"):
        table.add_column(name)
    for name in ("units", "£"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.iter_rows(named=True):
        level, pence = row["match_level"], row["cost_pence"]
        table.add_row(
            row["setting"].replace("_", " "),
            row["point_of_delivery"],
            row["currency_code"] or "no code",
            "nothing" if level == "unpriced" else _IN_WORDS.get(level, level),
            f"{row['unit_count']:,}",
            "-" if pence is None else pounds(pence),
        )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
