"""Loading the official files of practices and small areas: their layouts, what is refused, what a run makes of them."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.linkage.places import build_places, load_places, loaded_file, read_loaded
from cli.main import app
from pipelines.errors import LinkedCareError
from pipelines.home import Home
from schemas.places import LSOA, PRACTICE

CITED = ("a publication", "2025-01", "a licence")
RANK = "Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived)"
DECILE = "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)"
FILE_1 = [
    "LSOA code (2011)",
    "LSOA name (2011)",
    "Local Authority District code (2019)",
    "Local Authority District name (2019)",
    RANK.removesuffix(" (where 1 is most deprived)"),
    DECILE.removesuffix(" (where 1 is most deprived 10% of LSOAs)"),
]
FILE_7 = [
    "LSOA code (2021)",
    "LSOA name (2021)",
    "Local Authority District code (2024)",
    "Local Authority District name (2024)",
    "Index of Multiple Deprivation (IMD) Score",
    RANK,
    DECILE,
    "Income Score (rate)",
    "Income Decile (where 1 is most deprived 10% of LSOAs)",
]
LOOKUP = ["LSOA11CD", "LSOA21CD", "LSOA21NM", "LAD22CD", "LAD24CD", "LAD24NM", "ObjectId"]
NETWORK = [
    "Partner Organisation Code",
    "Partner Name",
    "Practice Parent Sub ICB Location Code",
    "Practice Parent Sub ICB Location Name",
    "PCN Code",
    "PCN Name",
    "PCN Parent Sub ICB Location Code",
    "PCN Parent Sub ICB Location Name",
    "Practice to PCN Relationship Start Date",
    "Practice to PCN Relationship End Date",
    "Practice Sub ICB and PCN Sub ICB Match?",
]

Rows = Sequence[Sequence[object]]
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a CSV file."""

    def write(name: str, rows: Rows, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding=encoding) as target:
            csv.writer(target).writerows(rows)
        return path

    return write


def practice(
    code: str, name: str = "A SURGERY", icb: str = "QSL", sub_icb: str = "11X", setting: str = "4"
) -> list[str]:
    """A line of epraccur: 27 columns without headers."""
    line = [""] * 27
    for place, value in {0: code, 1: name, 2: "Y58", 3: icb, 12: "A", 14: sub_icb, 25: setting}.items():
        line[place] = value
    return line


def load(root: Path, table: str, *files: Path, areas: Sequence[str] = ()) -> list[dict]:
    return load_places(root, table, files, areas, *CITED).to_dicts()


def only(rows: list[dict], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


def test_practices_come_without_headers_and_with_what_they_belong_to(tmp_path: Path, save: Save) -> None:
    epraccur = save(
        "epraccur.csv", [practice("L85002", sub_icb="92G"), practice("L85001", name="Café Practice")], "cp1252"
    )
    assert load(tmp_path, "practice", epraccur, areas=["11X"]) == [
        {
            "practice_code": "L85001",
            "practice_name": "Café Practice",
            "primary_care_network_code": None,
            "sub_icb_code": "11X",
            "icb_code": "QSL",
            "is_in_area": True,
            "source": "a publication",
            "vintage": "2025-01",
            "licence": "a licence",
        },
        {
            "practice_code": "L85002",
            "practice_name": "A SURGERY",
            "primary_care_network_code": None,
            "sub_icb_code": "92G",
            "icb_code": "QSL",
            "is_in_area": False,
            "source": "a publication",
            "vintage": "2025-01",
            "licence": "a licence",
        },
    ]


def test_what_is_no_general_practice_is_left_out_under_either_code(tmp_path: Path, save: Save) -> None:
    lines = [
        practice("L85001", setting="4"),
        practice("L85002", setting="RO76"),
        practice("L85003", setting="RO72|RO76"),
        practice("Y00001", setting="RO80"),
        practice("Y00002", setting="1"),
        practice("Y00003", setting="14"),
        practice("Y00004", setting=""),
    ]
    rows = load(tmp_path, "practice", save("epraccur.csv", lines))
    assert only(rows, "practice_code", "is_in_area") == [("L85001", None), ("L85002", None), ("L85003", None)]


def test_practices_come_with_headers_too(tmp_path: Path, save: Save) -> None:
    header = [f"Null {place}" for place in range(27)]
    names = {0: "Organisation Code", 1: "Name", 3: "High Level Health Geography", 14: "Commissioner"}
    for place, name in (names | {25: "Prescribing Setting"}).items():
        header[place] = name
    rows = load(tmp_path, "practice", save("report.csv", [header, practice("L85001")], "utf-8-sig"))
    assert only(rows, "practice_code", "sub_icb_code", "icb_code") == [("L85001", "11X", "QSL")]


@pytest.mark.parametrize("with_headers", [True, False])
def test_a_practice_has_the_network_that_it_has_not_left(tmp_path: Path, save: Save, with_headers: bool) -> None:
    members = [
        ["L85001", "", "", "", "U10001", "", "", "", "01/07/2019", "31/03/2022", "Yes"],
        ["L85001", "", "", "", "U10002", "", "", "", "01/04/2022", "", "Yes"],
        ["L85002", "", "", "", "U10001", "", "", "", "01/07/2019", "31/03/2022", "Yes"],
        ["L85003", "", "", "", "U10001", "", "", "", "01/07/2019", "", "Yes"],
        ["L85003", "", "", "", "U10002", "", "", "", "01/07/2020", "", "No"],
        ["L99999", "", "", "", "U10002", "", "", "", "01/07/2020", "", "No"],
    ]
    network = save("pcn.csv", [NETWORK, *members] if with_headers else members)
    epraccur = save("epraccur.csv", [practice(f"L8500{last}") for last in "123"])
    rows = load(tmp_path, "practice", network, epraccur, areas=["U10002"])
    assert only(rows, "practice_code", "primary_care_network_code", "is_in_area") == [
        ("L85001", "U10002", True),
        ("L85002", None, False),
        ("L85003", None, False),
    ]


def test_deprivation_of_2025_has_score_rank_and_decile(tmp_path: Path, save: Save) -> None:
    lines = [
        ["E01000002", "City 001B", "E09000001", "City of London", "4.1", "33,000", "10", "0.1", "9"],
        ["E01000001", "City 001A", "E09000002", "Elsewhere", "92.75", "1", "1", "0.3", "2"],
    ]
    rows = load(tmp_path, "lsoa", save("File_7.csv", [FILE_7, *lines]), areas=["E09000001"])
    names = (
        "lsoa_code",
        "local_authority_code",
        "deprivation_score",
        "deprivation_rank",
        "deprivation_decile",
        "is_in_area",
    )
    assert only(rows, *names) == [
        ("E01000001", "E09000002", 92.75, 1, 1, False),
        ("E01000002", "E09000001", 4.1, 33_000, 10, True),
    ]


def test_deprivation_of_2019_has_no_score_and_the_lookup_names_the_authority(tmp_path: Path, save: Save) -> None:
    deprivation = save(
        "File_1.csv",
        [
            FILE_1,
            ["E01000001", "South Somerset 001A", "E07000189", "South Somerset", "16,422", "5"],
            ["E01000002", "South Somerset 001B", "E07000189", "South Somerset", "26000", "8"],
        ],
    )
    lookup = save(
        "lookup.csv",
        [
            LOOKUP,
            ["E01000001", "E01000001", "Somerset 001A", "E07000189", "E06000066", "Somerset", "1"],
            ["E01000009", "E01000001", "Somerset 001A", "E07000189", "E06000066", "Somerset", "2"],
            ["W01000003", "W01000003", "Cardiff 001A", "W06000015", "W06000015", "Cardiff", "3"],
        ],
    )
    rows = load(tmp_path, "lsoa", lookup, deprivation, areas=["E06000066"])
    names = ("lsoa_code", "lsoa_name", "local_authority_code", "deprivation_rank", "deprivation_decile", "is_in_area")
    assert only(rows, *names) == [
        ("E01000001", "Somerset 001A", "E06000066", 16_422, 5, True),
        ("E01000002", "South Somerset 001B", "E07000189", 26_000, 8, False),
        ("W01000003", "Cardiff 001A", "W06000015", None, None, False),
    ]


def area(code: str = "E01000001", score: str = "1.5", rank: str = "7", decile: str = "1") -> list[str]:
    return [code, "An area", "E09000001", "A city", score, rank, decile, "0.1", "9"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([area(), area("E01000002", decile="0")], "1 rows have a decile that is not 1 to 10"),
        ([area(decile="11"), area("E01000002", decile="11")], "2 rows have a decile that is not 1 to 10"),
        ([area(decile="high")], "1 rows have no number in deprivation_decile"),
        ([area(decile="2.5")], "1 rows have no number in deprivation_decile"),
        ([area(rank="")], "1 rows have no number in deprivation_rank"),
        ([area(score="secret")], "1 rows have no number in deprivation_score"),
        ([area(), area(rank="8")], "2 rows repeat a lsoa_code"),
        ([area("E02000001"), area("")], "2 rows have no lsoa_code of the right form"),
        ([area()[:-1]], "1 lines have not 9 columns"),
        ([], "has no lsoa in it"),
    ],
)
def test_deprivation_that_cannot_be_relied_on_is_refused(tmp_path: Path, save: Save, lines: Rows, message: str) -> None:
    file = save("File_7.csv", [FILE_7, *lines])
    with pytest.raises(LinkedCareError) as refused:
        load(tmp_path, "lsoa", file)
    assert str(refused.value).startswith("File_7.csv: ")
    assert message in str(refused.value)
    assert not {"secret", "high", "E02000001"} & set(str(refused.value).replace(":", " ").split())
    assert not loaded_file(tmp_path, "lsoa").exists()


def test_practices_with_broken_or_repeated_codes_are_refused(tmp_path: Path, save: Save) -> None:
    with pytest.raises(LinkedCareError, match="1 rows have no practice_code of the right form"):
        load(tmp_path, "practice", save("epraccur.csv", [practice("L85001"), practice("L850")]))
    with pytest.raises(LinkedCareError, match="2 rows repeat a practice_code"):
        load(tmp_path, "practice", save("epraccur.csv", [practice("L85001"), practice("L85001", name="ANOTHER")]))


def test_files_that_do_not_belong_are_refused(tmp_path: Path, save: Save) -> None:
    epraccur, lookup = save("epraccur.csv", [practice("L85001")]), save("lookup.csv", [LOOKUP, ["E01000001"] * 7])
    network = save("pcn.csv", [NETWORK])
    for table, files, message in (
        ("lsoa", [epraccur], "epraccur.csv: is in no layout known for lsoa"),
        ("practice", [lookup], "lookup.csv: is in no layout known for practice"),
        ("practice", [save("empty.csv", [])], "empty.csv: is in no layout known"),
        ("practice", [tmp_path / "nowhere.csv"], "nowhere.csv: cannot be read"),
        ("practice", [epraccur, epraccur], "epraccur.csv: a second file of ODS general practices"),
        ("practice", [network], "pcn.csv: has no practice in it"),
    ):
        with pytest.raises(LinkedCareError, match=message):
            load(tmp_path, table, *files)
    members = save("pcn.csv", [NETWORK, ["L85001", "", "", "", "U10001", "", "", "", "01/07/2019", "", "Yes"]])
    with pytest.raises(LinkedCareError, match="practice: no file of ODS general practices"):
        load(tmp_path, "practice", members)


def test_an_area_that_no_file_has_is_refused(tmp_path: Path, save: Save) -> None:
    epraccur = save("epraccur.csv", [practice("L85001")])
    with pytest.raises(LinkedCareError, match="practice: 11Y, 92G is no sub_icb_code or icb_code or practice_code"):
        load(tmp_path, "practice", epraccur, areas=["11X", "11Y", "92G"])
    assert only(load(tmp_path, "practice", epraccur, areas=["L85001"]), "is_in_area") == [(True,)]


def test_tables_are_empty_until_loaded_and_built_again_only_for_other_rows(home: Home, save: Save) -> None:
    assert build_places(home.store, home.root, PRACTICE).rows == 0
    epraccur = save("epraccur.csv", [practice("L85001"), practice("L85002")])
    load(home.root, "practice", epraccur, areas=["L85002"])
    built = build_places(home.store, home.root, PRACTICE)
    assert (built.rows, built.computed) == (2, True)
    assert home.store.frame("practice")["is_in_area"].to_list() == [False, True]
    load(home.root, "practice", epraccur, areas=["L85002"])
    assert not build_places(home.store, home.root, PRACTICE).computed
    assert build_places(home.store, home.root, LSOA).rows == 0


def test_a_loaded_file_that_was_changed_by_hand_is_refused(tmp_path: Path, save: Save) -> None:
    load(tmp_path, "practice", save("epraccur.csv", [practice("L85001")]))
    path = loaded_file(tmp_path, "practice")
    assert read_loaded(tmp_path, "practice").height == 1
    for old, new in (("practice_code", "code"), ("L85001,A SURGERY,,11X,QSL,", "L85001,A SURGERY,,11X,QSL,perhaps")):
        whole = path.read_text()
        path.write_text(whole.replace(old, new))
        with pytest.raises(LinkedCareError, match=r"places/practice\.csv: is not as it was loaded. Load it again\.$"):
            read_loaded(tmp_path, "practice")
        path.write_text(whole)


def test_the_commands_load_and_show(tmp_path: Path, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKED_CARE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    epraccur = save("epraccur.csv", [practice("L85001"), practice("L85002", sub_icb="92G")])
    options = ["--source", "ODS", "--vintage", "2026-08-28", "--area", "11X"]
    run = CliRunner()
    assert "not loaded" in run.invoke(app, ["places", "show"]).stdout
    loaded = run.invoke(app, ["places", "load", "practice", str(epraccur), *options])
    assert loaded.stdout == "practice: 2 loaded, 1 of them in the area; the next run uses them\n"
    shown = run.invoke(app, ["places", "show"]).stdout
    assert all(word in shown for word in ("practice", "2026-08-28", "ODS", "Open Government Licence v3.0"))
    assert pl.read_csv(loaded_file(tmp_path / "home", "practice")).height == 2
