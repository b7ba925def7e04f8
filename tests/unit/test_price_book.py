"""A price book is read to the hundredth of a penny, or refused."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assets.costing.book import (
    FACTOR_COLUMNS,
    PRICE_COLUMNS,
    PRICE_KEY,
    SHIPPED,
    TOP_UP_COLUMNS,
    chosen_book,
    read_book,
    read_factor,
    read_price,
    read_top_up,
    shipped_book,
)
from assets.costing.price_book import build_from_book, build_price_index, of_a_book, refuse_unknown_index
from assets.costing.price_index import INDEX_COLUMNS, chosen_index, read_index, shipped_index
from pipelines.errors import LinkedCareError
from schemas.costing import SETTINGS
from schemas.prices import PRICE_BOOK, PRICE_POLICY, SETTING_INDEX

PRICE = {
    "setting": "outpatient",
    "point_of_delivery": "procedure",
    "currency_code": "ALL",
    "description": "A procedure",
    "unit": "attendance",
    "price_gbp": "12.34",
    "price_year": "2024-25",
    "basis": "cost",
    "source": "National Cost Collection",
    "licence": "OGL v3",
    "status": "V",
    "is_proxy": "false",
}
FACTOR = {"provider_code": "RA4", "factor": "1.012345", "source": "NHS Payment Scheme"}
TOP_UP = {
    "provider_code": "RA4",
    "code_system": "icd10",
    "code": "C71",
    "rate": "0.15",
    "source": "NHS Payment Scheme",
}
INDEX = {
    "index_name": "ours",
    "vintage": "first",
    "price_year": "2024-25",
    "index_value": "104.02",
    "is_provisional": "true",
    "source": "Ourselves",
    "licence": "OGL v3",
}
POLICY = "name: own\nversion: 3\ntitle: Our prices\nreal_year: 2023-24\n"
Row = Mapping[str, str | None]


def write(path: Path, columns: Sequence[str], *rows: Row) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame([dict(row) for row in rows], schema=dict.fromkeys(columns, pl.String)).write_csv(path)
    return path


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., pl.DataFrame]:
    """Reads prices that differ from a good one in the values named."""

    def of(*rows: Row, **values: str | None) -> pl.DataFrame:
        return read_price(write(tmp_path / "own" / "price.csv", PRICE_COLUMNS, *(rows or [PRICE | values])))

    return of


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A folder with a book of one price."""
    folder = tmp_path / "prices" / "own"
    write(folder / "price.csv", PRICE_COLUMNS, PRICE)
    (folder / "book.yaml").write_text(POLICY)
    return folder


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
def test_pounds_become_pence_without_rounding(read, pounds, pence):
    both = read(price_gbp=pounds, excess_day_price_gbp=pounds, trim_point_days="5")
    assert both["unit_price"].to_list() == both["excess_day_price"].to_list() == [pence]


@pytest.mark.parametrize("pounds", ["0.00001", "-1", "1e3", "1,000", " 1", "£1", "", None, ".5", "1.", "12345678901"])
def test_a_price_that_is_not_pounds_with_four_decimals_is_refused(read, pounds):
    with pytest.raises(LinkedCareError, match=r"^own/price.csv: 1 prices are not pounds"):
        read(price_gbp=pounds)


@pytest.mark.parametrize("pounds", ["0.00001", "-1", "£1"])
def test_a_price_of_an_excess_day_that_is_not_pounds_is_refused(read, pounds):
    with pytest.raises(LinkedCareError, match="1 prices of an excess day are not pounds"):
        read(excess_day_price_gbp=pounds, trim_point_days="5")


@pytest.mark.parametrize("days", ["-1", "1.5", "five", "12345"])
def test_a_trim_point_that_is_no_number_of_days_is_refused(read, days):
    with pytest.raises(LinkedCareError, match="1 trim points"):
        read(excess_day_price_gbp="250", trim_point_days=days)


def test_a_trim_point_and_the_price_of_an_excess_day_come_together(read):
    for values in ({"trim_point_days": "5"}, {"excess_day_price_gbp": "250"}):
        with pytest.raises(LinkedCareError, match="Give both or neither"):
            read(**values)
    assert read(trim_point_days="5", excess_day_price_gbp="250")["trim_point_days"].to_list() == [5]


@pytest.mark.parametrize("status", ["P", "X", "", "v", None])
def test_a_placeholder_is_refused(read, status):
    with pytest.raises(LinkedCareError, match="1 rows are placeholders"):
        read(status=status)


@pytest.mark.parametrize("status", ["V", "D"])
def test_a_price_read_in_its_source_or_derived_from_it_is_kept(read, status):
    assert read(status=status).height == 1


def test_a_borrowed_price_is_flagged(read):
    assert read(is_proxy="true")["is_proxy"].to_list() == [True]
    assert read(is_proxy="false")["is_proxy"].to_list() == [False]


@pytest.mark.parametrize("flag", ["TRUE", "yes", "1", "", None])
def test_a_flag_that_is_neither_true_nor_false_is_refused_since_it_would_hide_a_borrowed_price(read, flag):
    with pytest.raises(LinkedCareError, match="is_proxy"):
        read(is_proxy=flag)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("setting", "hospital", "of no setting"),
        ("basis", "national cost", "a basis that is none of tariff, cost, local"),
        ("price_year", "2024/25", "no price year"),
        ("price_year", "2024-26", "no price year"),
        ("national_activity", "1.5", "national activity that is no whole number"),
        ("currency_code", None, "no clear currency_code"),
        ("currency_code", "HN22A ", "no clear currency_code"),
        ("source", "", "no clear source"),
        ("licence", None, "no clear licence"),
        ("unit", None, "no clear unit"),
        ("effective_from", "2024-04", "not written as 2024-04-01"),
        ("effective_from", "2024-4-1", "not written as 2024-04-01"),
        ("effective_to", "2024-02-30", "not written as 2024-04-01"),
        ("effective_from", "2024-04-02", "within a month"),
        ("effective_to", "2024-04-01", "within a month"),
        ("effective_to", "2024-02-28", "within a month"),
    ],
)
def test_a_value_that_cannot_be_relied_on_is_refused_with_its_column_and_without_itself(read, name, value, told):
    with pytest.raises(LinkedCareError, match=told) as refused:
        read(**{name: value})
    line = str(refused.value)
    assert line.startswith("own/price.csv: 1 ")
    assert "\n" not in line
    assert not value or value.strip() not in line.replace("2024-04-01", "")


def test_effective_dates_are_whole_months(read):
    row = read(effective_from="2024-04-01", effective_to="2025-02-28").row(0, named=True)
    assert (row["effective_from"], row["effective_to"]) == (date(2024, 4, 1), date(2025, 2, 28))
    with pytest.raises(LinkedCareError, match="end before they take effect"):
        read(effective_from="2024-04-01", effective_to="2024-03-31")


def dated(start: str | None, end: str | None, **values: str) -> Row:
    return PRICE | values | {"effective_from": start, "effective_to": end}


@pytest.mark.parametrize(
    "rows",
    [
        (dated(None, None), dated(None, None)),
        (dated("2024-04-01", "2024-06-30"), dated("2024-06-01", None)),
        (dated("2024-04-01", None), dated("2024-06-01", "2024-06-30")),
        (dated(None, None), dated("2024-06-01", "2024-06-30")),
        (dated(None, None), dated("2024-06-01", "2024-06-30"), dated("2025-01-01", None)),
    ],
)
def test_two_prices_of_one_kind_on_one_day_are_refused(read, rows):
    with pytest.raises(LinkedCareError, match="repeat the key setting, point_of_delivery, currency_code on one day"):
        read(*rows)


def test_prices_that_follow_on_each_other_or_are_of_other_kinds_are_kept(read):
    rows = (
        dated(None, "2024-05-31"),
        dated("2024-06-01", "2024-06-30"),
        dated("2024-07-01", None),
        dated(None, None, currency_code="A"),
        dated(None, None, setting="inpatient"),
        dated(None, None, point_of_delivery="first_remote"),
    )
    assert read(*rows).height == len(rows)


def test_columns_are_those_declared_in_any_order(tmp_path):
    path = write(tmp_path / "own" / "price.csv", PRICE_COLUMNS, PRICE)
    text = pl.read_csv(path, infer_schema=False)
    text.select(sorted(text.columns)).write_csv(path)
    assert read_price(path)["unit_price"].to_list() == [Decimal("1234.00")]
    text.with_columns(note=pl.lit("x")).write_csv(path)
    with pytest.raises(LinkedCareError, match=r"own/price.csv: has unknown columns note"):
        read_price(path)
    text.drop("licence").write_csv(path)
    with pytest.raises(LinkedCareError, match=r"own/price.csv: lacks the columns licence"):
        read_price(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"a,b\n\xff\xfe,2\n", "is no CSV|unknown columns"),
        (b"a\n1,2,3\n", "is no CSV|unknown columns"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, told):
    path = tmp_path / "own" / "price.csv"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LinkedCareError, match=told):
        read_price(path)


def test_a_book_without_prices_is_refused(tmp_path):
    with pytest.raises(LinkedCareError, match="has no rows"):
        read_price(write(tmp_path / "own" / "price.csv", PRICE_COLUMNS))


def test_a_book_says_its_rules(book):
    plain = read_book(book)
    assert (plain.name, plain.version, plain.real_year) == ("own", "3", "2023-24")
    assert (plain.uses_submitted, plain.uses_net_ingredient) == (True, True)
    assert plain.index == dict.fromkeys(SETTINGS, "nhscii")
    assert plain.market_forces_factor.is_empty()
    assert plain.top_up.is_empty()
    (book / "book.yaml").write_text(
        POLICY + "submitted_price: ignored\nprescribing: actual\nindex: {default: ours, social_care: fees}\n"
    )
    other = read_book(book)
    assert (other.uses_submitted, other.uses_net_ingredient) == (False, False)
    assert other.index == dict.fromkeys(SETTINGS, "ours") | {"social_care": "fees"}
    assert of_a_book(other)["price_policy"].row(0) == ("own", "3", False, False, "2023-24")


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (POLICY.replace("version: 3\n", ""), "says no version"),
        (POLICY.replace("own", "''"), "says no name"),
        (POLICY.replace("2023-24", "2023"), "real_year is no financial year"),
        (POLICY + "submitted_price: last\n", "submitted_price is none of first, ignored"),
        (POLICY + "prescribing: both\n", "prescribing is none of net_ingredient, actual"),
        (POLICY + "index: {hospital: ours}\n", "index names a setting"),
        (POLICY + "index: nhscii\n", "index is no list"),
        (POLICY + "prise: first\n", "has 1 unknown names"),
        ("- a\n", "is no list of names"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(book, rules, told):
    (book / "book.yaml").write_text(rules)
    with pytest.raises(LinkedCareError, match=rf"^own/book.yaml: {told}") as refused:
        read_book(book)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["book.yaml", "price.csv"])
def test_a_book_without_one_of_its_files_is_refused(book, name):
    (book / name).unlink()
    with pytest.raises(LinkedCareError, match=rf"^own/{name}: no such file"):
        read_book(book)


def test_any_file_of_a_book_changes_its_digest(book):
    digests = {read_book(book).digest}
    write(book / "market_forces_factor.csv", FACTOR_COLUMNS, FACTOR)
    digests.add(read_book(book).digest)
    write(book / "top_up.csv", TOP_UP_COLUMNS, TOP_UP)
    digests.add(read_book(book).digest)
    (book / "book.yaml").write_text(POLICY + "prescribing: actual\n")
    digests.add(read_book(book).digest)
    assert len(digests) == 4


def test_factors_are_kept_to_a_millionth(tmp_path):
    path = tmp_path / "own" / "market_forces_factor.csv"
    later = FACTOR | {"factor": "1", "effective_from": "2025-04-01"}
    write(path, FACTOR_COLUMNS, FACTOR | {"effective_to": "2025-03-31"}, later)
    assert read_factor(path)["factor_millionths"].to_list() == [1012345, 1000000]
    for factor in ("0", "0.0", "-1", "1.0123456", "", None, "1,02"):
        write(path, FACTOR_COLUMNS, FACTOR | {"factor": factor})
        with pytest.raises(LinkedCareError, match="1 factors are not above 0"):
            read_factor(path)
    write(path, FACTOR_COLUMNS, FACTOR, later)
    with pytest.raises(LinkedCareError, match="repeat the key provider_code on one day"):
        read_factor(path)


def test_top_ups_are_shares_of_a_code_by_provider(tmp_path):
    path = tmp_path / "own" / "top_up.csv"
    write(path, TOP_UP_COLUMNS, TOP_UP, TOP_UP | {"code": "C7", "rate": "0.32"})
    assert read_top_up(path)["rate_millionths"].to_list() == [150000, 320000]
    for name, value, told in (
        ("rate", "15%", "rates are not shares"),
        ("rate", "-0.1", "rates are not shares"),
        ("code_system", "snomed", "a code system"),
        ("code", "C", "codes are not two or more"),
        ("code", "C71.1", "codes are not two or more"),
        ("provider_code", None, "no clear provider_code"),
    ):
        write(path, TOP_UP_COLUMNS, TOP_UP | {name: value})
        with pytest.raises(LinkedCareError, match=f"1 .*{told}"):
            read_top_up(path)
    write(path, TOP_UP_COLUMNS, TOP_UP, TOP_UP | {"rate": "0.2"})
    with pytest.raises(LinkedCareError, match="repeat the key provider_code, code_system, code"):
        read_top_up(path)


def test_index_values_are_kept_to_a_ten_thousandth(tmp_path):
    path = tmp_path / "prices" / "price_index.csv"
    write(path, INDEX_COLUMNS, INDEX)
    assert read_index(path).select("index_ten_thousandths", "is_provisional").row(0) == (1040200, True)
    for name, value, told in (
        ("index_value", "0", "index values are not above 0"),
        ("index_value", "1.00001", "index values are not above 0"),
        ("price_year", "2024", "no price year"),
        ("is_provisional", "maybe", "is_provisional"),
        ("vintage", None, "no clear vintage"),
    ):
        write(path, INDEX_COLUMNS, INDEX | {name: value})
        with pytest.raises(LinkedCareError, match=told):
            read_index(path)
    write(path, INDEX_COLUMNS, INDEX, INDEX)
    with pytest.raises(LinkedCareError, match="repeat the key index_name, price_year"):
        read_index(path)
    write(path, INDEX_COLUMNS, INDEX, INDEX | {"price_year": "2023-24", "vintage": "second"})
    with pytest.raises(LinkedCareError, match="1 indices mix vintages"):
        read_index(path)


def test_an_index_of_the_user_adds_to_those_shipped_or_replaces_its_name(home, book):
    write(home.root / "prices" / "price_index.csv", INDEX_COLUMNS, INDEX, INDEX | {"index_name": "nhscii"})
    shipped, index = shipped_index(), chosen_index(home.root)
    assert index.filter(index_name="nhscii").height == index.filter(index_name="ours").height == 1
    rest = shipped.filter(pl.col("index_name") != "nhscii")
    assert index.height == rest.height + 2
    assert build_price_index(home).rows == index.height
    with pytest.raises(LinkedCareError, match="names 1 price indices"):
        refuse_unknown_index(read_book(book), rest)


def test_the_shipped_index_is_that_of_the_published_changes():
    """Each value follows from the one before by the published change in per cent."""
    index = dict(shipped_index().filter(index_name="nhscii").select("price_year", "index_ten_thousandths").rows())
    changes = {
        "2015-16": "0.40",
        "2016-17": "2.09",
        "2017-18": "1.24",
        "2018-19": "1.60",
        "2019-20": "2.14",
        "2020-21": "2.49",
        "2021-22": "2.58",
        "2022-23": "7.32",
        "2023-24": "2.47",
        "2024-25": "4.02",
    }
    value = Decimal(100)
    assert index.pop("2014-15") == 1_000_000
    for year, change in changes.items():
        value *= 1 + Decimal(change) / 100
        assert index[year] == round(value * 10_000), year
    assert index.keys() == changes.keys()


def test_the_book_in_use_is_the_one_that_the_environment_names(home, monkeypatch):
    assert chosen_book(home.root).digest == shipped_book().digest
    monkeypatch.setenv("LINKED_CARE_PRICE_BOOK", "own")
    with pytest.raises(LinkedCareError, match=r"^LINKED_CARE_PRICE_BOOK: no price book of this name"):
        chosen_book(home.root)
    folder = home.root / "prices" / "own"
    write(folder / "price.csv", PRICE_COLUMNS, PRICE)
    (folder / "book.yaml").write_text(POLICY)
    assert chosen_book(home.root).title == "Our prices"
    for outside in ("..", ".", "", "../own", "own/../own"):
        monkeypatch.setenv("LINKED_CARE_PRICE_BOOK", outside)
        with pytest.raises(LinkedCareError, match="no price book of this name"):
            chosen_book(home.root)


def test_another_book_builds_its_tables_again(home, monkeypatch):
    assert build_from_book(home, PRICE_BOOK).computed
    assert not build_from_book(home, PRICE_BOOK).computed
    monkeypatch.setenv("LINKED_CARE_PRICE_BOOK", "own")
    folder = home.root / "prices" / "own"
    write(folder / "price.csv", PRICE_COLUMNS, PRICE)
    (folder / "book.yaml").write_text(POLICY)
    assert build_from_book(home, PRICE_BOOK).rows == 1
    assert build_from_book(home, PRICE_POLICY).computed
    assert home.store.frame("price_policy")["book_name"].to_list() == ["own"]
    assert build_from_book(home, SETTING_INDEX).rows == len(SETTINGS)


def test_the_shipped_book_is_kept_row_by_row(home):
    text = pl.read_csv(SHIPPED / "national" / "price.csv", infer_schema=False)
    stored = build_from_book(home, PRICE_BOOK)
    assert stored.rows == text.height
    kept = home.store.frame("price_book")
    both = kept.join(text, on=PRICE_KEY, suffix="_in_pounds", validate="1:1")
    assert both.height == text.height
    pounds = [Decimal(price) for price in both["price_gbp"]]
    assert both["unit_price"].to_list() == [100 * price for price in pounds]
    assert not build_from_book(home, PRICE_BOOK).computed
