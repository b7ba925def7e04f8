"""Tables of step 6 that show which conditions come together: in pairs, in threes, exactly, and by how many.

Belongs here: what is observed of combinations of conditions beside what would be if conditions were independent.
Does not belong here: conditions one by one (`analysis_profile.py`); combinations of a single person.
"""

from typing import Any

from schemas.analysis import MEAN_TOTAL, SPREAD, TOTAL
from schemas.caveats import ALL_CARE, AS_CODED, REGISTERED, SEVERAL_ROWS, SKEWED
from schemas.columns import (
    COMPLETENESS,
    CONDITION_LIST,
    COUNT_BAND,
    EXPOSURE_RULE,
    FINANCIAL_YEAR,
    PEOPLE_COUNT,
    described,
)
from schemas.table import Column, Table

FEWEST_PEOPLE = 10
"""People that a triad or an exact combination has at least, to be a row of its own; `sql/` says the same."""

_PER_PERSON: dict[str, Any] = {"nullable": True, "unit": "pence per person"}
_CODED = (
    "Share, from 0 to 1, that has come of what the least complete of the feeds under the figure owed for the year: "
    "{feeds}. Codes of the earlier years of the look-back have the completeness of their own years. Null: one of them "
    "was never due."
)
_COMPLETENESS_OF_CODES = described(COMPLETENESS, _CODED.format(feeds="gp_coded_event, apc_spell and mh_diagnosis"))
_COMPLETENESS_OF_BOTH = described(COMPLETENESS, _CODED.format(feeds="all feeds of care, gp_coded_event, mh_diagnosis"))
_SOURCES = ("person_year", "person_year_condition", "person_year_cost", "condition_list", "feed_completeness")


def _condition(place: str) -> Column:
    return Column(
        f"{place}_condition", "STRING", f"The {place} condition in alphabetical order, as the list counts it."
    )


_REGISTERED = Column("registered_count", "BIGINT", "All registered people: the denominator.", unit="people")
_RATIO = Column(
    "observed_over_expected",
    "DOUBLE",
    "people_count over expected_count: 1 where conditions are independent. Ratios of rare conditions are high and "
    "uncertain: read people_count beside it.",
)

CONDITION_PAIR = Table(
    name="condition_pair",
    step="analysis",
    grain="One row per financial year, condition list and unordered pair of conditions that at least one person has.",
    description="Which conditions come together more often than chance and age would have it, and whether people with "
    "both cost more or less than the two would add up to. Pairs that nobody "
    "has are left out; the others are in all of the lists, however rare.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        _condition("first"),
        _condition("second"),
        described(
            PEOPLE_COUNT, "Registered people with both conditions, whatever else they have, users of care or not."
        ),
        _REGISTERED,
        Column("prevalence", "DOUBLE", "Share of registered people who have both."),
        Column("first_people_count", "BIGINT", "People with the first, with or without the second.", unit="people"),
        Column("second_people_count", "BIGINT", "People with the second, with or without the first.", unit="people"),
        Column(
            "expected_count",
            "DOUBLE",
            "People with both if the two were independent: first x second / registered.",
            unit="people",
        ),
        _RATIO,
        Column(
            "age_sex_expected_count",
            "DOUBLE",
            "People with both if the two were independent within each five-year age band and sex: the same, added up "
            "over these cells. Unknown sex is a cell of its own.",
            unit="people",
        ),
        Column(
            "observed_over_age_sex_expected",
            "DOUBLE",
            "people_count over age_sex_expected_count: what is left when being common at the same age is taken out.",
        ),
        Column(
            "phi",
            "DOUBLE",
            "Correlation of having the one and having the other, -1 to 1. Null: everybody has one of them.",
            nullable=True,
        ),
        Column(
            "age_sex_odds_ratio",
            "DOUBLE",
            "Mantel-Haenszel odds ratio over the same cells: sum of both x neither / people over sum of only first x "
            "only second / people. It takes one ratio for all ages. Null: no cell has people with one of them alone.",
            nullable=True,
        ),
        described(TOTAL, "Cost of all care of the people with both; a person is in as many rows as they have pairs."),
        described(MEAN_TOTAL, "Mean cost per person with both, users or not."),
        *SPREAD,
        Column(
            "mean_first_only_pence", "DOUBLE", "Mean cost per person with the first but not the second.", **_PER_PERSON
        ),
        Column(
            "mean_second_only_pence", "DOUBLE", "Mean cost per person with the second but not the first.", **_PER_PERSON
        ),
        Column("mean_neither_pence", "DOUBLE", "Mean cost per registered person with neither.", **_PER_PERSON),
        Column(
            "additive_pence",
            "DOUBLE",
            "What both would cost if the second added to the first what it adds to nothing: mean_first_only_pence + "
            "mean_second_only_pence - mean_neither_pence. Null: nobody has one of them alone, or neither.",
            **_PER_PERSON,
        ),
        Column(
            "interaction_pence",
            "DOUBLE",
            "mean_total_pence - additive_pence: above 0 the pair raises cost, below 0 it limits it. People with both "
            "are older and have more other conditions than those with one, which this does not take out.",
            **_PER_PERSON,
        ),
        Column(
            "age_sex_interaction_pence",
            "DOUBLE",
            "The same within each age band and sex, weighted by the people with both. Null: no cell has people with "
            "both, with each alone and with neither. Still not adjusted for other conditions.",
            **_PER_PERSON,
        ),
        Column(
            "age_sex_interaction_people_count",
            "BIGINT",
            "People with both in the cells that age_sex_interaction_pence rests on.",
            unit="people",
        ),
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator="All registered people; of means, the people of the named part.",
    caveats=(
        ALL_CARE,
        SEVERAL_ROWS,
        "Age alone makes conditions come together: read the ratio by age and sex.",
        SKEWED,
    ),
    key=("condition_list", "first_condition", "second_condition"),
    sources=_SOURCES,
    by_year=True,
)

CONDITION_TRIAD = Table(
    name="condition_triad",
    step="analysis",
    grain="One row per financial year, condition list and unordered three conditions that at least ten people have.",
    description="Which three conditions come together, how much more often than if they were independent, and what "
    "the people who have them cost. Rarer ones are left out: see the pairs.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        _condition("first"),
        _condition("second"),
        _condition("third"),
        described(PEOPLE_COUNT, "Registered people with all three, whatever else they have, users of care or not."),
        _REGISTERED,
        Column("prevalence", "DOUBLE", "Share of registered people who have all three."),
        Column(
            "expected_count",
            "DOUBLE",
            "People with all three if they were independent of each other: registered x the product of the three "
            "prevalences. Age is not taken out.",
            unit="people",
        ),
        _RATIO,
        described(
            TOTAL, "Cost of all care of the people with all three; a person is in as many rows as they have triads."
        ),
        Column(
            "cost_rank",
            "INT",
            "Place among the rows of its list by total_pence, 1 being the most; equal cost has equal place.",
        ),
        described(MEAN_TOTAL, "Mean cost per person with all three, users or not."),
        *SPREAD,
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator="All registered people; of means, the people with all three.",
    caveats=(
        ALL_CARE,
        SEVERAL_ROWS,
        "Expected numbers take no account of age: three conditions of old age come together without any link.",
        SKEWED,
    ),
    key=("condition_list", "first_condition", "second_condition", "third_condition"),
    sources=_SOURCES,
    by_year=True,
)

CONDITION_COMBINATION = Table(
    name="condition_combination",
    step="analysis",
    grain="One row per financial year, condition list and exact combination that at least ten people have, and one for "
    "all others.",
    description="Everything that a person has of a list, and nothing else: each registered person is in one row of a "
    "list. What an UpSet plot is drawn from.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        Column(
            "combination",
            "STRING",
            "The conditions as the list counts them, in alphabetical order, joined by +; none for people without any; "
            "other for all combinations of fewer than ten people together.",
        ),
        Column(
            "condition_count", "INT", "Conditions in the combination. Null: other.", nullable=True, unit="conditions"
        ),
        Column("combination_count", "BIGINT", "Combinations in the row: 1, or more for other.", unit="combinations"),
        described(PEOPLE_COUNT, "Registered people with exactly these conditions, users of care or not."),
        Column("people_share", "DOUBLE", "Share of registered people; adds up to 1 over the rows of a list."),
        TOTAL,
        Column("cost_share", "DOUBLE", "Share of the cost of all registered people.", nullable=True),
        MEAN_TOTAL,
        *SPREAD,
        _COMPLETENESS_OF_BOTH,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        ALL_CARE,
        AS_CODED,
        "Most people with several conditions have a combination that fewer than ten share: they are in other.",
    ),
    key=("condition_list", "combination"),
    sources=("person_year", "person_year_morbidity", "person_year_cost", "feed_completeness"),
    by_year=True,
)

MULTIMORBIDITY_CLUSTERING = Table(
    name="multimorbidity_clustering",
    step="analysis",
    grain="One row per financial year, condition list and count band, also if nobody is in it.",
    description="How many people have each number of conditions, and how many would if conditions fell independently "
    "at their prevalences: fewer have one, more have several. After Somerset's strategic needs assessment.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        described(COUNT_BAND, "Number of conditions: 0 to 6, or 7+; 0 to 4, or 5+, where a list counts at most eight."),
        Column("listed_count", "INT", "Conditions that the list counts.", unit="conditions"),
        PEOPLE_COUNT,
        Column("people_share", "DOUBLE", "Share of registered people; adds up to 1 over the bands."),
        Column(
            "expected_count",
            "DOUBLE",
            "People if conditions were independent: registered people x the Poisson-binomial probability of the count, "
            "from the prevalences in condition_profile.",
            unit="people",
        ),
        Column(
            "observed_over_expected",
            "DOUBLE",
            "people_count over expected_count. Null: nobody is expected, since fewer conditions occur.",
            nullable=True,
        ),
        _COMPLETENESS_OF_CODES,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        AS_CODED,
        "Age alone makes conditions come together, and is not taken out.",
    ),
    key=("condition_list", "count_band"),
    sources=("conditions_by_age_band", "condition_profile"),
    by_year=True,
)

TABLES = (CONDITION_PAIR, CONDITION_TRIAD, CONDITION_COMBINATION, MULTIMORBIDITY_CLUSTERING)
