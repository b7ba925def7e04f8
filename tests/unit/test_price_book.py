"""The price book is read to the hundredth of a penny, or refused."""

from decimal import Decimal

import polars as pl
import pytest

from assets.costing.price_book import SHIPPED, build_price_book, read_price_book
from pipelines.errors import LinkedCareError

PRICE = {
    "setting": "outpatient",
    "point_of_delivery": "procedure",
    "currency_code": "ALL",
    "description": "A procedure",
    "unit": "attendance",
    "price_gbp": "12.34",
    "price_year": "2024-25",
    "basis": "national cost",
    "source": "National Cost Collection",
    "licence": "OGL v3",
    "status": "V",
    "is_proxy": "false",
}


def read(**values: str | None) -> pl.DataFrame:
    return read_price_book(pl.DataFrame([PRICE | values], schema=dict.fromkeys(PRICE, pl.String)))


@pytest.mark.parametrize(
    ("pounds", "pence"),
    [
        ("12.34", Decimal("1234.00")),
        ("0", Decimal(0)),
        ("7", Decimal("700.00")),
        ("0.5", Decimal("50.00")),
        ("0.0001", Decimal("0.01")),
        ("1.0049", Decimal("100.49")),
        ("9999999999.9999", Decimal("999999999999.99")),
    ],
)
def test_pounds_become_pence_without_rounding(pounds, pence):
    assert read(price_gbp=pounds)["unit_price"].to_list() == [pence]


@pytest.mark.parametrize("pounds", ["0.00001", "-1", "1e3", "1,000", " 1", "£1", "", None, ".5", "1.", "12345678901"])
def test_a_price_that_is_not_pounds_with_four_decimals_is_refused(pounds):
    with pytest.raises(LinkedCareError, match="1 prices are not pounds"):
        read(price_gbp=pounds)


@pytest.mark.parametrize("status", ["P", "", "v", None])
def test_a_placeholder_is_refused(status):
    with pytest.raises(LinkedCareError, match="1 rows are placeholders"):
        read(status=status)


@pytest.mark.parametrize("status", ["V", "D"])
def test_a_price_read_in_its_source_or_derived_from_it_is_kept(status):
    assert read(status=status).height == 1


def test_a_borrowed_price_is_flagged():
    assert read(is_proxy="true")["is_proxy"].to_list() == [True]
    assert read(is_proxy="false")["is_proxy"].to_list() == [False]


@pytest.mark.parametrize("flag", ["TRUE", "yes", "1", "", None])
def test_a_flag_that_is_neither_true_nor_false_is_refused_since_it_would_hide_a_borrowed_price(flag):
    with pytest.raises(LinkedCareError, match="is_proxy"):
        read(is_proxy=flag)


def test_the_shipped_book_is_kept_row_by_row(store):
    text = pl.read_csv(SHIPPED, infer_schema=False)
    stored = build_price_book(store)
    assert stored.rows == text.height
    kept = store.frame("price_book")
    key = ["setting", "point_of_delivery", "currency_code"]
    both = kept.join(text, on=key, suffix="_in_pounds", validate="1:1")
    assert both.height == text.height
    pounds = [Decimal(price) for price in both["price_gbp"]]
    assert both["unit_price"].to_list() == [100 * price for price in pounds]
    assert not build_price_book(store).computed
