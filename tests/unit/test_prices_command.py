"""`linked-care prices`: loads into a book that belongs to the user, and shows, lints and compares books."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from assets.costing.book import chosen_book, read_book
from assets.costing.loaders import merge
from assets.costing.price_index import chosen_index
from cli.main import app
from pipelines.errors import LinkedCareError

EXCERPT = Path(__file__).parent.parent / "prices" / "ncc_excerpt.csv"
LOCAL = ["setting", "point_of_delivery", "currency_code", "unit", "price_gbp", "source", "licence", "status"]
NURSE = ["community", "district_nursing", "N02AF", "contact", "61.20", "our contract", "ours", "V"]
DOUBT = ["community", "district_nursing", "N02AN", "contact", "50", "nobody", "ours", "X"]

Run = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home that commands use."""
    monkeypatch.setenv("LINKED_CARE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LINKED_CARE_PRICE_BOOK", raising=False)
    return tmp_path / "home"


@pytest.fixture
def prices(root: Path) -> Run:
    """Gives a `linked-care prices` command; a user's error is raised."""

    def run(*words: str | Path, code: int = 0) -> Result:
        result = CliRunner().invoke(app, ["prices", *map(str, words)])
        if isinstance(result.exception, LinkedCareError):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def local(tmp_path: Path, prices: Run) -> Callable[..., Result]:
    """Loads rows of local prices into the book `ours`."""

    def load(*rows: Sequence[str], options: Sequence[str] = ()) -> Result:
        path = tmp_path / "local.csv"
        with path.open("w", newline="") as target:
            csv.writer(target).writerows([LOCAL, *rows])
        return prices("load", "local", path, "--book", "ours", "--year", "2024-25", *options)

    return load


def held(root: Path, name: str = "ours") -> dict[tuple[str, str | None], str]:
    text = pl.read_csv(root / "prices" / name / "price.csv", infer_schema=False)
    return {(row["currency_code"], row["effective_from"]): row["price_gbp"] for row in text.to_dicts()}


def changed(row: Sequence[str], price: str) -> list[str]:
    return [*row[:4], price, *row[5:]]


def test_a_load_makes_a_book_that_a_run_can_use(prices, root, monkeypatch):
    result = prices("load", "ncc", EXCERPT, "--book", "ncc", "--year", "2024-25")
    assert "Emergency Care" in result.output
    assert "no place: Cancer MDT, 6 rows" in result.output
    assert "suppressed: 24 rows" in result.output
    assert "ncc: made; 346 rows added, 0 replaced, 0 as they were, 36 refused" in result.output
    monkeypatch.setenv("LINKED_CARE_PRICE_BOOK", "ncc")
    book = chosen_book(root)
    assert (book.name, book.version, book.title, book.real_year) == ("ncc", "1", "Prices of 2024-25", "2024-25")
    again = prices("load", "ncc", EXCERPT, "--book", "ncc", "--year", "2024-25")
    assert "0 rows added, 0 replaced, 346 as they were" in again.output


def test_rows_of_the_same_price_and_dates_are_replaced_in_place(local, root):
    assert "made; 2 rows added, 0 replaced" in local(NURSE, [*NURSE[:2], "N02AN", *NURSE[3:]]).output
    result = local(changed(NURSE, "70"), [*NURSE[:2], "ALL", *NURSE[3:]])
    assert "ours: 1 rows added, 1 replaced, 0 as they were, 0 refused" in result.output
    assert list(held(root).items()) == [(("N02AF", None), "70"), (("N02AN", None), "61.2"), (("ALL", None), "61.2")]


def test_prices_of_another_period_stand_beside_each_other(local, root):
    local(NURSE, options=["--to", "2025-03-31"])
    result = local(changed(NURSE, "65"), options=["--from", "2025-04-01"])
    assert "1 rows added, 0 replaced" in result.output
    assert held(root) == {("N02AF", None): "61.2", ("N02AF", "2025-04-01"): "65"}


def test_periods_that_overlap_leave_the_book_as_it_was(local, root):
    local(NURSE)
    before = held(root)
    with pytest.raises(LinkedCareError, match=r"ours/price.csv: 1 rows repeat the key .* on one day"):
        local(changed(NURSE, "65"), options=["--from", "2025-04-01"])
    assert held(root) == before
    assert [path.name for path in (root / "prices").iterdir()] == ["ours"]


def test_prices_that_hold_still_may_end_where_new_ones_begin(local, root):
    local(NURSE, [*NURSE[:2], "N02AN", *NURSE[3:]])
    result = local(changed(NURSE, "65"), options=["--from", "2025-04-01", "--end-earlier"])
    assert "ended: 1 rows that held still, on the day before 2025-04-01" in result.output
    rows = pl.read_csv(root / "prices" / "ours" / "price.csv", infer_schema=False).to_dicts()
    dates = {(row["price_gbp"], row["currency_code"]): (row["effective_from"], row["effective_to"]) for row in rows}
    assert dates == {
        ("61.2", "N02AF"): (None, "2025-03-31"),
        ("65", "N02AF"): ("2025-04-01", None),
        ("61.2", "N02AN"): (None, None),
    }
    again = local(changed(NURSE, "66"), options=["--from", "2025-04-01", "--end-earlier"])
    assert "ended" not in again.output
    assert "0 rows added, 1 replaced" in again.output


def test_a_refused_load_makes_no_book(local, root):
    with pytest.raises(LinkedCareError, match="2 rows of the file price the same"):
        local(NURSE, NURSE)
    assert list((root / "prices").iterdir()) == []


def test_placeholders_are_refused_and_named(local, root):
    result = local(NURSE, DOUBT)
    assert "placeholder refused: community/district_nursing/N02AN" in result.output
    assert "1 rows added, 0 replaced, 0 as they were, 1 refused" in result.output
    assert set(held(root)) == {("N02AF", None)}


def test_placeholders_are_taken_where_the_user_accepts_them(local, root, prices):
    local(NURSE)
    policy = root / "prices" / "ours" / "book.yaml"
    policy.write_text("# ours since May\n" + policy.read_text())
    result = local(DOUBT, options=["--accept-placeholders"])
    assert "placeholder accepted: community/district_nursing/N02AN" in result.output
    book = read_book(root / "prices" / "ours")
    rows = {row["currency_code"]: (row["status"], row["is_proxy"]) for row in book.price.to_dicts()}
    assert rows == {"N02AF": ("V", False), "N02AN": ("X", True)}
    assert policy.read_text().startswith("# ours since May\n")
    assert policy.read_text().count("placeholders: accepted") == 1
    assert "0 faults" in prices("lint", "ours").output


def test_a_book_that_was_edited_to_repeat_a_row_takes_no_load(local, root):
    local(NURSE)
    path = root / "prices" / "ours" / "price.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(LinkedCareError, match=r"ours/price.csv: repeats a key\. See `linked-care prices lint`"):
        local(NURSE)


def test_a_file_of_placeholders_alone_is_refused(local):
    with pytest.raises(LinkedCareError, match="all 1 rows are placeholders"):
        local(DOUBT)


def test_a_new_book_may_begin_like_another(local, root):
    local(NURSE, options=["--like", "national"])
    national, ours = read_book(merge.SHIPPED / "national"), read_book(root / "prices" / "ours")
    assert ours.price.height == national.price.height
    assert held(root)["N02AF", None] == "61.2"
    assert (ours.name, ours.version) == ("ours", "1")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--book", "national"], "national: is a book of the program"),
        (["--book", "../ours"], "--book: is no name for a book"),
        (["--book", "Ours"], "--book: is no name for a book"),
        (["--book", "ours", "--like", "absent"], "--like: names no price book"),
    ],
)
def test_books_have_plain_names_of_their_own(prices, tmp_path, options, told):
    path = tmp_path / "local.csv"
    path.write_text("\n".join([",".join(LOCAL), ",".join(NURSE)]))
    with pytest.raises(LinkedCareError, match=told):
        prices("load", "local", path, "--year", "2024-25", *options)


def test_a_book_that_exists_begins_like_no_other(local):
    local(NURSE)
    with pytest.raises(LinkedCareError, match="ours: exists"):
        local(NURSE, options=["--like", "national"])


def test_what_a_killed_load_left_is_cleared(local, root):
    left = root / "prices" / ".0123"
    left.mkdir(parents=True)
    local(NURSE)
    assert not left.exists()


def test_unused_rows_are_reported_with_why(prices, tmp_path):
    report = tmp_path / "unused.csv"
    result = prices("load", "ncc", EXCERPT, "--book", "ncc", "--year", "2024-25", "--report", report)
    rows = pl.read_csv(report, infer_schema=False)
    assert rows.columns == ["kind", "place", "currency_code", "cost_gbp", "reason"]
    assert rows.height == 36
    assert f"{report}: 36 rows that were not used" in result.output.replace("\n", "")
    assert dict(rows.group_by("kind").len().iter_rows()) == {"suppressed": 24, "no place": 12}


def test_placeholders_are_in_the_report_unless_they_are_taken(local, tmp_path):
    report = tmp_path / "unused.csv"
    local(NURSE, DOUBT, options=["--report", str(report)])
    assert pl.read_csv(report)["kind"].to_list() == ["placeholder"]
    local(NURSE, DOUBT, options=["--report", str(report), "--accept-placeholders"])
    assert pl.read_csv(report).is_empty()


def test_factors_multiply_prices_that_are_there(prices, local, root, tmp_path):
    path = tmp_path / "mff.csv"
    path.write_text("Org code,Payment index\nRA4,1.02\n")
    words = ("load", "mff", path, "--book", "ours", "--year", "2024-25")
    with pytest.raises(LinkedCareError, match="ours: has no prices that a factor could multiply"):
        prices(*words)
    local(NURSE)
    assert "ours: market forces factors: 1 rows added" in prices(*words).output
    path.write_text("Org code,Payment index\nRA4,1.03\n")
    assert "0 rows added, 1 replaced" in prices(*words).output
    assert read_book(root / "prices" / "ours").market_forces_factor["factor_millionths"].to_list() == [1_030_000]
    assert "ended: 1 rows" in prices(*words, "--from", "2025-04-01", "--end-earlier").output
    assert read_book(root / "prices" / "ours").market_forces_factor.height == 2


def test_an_index_takes_the_place_of_its_name_alone(prices, root, tmp_path):
    path = tmp_path / "deflator.csv"

    def load(name: str, vintage: str) -> str:
        words = ("--index", name, "--vintage", vintage, "--source", "HM Treasury", "--provisional", "2024-25")
        return prices("load", "index", path, *words).output

    path.write_text("Financial year,GDP deflator\n2023-24,96\n2024-25,100\n")
    assert "gdp_deflator (June 2025), 2023-24 to 2024-25: 2 rows added, 0 replaced" in load("gdp_deflator", "June 2025")
    load("local_fees", "2025")
    path.write_text("Financial year,GDP deflator\n2024-25,100\n")
    assert "0 rows added, 1 replaced, 0 as they were" in load("gdp_deflator", "March 2026")
    index = chosen_index(root)
    ours = index.filter(pl.col("index_name") == "gdp_deflator").select("vintage", "price_year", "is_provisional")
    assert ours.rows() == [("March 2026", "2024-25", True)]
    assert index.filter(pl.col("index_name") == "local_fees").height == 2
    assert index.filter(pl.col("index_name") == "nhscii").height > 0


@pytest.mark.parametrize(
    "words",
    [
        ("load", "index", EXCERPT, "--index", "gdp_deflator"),
        ("load", "ncc", EXCERPT, "--year", "2024-25"),
        ("load", "ncc", EXCERPT, "--book", "ours"),
        ("load", "ncc", EXCERPT, "--book", "ours", "--year", "2024-25", "--end-earlier"),
    ],
)
def test_what_a_load_needs_is_asked_for(prices, words):
    prices(*words, code=2)


def test_a_book_is_shown_point_by_point(prices):
    shown = prices("show").output
    assert "national 2024-25: National costs of 2024-25" in shown
    assert "district_nursing" in shown
    assert "CC BY-NC-SA 4.0" in shown


def test_prices_are_shown_by_code_and_day(prices, local):
    local(NURSE, options=["--to", "2025-03-31"])
    local(changed(NURSE, "65.1234"), options=["--from", "2025-04-01"])
    shown = prices("show", "ours", "--setting", "community", "--point", "district_nursing", "--code", "N02").output
    assert "61.20" in shown and "65.1234" in shown and "ours: 2 of 2 prices" in shown
    shown = prices("show", "ours", "--on", "2025-04-01").output
    assert "61.20" not in shown and "65.1234" in shown and "ours: 1 of 2 prices" in shown


def test_lint_ends_with_one_where_a_run_would_refuse_the_book(prices, local, root):
    assert "national: 0 faults" in prices("lint").output
    local(NURSE)
    path = root / "prices" / "ours" / "price.csv"
    path.write_text(path.read_text().replace(",our contract,", ",,"))
    result = prices("lint", "ours", code=1)
    assert "fault    uncited: 1 rows have no source" in result.output
    assert "ours: 1 faults" in result.output


def test_books_are_compared(prices, local):
    local(changed(NURSE, "119.30"), options=["--like", "national"])
    result = prices("diff", "national", "ours", "--rows")
    assert "0 prices only in national, 0 only in ours, 1 changed" in result.output
    assert "+100.0" in result.output  # 119.30 after 59.65


@pytest.mark.parametrize("words", [("show", "absent"), ("lint", "absent"), ("diff", "national", "absent")])
def test_an_unknown_book_is_told_with_those_that_there_are(prices, local, words):
    local(NURSE)
    with pytest.raises(LinkedCareError, match=r"no book of this name\. There are national, ours"):
        prices(*words)
