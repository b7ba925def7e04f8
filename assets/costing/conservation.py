"""The proof that every record and penny is accounted for, from the door to the person.

Belongs here: what must equal what, and the one line that says where it does not.
Does not belong here: making the ledger, which is `sql/cost_ledger.sql`.
"""

from pipelines.build import TABLES
from pipelines.errors import ConservationError
from pipelines.store import Store
from schemas.activity import LINK_STATUSES
from schemas.costing import SETTINGS

# What was accepted at the door is what linkage and costing account for, per feed, provider and month.
_LINKAGE = ", ".join(f"'{status}'" for status in LINK_STATUSES)
_DOOR_AGAINST_COST = f"""
select feed, provider_code, cast(activity_month as varchar),
    sum(case when status = 'accepted' then 0 when status in ({_LINKAGE}) then record_count end)
        - sum(case when status = 'accepted' then record_count else 0 end) as records,
    sum(case when status in ({_LINKAGE}) then coalesce(submitted_pence, 0) else 0 end)
        - sum(case when status = 'accepted' then coalesce(submitted_pence, 0) else 0 end) as pence
from cost_ledger
group by feed, provider_code, activity_month
having coalesce(records, 0) <> 0 or pence <> 0
order by feed, provider_code, activity_month
limit 1
"""

# Every submitted price of care that is payable is its cost.
_SUBMITTED_AGAINST_COST = """
select feed, provider_code, cast(activity_month as varchar), 0, sum(cost_pence - submitted_pence)
from activity_cost
where match_level = 'submitted'
group by feed, provider_code, activity_month
having sum(abs(cost_pence - submitted_pence)) <> 0
order by feed, provider_code, activity_month
limit 1
"""

# What people cost, by setting and in all, is what was costed for people.
_PEOPLE_AGAINST_COST = f"""
with people as (
    select {", ".join(f"sum({name}_pence) as {name}" for name in (*SETTINGS, "total"))} from person_year_cost
),

costed as (
    select
        {", ".join(f"sum(case when setting = '{name}' then cost_pence end) as {name}" for name in SETTINGS)},
        sum(cost_pence) as total
    from activity_cost
    where link_status = 'linked'
)

select {", ".join(f"coalesce(people.{name}, 0) - coalesce(costed.{name}, 0)" for name in (*SETTINGS, "total"))}
from people
cross join costed
"""


def prove_ledger(store: Store, year: str) -> None:
    """Prove that the door, the ledger and the people of a year agree to the penny.

    Raises:
        ConservationError: naming the first feed, provider and month, or setting, and what it gained or lost.
    """
    with store.engine() as engine:
        for name in ("activity_cost", "cost_ledger", "person_year_cost"):
            store.register(engine, name, [store.require(name, year)], TABLES[name])
        for stage, sql in (
            ("accepted and costed", _DOOR_AGAINST_COST),
            ("submitted and costed", _SUBMITTED_AGAINST_COST),
        ):
            for feed, provider, month, records, pence in engine.fetch(sql):
                raise ConservationError(
                    f"cost_ledger {year}: {stage} differ by {records or 0:+d} records and {pence:+d} pence"
                    f" at {feed}, provider {provider}, {month[:7]}"
                )
        gaps = zip((*SETTINGS, "total"), engine.fetch(_PEOPLE_AGAINST_COST)[0], strict=True)
        for setting, gap in gaps:
            if gap:
                raise ConservationError(
                    f"person_year_cost {year}: {setting} differs from activity_cost by {gap:+d} pence"
                )
