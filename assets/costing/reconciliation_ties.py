"""What `cost_reconciliation` owes the ledger and the control totals.

Belongs here: its query.
Does not belong here: running it (`conservation.py`); what other tables owe (`ties.py`).
"""

from assets.costing.tying import COSTED, FEEDS, long, tied
from pipelines.engine import quoted
from schemas.reconciliation import LEVEL_GROUPS

_BY_LEVEL = {
    f"{group}_level_pence": f"case when match_level in ({', '.join(map(quoted, levels))}) then cost_pence end"
    for group, levels in LEVEL_GROUPS.items()
}
_BY_LEVEL["real_cost_pence"] = "real_cost_pence"
_OF_CARE = {
    "record_count": "record_count",
    "linked_count": "case when link_status = 'linked' then record_count end",
    "submitted_pence": "submitted_pence",
    "cost_pence": "cost_pence",
}
_OF_LEDGER = {
    "record_count": "case when stage = 'pricing' then record_count end",
    "linked_count": "case when stage = 'linkage' and status = 'linked' then record_count end",
    "submitted_pence": "case when stage = 'pricing' then submitted_pence end",
    "cost_pence": "case when stage = 'pricing' then cost_pence end",
}
_COMPARED = ("compared_pence", "control_pence", "difference_pence")
_PLACE = (
    "setting || coalesce(', ' || point_of_delivery, '') || coalesce(', provider ' || provider_code, '')"
    " || coalesce(', ' || source || ' ' || basis_of_comparison, '')"
)


def _held() -> str:
    """Each control total of the year with the units that it is of, added up."""
    sums = ", ".join(f"sum({measure}) as {name}" for name, measure in (_OF_CARE | _BY_LEVEL).items())
    return (
        f"select h.place, h.control_pence, h.basis_of_comparison, {sums} from"
        f" (select {_PLACE} as place, c.* from cost_control_total as c where c.financial_year in"
        " (select financial_year from cost_ledger)) as h"
        f" left join {COSTED} as u on h.setting = u.setting"
        " and (h.point_of_delivery is null or h.point_of_delivery = u.point_of_delivery)"
        " and (h.provider_code is null or h.provider_code = u.provider_code)"
        " group by h.place, h.control_pence, h.basis_of_comparison"
    )


_SIDE = "coalesce(case basis_of_comparison when 'submitted' then submitted_pence else cost_pence end, 0)"

RECONCILIATION = tied(
    long("cost_reconciliation", {name: name for name in (*_OF_CARE, *_BY_LEVEL, *_COMPARED)}, group=_PLACE),
    long(
        f"(select l.*, f.setting from cost_ledger as l inner join (values {FEEDS}) as f(feed, setting)"
        " on l.feed = f.feed) as placed",
        _OF_LEDGER,
        group="setting",
    )
    + " union all "
    + long(COSTED, _BY_LEVEL, group="setting")
    + " union all "
    + long(
        f"({_held()}) as held",
        {name: name for name in (*_OF_CARE, *_BY_LEVEL)}
        | {"compared_pence": _SIDE, "control_pence": "control_pence", "difference_pence": f"{_SIDE} - control_pence"},
        group="place",
    ),
)
