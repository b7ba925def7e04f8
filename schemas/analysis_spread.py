"""Tables of step 6, analysis: how unevenly cost is spread over people, and whether it stays with them.

Belongs here: concentration, its summary and curve, high cost in health beside social care, persistence.
Does not belong here: what explains cost (`analysis.py`).
"""

from dataclasses import replace

from schemas.caveats import NOMINAL, PART_OF_A_YEAR, REGISTERED
from schemas.columns import COMPLETENESS, EXPOSURE_RULE, FINANCIAL_YEAR, PEOPLE_COUNT, described
from schemas.table import Column, Table

_SCOPE = Column(
    "scope",
    "STRING",
    "Cost of what: total; social_care; health, which is all else, continuing care with it.",
)
_SOURCES = ("person_year_cost", "feed_completeness")
_TIES = "Who comes first among people of equal cost changes nothing."

CONCENTRATION = Table(
    name="concentration",
    step="analysis",
    grain="One row per financial year, scope and share of people, from the costliest down.",
    description=f"What the costliest 1, 2, 4, 5, 6, 10, 20 and 50 per cent of registered people cost. {_TIES}",
    columns=(
        FINANCIAL_YEAR,
        _SCOPE,
        Column("top_percent", "INT", "Share of registered people, costliest first.", unit="per cent"),
        described(PEOPLE_COUNT, "People in that share, a part of a person counted as one."),
        Column("threshold_pence_per_person", "BIGINT", "Cost of the least costly of them.", unit="pence per person"),
        Column(
            "cost_share",
            "DOUBLE",
            "Share of the cost of the scope that they hold; where the share of people ends within a person, as much of "
            "that person's cost. Null where nothing was spent.",
            nullable=True,
        ),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        PART_OF_A_YEAR,
        "Of one year: who costs most changes from year to year, see cost_persistence.",
    ),
    key=("scope", "top_percent"),
    sources=_SOURCES,
    by_year=True,
)

CONCENTRATION_SUMMARY = Table(
    name="concentration_summary",
    step="analysis",
    grain="One row per financial year and scope.",
    description=f"Inequality of cost over registered people in single figures. {_TIES} All are null where nothing was "
    "spent.",
    columns=(
        FINANCIAL_YEAR,
        _SCOPE,
        PEOPLE_COUNT,
        Column("mean_pence_per_person", "DOUBLE", "Mean cost.", unit="pence per person"),
        Column(
            "median_pence_per_person",
            "DOUBLE",
            "Median cost; of an even number of people, halfway between the middle two.",
            unit="pence per person",
        ),
        Column(
            "gini",
            "DOUBLE",
            "Gini coefficient: 2 sum(rank x cost) / (n sum(cost)) - (n + 1) / n, ranks from the least cost. 0 if all "
            "cost the same. Not corrected for small samples.",
            nullable=True,
        ),
        Column(
            "gini_standard_error",
            "DOUBLE",
            "Asymptotic standard error by linearisation (Davidson 2009, doi 10.1016/j.jeconom.2008.11.004): people are "
            "taken as a sample. Too small for heavy tails in small groups.",
            nullable=True,
        ),
        Column("gini_low", "DOUBLE", "Gini coefficient less 1.96 standard errors.", nullable=True),
        Column("gini_high", "DOUBLE", "Gini coefficient plus 1.96 standard errors.", nullable=True),
        Column("coefficient_of_variation", "DOUBLE", "Standard deviation of people / mean; divisor n.", nullable=True),
        Column("skewness", "DOUBLE", "Third central moment / cube of standard deviation; divisor n.", nullable=True),
        Column(
            "half_of_cost_people_count",
            "BIGINT",
            "Fewest people who hold half of the cost.",
            nullable=True,
            unit="people",
        ),
        Column("half_of_cost_people_share", "DOUBLE", "The same as a share of people.", nullable=True),
        Column(
            "four_fifths_of_cost_people_count",
            "BIGINT",
            "Fewest people who hold 80 per cent of the cost.",
            nullable=True,
            unit="people",
        ),
        Column("four_fifths_of_cost_people_share", "DOUBLE", "The same as a share of people.", nullable=True),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        PART_OF_A_YEAR,
        "Standard errors of the Gini coefficient are too small for heavy tails.",
    ),
    key=("scope",),
    sources=_SOURCES,
    by_year=True,
)

LORENZ_POINT = Table(
    name="lorenz_point",
    step="analysis",
    grain="One row per financial year, scope and percentile of people, 0 to 100.",
    description=f"The Lorenz curve: what the least costly people cost together. {_TIES}",
    columns=(
        FINANCIAL_YEAR,
        _SCOPE,
        Column("percentile", "INT", "Share of registered people, least costly first.", unit="per cent"),
        PEOPLE_COUNT,
        Column(
            "cost_share",
            "DOUBLE",
            "Share of the cost of the scope they hold, with part of a person's where the percentile ends within one.",
            nullable=True,
        ),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        PART_OF_A_YEAR,
        "The curve of a setting that few use hugs the edge.",
    ),
    key=("scope", "percentile"),
    sources=_SOURCES,
    by_year=True,
)

HIGH_COST_OVERLAP = Table(
    name="high_cost_overlap",
    step="analysis",
    grain="One row per financial year and group, of four.",
    description="Whether those who cost most in health care and in social care are the same people. High cost: the "
    "fewest people who hold half of the cost, costliest first, by person_id among equals. All ages.",
    columns=(
        FINANCIAL_YEAR,
        Column("high_cost_in", "STRING", "both, health (only), social_care (only) or neither."),
        PEOPLE_COUNT,
        Column("people_share", "DOUBLE", "Share of registered people.", nullable=True),
        Column(
            "expected_people_count",
            "DOUBLE",
            "People expected if high cost in one said nothing of the other: product of the margins / all.",
            nullable=True,
            unit="people",
        ),
        Column("mean_health_pence", "DOUBLE", "Mean cost of health.", nullable=True, unit="pence per person"),
        Column("mean_social_care_pence", "DOUBLE", "Mean cost of social care.", nullable=True, unit="pence per person"),
        Column("health_cost_share", "DOUBLE", "Share of the cost of health.", nullable=True),
        Column("social_care_cost_share", "DOUBLE", "Share of the cost of social care.", nullable=True),
        Column("cost_share", "DOUBLE", "Share of all cost.", nullable=True),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        "High cost is relative to this population and year; among equals person_id decides.",
        PART_OF_A_YEAR,
    ),
    key=("high_cost_in",),
    sources=_SOURCES,
    by_year=True,
)

COST_PERSISTENCE = Table(
    name="cost_persistence",
    step="analysis",
    grain="One row per financial year, way of grouping, group of the year before and group of the year, if anybody is "
    "in both.",
    description="Whether people cost as much as the year before. Without rows where the year before was not built.",
    columns=(
        FINANCIAL_YEAR,
        Column("year_before", "STRING", "The financial year looked back at."),
        Column("grouped_by", "STRING", "decile; top_5_percent."),
        Column(
            "group_before",
            "STRING",
            "Group by cost of the year before, among people registered in both years: 1 (least) to 10; top or rest. "
            "People of equal cost are in one group, that of their middle rank, so groups differ in size.",
        ),
        Column("group_now", "STRING", "The same by cost of the year."),
        described(PEOPLE_COUNT, "People in both groups."),
        Column("share_of_group_before", "DOUBLE", "Share of the group of the year before."),
        Column("mean_before_pence", "DOUBLE", "Mean cost of the year before.", unit="pence per person"),
        Column("mean_now_pence", "DOUBLE", "Mean cost of the year; both are nominal.", unit="pence per person"),
        COMPLETENESS,
        replace(COMPLETENESS, name="completeness_before", description="The same for the year before."),
        EXPOSURE_RULE,
    ),
    denominator="People registered in both years.",
    caveats=(
        "Who died or left is not in it, and they cost much: persistence is that of those who stayed.",
        NOMINAL,
    ),
    key=("grouped_by", "group_before", "group_now"),
    sources=_SOURCES,
    sources_before=_SOURCES,
    by_year=True,
)

TABLES = (CONCENTRATION, CONCENTRATION_SUMMARY, LORENZ_POINT, HIGH_COST_OVERLAP, COST_PERSISTENCE)
