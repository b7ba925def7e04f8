"""`linked-care trace`: one payable unit, from its row in a delivery to every table that its pence ended up in.

Belongs here: how the trail is printed.
Does not belong here: following it (`assets/costing/trail.py`).
"""

from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from assets.costing.trail import ActivityId, Destination, Fact, follow
from pipelines.environment import home_path

_NARROWEST = 132
_INDENT = (0, 0, 0, 2)


def show_trail(activity_id: str) -> None:
    """Print the trail of a unit; no value of the record is printed."""
    unit = ActivityId.read(activity_id)
    trail = follow(home_path(), unit)
    console = Console(soft_wrap=True)
    console.width = max(console.width, _NARROWEST)
    _facts(console, "Delivery", trail.delivery)
    _facts(console, "Link", trail.link)
    if trail.parts:
        console.print("Activity and price", style="bold")
        console.print(Padding(_parts(trail.parts), _INDENT))
        console.print("Where its pence are", style="bold")
        console.print(Padding(_destinations(trail.destinations), _INDENT))
        if not trail.destinations:
            console.print("  in no table: it has no price", highlight=False)
        elif trail.parts[0]["person_id"] is None:
            console.print("  in no table of people: its care is linked to nobody", highlight=False)


def _facts(console: Console, title: str, facts: list[Fact]) -> None:
    if not facts:
        return
    console.print(title, style="bold")
    for label, text in facts:
        console.print(f"  {label:<10} {text}", markup=False, highlight=False)


def _parts(parts: list[dict[str, Any]]) -> Table:
    table = _table(
        "month", "setting", "point of delivery", "units", "submitted", "cost", "real", "priced", "registration"
    )
    for part in parts:
        index = f", carried by {part['price_index']}" if part["price_index"] else ""
        proxy = ", borrowed" if part["is_proxy"] else ""
        basis = f" ({part['price_basis']}, {part['price_year']}{index}{proxy})" if part["price_basis"] else ""
        table.add_row(
            f"{part['activity_month']:%Y-%m}",
            part["setting"],
            part["point_of_delivery"],
            f"{part['quantity']:,}",
            _pounds(part["submitted_pence"]),
            _pounds(part["cost_pence"]),
            _pounds(part["real_cost_pence"]),
            f"{part['match_level']}{basis}",
            part["exposure_status"] or "-",
        )
    return table


def _destinations(found: list[Destination]) -> Table:
    table = _table("table", "year", "row", "column", "of the unit", "in all")
    for name, rows in groupby(found, key=lambda one: (one.table, one.year)):
        for place, one in enumerate(rows):
            first = name if place == 0 else ("", "")
            table.add_row(*first, one.place, one.column, _pounds(one.pence), _pounds(one.total))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in columns:
        is_number = name in {"units", "submitted", "cost", "real", "of the unit", "in all"}
        table.add_column(name, justify="right" if is_number else "left", no_wrap=is_number)
    return table


def _pounds(pence: int | None) -> str:
    return "-" if pence is None else f"£{pence / 100:,.2f}"
