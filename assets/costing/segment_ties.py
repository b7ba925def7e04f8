"""What the tables of segments owe the costs of people.

Belongs here: their queries.
Does not belong here: running them (`conservation.py`); what other tables owe (`ties.py`).
"""

from assets.costing.tying import long, tied
from schemas.costing import SETTINGS

_COSTS = ("total", *SETTINGS)

# Every segmentation has everybody registered, once: its segments add up to the whole.
SEGMENTS = tied(
    long(
        "segment_summary",
        {"total_pence": "total_pence"}
        | {f"mean_{name}_pence": f"cast(round(mean_{name}_pence * people_count) as bigint)" for name in _COSTS}
        | {"people_count": "people_count"},
        group="segmentation",
    ),
    long(
        "(select c.*, r.segmentation from person_year_cost as c"
        " cross join (select distinct segmentation from segment_rule) as r where c.is_registered) as registered",
        {"total_pence": "total_pence"}
        | {f"mean_{name}_pence": f"{name}_pence" for name in _COSTS}
        | {"people_count": "1"},
        group="segmentation",
    ),
)
