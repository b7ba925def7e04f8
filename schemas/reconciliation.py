"""Tables of step 4 that hold costed care against totals from elsewhere: ledgers, SUS, ASC-FR, national cost returns."""

from schemas.columns import (
    COMPLETENESS,
    COST_PENCE,
    FINANCIAL_YEAR,
    POINT_OF_DELIVERY,
    PROVIDER_CODE,
    RECORD_COUNT,
    SETTING,
    SUBMITTED_PENCE,
    described,
    optional,
)
from schemas.costing import ACTIVITY_COST, REAL_COST_PENCE
from schemas.table import Column, Table

BASES = ("submitted", "cost")
VERDICTS = ("within", "outside", "not_supplied")

# How care was priced, in groups of match levels.
LEVEL_GROUPS: dict[str, tuple[str, ...]] = {
    "submitted": ("submitted",),
    "package": ("package",),
    "exact": ("exact",),
    "fallback": ("all_points", "hrg_root", "subchapter", "point_of_delivery"),
    "proxy": ("proxy",),
}
OWN_PRICE = ("submitted", "package", "exact")

_GROUP_IN_WORDS = {
    "submitted": "as the supplier submitted it",
    "package": "by the council's own package price",
    "exact": "by the price of its own code in the book",
    "fallback": "by the mean of wider care in the book: the code at any point, its root, subchapter or point",
    "proxy": "by a borrowed currency or a price marked as borrowed",
}
_POINT = described(optional(POINT_OF_DELIVERY), "Point of delivery that the total is of; null for the whole setting.")
_PROVIDER = described(optional(PROVIDER_CODE), "Provider that the total is of; null for all.")
_SOURCE = Column("source", "STRING", "Where the total is from: ledger, SUS, ASC-FR, NCC or any name.")
_BASIS = Column(
    "basis_of_comparison", "STRING", "What is held against it: prices as submitted, or cost: submitted or cost."
)
_CONTROL = Column("control_pence", "BIGINT", "Total as supplied.", unit="pence")
_LIMIT = Column("limit_percent", "DECIMAL(18,2)", "By how much the two may differ, of the total.", unit="percent")
_NOTE = Column("note", "STRING", "What the supplier of the total says of it.", nullable=True)

COST_CONTROL_TOTAL = Table(
    name="cost_control_total",
    step="costing",
    grain="One row per financial year, setting, point of delivery, provider, source and basis of a total supplied.",
    description="Totals from elsewhere, as they stand in control/cost_control_total.csv of the home; empty without it.",
    columns=(FINANCIAL_YEAR, SETTING, _POINT, _PROVIDER, _SOURCE, _BASIS, _CONTROL, _LIMIT, _NOTE),
    key=("financial_year", "setting", "point_of_delivery", "provider_code", "source", "basis_of_comparison"),
    zone="store",
)

COST_RECONCILIATION = Table(
    name="cost_reconciliation",
    step="costing",
    grain="One row per setting, and one more per control total supplied for the year.",
    description="Costed care held against totals from elsewhere, and on which prices it rests. Rows without a source "
    "divide all care by setting: add up these, never the others. A total outside its limit stops publication.",
    columns=(
        FINANCIAL_YEAR,
        SETTING,
        _POINT,
        _PROVIDER,
        described(optional(_SOURCE), "Where the control total is from; null on the row of a setting by itself."),
        optional(_BASIS),
        RECORD_COUNT,
        Column("linked_count", "BIGINT", "Records that link to a person.", unit="records"),
        SUBMITTED_PENCE,
        described(COST_PENCE, "Cost of what has a price, in money of the year; 0 if there is none."),
        described(REAL_COST_PENCE, "The same in money of the real year of the price book, of what it can be told of."),
        *(
            Column(f"{group}_level_pence", "BIGINT", f"Part of the cost that is priced {words}.", unit="pence")
            for group, words in _GROUP_IN_WORDS.items()
        ),
        Column("unpriced_count", "BIGINT", "Payable units without any price, not in the cost.", unit="units"),
        Column(
            "own_price_share",
            "DOUBLE",
            "Share of the cost, 0 to 1, that rests on no borrowed price: submitted, package and exact. Null if there "
            "is no cost.",
            nullable=True,
        ),
        Column(
            "compared_pence",
            "BIGINT",
            "What is held against the control total: submitted or cost, by its basis.",
            nullable=True,
            unit="pence",
        ),
        optional(_CONTROL),
        Column(
            "difference_pence",
            "BIGINT",
            "Compared less control.",
            nullable=True,
            unit="pence",
        ),
        Column(
            "difference_percent",
            "DOUBLE",
            "Difference of the control total; null for a total of nothing.",
            nullable=True,
            unit="percent",
        ),
        optional(_LIMIT),
        Column("verdict", "STRING", f"{', '.join(VERDICTS[:-1])} the limit; {VERDICTS[-1]} without a control total."),
        _NOTE,
        described(
            COMPLETENESS,
            "Share, from 0 to 1, that has come of what the least complete feed of the setting owed for the year. Null: "
            "no feed, since one of them, or all, were never due.",
        ),
    ),
    key=("setting", "point_of_delivery", "provider_code", "source", "basis_of_comparison"),
    sources=(ACTIVITY_COST.name, COST_CONTROL_TOTAL.name, "feed_completeness"),
    by_year=True,
)

TABLES = (COST_CONTROL_TOTAL, COST_RECONCILIATION)
