"""What the tables of combinations of conditions owe the costs of people.

Belongs here: their queries.
Does not belong here: running them (`conservation.py`); what other tables owe (`ties.py`).
"""

from assets.costing.tying import long, tied
from schemas.analysis_pairs import FEWEST_PEOPLE

_CELLS = {
    "total_pence": "total_pence",
    "mean_total_pence": "cast(round(mean_total_pence * people_count) as bigint)",
    "people_count": "people_count",
}

# Who has three conditions of a list has three pairs of it: rows add up to each person's cost times the pairs.
PAIR = tied(
    long("condition_pair", _CELLS, group="condition_list"),
    long(
        "(select c.total_pence, m.condition_list, m.condition_count * (m.condition_count - 1) / 2 as pairs"
        " from person_year_cost as c inner join person_year_morbidity as m on c.person_id = m.person_id"
        " where m.condition_count >= 2) as paired",
        {
            "total_pence": "total_pence * cast(pairs as bigint)",
            "mean_total_pence": "total_pence * cast(pairs as bigint)",
            "people_count": "cast(pairs as bigint)",
        },
        group="condition_list",
    ),
)

_HELD = (
    "(select distinct h.person_id, l.condition_list, l.counted_as from person_year_condition as h"
    " inner join condition_list as l on h.condition_code = l.condition_code)"
)

# Only the commoner threes are shown: each is counted again, person by person.
_THREES = f"""(select a.condition_list, a.counted_as || ', ' || b.counted_as || ', ' || d.counted_as as triad,
    count(*) as people_count, sum(c.total_pence) as total_pence
from {_HELD} as a
inner join {_HELD} as b
    on a.person_id = b.person_id and a.condition_list = b.condition_list and a.counted_as < b.counted_as
inner join {_HELD} as d
    on a.person_id = d.person_id and a.condition_list = d.condition_list and b.counted_as < d.counted_as
inner join person_year_cost as c on a.person_id = c.person_id
group by a.condition_list, a.counted_as, b.counted_as, d.counted_as
having count(*) >= {FEWEST_PEOPLE}) as threes"""
TRIAD = tied(
    long(
        "condition_triad",
        _CELLS,
        group="condition_list || ': ' || first_condition || ', ' || second_condition || ', ' || third_condition",
    ),
    long(
        _THREES,
        {"total_pence": "total_pence", "mean_total_pence": "total_pence", "people_count": "people_count"},
        group="condition_list || ': ' || triad",
    ),
)

# Everybody has exactly one combination of each list, by as many conditions as they are counted to have.
COMBINATION = tied(
    long("condition_combination", _CELLS, group="condition_list"),
    long(
        "(select c.total_pence, m.condition_list from person_year_cost as c"
        " inner join person_year_morbidity as m on c.person_id = m.person_id) as counted",
        {"total_pence": "total_pence", "mean_total_pence": "total_pence", "people_count": "1"},
        group="condition_list",
    ),
)
