"""Tables of step 2 about the identifiers themselves: what feeds share, and how the index changed from run to run.

Belongs here: counts of identifiers.
Does not belong here: which person an identifier stands for (`linkage.py`).
"""

from schemas.columns import FEED, FINANCIAL_YEAR, PROVIDER_CODE, described
from schemas.table import Column, Table

OVERLAP_LIMIT = Table(
    name="overlap_limit",
    step="linkage",
    grain="One row per feed, provider, domain and feed compared with; `all` stands for any.",
    description="How much feeds must share with the register and with each other. Of several rows that fit, that of "
    "the provider counts, else of the domain, else of the feed, else of the feed compared with; of two that fit alike, "
    "the lower limits.",
    columns=(
        Column("feed", "STRING", "The feed, or all. Of a pair, either feed."),
        Column("provider_code", "STRING", "The provider, or all."),
        Column("pseudonym_domain", "STRING", "The domain, or all."),
        Column("other_feed", "STRING", "patient_register, the other feed of a pair, or all."),
        Column("minimum_identifier_count", "BIGINT", "With fewer nothing is judged.", unit="identifiers or people"),
        Column("refuse_under", "DOUBLE", "Overlap, 0 to 1, below which the run stops; 0 never stops it."),
        Column("warn_under", "DOUBLE", "Overlap, 0 to 1, below which the run warns; 0 never warns."),
        Column("source", "STRING", "Who set the limits, and why."),
    ),
    key=("feed", "provider_code", "pseudonym_domain", "other_feed"),
    zone="store",
)

IDENTIFIER_OVERLAP = Table(
    name="identifier_overlap",
    step="linkage",
    grain="One row per feed, provider, domain and month, and for the year, against the register; and one per pair of "
    "feeds.",
    description="How many identifiers are shared: near zero means different keys, and the run stops before anything is "
    "joined. Dummies and identifiers of impossible volume are left out; one that a rule keeps from linking counts as "
    "not shared.",
    columns=(
        FINANCIAL_YEAR,
        FEED,
        described(PROVIDER_CODE, "Organisation code of the provider, council or practice; all in a pair of feeds."),
        Column("pseudonym_domain", "STRING", "Domain in which the identifiers were made; all in a pair of feeds."),
        Column(
            "seen",
            "STRING",
            "year: the identifiers of the year; 2024-05: those last seen in that month, so that a key that changes "
            "unannounced shows as months without overlap.",
        ),
        Column("other_feed", "STRING", "patient_register, or the other feed of a pair, later in the alphabet."),
        Column(
            "identifier_count",
            "BIGINT",
            "Identifiers of the feed; in a pair people, where the identifier is in the index, else identifiers.",
            unit="identifiers or people",
        ),
        Column(
            "other_identifier_count",
            "BIGINT",
            "People in the index; in a pair people and identifiers of the other feed.",
            unit="identifiers or people",
        ),
        Column(
            "shared_count",
            "BIGINT",
            "Identifiers that stand for somebody on the register; in a pair people and identifiers in both feeds.",
            unit="identifiers or people",
        ),
        Column("overlap", "DOUBLE", "Shared, of the identifiers; in a pair of the feed that has fewer. From 0 to 1."),
        Column("refuse_under", "DOUBLE", "Overlap below which the run stops."),
        Column("warn_under", "DOUBLE", "Overlap below which the run warns."),
        Column("verdict", "STRING", "ok, warn, refuse; too_few: less than what may be judged."),
    ),
    key=("feed", "provider_code", "pseudonym_domain", "seen", "other_feed"),
    sources=("identifier_use", "identifier_exclusion", "person_identifier", "dummy_pseudonym", "overlap_limit"),
    by_year=True,
)

IDENTIFIER_HISTORY = Table(
    name="identifier_history",
    step="linkage",
    grain="One row per change of the person index, domain, kind of change, and how the identifiers linked before and "
    "after.",
    description="What changed in the person index from one run to the next and for how many, so that a figure that "
    "moves can be traced to a merger or a key table. It depends on how the runs were cut.",
    columns=(
        Column("change_number", "BIGINT", "Changes of the index, counted from 1: the first holds everything."),
        Column("pseudonym_domain", "STRING", "Domain in which the identifiers were made."),
        Column(
            "kind",
            "STRING",
            "added; removed; moved: to another person; rerouted: to the same person by other links; redated: by the "
            "same kind of links, others or at another date.",
        ),
        Column("how_before", "STRING", "direct, merged, bridged, merged_and_bridged; none before it was added."),
        Column("how_after", "STRING", "The same after the change; none once removed."),
        Column("identifier_count", "BIGINT", "Identifiers that changed so.", unit="identifiers"),
        Column("person_count_before", "BIGINT", "People for whom they stood before.", unit="people"),
        Column("person_count_after", "BIGINT", "People for whom they stand since.", unit="people"),
        Column("digest_before", "STRING", "First 12 characters of the digest of the index before; none at first."),
        Column("digest_after", "STRING", "The same after the change."),
    ),
    key=("change_number", "pseudonym_domain", "kind", "how_before", "how_after"),
    sources=("person_identifier",),
    speaks_of_runs=True,
)

TABLES = (OVERLAP_LIMIT, IDENTIFIER_OVERLAP, IDENTIFIER_HISTORY)
