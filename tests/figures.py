"""A small made set of the tables that figures are drawn from, of one year."""

import polars as pl

from assets.publication.figures import SOURCES
from schemas.catalogue import TABLES
from schemas.costing import SETTINGS

BANDS = ("0", "1", "2", "3", "4", "5", "6", "7+")
PEOPLE = 1_000
_DEFAULTS = {pl.String: "made", pl.Int64: 1, pl.Int32: 1, pl.Float64: 1.0, pl.Boolean: False}


def rows_of(name: str, rows: list[dict], year: str = "2024-25", **same: object) -> pl.DataFrame:
    """Rows of a declared table; what is not given is filled by type."""
    empty = TABLES[name].empty_frame()
    given = pl.DataFrame(rows, infer_schema_length=None)
    fixed = {
        "financial_year": year,
        "condition_list": "delphi52",
        "completeness": 1.0,
        "exposure_rule": "all year",
        **same,
    }
    columns = []
    for column, kind in empty.schema.items():
        made = pl.lit(fixed.get(column, _DEFAULTS[kind.base_type()]))
        columns.append((pl.col(column) if column in given.columns else made).cast(kind).alias(column))
    return given.select(columns)


def tables(year: str = "2024-25", completeness: float | None = 1.0) -> dict[str, pl.DataFrame]:
    """Every source of the figures: three ages, three conditions (a, b, c), 1,000 people."""
    means = {f"mean_{setting}_pence": 1_000.0 * place for place, setting in enumerate(SETTINGS, 1)}
    total = {"mean_total_pence": sum(means.values()), "total_pence": 1}
    ages = [("0-4", 200), ("5-9", 300), ("90+", 500)]
    made = {
        "cost_by_age_band": [{"age_band": age, "people_count": n, **means, **total} for age, n in reversed(ages)],
        "conditions_by_age_band": [
            {"age_band": age, "count_band": band, "people_count": n // 2, "people_share": 0.5}
            for age, n in ages
            for band in ("0", "7+")
        ],
        "cost_by_condition_count": [
            {
                "count_band": band,
                "people_count": PEOPLE // 8,
                **means,
                **total,
                "mean_total_low_pence": total["mean_total_pence"] - 500,
                "mean_total_high_pence": total["mean_total_pence"] + 500,
            }
            for band in BANDS
        ],
        "condition_by_comorbidity": [
            {"counted_as": code, "other_band": band, "people_count": n, "mean_total_pence": cost}
            for code, cost in (("a", 100_00.0), ("b", 300_00.0))
            for band, n in (("0", 50), ("3+", 19))
        ],
        "condition_profile": [
            {"counted_as": code, "people_count": n} for code, n in (("a", 100), ("b", 300), ("c", 200), ("d", 0))
        ],
        "condition_pair": [
            pair("a", "b", 60, 2.5, 1.5),
            pair("a", "c", 9, 8.0, 9.0),
            pair("b", "c", 10, 0.4, 0.9),
        ],
        "condition_combination": [
            {"combination": name, "condition_count": count, "people_count": n, "mean_total_pence": 100_00.0}
            for name, count, n in (
                ("none", 0, 600),
                ("a", 1, 200),
                ("a+b", 2, 30),
                ("a+b+c", 3, 50),
                ("other", None, 120),
            )
        ],
        "condition": [{"condition_code": code, "condition_name": f"Made {code.upper()}"} for code in "abc"],
        "lorenz_point": [
            {"scope": scope, "percentile": percent, "cost_share": (percent / 100) ** 4}
            for scope in ("total", "health", "social_care")
            for percent in range(101)
        ],
        "concentration": [
            {"scope": "total", "top_percent": percent, "cost_share": 1 - (1 - percent / 100) ** 4}
            for percent in (1, 2, 4, 5, 6, 10, 20, 50)
        ],
        "concentration_summary": [
            {"scope": scope, "people_count": PEOPLE, "gini": 0.6, "gini_low": 0.55, "gini_high": 0.65}
            for scope in ("total", "health", "social_care")
        ],
    }
    assert made.keys() == set(SOURCES)
    return {name: rows_of(name, rows, year, completeness=completeness) for name, rows in made.items()}


def pair(first: str, second: str, people: int, crude: float, within: float) -> dict:
    """One pair of conditions."""
    return {
        "first_condition": first,
        "second_condition": second,
        "people_count": people,
        "observed_over_expected": crude,
        "observed_over_age_sex_expected": within,
    }
