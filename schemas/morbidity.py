"""Tables of step 5, morbidity: which conditions a person lives with."""

from schemas.caveats import AS_CODED, DEMONSTRATION_MAP, REGISTERED
from schemas.columns import (
    CONDITION_CODE,
    CONDITION_LIST,
    COUNT_BAND,
    FINANCIAL_YEAR,
    LOOK_BACK_YEARS,
    PERSON_ID,
    RECORD_COUNT,
    described,
)
from schemas.table import Column, Table

_SOURCE = Column("source", "STRING", "Publication or list.")

CONDITION = Table(
    name="condition",
    step="morbidity",
    grain="One row per long-term condition.",
    description="The 52 long-term conditions of the 2022 Delphi consensus that have usable ICD-10 codes; those loaded.",
    columns=(
        CONDITION_CODE,
        Column("condition_name", "STRING", "Name."),
        Column("delphi_group", "STRING", "always or usually counted, by the consensus; own where it was loaded."),
    ),
    key=("condition_code",),
)
CONDITION_ICD10 = Table(
    name="condition_icd10",
    step="morbidity",
    grain="One row per condition and ICD-10 prefix.",
    description="ICD-10 prefixes, with those loaded; a code may set several conditions, and sets each once.",
    columns=(CONDITION_CODE, Column("icd10_prefix", "STRING", "Prefix, without dot."), _SOURCE),
    key=("condition_code", "icd10_prefix"),
)
CONDITION_SNOMED = Table(
    name="condition_snomed",
    step="morbidity",
    grain="One row per condition and SNOMED CT concept.",
    description="A small demonstration map of SNOMED CT concepts, not a register definition, and concepts loaded.",
    columns=(
        CONDITION_CODE,
        Column("snomed_code", "STRING", "SNOMED CT concept."),
        Column("snomed_term", "STRING", "Term."),
        _SOURCE,
    ),
    key=("condition_code", "snomed_code"),
)
CONDITION_LIST_MEMBER = Table(
    name="condition_list",
    step="morbidity",
    grain="One row per list and condition.",
    description="Which conditions a list counts, and which of them count as one.",
    columns=(
        CONDITION_LIST,
        CONDITION_CODE,
        Column("counted_as", "STRING", "The unit that is counted: conditions with the same value count once."),
        _SOURCE,
    ),
    key=("condition_list", "condition_code"),
)
CONDITION_LIST_BAND = Table(
    name="condition_list_band",
    step="morbidity",
    grain="One row per list with bands of its own, and band.",
    description="Bands that a list has beside those of all lists, from their lowest count to that of the next.",
    columns=(
        CONDITION_LIST,
        Column("list_band", "STRING", "Name of the band."),
        Column("lowest_count", "INT", "Fewest conditions in the band.", unit="conditions"),
        _SOURCE,
    ),
    key=("condition_list", "list_band"),
)
CONDITION_HIERARCHY = Table(
    name="condition_hierarchy",
    step="morbidity",
    grain="One row per condition and condition that it suppresses.",
    description="Where both are coded, only the graver counts.",
    columns=(
        CONDITION_CODE,
        Column("suppresses_condition_code", "STRING", "The condition that does not count beside it."),
        _SOURCE,
    ),
    key=("condition_code", "suppresses_condition_code"),
)
CONDITION_EVIDENCE = Table(
    name="condition_evidence",
    step="morbidity",
    grain="One row per person, condition, financial year of the code and source.",
    description="When and where each condition was coded: what every look-back is counted from.",
    columns=(
        PERSON_ID,
        CONDITION_CODE,
        described(FINANCIAL_YEAR, "Financial year in which the code is dated."),
        Column("evidence_source", "STRING", "gp, hospital or mental_health."),
        Column("first_date", "DATE", "First date coded in the year."),
        Column("last_date", "DATE", "Last date coded in the year."),
        described(RECORD_COUNT, "Codes."),
    ),
    caveats=(
        AS_CODED,
        DEMONSTRATION_MAP,
    ),
    key=("person_id", "condition_code", "financial_year", "evidence_source"),
    sources=(
        "person_identifier",
        "identifier_exclusion",
        "gp_coded_event",
        "apc_spell",
        "mh_diagnosis",
        "condition_icd10",
        "condition_snomed",
    ),
)
PERSON_CONDITION = Table(
    name="person_condition",
    step="morbidity",
    grain="One row per person and condition ever coded.",
    description="First and last date of each condition, and which sources know it.",
    columns=(
        PERSON_ID,
        CONDITION_CODE,
        Column("first_date", "DATE", "First date coded anywhere."),
        Column("last_date", "DATE", "Last date coded anywhere."),
        Column("in_gp", "BOOLEAN", "Coded in the general practice record."),
        Column("in_hospital", "BOOLEAN", "Coded in admitted care."),
        Column("in_mental_health", "BOOLEAN", "Coded in mental health care."),
    ),
    caveats=(
        "Ever coded, whenever: what was cured stays. Those in force in a year are in person_year_condition.",
        AS_CODED,
    ),
    key=("person_id", "condition_code"),
    sources=("condition_evidence",),
)
PERSON_YEAR_CONDITION = Table(
    name="person_year_condition",
    step="morbidity",
    grain="One row per registered person, financial year and condition in force.",
    description="The conditions that a person lives with in a year: coded within the look-back, less what a graver one "
    "suppresses. What counts, pairs and profiles of conditions are made from.",
    columns=(
        FINANCIAL_YEAR,
        PERSON_ID,
        CONDITION_CODE,
        Column("in_gp", "BOOLEAN", "Coded in the general practice record within the look-back."),
        Column("in_hospital", "BOOLEAN", "Coded in admitted care within the look-back."),
        Column("in_mental_health", "BOOLEAN", "Coded in mental health care within the look-back."),
    ),
    denominator=REGISTERED,
    caveats=(
        AS_CODED,
        DEMONSTRATION_MAP,
    ),
    key=("person_id", "condition_code"),
    sources=("person_year", "condition_evidence", "condition_hierarchy"),
    by_year=True,
)
PERSON_YEAR_MORBIDITY = Table(
    name="person_year_morbidity",
    step="morbidity",
    grain="One row per registered person, financial year and condition list.",
    description="How many conditions of a list a person lives with, and which together, coded within the look-back. "
    "Scores are in person_year_score.",
    columns=(
        FINANCIAL_YEAR,
        PERSON_ID,
        CONDITION_LIST,
        Column("condition_count", "INT", "Conditions counted.", unit="conditions"),
        COUNT_BAND,
        Column("list_band", "STRING", "Band of the list's own, such as A to E of Year of Care.", nullable=True),
        Column(
            "combination",
            "STRING",
            "The exact combination: all conditions counted, in alphabetical order, joined by +; none for people "
            "without any.",
        ),
        LOOK_BACK_YEARS,
    ),
    denominator=REGISTERED,
    caveats=(
        AS_CODED,
        DEMONSTRATION_MAP,
        "Counts of different lists are not comparable: what a list counts as one differs.",
    ),
    key=("person_id", "condition_list"),
    sources=("person_year", "person_year_condition", "condition_list", "condition_list_band"),
    by_year=True,
)

TABLES = (
    CONDITION,
    CONDITION_ICD10,
    CONDITION_SNOMED,
    CONDITION_LIST_MEMBER,
    CONDITION_LIST_BAND,
    CONDITION_HIERARCHY,
    CONDITION_EVIDENCE,
    PERSON_CONDITION,
    PERSON_YEAR_CONDITION,
    PERSON_YEAR_MORBIDITY,
)
