"""Lint says everything that is odd about a book; a comparison says what two books price otherwise."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from assets.costing.book import PRICE_COLUMNS, SHIPPED, read_book
from assets.costing.book_diff import by_point, compare_books
from assets.costing.book_lint import lint_book

ROW = {
    "setting": "inpatient",
    "point_of_delivery": "elective",
    "currency_code": "HN22D",
    "description": "Knee",
    "unit": "episode",
    "price_gbp": "8000",
    "price_year": "2024-25",
    "basis": "cost",
    "source": "National Cost Collection 2024/25",
    "licence": "OGL v3",
    "status": "V",
    "is_proxy": "false",
    "national_activity": "10",
}
POLICY = {"name": "ours", "version": "1", "title": "Ours", "real_year": "2024-25"}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a book of rows that differ from a plain one, and returns its folder."""

    def put(*rows: dict[str, str | None], name: str = "ours", **policy: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "book.yaml").write_text(yaml.safe_dump(POLICY | {"name": name} | policy))
        text = [{column: (ROW | row).get(column) for column in PRICE_COLUMNS} for row in rows]
        frame = pl.DataFrame(text, schema=dict.fromkeys(PRICE_COLUMNS, pl.String()))
        (folder / "price.csv").write_text(frame.write_csv())
        return folder

    return put


def found(folder: Path) -> dict[str, str]:
    return {finding.rule: finding.what for finding in lint_book(folder)}


def faults(folder: Path) -> set[str]:
    return {finding.rule for finding in lint_book(folder) if finding.is_fault}


def test_the_shipped_book_has_no_fault_and_the_warnings_that_are_meant():
    findings = lint_book(SHIPPED / "national")
    assert not [finding for finding in findings if finding.is_fault]
    told = {finding.rule for finding in findings}
    assert told == {"several_years", "licence", "lacking_currency"}


def test_a_plain_row_is_no_fault(write):
    assert faults(write({})) == set()


@pytest.mark.parametrize(
    ("rows", "rule", "what"),
    [
        ([{}, {"price_gbp": "1"}], "overlap", "1 rows price the same on the same day"),
        ([{"effective_to": "2024-04-30"}, {"effective_from": "2024-04-01"}], "overlap", "inpatient/elective/HN22D"),
        ([{"trim_point_days": "9"}], "half_long_stay", "1 rows have a trim point without excess_day_price_gbp"),
        ([{"excess_day_price_gbp": "9"}], "half_long_stay", "1 rows have excess_day_price_gbp without a trim point"),
        ([{"status": "X"}], "placeholder", "1 rows are placeholders: inpatient/elective/HN22D"),
        ([{"source": None}], "uncited", "1 rows have no source"),
        ([{"licence": None}], "uncited", "1 rows have no licence"),
        ([{"price_gbp": "a lot"}], "refused", "1 prices are not pounds"),
        ([{"effective_from": "soon"}], "refused", "effective dates that are not written"),
    ],
)
def test_what_a_run_refuses_is_a_fault(write, rows, rule, what):
    folder = write(*rows)
    assert rule in faults(folder)
    assert what in found(folder)[rule]


@pytest.mark.parametrize(
    ("rows", "rule", "what"),
    [
        (
            [{"effective_to": "2024-04-30"}, {"effective_from": "2024-06-01"}],
            "gap",
            "1 prices are not in force between two periods",
        ),
        (
            [{"price_gbp": "8000"}]
            + [{"currency_code": f"HN22{c}", "price_gbp": "8000"} for c in "ABC"]
            + [{"currency_code": "HN22E", "price_gbp": "1", "national_activity": "1"}],
            "far_from_mean",
            "1 prices are outside 1/20 to 20 times the mean of their point: inpatient/elective/HN22E",
        ),
        (
            [{"trim_point_days": "9", "excess_day_price_gbp": "300"}],
            "excess_days_of_costs",
            "1 rows of costs after 2017-18 have a price of an excess day",
        ),
        (
            [{}, {"currency_code": "HN22E", "price_year": "2017-18"}, {"currency_code": "HN22F"}],
            "several_years",
            "1 of 2017-18",
        ),
        ([{"licence": "CC BY-NC-SA 4.0"}], "licence", "1 rows are under CC BY-NC-SA 4.0: cite it, not for commercial"),
        ([{"source": "PSSRU Unit Costs 2025"}], "licence", "1 rows cite PSSRU under another licence than"),
        ([{}], "no_mean", "inpatient/elective"),
        ([{}], "no_price", "points of care have no price"),
        ([{}], "lacking_currency", "currencies of"),
    ],
)
def test_what_its_owner_should_know_is_a_warning(write, rows, rule, what):
    folder = write(*rows)
    findings = [finding for finding in lint_book(folder) if finding.rule == rule]
    assert any(what in finding.what for finding in findings)
    assert faults(folder) == set()


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ([{"effective_to": "2024-04-30"}, {"effective_from": "2024-05-01"}], "gap"),
        ([{}, {"currency_code": "ALL", "price_gbp": "400"}, {"currency_code": "HN22E"}], "far_from_mean"),
        ([{"trim_point_days": "9", "excess_day_price_gbp": "300", "basis": "tariff"}], "excess_days_of_costs"),
        ([{"trim_point_days": "9", "excess_day_price_gbp": "300", "price_year": "2017-18"}], "excess_days_of_costs"),
        ([{}, {"currency_code": "HN22E"}], "several_years"),
    ],
)
def test_what_is_right_is_not_warned_of(write, rows, rule):
    assert rule not in found(write(*rows))


def test_figures_of_pssru_under_their_own_licence_are_told_once(write):
    findings = lint_book(write({"source": "PSSRU Unit Costs 2025", "licence": "CC BY-NC-SA 4.0"}))
    assert [finding.what.split(":")[0] for finding in findings if finding.rule == "licence"] == [
        "1 rows are under CC BY-NC-SA 4.0"
    ]


def test_a_price_point_that_the_ladder_reaches_has_a_mean(write):
    folder = write({"currency_code": "ALL", "point_of_delivery": "day_case_or_elective", "basis": "tariff"})
    assert "no_mean" not in found(folder)
    [told] = [finding.what for finding in lint_book(folder) if finding.rule == "no_price"]
    without = write({}, name="theirs")
    [more] = [finding.what for finding in lint_book(without) if finding.rule == "no_price"]
    # a price for day cases and electives alike serves both, and best practice of both; one for electives serves two
    assert int(more.split()[0]) - int(told.split()[0]) == 4 - 2


def test_accepted_placeholders_are_a_warning_and_no_fault(write):
    folder = write({"status": "X"}, placeholders="accepted")
    assert faults(folder) == set()
    assert found(folder)["placeholder_accepted"].startswith("1 rows are placeholders that book.yaml accepts")


def test_a_policy_that_cannot_be_read_is_a_fault(write):
    folder = write({"status": "X"})
    (folder / "book.yaml").write_text("{")
    assert faults(folder) == {"placeholder"}
    (folder / "price.csv").write_text((folder / "price.csv").read_text().replace(",X,", ",V,"))
    assert "cannot be read as YAML" in found(folder)["refused"]


def test_no_more_than_eight_codes_are_named(write):
    folder = write(*[{"currency_code": f"HN{place:02d}Z", "source": None} for place in range(12)])
    assert found(folder)["uncited"].endswith("and 4 more")


def test_books_are_compared_price_by_price(write):
    old = write(
        {},
        {"currency_code": "HN22E", "price_gbp": "100"},
        {"currency_code": "HN22F", "effective_to": "2024-04-30"},
        name="old",
    )
    new = write(
        {},
        {"currency_code": "HN22E", "price_gbp": "125"},
        {"currency_code": "HN22F", "effective_from": "2024-05-01"},
        {"currency_code": "HN22G", "trim_point_days": "9", "excess_day_price_gbp": "30"},
        name="new",
    )
    compared = compare_books(read_book(old), read_book(new))
    rows = {(row["currency_code"], row["status"]): row["change_percent"] for row in compared.to_dicts()}
    assert rows == {
        ("HN22D", "same"): 0.0,
        ("HN22E", "changed"): 100 * (125 - 100) / 100,
        ("HN22F", "only_old"): None,
        ("HN22F", "only_new"): None,
        ("HN22G", "only_new"): None,
    }
    [point] = by_point(compared).to_dicts()
    assert (point["only_old"], point["only_new"], point["same"], point["changed"]) == (1, 2, 1, 1)
    assert (point["least"], point["mean"], point["most"]) == (25.0, 25.0, 25.0)


def test_a_changed_trim_point_is_a_change_without_a_price(write):
    long_stay = {"trim_point_days": "9", "excess_day_price_gbp": "30", "price_year": "2017-18"}
    old, new = write(long_stay, name="old"), write(long_stay | {"trim_point_days": "12"}, name="new")
    [row] = compare_books(read_book(old), read_book(new)).to_dicts()
    assert (row["status"], row["change_percent"]) == ("changed", 0.0)
