"""How a tie to the ledger is written: two sums, joined by name and place.

Belongs here: the shape of a tie, and the parts that its query is made of.
Does not belong here: what any table owes (`ties.py`, `linkage_ties.py`).
"""

from dataclasses import dataclass

from pipelines.engine import quoted
from schemas.activity import SETTING_OF_FEED


@dataclass(frozen=True)
class Tie:
    """What ties one table to the ledger.

    Attributes:
        against: what holds the expected figures, in words.
        sql: rows (column, place, expected, found); a null counts as nothing.
        sources: tables that the query reads beside the table itself, `cost_ledger` and `costed`.
        is_over_all_years: whether it reads every year at once, and neither `cost_ledger` nor `costed` unless named.
    """

    against: str
    sql: str
    sources: tuple[str, ...] = ()
    is_over_all_years: bool = False


COSTED = "costed"
FEEDS = ", ".join(f"({quoted(feed)}, {quoted(setting)})" for feed, setting in SETTING_OF_FEED.items())
PLACE = "feed || ', provider ' || provider_code || ', ' || substr(cast(activity_month as varchar), 1, 7)"


def long(table: str, columns: dict[str, str], group: str = "", where: str = "") -> str:
    """A query with one row (name, place, amount) for each sum of a table, by group, in one pass."""
    sums = ", ".join(f"sum({measure}) as sum_{name}" for name, measure in columns.items())
    summed = (
        f"select {group or quoted('')} as place, {sums} from {table} {where} {f'group by {group}' if group else ''}"
    )
    names = ", ".join(f"({quoted(name)})" for name in columns)
    chosen = " ".join(f"when {quoted(name)} then summed.sum_{name}" for name in columns)
    return (
        f"select named.name, summed.place, case named.name {chosen} end as amount"
        f" from ({summed}) as summed cross join (values {names}) as named(name)"
    )


def tied(found: str, expected: str) -> str:
    """Both sides of a tie, by name and place."""
    return f"""
select
    coalesce(found.name, expected.name) as name, coalesce(found.place, expected.place) as place,
    expected.amount as expected, found.amount as found
from ({found}) as found
full outer join ({expected}) as expected on found.name = expected.name and found.place = expected.place
"""
