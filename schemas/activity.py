"""Table of step 3, activity: one shape for every setting."""

from schemas.columns import (
    ACTIVITY_MONTH,
    DELIVERY_ID,
    FEED,
    FINANCIAL_YEAR,
    PERSON_ID,
    POINT_OF_DELIVERY,
    PROVIDER_CODE,
    RECORD_COUNT,
    SETTING,
    SOURCE_ROW,
    SUBMITTED_PENCE,
    described,
    optional,
)
from schemas.table import Column, Table

# Why care belongs to nobody on the register; where several reasons hold, the first.
UNLINKED = {
    "dummy": "it has no pseudonym, or one that stands for nobody",
    "impossible_volume": "its identifier has more records in the feed than one person can have",
    "ambiguous": "its identifier stands for more than one person",
    "birth_year_conflict": "feed and register disagree on the year of birth of its identifier",
    "sex_conflict": "feed and register disagree on the sex of its identifier",
    "one_time": "its identifier is not on the register and occurs once, in no other record of any feed",
    "not_registered": "its identifier is not on the register",
}
LINK_STATUSES = ("linked", *UNLINKED)
LINK_STATUS = Column(
    "link_status", "STRING", f"linked, or why not: {'; '.join(f'{code}: {why}' for code, why in UNLINKED.items())}."
)
EXPOSURE_STATUSES = ("registered", "outside_registration", "after_death")
EXPOSURE_STATUS = Column(
    "exposure_status",
    "STRING",
    "Whether the person was registered on the day: registered; outside_registration; after_death, more than 30 days "
    "after the end of the month of death. Care within these 30 days counts as on the last day of that month. Null for "
    "care that is not linked.",
    nullable=True,
)
PART_RECORD_COUNT = described(
    RECORD_COUNT, "1 on the last part of a record, 0 on its earlier parts, so that the column sums to records."
)
QUANTITY = Column("quantity", "BIGINT", "How many units.", unit="units")
NET_INGREDIENT_PENCE = Column(
    "net_ingredient_pence",
    "BIGINT",
    "Net ingredient cost of a prescribed line, where the extract has it; null for all other care.",
    nullable=True,
    unit="pence",
)
CLIENT_CONTRIBUTION_PENCE = Column(
    "client_contribution_pence",
    "BIGINT",
    "What the person pays of a package, pro rata by day for this part, where the council sends it; part of the "
    "package price, not in addition to it.",
    nullable=True,
    unit="pence",
)

SETTING_OF_FEED = {
    "apc_spell": "inpatient",
    "op_attendance": "outpatient",
    "ec_attendance": "emergency",
    "gp_appointment": "primary",
    "gp_prescription": "primary",
    "community_contact": "community",
    "mh_contact": "mental_health",
    "mh_ward_stay": "mental_health",
    "social_care_event": "social_care",
    "continuing_care_package": "continuing_care",
    "ambulance_incident": "emergency",
}
FEEDS_OF_CARE = tuple(SETTING_OF_FEED)

CALENDAR_MONTH = Table(
    name="calendar_month",
    step="activity",
    grain="One row per calendar month, April 1990 to March 2050.",
    description="Months, over which packages and ward stays are spread.",
    columns=(
        Column("month_start", "DATE", "First day."),
        Column("month_end", "DATE", "Last day."),
        FINANCIAL_YEAR,
    ),
    key=("month_start",),
    zone="store",
)

COST_FREQUENCY = Table(
    name="cost_frequency",
    step="activity",
    grain="One row per cost frequency of social care client level data.",
    description="How many units a week a package has: a fixed fraction, the planned units, or one payment.",
    columns=(
        Column("cost_frequency", "STRING", "Cost frequency as delivered."),
        Column(
            "rule",
            "STRING",
            "weekly: units_numerator / units_denominator a week; planned: planned units a week; one_off.",
        ),
        Column("units_numerator", "BIGINT", "Units a week, numerator.", unit="units"),
        Column("units_denominator", "BIGINT", "Units a week, denominator.", unit="weeks"),
        Column("source", "STRING", "Where the rule is stated."),
    ),
    key=("cost_frequency",),
    zone="store",
)

COMMUNITY_CURRENCY = Table(
    name="community_currency",
    step="activity",
    grain="One row per community team type, age group and contact mode that has a currency.",
    description="Point of delivery and currency by which a community contact is priced. Where the list of team types "
    "and that of currencies do not name the same service, the mapping is this project's own: a proxy.",
    columns=(
        Column("team_type_code", "STRING", "CSDS service or team type."),
        Column("age_group", "STRING", "adult, child (18 or younger) or all."),
        Column("contact_mode", "STRING", "face_to_face, remote or all."),
        described(POINT_OF_DELIVERY, "community_contact, district_nursing or hospice."),
        Column("currency_code", "STRING", "National Cost Collection currency."),
        Column("currency_name", "STRING", "Name of the currency."),
        Column("is_proxy", "BOOLEAN", "Whether the mapping is a guess, since the two lists do not name one service."),
        Column("source", "STRING", "Why the currency is that of the team."),
    ),
    key=("team_type_code", "age_group", "contact_mode"),
    zone="store",
)

CLUSTER_CURRENCY = Table(
    name="cluster_currency",
    step="activity",
    grain="One row per mental health care cluster that the price book in use prices by the day, or ALL.",
    description="Clusters under an all-in price; no rows unless the book has the point of delivery mh_cluster_day.",
    columns=(Column("currency_code", "STRING", "Care cluster, or ALL."),),
    key=("currency_code",),
    sources=("price_book",),
    zone="store",
)

ACTIVITY = Table(
    name="activity",
    step="activity",
    grain="One row per payable unit of care; packages and ward stays have one row per month that they touch.",
    description="All care in one shape, linked or not. What is not payable (appointments not attended, lines not paid "
    "for or private, requests) is in it and priced at nothing.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        DELIVERY_ID,
        SOURCE_ROW,
        ACTIVITY_MONTH,
        Column("activity_date", "DATE", "Day of the care, or first day of the part of a package or stay."),
        optional(PERSON_ID),
        LINK_STATUS,
        EXPOSURE_STATUS,
        PROVIDER_CODE,
        SETTING,
        POINT_OF_DELIVERY,
        Column(
            "currency_code",
            "STRING",
            "Code by which a price book prices the unit: the healthcare resource group of a spell, outpatient "
            "procedure or emergency attendance; the treatment function of an outpatient attendance; staff and mode, "
            "or minutes, of an appointment; team or currency elsewhere. Null where there is none or the record could "
            "not be grouped.",
            nullable=True,
        ),
        Column(
            "price_point",
            "STRING",
            "Finest point under which a price book may price the unit; the point of delivery unless a rule of the "
            "setting says otherwise. Admitted: best_practice_ and the point, where a best practice tariff applied; "
            "else short_stay_emergency, for adults of 19 and over admitted as emergencies with at most one payable "
            "day. Outpatients: the point and _multi_professional, where several professions were present.",
        ),
        Column(
            "payable_days",
            "BIGINT",
            "Payable days of an admitted spell as sent, else its nights less critical care, rehabilitation and "
            "specialist palliative care days, at least 0; null for all other care.",
            nullable=True,
            unit="days",
        ),
        Column(
            "is_proxy_currency",
            "BOOLEAN",
            "Whether the currency was borrowed through a mapping, or assumed because role or mode is not known.",
        ),
        QUANTITY,
        Column("is_payable", "BOOLEAN", "Whether it is care that costs anything."),
        PART_RECORD_COUNT,
        SUBMITTED_PENCE,
        Column(
            "package_pence",
            "BIGINT",
            "Price of the package that a council or integrated care board pays, pro rata by day for this part.",
            nullable=True,
            unit="pence",
        ),
        NET_INGREDIENT_PENCE,
        CLIENT_CONTRIBUTION_PENCE,
    ),
    key=("feed", "delivery_id", "source_row", "activity_month"),
    sources=(
        *FEEDS_OF_CARE,
        "person_identifier",
        "identifier_exclusion",
        "dummy_pseudonym",
        "exposure_period",
        "person",
        "calendar_month",
        "cost_frequency",
        "community_currency",
        "cluster_currency",
    ),
    by_year=True,
    control=("feed", "provider_code", "activity_month"),
)

TABLES = (CALENDAR_MONTH, COST_FREQUENCY, COMMUNITY_CURRENCY, CLUSTER_CURRENCY, ACTIVITY)
