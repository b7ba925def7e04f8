"""Loading code lists for conditions: layouts, what can be no code, what a run makes of them."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.morbidity.code_files import is_snomed_concept, read_code_file
from assets.morbidity.codes import build_with_own, load_codes, loaded_files, read_loaded, with_own
from assets.reference import read_reference
from cli.main import app
from pipelines.errors import LinkedCareError
from pipelines.home import Home
from schemas.morbidity import CONDITION, CONDITION_ICD10, CONDITION_LIST_MEMBER, CONDITION_SNOMED

CITED = {"source": "a list", "vintage": "2025-01", "licence": "a licence"}
DIABETES, ASTHMA, FRAILTY, SYSTOLIC = "73211009", "195967001", "248279007", "271649006"
OPENCODELISTS = f"code,term\n{DIABETES},Diabetes mellitus\n{ASTHMA},Asthma\n"

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a file of codes."""

    def write(text: str, name: str = "codes.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def rf2(*members: tuple[str, str, str, str]) -> str:
    """A reference set file: date, active, reference set, component."""
    head = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\r\n"
    return head + "".join(
        f"{place}\t{day}\t{active}\t1\t{refset}\t{code}\r\n"
        for place, (day, active, refset, code) in enumerate(members)
    )


def refusal(*arguments: object, **named: object) -> str:
    """What loading is refused with."""
    with pytest.raises(LinkedCareError) as refused:
        load_codes(*arguments, **CITED | named)  # type: ignore[arg-type]
    return str(refused.value)


@pytest.mark.parametrize("code", [DIABETES, ASTHMA, FRAILTY, SYSTOLIC, "138875005", "900000000000207008"])
def test_published_concepts_pass_the_check_digit(code: str) -> None:
    assert is_snomed_concept(code)


def test_every_shipped_concept_passes() -> None:
    assert all(map(is_snomed_concept, read_reference(CONDITION_SNOMED)["snomed_code"]))


@pytest.mark.parametrize("code", [DIABETES, ASTHMA, "900000000000207008"])
def test_no_single_wrong_digit_passes(code: str) -> None:
    wrong = [
        code[:place] + other + code[place + 1 :]
        for place in range(len(code))
        for other in "0123456789"
        if other != code[place]
    ]
    assert len(wrong) == 9 * len(code)
    assert not any(map(is_snomed_concept, wrong))


def test_neighbours_that_changed_places_do_not_pass() -> None:
    for place in range(len(ASTHMA) - 1):
        if ASTHMA[place] != ASTHMA[place + 1]:
            assert not is_snomed_concept(ASTHMA[:place] + ASTHMA[place + 1] + ASTHMA[place] + ASTHMA[place + 2 :])


@pytest.mark.parametrize("code", ["", "12345", "1.95967E+08", "0195967001", "680946014", "E119", "1959670011959670011"])
def test_what_is_no_concept_does_not_pass(code: str) -> None:
    assert not is_snomed_concept(code)  # 680946014 is a description


@pytest.mark.parametrize(
    "text",
    [
        OPENCODELISTS,
        f"\N{BOM}code,term\n{DIABETES},Diabetes mellitus\n{ASTHMA},Asthma\n\n",
        f"code\tterm\r\n{DIABETES}\tDiabetes mellitus\r\n{ASTHMA}\tAsthma\r\n",
        f'term,extra,SNOMED_code\n"Diabetes mellitus",1,{DIABETES}\nAsthma,2, {ASTHMA} \nAsthma,3,{ASTHMA}\n',
        f"{DIABETES},Diabetes mellitus\n{ASTHMA},Asthma\n",
    ],
)
def test_lists_of_codes_and_terms_are_read(save: Save, text: str) -> None:
    read = read_code_file(save(text), None)
    assert read.rows() == [(None, ASTHMA, "Asthma"), (None, DIABETES, "Diabetes mellitus")]


def test_active_members_of_a_reference_set_are_read_by_their_latest_version(save: Save) -> None:
    path = save(
        rf2(
            ("20230101", "1", "999", DIABETES),
            ("20240101", "0", "999", DIABETES),
            ("20240101", "1", "999", ASTHMA),
            ("20230101", "0", "999", ASTHMA),
            ("20240101", "1", "888", FRAILTY),
        ),
        "der2_Refset_SimpleFull.txt",
    )
    assert read_code_file(path, "999")["code"].to_list() == [ASTHMA]
    assert read_code_file(path, "888")["code"].to_list() == [FRAILTY]


@pytest.mark.parametrize(
    ("refset", "told"),
    [(None, "has 2 reference sets. Choose one by --refset"), ("777", "has 2 reference sets, and not the one named")],
)
def test_of_several_reference_sets_one_is_chosen(save: Save, tmp_path: Path, refset: str | None, told: str) -> None:
    path = save(rf2(("20240101", "1", "999", ASTHMA), ("20240101", "1", "888", FRAILTY)))
    assert told in refusal(tmp_path, path, "asthma", None, refset=refset)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"code,term\n{DIABETES},a\n{ASTHMA[:-1]}2,b\n", "1 of 2 codes are no SNOMED CT concepts"),
        ("code,term\n7.3E+07,a\n73211008,b\n", "2 of 2 codes are no SNOMED CT concepts"),
        (f"code,term\n{DIABETES},a\nE11,b\n", "1 of 2 codes are no SNOMED CT concepts"),
        (f"code,term\n{DIABETES},a\n,b\n", "1 of 2 codes are no SNOMED CT concepts"),
        ("code,term\nE11,a\nE1,b\nEE1,c\n", "2 of 3 codes are no ICD-10 codes"),
        ("code,term\nE11,a\nM05.901,b\nMX59,c\n", "2 of 3 codes are no ICD-10 codes"),
        ("Name,Size,Colour\na,b,c\n", "is in no layout known"),
        ("Name,Size\na,b\n", "is in no layout known"),
        ("", "is empty"),
        ("code,term\n", "has no code in it"),
        (f"code,term\n{DIABETES}\n", "1 lines have not 2 columns"),
        (rf2(("20240101", "0", "999", ASTHMA)), "has no code in it"),
    ],
)
def test_what_cannot_be_relied_on_is_refused_in_one_line_without_a_code(
    save: Save, tmp_path: Path, text: str, told: str
) -> None:
    message = refusal(tmp_path, save(text), "dm", None)
    assert told in message
    assert "\n" not in message
    assert not any(cell in message for cell in (DIABETES, ASTHMA[:-1], "E1,", "M05", "7.3E"))
    assert loaded_files(tmp_path) == []


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path, tmp_path / "none.csv", "dm", None)


@pytest.mark.parametrize(
    ("condition", "condition_list", "name", "told"),
    [
        (None, None, None, "for what?"),
        ("Diabetes!", None, None, "--condition: is no name"),
        (None, "My list", None, "--list: is no name"),
        ("obesity", None, None, "2 codes are for conditions that are not in the table condition"),
        (None, "qof", None, "2 codes name no condition"),
        ("dm", None, "Diabetes", "--name: is for a --condition of your own"),
        (None, "qof", "Diabetes", "--name: is for a --condition of your own"),
    ],
)
def test_codes_without_a_condition_that_is_known_are_refused(
    save: Save, tmp_path: Path, condition: str | None, condition_list: str | None, name: str | None, told: str
) -> None:
    assert told in refusal(tmp_path, save(OPENCODELISTS), condition, condition_list, name=name)


def test_icd10_codes_are_kept_as_feeds_have_them(save: Save, tmp_path: Path) -> None:
    load_codes(tmp_path, save("icd10,term\ne11.9,a\nI10X,b\nE11,c\nE119,d\nM45X9,e\nM05.90,f\n"), "dm", None, **CITED)
    assert read_loaded(tmp_path)["code"].to_list() == ["E11", "E119", "I10", "M0590", "M45X9"]


def test_loaded_codes_stand_beside_the_shipped_ones(save: Save, home: Home) -> None:
    shipped = {table.name: read_reference(table).height for table in (CONDITION_SNOMED, CONDITION_ICD10)}
    known = read_reference(CONDITION_SNOMED).filter(condition_code="dm")["snomed_code"][0]
    load_codes(home.root, save(f"code,term\n{known},again\n{FRAILTY},new\n"), "dm", None, **CITED)
    load_codes(home.root, save("code,term\nE11,again\nR54,new\n"), "dm", None, **CITED)
    for table, code in ((CONDITION_SNOMED, FRAILTY), (CONDITION_ICD10, "R54")):
        build_with_own(home.store, home.root, table)
        built = home.store.frame(table.name)
        [row] = built.filter(pl.nth(1) == code).rows(named=True)
        assert (row["condition_code"], row["source"]) == ("dm", "a list, 2025-01 (a licence)")
        assert built.height == shipped[table.name] + 1
        assert not built.select(table.key).is_duplicated().any()


def test_a_changed_file_rebuilds_and_a_removed_one_takes_its_codes_out(save: Save, home: Home) -> None:
    def codes() -> set[str]:
        build_with_own(home.store, home.root, CONDITION_SNOMED)
        return set(home.store.frame("condition_snomed").filter(condition_code="dm")["snomed_code"])

    before = codes()
    load_codes(home.root, save(f"code,term\n{FRAILTY},a\n"), "dm", None, **CITED)
    assert codes() == before | {FRAILTY}
    assert not build_with_own(home.store, home.root, CONDITION_SNOMED).computed
    load_codes(home.root, save(f"code,term\n{SYSTOLIC},a\n"), "dm", None, **CITED)
    assert codes() == before | {SYSTOLIC}
    [path] = loaded_files(home.root)
    path.unlink()
    assert codes() == before


def test_a_condition_of_ones_own_is_counted_by_a_list(save: Save, home: Home) -> None:
    load_codes(home.root, save(f"code,term\n{FRAILTY},a\n"), "obesity", "qof", name="Obesity", **CITED)
    condition = with_own(home.root, CONDITION)
    assert condition.filter(condition_code="obesity").rows() == [("obesity", "Obesity", "own")]
    members = with_own(home.root, CONDITION_LIST_MEMBER).filter(condition_list="qof")
    assert members.filter(condition_code="obesity")["counted_as"].to_list() == ["obesity"]
    assert with_own(home.root, CONDITION_SNOMED).filter(condition_code="obesity").height == 1
    load_codes(home.root, save("code,term\nE66,a\n"), "obesity", None, **CITED)  # known from now on
    assert with_own(home.root, CONDITION_ICD10).filter(condition_code="obesity")["icd10_prefix"].to_list() == ["E66"]


def test_a_list_names_its_conditions_in_a_column(save: Save, home: Home) -> None:
    text = f"condition_code,code,term\ndm,{DIABETES},a\nasthma,{ASTHMA},b\ndm,{FRAILTY},c\n"
    load_codes(home.root, save(text), None, "ours", **CITED)
    members = with_own(home.root, CONDITION_LIST_MEMBER).filter(condition_list="ours")
    assert members["condition_code"].to_list() == ["asthma", "dm"]


@pytest.mark.parametrize("text", ["", "condition_code,code\ndm,1\n", "\x00\xff"])
def test_a_file_edited_by_hand_stops_the_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "condition-dm-snomed.csv").write_text(text)
    with pytest.raises(LinkedCareError, match="is not as it was loaded"):
        with_own(tmp_path, CONDITION_SNOMED)


def test_codes_of_a_condition_that_is_gone_stop_the_run(save: Save, tmp_path: Path) -> None:
    load_codes(tmp_path, save(f"code,term\n{FRAILTY},a\n"), "obesity", None, name="Obesity", **CITED)
    load_codes(tmp_path, save("code,term\nE66,a\n"), "obesity", None, **CITED)
    (tmp_path / "codes" / "condition-obesity-snomed.csv").unlink()
    with pytest.raises(LinkedCareError, match="1 codes are for conditions that are unknown"):
        with_own(tmp_path, CONDITION_ICD10)


def test_the_command_loads_and_shows(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKED_CARE_HOME", str(tmp_path / "home"))
    path = save(OPENCODELISTS)
    load = ["codes", "load", str(path), "--condition", "dm", "--source", "OpenCodelists", "--vintage", "2025-01"]
    loaded = CliRunner().invoke(app, [*load, "--list", "ours"])
    assert loaded.exit_code == 0, loaded.output
    assert "snomed: 2 codes of 1 conditions loaded, counted by ours" in loaded.output
    shown = CliRunner().invoke(app, ["codes", "show"], env={"COLUMNS": "200"})
    assert all(text in shown.output for text in ("snomed", "dm", "ours", "OpenCodelists", "1 files in codes/"))
