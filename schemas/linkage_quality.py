"""Tables of what linkage does to the figures: how much links, in whom it does not, and how far that moves a cost.

Belongs here: tables that compare linked with unlinked care.
Does not belong here: who a person is (`linkage.py`). They stand in step 4 since pounds are known only after costing.
"""

from schemas.activity import FEEDS_OF_CARE, UNLINKED
from schemas.columns import (
    ACTIVITY_MONTH,
    COMPLETENESS,
    COST_PENCE,
    EXPOSURE_RULE,
    FEED,
    FINANCIAL_YEAR,
    PEOPLE_COUNT,
    PROVIDER_CODE,
    RECORD_COUNT,
    SETTING,
    SUBMITTED_PENCE,
    described,
    optional,
)
from schemas.table import Column, Table

FEEDS_OF_CODES = ("gp_coded_event", "mh_diagnosis")
# Why care does not link: nobody is named, the name is not to be trusted, or nobody on the register has it.
LINK_GROUPS = {
    "dummy": ("dummy",),
    "unreliable": ("impossible_volume", "ambiguous", "birth_year_conflict", "sex_conflict"),
    "unregistered": ("one_time", "not_registered"),
}
assert sorted(code for codes in LINK_GROUPS.values() for code in codes) == sorted(UNLINKED)
LARGE_DIFFERENCE = 0.1

_PEOPLE = "persons where linked, else identifiers; who has several of these groups counts in each; dummies are nobody"
_PRICED = "zero where nothing was priced, null for a feed without costs"
_CHARACTERISTIC = (
    "age_band (0-17, 18-39, 40-64, 65-74, 75-84, 85+), sex, ethnicity (group of the 2021 Census), deprivation_decile "
    "(of the area, as loaded, else as the register last gave it): as the record itself says, and only where the feed "
    "says so of anybody"
)


def _of_group(group: str) -> str:
    return {
        "dummy": "without an identifier or with one that stands for nobody",
        "unreliable": f"whose identifier is not to be trusted ({', '.join(LINK_GROUPS['unreliable'])})",
        "unregistered": f"whose identifier is not on the register ({', '.join(LINK_GROUPS['unregistered'])})",
    }[group]


def _rate(name: str, what: str) -> Column:
    return Column(f"{name}_match_rate", "DOUBLE", f"Share of {what} that links; null where there is none.", True)


ETHNIC_GROUP = Table(
    name="ethnic_group",
    step="linkage",
    grain="One row per ethnic category code or label that a feed may deliver.",
    description="Ethnic group of the 2021 Census; what is not here, such as not stated, is unknown.",
    columns=(
        Column("ethnicity", "STRING", "Code of the 2001 list, or label of social care client level data."),
        Column("ethnic_group", "STRING", "asian, black, mixed, other or white."),
        Column("source", "STRING", "Where the grouping is stated."),
    ),
    key=("ethnicity",),
    zone="store",
)

LINKAGE_QUALITY = Table(
    name="linkage_quality",
    step="costing",
    grain="One row per feed, provider, month and subgroup; a package or ward stay is in each month that it touches.",
    description="How much of each feed links to the register, by records, people and pounds, and for what reason the "
    "rest does not. The rows of subgroup all sum to cost_ledger.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        PROVIDER_CODE,
        ACTIVITY_MONTH,
        Column("subgroup_type", "STRING", f"all, or {_CHARACTERISTIC}."),
        Column("subgroup", "STRING", "Value within the type; unknown where the record does not say."),
        described(RECORD_COUNT, "Records; a package or ward stay counts in its last month."),
        Column("linked_count", "BIGINT", "Records that link.", unit="records"),
        *(Column(f"{group}_count", "BIGINT", f"Records {_of_group(group)}.", unit="records") for group in LINK_GROUPS),
        _rate("record", "records"),
        described(PEOPLE_COUNT, f"People with any of the care: {_PEOPLE}."),
        Column("linked_people_count", "BIGINT", "Persons whose care links.", unit="people"),
        *(
            Column(f"{group}_people_count", "BIGINT", f"Identifiers of records {_of_group(group)}.", unit="people")
            for group in ("unreliable", "unregistered")
        ),
        _rate("people", "people"),
        SUBMITTED_PENCE,
        Column("linked_submitted_pence", "BIGINT", "Submitted price of care that links.", True, "pence"),
        _rate("submitted", "submitted pence"),
        described(optional(COST_PENCE), f"Cost: {_PRICED}."),
        Column("linked_pence", "BIGINT", "Cost of care that links.", True, "pence"),
        *(
            Column(f"{group}_pence", "BIGINT", f"Cost of care {_of_group(group)}.", True, "pence")
            for group in LINK_GROUPS
        ),
        _rate("cost", "cost"),
    ),
    key=("feed", "provider_code", "activity_month", "subgroup_type", "subgroup"),
    sources=(
        "activity_cost",
        "person_identifier",
        "identifier_exclusion",
        "dummy_pseudonym",
        "registration",
        "lsoa",
        "ethnic_group",
        *FEEDS_OF_CARE,
        *FEEDS_OF_CODES,
    ),
    by_year=True,
    control=("feed",),
)


def _difference(name: str, what: str) -> Column:
    return Column(
        name,
        "DOUBLE",
        f"Standardised difference of the two shares of {what}: (p1 - p2) / sqrt((p1 (1 - p1) + p2 (1 - p2)) / 2), p1 "
        "linked, p2 unlinked (Austin 2009, doi:10.1080/03610910902859574). Null where either has none.",
        True,
    )


LINKAGE_DIFFERENCE = Table(
    name="linkage_difference",
    step="costing",
    grain="One row per financial year, feed, characteristic and level.",
    description="How unlinked care differs from linked care in what the records say of their people.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        Column("characteristic", "STRING", f"{_CHARACTERISTIC[0].upper()}{_CHARACTERISTIC[1:]}."),
        Column("level", "STRING", "Value; unknown where the record does not say."),
        Column("linked_count", "BIGINT", "Linked records of the level.", unit="records"),
        Column("unlinked_count", "BIGINT", "Unlinked records of the level.", unit="records"),
        Column("linked_total_count", "BIGINT", "Linked records of all levels.", unit="records"),
        Column("unlinked_total_count", "BIGINT", "Unlinked records of all levels.", unit="records"),
        Column("linked_share", "DOUBLE", "Share of the linked records that are of the level.", True),
        Column("unlinked_share", "DOUBLE", "Share of the unlinked records that are of the level.", True),
        _difference("standardised_difference", "records"),
        Column("linked_pence", "BIGINT", "Cost of linked care of the level.", unit="pence"),
        Column("unlinked_pence", "BIGINT", "Cost of unlinked care of the level.", unit="pence"),
        Column("linked_cost_share", "DOUBLE", "Share of the linked cost that is of the level.", True),
        Column("unlinked_cost_share", "DOUBLE", "Share of the unlinked cost that is of the level.", True),
        _difference("cost_standardised_difference", "cost"),
        Column(
            "is_large",
            "BOOLEAN",
            f"Whether a standardised difference, of records or of cost, is over {LARGE_DIFFERENCE} either way.",
        ),
    ),
    key=("feed", "characteristic", "level"),
    sources=("linkage_quality",),
    by_year=True,
    control=("feed", "characteristic"),
)

LINKAGE_BOUND = Table(
    name="linkage_bound",
    step="costing",
    grain="One row per financial year and setting, and for the total; and one per feed within its setting.",
    description="Between which bounds the cost per registered person lies, whoever the unlinked care belongs to.",
    columns=(
        FINANCIAL_YEAR,
        described(SETTING, f"{SETTING.description} Feeds of codes, which cost nothing, stand under codes."),
        described(FEED, "The feed, or all of the setting."),
        described(RECORD_COUNT, "Records, payable or not."),
        Column("linked_count", "BIGINT", "Records that link.", unit="records"),
        _rate("record", "records"),
        Column(
            "identified_count",
            "BIGINT",
            "People with any of the care: persons where linked, else identifiers; dummies are nobody.",
            unit="people",
        ),
        Column("linked_people_count", "BIGINT", "Persons whose care links.", unit="people"),
        _rate("people", "people"),
        described(optional(COST_PENCE), "Cost, linked or not; null for feeds of codes."),
        Column("linked_pence", "BIGINT", "Cost of care that links.", True, "pence"),
        Column("unlinked_pence", "BIGINT", "Cost of care that does not link.", True, "pence"),
        _rate("cost", "cost"),
        Column(
            "outside_register_pence",
            "BIGINT",
            "Part of linked_pence whose person is not registered on any day of the year: in no figure per person.",
            True,
            "pence",
        ),
        described(PEOPLE_COUNT, "People registered on at least one day of the year: the denominator of both bounds."),
        Column(
            "lower_pence_per_person",
            "DOUBLE",
            "If none of the unlinked cost belonged to the register, which is the figure as linked: "
            "(linked_pence - outside_register_pence) / people_count.",
            True,
            "pence per person",
        ),
        Column(
            "upper_pence_per_person",
            "DOUBLE",
            "If all of it did: (linked_pence - outside_register_pence + unlinked_pence) / people_count.",
            True,
            "pence per person",
        ),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    key=("setting", "feed"),
    sources=(
        "linkage_quality",
        "activity_cost",
        "person_year",
        "feed_completeness",
        "identifier_use",
        "person_identifier",
        "identifier_exclusion",
        "dummy_pseudonym",
    ),
    by_year=True,
    control=("setting", "feed"),
)

TABLES = (ETHNIC_GROUP, LINKAGE_QUALITY, LINKAGE_DIFFERENCE, LINKAGE_BOUND)
