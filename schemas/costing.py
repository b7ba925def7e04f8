"""Tables of step 4, costing: what each unit costs, per person and year, and the ledger that proves it."""

from schemas.activity import (
    CLIENT_CONTRIBUTION_PENCE,
    EXPOSURE_STATUS,
    EXPOSURE_STATUSES,
    LINK_STATUS,
    NET_INGREDIENT_PENCE,
    PART_RECORD_COUNT,
    QUANTITY,
)
from schemas.columns import (
    ACTIVITY_MONTH,
    COMPLETENESS,
    COST_PENCE,
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
from schemas.prices import BASIS, BOOK_LEVELS, INDEX_USED, UNIT_PRICE, YEAR_OF_PRICES
from schemas.table import Column, Table

SETTINGS = (
    "primary",
    "inpatient",
    "outpatient",
    "emergency",
    "community",
    "mental_health",
    "social_care",
    "continuing_care",
)
CARE_OF = {name: name.replace("_", " ") + ("" if name.endswith("_care") else " care") for name in SETTINGS}
MATCH_LEVELS = ("not_payable", "submitted", "package", *BOOK_LEVELS)

REAL_COST_PENCE = Column(
    "real_cost_pence",
    "BIGINT",
    "Cost in money of the real year of the price book; null where the price index lacks a year.",
    nullable=True,
    unit="pence",
)

ACTIVITY_COST = Table(
    name="activity_cost",
    step="costing",
    grain="One row per payable unit of care, as in activity.",
    description="What each unit costs and how that is known. Unpriced care has no cost and is counted, never zero.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        DELIVERY_ID,
        SOURCE_ROW,
        ACTIVITY_MONTH,
        optional(PERSON_ID),
        LINK_STATUS,
        EXPOSURE_STATUS,
        PROVIDER_CODE,
        SETTING,
        POINT_OF_DELIVERY,
        Column("currency_code", "STRING", "Code by which a price book prices the unit.", nullable=True),
        QUANTITY,
        PART_RECORD_COUNT,
        SUBMITTED_PENCE,
        NET_INGREDIENT_PENCE,
        described(optional(COST_PENCE), "Cost, in money of the year of the activity."),
        REAL_COST_PENCE,
        CLIENT_CONTRIBUTION_PENCE,
        Column("match_level", "STRING", f"{', '.join(MATCH_LEVELS[:-1])} or {MATCH_LEVELS[-1]}."),
        described(optional(UNIT_PRICE), "Price of one unit in the book, in pence to two places, before any factor."),
        Column(
            "excess_days",
            "BIGINT",
            "Payable days beyond the trim point of the price; null where the price has none.",
            nullable=True,
            unit="days",
        ),
        BASIS,
        YEAR_OF_PRICES,
        Column("price_source", "STRING", "Publication of a price of the book.", nullable=True),
        Column("price_index", "STRING", INDEX_USED, nullable=True),
        Column("is_proxy", "BOOLEAN", "Whether price or currency is borrowed."),
    ),
    key=("feed", "delivery_id", "source_row", "activity_month"),
    sources=("activity", "price_used", "spell_supplement", "price_policy"),
    by_year=True,
    control=("feed", "provider_code", "activity_month"),
)

_POINTS = (
    "gp_appointment",
    "prescribing",
    "elective",
    "day_case",
    "regular_attender",
    "non_elective_short",
    "non_elective_long",
    "mh_contact",
    "mh_bed_day",
)

PERSON_YEAR_COST = Table(
    name="person_year_cost",
    step="costing",
    grain="One row per person and financial year: everybody registered in it, and anybody else whose care links.",
    description="Cost of care per person: by setting, by the chief points of delivery, in all. Prices as submitted, "
    "else the price book; nominal but for real_total_pence.",
    columns=(
        FINANCIAL_YEAR,
        PERSON_ID,
        Column("is_registered", "BOOLEAN", "Whether registered on at least one day of the year."),
        Column("registered_days", "INT", "Days registered in the year: the exposure.", unit="days"),
        *(Column(f"{setting}_pence", "BIGINT", f"Cost of {CARE_OF[setting]}.", unit="pence") for setting in SETTINGS),
        Column("total_pence", "BIGINT", "Cost of all settings.", unit="pence"),
        Column(
            "real_total_pence",
            "BIGINT",
            "The total in money of the real year of the price book, less care that it cannot be told of.",
            unit="pence",
        ),
        Column(
            "client_contribution_pence",
            "BIGINT",
            "What the person pays of council packages, part of the total.",
            unit="pence",
        ),
        *(
            Column(
                f"{point}_point_pence",
                "BIGINT",
                f"Cost of the point of delivery {point}, part of its setting.",
                unit="pence",
            )
            for point in _POINTS
        ),
        *(
            Column(f"{setting}_count", "BIGINT", f"Payable records of {CARE_OF[setting]}.", unit="records")
            for setting in SETTINGS
        ),
        Column("mh_bed_day_count", "BIGINT", "Nights on mental health wards.", unit="days"),
        Column(
            "outside_registration_pence",
            "BIGINT",
            "Cost of care on days on which the person was not registered, part of the total.",
            unit="pence",
        ),
        Column("after_death_pence", "BIGINT", "Cost of care dated after death, part of the total.", unit="pence"),
        Column(
            "proxy_pence", "BIGINT", "Cost that rests on a borrowed price or currency, part of the total.", unit="pence"
        ),
        Column("unpriced_count", "BIGINT", "Payable units without any price, not in the total.", unit="records"),
        COMPLETENESS,
    ),
    key=("person_id",),
    sources=("person_year", "activity_cost", "feed_completeness"),
    by_year=True,
)

# The stages of the ledger after `received`, in order, and what each divides: a status of a stage, or every one of them.
LEDGER_STAGES: dict[str, tuple[str, str | None]] = {
    "door": ("received", "received"),
    "linkage": ("door", "accepted"),
    "pricing": ("linkage", None),
    "exposure": ("linkage", "linked"),
}
DOOR_STATUSES = ("rejected", "superseded", "withdrawn", "accepted")

COST_LEDGER = Table(
    name="cost_ledger",
    step="costing",
    grain="One row per feed, provider, month, stage, status of the stage before that is divided, and status.",
    description="The conservation ledger. Each stage divides the one before without remainder: received; at the door "
    "rejected, superseded, withdrawn, accepted; what was accepted by link status; each link status by match level, and "
    "what is linked by registration on its day. Stages hold the same records again: choose one, never add two up.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        PROVIDER_CODE,
        ACTIVITY_MONTH,
        Column("stage", "STRING", f"{', '.join(('received', *LEDGER_STAGES))}."),
        Column(
            "part_of",
            "STRING",
            "Status of the stage before that is divided: received at the door, accepted in linkage, the link status in "
            "pricing, linked in exposure. Null for received, the whole.",
            nullable=True,
        ),
        Column(
            "status",
            "STRING",
            f"received; at the door {', '.join(DOOR_STATUSES)}; in linkage the link status; in pricing "
            f"{', '.join(MATCH_LEVELS)}; in exposure {', '.join(EXPOSURE_STATUSES)}.",
        ),
        RECORD_COUNT,
        described(SUBMITTED_PENCE, "Price as submitted; null for a feed without prices."),
        described(optional(COST_PENCE), "Cost as priced; null before pricing, and of what is unpriced."),
        described(
            REAL_COST_PENCE,
            "Cost in money of the real year of the price book; null before pricing, and where it cannot be told.",
        ),
    ),
    key=("feed", "provider_code", "activity_month", "stage", "part_of", "status"),
    sources=("delivery_total", "activity_cost"),
    by_year=True,
    control=("feed", "provider_code", "activity_month", "stage", "part_of", "status"),
)

TABLES = (
    ACTIVITY_COST,
    PERSON_YEAR_COST,
    COST_LEDGER,
)
