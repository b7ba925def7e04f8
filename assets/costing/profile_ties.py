"""What the tables of conditions owe the costs of people.

Belongs here: their queries.
Does not belong here: running them (`conservation.py`); what other tables owe (`ties.py`).
"""

from assets.costing.tying import long, tied
from schemas.costing import SETTINGS

_COSTS = ("total", *SETTINGS)

# Who has three conditions of a list stands in three of its rows: rows add up to each person's cost times the count.
PROFILE = tied(
    long(
        "condition_profile",
        {"total_pence": "total_pence"}
        | {f"mean_{name}_pence": f"cast(round(mean_{name}_pence * people_count) as bigint)" for name in _COSTS}
        | {"people_count": "people_count"},
        group="condition_list",
    ),
    long(
        "(select c.*, m.condition_list, m.condition_count from person_year_cost as c"
        " inner join person_year_morbidity as m on c.person_id = m.person_id) as counted",
        {"total_pence": "total_pence * condition_count"}
        | {f"mean_{name}_pence": f"{name}_pence * condition_count" for name in _COSTS}
        | {"people_count": "condition_count"},
        group="condition_list",
    ),
)

_CELLS = {"total_pence": "total_pence", "mean_total_pence": "cast(round(mean_total_pence * people_count) as bigint)"}
_WHOLE = {"total_pence": "total_pence", "mean_total_pence": "total_pence"}

# Both ways: the ages of a count are that count, the counts of an age are that age.
AGE_AND_COUNT = tied(
    long("cost_by_age_and_count", _CELLS, group="condition_list || ', count ' || count_band")
    + " union all "
    + long("cost_by_age_and_count", _CELLS, group="condition_list || ', age ' || age_band"),
    long("cost_by_condition_count", _WHOLE, group="condition_list || ', count ' || count_band")
    + " union all "
    + long(
        "(select a.*, l.condition_list from cost_by_age_band as a"
        " cross join (select distinct condition_list from condition_list) as l) as listed",
        _WHOLE,
        group="condition_list || ', age ' || age_band",
    ),
)
