"""`linked-care nightly`: the run, its progress and its summary."""

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from assets.costing.price_years import distant_in_words, distant_prices
from assets.feeds.completeness import gaps, gaps_in_words
from pipelines.environment import home_path
from pipelines.progress import Built, listening
from pipelines.resources import dagster_instance, home_resource
from pipelines.run import NightlyRun, run_nightly
from pipelines.store import Store
from schemas.contract import contracts
from schemas.table import STEPS

_PENCE = 100


def run_and_summarise(rebuild: bool) -> bool:
    """Run, show, and say whether any delivery stands refused without a good one since."""
    console = Console(soft_wrap=True)
    with dagster_instance() as instance, _progress(console) as hear, listening(hear):
        run = run_nightly(instance, home_resource(rebuild))
    store = Store(home_path() / "store")
    receipts = store.frame("delivery_receipt")
    console.print(_summary(store, receipts, run))
    if distant := distant_prices(store, store.years("activity_cost")):
        console.print(distant_in_words(distant), style="yellow", markup=False, highlight=False)
    refused = standing_refusals(receipts)
    for feed, delivery, reason in refused.select("feed", "delivery_id", "reason").rows():
        console.print(f"refused: {feed}/{delivery}: {reason}", style="yellow", markup=False, highlight=False)
    return refused.height > 0


def standing_refusals(receipts: pl.DataFrame) -> pl.DataFrame:
    """Refused deliveries whose period no good delivery, received on that day or later, has covered since."""
    good = receipts.filter(pl.col("verdict").is_in(["accepted", "superseded"]))
    mended = receipts.filter(pl.col("verdict") == "refused").join_where(
        good.select("feed", "supplier", "period_start", "period_end", "received_date").rename("{}_good".format),
        pl.col("feed") == pl.col("feed_good"),
        pl.col("supplier") == pl.col("supplier_good"),
        pl.col("period_start") >= pl.col("period_start_good"),
        pl.col("period_end") <= pl.col("period_end_good"),
        pl.col("received_date") <= pl.col("received_date_good"),
    )
    refused = receipts.filter(pl.col("verdict") == "refused")
    return refused.join(mended, on=["feed", "delivery_id"], how="anti").sort("feed", "delivery_id")


class _progress:
    """A line per step, with a bar while it runs."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(),
            TextColumn("{task.fields[asset]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._tasks = {
            step: self._progress.add_task(step, total=total, asset="", start=False) for step, total in _assets().items()
        }

    def __enter__(self) -> "_progress":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def __call__(self, built: Built) -> None:
        task = self._tasks[built.step]
        self._progress.start_task(task)
        self._progress.update(task, advance=1, asset=built.asset)
        if built.asset == "delivery_calendar":
            self._tell_gaps()

    def _tell_gaps(self) -> None:
        """Say what is missing or late before anything is linked or summed."""
        calendar = Store(home_path() / "store").frame("delivery_calendar")
        if not gaps(calendar).is_empty():
            self._progress.console.print(gaps_in_words(calendar), style="yellow", markup=False, highlight=False)


def _assets() -> dict[str, int]:
    """How many assets and checks each step tells of."""
    from schemas.catalogue import TABLES

    counts = {step: sum(table.step == step for table in TABLES.values()) for step in STEPS}
    counts["feeds"] += 2 * len(contracts())
    counts["costing"] += 1  # the check of price years
    return counts | {"publication": 1}


def _summary(store: Store, receipts: pl.DataFrame, run: NightlyRun) -> Table:
    years = store.years("cost_ledger")
    ledger = pl.concat([store.frame("cost_ledger", year) for year in years])
    linkage = _by_status(ledger.filter(stage="linkage"))
    linked, unlinked = linkage.filter(status="linked"), linkage.filter(pl.col("status") != "linked")
    unpriced = ledger.filter(stage="pricing", status="unpriced")["record_count"].sum()
    verdicts = dict(receipts.group_by("verdict").len().rows())
    people = pl.concat([store.frame("person_year", year).select("person_id") for year in years]).n_unique()
    rows = [
        ("people", f"{people:,} registered in {years[0]} to {years[-1]}"),
        (
            "deliveries",
            ", ".join(f"{verdicts.get(name, 0):,} {name}" for name in ("accepted", "superseded", "repeat", "refused")),
        ),
        ("expected", gaps_in_words(store.frame("delivery_calendar"))),
        ("quarantined", f"{receipts['rejected_rows'].sum():,} of {receipts['received_rows'].sum():,} rows"),
        ("activity", f"{sum(store.require('activity', year).rows for year in years):,} rows"),
        ("linked", _records_and_pounds(linked)),
        ("unlinked", _records_and_pounds(unlinked) + _reasons(unlinked)),
        ("ledger", f"balances to the penny; {unpriced:,} records unpriced; `linked-care ledger` shows it"),
        ("release", f"{run.release} {'published' if run.is_new else 'stands: nothing new, nothing published'}"),
        ("outputs", str(home_path() / "outputs")),
    ]
    table = Table(show_header=False, box=None)
    for name, value in rows:
        table.add_row(name, value)
    return table


def _by_status(stage: pl.DataFrame) -> pl.DataFrame:
    return stage.group_by("status").agg(pl.col("record_count", "cost_pence").sum()).sort("status")


def _records_and_pounds(found: pl.DataFrame) -> str:
    return f"£{found['cost_pence'].sum() // _PENCE:,} over {found['record_count'].sum():,} records"


def _reasons(unlinked: pl.DataFrame) -> str:
    reasons = [f"{rows:,} {status}" for status, rows in unlinked.select("status", "record_count").rows()]
    return f": {', '.join(reasons)}" if reasons else ""
