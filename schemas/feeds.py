"""Tables of step 1 beside the feeds themselves, which their contracts describe."""

from schemas.columns import (
    ACTIVITY_MONTH,
    DELIVERY_ID,
    FEED,
    FINANCIAL_YEAR,
    PROVIDER_CODE,
    RECORD_COUNT,
    SETTING,
    SOURCE_ROW,
    SUBMITTED_PENCE,
    described,
    optional,
)
from schemas.table import Column, Table


def _rows(name: str, what: str) -> Column:
    return Column(f"{name}_rows", "BIGINT", f"Rows {what}.", unit="rows")


def _pence(name: str, what: str) -> Column:
    return Column(
        f"{name}_pence", "BIGINT", f"Submitted price of the rows {what}; zero for a feed without prices.", unit="pence"
    )


_SUPERSEDED = "that a later delivery replaces, or of a repeated delivery"
_WITHDRAWN = "accepted and then removed, since their identifier is withdrawn"

DELIVERY_RECEIPT = Table(
    name="delivery_receipt",
    step="feeds",
    grain="One row per delivery.",
    description="What became of every delivery: received rows and pence are those rejected, superseded, withdrawn and "
    "accepted.",
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
        _rows("withdrawn", _WITHDRAWN),
        _rows("accepted", "accepted and current"),
        _pence("received", "received"),
        _pence("rejected", "rejected to quarantine"),
        _pence("superseded", _SUPERSEDED),
        _pence("withdrawn", _WITHDRAWN),
        _pence("accepted", "accepted and current"),
        Column(
            "announced_rows",
            "BIGINT",
            "Rows as its supplier counted them in `control_totals`; null if it did not.",
            nullable=True,
            unit="rows",
        ),
        Column(
            "announced_pence",
            "BIGINT",
            "Submitted price as its supplier added it up in `control_totals`; null if it did not.",
            nullable=True,
            unit="pence",
        ),
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

LINK_FEEDS = ("person_bridge", "person_merger", "person_withdrawal")

WITHDRAWN_IDENTIFIER = Table(
    name="withdrawn_identifier",
    step="feeds",
    grain="One row per withdrawn pseudonym in its domain.",
    description="Identifiers that must no longer be processed: those on the current withdrawal lists, and all that any "
    "merger or bridge connects to them, also one that was undone. Rows that carry them are removed from every feed.",
    columns=(
        Column("pseudonym_domain", "STRING", "Domain in which the pseudonym was made."),
        Column("pseudonym", "STRING", "Source pseudonym: never leaves the store."),
        Column("how", "STRING", "listed: on a current list; linked: connected to one that is, by mergers or bridges."),
    ),
    key=("pseudonym_domain", "pseudonym"),
    sources=(*LINK_FEEDS, "dummy_pseudonym"),
    zone="store",
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
        Column("status", "STRING", "rejected, superseded, withdrawn or accepted."),
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

RULE_RESULT = Table(
    name="rule_result",
    step="feeds",
    grain="One row per delivery and rule of its contract.",
    description="How often every delivery whose rows were counted broke every rule, and whether that is within the "
    "rule's limit; repeats are left out. Counts only. Where a rule names a row only if no other is broken (a repeated "
    "record key), only such rows count. Limits are those of the contract now: changing one changes this table and "
    "reads no delivery.",
    columns=(
        FEED,
        DELIVERY_ID,
        Column("supplier", "STRING", "Who sent it."),
        Column("period_start", "DATE", "First day covered."),
        Column("period_end", "DATE", "Last day covered."),
        Column("rule_code", "STRING", "The rule, as in the dictionary."),
        Column("kind", "STRING", "What the rule checks: required, type, enum, pattern, length, minimum and so on."),
        Column("category", "STRING", "completeness, conformance or plausibility (Kahn et al. 2016)."),
        Column("severity", "STRING", "warn keeps the row, reject quarantines it, refuse refuses the delivery."),
        Column("row_count", "BIGINT", "Rows received in the delivery.", unit="rows"),
        Column("broken_count", "BIGINT", "Rows that break the rule.", unit="rows"),
        Column("broken_share", "DOUBLE", "Their share of the rows received, 0 to 1; 0 of an empty delivery."),
        Column("count_limit", "BIGINT", "Most rows that may break it; null is no limit.", nullable=True, unit="rows"),
        Column("rate_limit", "DOUBLE", "Largest share that may break it, 0 to 1; null is no limit.", nullable=True),
        Column("is_within_limit", "BOOLEAN", "Whether neither limit is exceeded."),
    ),
    key=("feed", "delivery_id", "rule_code"),
)

VALUE_COMPLETENESS = Table(
    name="value_completeness",
    step="feeds",
    grain="One row per current delivery and column of its contract.",
    description="How many accepted rows lack a value, also in columns that may be empty. Values that stand for a "
    "missing one count as missing.",
    columns=(
        FEED,
        DELIVERY_ID,
        Column("column_name", "STRING", "The column, under the contract's name."),
        Column(
            "row_count",
            "BIGINT",
            "Accepted rows of the delivery, with those that a later delivery supersedes one by one.",
            unit="rows",
        ),
        Column("missing_count", "BIGINT", "Of these, rows without a value.", unit="rows"),
    ),
    key=("feed", "delivery_id", "column_name"),
)


PROVIDER_SUCCESSION = Table(
    name="provider_succession",
    step="feeds",
    grain="One row per provider that another one has taken over.",
    description="Until when a provider sends records of its own: after that nothing is expected of it, nor missing.",
    columns=(
        described(PROVIDER_CODE, "Organisation code of the provider."),
        Column("successor_code", "STRING", "Organisation code of the one that took it over."),
        Column("last_day", "DATE", "Last day of the provider."),
        Column("source", "STRING", "Who says so."),
    ),
    key=("provider_code",),
)

DELIVERY_CALENDAR = Table(
    name="delivery_calendar",
    step="feeds",
    grain="One row per feed, supplier, provider and month, from the provider's first month on.",
    description="What was expected of whom, what has come, and what is late or missing. Built before anything is "
    "linked or summed.",
    columns=(
        FINANCIAL_YEAR,
        described(FEED, "The feed."),
        Column("supplier", "STRING", "Who sends it."),
        described(PROVIDER_CODE, "Organisation code of the provider; unknown for a feed without providers."),
        described(ACTIVITY_MONTH, "First day of the month."),
        Column("expected", "BOOLEAN", "Whether records of the provider are expected for the month."),
        Column(
            "status",
            "STRING",
            "delivered; late (delivered, first after due_date); missing (expected, due and not there, or refused and "
            "not mended); not_yet_due; not_expected.",
        ),
        Column("due_date", "DATE", "Last day on which a delivery of the month is in time."),
        Column(
            "received_date",
            "DATE",
            "Day on which the delivery that now stands for the month was received.",
            nullable=True,
        ),
        described(
            RECORD_COUNT,
            "Accepted and current records of the month, with those withdrawn, which came too; of stays and packages, "
            "all that were sent for the month, though they were sent again later. A quarterly delivery's "
            "are spread over its months; a snapshot's count for each month that it covers.",
        ),
        Column(
            "usual_record_count",
            "DOUBLE",
            "Records of the provider's median month with any, in this financial year or else the last one with any.",
            nullable=True,
            unit="records",
        ),
        Column("volume_ratio", "DOUBLE", "record_count / usual_record_count.", nullable=True),
        Column(
            "is_low_volume",
            "BOOLEAN",
            "Whether an expected month has come with under half of the usual records, and with fewer than chance "
            "leaves: below the usual by more than three times its square root.",
        ),
        Column("as_of_date", "DATE", "The day on which the calendar stands: the last receipt of a good delivery."),
    ),
    key=("feed", "supplier", "provider_code", "activity_month"),
    sources=("delivery_receipt", "delivery_total", "provider_succession"),
)

FEED_COMPLETENESS = Table(
    name="feed_completeness",
    step="feeds",
    grain="One row per financial year and feed, delivered or not.",
    description="Which share of what was due of a feed has come. Figures that rest on the feed carry it.",
    columns=(
        FINANCIAL_YEAR,
        described(FEED, "The feed."),
        described(optional(SETTING), "Setting whose care comes in the feed; null for a feed without care of its own."),
        Column(
            "due_months", "INT", "Months of the year that were expected and due: 12 once it is over.", unit="months"
        ),
        Column("expected_provider_months", "BIGINT", "Months of providers that were expected and due.", unit="months"),
        Column("delivered_provider_months", "BIGINT", "Those that have come, late ones with them.", unit="months"),
        Column("missing_provider_months", "BIGINT", "Those that have not.", unit="months"),
        Column(
            "expected_records",
            "DOUBLE",
            "Usual records over the months expected and due; a provider that never sent any weighs as the feed's "
            "median provider.",
            unit="records",
        ),
        Column(
            "completeness",
            "DOUBLE",
            "Share of expected_records whose month has come, from 0 to 1. Null where nothing was due: no feed.",
            nullable=True,
        ),
    ),
    key=("feed",),
    sources=("delivery_calendar",),
    by_year=True,
)

TABLES = (
    WITHDRAWN_IDENTIFIER,
    DELIVERY_RECEIPT,
    DELIVERY_TOTAL,
    QUARANTINE,
    RULE_RESULT,
    VALUE_COMPLETENESS,
    PROVIDER_SUCCESSION,
    DELIVERY_CALENDAR,
    FEED_COMPLETENESS,
)
