"""Tables of step 6 that divide the registered people into segments, and that show what look-back and source change.

Belongs here: segmentations and their rules, what each segment costs, how well a segmentation separates cost; counts and
prevalence by look-back and source.
Does not belong here: the rules themselves, which are rows of `assets/reference/segment_rule.csv`.
"""

from schemas.analysis import MEAN_TOTAL, MEANS, SPREAD, TOTAL
from schemas.caveats import AS_CODED, CRUDE, PART_OF_A_YEAR, REGISTERED, SKEWED
from schemas.columns import (
    COMPLETENESS,
    CONDITION_CODE,
    CONDITION_LIST,
    COUNT_BAND,
    EXPOSURE_RULE,
    FINANCIAL_YEAR,
    PEOPLE_COUNT,
    PERSON_ID,
    described,
    optional,
)
from schemas.table import Column, Table

SEGMENTATION = Column("segmentation", "STRING", "The segmentation: bridges_to_health, year_of_care18 or age_group.")
SEGMENT = Column("segment", "STRING", "The segment. Everybody registered is in exactly one of each segmentation.")
PRECEDENCE = Column("precedence", "INT", "Place in the order of rules; of those that hold, the lowest decides.")
LOOK_BACK = Column(
    "look_back",
    "STRING",
    "Financial years, with this one, in which a code counts: 1, 2, 5 or ever, which reaches as far as the feeds do.",
)
_CODED = (
    "Share, from 0 to 1, that has come of what the least complete of the feeds under the figure owed for the year: "
    "{feeds}. Codes of the earlier years of the look-back have the completeness of their own years. Null: one of them "
    "was never due."
)
_COMPLETENESS_OF_CODES = described(COMPLETENESS, _CODED.format(feeds="gp_coded_event, apc_spell and mh_diagnosis"))
_COMPLETENESS_OF_BOTH = described(COMPLETENESS, _CODED.format(feeds="all feeds of care, gp_coded_event, mh_diagnosis"))

SEGMENT_RULE = Table(
    name="segment_rule",
    step="analysis",
    grain="One row per segmentation, precedence, kind and value.",
    description="What puts a person into a segment: any row of a precedence; the lowest precedence that holds decides.",
    columns=(
        SEGMENTATION,
        PRECEDENCE,
        SEGMENT,
        Column(
            "rule_kind",
            "STRING",
            "What is looked at. condition: a condition in force. condition_list: how many conditions of a list. "
            "list_band: the band of a list's own. score_band: the band of a score. admission_method: admissions of the "
            "year by method. age: at mid-year. registered: everybody.",
        ),
        Column("value", "STRING", "The condition, list, list and band, score and band, or method; else its own name."),
        Column("lowest", "INT", "Fewest conditions of the list, admissions or years of age; else 1."),
        Column("source", "STRING", "Who uses the rule, and where this one departs from it."),
    ),
    key=("segmentation", "precedence", "rule_kind", "value"),
)

PERSON_YEAR_SEGMENT = Table(
    name="person_year_segment",
    step="analysis",
    grain="One row per registered person, financial year and segmentation.",
    description="The segment of each person by the first rule that holds.",
    columns=(FINANCIAL_YEAR, PERSON_ID, SEGMENTATION, SEGMENT, PRECEDENCE),
    denominator=REGISTERED,
    caveats=(
        AS_CODED,
        "Segments made from the care of the year, such as Maternity and Acutely ill, foretell no cost of that year.",
    ),
    key=("person_id", "segmentation"),
    sources=(
        "person_year",
        "person_year_condition",
        "person_year_morbidity",
        "person_year_score",
        "activity",
        "apc_spell",
        "segment_rule",
    ),
    by_year=True,
)

SEGMENT_SUMMARY = Table(
    name="segment_summary",
    step="analysis",
    grain="One row per financial year, segmentation and segment, also if nobody is in it.",
    description="Who is in each segment, what they live with and what their care costs. The rows of year_of_care18 are "
    "the bands A to E of LTC Year of Care. Null where a segment is empty.",
    columns=(
        FINANCIAL_YEAR,
        SEGMENTATION,
        SEGMENT,
        PRECEDENCE,
        PEOPLE_COUNT,
        Column("people_share", "DOUBLE", "Share of registered people.", nullable=True),
        TOTAL,
        Column("cost_share", "DOUBLE", "Share of the cost of registered people.", nullable=True),
        optional(MEAN_TOTAL),
        *SPREAD,
        Column(
            "cv_total",
            "DOUBLE",
            "Coefficient of variation of cost between the people of the segment: sd_total_pence over mean_total_pence.",
            nullable=True,
        ),
        Column("mean_age", "DOUBLE", "Mean age at mid-year.", nullable=True, unit="years"),
        Column(
            "male_share", "DOUBLE", "Share of males (sex code 1) among those whose sex code is 1 or 2.", nullable=True
        ),
        Column(
            "mean_deprivation_decile",
            "DOUBLE",
            "Mean deprivation decile, 1 being the most deprived, of those whose decile is known.",
            nullable=True,
        ),
        Column("decile_known_count", "BIGINT", "People whose deprivation decile is known.", unit="people"),
        Column(
            "mean_condition_count",
            "DOUBLE",
            "Mean number of the 52 conditions (list delphi52).",
            nullable=True,
            unit="conditions",
        ),
        *(optional(mean) for mean in MEANS),
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator="The registered people of the segment.",
    caveats=(
        PART_OF_A_YEAR,
        SKEWED,
        "Segments made from the care of the year cost much, in part by construction.",
    ),
    key=("segmentation", "segment"),
    sources=(
        "segment_rule",
        "person_year_segment",
        "person_year",
        "person_year_morbidity",
        "person_year_cost",
        "feed_completeness",
    ),
    by_year=True,
)

SEGMENTATION_FIT = Table(
    name="segmentation_fit",
    step="analysis",
    grain="One row per financial year and segmentation.",
    description="How well a segmentation separates people by cost: the variance that is left within segments. Compare "
    "with explained_variance, which has ages and counts.",
    columns=(
        FINANCIAL_YEAR,
        SEGMENTATION,
        PEOPLE_COUNT,
        Column("segment_count", "BIGINT", "Segments with at least one person.", unit="segments"),
        MEAN_TOTAL,
        Column(
            "sd_total_pence",
            "DOUBLE",
            "Standard deviation of cost between all registered people (divisor: people).",
            unit="pence per person",
        ),
        Column(
            "sd_within_pence",
            "DOUBLE",
            "Square root of the mean variance within segments, weighted by people (divisor: people).",
            unit="pence per person",
        ),
        Column(
            "variance_reduction",
            "DOUBLE",
            "1 - sum of people x variance of the segments / people / variance of all: an exact one-way R squared. Null "
            "where all cost the same.",
            nullable=True,
        ),
        Column(
            "design", "STRING", "How to read the figure; a concurrent one is not comparable with a prospective one."
        ),
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=("In sample. Segments made from the care of the year explain its cost in part by construction.",),
    key=("segmentation",),
    sources=("person_year_segment", "person_year_cost", "feed_completeness"),
    by_year=True,
)

MORBIDITY_BY_LOOK_BACK = Table(
    name="morbidity_by_look_back",
    step="analysis",
    grain="One row per financial year, condition list, look-back, source scope and count band with at least one "
    "person.",
    description="How many conditions people live with, and what they cost, had another look-back been chosen or had "
    "fewer sources been read. Shares add up to 1 over the count bands of a list, look-back and scope.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        LOOK_BACK,
        Column(
            "source_scope",
            "STRING",
            "Which conditions count. any: whoever knows them. gp, hospital: had only general practice, or only "
            "admitted care, been read. gp_only: known in general practice and not in admitted care; hospital_only: the "
            "reverse; both: in both; mental_health_only: in neither. The last four add up to any.",
        ),
        COUNT_BAND,
        PEOPLE_COUNT,
        Column("people_share", "DOUBLE", "Share of registered people."),
        MEAN_TOTAL,
        *SPREAD,
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        AS_CODED,
        CRUDE,
        "A longer look-back finds more of the past, and not more illness.",
    ),
    key=("condition_list", "look_back", "source_scope", "count_band"),
    sources=(
        "person_year",
        "condition_evidence",
        "condition_hierarchy",
        "condition_list",
        "person_year_cost",
        "feed_completeness",
    ),
    by_year=True,
)

CONDITION_BY_LOOK_BACK = Table(
    name="condition_by_look_back",
    step="analysis",
    grain="One row per financial year, condition and look-back, also if nobody has it.",
    description="How common each condition is by look-back, less what a graver one suppresses, and who knows of it.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_CODE,
        LOOK_BACK,
        described(PEOPLE_COUNT, "Registered people with the condition in force, whoever knows of it."),
        Column("prevalence", "DOUBLE", "Share of registered people who have the condition.", nullable=True),
        Column("gp_only_count", "BIGINT", "Known in general practice and not in admitted care.", unit="people"),
        Column("hospital_only_count", "BIGINT", "Known in admitted care and not in general practice.", unit="people"),
        Column("both_count", "BIGINT", "Known in general practice and in admitted care.", unit="people"),
        Column("mental_health_only_count", "BIGINT", "Known in mental health care and in neither.", unit="people"),
        _COMPLETENESS_OF_CODES,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        AS_CODED,
        "A longer look-back finds more of the past, and not more illness.",
    ),
    key=("condition_code", "look_back"),
    sources=("person_year", "condition", "condition_evidence", "condition_hierarchy", "feed_completeness"),
    by_year=True,
)

TABLES = (
    SEGMENT_RULE,
    PERSON_YEAR_SEGMENT,
    SEGMENT_SUMMARY,
    SEGMENTATION_FIT,
    MORBIDITY_BY_LOOK_BACK,
    CONDITION_BY_LOOK_BACK,
)
