"""`linked-care quality`: rules over their limit, or over another; their trend; the pages of the proofs."""

import json
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Column, Table

from assets.feeds.quality import over_limit, under_limit, with_verdicts
from pipelines.environment import home_path
from pipelines.errors import LinkedCareError
from pipelines.expectations import RECORDS
from pipelines.store import Store
from schemas.contract import contracts
from schemas.contract_model import Limit


def show_quality(feed: str | None, rule: str | None, limit: Limit, plot: Path | None) -> None:
    """Print the rules over their limit; with a rule, its count in every delivery. Draw the trend if asked."""
    store, console = Store(home_path() / "store"), Console(soft_wrap=True)
    results = store.frame(store.require("rule_result").table)
    chosen = _chosen(results, feed, rule)
    if limit != Limit():
        chosen = under_limit(chosen, limit)
        console.print(f"Judged under {_limit(limit.count, limit.rate)} in place of the contracts' limits.")
    judged = with_verdicts(chosen, store.frame("delivery_receipt"))
    table = _deliveries(judged) if rule else _over(judged)
    if table.row_count:
        console.print(table)
    console.print(_summary(judged), highlight=False)
    if plot:
        from assets.feeds.trend import drawn, write_trend  # which takes a second to import

        console.print(f"{write_trend(drawn(judged), plot)} rules drawn in {plot}", highlight=False)


def _chosen(results: pl.DataFrame, feed: str | None, rule: str | None) -> pl.DataFrame:
    if feed and feed not in contracts():
        raise LinkedCareError(f"--feed {feed}: feeds are {', '.join(contracts())}.")
    codes = {one.code for contract in contracts().values() for one in contract.rules}
    if rule and rule not in codes:
        raise LinkedCareError(f"--rule {rule}: no contract has it. docs/dictionary.md lists the rules of each feed.")
    wanted = {name: value for name, value in (("feed", feed), ("rule_code", rule)) if value}
    return results.filter(**wanted) if wanted else results


def _over(judged: pl.DataFrame) -> Table:
    table = Table(
        Column("rule", overflow="fold"),
        "category",
        "severity",
        "limit",
        "deliveries over",
        "rows",
        "worst",
        "in delivery",
    )
    for column in table.columns[4:7]:
        column.justify = "right"
    section = None
    for one in over_limit(judged).iter_rows(named=True):
        if section not in {None, one["feed"]}:
            table.add_section()
        section = one["feed"]
        table.add_row(
            one["rule_code"],
            one["category"],
            one["severity"],
            _limit(one["count_limit"], one["rate_limit"]),
            f"{one['deliveries']:,}",
            f"{one['broken_count']:,}",
            f"{one['worst_share']:.2%}",
            one["worst_delivery"],
        )
    return table


def _deliveries(judged: pl.DataFrame) -> Table:
    table = Table("delivery", "supplier", "from", "to", "verdict", "rows", "broken", "share", "limit", "")
    for column in table.columns[5:8]:
        column.justify = "right"
    for one in judged.sort("period_start", "delivery_id").iter_rows(named=True):
        table.add_row(
            one["delivery_id"],
            one["supplier"],
            str(one["period_start"]),
            str(one["period_end"]),
            one["verdict"],
            f"{one['row_count']:,}",
            f"{one['broken_count']:,}",
            f"{one['broken_share']:.2%}",
            _limit(one["count_limit"], one["rate_limit"]),
            "within" if one["is_within_limit"] else "over",
        )
    return table


def _limit(count: int | None, rate: float | None) -> str:
    parts = [f"{count:,} rows"] if count is not None else []
    parts += [f"{rate:.2%} of rows"] if rate is not None else []
    return " and ".join(parts) or "none"


def _summary(judged: pl.DataFrame) -> str:
    standing = judged.filter(pl.col("verdict").is_in(["accepted", "refused"]))
    over = standing.filter(~pl.col("is_within_limit"))
    limited = standing.filter(pl.col("count_limit").is_not_null() | pl.col("rate_limit").is_not_null())
    return (
        f"{over['rule_code'].n_unique()} of {standing['rule_code'].n_unique()} rules are over their limit in "
        f"{over.select('feed', 'delivery_id').n_unique()} of {standing.select('feed', 'delivery_id').n_unique()} "
        f"deliveries; {limited['rule_code'].n_unique()} rules have a limit"
    )


def write_data_docs(to: Path) -> None:
    """Write the pages of every kept proof."""
    store = home_path() / "store"
    proofs = {feed: _records(store / feed) for feed in contracts()}
    if not any(proofs.values()):
        raise LinkedCareError(f"{store}: no proof of accepted rows is kept yet. Run `linked-care nightly`.")
    from pipelines.data_docs import build_data_docs  # which takes seconds to import

    pages = build_data_docs(proofs, contracts(), to)
    Console(soft_wrap=True).print(f"{pages} pages; begin with {to / 'index.html'}", highlight=False)


def _records(folder: Path) -> list[dict]:
    """The proofs of a feed, the first made first."""
    found = [record for path in folder.glob(RECORDS) for record in json.loads(path.read_text())]
    return sorted(found, key=lambda record: record["meta"]["run_id"]["run_time"])
