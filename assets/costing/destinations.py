"""In which rows of which published tables the pence of a unit of care end up, as data: one query per table.

Belongs here: for each table with pence, the rows and columns that hold those of a unit.
Does not belong here: finding the unit and running the queries (`trail.py`); what tables owe the ledger (`ties.py`).

A query returns, in order, rows (place, column, pence, total): which row of the table, which column of it, how many of
its pence are the unit's, and what it holds in all. It reads the table itself, `unit`, which is the parts of one record
in one year as in `activity_cost`, and tables about its person. A test holds that no published table with pence is
without one.
"""

from collections.abc import Sequence

from pipelines.engine import quoted
from schemas.activity import ACTIVITY, EXPOSURE_STATUSES
from schemas.costing import PERSON_YEAR_COST, SETTINGS
from schemas.linkage_quality import LINK_GROUPS
from schemas.reconciliation import LEVEL_GROUPS

_LISTED = "m.condition_list = 'delphi52'"
_MONTH = "substr(cast(u.activity_month as varchar), 1, 7)"
_GROUP = (
    "case u.link_status when 'linked' then 'linked' "
    + " ".join(f"when {quoted(code)} then {quoted(group)}" for group, codes in LINK_GROUPS.items() for code in codes)
    + " end"
)
_LEVEL_GROUP = (
    "case u.match_level "
    + " ".join(
        f"when {quoted(level)} then {quoted(group)}" for group, levels in LEVEL_GROUPS.items() for level in levels
    )
    + " end"
)
# The columns of a person that add up anything but cost.
_OTHER_MEASURES = {
    "real_total_pence": "real_cost_pence",
    "client_contribution_pence": "client_contribution_pence",
}


def _columns_of_a_person() -> str:
    """Each column of pence of `person_year_cost` with the units that it adds up."""
    holds = {f"{setting}_pence": f"u.setting = {quoted(setting)}" for setting in SETTINGS}
    holds |= dict.fromkeys(("total_pence", *_OTHER_MEASURES), "true") | {"proxy_pence": "u.is_proxy"}
    holds |= {f"{status}_pence": f"u.exposure_status = {quoted(status)}" for status in EXPOSURE_STATUSES[1:]}
    for name in PERSON_YEAR_COST.pence_columns:
        if name.endswith("_point_pence"):
            holds[name] = f"u.point_of_delivery = {quoted(name.removesuffix('_point_pence'))}"
    return " union all ".join(
        f"select 'person ' || c.person_id, {quoted(name)}, sum(u.{_OTHER_MEASURES.get(name, 'cost_pence')}),"
        f" max(c.{name}) from unit as u inner join person_year_cost as c on u.person_id = c.person_id where {held}"
        " group by c.person_id"
        for name, held in holds.items()
    )


def _columns_of_a_unit(table: str, columns: Sequence[str]) -> str:
    """Each column of pence of a table that has the unit itself, by month."""
    return " union all ".join(
        f"select {_MONTH}, {quoted(name)}, sum(t.{name}), sum(t.{name}) from unit as u"
        f" inner join {table} as t on u.activity_month = t.activity_month group by u.activity_month"
        for name in columns
    )


def _groups(table: str, place: str, joined: str, column: str = "total_pence") -> str:
    """Rows of a table of groups of registered people."""
    return (
        f"select {place}, {quoted(column)}, sum(u.cost_pence), max(t.{column}) from unit as u"
        f" inner join person_year as y on u.person_id = y.person_id {joined} group by {place}"
    )


# What a person has of each list, as the list counts it.
_HELD = (
    "(select distinct h.person_id, l.condition_list, l.counted_as from person_year_condition as h"
    " inner join condition_list as l on h.condition_code = l.condition_code)"
)

_QUERIES: dict[str, str] = {
    "delivery_receipt": """
select t.feed || '/' || t.delivery_id, 'accepted_pence', sum(u.submitted_pence), max(t.accepted_pence)
from unit as u
inner join delivery_receipt as t on u.feed = t.feed and u.delivery_id = t.delivery_id
group by t.feed, t.delivery_id
""",
    "activity": _columns_of_a_unit("activity", ACTIVITY.pence_columns),
    "activity_cost": _columns_of_a_unit("activity_cost", ("cost_pence", "real_cost_pence")),
    "cost_ledger": f"""
select u.feed || ', provider ' || u.provider_code || ', ' || {_MONTH} || ', ' || t.stage
        || case t.stage when 'received' then '' else ' of ' || t.part_of || ': ' || t.status end,
    v.name,
    sum(case v.name when 'submitted_pence' then u.submitted_pence when 'cost_pence' then u.cost_pence
        else u.real_cost_pence end),
    max(case v.name when 'submitted_pence' then t.submitted_pence when 'cost_pence' then t.cost_pence
        else t.real_cost_pence end)
from unit as u
inner join cost_ledger as t
    on u.feed = t.feed and u.provider_code = t.provider_code and u.activity_month = t.activity_month
inner join (values ('submitted_pence'), ('cost_pence'), ('real_cost_pence')) as v(name)
    on (v.name = 'submitted_pence') = (t.stage in ('received', 'door'))
where t.stage = 'received' or (t.stage = 'door' and t.status = 'accepted')
    or (t.stage = 'linkage' and t.status = u.link_status)
    or (t.stage = 'pricing' and t.part_of = u.link_status and t.status = u.match_level)
    or (t.stage = 'exposure' and t.status = u.exposure_status)
group by u.feed, u.provider_code, u.activity_month, t.stage, t.part_of, t.status, v.name
order by u.activity_month,
    case t.stage when 'received' then 1 when 'door' then 2 when 'linkage' then 3 when 'pricing' then 4 else 5 end,
    v.name
""",
    "linkage_quality": f"""
select u.feed || ', provider ' || u.provider_code || ', ' || {_MONTH} || ', all, and one subgroup of each type', v.name,
    sum(u.cost_pence),
    max(case v.name when 'cost_pence' then t.cost_pence when 'linked_pence' then t.linked_pence
        {" ".join(f"when '{group}_pence' then t.{group}_pence" for group in LINK_GROUPS)} end)
from unit as u
inner join linkage_quality as t
    on u.feed = t.feed and u.provider_code = t.provider_code and u.activity_month = t.activity_month
    and t.subgroup_type = 'all'
inner join (values ('cost_pence'), ('linked_pence'), {", ".join(f"('{g}_pence')" for g in LINK_GROUPS)}) as v(name)
    on v.name in ('cost_pence', {_GROUP} || '_pence')
group by u.feed, u.provider_code, u.activity_month, v.name
""",
    "linkage_difference": """
select u.feed || ', one level of ' || t.characteristic,
    case when u.link_status = 'linked' then 'linked_pence' else 'unlinked_pence' end,
    max(u.cost_pence), sum(case when u.link_status = 'linked' then t.linked_pence else t.unlinked_pence end)
from (select feed, link_status, sum(cost_pence) as cost_pence from unit group by feed, link_status) as u
inner join linkage_difference as t on u.feed = t.feed
group by u.feed, u.link_status, t.characteristic
""",
    "linkage_bound": """
select t.setting || ', ' || case t.feed when 'all' then 'all feeds' else t.feed end, v.name, sum(u.cost_pence),
    max(case v.name when 'cost_pence' then t.cost_pence when 'linked_pence' then t.linked_pence
        else t.unlinked_pence end)
from unit as u
inner join linkage_bound as t on (t.setting = u.setting and t.feed in (u.feed, 'all')) or t.setting = 'total'
inner join (values ('cost_pence'), ('linked_pence'), ('unlinked_pence')) as v(name)
    on v.name in ('cost_pence', case when u.link_status = 'linked' then 'linked_pence' else 'unlinked_pence' end)
group by t.setting, t.feed, v.name
""",
    "cost_reconciliation": f"""
select t.setting || coalesce(', ' || t.point_of_delivery, '') || coalesce(', provider ' || t.provider_code, '')
        || coalesce(', beside ' || t.source, ''),
    v.name, sum(u.cost_pence),
    max(case v.name when 'cost_pence' then t.cost_pence
        {" ".join(f"when '{group}_level_pence' then t.{group}_level_pence" for group in LEVEL_GROUPS)} end)
from unit as u
inner join cost_reconciliation as t
    on u.setting = t.setting and u.point_of_delivery = coalesce(t.point_of_delivery, u.point_of_delivery)
    and u.provider_code = coalesce(t.provider_code, u.provider_code)
inner join (values ('cost_pence'), {", ".join(f"('{group}_level_pence')" for group in LEVEL_GROUPS)}) as v(name)
    on v.name in ('cost_pence', {_LEVEL_GROUP} || '_level_pence')
group by t.setting, t.point_of_delivery, t.provider_code, t.source, t.basis_of_comparison, v.name
""",
    "person_year_cost": _columns_of_a_person(),
    "cost_by_setting": _groups(
        "cost_by_setting",
        "t.morbidity_group || ', ' || t.setting",
        f"inner join person_year_morbidity as m on u.person_id = m.person_id and {_LISTED}"
        " inner join cost_by_setting as t on t.setting in (u.setting, 'total')"
        " and t.morbidity_group in ('all', case when m.condition_count >= 3 then '3plus' else 'rest' end)",
    ),
    "cost_by_age_band": _groups(
        "cost_by_age_band", "t.age_band", "inner join cost_by_age_band as t on y.age_band = t.age_band"
    ),
    "cost_by_condition_count": _groups(
        "cost_by_condition_count",
        "t.condition_list || ', ' || t.count_band || ' conditions'",
        "inner join person_year_morbidity as m on u.person_id = m.person_id"
        " inner join cost_by_condition_count as t"
        " on m.condition_list = t.condition_list and m.count_band = t.count_band",
    ),
    "cost_by_age_and_count": _groups(
        "cost_by_age_and_count",
        "t.condition_list || ', ' || t.age_band || ', ' || t.count_band || ' conditions'",
        "inner join person_year_morbidity as m on u.person_id = m.person_id"
        " inner join cost_by_age_and_count as t"
        " on m.condition_list = t.condition_list and m.count_band = t.count_band and y.age_band = t.age_band",
    ),
    "condition_profile": _groups(
        "condition_profile",
        "t.condition_list || ', ' || t.counted_as",
        f"inner join {_HELD} as m on u.person_id = m.person_id"
        " inner join condition_profile as t on m.condition_list = t.condition_list and m.counted_as = t.counted_as",
    ),
    "condition_pair": _groups(
        "condition_pair",
        "t.condition_list || ', ' || t.first_condition || ' and ' || t.second_condition",
        f"inner join {_HELD} as a on u.person_id = a.person_id"
        f" inner join {_HELD} as b on u.person_id = b.person_id and a.condition_list = b.condition_list"
        " inner join condition_pair as t on a.condition_list = t.condition_list and a.counted_as = t.first_condition"
        " and b.counted_as = t.second_condition",
    ),
    "condition_triad": _groups(
        "condition_triad",
        "t.condition_list || ', ' || t.first_condition || ', ' || t.second_condition || ' and ' || t.third_condition",
        f"inner join {_HELD} as a on u.person_id = a.person_id"
        f" inner join {_HELD} as b on u.person_id = b.person_id and a.condition_list = b.condition_list"
        f" inner join {_HELD} as d on u.person_id = d.person_id and a.condition_list = d.condition_list"
        " inner join condition_triad as t on a.condition_list = t.condition_list and a.counted_as = t.first_condition"
        " and b.counted_as = t.second_condition and d.counted_as = t.third_condition",
    ),
    "condition_combination": _groups(
        "condition_combination",
        "t.condition_list || ', ' || t.combination",
        "inner join person_year_morbidity as m on u.person_id = m.person_id"
        " left join (select person_id, condition_list, string_agg(counted_as, '+' order by counted_as) as combination"
        f" from {_HELD} as held group by person_id, condition_list) as h"
        " on m.person_id = h.person_id and m.condition_list = h.condition_list"
        " left join condition_combination as s on m.condition_list = s.condition_list"
        " and coalesce(h.combination, 'none') = s.combination"
        " inner join condition_combination as t on m.condition_list = t.condition_list"
        " and coalesce(s.combination, 'other') = t.combination",
    ),
    "segment_summary": _groups(
        "segment_summary",
        "t.segmentation || ', ' || t.segment",
        "inner join person_year_segment as s on u.person_id = s.person_id"
        " inner join segment_summary as t on s.segmentation = t.segmentation and s.segment = t.segment",
    ),
    "cohort_candidate": _groups(
        "cohort_candidate",
        "t.rule_code",
        "inner join person_year_morbidity as m on u.person_id = m.person_id"
        " inner join cohort_rule as r"
        " on m.condition_list = r.condition_list and m.condition_count >= r.minimum_condition_count"
        " inner join cohort_candidate as t on r.rule_code = t.rule_code",
    ),
}
DESTINATIONS = {name: sql if "order by" in sql else f"{sql} order by 1, 2" for name, sql in _QUERIES.items()}
# The tables that the queries read beside their own.
ABOUT_THE_PERSON = (
    "person_year",
    "person_year_morbidity",
    "person_year_condition",
    "person_year_segment",
    "condition_list",
    "cohort_rule",
)
