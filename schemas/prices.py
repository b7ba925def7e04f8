"""Tables of step 4, costing: the price book in use, and the price that it has for each kind of activity.

Belongs here: what a book says, and what is found in it.
Does not belong here: what care costs (`costing.py`).
"""

from schemas.columns import (
    ACTIVITY_MONTH,
    DELIVERY_ID,
    FEED,
    FINANCIAL_YEAR,
    POINT_OF_DELIVERY,
    PROVIDER_CODE,
    SETTING,
    SOURCE_ROW,
    optional,
)
from schemas.table import Column, Table

# How the price of a unit was found: the steps of the ladder down which a price book is searched, finest first.
BOOK_LEVELS = ("exact", "all_points", "hrg_root", "subchapter", "point_of_delivery", "proxy", "unpriced")
YEAR_OF_PRICES = Column("price_year", "STRING", "Financial year of the prices.", nullable=True)
BASIS = Column("price_basis", "STRING", "tariff, package, cost or local.", nullable=True)
_CODE = Column("currency_code", "STRING", "Code of the currency, or ALL.")
UNIT_PRICE = Column("unit_price", "DECIMAL(18,2)", "Price of one unit, in pence to two places.", unit="pence per unit")
_TRIM_POINT = Column(
    "trim_point_days",
    "BIGINT",
    "Payable days that the price covers; null where it covers all of them.",
    nullable=True,
    unit="days",
)
_EXCESS_DAY_PRICE = Column(
    "excess_day_price",
    "DECIMAL(18,2)",
    "Price of each payable day beyond the trim point, in pence to two places.",
    nullable=True,
    unit="pence per day",
)
_EFFECTIVE_FROM = Column("effective_from", "DATE", "First day in force; null for any day.", nullable=True)
_EFFECTIVE_TO = Column("effective_to", "DATE", "Last day in force; null for any day.", nullable=True)
INDEX_USED = "Price index, with its vintage, by which a price of another year was carried; null where none was."

PRICE_BOOK = Table(
    name="price_book",
    step="costing",
    grain="One row per setting, point of delivery, currency and period; currency ALL is the mean of its point of "
    "delivery.",
    description="Prices for what arrives without one. Data, not code: bring your own book in the same columns.",
    columns=(
        SETTING,
        POINT_OF_DELIVERY,
        _CODE,
        Column("description", "STRING", "What is priced."),
        Column("unit", "STRING", "What one unit is."),
        UNIT_PRICE,
        _TRIM_POINT,
        _EXCESS_DAY_PRICE,
        Column("price_year", "STRING", "Financial year of the price."),
        _EFFECTIVE_FROM,
        _EFFECTIVE_TO,
        Column("price_basis", "STRING", "tariff, what is paid; cost, what care consumes; or local."),
        Column("source", "STRING", "Publication."),
        Column("licence", "STRING", "Licence of the figure."),
        Column("status", "STRING", "V read in the source, D derived from it, X placeholder that the book accepts."),
        Column("is_proxy", "BOOLEAN", "Whether the price is borrowed from a wider group."),
        Column(
            "national_activity",
            "BIGINT",
            "National activity at the price, the weight of a mean of several; null if unknown.",
            nullable=True,
            unit="units",
        ),
    ),
    key=("setting", "point_of_delivery", "currency_code", "effective_from"),
)

MARKET_FORCES_FACTOR = Table(
    name="market_forces_factor",
    step="costing",
    grain="One row per provider and period.",
    description="By what tariff prices are multiplied at a provider. Empty unless the price book has them.",
    columns=(
        PROVIDER_CODE,
        Column("factor_millionths", "BIGINT", "Market forces factor, times a million.", unit="millionths"),
        _EFFECTIVE_FROM,
        _EFFECTIVE_TO,
        Column("source", "STRING", "Publication."),
    ),
    key=("provider_code", "effective_from"),
)

TOP_UP = Table(
    name="top_up",
    step="costing",
    grain="One row per eligible provider, code system and beginning of a code.",
    description="Specialist top-ups on tariff prices of admitted care. Empty unless the price book has them.",
    columns=(
        PROVIDER_CODE,
        Column("code_system", "STRING", "icd10, opcs4 or hrg."),
        Column("code", "STRING", "Beginning of a code of the spell, without dots."),
        Column("rate_millionths", "BIGINT", "Share that is added to the price, times a million.", unit="millionths"),
        Column("source", "STRING", "Publication."),
    ),
    key=("provider_code", "code_system", "code"),
)

PRICE_INDEX = Table(
    name="price_index",
    step="costing",
    grain="One row per price index and financial year.",
    description="By which prices of one year become prices of another: price times the index of its year to come, "
    "divided by that of its own.",
    columns=(
        Column("index_name", "STRING", "Price index."),
        Column("vintage", "STRING", "Edition of the index; the newest year of one is provisional."),
        Column("price_year", "STRING", "Financial year."),
        Column("index_ten_thousandths", "BIGINT", "Value of the index, times ten thousand.", unit="ten-thousandths"),
        Column("is_provisional", "BOOLEAN", "Whether the value is expected to be revised."),
        Column("source", "STRING", "Publication."),
        Column("licence", "STRING", "Licence of the figure."),
    ),
    key=("index_name", "price_year"),
)

PRICE_POLICY = Table(
    name="price_policy",
    step="costing",
    grain="One row: the price book in use.",
    description="Which price book priced the care, and by which rules of its own.",
    columns=(
        Column("book_name", "STRING", "Name of the price book."),
        Column("book_version", "STRING", "Version of the price book."),
        Column("uses_submitted", "BOOLEAN", "Whether a submitted price goes before the book."),
        Column(
            "uses_net_ingredient",
            "BOOLEAN",
            "Whether the net ingredient cost of a prescribed line, where sent, stands for its submitted price.",
        ),
        Column("real_year", "STRING", "Financial year in whose money real cost is told."),
    ),
    key=("book_name",),
)

SETTING_INDEX = Table(
    name="setting_index",
    step="costing",
    grain="One row per setting of care.",
    description="By which price index the price book carries prices of a setting to another year.",
    columns=(SETTING, Column("index_name", "STRING", "Price index.")),
    key=("setting",),
)

PRICE_POINT = Table(
    name="price_point",
    step="costing",
    grain="One row per setting, point of delivery, price point and rank.",
    description="Under which points a price book may price a unit, best first. A price point that is not listed is "
    "looked for under its own name, then under its point of delivery.",
    columns=(
        SETTING,
        POINT_OF_DELIVERY,
        Column("price_point", "STRING", "Finest point under which a price book may price the unit."),
        Column("rank", "BIGINT", "Order in which the points are tried, from 1."),
        Column("book_point", "STRING", "Point of delivery as a price book calls it."),
        Column("source", "STRING", "Where the rule is stated."),
    ),
    key=("setting", "point_of_delivery", "price_point", "rank"),
)

SPELL_SUPPLEMENT = Table(
    name="spell_supplement",
    step="costing",
    grain="One row per admitted spell that has a top-up or unbundled healthcare resource groups.",
    description="What is added to the price of a spell: a top-up for specialist care, and what is priced apart.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        DELIVERY_ID,
        SOURCE_ROW,
        Column("top_up_millionths", "BIGINT", "Highest top-up of the spell, times a million.", unit="millionths"),
        Column(
            "unbundled_price",
            "DECIMAL(18,2)",
            "Book price of its unbundled healthcare resource groups, in pence to two places.",
            unit="pence per unit",
        ),
        Column(
            "unbundled_unpriced_count",
            "BIGINT",
            "Its unbundled healthcare resource groups that the book does not price, or whose days are unknown.",
            unit="records",
        ),
    ),
    key=("feed", "delivery_id", "source_row"),
    sources=("apc_spell", "price_book", "top_up"),
    by_year=True,
    zone="store",
)


def _ratio(name: str, what: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{name}_{part}", "BIGINT", f"{what}: {part} of the index ratio.", nullable=True, unit="ten-thousandths")
        for part in ("numerator", "denominator")
    )


PRICE_USED = Table(
    name="price_used",
    step="costing",
    grain="One row per month, setting, point of delivery, price point, currency, provider and whether the currency is "
    "borrowed.",
    description="The price that the book has for each kind of activity, searched for once: at which level it was "
    "found, and by what it is multiplied.",
    columns=(
        FINANCIAL_YEAR,
        ACTIVITY_MONTH,
        SETTING,
        POINT_OF_DELIVERY,
        Column("price_point", "STRING", "Finest point under which a price book may price the unit."),
        Column("currency_code", "STRING", "Code by which a price book prices the unit.", nullable=True),
        PROVIDER_CODE,
        Column("is_proxy_currency", "BOOLEAN", "Whether the currency was borrowed through a mapping."),
        Column("book_level", "STRING", f"{', '.join(BOOK_LEVELS[:-1])} or {BOOK_LEVELS[-1]}."),
        Column("matched_point", "STRING", "Point of the book that has the price; null for all points.", nullable=True),
        Column("matched_code", "STRING", "Code, beginning of a code, or ALL, that has the price.", nullable=True),
        optional(UNIT_PRICE),
        _TRIM_POINT,
        _EXCESS_DAY_PRICE,
        BASIS,
        YEAR_OF_PRICES,
        Column("price_source", "STRING", "Publication of the price.", nullable=True),
        Column("is_proxy", "BOOLEAN", "Whether price or currency is borrowed."),
        Column(
            "factor_millionths",
            "BIGINT",
            "Market forces factor of the provider, times a million; one million unless the price is a tariff.",
            unit="millionths",
        ),
        *_ratio("nominal", "From the year of the price to that of the activity"),
        *_ratio("real", "From the year of the price to that of real cost; null where the index lacks a year"),
        *_ratio("submitted_real", "From the year of the activity to that of real cost; null where the index lacks one"),
        Column("price_index", "STRING", INDEX_USED, nullable=True),
        Column("submitted_price_index", "STRING", "The same for submitted and package prices.", nullable=True),
    ),
    key=(
        "activity_month",
        "setting",
        "point_of_delivery",
        "price_point",
        "currency_code",
        "provider_code",
        "is_proxy_currency",
    ),
    sources=(
        "activity",
        "price_book",
        "price_point",
        "market_forces_factor",
        "price_index",
        "setting_index",
        "price_policy",
    ),
    by_year=True,
)

TABLES = (
    PRICE_BOOK,
    MARKET_FORCES_FACTOR,
    TOP_UP,
    PRICE_INDEX,
    PRICE_POLICY,
    SETTING_INDEX,
    PRICE_POINT,
    SPELL_SUPPLEMENT,
    PRICE_USED,
)
