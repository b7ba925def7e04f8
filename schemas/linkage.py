"""Tables of step 2, linkage: who is registered when, and what did not link. Whom identifiers mean: `identifiers.py`."""

from schemas.columns import (
    AGE_BAND,
    FEED,
    FINANCIAL_YEAR,
    PERSON_ID,
    SEX_CODE,
)
from schemas.places import LSOA, PRACTICE
from schemas.table import Column, Table

_PRACTICE = Column("practice_code", "STRING", "Organisation code of the general practice.")
_LSOA = Column("lsoa_code", "STRING", "Lower layer super output area of residence, 2021 boundaries.", nullable=True)
_DECILE = Column(
    "deprivation_decile",
    "INT",
    "Index of Multiple Deprivation decile; 1 is most deprived. That of the lsoa table, else the register's.",
    nullable=True,
)
_DECILE_SOURCE = Column("decile_source", "STRING", "Where the decile is from: lsoa or patient_register.", nullable=True)
_REGISTERED_IN_AREA = Column(
    "is_registered_in_area",
    "BOOLEAN",
    "Whether the practice is one of the area's. Null where no practices were loaded, or not this one.",
    nullable=True,
)
_RESIDENT_IN_AREA = Column(
    "is_resident_in_area",
    "BOOLEAN",
    "Whether the place of residence is in the area. Null where no LSOAs were loaded, or not this one.",
    nullable=True,
)

_SOURCE_OF = "patient_register, or the feed where the register has no known value; null where nobody knows."

PERSON = Table(
    name="person",
    step="linkage",
    grain="One row per person on the register.",
    description="Who a person is: of each attribute the most recent known value of the register, else of any feed, "
    "with its source; and how many sources say otherwise. Identifiers that are excluded in a feed give no value there.",
    columns=(
        PERSON_ID,
        Column("birth_year", "INT", "Year of birth."),
        Column("birth_month", "INT", "Month of birth, 1 to 12."),
        Column("birth_source", "STRING", "Where year and month of birth are from: patient_register."),
        SEX_CODE,
        Column("sex_source", "STRING", f"Where the sex is from: {_SOURCE_OF}", nullable=True),
        Column("ethnic_category_code", "STRING", "Ethnic category, 2001 list.", nullable=True),
        Column("ethnicity_source", "STRING", f"Where the ethnic category is from: {_SOURCE_OF}", nullable=True),
        Column("death_month", "DATE", "First day of the month of death.", nullable=True),
        Column("death_source", "STRING", "Where it is from: patient_register; null while alive.", nullable=True),
        Column(
            "birth_conflict_registrations",
            "INT",
            "Registrations of the person that give another month of birth.",
            unit="registrations",
        ),
        Column(
            "birth_conflict_feeds",
            "INT",
            "Feeds with an age that fits no birthday from a year before the year of birth to a year after it.",
            unit="feeds",
        ),
        Column(
            "sex_conflict_registrations",
            "INT",
            "Registrations of the person that give another known sex.",
            unit="registrations",
        ),
        Column(
            "sex_conflict_feeds",
            "INT",
            "Feeds that say female of a man, or male of a woman, at least once.",
            unit="feeds",
        ),
        Column("has_birth_conflict", "BOOLEAN", "Whether any registration or feed gives another birth."),
        Column("has_sex_conflict", "BOOLEAN", "Whether any registration or feed gives another known sex."),
    ),
    key=("person_id",),
    sources=("patient_register", "person_identifier", "identifier_use", "identifier_exclusion"),
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
        _DECILE_SOURCE,
        _REGISTERED_IN_AREA,
        _RESIDENT_IN_AREA,
    ),
    key=("person_id", "registered_from"),
    sources=("patient_register", "person_identifier", "practice", "lsoa"),
)

EXPOSURE_PERIOD = Table(
    name="exposure_period",
    step="linkage",
    grain="One row per person and first day; the periods of a person share no day.",
    description="Registrations of a person that overlap or follow each other without a gap, as one period, which ends "
    "at the latest with the month of death; and the time after death. Between them the person is not registered.",
    columns=(
        PERSON_ID,
        Column("first_day", "DATE", "First day."),
        Column(
            "final_day",
            "DATE",
            "Last day, at the latest the last of the month of death; null while open.",
            nullable=True,
        ),
        Column("is_ended_by_death", "BOOLEAN", "Whether the month of death ends the period."),
        Column("exposure_status", "STRING", "registered; after_death, from the day after the month of death."),
    ),
    key=("person_id", "first_day"),
    sources=("person", "registration"),
    zone="store",
)

PERSON_YEAR = Table(
    name="person_year",
    step="linkage",
    grain="One row per person and financial year in which they are registered on at least one day.",
    description="The denominator: everybody registered, with those who used nothing.",
    columns=(
        FINANCIAL_YEAR,
        PERSON_ID,
        Column(
            "registered_days",
            "INT",
            "Days registered in the year, each counted once, at the latest to the end of the month of death.",
            unit="days",
        ),
        Column("age_start_of_year", "INT", "Age on 1 April, from year and month of birth.", unit="years"),
        Column("age_mid_year", "INT", "Age on 30 September, from year and month of birth.", unit="years"),
        AGE_BAND,
        SEX_CODE,
        _PRACTICE,
        _LSOA,
        _DECILE,
        _DECILE_SOURCE,
        _REGISTERED_IN_AREA,
        _RESIDENT_IN_AREA,
        Column("is_joiner", "BOOLEAN", "Whether the first registered day of the year is after 1 April."),
        Column("is_leaver", "BOOLEAN", "Whether the last registered day of the year is before 31 March."),
        Column("is_birth_in_year", "BOOLEAN", "Whether the person was born in the year."),
        Column("died_in_year", "BOOLEAN", "Whether the person died in the year."),
    ),
    key=("person_id",),
    sources=("person", "registration", "exposure_period", "practice", "lsoa"),
    by_year=True,
)

_FEEDS = (
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
    "continuing_care_package",
    "ambulance_incident",
)

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
    sources=("person", "person_identifier", "identifier_exclusion", "person_year", "registration", *_FEEDS),
    by_year=True,
)

TABLES = (PRACTICE, LSOA, PERSON, REGISTRATION, EXPOSURE_PERIOD, PERSON_YEAR, PLAUSIBILITY_RESULT)
