"""Columns that several tables share, declared once.

Belongs here: a column that means the same in every table in which it stands.
Does not belong here: a column of one table only.
"""

from dataclasses import replace

from schemas.table import Column

FINANCIAL_YEAR = Column("financial_year", "STRING", "Financial year, April to March, written 2024-25.")
PERSON_ID = Column("person_id", "BIGINT", "The project's own keyed hash of the person; not a source pseudonym.")
FEED = Column("feed", "STRING", "The feed that the record came in.")
DELIVERY_ID = Column("delivery_id", "STRING", "The delivery that the record came in.")
SOURCE_ROW = Column("source_row", "BIGINT", "Row number in the delivery, counted from 1 over its files.")
PROVIDER_CODE = Column("provider_code", "STRING", "Organisation code of the provider, council or practice.")
ACTIVITY_MONTH = Column("activity_month", "DATE", "First day of the month in which the activity falls.")
SETTING = Column("setting", "STRING", "Setting of care: one of Symphony's eight, or total where a table has one.")
POINT_OF_DELIVERY = Column("point_of_delivery", "STRING", "Point of delivery within the setting.")
SEX_CODE = Column(
    "sex_code",
    "STRING",
    "Person stated gender or sex: 1 male, 2 female, 9 indeterminate, X or 0 unknown.",
    nullable=True,
)
AGE_BAND = Column("age_band", "STRING", "Five-year band of the age at mid-year, 0-4 to 90+.")
COUNT_BAND = Column("count_band", "STRING", "Number of conditions: 0 to 6, or 7+.")
CONDITION_LIST = Column("condition_list", "STRING", "The list of conditions that is counted.")
CONDITION_CODE = Column("condition_code", "STRING", "Long-term condition, as in the condition table.")
LOOK_BACK_YEARS = Column(
    "look_back_years", "INT", "Financial years, with this one, in which a code counts.", unit="years"
)
EXPOSURE_RULE = Column("exposure_rule", "STRING", "Who is in the denominator and how part years are treated.")
RECORD_COUNT = Column("record_count", "BIGINT", "Records.", unit="records")
PEOPLE_COUNT = Column("people_count", "BIGINT", "People in the group, with those who used nothing.", unit="people")
COST_PENCE = Column("cost_pence", "BIGINT", "Cost.", unit="pence")
SUBMITTED_PENCE = Column(
    "submitted_pence",
    "BIGINT",
    "Price as submitted by the supplier, where the feed has one.",
    nullable=True,
    unit="pence",
)
COMPLETENESS = Column(
    "completeness",
    "DOUBLE",
    "Share, from 0 to 1, that has come of what the least complete feed under the figure owed for the year. Below 1 the "
    "figure is too low: a missing month looks like a saving. Null: no feed, since one of them, or all, were never due.",
    nullable=True,
)


def optional(column: Column) -> Column:
    """The same column, allowed to be null."""
    return replace(column, nullable=True)


def described(column: Column, description: str) -> Column:
    """The same column with a description that fits this table better."""
    return replace(column, description=description)
