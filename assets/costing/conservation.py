"""The proof that every record and penny is accounted for, from the door to every table that is published.

Belongs here: running the proofs, and the one line that says where one fails.
Does not belong here: making the ledger (`sql/cost_ledger.sql`); what each table owes it (`ties.py`).
"""

from collections.abc import Iterable

from assets.costing.ties import TIES
from assets.costing.tying import COSTED, Tie
from pipelines.engine import Engine, quoted
from pipelines.errors import ConservationError
from pipelines.store import Store
from schemas.catalogue import TABLES
from schemas.costing import LEDGER_STAGES

_COST_IS_KNOWN = "linkage"
_ALWAYS = ("activity_cost", "cost_ledger", "price_policy")


def _division() -> str:
    """The stages as rows: place, stage, stage and status that it divides, whether both sides have a cost."""
    return ", ".join(
        f"({place}, {quoted(stage)}, {quoted(divided)}, {quoted(status) if status else 'null'},"
        f" {divided == _COST_IS_KNOWN})"
        for place, (stage, (divided, status)) in enumerate(LEDGER_STAGES.items())
    )


# The parts of a stage less what it divides: nothing may be left, at any feed, provider and month.
_STAGES = f"""
with division as (
    select v.place, v.stage, v.divided_stage, cast(v.divided_status as varchar) as divided_status, v.is_costed
    from (values {_division()}) as v(place, stage, divided_stage, divided_status, is_costed)
),

side as (
    select d.place, d.stage, d.is_costed, l.status as whole, l.feed, l.provider_code, l.activity_month, -1 as sign,
        l.record_count, l.submitted_pence, l.cost_pence, l.real_cost_pence
    from cost_ledger as l
    inner join division as d on l.stage = d.divided_stage and l.status = coalesce(d.divided_status, l.status)
    union all
    select d.place, d.stage, d.is_costed, l.part_of as whole, l.feed, l.provider_code, l.activity_month, 1 as sign,
        l.record_count, l.submitted_pence, l.cost_pence, l.real_cost_pence
    from cost_ledger as l
    inner join division as d on l.stage = d.stage
),

gap as (
    select place, stage, whole, feed, provider_code, substr(cast(activity_month as varchar), 1, 7) as month,
        sum(sign * record_count) as records,
        sum(sign * coalesce(submitted_pence, 0)) as submitted,
        sum(case when is_costed then sign * coalesce(cost_pence, 0) else 0 end) as cost,
        sum(case when is_costed then sign * coalesce(real_cost_pence, 0) else 0 end) as real_cost
    from side
    group by place, stage, whole, feed, provider_code, activity_month
)

select stage, whole, feed, provider_code, month, records, submitted, cost, real_cost
from gap
where records <> 0 or submitted <> 0 or cost <> 0 or real_cost <> 0
order by place, feed, provider_code, month, whole
limit 1
"""

# What the supplier told that a unit costs, under the rules of the price book.
_TOLD = "case when uses_net_ingredient then coalesce(net_ingredient_pence, submitted_pence) else submitted_pence end"

# The units of a year, added up once: all that the proofs ask of them.
_GROUP = ("feed", "provider_code", "activity_month", "link_status", "match_level", "setting", "point_of_delivery")
_MEASURES = {
    "record_count": "record_count",
    "submitted_pence": "submitted_pence",
    "cost_pence": "cost_pence",
    "real_cost_pence": "real_cost_pence",
    "net_ingredient_pence": "net_ingredient_pence",
    "client_contribution_pence": "client_contribution_pence",
    "told_pence": f"case when match_level = 'submitted' then {_TOLD} end",
    "uneven_pence": f"case when match_level = 'submitted' then abs(coalesce(cost_pence, 0) - {_TOLD}) end",
    "uneven_real_pence": "case when price_index is null then abs(real_cost_pence - cost_pence) end",
}
_COSTED = (
    f"select {', '.join(_GROUP)}, is_proxy,"
    f" {', '.join(f'cast(sum({measure}) as bigint) as {name}' for name, measure in _MEASURES.items())}"
    f" from activity_cost cross join price_policy group by {', '.join(_GROUP)}, is_proxy"
)

_SUBMITTED_IS_COST = f"""
select feed, provider_code, substr(cast(activity_month as varchar), 1, 7),
    coalesce(sum(cost_pence), 0) - sum(told_pence), sum(uneven_pence)
from {COSTED}
group by feed, provider_code, activity_month, match_level
having match_level = 'submitted' and coalesce(sum(uneven_pence), 0) <> 0
order by feed, provider_code, activity_month
limit 1
"""

# Where no index was applied, money of both years is the same.
_REAL_IS_COST = f"""
select feed, provider_code, substr(cast(activity_month as varchar), 1, 7), sum(uneven_real_pence)
from {COSTED}
group by feed, provider_code, activity_month
having coalesce(sum(uneven_real_pence), 0) <> 0
order by feed, provider_code, activity_month
limit 1
"""


def prove_ledger(store: Store, year: str) -> None:
    """Prove that each stage of a year's ledger divides the one before, and that its units and people are in it.

    Raises:
        ConservationError: naming the step, the first feed, provider and month, or column, and the gap.
    """
    with store.engine() as engine:
        names = ("activity_cost", "person_year_cost")
        read = {source for name in names for source in TIES[name].sources}
        _register_year(store, engine, year, sorted({*_ALWAYS, *names, *read}))
        _prove_stages(engine, year)
        for name in names:
            _prove_tie(engine, f"{name} {year}", TIES[name])


def prove_outputs(store: Store, years: Iterable[str]) -> None:
    """Prove that every published table that holds pence agrees with the ledger, and the ledger with the deliveries.

    Raises:
        ConservationError: naming the table, the column, the feed, provider and month or the group, and the gap.
    """
    by_year = {name: tie for name, tie in TIES.items() if not tie.is_over_all_years}
    for year in years:
        with store.engine() as engine:
            read = {source for tie in by_year.values() for source in tie.sources}
            _register_year(store, engine, year, sorted({*_ALWAYS, *by_year, *read}))
            _prove_stages(engine, year)
            for name, tie in by_year.items():
                _prove_tie(engine, f"{name} {year}", tie)
    for name, tie in TIES.items():
        if tie.is_over_all_years:
            prove_table(store, name, None)


def prove_table(store: Store, name: str, year: str | None) -> None:
    """Prove that one table agrees with what it is tied to; of a tie over all years, in all of them.

    Raises:
        ConservationError: as `prove_outputs`.
    """
    tie = TIES[name]
    with store.engine() as engine:
        if tie.is_over_all_years:
            for source in (name, *tie.sources):
                parts = store.years(source) if TABLES[source].by_year else [None]
                store.register(engine, source, [store.require(source, part) for part in parts], None)
            _prove_tie(engine, name, tie)
        elif year:
            _register_year(store, engine, year, sorted({*_ALWAYS, name, *tie.sources}))
            _prove_tie(engine, f"{name} {year}", tie)


def _register_year(store: Store, engine: Engine, year: str, names: Iterable[str]) -> None:
    """Make the tables of a year readable, and its units added up. That the files are as written is proved elsewhere."""
    for name in names:
        store.register(engine, name, [store.require(name, year if TABLES[name].by_year else None)], None)
    engine.register_rows(COSTED, engine.rows(_COSTED))


def _prove_stages(engine: Engine, year: str) -> None:
    for stage, whole, feed, provider, month, records, submitted, cost, real in engine.fetch(_STAGES):
        of_cost = f", {cost:+d} pence of cost" if cost else ""
        of_cost += f", {real:+d} pence of real cost" if real else ""
        raise ConservationError(
            f"cost_ledger {year}: {stage} differs from {whole} by {records:+d} records, {submitted:+d} pence submitted"
            f"{of_cost} at {feed}, provider {provider}, {month}"
        )
    for feed, provider, month, pence, uneven in engine.fetch(_SUBMITTED_IS_COST):
        raise ConservationError(
            f"activity_cost {year}: cost differs from the submitted price by {pence:+d} pence, {uneven} unit by unit,"
            f" at {feed}, provider {provider}, {month}"
        )

    for feed, provider, month, uneven in engine.fetch(_REAL_IS_COST):
        raise ConservationError(
            f"activity_cost {year}: real cost without an index differs from cost by {uneven} pence unit by unit,"
            f" at {feed}, provider {provider}, {month}"
        )


def _prove_tie(engine: Engine, table: str, tie: Tie) -> None:
    gaps = f"select name, place, coalesce(found, 0) - coalesce(expected, 0) as gap from ({tie.sql}) as tied"
    for name, place, gap in engine.fetch(f"select * from ({gaps}) as g where gap <> 0 order by place, name limit 1"):
        raise ConservationError(
            f"{table}: {name} differs from {tie.against} by {int(gap):+d} {'pence' if 'pence' in name else 'records'}"
            f"{f' at {place}' if place else ''}"
        )
