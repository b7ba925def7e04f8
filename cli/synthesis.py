"""`linked-care synthesise`."""

from pathlib import Path
from typing import Literal

from rich.console import Console

from pipelines.environment import home_path
from pipelines.errors import LinkedCareError
from schemas.financial_year import year_bounds, years_between
from synthetic import synthesise as make


def synthesise(
    people: int,
    years: str,
    seed: int,
    faults: Literal["none", "default", "all"],
    to: Path | None,
    fault_rate: float = 1.0,
) -> None:
    """Make the deliveries and say how many rows they hold."""
    try:
        first, _, last = years.partition("..")
        chosen = list(years_between(year_bounds(first)[0], year_bounds(last or first)[1]))
    except ValueError as error:
        raise LinkedCareError(f"--years {years}: write it as 2022-23..2024-25.") from error
    if not chosen:
        raise LinkedCareError(f"--years {years}: the first year comes after the last.")
    target = to or home_path() / "landing"
    if any(target.glob("*/*/delivery.json")):
        raise LinkedCareError(f"{target}: already holds deliveries. Empty it, or choose another folder with --to.")
    console = Console()
    with console.status(f"Making deliveries for {people:,} people over {', '.join(chosen)}"):
        made = make(people=people, years=chosen, seed=seed, faults=faults, to=target, fault_rate=fault_rate)
    console.print(f"{made.deliveries} deliveries with {sum(made.rows.values()):,} rows in {target}", highlight=False)
