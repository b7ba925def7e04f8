"""How `linked-care prices` prints: what became of a load, a book, findings, differences.

Belongs here: tables and lines. Prices and codes are no patient values.
Does not belong here: finding out any of it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console
from rich.table import Table

from assets.costing.book_diff import by_point
from assets.costing.loaders.terms import NOWHERE

if TYPE_CHECKING:
    from assets.costing.book import Book
    from assets.costing.book_lint import Finding
    from assets.costing.loaders.merge import Merged
    from assets.costing.loaders.terms import Loaded

SHOWN = 20
_TOTALS = (
    "row_count",
    "complete_count",
    "activity_cost_gbp",
    "cost_gbp",
    "difference_gbp",
    "suppressed_count",
    "suppressed_cost_gbp",
)
NARROWEST = 150  # columns; a narrower screen wraps lines rather than cut codes


def say(line: str) -> None:
    """Print a line as it is."""
    _console().print(line, markup=False, highlight=False)


def say_loaded(loaded: "Loaded", merged: "Merged", accept_placeholders: bool) -> None:
    """Print the totals by department, what the loader notes, and the rows that were refused."""
    if loaded.reconciliation.height:
        figures = ("rows", "with both", "activity x unit cost", "published cost", "difference", "suppressed", "cost")
        table = _table(("department",), figures)
        for row in loaded.reconciliation.iter_rows(named=True):
            table.add_row(row["department"], *(f"{row[name]:,}" for name in _TOTALS))
        sums = loaded.reconciliation.select(pl.col(_TOTALS).sum()).row(0)
        table.add_row("all departments", *(f"{figure:,}" for figure in sums))
        _console().print(table)
    for note in loaded.notes:
        say(note)
    nowhere = Counter((row.place, row.reason) for row in loaded.unused if row.kind == NOWHERE)
    for (place, reason), count in nowhere.items():
        say(f"{NOWHERE}: {place}, {count:,} rows: {reason}")
    others = Counter((row.kind, row.reason) for row in loaded.unused if row.kind != NOWHERE)
    for (kind, reason), count in others.items():
        say(f"{kind}: {count:,} rows: {reason}: {_codes(loaded, kind, reason)}")
    verb = "accepted" if accept_placeholders else "refused"
    for row in merged.placeholders.iter_rows(named=True):
        say(f"placeholder {verb}: {row['setting']}/{row['point_of_delivery']}/{row['currency_code']}")


def _codes(loaded: "Loaded", kind: str, reason: str) -> str:
    codes = [
        f"{row.code}{f' ({row.cost_gbp})' if row.cost_gbp else ''}"
        for row in loaded.unused
        if (row.kind, row.reason) == (kind, reason)
    ]
    more = f" and {len(codes) - SHOWN:,} more, see --report" if len(codes) > SHOWN else ""
    return ", ".join(codes[:SHOWN]) + more


def write_report(path: Path, loaded: "Loaded", merged: "Merged", accept_placeholders: bool) -> None:
    """Write every row that did not become a price, with why."""
    rows = [(row.kind, row.place, row.code, row.cost_gbp, row.reason) for row in loaded.unused]
    if not accept_placeholders:
        rows += [
            ("placeholder", f"{row['setting']}/{row['point_of_delivery']}", row["currency_code"], "", "status X")
            for row in merged.placeholders.iter_rows(named=True)
        ]
    names = ("kind", "place", "currency_code", "cost_gbp", "reason")
    path.write_text(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()), orient="row").write_csv())
    say(f"{path}: {len(rows):,} rows that were not used")


def say_findings(name: str, findings: "list[Finding]") -> bool:
    """Print what is odd about a book; whether a run would refuse it."""
    for finding in findings:
        say(f"{'fault  ' if finding.is_fault else 'warning'}  {finding.rule}: {finding.what}")
    faults = sum(finding.is_fault for finding in findings)
    say(f"{name}: {faults} faults, {len(findings) - faults} warnings")
    return faults > 0


def say_book(book: "Book") -> None:
    """Print what a book says of itself, and its points."""
    submitted = "before the book" if book.uses_submitted else "ignored"
    lines = "net ingredient cost" if book.uses_net_ingredient else "actual cost"
    say(f"{book.name} {book.version}: {book.title}")
    say(f"submitted prices {submitted}; prescribed lines by {lines}; real cost in money of {book.real_year}")
    say(f"{book.market_forces_factor.height} market forces factors, {book.top_up.height} top-ups")
    table = _table(("setting", "point of delivery"), ("prices", "mean, £"), ("year", "basis", "licence", "source"))
    points = book.price.group_by("setting", "point_of_delivery", maintain_order=True).agg(
        pl.len(),
        pl.col("unit_price").filter(pl.col("currency_code") == "ALL").first().alias("mean"),
        *(pl.col(name).unique(maintain_order=True) for name in ("price_year", "price_basis", "licence", "source")),
    )
    for setting, point, count, mean, *lists in points.iter_rows():
        table.add_row(setting, point, f"{count:,}", _pounds(mean), *("; ".join(values) for values in lists))
    _console().print(table)


def say_prices(book: "Book", setting: str | None, point: str | None, code: str | None, day: date | None) -> None:
    """Print the prices of a book that are asked for."""
    rows = book.price
    for name, value in (("setting", setting), ("point_of_delivery", point)):
        rows = rows.filter(pl.col(name) == value) if value else rows
    rows = rows.filter(pl.col("currency_code").str.starts_with(code)) if code else rows
    if day:
        started = pl.col("effective_from").fill_null(date.min) <= day
        rows = rows.filter(started & (pl.col("effective_to").fill_null(date.max) >= day))
    words = ("unit", "year", "holds", "basis", "status", "what")
    table = _table(("setting", "point", "code"), ("£", "trim", "£ a day"), words)
    for row in rows.iter_rows(named=True):
        table.add_row(
            row["setting"],
            row["point_of_delivery"],
            row["currency_code"],
            _pounds(row["unit_price"]),
            str(row["trim_point_days"] if row["trim_point_days"] is not None else ""),
            _pounds(row["excess_day_price"]),
            row["unit"],
            row["price_year"],
            _period(row["effective_from"], row["effective_to"]),
            row["price_basis"],
            row["status"] + (" proxy" if row["is_proxy"] else ""),
            row["description"],
        )
    _console().print(table)
    say(f"{book.name}: {rows.height:,} of {book.price.height:,} prices")


def say_difference(old: str, new: str, compared: pl.DataFrame, list_rows: bool) -> None:
    """Print what differs between two books, by point and, if asked, price by price."""
    figures = (f"only {old}", f"only {new}", "same", "changed", "least %", "mean %", "most %")
    table = _table(("setting", "point"), figures)
    for row in by_point(compared).iter_rows(named=True):
        counts = (f"{row[name]:,}" for name in ("only_old", "only_new", "same", "changed"))
        changes = (f"{row[name]:+z.1f}" if row[name] is not None else "" for name in ("least", "mean", "most"))
        table.add_row(row["setting"], row["point_of_delivery"], *counts, *changes)
    _console().print(table)
    if list_rows:
        prices = _table(("setting", "point", "code", "holds from"), (f"{old}, £", f"{new}, £", "%"))
        for row in compared.filter(pl.col("status") != "same").iter_rows(named=True):
            change = row["change_percent"]
            prices.add_row(
                row["setting"],
                row["point_of_delivery"],
                row["currency_code"],
                str(row["effective_from"] or ""),
                _pounds(row["unit_price"]),
                _pounds(row["unit_price_new"]),
                f"{change:+z.1f}" if change is not None else "",
            )
        _console().print(prices)
    prices_of = Counter(compared["status"])
    say(
        f"{prices_of['only_old']:,} prices only in {old}, {prices_of['only_new']:,} only in {new},"
        f" {prices_of['changed']:,} changed, {prices_of['same']:,} the same"
    )


def _table(names: Sequence[str], figures: Sequence[str] = (), words: Sequence[str] = ()) -> Table:
    table = Table(box=None)
    for name in names:
        table.add_column(name, no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    for name in words:
        table.add_column(name)
    return table


def _pounds(pence: Decimal | None) -> str:
    """Pence as pounds, with the parts of a penny only where there are any."""
    if pence is None:
        return ""
    text = f"{pence / 100:,.4f}"
    return text.removesuffix("00")


def _period(first: date | None, last: date | None) -> str:
    return f"{first or ''}..{last or ''}" if first or last else ""


def _console() -> Console:
    console = Console(soft_wrap=True)
    console.width = max(console.width, NARROWEST)
    return console
