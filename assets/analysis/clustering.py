"""How conditions cluster: people by number of conditions, beside how many would be if conditions were independent.

Belongs here: the Poisson-binomial distribution of the number of conditions and the table made with it.
Does not belong here: prevalences and counts (`sql/condition_profile.sql`, `sql/conditions_by_age_band.sql`).

The number of independent events of unequal probabilities is Poisson-binomial, not Poisson: hypertension is a hundred
times as common as many others. The distribution is that of one population: since conditions gather in the old, a ratio
above 1 does not say that one condition leads to another.
"""

from collections.abc import Iterable
from typing import Any

import polars as pl

from pipelines.build import build_frame
from pipelines.store import Store, Stored
from schemas.analysis_pairs import MULTIMORBIDITY_CLUSTERING

_SHORT_LIST = 8
_TOP_OF_SHORT, _TOP = 5, 7


def build_clustering(store: Store, year: str | None) -> Stored:
    """Build the table from the year's prevalences and counts."""
    return build_frame(
        store,
        MULTIMORBIDITY_CLUSTERING,
        ("poisson-binomial", _SHORT_LIST, _TOP_OF_SHORT, _TOP),
        lambda: clustering(store.frame("condition_profile", year), store.frame("conditions_by_age_band", year)),
        year,
    )


def clustering(condition_profile: pl.DataFrame, conditions_by_age_band: pl.DataFrame) -> pl.DataFrame:
    """Observed and expected people by number of conditions, list by list; a list without any people has no row."""
    rows: list[dict[str, Any]] = []
    for (name,), people in sorted(conditions_by_age_band.group_by("condition_list")):
        units = condition_profile.filter(condition_list=name).sort("counted_as")["people_count"]
        top = _TOP_OF_SHORT if len(units) <= _SHORT_LIST else _TOP
        observed = [0] * (top + 1)
        for band, count in people.select("count_band", "people_count").iter_rows():
            observed[min(int(band.removesuffix("+")), top)] += count
        context = people.row(0, named=True)
        for band, found in enumerate(compared(observed, [count / sum(observed) for count in units])):
            row = {column: context[column] for column in ("financial_year", "condition_list", "completeness")}
            row |= {"count_band": f"{band}+" if band == top else str(band), "listed_count": len(units)}
            rows.append(row | found | {"exposure_rule": context["exposure_rule"]})
    return pl.DataFrame(rows, schema=MULTIMORBIDITY_CLUSTERING.empty_frame().schema)


def compared(observed: list[int], prevalences: Iterable[float]) -> list[dict[str, float | None]]:
    """People observed with each number of conditions, the last also with more, beside those expected."""
    people, top = sum(observed), len(observed) - 1
    exact = poisson_binomial(prevalences)
    exact += [0.0] * (len(observed) - len(exact))
    chances = [*exact[:top], sum(exact[top:])]
    return [
        {
            "people_count": count,
            "people_share": count / people,
            "expected_count": people * chance,
            "observed_over_expected": count / (people * chance) if chance else None,
        }
        for count, chance in zip(observed, chances, strict=True)
    ]


def poisson_binomial(probabilities: Iterable[float]) -> list[float]:
    """The chance of each number of events, from none to all, of independent events with these probabilities.

    Adds one event at a time (Chen and Liu, Statistica Sinica 7 (1997), 875-892): only sums and products of numbers from
    0 to 1, so that the smallest chances are as exact as the largest.
    """
    chances = [1.0]
    for chance in probabilities:
        chances = [
            stays * (1 - chance) + comes * chance for stays, comes in zip([*chances, 0.0], [0.0, *chances], strict=True)
        ]
    return chances
