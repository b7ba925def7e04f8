"""What the tables of linkage quality owe the ledger.

Belongs here: their queries.
Does not belong here: running them (`conservation.py`); what other tables owe (`ties.py`).
"""

from assets.costing.tying import FEEDS, PLACE, long, tied
from pipelines.engine import quoted
from schemas.costing import SETTINGS
from schemas.linkage_quality import FEEDS_OF_CODES, LINK_GROUPS


def _by_group(measure: str, name: str, submitted: bool = False) -> dict[str, str]:
    """A measure of the ledger's stage linkage in all, linked, and by group of reasons, under the names of columns."""
    of = {"linked": ("linked",)} if submitted else {"linked": ("linked",), **LINK_GROUPS}
    return {
        f"{group}_{name}": f"case when status in ({', '.join(map(quoted, codes))}) then {measure} end"
        for group, codes in of.items()
    }


_RECORDS = {"record_count": "record_count", **_by_group("record_count", "count")}
_SUBMITTED = {"submitted_pence": "submitted_pence", **_by_group("submitted_pence", "submitted_pence", submitted=True)}
_COST = {"cost_pence": "cost_pence", **_by_group("cost_pence", "pence")}
_MEASURED = _RECORDS | _SUBMITTED | _COST
_CODES = ", ".join(map(quoted, FEEDS_OF_CODES))

# Each subgroup type of a feed divides all of it.
QUALITY = tied(
    long(
        "linkage_quality",
        {name: name for name in _MEASURED},
        group=f"{PLACE} || ', by ' || subgroup_type",
        where=f"where feed not in ({_CODES})",
    ),
    long(
        "(select l.*, t.subgroup_type from cost_ledger as l inner join (select feed, subgroup_type from linkage_quality"
        " union select feed, 'all' from cost_ledger) as t on l.feed = t.feed where l.stage = 'linkage') as linked",
        _MEASURED,
        group=f"{PLACE} || ', by ' || subgroup_type",
    ),
)

_LINKED_OR_NOT = {
    f"{'' if is_linked else 'un'}linked_{name}": f"case when (status = 'linked') = {is_linked} then {measure} end"
    for is_linked in (True, False)
    for name, measure in (("count", "record_count"), ("pence", "cost_pence"))
}

DIFFERENCE = tied(
    long("linkage_difference", {name: name for name in _LINKED_OR_NOT}, group="feed || ' by ' || characteristic"),
    long(
        "(select l.*, t.characteristic from cost_ledger as l"
        " inner join (select distinct feed, subgroup_type as characteristic from linkage_quality"
        " where subgroup_type <> 'all') as t on l.feed = t.feed"
        " where l.stage = 'linkage') as linked",
        _LINKED_OR_NOT,
        group="feed || ' by ' || characteristic",
    ),
)

_OF_CARE = {name: _MEASURED[name] for name in ("record_count", "linked_count", "cost_pence", "linked_pence")} | {
    "unlinked_pence": _LINKED_OR_NOT["unlinked_pence"]
}
_OF_PEOPLE = {
    "outside_register_pence": "outside_register_pence",
    "lower_pence_per_person": "cast(round(lower_pence_per_person * people_count) as bigint)",
    "upper_pence_per_person": "cast(round(upper_pence_per_person * people_count) as bigint) - unlinked_pence",
}
_BY_SETTING = {
    is_registered: long(
        "person_year_cost",
        {s: f"{s}_pence" for s in (*SETTINGS, "total")},
        where=f"where is_registered = {is_registered}",
    )
    for is_registered in (True, False)
}

_NO_COST = {name: name for name in ("cost_pence", "linked_pence", "unlinked_pence", "outside_register_pence")}
_OF_FEEDS = {"outside_register_pence": "outside_register_pence"}

BOUND = tied(
    long("linkage_bound", {n: n for n in _OF_CARE}, group="setting || ' ' || feed", where="where setting <> 'codes'")
    + " union all "
    + long("linkage_bound", _OF_PEOPLE, group="setting || ' all'", where="where feed = 'all' and setting <> 'codes'")
    + " union all "
    + long("linkage_bound", _OF_FEEDS, group="setting || ' feeds'", where="where feed <> 'all' and setting <> 'codes'")
    + " union all "
    + long("linkage_bound", _NO_COST, group="setting || ' ' || feed", where="where setting = 'codes'"),
    long(
        "(select l.*, case when v.scope = 'total' then 'total' else f.setting end"
        " || case when v.scope = 'feed' then ' ' || l.feed else ' all' end as setting_and_feed"
        f" from cost_ledger as l inner join (values {FEEDS}) as f(feed, setting) on l.feed = f.feed"
        " cross join (values ('feed'), ('setting'), ('total')) as v(scope) where l.stage = 'linkage') as scoped",
        _OF_CARE,
        group="setting_and_feed",
    )
    + " union all select m.measure, i.name || ' all', case m.measure when 'outside_register_pence' then o.amount"
    f" else i.amount end from ({_BY_SETTING[True]}) as i inner join ({_BY_SETTING[False]}) as o on i.name = o.name"
    f" cross join (values {', '.join(f'({quoted(name)})' for name in _OF_PEOPLE)}) as m(measure)"
    " union all select 'outside_register_pence', o.name || ' feeds', o.amount"
    f" from ({_BY_SETTING[False]}) as o where o.name <> 'total'",
)
