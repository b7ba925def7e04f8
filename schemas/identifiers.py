"""Tables of step 2, linkage: whom identifiers stand for, how they are used, and which are no person's."""

from schemas.activity import FEEDS_OF_CARE
from schemas.columns import FEED, FINANCIAL_YEAR, PERSON_ID, PROVIDER_CODE, RECORD_COUNT, SEX_CODE, described
from schemas.table import Column, Table

_DOMAIN = Column("pseudonym_domain", "STRING", "Domain in which the pseudonym was made.")
_PSEUDONYM = Column("pseudonym", "STRING", "Source pseudonym: never leaves the store.")
_FINDING = Column(
    "finding_code",
    "STRING",
    "impossible_volume, birth_year_conflict, sex_conflict, one_time: rules of linkage_rule; fork: its links part on one"
    " day; reused: it stood for somebody else before; circle: its links run in a circle and are void.",
)
FEEDS_OF_USE = (*FEEDS_OF_CARE, "gp_coded_event", "mh_diagnosis")

DUMMY_PSEUDONYM = Table(
    name="dummy_pseudonym",
    step="linkage",
    grain="One row per value that stands for nobody.",
    description="Values that suppliers send in place of a pseudonym. Their activity is kept and counted as unlinked.",
    columns=(_PSEUDONYM, Column("reason", "STRING", "Why the value is known to stand for nobody.")),
    key=("pseudonym",),
    zone="store",
)

LINKAGE_RULE = Table(
    name="linkage_rule",
    step="linkage",
    grain="One row per rule and feed; the row of a feed goes before that of all.",
    description="By which rules an identifier is held to be no person's, and whether that unlinks it or is reported.",
    columns=(
        Column("rule_code", "STRING", "impossible_volume, birth_year_conflict, sex_conflict or one_time."),
        described(FEED, "The feed that the rule is for, or all."),
        Column(
            "most",
            "BIGINT",
            "impossible_volume: records in a financial year; birth_year_conflict: years apart; one_time: records ever. "
            "What is above it (one_time: not above it) breaks the rule.",
            nullable=True,
        ),
        Column("action", "STRING", "unlink: care under the identifier belongs to nobody; report: it is counted only."),
        Column("source", "STRING", "Where the limit comes from."),
    ),
    key=("rule_code", "feed"),
    zone="store",
)

IDENTIFIER_LINK = Table(
    name="identifier_link",
    step="linkage",
    grain="One row per identifier that a live link starts from.",
    description="Where the mergers and bridges of an identifier lead, whoever is on the register.",
    columns=(
        _DOMAIN,
        _PSEUDONYM,
        Column("end_domain", "STRING", "Domain of the identifier in which the links end.", nullable=True),
        Column("end_pseudonym", "STRING", "That identifier; null where the links end in several.", nullable=True),
        Column("has_merger", "BOOLEAN", "Whether a merger is among the links."),
        Column("has_bridge", "BOOLEAN", "Whether a bridge is among the links."),
        Column("since", "DATE", "Latest day from which one of the links counts; null in a circle.", nullable=True),
        Column("step_count", "INT", "Links followed; 0 in a circle, whose links are void.", unit="links"),
        Column("finding", "STRING", "circle, fork or reused; null where nothing is odd.", nullable=True),
    ),
    key=("pseudonym_domain", "pseudonym"),
    sources=("person_merger", "person_bridge", "dummy_pseudonym", "withdrawn_identifier"),
    zone="store",
)

PERSON_IDENTIFIER = Table(
    name="person_identifier",
    step="linkage",
    grain="One row per pseudonym in its domain.",
    description="Which person a pseudonym stands for: directly, or through mergers and bridges. Dummies and pseudonyms "
    "that stand for several people are not in it.",
    columns=(
        _DOMAIN,
        _PSEUDONYM,
        PERSON_ID,
        Column(
            "how",
            "STRING",
            "direct: the person is known by this pseudonym; merged: through person_merger; bridged: through "
            "person_bridge; merged_and_bridged: through both.",
        ),
        Column(
            "since", "DATE", "direct: first registered day; else the latest day from which one of its links counts."
        ),
        Column("step_count", "INT", "Links followed.", unit="links"),
    ),
    key=("pseudonym_domain", "pseudonym"),
    sources=("patient_register", "identifier_link", "dummy_pseudonym"),
    zone="store",
)

IDENTIFIER_USE = Table(
    name="identifier_use",
    step="linkage",
    grain="One row per feed, provider and identifier with records in the year.",
    description="What each feed of care and codes says of an identifier. A row of social care without pseudonym counts "
    "under the council's own number; other rows without pseudonym are left out.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        PROVIDER_CODE,
        _DOMAIN,
        _PSEUDONYM,
        RECORD_COUNT,
        Column("first_month", "DATE", "First day of the month of its first record."),
        Column("last_month", "DATE", "First day of the month of its last record."),
        described(SEX_CODE, "1 or 2 where all its records that say male or female agree, else null."),
        Column("has_both_sexes", "BOOLEAN", "Whether some of its records say male and others female."),
        Column("earliest_birth_year", "INT", "Least year of its records less age.", nullable=True, unit="years"),
        Column("latest_birth_year", "INT", "Greatest year of its records less age.", nullable=True, unit="years"),
        Column(
            "ethnic_category_code",
            "STRING",
            "Most recent known ethnic category, 2001 list, where the feed carries it.",
            nullable=True,
        ),
        Column("ethnic_month", "DATE", "First day of the month in which it was recorded.", nullable=True),
    ),
    key=("feed", "provider_code", "pseudonym_domain", "pseudonym"),
    sources=FEEDS_OF_USE,
    by_year=True,
    zone="store",
)

IDENTIFIER_FINDING = Table(
    name="identifier_finding",
    step="linkage",
    grain="One row per feed, identifier and rule that it breaks there.",
    description="What is odd about an identifier in a feed, whether or not it unlinks it.",
    columns=(
        FEED,
        _DOMAIN,
        _PSEUDONYM,
        _FINDING,
        Column("action", "STRING", "unlink or report, as linkage_rule says; fork and reused unlink, circle does not."),
        RECORD_COUNT,
    ),
    key=("feed", "pseudonym_domain", "pseudonym", "finding_code"),
    sources=(
        "identifier_use",
        "identifier_link",
        "person_identifier",
        "patient_register",
        "dummy_pseudonym",
        "linkage_rule",
    ),
    zone="store",
)

IDENTIFIER_EXCLUSION = Table(
    name="identifier_exclusion",
    step="linkage",
    grain="One row per feed and identifier that is held to be no person's there.",
    description="Identifiers whose records in a feed belong to nobody, and why; whatever person_identifier says.",
    columns=(
        FEED,
        _DOMAIN,
        _PSEUDONYM,
        Column("reason", "STRING", "The link_status of its records: the first in order of those that hold."),
    ),
    key=("feed", "pseudonym_domain", "pseudonym"),
    sources=("identifier_finding",),
    zone="store",
)

LINKAGE_FINDING = Table(
    name="linkage_finding",
    step="linkage",
    grain="One row per finding, feed and pseudonym domain.",
    description="How many identifiers are odd, and how; counts only.",
    columns=(
        _FINDING,
        described(FEED, "The feed that the records came in; all: whether or not a feed has any."),
        _DOMAIN,
        Column("action", "STRING", "unlink: their records belong to nobody; report: they are counted only."),
        Column("identifier_count", "BIGINT", "Identifiers.", unit="identifiers"),
        RECORD_COUNT,
    ),
    key=("finding_code", "feed", "pseudonym_domain"),
    sources=("identifier_finding", "identifier_link"),
)

TABLES = (
    DUMMY_PSEUDONYM,
    LINKAGE_RULE,
    IDENTIFIER_LINK,
    PERSON_IDENTIFIER,
    IDENTIFIER_USE,
    IDENTIFIER_FINDING,
    IDENTIFIER_EXCLUSION,
    LINKAGE_FINDING,
)
