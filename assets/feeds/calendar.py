"""The calendar of expected deliveries: pure functions over the accounts of all deliveries.

Belongs here: who was expected when, and what of it has come.
Does not belong here: judging deliveries (`submission.py`); the user's own expectations (`expected.py`); what share of a
feed has come (`completeness.py`).

No clock: the calendar stands on the day on which the last good delivery was received. Whether a provider is regular is
told by the records up to the end of the financial year in question, so that what comes later changes no earlier year.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from assets.feeds.expected import EXPECTED_FILE, read_expected
from assets.feeds.receipt import UNKNOWN
from pipelines.build import build_frame
from pipelines.home import Home
from pipelines.store import Stored, digest_of
from schemas.contract_model import Contract
from schemas.feeds import DELIVERY_CALENDAR
from schemas.financial_year import FIRST_MONTH

_SOURCE = ("feed", "supplier")
_WHO = (*_SOURCE, "provider_code")
_OF_YEAR = (*_WHO, "financial_year")
_CELL = (*_WHO, "activity_month")
_YEAR = 12  # a delivery of more months is a history, and no period of the feed's rhythm


def build_delivery_calendar(home: Home, contracts: Mapping[str, Contract]) -> Stored:
    """Build `delivery_calendar` from the accounts of all deliveries and the user's own expectations."""
    own = read_expected(home.root / EXPECTED_FILE, contracts)
    rhythms = [(c.feed, c.rhythm, c.due_days, c.provider_column) for c in contracts.values()]
    return build_frame(
        home.store,
        DELIVERY_CALENDAR,
        (rhythms, own.rows(), digest_of(Path(__file__))),
        lambda: delivery_calendar(
            home.store.frame("delivery_receipt"),
            home.store.frame("delivery_total"),
            contracts,
            own,
            home.store.frame("provider_succession"),
        ),
    )


def delivery_calendar(
    receipts: pl.DataFrame,
    totals: pl.DataFrame,
    contracts: Mapping[str, Contract],
    own: pl.DataFrame,
    succession: pl.DataFrame,
) -> pl.DataFrame:
    """What was expected of each provider for each month, and what has come.

    Args:
        receipts, totals: `delivery_receipt` and `delivery_total`.
        contracts: by feed; they say how often and until when a delivery is expected.
        own: the user's expectations, as `read_expected` gives them.
        succession: `provider_succession`.
    """
    good = _good_deliveries(receipts, contracts)
    if good.is_empty():
        return DELIVERY_CALENDAR.empty_frame()
    as_of = pl.lit(good["received_date"].max())
    begun = _begun(good)
    covering = _covering(good, begun)
    sent_again = [c.feed for c in contracts.values() if c.spans_deliveries]
    cells = _cells(_records(good, covering, totals, sent_again))
    covered = covering.group_by(*_SOURCE, "activity_month").agg(
        is_covered=pl.col("is_current").any(),
        covered_date=pl.col("received_date").filter("is_current").max(),
        first_covered_date=pl.col("received_date").min(),
    )
    found = (
        _grid(cells, begun, own, as_of)
        .join(cells, on=_CELL, how="left")
        .join(covered, on=[*_SOURCE, "activity_month"], how="left")
        .join(begun, on=_SOURCE, how="left")
        .join(_rhythms(contracts), on="feed")
        .with_columns(
            pl.col("record_count").fill_null(0),
            pl.col("is_covered").fill_null(False),
            has_provider=pl.col("has_provider") & (pl.col("provider_code") != UNKNOWN),
            financial_year=_financial_year(pl.col("activity_month")),
            due_date=_due_date(),
            as_of_date=as_of,
        )
        .with_columns(has_come=pl.when("has_provider").then(pl.col("record_count") > 0).otherwise("is_covered"))
    )
    return (
        found.join(_of_the_year(found), on=_OF_YEAR)
        .join(_own_months(found, own), on=_CELL, how="left")
        .join(succession.select("provider_code", "last_day"), on="provider_code", how="left", validate="m:1")
        .with_columns(
            expected=pl.coalesce("is_own_month", pl.col("is_regular") & ~_is_closed()),
            # a file that has come without records of a provider that has few is no gap: it can be chance
            has_come=pl.col("has_come") | (pl.col("is_covered") & ~_beyond_chance().fill_null(True)),
        )
        .with_columns(
            status=_status(),
            received_date=pl.when("has_come").then(pl.coalesce("received_date", "covered_date")),
            volume_ratio=pl.col("record_count") / pl.col("usual_record_count"),
        )
        .with_columns(
            is_low_volume=(
                pl.col("expected") & pl.col("has_come") & (pl.col("volume_ratio") < 0.5) & _beyond_chance()  # noqa: PLR2004
            ).fill_null(False)
        )
        .select(DELIVERY_CALENDAR.arrow_schema.names)
        .sort(DELIVERY_CALENDAR.key)
    )


def _good_deliveries(receipts: pl.DataFrame, contracts: Mapping[str, Contract]) -> pl.DataFrame:
    """Deliveries that stand or stood, with the months they cover. Repeats and refused ones count for nothing."""
    first, last = (pl.col(name).dt.month_start() for name in ("period_start", "period_end"))
    return (
        receipts.filter(pl.col("verdict").is_in(["accepted", "superseded"]))
        .join(_rhythms(contracts), on="feed")
        .select(
            *_SOURCE,
            "delivery_id",
            "received_date",
            "rhythm",
            "has_provider",
            is_current=pl.col("verdict") == "accepted",
            first=first,
            last=last,
            months=_months_from(first, last) + 1,
        )
    )


def _rhythms(contracts: Mapping[str, Contract]) -> pl.DataFrame:
    rows = [(c.feed, c.rhythm, c.due_days, c.provider_column is not None) for c in contracts.values()]
    schema = {"feed": pl.String, "rhythm": pl.String, "due_days": pl.Int64, "has_provider": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _begun(good: pl.DataFrame) -> pl.DataFrame:
    """From which month on each supplier is expected, and how many months its first period has."""
    regular = pl.col("months") <= _YEAR
    return (
        good.sort(~regular, "first", "months")
        .group_by(_SOURCE, maintain_order=True)
        .agg(begin=pl.col("first").first(), period_months=pl.col("months").first().clip(upper_bound=_YEAR))
    )


def _covering(good: pl.DataFrame, begun: pl.DataFrame) -> pl.DataFrame:
    """One row per delivery and month that it covers; a snapshot covers every month up to its own."""
    start = pl.when(pl.col("rhythm") == "snapshot").then("begin").otherwise(pl.max_horizontal("first", "begin"))
    return (
        good.join(begun, on=_SOURCE)
        .filter(pl.col("last") >= pl.col("begin"))
        .with_columns(activity_month=pl.date_ranges(start, "last", "1mo"))
        .with_columns(covered_months=pl.col("activity_month").list.len().cast(pl.Int64))
        .explode("activity_month")
        .with_columns(place=pl.int_range(pl.len()).over(*_SOURCE, "delivery_id").cast(pl.Int64))
    )


def _records(
    good: pl.DataFrame, covering: pl.DataFrame, totals: pl.DataFrame, sent_again: Sequence[str]
) -> pl.DataFrame:
    """Records as they came (`sent`) and as they stand (`kept`), by delivery, provider and month.

    Of feeds whose records are sent again in each month that they touch, all that came stand for their month.
    """
    is_replaced = (pl.col("status") == "superseded") & ~pl.col("feed").is_in(sent_again)
    counted = (
        totals.filter(pl.col("status").is_in(["accepted", "superseded", "withdrawn"]))
        .with_columns(kept=pl.when(is_replaced).then(0).otherwise("record_count"))
        .group_by("feed", "delivery_id", "provider_code", "activity_month")
        .agg(sent=pl.col("record_count").sum(), kept=pl.col("kept").sum())
    )
    of_delivery = ("feed", "delivery_id")
    monthly = covering.filter(pl.col("rhythm") == "month").join(counted, on=[*of_delivery, "activity_month"])
    whole = counted.group_by(*of_delivery, "provider_code").agg(pl.col("sent", "kept").sum())
    other = covering.filter(pl.col("rhythm") != "month").join(whole, on=of_delivery)
    spread = other.with_columns(
        pl.when(pl.col("rhythm") == "quarter").then(_part(name)).otherwise(name).alias(name)
        for name in ("sent", "kept")
    )
    without_provider = covering.filter(~pl.col("has_provider")).with_columns(
        pl.lit(UNKNOWN).alias("provider_code"), sent=pl.lit(0, pl.Int64), kept=pl.lit(0, pl.Int64)
    )
    columns = [*_CELL, "received_date", "is_current", "has_provider", "sent", "kept"]
    return pl.concat([monthly.select(columns), spread.select(columns), without_provider.select(columns)])


def _part(name: str) -> pl.Expr:
    """Whole records of one of the months over which a delivery is spread; the parts sum to the whole."""
    place, months = pl.col("place"), pl.col("covered_months")
    return (place + 1) * pl.col(name) // months - place * pl.col(name) // months


def _cells(records: pl.DataFrame) -> pl.DataFrame:
    came = ~pl.col("has_provider") | (pl.col("sent") > 0)
    stands = pl.col("is_current") & (~pl.col("has_provider") | (pl.col("kept") > 0))
    return (
        records.filter(came)
        .group_by(_CELL)
        .agg(
            record_count=pl.col("kept").filter("is_current").sum(),
            received_date=pl.col("received_date").filter(stands).max(),
            first_received_date=pl.col("received_date").min(),
        )
    )


def _grid(cells: pl.DataFrame, begun: pl.DataFrame, own: pl.DataFrame, as_of: pl.Expr) -> pl.DataFrame:
    """Every month of every provider, from its first one to the month in which the calendar stands.

    Months of a supplier before any of its providers are one unknown provider's: its files were expected, though empty.
    """
    seen = cells.group_by(_WHO).agg(begin=pl.col("activity_month").min(), end=pl.col("activity_month").max())
    named = own.group_by(_WHO).agg(begin=pl.col("first_month").min(), end=pl.lit(None, pl.Date))
    of_provider = _months(
        pl.concat([seen, named]).group_by(_WHO).agg(pl.col("begin").min(), pl.col("end").max()), as_of
    )
    of_supplier = _months(begun.select(*_SOURCE, pl.lit(UNKNOWN).alias("provider_code"), "begin", end=None), as_of)
    return pl.concat([of_provider, of_supplier.join(of_provider, on=[*_SOURCE, "activity_month"], how="anti")])


def _months(spans: pl.DataFrame, as_of: pl.Expr) -> pl.DataFrame:
    return (
        spans.with_columns(end=pl.max_horizontal("end", as_of.dt.month_start()))
        .filter(pl.col("begin") <= pl.col("end"))
        .with_columns(activity_month=pl.date_ranges("begin", "end", "1mo"))
        .explode("activity_month")
        .select(_CELL)
    )


def _of_the_year(found: pl.DataFrame) -> pl.DataFrame:
    """By provider and financial year: the usual records of a month, and whether the provider is a regular one.

    A regular provider had records in more than half of the months, from its first on, for which its supplier's file has
    come; or in more than half of those of the year before, so that one that vanishes is missed for a year at least.
    Where a supplier has no regular provider at all, all are expected: its file is.
    """
    counted = pl.col("is_covered")
    more_than_half = [2 * pl.col(f"present_{span}") > pl.col(f"counted_{span}") for span in ("so_far", "before")]
    return (
        found.group_by(_OF_YEAR)
        .agg(
            counted=counted.sum().cast(pl.Int64),
            present=(counted & pl.col("has_come")).sum().cast(pl.Int64),
            usual_record_count=pl.col("record_count").filter(pl.col("record_count") > 0).median(),
        )
        .sort(_OF_YEAR)
        .with_columns(pl.col("usual_record_count").forward_fill().over(_WHO))
        .with_columns(pl.col("counted", "present").cum_sum().over(_WHO).name.suffix("_so_far"))
        .with_columns(pl.col("counted", "present").shift(1).over(_WHO).name.suffix("_before"))
        .with_columns(is_regular=pl.any_horizontal(more_than_half).fill_null(False))
        .with_columns(is_regular=pl.col("is_regular") | ~pl.col("is_regular").any().over(*_SOURCE, "financial_year"))
        .select(*_OF_YEAR, "usual_record_count", "is_regular")
    )


def _own_months(found: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Of the providers that the user names: whether a month is one of theirs."""
    first, last = pl.col("first_month"), pl.col("last_month")
    within = (pl.col("activity_month") >= first) & (last.is_null() | (pl.col("activity_month") <= last))
    return found.select(_CELL).join(own, on=_WHO).group_by(_CELL).agg(is_own_month=within.any())


def _is_closed() -> pl.Expr:
    return (pl.col("activity_month") > pl.col("last_day")).fill_null(False)


def _status() -> pl.Expr:
    first = pl.coalesce("first_received_date", "first_covered_date")
    return (
        pl.when(pl.col("has_come") & pl.col("expected") & (first > pl.col("due_date")))
        .then(pl.lit("late"))
        .when("has_come")
        .then(pl.lit("delivered"))
        .when(~pl.col("expected"))
        .then(pl.lit("not_expected"))
        .when(pl.col("due_date") <= pl.col("as_of_date"))
        .then(pl.lit("missing"))
        .otherwise(pl.lit("not_yet_due"))
    )


def _due_date() -> pl.Expr:
    """Days after the end of the period in which a month lies: itself, its quarter, or a snapshot's usual period."""
    month, is_quarter = pl.col("activity_month"), pl.col("rhythm") == "quarter"
    period = pl.when(is_quarter).then(3).when(pl.col("rhythm") == "month").then(1).otherwise("period_months")
    begin = pl.when(is_quarter).then(month.dt.truncate("1q")).otherwise("begin")
    left = period - 1 - _months_from(begin, month) % period
    last = month.dt.offset_by(pl.format("{}mo", left.fill_null(0)))
    return last.dt.month_end() + pl.duration(days=pl.col("due_days"))


def _beyond_chance() -> pl.Expr:
    """Whether so few records are no chance: below the usual by over three times its square root (Poisson)."""
    usual = pl.col("usual_record_count")
    return usual - pl.col("record_count") > 3 * usual.sqrt()


def _months_from(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    years = last.dt.year().cast(pl.Int64) - first.dt.year().cast(pl.Int64)
    return 12 * years + last.dt.month().cast(pl.Int64) - first.dt.month().cast(pl.Int64)


def _financial_year(month: pl.Expr) -> pl.Expr:
    start = month.dt.year() - (month.dt.month() < FIRST_MONTH).cast(pl.Int32)
    return pl.format("{}-{}", start, ((start + 1) % 100).cast(pl.String).str.zfill(2))
