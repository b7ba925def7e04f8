"""The cited data of the scores hang together: no prefix lost, no category without weight, no rule without evidence."""

from decimal import Decimal

import polars as pl
import pytest

from assets.reference import read_reference
from schemas.catalogue import TABLES

SCORE_TABLES = sorted(name for name in TABLES if name.startswith("score") and name != "score_evidence")
SOURCES = {"gp", "prescription", "hospital_emergency", "hospital_other"}
IN_TWO_LISTS = {
    "I110": {"heart_failure", "hypertension_complicated"},
    "I130": {"heart_failure", "hypertension_complicated"},
    "I132": {"heart_failure", "hypertension_complicated"},
    "I120": {"renal", "hypertension_complicated"},
    "I131": {"renal", "hypertension_complicated"},
    "I426": {"heart_failure", "alcohol"},
    "I278": {"pulmonary_circulation", "chronic_pulmonary"},
    "I279": {"pulmonary_circulation", "chronic_pulmonary"},
    "G114": {"paralysis", "other_neurological"},
    "K700": {"liver", "alcohol"},
    "K703": {"liver", "alcohol"},
    "K709": {"liver", "alcohol"},
    "F204": {"psychosis", "depression"},
    "F315": {"psychosis", "depression"},
}


def read(name: str) -> pl.DataFrame:
    return read_reference(TABLES[name])


def categories(score: str) -> set[str]:
    return set(read("score_weight").filter(score=score)["category"])


@pytest.mark.parametrize("name", SCORE_TABLES)
def test_every_row_names_a_score_and_a_licence(name: str) -> None:
    assert set(read(name)["score"]) <= set(read("score")["score"])
    assert read(name)["licence"].str.len_chars().min() >= 5


@pytest.mark.parametrize(
    ("score", "system", "rows", "prefixes"),
    [
        ("charlson", "icd10", 289, 289),
        ("charlson_shmi", "icd10", 224, 224),
        ("elixhauser", "icd10", 399, 397),
        ("frailty", "icd10", 109, 109),
        ("cambridge", "snomed", 8, 8),
        ("cambridge", "bnf", 13, 13),
    ],
)
def test_no_prefix_is_lost(score: str, system: str, rows: int, prefixes: int) -> None:
    codes = read("score_code").filter(score=score, code_system=system)["code_prefix"]
    assert (len(codes), codes.n_unique()) == (rows, prefixes)


@pytest.mark.parametrize(
    ("score", "weighting", "count", "total"),
    [
        ("charlson", "original", 17, 10 * 1 + 4 * 2 + 3 + 6 + 6),
        ("charlson", "quan2011", 17, 5 * 0 + 4 * 1 + 5 * 2 + 2 * 4 + 6),
        ("charlson_shmi", "shmi", 17, 5 + 13 + 6 + 11 + 14 + 4 + 4 + 9 + 8 + 3 - 1 + 1 + 10 + 8 + 18 + 14 + 2),
        ("elixhauser", "van_walraven", 31, 14 + 12 + 15 + 8 + 6 + 2 + 9 + 11 + 12 - (1 + 2 + 2 + 3 + 4 + 7)),
        ("elixhauser", "count", 31, 31),
        ("frailty", "points", 109, Decimal("173.2")),
        ("cambridge", "general", 20, Decimal("12.52") + Decimal("3.81")),
        ("cambridge", "mortality", 20, Decimal("395.53") + Decimal("37.31")),
    ],
)  # fmt: skip
def test_weights_add_up(score: str, weighting: str, count: int, total: Decimal) -> None:
    weights = read("score_weight").filter(score=score, weighting=weighting)["weight"]
    assert (len(weights), sum(weights)) == (count, total)


def test_hiv_weighs_six_four_and_two() -> None:
    weights = read("score_weight").filter(category="hiv").select("weighting", "weight").rows()
    assert dict(weights) == {"original": 6, "quan2011": 4, "shmi": 2, "van_walraven": 0, "count": 1}


def test_fourteen_codes_of_elixhauser_set_two_categories_and_none_of_charlson_does() -> None:
    for score, expected in (("elixhauser", IN_TWO_LISTS), ("charlson", {}), ("charlson_shmi", {}), ("frailty", {})):
        rows = read("score_code").filter(score=score, code_system="icd10").select("code_prefix", "category").rows()
        found = {code: {category for prefix, category in rows if code.startswith(prefix)} for code, _ in rows}
        assert {code: setting for code, setting in found.items() if len(setting) > 1} == expected


def test_every_weighting_of_a_score_weighs_every_category_once() -> None:
    for (score,), rows in read("score_weight").group_by("score"):
        for _, weights in rows.group_by("weighting"):
            assert sorted(weights["category"]) == sorted(categories(str(score)))


def test_the_hierarchy_speaks_of_categories_and_none_suppresses_itself() -> None:
    for row in read("score_hierarchy").rows(named=True):
        assert {row["category"], row["suppresses_category"]} <= categories(row["score"])
        assert row["category"] != row["suppresses_category"]


def test_rules_look_for_what_some_code_sets_and_every_code_is_looked_for() -> None:
    set_by_code = pl.concat([read(name).select("score", "category") for name in ("score_code", "score_condition")])
    looked_for: set[tuple[str, str]] = set()
    for row in read("score_rule").rows(named=True):
        named = categories(row["score"]) if row["evidence_category"] == "ALL" else {row["evidence_category"]}
        looked_for |= {(row["score"], category) for category in named}
    assert looked_for == set(set_by_code.rows())


def test_every_category_has_a_rule_and_every_alternative_something_that_must_hold() -> None:
    rules = read("score_rule")
    for score in read("score")["score"]:
        ruled = set(rules.filter(score=score)["category"])
        assert ruled in ({"ALL"}, categories(score))
    held = rules.group_by("score", "category", "alternative").agg(pl.col("is_absent").all())
    assert not held["is_absent"].any()


def test_rules_say_how_far_they_look_back_and_where() -> None:
    rules = read("score_rule")
    assert set(rules["evidence_source"]) == SOURCES
    assert set(rules["look_back"]) == {"run", "years", "ever"}
    assert rules.filter((pl.col("look_back") == "years") != pl.col("look_back_years").is_not_null()).is_empty()
    assert rules.filter((pl.col("evidence_category") == "ALL") != (pl.col("category") == "ALL")).is_empty()
    assert rules["minimum_record_count"].min() == 1


def test_concepts_of_conditions_count_for_cambridge_by_conditions_that_exist() -> None:
    mapped = read("score_condition")
    assert set(mapped["condition_code"]) <= set(read("condition")["condition_code"])
    assert set(mapped["score"]) == {"cambridge"}


@pytest.mark.parametrize("name", ["score_band", "condition_list_band"])
def test_bands_begin_at_nought_and_share_no_value(name: str) -> None:
    owner = ["score", "weighting"] if name == "score_band" else ["condition_list"]
    lowest = "lowest_value" if name == "score_band" else "lowest_count"
    for _, rows in read(name).group_by(owner):
        assert rows[lowest].min() == 0
        assert rows[lowest].n_unique() == rows.height


def test_bands_are_of_weightings_and_lists_that_exist() -> None:
    owner = ["score", "weighting"]
    assert set(read("score_band").select(owner).rows()) <= set(read("score_weight").select(owner).rows())
    assert set(read("condition_list_band")["condition_list"]) <= set(read("condition_list")["condition_list"])


@pytest.mark.parametrize(
    ("name", "registers"), [("delphi52", 52), ("priority8", 8), ("qof", 18), ("year_of_care18", 16)]
)
def test_lists_count_as_many_conditions_as_the_page_of_conditions_says(name: str, registers: int) -> None:
    assert read("condition_list").filter(condition_list=name)["counted_as"].n_unique() == registers
