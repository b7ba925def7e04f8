"""Segments against published figures, recomputed from what was published, and against rules in plain Python."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.parameters import RunParameters
from assets.reference import read_reference
from pipelines.build import SQL
from pipelines.engine import duckdb_session
from schemas.catalogue import TABLES
from schemas.contract import contracts
from tests.sql.cases import YEAR

# Wood, Murch, Betteridge 2019, A comparison of population segmentation methods: people and mean cost of the segments of
# a regression tree (CART), and the variance of cost between all 51,072 people, in pounds.
CART = {
    "Healthy": (38_661, 405),
    "Mid-life": (7_476, 1_444),
    "Prescriptions": (2_147, 2_759),
    "Older ill": (1_416, 3_827),
    "Frail": (886, 6_235),
    "Very frail": (486, 11_049),
}
VARIANCE = 5_433_321
CART_REDUCTION = 0.383
CART_SHARES = {
    "Healthy": (0.757, 0.322),
    "Mid-life": (0.146, 0.222),
    "Prescriptions": (0.042, 0.122),
    "Older ill": (0.028, 0.111),
    "Frail": (0.017, 0.113),
    "Very frail": (0.010, 0.110),
}
# Core Segments of the same area, adults, July 2021 to June 2022: people, and pounds per person as the sum of the parts.
CORE = {
    "CS1": (441_456, 341),
    "CS2": (219_262, 824),
    "CS3": (101_138, 1_762),
    "CS4": (48_921, 3_310),
    "CS5": (23_018, 6_282),
}
CORE_SHARES = {
    "CS1": (0.529, 0.184),
    "CS2": (0.263, 0.221),
    "CS3": (0.121, 0.218),
    "CS4": (0.059, 0.198),
    "CS5": (0.028, 0.177),
}


def frame(name: str, columns: dict[str, Any]) -> pa.Table:
    """Rows of a source table; columns that do not matter are null."""
    schema = contracts()[name].accepted_schema if name in contracts() else TABLES[name].arrow_schema
    length = len(next(iter(columns.values()), []))
    return pa.table(
        {
            field.name: pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.nulls(length, field.type)
            for field in schema
        }
    )


def build(table: str, given: dict[str, pa.Table], folder: Path) -> pl.DataFrame:
    """What the SQL file of a table makes of these sources; those not given have no rows."""
    target = folder / f"{table}.parquet"
    with duckdb_session("1GB", folder / "spill") as engine:
        for name in TABLES[table].sources:
            engine.register_rows(name, given[name] if name in given else frame(name, {}))
        engine.register_rows("run_parameters", pa.Table.from_pylist([RunParameters.of(YEAR).row()]))
        engine.run_sql(TABLES[table], (SQL / f"{table}.sql").read_text(), target)
    return pl.DataFrame(pq.read_table(target))


def people_of(segments: dict[str, tuple[int, int]], one_in: int = 1) -> dict[str, pa.Table]:
    """As many people as each segment has, at its mean cost: half of them above it and half below by the same amount,
    so that the variance of all is the published one."""
    sizes = np.array([people // one_in // 2 * 2 for people, _ in segments.values()])
    means = np.array([100 * pounds for _, pounds in segments.values()], dtype=float)
    mean = np.average(means, weights=sizes)
    between = np.average((means - mean) ** 2, weights=sizes)
    # in the last place of a penny the published variance is missed, by far less than its last printed figure
    step = int(np.sqrt(max(0.0, VARIANCE * 100**2 - between)))
    cost = np.repeat(means.astype(int), sizes) + np.tile([step, -step], sizes.sum() // 2)
    person = np.arange(101, 101 + sizes.sum())
    names = list(segments)
    return {
        "segment_rule": frame(
            "segment_rule",
            {
                "segmentation": ["published"] * len(names),
                "precedence": range(len(names)),
                "segment": names,
                "rule_kind": ["registered"] * len(names),
                "value": ["registered"] * len(names),
            },
        ),
        "person_year_segment": frame(
            "person_year_segment",
            {
                "person_id": person,
                "segmentation": ["published"] * len(person),
                "segment": np.repeat(names, sizes),
            },
        ),
        "person_year": frame("person_year", {"person_id": person}),
        "person_year_cost": frame("person_year_cost", {"person_id": person, "total_pence": cost}),
    }


def only(given: dict[str, pa.Table], table: str) -> dict[str, pa.Table]:
    return {name: rows for name, rows in given.items() if name in TABLES[table].sources}


def test_the_variance_that_published_segments_explain_is_the_published_one(tmp_path: Path) -> None:
    made = build("segmentation_fit", only(people_of(CART), "segmentation_fit"), tmp_path)
    assert made["segment_count"].item() == len(CART)
    assert made["sd_total_pence"].item() == pytest.approx(100 * VARIANCE**0.5, rel=1e-5)
    assert made["variance_reduction"].item() == pytest.approx(CART_REDUCTION, abs=0.0005)


@pytest.mark.parametrize(
    ("segments", "shares", "one_in"), [(CART, CART_SHARES, 1), (CORE, CORE_SHARES, 10)], ids=["CART", "Core Segments"]
)
def test_shares_of_people_and_of_spend_are_the_published_ones(
    segments: dict, shares: dict, one_in: int, tmp_path: Path
) -> None:
    given = only(people_of(segments, one_in), "segment_summary")
    made = {row["segment"]: row for row in build("segment_summary", given, tmp_path).to_dicts()}
    assert made.keys() == shares.keys()
    for segment, (people_share, cost_share) in shares.items():
        assert made[segment]["people_share"] == pytest.approx(people_share, abs=0.00055)
        assert made[segment]["cost_share"] == pytest.approx(cost_share, abs=0.00055)
        assert made[segment]["mean_total_pence"] == pytest.approx(100 * segments[segment][1])


def test_the_last_rule_of_each_segmentation_takes_everybody_else() -> None:
    rules = read_reference(TABLES["segment_rule"])
    kinds = set(rules["rule_kind"])
    assert kinds <= {"condition", "condition_list", "list_band", "score_band", "admission_method", "age", "registered"}
    for (segmentation,), of_it in rules.group_by(["segmentation"]):
        last = of_it.filter(pl.col("precedence") == pl.col("precedence").max())
        takes_all = (pl.col("rule_kind") == "registered") | ((pl.col("rule_kind") == "age") & (pl.col("lowest") == 0))
        bands = read_reference(TABLES["condition_list_band"]).select(
            pl.concat_str(["condition_list", "list_band"], separator=" ")
        )
        has_all_bands = set(of_it.filter(pl.col("rule_kind") == "list_band")["value"]) == set(bands.to_series())
        assert last.select(takes_all.any()).item() or has_all_bands, segmentation


def test_a_precedence_has_one_segment_and_a_segment_one_precedence() -> None:
    named = read_reference(TABLES["segment_rule"]).select("segmentation", "precedence", "segment").unique()
    assert not named.select("segmentation", "precedence").is_duplicated().any()
    assert not named.select("segmentation", "segment").is_duplicated().any()


def test_rules_name_what_exists() -> None:
    rules = read_reference(TABLES["segment_rule"])
    admission = next(c for c in contracts()["apc_spell"].columns if c.name == "admission_method_code")
    bands = read_reference(TABLES["score_band"])
    lists = read_reference(TABLES["condition_list"])
    list_bands = read_reference(TABLES["condition_list_band"])
    known = {
        "condition": set(read_reference(TABLES["condition"])["condition_code"]),
        "condition_list": set(lists["condition_list"]),
        "list_band": {f"{row['condition_list']} {row['list_band']}" for row in list_bands.iter_rows(named=True)},
        "score_band": {f"{row['score']} {row['band']}" for row in bands.iter_rows(named=True)},
        "admission_method": set(admission.values),
        "age": {"age"},
        "registered": {"registered"},
    }
    for row in rules.iter_rows(named=True):
        assert row["value"] in known[row["rule_kind"]], row


def test_a_score_with_several_weightings_has_bands_of_one() -> None:
    """A rule names a score and a band: of two weightings with bands it would not be known which is meant."""
    weightings = read_reference(TABLES["score_band"]).select("score", "weighting").unique()
    assert not weightings["score"].is_duplicated().any()


def test_segments_are_those_of_the_rules_read_in_plain_python(tmp_path: Path) -> None:
    rng = np.random.default_rng(20240401)
    people = list(range(101, 1101))
    age = rng.integers(0, 100, len(people))
    conditions = read_reference(TABLES["condition"])["condition_code"].to_list()
    has = {p: sorted(rng.choice(conditions, rng.choice([0, 0, 0, 1, 2, 4]), replace=False)) for p in people}
    band = {p: "ABCDE"[rng.integers(0, 5)] for p in people}
    frail = {p: str(rng.choice(["low", "intermediate", "high"], p=[0.9, 0.06, 0.04])) for p in people}
    methods = ["11", "12", "21", "2A", "2C", "31", "32", "81", "82"]
    spell = [(int(rng.choice(people)), str(rng.choice(methods))) for _ in range(400)]
    given = {
        "segment_rule": read_reference(TABLES["segment_rule"]).to_arrow().cast(TABLES["segment_rule"].arrow_schema),
        "person_year": frame("person_year", {"person_id": people, "age_mid_year": age}),
        "person_year_condition": frame(
            "person_year_condition",
            {
                "person_id": [p for p in people for _ in has[p]],
                "condition_code": [c for p in people for c in has[p]],
            },
        ),
        "person_year_morbidity": frame(
            "person_year_morbidity",
            {
                "person_id": people * 2,
                "condition_list": ["delphi52"] * len(people) + ["year_of_care18"] * len(people),
                "condition_count": [len(has[p]) for p in people] * 2,
                "list_band": [None] * len(people) + [band[p] for p in people],
            },
        ),
        "person_year_score": frame(
            "person_year_score",
            {"person_id": people, "score": ["frailty"] * len(people), "band": [frail[p] for p in people]},
        ),
        "activity": frame(
            "activity",
            {
                "delivery_id": ["d"] * len(spell),
                "source_row": range(len(spell)),
                "feed": ["apc_spell"] * len(spell),
                "person_id": [p for p, _ in spell],
            },
        ),
        "apc_spell": frame(
            "apc_spell",
            {
                "delivery_id": ["d"] * len(spell),
                "source_row": range(len(spell)),
                "admission_method_code": [m for _, m in spell],
            },
        ),
    }
    made = build("person_year_segment", given, tmp_path)
    found = {(row["person_id"], row["segmentation"]): row["segment"] for row in made.iter_rows(named=True)}
    admitted = {p: {m for q, m in spell if q == p} for p in people}

    def bridges(p: int) -> str:
        mine = set(has[p])
        if "dementia" in mine or frail[p] != "low":
            return "Frailty"
        if mine & {"hf", "chd", "ckd", "eskd"}:
            return "Limited reserve"
        if mine & {"ca_solid", "ca_haem", "ca_mets", "melanoma"}:
            return "Cancer"
        if mine & {"learning", "vision", "hearing", "paralysis"}:
            return "Disability"
        if mine:
            return "Long-term condition"
        if admitted[p] & {"31", "32"}:
            return "Maternity"
        return "Acutely ill" if admitted[p] & {"21", "2A"} else "Healthy"

    def age_group(years: int) -> str:
        if years < 18:
            return "0-12" if years <= 12 else "13-17"
        return "18-49" if years <= 49 else "50-74" if years <= 74 else "75+"

    expected = {(p, "bridges_to_health"): bridges(p) for p in people}
    expected |= {(p, "year_of_care18"): band[p] for p in people}
    expected |= {(p, "age_group"): age_group(int(years)) for p, years in zip(people, age, strict=True)}
    assert found == expected
    assert set(expected.values()) == set(read_reference(TABLES["segment_rule"])["segment"])
