"""The national schedule becomes rows of a book, exactly; what cannot is said."""

import csv
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from assets.costing.book import PRICE_COLUMNS, SHIPPED
from assets.costing.loaders import sheets
from assets.costing.loaders.ncc import DEPARTMENTS, load_ncc
from assets.costing.loaders.terms import Loaded, Terms, canonical_year
from assets.costing.points import known_points
from pipelines.errors import LinkedCareError

EXCERPT = Path(__file__).parent.parent / "prices" / "ncc_excerpt.csv"
TERMS = Terms("2024-25")
NCC_HEADER = ["department_code", "currency_code", "currency_desc", "activity", "unit_cost", "cost"]


def prices(loaded: Loaded) -> dict[tuple[str, str], str]:
    return {(row["point_of_delivery"], row["currency_code"]): row["price_gbp"] for row in loaded.prices.to_dicts()}


def published() -> list[dict[str, str]]:
    with EXCERPT.open() as lines:
        return list(csv.DictReader(lines))


def test_departments_total_as_published_over_the_rows_that_carry_both_figures():
    """Acceptance: the loader's totals are those of the schedule, reckoned here in fractions."""
    totals = {row["department"]: row for row in load_ncc(EXCERPT, TERMS).reconciliation.to_dicts()}
    rows = published()
    assert {row["department_code"] for row in rows} == totals.keys()
    for department, total in totals.items():
        of_it = [row for row in rows if row["department_code"] == department]
        both = [row for row in of_it if row["activity"] and row["unit_cost"]]
        product = sum(Fraction(row["activity"]) * Fraction(row["unit_cost"]) for row in both)
        cost = sum(Fraction(row["cost"]) for row in both)
        assert total["row_count"] == len(of_it)
        assert total["complete_count"] == len(both)
        assert total["suppressed_count"] == len(of_it) - len(both)
        assert abs(Fraction(total["activity_cost_gbp"]) - product) <= Fraction(1, 200)
        assert abs(Fraction(total["cost_gbp"]) - cost) <= Fraction(1, 200)
        assert total["difference_gbp"] == 0  # the publication's own rounding is far below a penny
        activity = sum(Fraction(row["activity"]) for row in both)
        assert abs(Fraction(total["loaded_cost_gbp"]) - product) <= activity * Fraction(5, 100_000) + Fraction(1, 200)
    assert sum(total["suppressed_count"] for total in totals.values()) == 24


@pytest.mark.parametrize(
    ("department", "millions", "billions"),
    [
        ("Emergency Care", 23.6, 6.60),
        ("Ambulance", 13.2, 3.59),
        ("Mental Health Provider Spell", 6.35, 5.32),
    ],
)
def test_whole_departments_total_what_the_collection_reports(department, millions, billions):
    totals = {row["department"]: row for row in load_ncc(EXCERPT, TERMS).reconciliation.to_dicts()}
    assert float(totals[department]["activity"]) / 1e6 == pytest.approx(millions, abs=0.05)
    assert float(totals[department]["activity_cost_gbp"]) / 1e9 == pytest.approx(billions, abs=0.005)


def test_every_row_with_both_figures_and_a_place_is_a_price_and_the_rest_is_told():
    loaded = load_ncc(EXCERPT, TERMS)
    rows, told = published(), {(row.place, row.code) for row in loaded.unused}
    assert loaded.prices.columns == list(PRICE_COLUMNS)
    assert not loaded.prices.select("setting", "point_of_delivery", "currency_code").is_duplicated().any()
    nowhere = {row.place for row in loaded.unused if row.kind == "no place"}
    assert nowhere == {"Cancer MDT", "High Cost Drugs", "Rehabilitation Inpatient"}
    assert len(told) == len(loaded.unused)
    by_code = {(row["point_of_delivery"], row["currency_code"]): row for row in loaded.prices.to_dicts()}
    code_ending = {"Mental Health Provider Spell": "MHPS"}
    for row in rows:
        code = row["currency_code"].removesuffix(code_ending.get(row["department_code"], "-"))
        found = [key for key in by_code if key[1] == code]
        assert bool(found) or (row["department_code"], row["currency_code"]) in told
    palliative = sum(row["currency_code"].startswith("N21") for row in rows)  # stand at hospice, too
    means = sum(row["currency_code"] == "ALL" for row in loaded.prices.to_dicts())
    assert loaded.prices.height == len(rows) - len(told) + palliative + means
    assert set(loaded.prices.select("setting", "point_of_delivery").iter_rows()) <= known_points()


def test_suppressed_rows_are_listed_with_their_cost():
    suppressed = {row.code: row for row in load_ncc(EXCERPT, TERMS).unused if row.kind == "suppressed"}
    assert suppressed["N22CF"].cost_gbp == "181.52"
    assert suppressed["N22CF"].place == "Community Health Service"
    assert "no activity or no unit cost" in suppressed["N22CF"].reason


def test_prices_are_rounded_half_up_to_four_decimals(save):
    rows = [
        ["Emergency Care", "VB01Z", "", 1, "0.00005", "0.00005"],
        ["Emergency Care", "VB02Z", "", 1, "1.23444999999999999999", "1.23445"],
        ["Emergency Care", "VB03Z", "", "2,000", "£1,000.50", "2001000"],
    ]
    loaded = prices(load_ncc(save("a.csv", [NCC_HEADER, *rows]), TERMS))
    assert loaded["emergency_attendance", "VB01Z"] == "0.0001"
    assert loaded["emergency_attendance", "VB02Z"] == "1.2344"
    assert loaded["emergency_attendance", "VB03Z"] == "1000.5"


def test_the_mean_of_a_point_is_weighted_by_activity(save):
    rows = [
        ["Emergency Care", "VB01Z", "", 3, 100, 300],
        ["Emergency Care", "VB02Z", "", 1, 300, 300],
        ["Emergency Care", "VB03Z", "", "", "", 5000],
    ]
    [mean] = load_ncc(save("a.csv", [NCC_HEADER, *rows]), TERMS).prices.filter(currency_code="ALL").to_dicts()
    assert Decimal(mean["price_gbp"]) == Decimal(3 * 100 + 1 * 300) / (3 + 1)
    assert (mean["national_activity"], mean["status"], mean["is_proxy"]) == ("4", "D", "true")


def test_a_currency_stands_where_its_beginning_says(save):
    rows = [
        ["Community Health Service", "N02AF", "", 1, 10, 10],
        ["Community Health Service", "N21AF", "", 1, 20, 20],
        ["Rehabilitation Inpatient", "EpGro04", "", 1, 30, 30],
        ["Rehabilitation Inpatient", "AA22C", "", 1, 40, 40],
    ]
    loaded = load_ncc(save("a.csv", [NCC_HEADER, *rows]), TERMS)
    listed = {key for key in prices(loaded) if key[1] != "ALL"}
    assert listed == {
        ("district_nursing", "N02AF"),
        ("hospice", "N21AF"),
        ("community_contact", "N21AF"),
        ("community_bed_day", "EpGro04"),
    }
    assert [(row.kind, row.code) for row in loaded.unused] == [("no place", "AA22C")]


def test_terms_are_in_every_row(save):
    terms = Terms("2024-25", "local", "a list", "a licence", date(2024, 4, 1), date(2025, 3, 31))
    path = save("a.csv", [NCC_HEADER, ["Emergency Care", "VB01Z", "", 1, 1, 1]])
    for row in load_ncc(path, terms).prices.to_dicts():
        assert (row["price_year"], row["basis"], row["source"], row["licence"]) == (
            "2024-25",
            "local",
            "a list",
            "a licence",
        )
        assert (row["effective_from"], row["effective_to"]) == ("2024-04-01", "2025-03-31")


def test_the_schedule_may_be_a_workbook_with_notes_above_and_other_spellings(save):
    sheet = [
        ["National schedule of NHS costs"],
        [],
        [
            "Department",
            "Currency",
            "Currency Description",
            "Number of FCEs",
            "National Average Unit Cost",
            "Total Cost",
        ],
        ["Emergency Care", "VB01Z", "Any\u00a0investigation", 2, 359.02665, 718.0533],
        [],
        ["Source: cost collection"],
    ]
    loaded = load_ncc(save("a.xlsx", {"Notes": [["See next sheet"]], "Total": sheet}), TERMS)
    assert prices(loaded)["emergency_attendance", "VB01Z"] == "359.0267"
    assert loaded.prices["description"][0] == "Any investigation"


def test_a_department_that_is_not_known_is_listed(save):
    rows = [["Emergency Care", "VB01Z", "", 1, 1, 1], ["Space Medicine", "SM01", "", 1, 1, 1]]
    [unused] = load_ncc(save("a.csv", [NCC_HEADER, *rows]), TERMS).unused
    assert (unused.place, unused.code) == ("Space Medicine", "SM01")
    assert "not in ncc_department.csv" in unused.reason


def test_every_mapped_department_is_cited_and_its_point_is_known():
    places = pl.read_csv(DEPARTMENTS, infer_schema=False)
    assert places["source"].null_count() == 0
    for row in places.iter_rows(named=True):
        assert (row["setting"], row["point_of_delivery"]) in known_points() if row["setting"] else row["note"]


def test_the_shipped_book_has_the_excerpt_to_the_penny_and_its_activity():
    shipped = pl.read_csv(SHIPPED / "national" / "price.csv", infer_schema=False)
    ours = {(row["point_of_delivery"], row["currency_code"]): row for row in shipped.iter_rows(named=True)}
    listed = load_ncc(EXCERPT, TERMS).prices.filter(pl.col("currency_code") != "ALL")
    compared = 0
    for row in listed.iter_rows(named=True):
        mine = ours.get((row["point_of_delivery"], row["currency_code"]))
        if mine:
            compared += 1
            assert abs(Decimal(mine["price_gbp"]) - Decimal(row["price_gbp"])) <= Decimal("0.00505")
            assert mine["national_activity"] == row["national_activity"]
            assert (mine["source"], mine["licence"]) == (row["source"], row["licence"])
    assert compared > 100


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["a", "b"], ["1", "2"]], "has 0 tables with the columns department_code"),
        ([NCC_HEADER, ["Space Medicine", "SM01", "", 1, 1, 1]], "names no department of the National Cost Collection"),
        ([NCC_HEADER, ["Emergency Care", "", "", 1, 1, 1]], "1 rows lack a department_code or currency_code"),
        ([NCC_HEADER, *[["Emergency Care", "VB01Z", "", 1, 1, 1]] * 2], "1 rows repeat a currency of their department"),
        (
            [NCC_HEADER, ["Emergency Care", "VB01Z", "", "few", 1, 1]],
            "1 rows have no number of at least zero in activity",
        ),
        (
            [NCC_HEADER, ["Emergency Care", "VB01Z", "", 1, "-1", 1]],
            "1 rows have no number of at least zero in unit_cost",
        ),
        ([NCC_HEADER, ["Emergency Care", "VB01Z", "", 1, 1, "inf"]], "1 rows have no number of at least zero in cost"),
    ],
)
def test_a_schedule_that_cannot_be_relied_on_is_refused(save, rows, told):
    with pytest.raises(LinkedCareError) as refusal:
        load_ncc(save("a.csv", rows), TERMS)
    assert told in str(refusal.value)
    assert "few" not in str(refusal.value)


@pytest.mark.parametrize(("name", "content"), [("a.xlsx", b"PK\x03\x04 cut"), ("missing.csv", None)])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, content):
    path = tmp_path / name
    if content:
        path.write_bytes(content)
    with pytest.raises(LinkedCareError, match="cannot be read"):
        load_ncc(path, TERMS)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2024-25", "2024-25"),
        ("2024/25", "2024-25"),
        (" 2024/2025 ", "2024-25"),
        ("1999-2000", "1999-00"),
        ("2024\u201325", "2024-25"),
        ("2024-26", None),
        ("2024", None),
        ("", None),
        (None, None),
    ],
)
def test_financial_years_are_read_however_they_are_written(text, year):
    assert canonical_year(text) == year


@pytest.mark.parametrize("year", ["2024/25", "2024-26", "2024", ""])
def test_the_year_of_a_load_is_written_one_way(year):
    with pytest.raises(LinkedCareError, match="--year"):
        Terms(year)


@pytest.mark.parametrize(
    ("first", "last"),
    [((2024, 4, 2), None), (None, (2024, 4, 29)), ((2024, 5, 1), (2024, 4, 30))],
)
def test_prices_hold_for_whole_months(first, last):
    with pytest.raises(LinkedCareError, match="whole months"):
        Terms("2024-25", effective_from=first and date(*first), effective_to=last and date(*last))


@pytest.mark.parametrize(
    ("limit", "name", "told"),
    [
        ("SIZE_LIMIT", "a.csv", "is larger than 0 MB"),
        ("UNPACKED_LIMIT", "a.xlsx", "unpacks to more than 0 MB"),
    ],
)
def test_a_file_larger_than_any_price_list_is_refused(save, monkeypatch, limit, name, told):
    rows = [NCC_HEADER, ["Emergency Care", "VB01Z", "", 1, 1, 1]]
    path = save(name, rows if name.endswith("csv") else {"Sheet": rows})
    assert load_ncc(path, TERMS).prices.height == 2
    monkeypatch.setattr(sheets, limit, 10)
    with pytest.raises(LinkedCareError, match=told):
        load_ncc(path, TERMS)


def test_a_field_without_end_is_refused(save):
    path = save("a.csv", [NCC_HEADER, ["Emergency Care", "VB01Z", "x" * 200_000, 1, 1, 1]])
    with pytest.raises(LinkedCareError, match=r"a\.csv: cannot be read as CSV"):
        load_ncc(path, TERMS)


def test_a_file_of_an_older_encoding_is_read(save):
    row = ["Emergency Care", "VB01Z", "Caf\u00e9", 1, "\u00a31.50", 1]
    loaded = load_ncc(save("a.csv", [NCC_HEADER, row], encoding="cp1252"), TERMS)
    assert loaded.prices["description"][0] == "Caf\u00e9"
    assert prices(loaded)["emergency_attendance", "VB01Z"] == "1.5"
