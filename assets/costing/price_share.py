"""How much of care is priced at which match level, in pounds and records, and which codes want a price of their own.

Belongs here: adding up the units of a year for `linked-care reconcile`.
Does not belong here: printing; the groups of levels by setting that are published (`sql/cost_reconciliation.sql`).
"""

import polars as pl

from pipelines.store import Store
from schemas.costing import ACTIVITY_COST, MATCH_LEVELS

ALL = "all settings"
BORROWED = ("all_points", "hrg_root", "subchapter", "point_of_delivery", "proxy")
_CODE = ["setting", "point_of_delivery", "currency_code", "match_level"]


def by_code(store: Store, year: str) -> pl.DataFrame:
    """Units, records and pence of a year by setting, point of delivery, currency and match level."""
    with store.engine() as engine:
        store.register(engine, ACTIVITY_COST.name, [store.require(ACTIVITY_COST.name, year)], ACTIVITY_COST)
        found = engine.rows(
            f"select {', '.join(_CODE)}, count(*) as unit_count,"
            " cast(sum(record_count) as bigint) as record_count, cast(sum(cost_pence) as bigint) as cost_pence"
            f" from {ACTIVITY_COST.name} group by {', '.join(_CODE)}"
        )
    return pl.DataFrame(found)


def shares(codes: pl.DataFrame, measure: str) -> pl.DataFrame:
    """The share of a measure at each match level that occurs, by setting and in all: a row each, a column per level.

    A setting that has none of the measure has no shares.
    """
    levels = [level for level in MATCH_LEVELS if level in codes["match_level"].unique()]
    both = pl.concat([codes, codes.with_columns(setting=pl.lit(ALL))])
    whole = pl.col(measure).sum()
    return both.group_by("setting", maintain_order=True).agg(
        whole.alias(measure),
        *(
            pl.when(whole > 0).then(pl.col(measure).filter(match_level=level).sum() / whole).alias(level)
            for level in levels
        ),
    )


def wanting(codes: pl.DataFrame, count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The codes with most pounds at a borrowed price, and those with most units without any price."""
    borrowed = codes.filter(pl.col("match_level").is_in(BORROWED)).sort(
        "cost_pence", *_CODE, descending=[True, *[False] * len(_CODE)], nulls_last=True
    )
    unpriced = codes.filter(match_level="unpriced").sort(
        "unit_count", *_CODE, descending=[True, *[False] * len(_CODE)], nulls_last=True
    )
    return borrowed.head(count), unpriced.head(count)
