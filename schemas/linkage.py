"""Tables of step 2, linkage: who is registered when, and what did not link. Whom identifiers mean: `identifiers.py`."""

from schemas.columns import (
    ACTIVITY_MONTH,
    AGE_BAND,
    FEED,
    FINANCIAL_YEAR,
    PERSON_ID,
    PROVIDER_CODE,
    RECORD_COUNT,
    SEX_CODE,
)
from schemas.table import Column, Table

_PRACTICE = Column("practice_code", "STRING", "Organisation code of the general practice.")
_LSOA = Column("lsoa_code", "STRING", "Lower layer super output area of residence, 2021 boundaries.", nullable=True)
_DECILE = Column(
    "deprivation_decile", "INT", "Index of Multiple Deprivation decile; 1 is most deprived.", nullable=True
)

PERSON = Table(
    name="person",
    step="linkage",
    grain="One row per person on the register.",
    description="Who a person is: the most recent known value of each attribute, and whether sources disagree.",
    columns=(
        PERSON_ID,
        Column("birth_year", "INT", "Year of birth."),
        Column("birth_month", "INT", "Month of birth, 1 to 12."),
        SEX_CODE,
        Column("ethnic_category_code", "STRING", "Ethnic category, 2001 list.", nullable=True),
        Column("death_month", "DATE", "First day of the month of death.", nullable=True),
        Column("source_feed", "STRING", "The feed that the attributes come from."),
        Column("has_birth_conflict", "BOOLEAN", "Whether the sources give more than one month of birth."),
        Column("has_sex_conflict", "BOOLEAN", "Whether the sources give more than one known sex."),
    ),
    key=("person_id",),
    sources=("patient_register", "person_identifier"),
)

REGISTRATION = Table(
    name="registration",
    step="linkage",
    grain="One row per person and spell of registration.",
    description="With which practice a person was registered when, and where they lived.",
    columns=(
        PERSON_ID,
        Column("registered_from", "DATE", "First day."),
        Column("registered_to", "DATE", "Last day; null while open.", nullable=True),
        _PRACTICE,
        _LSOA,
        _DECILE,
    ),
    key=("person_id", "registered_from"),
    sources=("patient_register", "person_identifier"),
)

PERSON_YEAR = Table(
    name="person_year",
    step="linkage",
    grain="One row per person and financial year in which they are registered on at least one day.",
    description="The denominator: everybody registered, with those who used nothing.",
    columns=(
        FINANCIAL_YEAR,
        PERSON_ID,
        Column("registered_days", "INT", "Days registered in the year, each counted once.", unit="days"),
        Column("age_start_of_year", "INT", "Age on 1 April, from year and month of birth.", unit="years"),
        Column("age_mid_year", "INT", "Age on 30 September, from year and month of birth.", unit="years"),
        AGE_BAND,
        SEX_CODE,
        _PRACTICE,
        _LSOA,
        _DECILE,
        Column("is_joiner", "BOOLEAN", "Whether the first registered day of the year is after 1 April."),
        Column("is_leaver", "BOOLEAN", "Whether the last registered day of the year is before 31 March."),
        Column("died_in_year", "BOOLEAN", "Whether the person died in the year."),
    ),
    key=("person_id",),
    sources=("person", "registration"),
    by_year=True,
)

LINKAGE_QUALITY = Table(
    name="linkage_quality",
    step="linkage",
    grain="One row per feed, provider, month and subgroup.",
    description="How much of each feed links to the register, by records, pseudonyms and submitted pounds.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        PROVIDER_CODE,
        ACTIVITY_MONTH,
        Column("subgroup_type", "STRING", "all, or sex where the feed carries it."),
        Column("subgroup", "STRING", "Value within the type."),
        RECORD_COUNT,
        Column("linked_count", "BIGINT", "Records that link.", unit="records"),
        Column("dummy_count", "BIGINT", "Records without a pseudonym or with a dummy.", unit="records"),
        Column("not_registered_count", "BIGINT", "Records whose pseudonym nobody on the register has.", unit="records"),
        Column("pseudonym_count", "BIGINT", "Distinct pseudonyms, dummies left out.", unit="pseudonyms"),
        Column("linked_pseudonym_count", "BIGINT", "Distinct pseudonyms that link.", unit="pseudonyms"),
        Column("submitted_pence", "BIGINT", "Submitted price; zero for a feed without prices.", unit="pence"),
        Column("linked_submitted_pence", "BIGINT", "Submitted price of records that link.", unit="pence"),
    ),
    key=("feed", "provider_code", "activity_month", "subgroup_type", "subgroup"),
    sources=(
        "person_identifier",
        "dummy_pseudonym",
        "apc_spell",
        "op_attendance",
        "ec_attendance",
        "gp_appointment",
        "gp_coded_event",
        "gp_prescription",
        "community_contact",
        "mh_contact",
        "mh_ward_stay",
        "mh_diagnosis",
        "social_care_event",
    ),
    by_year=True,
    control=("feed",),
)

_CARE_FEEDS = LINKAGE_QUALITY.sources[2:]

PLAUSIBILITY_RESULT = Table(
    name="plausibility_result",
    step="linkage",
    grain="One row per feed and check that has anything to check in the year.",
    description="Records that contradict what the register says of their person or practice, and people of whom a "
    "feed holds nothing. Counts only; nothing is rejected for it.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        Column(
            "check_code",
            "STRING",
            "before_birth: the record starts before the person's month of birth; after_death: it is dated more than 30 "
            "days after the end of the month of death; other_sex: it says male and the register female, or the reverse;"
            " unknown_practice: nobody was ever registered with its practice; no_record: people registered in the year "
            "of whom the feed holds no record.",
        ),
        Column(
            "row_count",
            "BIGINT",
            "What is checked: linked records; those of people known to have died; linked records on which both sexes "
            "are male or female; records with a practice; people registered in the year.",
            unit="records or people",
        ),
        Column("broken_count", "BIGINT", "Of these, how many the check finds.", unit="records or people"),
    ),
    key=("feed", "check_code"),
    sources=("person", "person_identifier", "identifier_exclusion", "person_year", "registration", *_CARE_FEEDS),
    by_year=True,
)

TABLES = (PERSON, REGISTRATION, PERSON_YEAR, LINKAGE_QUALITY, PLAUSIBILITY_RESULT)
