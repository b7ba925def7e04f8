"""A price that is below nothing, missing or a placeholder is no price: the book is refused and nothing is priced."""

from pathlib import Path

import pytest

from assets.costing.book import read_book
from pipelines.errors import LinkedCareError
from tests.costing.examples import Example

_ROW = "setting    point_of_delivery  currency_code  price_gbp  trim_point_days  excess_day_price_gbp  status\n"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("-1         null             null                  V", "1 prices are not pounds"),
        ("-0.01      null             null                  V", "1 prices are not pounds"),
        ("null       null             null                  V", "1 prices are not pounds"),
        ("1.23456    null             null                  V", "1 prices are not pounds"),
        ("NaN        null             null                  V", "1 prices are not pounds"),
        ("100        5                -287                  V", "1 prices of an excess day are not pounds"),
        ("100        -5               287                   V", "1 trim points are no whole number"),
        ("100        5                null                  V", "1 rows have a trim point without a price"),
        ("100        null             null                  X", "1 rows are placeholders"),
    ],
)
def test_a_book_with_such_a_price_is_refused(cells: str, said: str, tmp_path: Path) -> None:
    _example(cells).write_book(tmp_path / "book")
    with pytest.raises(LinkedCareError, match=said):
        read_book(tmp_path / "book")


def test_a_price_of_nothing_is_a_price(tmp_path: Path) -> None:
    _example("0  null  null  V").write_book(tmp_path / "book")
    assert read_book(tmp_path / "book").price["unit_price"].to_list() == [0]


def _example(cells: str) -> Example:
    prices = f"{_ROW}inpatient  elective           HN22A          {cells}"
    return Example("inpatient", "refused", "", {}, "", prices=prices)
