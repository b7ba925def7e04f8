"""What each published table with pence owes the ledger, as data: one query per table.

Belongs here: for each table, where its pence must be found again.
Does not belong here: running the queries (`conservation.py`).

A query returns rows (column, place, expected, found). It reads the table itself, `cost_ledger`, the tables named as its
sources, and `costed`: the units of the year added up by feed, provider, month, link status, match level, setting, point
of delivery and whether the price is borrowed. A test holds that no published table with pence is without one.
"""

from assets.costing.linkage_ties import BOUND, DIFFERENCE, QUALITY
from assets.costing.pair_ties import COMBINATION, PAIR, TRIAD
from assets.costing.profile_ties import AGE_AND_COUNT, PROFILE
from assets.costing.reconciliation_ties import RECONCILIATION
from assets.costing.segment_ties import SEGMENTS
from assets.costing.tying import COSTED, FEEDS, PLACE, Tie, long, tied
from pipelines.engine import quoted
from schemas.activity import EXPOSURE_STATUSES, FEEDS_OF_CARE
from schemas.costing import PERSON_YEAR_COST, SETTINGS

_POINTS = tuple(
    column.removesuffix("_point_pence") for column in PERSON_YEAR_COST.pence_columns if column.endswith("_point_pence")
)
_LINKED = "where link_status = 'linked'"

_PERSON_YEAR_COST = tied(
    long(
        "person_year_cost",
        {name: name for name in PERSON_YEAR_COST.pence_columns} | {f"{s}_count": f"{s}_count" for s in SETTINGS},
    ),
    long(
        COSTED,
        {f"{point}_point_pence": f"case when point_of_delivery = '{point}' then cost_pence end" for point in _POINTS}
        | {"proxy_pence": "case when is_proxy then cost_pence end"}
        | {"client_contribution_pence": "client_contribution_pence"},
        where=_LINKED,
    )
    + " union all "
    + long(
        "cost_ledger",
        {
            f"{status}_pence": f"case when stage = 'exposure' and status = '{status}' then cost_pence end"
            for status in EXPOSURE_STATUSES[1:]
        },
    )
    + " union all "
    + long(
        f"(select l.*, f.setting from cost_ledger as l inner join (values {FEEDS}) as f(feed, setting)"
        " on l.feed = f.feed where l.stage = 'pricing' and l.part_of = 'linked') as priced",
        {f"{s}_pence": f"case when setting = '{s}' then cost_pence end" for s in SETTINGS}
        | {"total_pence": "cost_pence", "real_total_pence": "real_cost_pence"}
        | {
            f"{s}_count": f"case when setting = '{s}' and status <> 'not_payable' then record_count end"
            for s in SETTINGS
        },
    ),
)

_REGISTERED = "where is_registered"


def _bands(table: str, group: str = "") -> str:
    """Groups that divide the people registered: their total, and each mean times the people that it is of."""
    means = [f"mean_{name}_pence" for name in ("total", *SETTINGS)]
    measures = {mean: f"cast(round({mean} * people_count) as bigint)" for mean in means}
    return long(table, {"total_pence": "total_pence"} | measures, group)


_PEOPLE = long(
    "person_year_cost",
    {"total_pence": "total_pence", "mean_total_pence": "total_pence"}
    | {f"mean_{s}_pence": f"{s}_pence" for s in SETTINGS},
    where=_REGISTERED,
)

_COST_BY_CONDITION_COUNT = f"""
select expected.name, l.condition_list as place, expected.amount as expected, found.amount as found
from (select distinct condition_list from condition_list) as l
cross join ({_PEOPLE}) as expected
left join ({_bands("cost_by_condition_count", "condition_list")}) as found
    on l.condition_list = found.place and expected.name = found.name
"""

_COST_BY_SETTING = f"""
select 'total_pence' as name, v.part || ' ' || e.name as place, e.amount as expected, g.amount as found
from ({long("person_year_cost", {s: f"{s}_pence" for s in (*SETTINGS, "total")}, where=_REGISTERED)}) as e
cross join (values ('all'), ('3plus and rest')) as v(part)
left join (
    select case when morbidity_group = 'all' then 'all' else '3plus and rest' end as part, setting,
        sum(total_pence) as amount
    from cost_by_setting
    group by case when morbidity_group = 'all' then 'all' else '3plus and rest' end, setting
) as g on v.part = g.part and e.name = g.setting
"""

_COHORT_CANDIDATE = """
select 'total_pence' as name, r.rule_code as place, sum(b.total_pence) as expected, max(c.total_pence) as found
from cohort_rule as r
left join cohort_candidate as c on r.rule_code = c.rule_code
left join cost_by_condition_count as b
    on
        r.condition_list = b.condition_list
        and cast(substr(b.count_band, 1, 1) as int) >= r.minimum_condition_count
group by r.rule_code
"""

_RECEIPTS = """
select s.status || s.unit as name, r.feed || '/' || r.delivery_id as place,
    sum(case when t.status = s.status or s.status = 'received' then
        case when s.unit = '_rows' then t.record_count else t.submitted_pence end end) as expected,
    max(case s.status || s.unit
        when 'received_rows' then r.received_rows when 'received_pence' then r.received_pence
        when 'rejected_rows' then r.rejected_rows when 'rejected_pence' then r.rejected_pence
        when 'superseded_rows' then r.superseded_rows when 'superseded_pence' then r.superseded_pence
        when 'withdrawn_rows' then r.withdrawn_rows when 'withdrawn_pence' then r.withdrawn_pence
        when 'accepted_rows' then r.accepted_rows when 'accepted_pence' then r.accepted_pence
    end) as found
from delivery_receipt as r
cross join (
    select a.status, u.unit
    from (values ('received'), ('rejected'), ('superseded'), ('withdrawn'), ('accepted')) as a(status)
    cross join (values ('_rows'), ('_pence')) as u(unit)
) as s
left join delivery_total as t on r.feed = t.feed and r.delivery_id = t.delivery_id
where r.verdict in ('accepted', 'superseded')
group by s.status, s.unit, r.feed, r.delivery_id
union all
select 'rejected_rows', r.feed || '/' || r.delivery_id, count(q.source_row), max(r.rejected_rows)
from delivery_receipt as r
left join quarantine as q on r.feed = q.feed and r.delivery_id = q.delivery_id
where r.verdict in ('accepted', 'superseded')
group by r.feed, r.delivery_id
union all
select 'announced_' || u.unit, r.feed || '/' || r.delivery_id,
    case u.unit when 'rows' then r.received_rows else r.received_pence end,
    case u.unit when 'rows' then r.announced_rows else r.announced_pence end
from delivery_receipt as r
cross join (values ('rows'), ('pence')) as u(unit)
where r.verdict in ('accepted', 'superseded')
    and case u.unit when 'rows' then r.announced_rows else r.announced_pence end is not null
"""

_PRICED = {name: name for name in ("record_count", "submitted_pence", "cost_pence", "real_cost_pence")}
_AS_SENT = {name: name for name in ("net_ingredient_pence", "client_contribution_pence")}
_SENT = (
    f"(select feed, provider_code, activity_month, {', '.join(f'sum({name}) as {name}' for name in _AS_SENT)}"
    " from activity group by feed, provider_code, activity_month) as sent"
)

TIES: dict[str, Tie] = {
    "delivery_receipt": Tie(
        "what was read of the delivery",
        _RECEIPTS,
        sources=("delivery_total", "quarantine"),
        is_over_all_years=True,
    ),
    "cost_ledger": Tie(
        "delivery_total",
        tied(
            long(
                "cost_ledger",
                {"record_count": "record_count", "submitted_pence": "submitted_pence"},
                group=PLACE,
                where="where stage = 'received'",
            ),
            long(
                "delivery_total",
                {"record_count": "record_count", "submitted_pence": "submitted_pence"},
                group=PLACE,
                where=f"where feed in ({', '.join(map(quoted, FEEDS_OF_CARE))})",
            ),
        ),
        sources=("delivery_total",),
        is_over_all_years=True,
    ),
    "linkage_quality": Tie("cost_ledger", QUALITY),
    "linkage_difference": Tie("cost_ledger", DIFFERENCE, sources=("linkage_quality",)),
    "linkage_bound": Tie("cost_ledger or person_year_cost", BOUND, sources=("person_year_cost",)),
    "cost_reconciliation": Tie("cost_ledger or cost_control_total", RECONCILIATION, sources=("cost_control_total",)),
    "activity": Tie(
        "cost_ledger",
        tied(
            long(
                "activity",
                {
                    "submitted_pence": "submitted_pence",
                    "package_pence": "case when submitted_pence is null then package_pence end",
                },
                group=PLACE,
            )
            + " union all "
            + long(_SENT, _AS_SENT, group=PLACE),
            long(
                "cost_ledger",
                {
                    "submitted_pence": "submitted_pence",
                    "package_pence": "case when status = 'package' then cost_pence end",
                },
                group=PLACE,
                where="where stage = 'pricing'",
            )
            + " union all "
            + long(COSTED, _AS_SENT, group=PLACE),
        ),
    ),
    "activity_cost": Tie(
        "cost_ledger or activity",
        tied(
            long(COSTED, _PRICED, group=f"{PLACE} || ', ' || link_status || ' ' || match_level")
            + " union all "
            + long(COSTED, _AS_SENT, group=PLACE),
            long(
                "cost_ledger",
                _PRICED,
                group=f"{PLACE} || ', ' || part_of || ' ' || status",
                where="where stage = 'pricing'",
            )
            + " union all "
            + long(_SENT, _AS_SENT, group=PLACE),
        ),
        sources=("activity",),
    ),
    "person_year_cost": Tie("cost_ledger", _PERSON_YEAR_COST),
    "cost_by_setting": Tie("person_year_cost of those registered", _COST_BY_SETTING, sources=("person_year_cost",)),
    "cost_by_age_band": Tie(
        "person_year_cost of those registered",
        tied(_bands("cost_by_age_band"), _PEOPLE),
        sources=("person_year_cost",),
    ),
    "cost_by_condition_count": Tie(
        "person_year_cost of those registered",
        _COST_BY_CONDITION_COUNT,
        sources=("person_year_cost", "condition_list"),
    ),
    "condition_profile": Tie(
        "person_year_cost by conditions counted", PROFILE, sources=("person_year_cost", "person_year_morbidity")
    ),
    "cost_by_age_and_count": Tie(
        "cost_by_condition_count or cost_by_age_band",
        AGE_AND_COUNT,
        sources=("cost_by_condition_count", "cost_by_age_band", "condition_list"),
    ),
    "condition_pair": Tie(
        "person_year_cost by pairs counted", PAIR, sources=("person_year_cost", "person_year_morbidity")
    ),
    "condition_triad": Tie(
        "person_year_cost by the conditions of each person",
        TRIAD,
        sources=("person_year_cost", "person_year_condition", "condition_list"),
    ),
    "condition_combination": Tie(
        "person_year_cost", COMBINATION, sources=("person_year_cost", "person_year_morbidity")
    ),
    "segment_summary": Tie(
        "person_year_cost of those registered", SEGMENTS, sources=("person_year_cost", "segment_rule")
    ),
    "cohort_candidate": Tie(
        "cost_by_condition_count",
        _COHORT_CANDIDATE,
        sources=("cohort_rule", "cost_by_condition_count"),
    ),
}
