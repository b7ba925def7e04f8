"""Tables of step 1 beside the feeds themselves, which their contracts describe."""

from schemas.columns import (
    ACTIVITY_MONTH,
    DELIVERY_ID,
    FEED,
    PROVIDER_CODE,
    RECORD_COUNT,
    SOURCE_ROW,
    SUBMITTED_PENCE,
    described,
)
from schemas.table import Column, Table


def _rows(name: str, what: str) -> Column:
    return Column(f"{name}_rows", "BIGINT", f"Rows {what}.", unit="rows")


def _pence(name: str, what: str) -> Column:
    return Column(
        f"{name}_pence", "BIGINT", f"Submitted price of the rows {what}; zero for a feed without prices.", unit="pence"
    )


_SUPERSEDED = "that a later delivery replaces, or of a repeated delivery"

DELIVERY_RECEIPT = Table(
    name="delivery_receipt",
    step="feeds",
    grain="One row per delivery.",
    description="What became of every delivery: received rows and pence are those rejected, superseded and accepted.",
    columns=(
        FEED,
        DELIVERY_ID,
        Column("supplier", "STRING", "Who sent it."),
        Column("contract_version", "STRING", "Version of the contract under which it was announced."),
        Column("period_start", "DATE", "First day covered.", nullable=True),
        Column("period_end", "DATE", "Last day covered.", nullable=True),
        Column("received_date", "DATE", "Day on which it was received.", nullable=True),
        Column("is_synthetic", "BOOLEAN", "Whether it holds synthetic records."),
        Column("dialect", "STRING", "Dialect of the contract under whose headers it came.", nullable=True),
        Column("verdict", "STRING", "accepted, superseded, repeat or refused."),
        Column("reason", "STRING", "Why it was refused, or is a repeat; by what it was replaced.", nullable=True),
        _rows("received", "received"),
        _rows("rejected", "rejected to quarantine"),
        _rows("superseded", _SUPERSEDED),
        _rows("accepted", "accepted and current"),
        _pence("received", "received"),
        _pence("rejected", "rejected to quarantine"),
        _pence("superseded", _SUPERSEDED),
        _pence("accepted", "accepted and current"),
        Column(
            "released_rows",
            "BIGINT",
            "Accepted rows that break a rule which was released for the delivery.",
            unit="rows",
        ),
        Column(
            "unreadable_price_rows",
            "BIGINT",
            "Rejected rows whose price is no amount, so that their pence are unknown.",
            unit="rows",
        ),
    ),
    key=("feed", "delivery_id"),
)

DELIVERY_TOTAL = Table(
    name="delivery_total",
    step="feeds",
    grain="One row per delivery, provider, month and status.",
    description="Rows and submitted pence as counted at the door: what the ledger starts from. Repeats and refused "
    "deliveries are not in it.",
    columns=(
        FEED,
        DELIVERY_ID,
        described(
            PROVIDER_CODE, "Organisation code of the provider; unknown where a rejected row's cannot be trusted."
        ),
        ACTIVITY_MONTH,
        Column("status", "STRING", "rejected, superseded or accepted."),
        RECORD_COUNT,
        SUBMITTED_PENCE,
    ),
    key=("feed", "delivery_id", "provider_code", "activity_month", "status"),
    zone="store",
    control=("feed",),
)

QUARANTINE = Table(
    name="quarantine",
    step="feeds",
    grain="One row per rejected record and first rule broken.",
    description="Which record broke which rule, by position. The record itself lies beside its delivery in the "
    "store, access-controlled.",
    columns=(
        FEED,
        DELIVERY_ID,
        SOURCE_ROW,
        Column("rule_code", "STRING", "First rule broken, in the contract's order."),
        Column("broken_rule_count", "INT", "Rules broken by the record.", unit="rules"),
    ),
    key=("feed", "delivery_id", "source_row"),
    zone="store",
)

TABLES = (DELIVERY_RECEIPT, DELIVERY_TOTAL, QUARANTINE)
