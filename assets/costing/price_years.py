"""The warning that care was priced from a book of another time: an index carries money, not how care is given.

Belongs here: what rests on such prices, as counts, and the check and line that say so.
Does not belong here: carrying prices to another year, which is `sql/price_used.sql`.
"""

from collections.abc import Iterable

import dagster as dg

from pipelines.progress import computing
from pipelines.resources import HomeResource
from pipelines.store import Store
from schemas.costing import ACTIVITY_COST

CHECK = "price_years_are_near"
MOST_YEARS_APART = 1
_PENCE = 100
_DISTANT = f"""
select setting, count(*) as units, cast(coalesce(sum(cost_pence), 0) as bigint) as pence
from activity_cost
where match_level not in ('submitted', 'package')
    and abs(cast(substr(price_year, 1, 4) as int) - cast(substr(financial_year, 1, 4) as int)) > {MOST_YEARS_APART}
group by setting
order by setting
"""


def distant_prices(store: Store, years: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Units and pence, by setting, that rest on book prices more than one financial year from the care."""
    parts = [store.require(ACTIVITY_COST.name, year) for year in years]
    if not parts:
        return {}
    with store.engine() as engine:
        store.register(engine, ACTIVITY_COST.name, parts, ACTIVITY_COST)
        return {setting: (units, pence) for setting, units, pence in engine.fetch(_DISTANT)}


def distant_in_words(found: dict[str, tuple[int, int]]) -> str:
    """One line: how much rests on distant prices, and most of it in which setting."""
    if not found:
        return "prices of the book are of the year of the care or next to it"
    units, pence = (sum(column) for column in zip(*found.values(), strict=True))
    most, (most_units, most_pence) = max(found.items(), key=lambda one: one[1][1])
    return (
        f"prices of the book are more than one year from the care: £{pence // _PENCE:,} over {units:,} units, most "
        f"of it {most} £{most_pence // _PENCE:,} over {most_units:,} units. A book of its own year is better; the check"
        f" {CHECK} has each setting"
    )


@dg.asset_check(
    asset=ACTIVITY_COST.name,
    name=CHECK,
    blocking=False,
    description="Prices of the book are of the financial year of the care or of one next to it. Warns only: units and"
    " pounds by setting that rest on others.",
)
def price_years_are_near(home: HomeResource) -> dg.AssetCheckResult:
    """Warn of care that was priced from a book of another time."""
    store = home.home.store
    with computing(ACTIVITY_COST.step, CHECK):
        return warning(distant_prices(store, store.years(ACTIVITY_COST.name)))


def warning(found: dict[str, tuple[int, int]]) -> dg.AssetCheckResult:
    """The result of the check."""
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=distant_in_words(found),
        metadata={
            "units": {setting: units for setting, (units, _) in found.items()},
            "pounds": {setting: pence // _PENCE for setting, (_, pence) in found.items()},
        },
    )
