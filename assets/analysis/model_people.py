"""The people that the models of cost are fitted on: their cost, and the combination of characteristics of each.

Belongs here: reading them, drawing a part of a large population, halving them.
Does not belong here: which characteristics become terms of a model (`model_terms.py`).

People who share every characteristic are one cell. Terms are dummies of cells, so that a fit on the sums of cells is
the fit on people, at a fraction of the work.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.store import Store
from schemas.costing import SETTINGS

MEASURED = (*SETTINGS, "total")
LARGEST_SAMPLE = 250_000
COMMON_SHARE = 0.01
CONDITION = "condition_"
OTHER_CONDITION = "other_condition"
NOT_KNOWN = "unknown"
_FIRST_COUNT = {"all": 0, "3plus": 3}
POPULATIONS = tuple(_FIRST_COUNT)
_CHARACTERISTICS = ("age_band", "sex", "deprivation", "count")


@dataclass(frozen=True)
class People:
    """The people of a population, or a part of them drawn by a hash.

    Attributes:
        population_count: people of the population, of whom these may be a part.
        cells: one row per combination of characteristics; those of conditions are true or false.
        cell: of each person, the row of `cells`.
        practice: of each person, a number from 0.
        in_first_half: of each person, whether a model that is tried on others is fitted on them.
        cost: of each person, pence by setting and in all.
    """

    population_count: int
    cells: pl.DataFrame
    cell: np.ndarray
    practice: np.ndarray
    in_first_half: np.ndarray
    cost: Mapping[str, np.ndarray]


def read_people(store: Store, year: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every registered person of a year with practice, characteristics, count and cost; and the conditions of each."""
    person = _scan(store, "person_year", year).select(
        "person_id", "practice_code", "age_band", "sex_code", "deprivation_decile"
    )
    cost = _scan(store, "person_year_cost", year).select("person_id", *(f"{name}_pence" for name in MEASURED))
    count = (
        _scan(store, "person_year_morbidity", year)
        .filter(pl.col("condition_list") == "delphi52")
        .select("person_id", "condition_count")
    )
    joined = person.join(cost, on="person_id").join(count, on="person_id").sort("person_id").collect()
    counted = _scan(store, "condition_list").filter(pl.col("condition_list") == "delphi52")
    conditions = _scan(store, "person_year_condition", year).join(counted, on="condition_code")
    return joined, conditions.select("person_id", "counted_as").unique().collect()


def _scan(store: Store, table: str, year: str | None = None) -> pl.LazyFrame:
    store.prove(stored := store.require(table, year))
    return pl.scan_parquet(store.paths(stored), glob=False)


def people_of(population: str, everybody: pl.DataFrame, conditions: pl.DataFrame) -> People:
    """The people of one of `POPULATIONS`, of those of `read_people`."""
    of_it = everybody.filter(pl.col("condition_count") >= _FIRST_COUNT[population])
    mixed = _mixed(of_it["person_id"])
    order = np.sort(np.argsort(mixed, kind="stable")[:LARGEST_SAMPLE])  # those of the smallest hash, in order of person
    drawn = _characterised(of_it[order], conditions)
    keys = [name for name in drawn.columns if name in _CHARACTERISTICS or name.startswith((CONDITION, OTHER_CONDITION))]
    cells = drawn.select(keys).unique().sort(keys)
    cell = drawn.join(cells.with_row_index("cell"), on=keys, how="left", maintain_order="left")["cell"]
    return People(
        population_count=of_it.height,
        cells=cells,
        cell=cell.to_numpy().astype(np.int64),
        practice=drawn["practice_code"].fill_null(NOT_KNOWN).rank("dense").to_numpy().astype(np.int64) - 1,
        in_first_half=mixed[order] & np.uint64(1) == 0,
        cost={name: drawn[f"{name}_pence"].to_numpy().astype(np.float64) for name in MEASURED},
    )


def _mixed(person_id: pl.Series) -> np.ndarray:
    """Whole numbers that look random and depend on the person alone (the finaliser of splitmix64)."""
    mixed = person_id.to_numpy().astype(np.int64).view(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _characterised(people: pl.DataFrame, conditions: pl.DataFrame) -> pl.DataFrame:
    fifth = ((pl.col("deprivation_decile") + 1) // 2).cast(pl.String)
    people = people.rename({"condition_count": "count"}).with_columns(
        pl.when(pl.col("sex_code").is_in(["1", "2"])).then("sex_code").otherwise(pl.lit(NOT_KNOWN)).alias("sex"),
        fifth.fill_null(NOT_KNOWN).alias("deprivation"),
    )
    of_them = conditions.join(people.select("person_id"), on="person_id", how="semi")
    common = (
        of_them.group_by("counted_as")
        .agg(pl.len().alias("people"))
        .filter(pl.col("people") >= COMMON_SHARE * people.height)["counted_as"]
        .sort()
    )
    flags = of_them.group_by("person_id").agg(
        *((pl.col("counted_as") == code).any().alias(f"{CONDITION}{code}") for code in common),
        (~pl.col("counted_as").is_in(common.implode())).any().alias(OTHER_CONDITION),
    )
    names = [f"{CONDITION}{code}" for code in common] + [OTHER_CONDITION]
    return people.join(flags, on="person_id", how="left", maintain_order="left").with_columns(
        pl.col(names).fill_null(False)
    )
