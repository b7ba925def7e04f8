"""Tables that `linked-care recost` makes beside the nightly run: the same activity under another price book.

They are in no release: `recost/<book>/` of the home holds them, without what goes into it once more.
"""

from dataclasses import replace

from schemas.columns import FINANCIAL_YEAR, POINT_OF_DELIVERY, SETTING
from schemas.costing import ACTIVITY_COST, MATCH_LEVELS
from schemas.prices import PRICE_USED
from schemas.table import Column, Table

# Why a unit costs something else under the second book, in this order: the first that holds is the reason.
REASONS = {
    "same": "both books give the same cost, or neither any",
    "newly_priced": "only the second book has a price",
    "no_longer_priced": "only the first book has a price",
    "submitted_ignored": "the first uses the price as submitted, the second does not",
    "submitted_used": "the second uses the price as submitted, the first does not",
    "prescribing_rule": "both use what was submitted, one the net ingredient cost and the other the actual cost",
    "match_level": "the price is found at another level",
    "price_year_or_index": "the price is of another year, or carried to the year of the activity by another index",
    "price": "the price of a unit is another",
    "market_forces": "the market forces factor is another",
    "excess_days_or_top_up": "excess days, their price, a top-up or unbundled prices are others",
}

ACTIVITY_RECOST = replace(
    ACTIVITY_COST,
    name="activity_recost",
    description="What each unit costs under the other book; in recost/<book>/activity_cost.",
    sources=(),
)
PRICE_RECOST = replace(
    PRICE_USED,
    name="price_recost",
    description="The price that the other book has for each kind of activity; not kept.",
    sources=(),
    zone="store",
)


def _both(name: str, type_: str, what: str, unit: str | None = None) -> tuple[Column, Column]:
    return (
        Column(f"first_{name}", type_, f"{what}, under the first book.", nullable=True, unit=unit),
        Column(f"second_{name}", type_, f"{what}, under the second book.", nullable=True, unit=unit),
    )


COST_COMPARISON = Table(
    name="cost_comparison",
    step="costing",
    grain="One row per setting, point of delivery, currency, match levels, price years and bases of both books, and "
    "reason.",
    description="The same activity under two price books: the first is that of the last run, the second that of "
    "`linked-care recost`. Each unit has one reason, so that the rows add up to the difference to the penny.",
    columns=(
        FINANCIAL_YEAR,
        SETTING,
        POINT_OF_DELIVERY,
        Column("currency_code", "STRING", "Code by which a price book prices the unit.", nullable=True),
        Column("first_match_level", "STRING", f"Under the first book: {', '.join(MATCH_LEVELS)}."),
        Column("second_match_level", "STRING", "The same under the second book."),
        *_both("price_year", "STRING", "Financial year of the price"),
        *_both("price_basis", "STRING", "tariff, package, cost or local"),
        Column(
            "reason",
            "STRING",
            f"Why cost differs; where several hold, the first: {'; '.join(f'{n}: {w}' for n, w in REASONS.items())}.",
        ),
        Column("unit_count", "BIGINT", "Payable units of care, as rows of activity.", unit="units"),
        Column("quantity", "BIGINT", "How many units of the currency they are.", unit="units"),
        *_both("pence", "BIGINT", "Cost; null if none of the units has one", unit="pence"),
        Column("difference_pence", "BIGINT", "Second less first; what has no cost counts as nothing.", unit="pence"),
        *_both(
            "unit_price", "DECIMAL(18,2)", "Price of one unit in the book where it is one for all", "pence per unit"
        ),
    ),
    key=(
        "setting",
        "point_of_delivery",
        "currency_code",
        "first_match_level",
        "second_match_level",
        "first_price_year",
        "second_price_year",
        "first_price_basis",
        "second_price_basis",
        "reason",
    ),
    sources=(ACTIVITY_COST.name, ACTIVITY_RECOST.name, PRICE_USED.name, PRICE_RECOST.name),
    by_year=True,
)

TABLES = (ACTIVITY_RECOST, PRICE_RECOST, COST_COMPARISON)
