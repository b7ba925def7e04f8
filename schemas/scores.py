"""Tables of weighted scores of morbidity: the cited data that define them, evidence, values. Part of step 5.

Belongs here: the shape of codes, weights, rules, and of what is made of them.
Does not belong here: codes, weights and rules, which are rows of `assets/reference/score*.csv`.
"""

from schemas.caveats import AS_CODED, NOT_A_FORECAST_OF_COST
from schemas.columns import (
    FINANCIAL_YEAR,
    LOOK_BACK_YEARS,
    PERSON_ID,
    RECORD_COUNT,
    described,
    optional,
)
from schemas.table import Column, Table

SCORE_NAME = Column("score", "STRING", "The score, as in the score table.")
CATEGORY = Column("category", "STRING", "What the score counts: a comorbidity, a condition or, for frailty, a code.")
WEIGHTING = Column("weighting", "STRING", "The set of weights.")
EVIDENCE_SOURCE = Column(
    "evidence_source", "STRING", "gp, prescription, hospital_emergency (admission methods 2x) or hospital_other."
)
_SOURCE = Column("source", "STRING", "Publication.")
_LICENCE = Column("licence", "STRING", "Licence of the publication, or of the copy it was typed from.")
_CITED = (_SOURCE, _LICENCE)

SCORE = Table(
    name="score",
    step="morbidity",
    grain="One row per score.",
    description="Weighted scores of morbidity and frailty, and for whom they are valid.",
    columns=(
        SCORE_NAME,
        Column("score_name", "STRING", "Name."),
        Column("minimum_age", "INT", "Age at mid-year from which a person has the score.", unit="years"),
        Column("scope", "STRING", "For whom the score is, in words."),
        *_CITED,
    ),
    key=("score",),
)
SCORE_CODE = Table(
    name="score_code",
    step="morbidity",
    grain="One row per score, category, coding system and prefix.",
    description="What sets a category: a code may set several. BNF prefixes are groups of medicines that rules count.",
    columns=(
        SCORE_NAME,
        CATEGORY,
        Column("code_system", "STRING", "icd10, snomed or bnf."),
        Column("code_prefix", "STRING", "Prefix without dot; of SNOMED CT the whole concept."),
        *_CITED,
    ),
    key=("score", "category", "code_system", "code_prefix"),
)
SCORE_CONDITION = Table(
    name="score_condition",
    step="morbidity",
    grain="One row per score, category and long-term condition.",
    description="Whose SNOMED CT concepts set a category: a demonstration map, not a register definition.",
    columns=(
        SCORE_NAME,
        CATEGORY,
        Column("condition_code", "STRING", "Long-term condition whose concepts in condition_snomed count."),
        *_CITED,
    ),
    key=("score", "category", "condition_code"),
)
SCORE_WEIGHT = Table(
    name="score_weight",
    step="morbidity",
    grain="One row per score, category and weighting.",
    description="What a category adds to the score.",
    columns=(SCORE_NAME, CATEGORY, WEIGHTING, Column("weight", "DECIMAL(18,2)", "Points; may be negative."), *_CITED),
    key=("score", "category", "weighting"),
)
SCORE_HIERARCHY = Table(
    name="score_hierarchy",
    step="morbidity",
    grain="One row per score, category and category that it suppresses.",
    description="Where both are coded, only the graver counts.",
    columns=(
        SCORE_NAME,
        CATEGORY,
        Column("suppresses_category", "STRING", "The category that does not count beside it."),
        *_CITED,
    ),
    key=("score", "category", "suppresses_category"),
)
SCORE_RULE = Table(
    name="score_rule",
    step="morbidity",
    grain="One row per score, category, alternative and clause.",
    description="When a category is present: all clauses of one of its alternatives hold at the end of the year.",
    columns=(
        SCORE_NAME,
        described(CATEGORY, "Category, or ALL for every category of the score."),
        Column("alternative", "INT", "Number of the alternative; its clauses hold together."),
        Column("evidence_category", "STRING", "Category or group of medicines that is looked for; ALL for its own."),
        EVIDENCE_SOURCE,
        Column("look_back", "STRING", "run (the look-back of the run), years (look_back_years) or ever."),
        optional(described(LOOK_BACK_YEARS, "Financial years, with this one, where look_back is years.")),
        Column("minimum_record_count", "INT", "Fewest codes or items within the look-back.", unit="records"),
        Column("is_first", "BOOLEAN", "Whether the first code of all must lie within the look-back."),
        Column("is_absent", "BOOLEAN", "Whether the clause must not hold."),
        *_CITED,
    ),
    key=("score", "category", "alternative", "evidence_category", "evidence_source"),
)
SCORE_AGE_POINT = Table(
    name="score_age_point",
    step="morbidity",
    grain="One row per score and age from which points are added.",
    description="Points for age, kept apart from the score; the highest that applies.",
    columns=(
        SCORE_NAME,
        Column("from_age", "INT", "Age at mid-year from which the points count.", unit="years"),
        Column("age_points", "INT", "Points."),
        *_CITED,
    ),
    key=("score", "from_age"),
)
SCORE_BAND = Table(
    name="score_band",
    step="morbidity",
    grain="One row per score, weighting and band.",
    description="Bands of a score, from their lowest value to that of the next.",
    columns=(
        SCORE_NAME,
        WEIGHTING,
        Column("band", "STRING", "Name of the band."),
        Column("lowest_value", "DECIMAL(18,2)", "Lowest score in the band."),
        *_CITED,
    ),
    key=("score", "weighting", "band"),
)
SCORE_EVIDENCE = Table(
    name="score_evidence",
    step="morbidity",
    grain="One row per person, score, category, financial year of the code and source.",
    description="When and where each category of a score, or group of medicines, was coded: what rules count from.",
    columns=(
        PERSON_ID,
        SCORE_NAME,
        described(CATEGORY, "Category, or group of medicines that rules count."),
        described(FINANCIAL_YEAR, "Financial year in which the code is dated."),
        EVIDENCE_SOURCE,
        Column("first_date", "DATE", "First date coded in the year; of medicines the first month of processing."),
        Column("last_date", "DATE", "Last date coded in the year."),
        described(RECORD_COUNT, "Codes, or items of medicines."),
    ),
    caveats=(AS_CODED,),
    key=("person_id", "score", "category", "financial_year", "evidence_source"),
    sources=(
        "person_identifier",
        "identifier_exclusion",
        "apc_spell",
        "gp_coded_event",
        "gp_prescription",
        "score_code",
        "score_condition",
        "condition_snomed",
    ),
)
PERSON_YEAR_SCORE = Table(
    name="person_year_score",
    step="morbidity",
    grain="One row per registered person in the scope of the score, financial year, score and weighting.",
    description="Charlson, Elixhauser, frailty and Cambridge scores at the end of the year; nothing coded counts as 0.",
    columns=(
        FINANCIAL_YEAR,
        PERSON_ID,
        SCORE_NAME,
        WEIGHTING,
        Column("score_value", "DECIMAL(18,2)", "Sum of weights, without points for age; may be negative."),
        Column("category_count", "INT", "Categories present, after the hierarchy.", unit="categories"),
        Column("age_points", "INT", "Points for age at mid-year, where the score has them.", nullable=True),
        Column("band", "STRING", "Band of score_value, where the weighting has bands.", nullable=True),
        Column("scope", "STRING", "For whom the score is."),
        optional(described(LOOK_BACK_YEARS, "Financial years, with this one, that count; null where rules say ever.")),
    ),
    denominator="Registered people within the ages of the score's scope.",
    caveats=(
        AS_CODED,
        NOT_A_FORECAST_OF_COST,
    ),
    key=("person_id", "score", "weighting"),
    sources=(
        "person_year",
        "score_evidence",
        "score",
        "score_rule",
        "score_weight",
        "score_hierarchy",
        "score_age_point",
        "score_band",
    ),
    by_year=True,
)

TABLES = (
    SCORE,
    SCORE_CODE,
    SCORE_CONDITION,
    SCORE_WEIGHT,
    SCORE_HIERARCHY,
    SCORE_RULE,
    SCORE_AGE_POINT,
    SCORE_BAND,
    SCORE_EVIDENCE,
    PERSON_YEAR_SCORE,
)
