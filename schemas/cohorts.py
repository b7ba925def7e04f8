"""Tables of step 7, cohorts: named rules and what the people they select cost."""

from schemas.columns import COMPLETENESS, CONDITION_LIST, EXPOSURE_RULE, FINANCIAL_YEAR, PEOPLE_COUNT
from schemas.table import Column, Table

_RULE = Column("rule_code", "STRING", "The rule.")

COHORT_RULE = Table(
    name="cohort_rule",
    step="cohorts",
    grain="One row per rule.",
    description="Rules by which a cohort may be chosen: at least so many conditions of a list.",
    columns=(
        _RULE,
        Column("rule_name", "STRING", "The rule in words."),
        CONDITION_LIST,
        Column("minimum_condition_count", "INT", "Fewest conditions.", unit="conditions"),
        Column("source", "STRING", "Who uses the rule."),
    ),
    key=("rule_code",),
)

COHORT_CANDIDATE = Table(
    name="cohort_candidate",
    step="cohorts",
    grain="One row per financial year and rule.",
    description="How many people each rule selects and which share of all cost is theirs.",
    columns=(
        FINANCIAL_YEAR,
        _RULE,
        PEOPLE_COUNT,
        Column("people_share", "DOUBLE", "Share of registered people."),
        Column("total_pence", "BIGINT", "Cost of the group.", unit="pence"),
        Column("cost_share", "DOUBLE", "Share of the cost of registered people.", nullable=True),
        Column("mean_pence_per_person", "DOUBLE", "Mean cost of its people.", nullable=True, unit="pence per person"),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    key=("rule_code",),
    sources=("cohort_rule", "person_year_morbidity", "person_year_cost", "feed_completeness"),
    by_year=True,
)

TABLES = (COHORT_RULE, COHORT_CANDIDATE)
