"""Tables of step 6, analysis: cost against multimorbidity and age, over all registered people, not yet suppressed."""

from schemas.caveats import AS_CODED, CRUDE, PART_OF_A_YEAR, REGISTERED, REGISTERED_OF_THE_GROUP, SKEWED
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
)
from schemas.costing import CARE_OF, SETTINGS
from schemas.table import Column, Table

TOTAL = Column("total_pence", "BIGINT", "Cost of the group.", unit="pence")
_COST_SHARE = Column("cost_share", "DOUBLE", "Share of the cost of the whole.", nullable=True)
MEAN_TOTAL = Column("mean_total_pence", "DOUBLE", "Mean cost per person, users or not.", unit="pence per person")
SPREAD = (
    Column(
        "sd_total_pence",
        "DOUBLE",
        "Standard deviation of cost between the people of the group (divisor: people - 1). Null for one person.",
        nullable=True,
        unit="pence per person",
    ),
    Column(
        "mean_total_low_pence",
        "DOUBLE",
        "Lower end of the 95% interval of mean_total_pence, normal: mean - 1.96 x standard deviation / sqrt(people). "
        "It may be below 0. Too narrow for groups of under a few hundred people, since cost is skewed.",
        nullable=True,
        unit="pence per person",
    ),
    Column(
        "mean_total_high_pence",
        "DOUBLE",
        "Upper end of the same interval: mean + 1.96 x standard deviation / sqrt(people).",
        nullable=True,
        unit="pence per person",
    ),
)
MEANS = tuple(
    Column(
        f"mean_{setting}_pence",
        "DOUBLE",
        f"Mean cost of {CARE_OF[setting]} per person.",
        unit="pence per person",
    )
    for setting in SETTINGS
)
_SOURCES = ("person_year", "person_year_cost", "person_year_morbidity", "feed_completeness")

COST_BY_SETTING = Table(
    name="cost_by_setting",
    step="analysis",
    grain="One row per financial year, group and setting, with a row for the total.",
    description="Use and cost of each setting for all, for people with three or more of the 52 conditions, and for "
    "the rest.",
    columns=(
        FINANCIAL_YEAR,
        Column("morbidity_group", "STRING", "all, 3plus (three or more conditions) or rest."),
        SETTING,
        PEOPLE_COUNT,
        Column("user_count", "BIGINT", "People with any cost in the setting.", unit="people"),
        Column("user_share", "DOUBLE", "Share of the group with any cost."),
        Column("records_per_person", "DOUBLE", "Payable records per person.", unit="records per person"),
        Column("mean_pence_per_user", "DOUBLE", "Mean cost among users only.", nullable=True, unit="pence per user"),
        Column(
            "sd_pence_per_user",
            "DOUBLE",
            "Standard deviation of cost between users (divisor: users - 1). Null below two users.",
            nullable=True,
            unit="pence per user",
        ),
        Column(
            "mean_pence_per_person",
            "DOUBLE",
            "Mean cost over everybody; adds up over settings.",
            unit="pence per person",
        ),
        Column(
            "sd_pence_per_person",
            "DOUBLE",
            "Standard deviation of cost between all people of the group (divisor: people - 1). Null for one person.",
            nullable=True,
            unit="pence per person",
        ),
        Column(
            "mean_low_pence_per_person",
            "DOUBLE",
            "Lower end of the 95% interval of mean_pence_per_person, normal: mean - 1.96 x standard deviation / "
            "sqrt(people). It may be below 0. Too narrow where few people use the setting, since cost is skewed.",
            nullable=True,
            unit="pence per person",
        ),
        Column(
            "mean_high_pence_per_person",
            "DOUBLE",
            "Upper end of the same interval: mean + 1.96 x standard deviation / sqrt(people).",
            nullable=True,
            unit="pence per person",
        ),
        TOTAL,
        _COST_SHARE,
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED_OF_THE_GROUP,
    caveats=(
        PART_OF_A_YEAR,
        CRUDE,
        SKEWED,
    ),
    key=("morbidity_group", "setting"),
    sources=("person_year_cost", "person_year_morbidity", "feed_completeness"),
    by_year=True,
)

COST_BY_AGE_BAND = Table(
    name="cost_by_age_band",
    step="analysis",
    grain="One row per financial year and five-year age band.",
    description="Mean cost by age, in all and by setting.",
    columns=(
        FINANCIAL_YEAR,
        AGE_BAND,
        PEOPLE_COUNT,
        TOTAL,
        MEAN_TOTAL,
        *SPREAD,
        *MEANS,
        Column("mean_condition_count", "DOUBLE", "Mean number of the 52 conditions.", unit="conditions"),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED_OF_THE_GROUP,
    caveats=(
        PART_OF_A_YEAR,
        CRUDE,
        SKEWED,
    ),
    key=("age_band",),
    sources=_SOURCES,
    by_year=True,
)

COST_BY_CONDITION_COUNT = Table(
    name="cost_by_condition_count",
    step="analysis",
    grain="One row per financial year, condition list and count band.",
    description="Cost by number of conditions, in all and by setting.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        COUNT_BAND,
        PEOPLE_COUNT,
        Column("people_share", "DOUBLE", "Share of registered people."),
        Column("mean_age", "DOUBLE", "Mean age at mid-year.", unit="years"),
        TOTAL,
        _COST_SHARE,
        MEAN_TOTAL,
        *SPREAD,
        *MEANS,
        *(
            Column(f"{setting}_user_share", "DOUBLE", f"Share of people with any cost of {CARE_OF[setting]}.")
            for setting in SETTINGS
        ),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED_OF_THE_GROUP,
    caveats=(
        PART_OF_A_YEAR,
        CRUDE,
        SKEWED,
        AS_CODED,
    ),
    key=("condition_list", "count_band"),
    sources=_SOURCES,
    by_year=True,
)

EXPLAINED_VARIANCE = Table(
    name="explained_variance",
    step="analysis",
    grain="One row per financial year, condition list, predictor, outcome, timing, validation and truncation.",
    description="Share of the variance of individual annual cost that group means explain: count of conditions "
    "against age. Settings only concurrent, in sample and untruncated; prospective rows only where the year before was "
    "built.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        Column(
            "predictor",
            "STRING",
            "age_band, sex, age_band_sex, count_band or age_band_count_band: means of groups. condition_count: a "
            "straight line in the number of conditions.",
        ),
        Column("outcome", "STRING", "Cost of what: total or one of the settings."),
        Column(
            "timing",
            "STRING",
            "concurrent: predictors of the year; prospective: those of the year before, people registered in both.",
        ),
        Column(
            "validation",
            "STRING",
            "in_sample: tested on those trained on. held_out_people: means of the half with an even person_id, tested "
            "on the other. held_out_practices: means of every second practice by code, tested on the others. A group "
            "with nobody in the first half is given the mean of that half.",
        ),
        Column(
            "truncation",
            "STRING",
            "none; p99: cost above that of the 99th percentile of registered people counts as that.",
        ),
        described(PEOPLE_COUNT, "People tested."),
        Column("cell_count", "BIGINT", "Groups with at least one person; of a line 2.", unit="groups"),
        Column(
            "r_squared",
            "DOUBLE",
            "1 - squares of errors / squares about the mean, both of the people tested; in sample, 1 - within / total "
            "sum of squares. Below 0 where the mean does better.",
            nullable=True,
        ),
        Column(
            "adjusted_r_squared",
            "DOUBLE",
            "1 - (1 - r_squared) (n - 1) / (n - cell_count); in sample only.",
            nullable=True,
        ),
        Column(
            "r_squared_practice",
            "DOUBLE",
            "The same of the mean cost of practices beside the mean predicted, weighted by people. Far higher than of "
            "people, and without meaning for few practices.",
            nullable=True,
        ),
        Column(
            "cpm",
            "DOUBLE",
            "Cumming's prediction measure: 1 - absolute errors / absolute deviations from the mean.",
            nullable=True,
        ),
        Column(
            "mape_pence_per_person",
            "DOUBLE",
            "Mean absolute prediction error; an amount, not a percentage.",
            nullable=True,
            unit="pence per person",
        ),
        Column(
            "design", "STRING", "How to read the figure; a concurrent one is not comparable with a prospective one."
        ),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        "A description of groups and their means: a high share is no forecast of a person, and no cause.",
        "In sample flatters designs with many groups: read the held-out rows.",
        AS_CODED,
    ),
    key=("condition_list", "predictor", "outcome", "timing", "validation", "truncation"),
    sources=_SOURCES,
    sources_before=("person_year", "person_year_morbidity"),
    by_year=True,
)

TABLES = (COST_BY_SETTING, COST_BY_AGE_BAND, COST_BY_CONDITION_COUNT, EXPLAINED_VARIANCE)
