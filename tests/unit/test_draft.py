"""A first contract for an unknown extract: types, codes, what is left out, and which feed it resembles."""

import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.feeds.draft import UNKNOWN, draft_contract, feed_named
from assets.feeds.profile import profile, read_extract, rounded_up
from assets.feeds.resemblance import resemblances
from cli.contract import app
from pipelines.errors import LinkedCareError
from schemas.contract import Contract, contracts, load

NHS_NUMBERS = ["9434765919", "9434765870", "9434765889", "9434765838", "9434765846", "9434765854"]


@pytest.fixture
def extract(tmp_path):
    """An extract of these columns, with its values repeated to so many rows."""

    def make(columns: dict[str, list[Any]], rows: int = 40, delimiter: str = ",", name: str = "extract.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="") as target:
            writer = csv.writer(target, delimiter=delimiter)
            writer.writerow(columns)
            for row in range(rows):
                writer.writerow([values[row % len(values)] for values in columns.values()])
        return path

    return make


@pytest.fixture
def drafted(tmp_path, extract):
    """The draft of an extract, as text and as the contract that it makes."""

    def make(columns: dict[str, list[Any]], known: dict[str, Contract] | None = None, **how: Any):
        made = draft_contract("sent", "extract.csv", read_extract(extract(columns, **how)), known or {})
        path = tmp_path / "sent.odcs.yaml"
        path.write_text(made.text)
        return made, load(path)

    return make


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "20", "-3"], "INTEGER"),
        (["01", "20"], "VARCHAR"),
        (["1e3", "20"], "VARCHAR"),
        (["9999999999", "20"], "VARCHAR"),
        (["10.50", "3"], "DECIMAL(12,2)"),
        (["12345678901234.5", "3"], "DECIMAL(15,1)"),
        (["2024-04-01", "2024-04-30"], "DATE"),
        (["01/04/2024", "30/04/2024"], "DATE"),
        (["20240401", "20240430"], "DATE"),
        (["2024-4-1", "2024-04-30"], "VARCHAR"),
        (["seen", "heard"], "VARCHAR"),
    ],
)
def test_a_type_is_one_that_the_text_has_without_loss(extract, values, kind):
    assert profile(read_extract(extract({"Cell": values, "Other": ["x"]})), "Cell").type == kind


def test_a_few_odd_cells_do_not_change_the_type(drafted):
    made, contract = drafted(
        {"Minutes": [*["17"] * 99, "q7secret"], "Seen": [*["2024-04-01"] * 98, "x", "y"]}, rows=100
    )
    assert [column.physical_type for column in contract.columns] == ["INTEGER", "VARCHAR"]
    assert contract.columns[0].options == {"minimum": 0, "maximum": 20}
    assert "1 not of the type" in made.text
    assert "q7secret" not in made.text


def test_days_say_how_they_are_written(drafted):
    _, contract = drafted({"Seen on": ["01/04/2024", "30/04/2024"], "Left on": ["20240401", "20240430"]})
    assert contract.own_dialect.date_formats == ("%d/%m/%Y", "%Y%m%d")
    assert [column.physical_type for column in contract.columns] == ["DATE", "DATE"]


def test_few_codes_become_a_list_without_the_rare_ones(drafted):
    made, contract = drafted({"Mode": [*["seen"] * 20, *["heard"] * 20, *["guessed"] * 9]}, rows=49)
    assert contract.columns[0].values == ("heard", "seen")
    assert "guessed" not in made.text
    assert "1 more codes, each on fewer than 10 rows, are not shown" in made.text


def test_ten_rows_are_enough_for_a_code(drafted):
    _, contract = drafted({"Mode": [*["seen"] * 30, *["read"] * 10]}, rows=40)
    assert contract.columns[0].values == ("read", "seen")


@pytest.mark.parametrize(
    "header", ["Patient_ID", "Der_Pseudo", "TOKEN_PERSON", "RecordNumber", "episode key", "Patient"]
)
def test_a_column_of_identifiers_shows_no_value(drafted, header):
    made, contract = drafted({header: ["zq81", "zq82"], "Mode": ["seen"]})
    assert "zq8" not in made.text
    assert contract.columns[0].values == ()
    assert contract.columns[0].physical_type == "VARCHAR"


def test_numbers_show_rounded_bounds_alone(drafted):
    made, contract = drafted({"Minutes": ["17", "83"], "Change": ["-3.75", "12.25"]})
    assert [column.options for column in contract.columns] == [
        {"minimum": 0, "maximum": 100},
        {"minimum": -5, "maximum": 20},
    ]
    assert "83" not in made.text
    assert "3.75" not in made.text


@pytest.mark.parametrize(
    ("number", "bound"), [(0, 0), (-4, 0), (0.2, 1), (1, 1), (3, 5), (50, 50), (51, 100), (999, 1000)]
)
def test_bounds_are_rounded_upwards(number, bound):
    assert rounded_up(number) == bound


def test_words_for_missing_values_are_told_and_read_as_missing(drafted):
    made, contract = drafted({"Minutes": ["17", "NULL"], "Mode": ["seen", ""]})
    assert contract.missing_texts == ("NULL",)
    assert contract.columns[0].physical_type == "INTEGER"
    assert not contract.columns[0].required
    assert made.text.count("50% missing") == 2


def test_a_column_that_names_identifiers_is_left_out(drafted):
    made, contract = drafted({"Date of Birth": ["1950-03-04"], "Mode": ["seen"]})
    assert [column.name for column in contract.columns] == ["mode"]
    assert any("Date of Birth (date of birth)" in note for note in made.notes)
    assert "1950" not in made.text


def test_a_column_that_holds_identifiers_is_left_out(drafted):
    made, contract = drafted({"Local": NHS_NUMBERS, "Mode": ["seen"]}, rows=48)
    assert [column.name for column in contract.columns] == ["mode"]
    assert any("Local (NHS numbers)" in note for note in made.notes)
    assert not any(number in made.text for number in NHS_NUMBERS)


def test_a_file_without_headers_is_not_drafted(extract):
    path = extract({"17": ["17"], "2024-04-01": ["2024-04-02"], "seen": ["heard"]})
    with pytest.raises(LinkedCareError, match="its first row holds values") as told:
        read_extract(path)
    assert "2024" not in str(told.value)
    held = read_extract(extract({"seen": ["heard"], "9434765919": ["9434765919"], "x": ["y"]}))
    with pytest.raises(LinkedCareError, match="its first row holds values"):
        draft_contract("sent", "extract.csv", held, {})


def test_nothing_is_drafted_from_identifiers_alone(extract):
    held = read_extract(extract({"Postcode": ["TA1 1AA"]}))
    with pytest.raises(LinkedCareError, match="Nothing is left to draft"):
        draft_contract("sent", "extract.csv", held, {})


def test_the_nearest_feed_is_told_with_its_dialect_and_columns(drafted, visit):
    columns = {"VISIT": ["a1", "a2"], "date": ["01/04/2024"], "Mode": ["seen", "read"], "Ward": ["x"]}
    made, contract = drafted(columns, {"visit": visit})
    assert made.notes[0] == (
        "resembles visit (dialect own): 0.43, 3 headers shared, 3 of the same type:"
        " VISIT = visit_id, date = visit_date, Mode = mode"
    )
    assert [column.name for column in contract.columns] == ["visit_id", "visit_date", "mode", "ward"]
    assert [column.description for column in contract.columns] == ["The visit.", "The day.", "How.", UNKNOWN]
    assert contract.columns[2].values == ("read", "seen", "heard")


def test_headers_alone_count_half(extract, visit):
    columns = {"Minutes": ["x", "y"], "Price": ["x", "y"]}
    held = read_extract(extract(columns))
    found = resemblances([profile(held, header) for header in columns], {"visit": visit})
    assert found[0].score == pytest.approx(2 / 7 * (1 + 0) / 2)


def test_roles_come_from_a_feed_that_is_alike(drafted, visit):
    columns = {"Visit": ["a1"], "Pseudonym": ["p"], "Provider": ["RA1"], "Date": ["2024-04-01"], "Price": ["1.50"]}
    _, contract = drafted(columns, {"visit": visit})
    assert contract.record_key == ("visit_id",)
    assert (contract.provider_column, contract.price_column) == ("provider_code", "price")
    assert contract.columns[1].classification == "pseudonym"


def test_a_known_header_that_is_written_otherwise_keeps_its_own_type(drafted, visit):
    made, contract = drafted({"Minutes": ["half an hour", "an hour"], "Mode": ["seen"]}, {"visit": visit})
    assert contract.columns[0].physical_type == "VARCHAR"
    assert "Not written like minutes of a known feed, which is INTEGER." in made.text


def test_no_two_columns_get_one_name(drafted):
    _, contract = drafted({"Seen by": ["x"], "seen_by": ["y"], "delivery_id": ["z"], "1st": ["w"]})
    assert [column.name for column in contract.columns] == ["seen_by", "seen_by_2", "delivery_id_2", "x_1st"]


def test_a_feed_can_be_named_after_any_file():
    assert [feed_named(name) for name in ("APCS_202404", "24 visits", "-")] == ["apcs_202404", "x_24_visits", "unnamed"]


def test_parquet_is_read_as_text(tmp_path):
    path = tmp_path / "extract.parquet"
    pl.DataFrame({"Minutes": [17, 83], "Mode": ["seen", None]}).write_parquet(path)
    held = read_extract(path)
    assert profile(held, "Minutes").type == "INTEGER"
    assert profile(held, "Mode").filled == 1


def test_another_encoding_is_read_when_told(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_bytes("Mode,Fee £\nseen £,1\n".encode("cp1252"))
    assert read_extract(path, encoding="cp1252").rows.columns == ["Mode", "Fee £"]
    for encoding in ("utf-8", "no such encoding"):
        with pytest.raises(LinkedCareError, match="cannot be read as CSV or parquet"):
            read_extract(path, encoding=encoding)


def test_what_cannot_be_read_is_told_without_a_cell(tmp_path, extract):
    with pytest.raises(LinkedCareError, match="is no file"):
        read_extract(tmp_path / "nothing.csv")
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("Mode,Ward\nsecret,b,c\n")
    with pytest.raises(LinkedCareError, match="cannot be read as CSV or parquet") as told:
        read_extract(ragged)
    assert "secret" not in str(told.value)
    with pytest.raises(LinkedCareError, match="holds no rows"):
        read_extract(extract({"Mode": ["x"]}, rows=0))
    twice = tmp_path / "twice.csv"
    twice.write_text("Mode,Mode\na,b\n")
    with pytest.raises(LinkedCareError, match="1 headers twice"):
        read_extract(twice)


def test_the_command_prints_a_contract_and_says_what_it_resembles(extract, tmp_path):
    apc = contracts()["apc_spell"]
    path = extract({column.header: ["x"] for column in apc.columns}, delimiter="\t")
    printed = CliRunner().invoke(app, ["draft", str(path), "--delimiter", "\\t"])
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.startswith("# Drafted from 40 rows of extract.csv.")
    assert "resembles apc_spell" in printed.stderr
    target = tmp_path / "fresh.odcs.yaml"
    written = CliRunner().invoke(app, ["draft", str(path), "--delimiter", "\\t", "--to", str(target)])
    assert written.exit_code == 0, written.output
    assert load(target).feed == "fresh"
    again = CliRunner().invoke(app, ["draft", str(path), "--delimiter", "\\t", "--to", str(target)])
    assert isinstance(again.exception, LinkedCareError)
