"""Every reference table reads under its declaration, cites its source and refers to what exists."""

import re

import polars as pl
import pytest

from assets import reference
from assets.reference import FOLDER, build_reference, read_reference
from pipelines.errors import LinkedCareError
from schemas.catalogue import TABLES
from schemas.contract import contracts
from schemas.table import Column, Table

# The price indices have a reader of their own; the calibration targets are no table of the pipeline.
NAMES = sorted({path.stem for path in FOLDER.glob("*.csv")} - {"price_index", "calibration_target"})
PRICES = FOLDER / "price_books" / "national" / "price.csv"
# Conditions are cited by the lists that count them, placeholders give a reason.
UNCITED = {"condition": "delphi_group", "dummy_pseudonym": "reason"}

SMALL = Table(
    "small",
    "costing",
    "",
    "",
    (Column("code", "STRING", ""), Column("weight", "INT", ""), Column("is_proxy", "BOOLEAN", "")),
    key=("code",),
)

every_table = pytest.mark.parametrize("name", NAMES)


def read(name: str) -> pl.DataFrame:
    return read_reference(TABLES[name])


@every_table
def test_it_reads_under_its_declaration_without_undeclared_nulls(name):
    frame = read(name)
    assert frame.height > 0
    assert frame.schema == TABLES[name].empty_frame().schema
    required = [column.name for column in TABLES[name].columns if not column.nullable]
    assert frame.select(required).null_count().row(0) == (0,) * len(required)


@every_table
def test_its_key_is_unique(name):
    assert not read(name).select(TABLES[name].key).is_duplicated().any()


@every_table
def test_every_row_cites_its_source(name):
    source = read(name)[UNCITED.get(name, "source")]
    assert source.str.strip_chars().str.len_chars().min() >= 4


@every_table
def test_no_text_has_space_around_it(name):
    texts = read(name).select(pl.col(pl.String))
    assert texts.equals(texts.with_columns(pl.all().str.strip_chars()))


@pytest.mark.parametrize("path", [PRICES, FOLDER / "price_index.csv", FOLDER / "calibration_target.csv"])
def test_the_others_cite_their_sources_too(path):
    assert pl.read_csv(path, infer_schema=False)["source"].null_count() == 0


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("condition_icd10", "condition_code"),
        ("condition_snomed", "condition_code"),
        ("condition_list", "condition_code"),
        ("condition_hierarchy", "condition_code"),
        ("condition_hierarchy", "suppresses_condition_code"),
    ],
)
def test_conditions_that_are_referred_to_exist(name, column):
    assert set(read(name)[column]) <= set(read("condition")["condition_code"])


def test_no_condition_suppresses_itself():
    assert (
        read("condition_hierarchy").filter(pl.col("condition_code") == pl.col("suppresses_condition_code")).is_empty()
    )


def test_cohort_rules_use_lists_that_exist():
    assert set(read("cohort_rule")["condition_list"]) <= set(read("condition_list")["condition_list"])


def test_every_listed_condition_can_be_found_by_some_code():
    coded = {*read("condition_icd10")["condition_code"], *read("condition_snomed")["condition_code"]}
    assert set(read("condition_list")["condition_code"]) <= coded


def test_codes_look_like_codes():
    assert all(re.fullmatch(r"[A-Z][0-9][0-9A-Z]*", prefix) for prefix in read("condition_icd10")["icd10_prefix"])
    assert all(re.fullmatch(r"[0-9]{6,18}", code) for code in read("condition_snomed")["snomed_code"])


def test_every_cost_frequency_of_the_contract_has_a_rule():
    [column] = [c for c in contracts()["social_care_event"].columns if c.name == "cost_frequency"]
    ruled = set(read("cost_frequency")["cost_frequency"])
    assert set(column.values) - ruled == {"No charge to client"}  # says nothing of units, so that it stays unpriced


def test_community_currencies_have_a_price_or_the_mean_of_all():
    priced = pl.read_csv(PRICES, infer_schema=False).filter(setting="community")["currency_code"]
    assert "ALL" in priced
    assert set(read("community_currency")["currency_code"]) <= set(priced)


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    return (tmp_path / "small.csv").write_text


def test_values_are_cast_to_the_declared_types(small, store):
    small("code,weight,is_proxy\n01,3,true\n02,-1,false\n")
    build_reference(store, SMALL)
    assert store.frame("small").rows() == [("01", 3, True), ("02", -1, False)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("code,weight\n01,3\n", "has the columns code, weight"),
        ("weight,code,is_proxy\n3,01,true\n", "has the columns weight, code, is_proxy"),
        ("code,weight,is_proxy\n01,three,true\n", "small.csv"),
        ("code,weight,is_proxy\n01,1.5,true\n", "small.csv"),
        ("code,weight,is_proxy\n01,3,TRUE\n", "is_proxy"),
        ("code,weight,is_proxy\n01,3,\n", "is_proxy"),
    ],
)
def test_a_file_that_differs_from_its_declaration_is_refused(small, store, text, told):
    small(text)
    with pytest.raises(LinkedCareError) as refusal:
        build_reference(store, SMALL)
    assert told in str(refusal.value)


def test_a_changed_file_is_read_again(small, store):
    small("code,weight,is_proxy\n01,3,true\n")
    assert build_reference(store, SMALL).computed
    assert not build_reference(store, SMALL).computed
    small("code,weight,is_proxy\n01,4,true\n")
    assert build_reference(store, SMALL).computed
