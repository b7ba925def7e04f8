"""The tables of combinations of conditions, in a release: made again from people, and their trail."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import polars as pl

from tests.releases import table

YEAR = "2024-25"


def held(home: Path) -> pl.DataFrame:
    """What each registered person has of each list in the year, as the list counts it."""
    people = table(home, "person_year_condition").filter(financial_year=YEAR)
    lists = table(home, "condition_list")
    return people.join(lists, on="condition_code").select("condition_list", "person_id", "counted_as").unique()


def test_pairs_and_combinations_are_those_of_people_counted_one_by_one(published: Path) -> None:
    people = table(published, "person_year").filter(financial_year=YEAR)
    for (name,), rows in held(published).group_by("condition_list"):
        sets = rows.group_by("person_id").agg(pl.col("counted_as").sort())["counted_as"].to_list()
        pairs = table(published, "condition_pair").filter(condition_list=name, financial_year=YEAR)
        found = {(row["first_condition"], row["second_condition"]): row["people_count"] for row in pairs.to_dicts()}
        assert found == Counter(pair for one in sets for pair in combinations(one, 2))
        assert set(pairs["registered_count"]) == {people.height}
        exact = Counter("+".join(one) for one in sets) | {"none": people.height - len(sets)}
        shown = table(published, "condition_combination").filter(condition_list=name, financial_year=YEAR)
        common = {text: count for text, count in exact.items() if count >= 10}
        assert (
            dict(shown.filter(combination_count=1).select("combination", "people_count").rows()).items()
            >= common.items()
        )
        assert shown["people_count"].sum() == people.height


def test_clustering_adds_up_and_keeps_the_mean_number_of_conditions(published: Path) -> None:
    """Independence moves people between counts and changes neither how many they are nor what they have in all."""
    clusters = table(published, "multimorbidity_clustering").filter(financial_year=YEAR)
    counts = table(published, "person_year_morbidity").filter(financial_year=YEAR)
    people = table(published, "person_year").filter(financial_year=YEAR).height
    assert set(clusters["condition_list"]) == set(counts["condition_list"])
    for (name,), rows in clusters.group_by("condition_list"):
        assert rows["people_count"].sum() == people
        assert abs(rows["expected_count"].sum() - people) < 1e-6 * people
        band = "5+" if name == "priority8" else "7+"
        top = int(band[0])
        assert (
            rows.filter(count_band=band)["people_count"].item()
            == counts.filter(pl.col("condition_count") >= top, condition_list=name).height
        )
