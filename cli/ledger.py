"""`linked-care ledger`: where every record and pound of the last release went.

Belongs here: choosing the rows, and how the statement is printed.
Does not belong here: its lines (`assets/costing/waterfall.py`); making the ledger (`sql/cost_ledger.sql`).
"""

import csv
import re
import sys
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from assets.costing.waterfall import Entry, Line, sections
from assets.publication.files import released_files
from pipelines.engine import read_parquet
from pipelines.environment import home_path
from pipelines.errors import LinkedCareError

_BAR, _HALF, _WIDTH = "━", "╸", 20
_NARROWEST = 118
_SIGN = {"total": "", "less": "less ", "of": "  "}
_CHOICES = {
    "year": "financial_year",
    "feed": "feed",
    "provider": "provider_code",
    "month": "substr(cast(activity_month as varchar), 1, 7)",
}


def show_ledger(year: str | None, feed: str | None, provider: str | None, month: str | None, as_csv: bool) -> None:
    """Print the ledger of the last release, or a part of it, as a waterfall or as CSV."""
    files = [path for paths in released_files(home_path(), "cost_ledger").values() for path in paths]
    chosen = {"year": year, "feed": feed, "provider": provider, "month": month}
    entries = _entries(files, {name: value for name, value in chosen.items() if value})
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(("stage", "part_of", "status", "record_count", "submitted_pence", "cost_pence"))
        writer.writerows(entries)
        return
    console = Console(soft_wrap=True)
    console.width = max(console.width, _NARROWEST)  # a figure cut in two is no figure
    console.print(f"Ledger, {_of(chosen)}", style="bold", highlight=False)
    console.print(_statement(sections(entries)))
    console.print(
        "£ submitted: prices that came with the records, none (-) from feeds without prices. £ priced: what the care"
        " costs. Each part adds up to its whole, to the penny: proved before the release was published.",
        style="dim",
        highlight=False,
    )


def _entries(files: list[Path], chosen: dict[str, str]) -> list[Entry]:
    if "month" in chosen and not re.fullmatch(r"[0-9]{4}-[0-9]{2}", chosen["month"]):
        raise LinkedCareError("--month: write it as 2024-05.")
    where = " and ".join(f"{_CHOICES[name]} = ?" for name in chosen) or "true"
    with duckdb.connect() as connection:
        entries = connection.execute(
            "select stage, part_of, status, cast(sum(record_count) as bigint), cast(sum(submitted_pence) as bigint),"
            f" cast(sum(cost_pence) as bigint) from {read_parquet(*files)} where {where}"
            " group by stage, part_of, status order by stage, part_of, status",
            list(chosen.values()),
        ).fetchall()
        if not entries:
            known = [
                f"--{name} {value}: the release has {_known(connection, files, name)}."
                for name, value in chosen.items()
                if not connection.execute(
                    f"select 1 from {read_parquet(*files)} where {_CHOICES[name]} = ? limit 1", [value]
                ).fetchall()
            ]
            raise LinkedCareError(known[0] if known else f"{_of(chosen)}: the ledger has no record of these together.")
    return entries


def _known(connection: duckdb.DuckDBPyConnection, files: list[Path], name: str) -> str:
    found = [
        value
        for (value,) in connection.execute(
            f"select distinct {_CHOICES[name]} as value from {read_parquet(*files)} order by value"
        ).fetchall()
    ]
    return f"{found[0]} to {found[-1]}" if name == "month" else ", ".join(found)


def _of(chosen: dict[str, str | None] | dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in chosen.items() if value) or "all years, feeds and providers"


def _statement(parts: list[list[Line]]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", min_width=34)  # reasons may take two lines, figures may not
    for name in ("records", "£ submitted", "£ priced"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("share of records", no_wrap=True)
    received = next((line.sums.records for lines in parts for line in lines), 0)
    for lines in parts:
        for line in lines:
            style = "bold" if line.kind == "total" else ""
            table.add_row(*_cells(line), _bar(line.sums.records, received), style=style)
        table.add_row()
    return table


def _cells(line: Line) -> tuple[str, str, str, str]:
    sums, is_less = line.sums, line.kind == "less"
    label = f"{_SIGN[line.kind]}{line.label}"
    return label, _amount(sums.records, is_less, False), _amount(sums.submitted, is_less), _amount(sums.cost, is_less)


def _amount(value: int | None, is_less: bool, is_money: bool = True) -> str:
    if value is None:
        return "- "
    text = f"{value / 100:,.2f}" if is_money else f"{value:,}"
    return f"({text})" if is_less else f"{text} "  # brackets take away; the points stand below one another


def _bar(records: int, received: int) -> str:
    if not received or not records:
        return ""
    halves = max(1, round(2 * _WIDTH * records / received))
    bar = _BAR * (halves // 2) + _HALF * (halves % 2)
    return f"{bar:<{_WIDTH}} {records / received:6.1%}"
