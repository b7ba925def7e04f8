"""Tables of step 6 that show conditions: by age, one by one, beside others, and what they and age cost together.

Belongs here: what Symphony's tables show of conditions and their cost; the test of users' cost.
Does not belong here: cost by setting, age or count alone (`analysis.py`).
"""

from schemas.analysis import MEAN_TOTAL, MEANS, SPREAD, TOTAL
from schemas.caveats import ALL_CARE, AS_CODED, CRUDE, DEMONSTRATION_MAP, PART_OF_A_YEAR, SEVERAL_ROWS, SKEWED
from schemas.columns import (
    AGE_BAND,
    COMPLETENESS,
    CONDITION_LIST,
    COUNT_BAND,
    EXPOSURE_RULE,
    FINANCIAL_YEAR,
    PEOPLE_COUNT,
    SETTING,
    described,
    optional,
)
from schemas.table import Column, Table

COUNTED_AS = Column(
    "counted_as",
    "STRING",
    "The condition as the list counts it: a condition code, or one name for several that the list counts as one.",
)
_PEOPLE_WITH = described(PEOPLE_COUNT, "Registered people with the condition in force, users of care or not.")
_CODED = (
    "Share, from 0 to 1, that has come of what the least complete of the feeds under the figure owed for the year: "
    "{feeds}. Codes of the earlier years of the look-back have the completeness of their own years. Null: one of them "
    "was never due."
)
_COMPLETENESS_OF_CODES = described(COMPLETENESS, _CODED.format(feeds="gp_coded_event, apc_spell and mh_diagnosis"))
_COMPLETENESS_OF_BOTH = described(COMPLETENESS, _CODED.format(feeds="all feeds of care, gp_coded_event, mh_diagnosis"))

CONDITIONS_BY_AGE_BAND = Table(
    name="conditions_by_age_band",
    step="analysis",
    grain="One row per financial year, condition list, age band and count band with at least one person.",
    description="How many conditions people of each age live with: the shares of an age band add up to 1.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        AGE_BAND,
        COUNT_BAND,
        PEOPLE_COUNT,
        Column("people_share", "DOUBLE", "Share of the registered people of the age band."),
        _COMPLETENESS_OF_CODES,
        EXPOSURE_RULE,
    ),
    denominator="The registered people of the age band.",
    caveats=(
        AS_CODED,
        DEMONSTRATION_MAP,
    ),
    key=("condition_list", "age_band", "count_band"),
    sources=("person_year", "person_year_morbidity", "feed_completeness"),
    by_year=True,
)

CONDITION_PROFILE = Table(
    name="condition_profile",
    step="analysis",
    grain="One row per financial year, condition list and condition as the list counts it, also if nobody has it.",
    description="How common each condition is, what the people who have it cost in all, and what they have beside it.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        COUNTED_AS,
        _PEOPLE_WITH,
        Column("prevalence", "DOUBLE", "Share of registered people who have the condition.", nullable=True),
        described(TOTAL, "Cost of all care of the people with the condition."),
        Column(
            "cost_rank",
            "INT",
            "Place of the condition in its list by total_pence, 1 being the most; equal cost has equal place.",
        ),
        described(optional(MEAN_TOTAL), "Mean cost per person with the condition, users or not."),
        *SPREAD,
        Column(
            "mean_total_without_pence",
            "DOUBLE",
            "Mean cost per registered person without the condition. They are younger and have fewer other conditions: "
            "the difference is not what the condition costs.",
            nullable=True,
            unit="pence per person",
        ),
        Column(
            "mean_other_conditions",
            "DOUBLE",
            "Mean number of other conditions of the list among people with the condition.",
            nullable=True,
            unit="conditions",
        ),
        Column(
            "alone_share",
            "DOUBLE",
            "Share of the people with the condition who have no other of the list.",
            nullable=True,
        ),
        *(optional(mean) for mean in MEANS),
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator="The registered people with the condition; of prevalence, all registered people.",
    caveats=(
        ALL_CARE,
        SEVERAL_ROWS,
        CRUDE,
        SKEWED,
        DEMONSTRATION_MAP,
    ),
    key=("condition_list", "counted_as"),
    sources=(
        "person_year",
        "person_year_condition",
        "person_year_morbidity",
        "person_year_cost",
        "condition_list",
        "feed_completeness",
    ),
    by_year=True,
)

CONDITION_BY_COMORBIDITY = Table(
    name="condition_by_comorbidity",
    step="analysis",
    grain="One row per financial year, condition list, condition as the list counts it, and number of others with at "
    "least one person.",
    description="What people with a condition cost by how many others they have beside it: a spoke of the radar per "
    "condition, a ring per number of others.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        COUNTED_AS,
        Column("other_band", "STRING", "Number of other conditions of the list: 0, 1, 2 or 3+."),
        _PEOPLE_WITH,
        Column("people_share", "DOUBLE", "Share of the people with the condition; adds up to 1 over the bands."),
        MEAN_TOTAL,
        *SPREAD,
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator="The registered people with the condition and so many others.",
    caveats=(
        ALL_CARE,
        SEVERAL_ROWS,
        CRUDE,
        SKEWED,
    ),
    key=("condition_list", "counted_as", "other_band"),
    sources=(
        "person_year_condition",
        "person_year_morbidity",
        "person_year_cost",
        "condition_list",
        "feed_completeness",
    ),
    by_year=True,
)

COST_BY_AGE_AND_COUNT = Table(
    name="cost_by_age_and_count",
    step="analysis",
    grain="One row per financial year, condition list, age band and count band with at least one person.",
    description="Cost by age within a number of conditions, and by number of conditions within an age: where the count "
    "matters more than age, ratio_to_age_band spreads more widely than ratio_to_count_band.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        AGE_BAND,
        COUNT_BAND,
        PEOPLE_COUNT,
        TOTAL,
        MEAN_TOTAL,
        *SPREAD,
        Column(
            "ratio_to_age_band",
            "DOUBLE",
            "mean_total_pence over the mean of all people of the age band: what the count does within an age.",
            nullable=True,
        ),
        Column(
            "ratio_to_count_band",
            "DOUBLE",
            "mean_total_pence over the mean of all people of the count band: what age does within a count.",
            nullable=True,
        ),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator="The registered people of the age band with so many conditions.",
    caveats=(
        PART_OF_A_YEAR,
        SKEWED,
        AS_CODED,
    ),
    key=("condition_list", "age_band", "count_band"),
    sources=("person_year", "person_year_morbidity", "person_year_cost", "feed_completeness"),
    by_year=True,
)


def _per_user(name: str, description: str) -> Column:
    return Column(name, "DOUBLE", description, nullable=True, unit="pence per user")


COST_BY_SETTING_TEST = Table(
    name="cost_by_setting_test",
    step="analysis",
    grain="One row per financial year and setting, with a row for the total.",
    description="Whether users of a setting with three or more of the 52 conditions cost another mean than the other "
    "users: Welch's t-test, which takes no equal variances, of those with any cost.",
    columns=(
        FINANCIAL_YEAR,
        SETTING,
        Column("user_count_3plus", "BIGINT", "Users with three or more conditions.", unit="people"),
        Column("user_count_rest", "BIGINT", "Other users.", unit="people"),
        _per_user(
            "difference_pence_per_user",
            "Mean cost per user with three or more conditions, less that of the other users. Null: a group has none.",
        ),
        _per_user(
            "difference_low_pence_per_user",
            "Lower end of the 95% interval of the difference, by the t distribution with welch_df.",
        ),
        _per_user("difference_high_pence_per_user", "Upper end of the same interval."),
        Column(
            "welch_t",
            "DOUBLE",
            "Welch's t: the difference over its standard error. Null: under two users in a group, or equal costs.",
            nullable=True,
        ),
        Column("welch_df", "DOUBLE", "Degrees of freedom by Welch and Satterthwaite.", nullable=True),
        Column(
            "p_value",
            "DOUBLE",
            "Two-sided p value of welch_t, not corrected for the number of settings tested; 0 where it is smaller than "
            "a double can hold.",
            nullable=True,
        ),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator="Users of the setting, in each of the two groups.",
    caveats=(
        "With many people the smallest difference is significant: read the difference and its interval first.",
        CRUDE,
    ),
    key=("setting",),
    sources=("cost_by_setting",),
    by_year=True,
)

TABLES = (
    CONDITIONS_BY_AGE_BAND,
    CONDITION_PROFILE,
    CONDITION_BY_COMORBIDITY,
    COST_BY_AGE_AND_COUNT,
    COST_BY_SETTING_TEST,
)
