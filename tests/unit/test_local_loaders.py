"""Prescription costs, local prices and indices become rows of a book, or are refused with a reason."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from assets.costing.book import SHIPPED
from assets.costing.loaders.index import load_index
from assets.costing.loaders.local import load_local
from assets.costing.loaders.nhsbsa import load_nhsbsa
from assets.costing.loaders.terms import Loaded, Terms
from pipelines.errors import LinkedCareError

TERMS = Terms("2024-25")

Save = Callable[..., Path]


def test_the_mean_of_items_is_total_cost_by_total_items(save):
    rows = [
        ["BNF_CHAPTER_CODE", "BNF_CHEMICAL_SUBSTANCE", "ITEMS", "NIC"],
        ["01", "0101010", 3, "10.00"],
        ["02", "0201010", 4, "30.00"],
        ["03", "0301010", 0, "1.00"],
    ]
    loaded = load_nhsbsa(save("pca.csv", rows), TERMS)
    [row] = loaded.prices.to_dicts()
    assert row["price_gbp"] == str(round(Decimal(10 + 30) / (3 + 4), 4))
    assert (row["point_of_delivery"], row["currency_code"], row["is_proxy"]) == ("prescribing", "ALL", "true")
    assert row["national_activity"] == "7"
    assert loaded.notes[0].startswith("2 rows made one mean per item")
    assert loaded.notes[1].startswith("1 rows have no items")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["drug", "items"], ["a", 1]], "has 0 tables with the columns items and net ingredient cost"),
        ([["BNF chapter", "items", "NIC"], ["01", 1, 1], ["Grand total", 1, 1]], "has a row of totals"),
        ([["items", "NIC"], [0, 1]], "has no row with items and their cost"),
    ],
)
def test_an_analysis_that_cannot_be_relied_on_is_refused(save, rows, told):
    with pytest.raises(LinkedCareError, match=told):
        load_nhsbsa(save("pca.csv", rows), TERMS)


LOCAL = ["setting", "point_of_delivery", "code", "unit", "price_gbp", "price_year", "source", "licence", "status"]
NURSE = ["community", "district_nursing", "N02AF", "contact", "61.20", "2024/25", "our contract", "ours", "V"]


def local(save: Save, *rows: Sequence[object], header: Sequence[str] = LOCAL, terms: Terms = TERMS) -> Loaded:
    return load_local(save("local.csv", [header, *rows]), terms)


def changed(**values: object) -> list[object]:
    return [values.get(name, value) for name, value in zip(LOCAL, NURSE, strict=True)]


def test_local_rows_are_taken_as_they_are():
    # every column of price.csv goes in and comes out
    path = SHIPPED / "national" / "price.csv"
    text = pl.read_csv(path, infer_schema=False)
    loaded = load_local(path, TERMS).prices
    assert loaded.height == text.height
    assert loaded.drop("price_gbp").equals(text.drop("price_gbp"))
    assert [Decimal(price) for price in loaded["price_gbp"]] == [Decimal(price) for price in text["price_gbp"]]


def test_what_a_local_file_does_not_say_is_said_by_the_command(save):
    terms = Terms("2025-26", source="a list", licence="ours")
    [row] = local(save, NURSE[:5], header=LOCAL[:5], terms=terms).prices.to_dicts()
    assert (row["price_year"], row["basis"], row["status"], row["is_proxy"]) == ("2025-26", "local", "V", "false")
    assert (row["description"], row["source"], row["licence"]) == ("N02AF", "a list", "ours")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"setting": "acute"}, "none of those that are priced"),
        ({"point_of_delivery": "A&E VB01Z"}, "none of those that are priced"),
        ({"code": ""}, "no currency_code or no unit"),
        ({"unit": ""}, "no currency_code or no unit"),
        ({"price_gbp": ""}, "no price in pounds"),
        ({"price_gbp": "1.23456"}, "no price in pounds"),
        ({"price_gbp": "-1"}, "no price in pounds"),
        ({"status": "M"}, "status is none of V, D, X"),
        ({"price_year": "CY2025"}, "price_year is no financial year"),
        ({"source": ""}, "no source or no licence"),
        ({"licence": ""}, "no source or no licence"),
    ],
)
def test_rows_that_cannot_be_prices_are_refused_one_by_one(save, values, told):
    loaded = local(save, NURSE, changed(**values))
    assert loaded.prices.height == 1
    [refused] = loaded.unused
    assert told in refused.reason


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("trim_point_days", "2.5", "no whole days"),
        ("excess_day_price_gbp", "many", "no number"),
        ("national_activity", "many", "no number"),
        ("is_proxy", "perhaps", "neither true nor false"),
    ],
)
def test_rows_with_an_unclear_detail_are_refused(save, column, value, told):
    loaded = local(save, [*NURSE, ""], [*NURSE, value], header=[*LOCAL, column])
    assert [told in row.reason for row in loaded.unused] == [True]
    assert loaded.prices.height == 1


def test_a_local_file_without_any_price_is_refused(save):
    with pytest.raises(LinkedCareError, match="none of its 1 rows is a price: the setting and point"):
        local(save, changed(setting="acute"))


def index(save: Save, *rows: Sequence[object], provisional: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    frame = load_index(save("index.csv", rows), "ours", "June 2025", "a list", "OGL v3", frozenset(provisional))
    return frame.select("price_year", "index_value", "is_provisional").rows()


def test_an_index_is_read_as_it_stands_below_its_notes(save):
    rows = [
        ["GDP deflators at market prices, and money GDP"],
        [],
        ["Financial year", "GDP deflator index 2024-25 = 100", "% change on previous year"],
        ["2023-24", "96.12345", "6.1"],
        ["2024-25", "100.0000", "4.0"],
    ]
    assert index(save, *rows, provisional=["2024-25"]) == [
        ("2023-24", "96.1235", "false"),
        ("2024-25", "100.0000", "true"),
    ]


def test_changes_are_chained_from_100_in_the_year_before(save):
    rows = [["fin_year", "pay_and_prices_pct"], ["2016/17", "2.09"], ["2015/16", "0.40"]]
    first = Fraction(100) * Fraction("1.0040")
    second = first * Fraction("1.0209")
    assert index(save, *rows) == [
        ("2014-15", "100.0000", "false"),
        ("2015-16", f"{float(first):.4f}", "false"),
        ("2016-17", f"{float(second):.4f}", "false"),
    ]


@pytest.mark.parametrize(
    ("rows", "provisional", "told"),
    [
        ([["year", "weight"], ["2024-25", 1]], [], "has neither an index nor a change"),
        ([["year", "index"], ["2024", 1]], [], "names no financial year, or one twice"),
        ([["year", "index"], ["2024-25", 1], ["2024/25", 2]], [], "names no financial year, or one twice"),
        ([["year", "index"], ["2024-25", "high"]], [], "a value of the index is no number"),
        ([["year", "index"], ["2024-25", ""]], [], "no year has a value"),
        ([["year", "index"], ["2022-23", 1], ["2024-25", 1]], [], "years are missing"),
        ([["year", "index"], ["2024-25", 0]], [], "an index is not above zero"),
        ([["year", "index"], ["2024-25", 1]], ["2030-31"], "has no year 2030-31 to be provisional"),
    ],
)
def test_an_index_that_cannot_be_relied_on_is_refused(save, rows, provisional, told):
    with pytest.raises(LinkedCareError, match=told):
        index(save, *rows, provisional=provisional)
