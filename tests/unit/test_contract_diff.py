"""What changed between two contracts, which changes break, and what may be released."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.contract import app
from pipelines.errors import LinkedCareError
from schemas import contract as contract_module
from schemas.contract import CONTRACTS, contracts, load
from schemas.contract_changes import changes
from schemas.contract_interface import interface
from schemas.contract_model import Contract, ContractColumn
from schemas.released import RELEASED, current_interfaces, problems, read_released, release

Edit = Callable[[dict[str, Any]], Any]


def table(document: dict[str, Any]) -> dict[str, Any]:
    return document["schema"][0]


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in table(document)["properties"] if item["name"] == name)


def own(item: dict[str, Any], name: str, value: Any) -> None:
    kept = [entry for entry in item.get("customProperties", []) if entry["property"] != name]
    item["customProperties"] = [*kept, {"property": name, "value": value}]


def drop(document: dict[str, Any], name: str) -> None:
    table(document)["properties"].remove(column(document, name))


def added(name: str, **more: Any) -> dict[str, Any]:
    plain = {"logicalType": "string", "physicalType": "VARCHAR", "required": False, "description": "New."}
    return {"name": name, "physicalName": name.title(), **plain, **more}


def with_dialects(document: dict[str, Any], **dialects: Any) -> None:
    own(table(document), "dialects", {"own": {"label": "own"}, **dialects})


@pytest.fixture
def base(visit_document: dict[str, Any]) -> dict[str, Any]:
    """The small feed with a second dialect."""
    with_dialects(visit_document, hes={"label": "HES", "dateFormats": ["%d/%m/%Y"]})
    own(column(visit_document, "mode"), "aliases", {"hes": "MODUS"})
    own(column(visit_document, "mode"), "localCodes", [{"code": "s", "means": "seen"}])
    own(column(visit_document, "minutes"), "rules", {"maximum": {"severity": "refuse", "maximumCount": 5}})
    return visit_document


@pytest.fixture
def found(base: dict[str, Any], write_contract: Callable[..., Path]) -> Callable[[Edit], list[tuple[bool, str, str]]]:
    """The changes that an edit of the small feed's contract makes."""

    def compare(edit: Edit) -> list[tuple[bool, str, str]]:
        before = interface(load(write_contract(base)))
        edit(base)
        return [
            (change.is_breaking, change.where, change.what)
            for change in changes(before, interface(load(write_contract(base))))
        ]

    return compare


BREAKING = {
    "a column removed": (lambda d: drop(d, "minutes"), "minutes", "was removed"),
    "a column renamed": (lambda d: column(d, "minutes").update(name="length"), "minutes", "was renamed to length"),
    "another type": (
        lambda d: column(d, "pseudonym").update(physicalType="DATE", logicalType="date"),
        "pseudonym",
        "type was VARCHAR, is DATE",
    ),
    "a narrower decimal": (
        lambda d: column(d, "price").update(physicalType="DECIMAL(12,1)"),
        "price",
        "type was DECIMAL(12,2), is DECIMAL(12,1)",
    ),
    "another unit": (lambda d: own(column(d, "price"), "unit", "pence"), "price", "unit was pounds, is pence"),
    "newly required": (
        lambda d: column(d, "mode").update(required=True),
        "visit.mode.required",
        "is a new rule: reject",
    ),
    "another header": (
        lambda d: column(d, "mode").update(physicalName="Modus"),
        "mode",
        "header in own was Mode, is Modus",
    ),
    "an alias removed": (
        lambda d: own(column(d, "mode"), "aliases", {}),
        "mode",
        "header in hes was MODUS, is Mode",
    ),
    "a code removed": (lambda d: column(d, "mode")["enum"].pop(), "visit.mode.enum", "code heard was removed"),
    "a local code removed": (
        lambda d: own(column(d, "mode"), "localCodes", []),
        "mode",
        "local code was removed: s means seen in every dialect, ..",
    ),
    "a list of codes": (
        lambda d: column(d, "pseudonym").update(enum=[{"value": "x"}]),
        "visit.pseudonym.enum",
        "is a new rule: reject, x",
    ),
    "another pattern": (
        lambda d: column(d, "provider_code").update(logicalTypeOptions={"pattern": "^RA1$"}),
        "visit.provider_code.pattern",
        "was ^R[A-Z][0-9]$, is ^RA1$",
    ),
    "a shorter length": (
        lambda d: column(d, "visit_id").update(logicalTypeOptions={"maxLength": 7}),
        "visit.visit_id.length",
        "was 8, is 7",
    ),
    "a higher minimum": (
        lambda d: column(d, "minutes")["logicalTypeOptions"].update(minimum=2),
        "visit.minutes.minimum",
        "was 1, is 2",
    ),
    "a lower maximum": (
        lambda d: column(d, "minutes")["logicalTypeOptions"].update(maximum=59),
        "visit.minutes.maximum",
        "was 60, is 59",
    ),
    "a severity raised": (
        lambda d: own(column(d, "minutes"), "rules", {"minimum": {"severity": "refuse", "maximumCount": 9},
                                                      "maximum": {"severity": "refuse", "maximumCount": 5}}),
        "visit.minutes.minimum",
        "severity was reject, is refuse",
    ),
    "a limit tightened": (
        lambda d: own(column(d, "minutes"), "rules", {"maximum": {"severity": "refuse", "maximumCount": 4}}),
        "visit.minutes.maximum",
        "rows that may break it: count was 5, is 4",
    ),
    "a missing value that is now refused": (
        lambda d: (own(column(d, "mode"), "missingValues", ["-"]),
                   own(column(d, "mode"), "rules", {"missing_value": {"severity": "refuse"}})),
        "visit.mode.missing_value",
        "is a new rule: refuse, -",
    ),
    "a missing value where every row needs one": (
        lambda d: own(column(d, "provider_code"), "missingValues", ["RX0"]),
        "provider_code",
        "missing value 'RX0' was added",
    ),
    "a dialect removed": (
        lambda d: (with_dialects(d), own(column(d, "mode"), "aliases", {})),
        "dialect hes",
        "was removed",
    ),
    "dates read otherwise": (
        lambda d: with_dialects(d, hes={"label": "HES", "dateFormats": ["%m/%d/%Y", "%d/%m/%Y"]}),
        "dialect hes",
        "dates were %d/%m/%Y, are %m/%d/%Y, %d/%m/%Y",
    ),
    "another record key": (
        lambda d: own(table(d), "recordKey", ["visit_id", "visit_date"]),
        "the feed",
        "record key was visit_id, is visit_id, visit_date",
    ),
    "another submission rule": (
        lambda d: (
            own(table(d), "submissionRule", "snapshot"),
            own(table(d), "expected", {"rhythm": "snapshot", "dueDays": 18}),
        ),
        "the feed",
        "submission rule was period, is snapshot",
    ),
    "another predicate": (
        lambda d: table(d)["quality"][0].update(implementation="visit_date < period_start"),
        "visit.outside_period",
        "was visit_date < period_start OR visit_date > period_end, is visit_date < period_start",
    ),
    "a new rule that rejects": (
        lambda d: table(d)["quality"].append({**table(d)["quality"][0], "name": "late"}),
        "visit.late",
        "is a new rule: reject, visit_date < period_start OR visit_date > period_end",
    ),
    "a column that files must carry": (
        lambda d: table(d)["properties"].append(added("ward")),
        "ward",
        "was added, and files of hes, own are refused without it",
    ),
}  # fmt: skip

COMPATIBLE = {
    "a column that files may lack": (
        lambda d: table(d)["properties"].append(
            added("ward", customProperties=[{"property": "mayBeAbsent", "value": True}])
        ),
        "ward",
        "was added",
    ),
    "a wider decimal": (
        lambda d: column(d, "price").update(physicalType="DECIMAL(14,3)"),
        "price",
        "type was DECIMAL(12,2), is DECIMAL(14,3)",
    ),
    "no longer required": (
        lambda d: column(d, "provider_code").update(required=False),
        "visit.provider_code.required",
        "was removed",
    ),
    "a code added": (
        lambda d: column(d, "mode")["enum"].append({"value": "read"}),
        "visit.mode.enum",
        "code read was added",
    ),
    "a missing value added": (
        lambda d: own(column(d, "minutes"), "missingValues", ["999"]),
        "minutes",
        "missing value '999' was added",
    ),
    "a dialect added": (
        lambda d: with_dialects(d, hes={"label": "HES", "dateFormats": ["%d/%m/%Y"]}, udal={"label": "UDAL"}),
        "dialect udal",
        "was added",
    ),
    "one more form of dates": (
        lambda d: with_dialects(d, hes={"label": "HES", "dateFormats": ["%d/%m/%Y", "%Y%m%d"]}),
        "dialect hes",
        "dates were %d/%m/%Y, are %d/%m/%Y, %Y%m%d",
    ),
    "a wider range": (
        lambda d: column(d, "minutes")["logicalTypeOptions"].update(maximum=90),
        "visit.minutes.maximum",
        "was 60, is 90",
    ),
    "a severity lowered": (
        lambda d: own(column(d, "minutes"), "rules", {"maximum": {"severity": "warn", "maximumCount": 5}}),
        "visit.minutes.maximum",
        "severity was refuse, is warn",
    ),
    "a rule that warns": (
        lambda d: table(d)["quality"].append({**table(d)["quality"][0], "name": "late", "severity": "warn"}),
        "visit.late",
        "is a new rule: warn, visit_date < period_start OR visit_date > period_end",
    ),
    "another role": (
        lambda d: own(table(d), "providerColumn", "mode"),
        "the feed",
        "provider column was provider_code, is mode",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_found(found, name):
    edit, where, what = BREAKING[name]
    assert (True, where, what) in found(edit)


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_compatible_change_is_found_alone(found, name):
    edit, where, what = COMPATIBLE[name]
    assert found(edit) == [(False, where, what)]


def test_an_unchanged_contract_has_no_changes(found):
    assert found(lambda document: None) == []


def test_a_header_in_other_letters_is_the_same(found):
    assert found(lambda d: column(d, "price").update(physicalName=" PRICE")) == []


def test_the_order_of_codes_says_nothing(found):
    assert found(lambda d: column(d, "mode")["enum"].reverse()) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: (column(d, "mode")["enum"].pop(), column(d, "mode")["enum"].append({"value": "HEARD"}),
                   own(column(d, "mode"), "caseless", True)),
        lambda d: (column(d, "mode")["enum"].pop(),
                   own(column(d, "mode"), "localCodes", [{"code": "s", "means": "seen"},
                                                         {"code": "heard", "means": "seen"}])),
    ],
)  # fmt: skip
def test_a_code_that_is_still_understood_may_leave_the_list(found, edit):
    told = found(edit)
    assert (False, "visit.mode.enum", "code heard was removed") in told
    assert not any(is_breaking for is_breaking, _, _ in told)


def test_every_attribute_of_a_column_is_compared_or_known_to_be_words(visit):
    words = {"name", "description", "labels"}
    of_rules = {"required", "values", "options", "severities", "limits"}
    as_such = {"physical_type", "unit", "classification", "may_be_absent", "is_caseless", "missing_values"}
    headers = {"header", "aliases", "local_codes"}
    assert {one.name for one in fields(ContractColumn)} == words | of_rules | as_such | headers
    assert set(interface(visit)["columns"]["mode"]) == {
        "type", "unit", "classification", "headers", "may_be_absent", "caseless", "missing_values", "local_codes",
    }  # fmt: skip


@pytest.fixture
def edited(base, write_contract) -> Callable[..., dict[str, Contract]]:
    """The small feed as the one contract, after an edit."""

    def make(edit: Edit = lambda document: None, version: str = "1.0.0") -> dict[str, Contract]:
        edit(base)
        base["version"] = version
        return {"visit": load(write_contract(base))}

    return make


def test_what_was_released_has_no_problems(tmp_path, edited):
    path = tmp_path / RELEASED
    assert release(path, edited()) == ["visit"]
    assert problems(read_released(path), current_interfaces(edited())) == []
    assert release(path, edited()) == []


def test_a_breaking_change_needs_a_higher_major_version(tmp_path, edited):
    path = tmp_path / RELEASED
    release(path, edited())
    before = path.read_bytes()
    narrowed = edited(BREAKING["a code removed"][0], "1.1.0")
    told = "visit: 1 breaking changes since version 1.0.0, now 1.1.0. Take them back, or raise the version to 2.0.0."
    assert problems(read_released(path), current_interfaces(narrowed)) == [told]
    with pytest.raises(LinkedCareError, match="raise the version to 2"):
        release(path, narrowed)
    assert path.read_bytes() == before
    raised = edited(version="2.0.0")
    assert problems(read_released(path), current_interfaces(raised)) == [
        "visit: 1 changes are not released yet. Run `linked-care contract release`."
    ]
    assert release(path, raised) == ["visit"]


def test_a_compatible_change_is_to_be_released(tmp_path, edited):
    path = tmp_path / RELEASED
    release(path, edited())
    widened = edited(COMPATIBLE["a code added"][0])
    assert problems(read_released(path), current_interfaces(widened)) == [
        "visit: 1 changes are not released yet. Run `linked-care contract release`."
    ]


def test_a_feed_that_is_new_or_gone_is_told(tmp_path, edited):
    path = tmp_path / RELEASED
    assert problems({}, current_interfaces(edited())) == [
        "visit: was not released yet. Run `linked-care contract release`."
    ]
    release(path, edited())
    assert "has no contract, and was released" in problems(read_released(path), {})[0]
    with pytest.raises(LinkedCareError, match="--retire visit"):
        release(path, {})
    assert release(path, {}, ["visit"]) == ["visit"]
    assert read_released(path) == {}
    with pytest.raises(LinkedCareError, match="not released, or its contract still stands"):
        release(path, edited(), ["visit"])


def test_a_version_goes_up_only_and_is_three_numbers(tmp_path, edited):
    path = tmp_path / RELEASED
    release(path, edited())
    with pytest.raises(LinkedCareError, match=r"version 0\.9\.0 is lower than 1\.0\.0"):
        release(path, edited(version="0.9.0"))
    with pytest.raises(LinkedCareError, match="version two is not three numbers"):
        release(path, edited(version="two"))


def test_a_damaged_release_file_is_told(tmp_path):
    (tmp_path / RELEASED).write_text("{")
    with pytest.raises(LinkedCareError, match=r"released\.json: is not JSON"):
        read_released(tmp_path / RELEASED)


def test_the_contracts_of_this_repository_are_as_released():
    assert problems(read_released(CONTRACTS / RELEASED), current_interfaces(contracts())) == []


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    if isinstance(result.exception, LinkedCareError):
        return 1, str(result.exception)
    return result.exit_code, result.output


def copies(base: dict[str, Any], tmp_path: Path, edit: Edit) -> list[str]:
    paths = []
    for folder in ("old", "new"):
        path = tmp_path / folder / "visit.odcs.yaml"
        path.parent.mkdir()
        path.write_text(yaml.safe_dump(base))
        paths.append(str(path))
        if folder == "old":
            edit(base)
    return paths


def test_two_files_are_compared_on_the_command_line(base, tmp_path):
    code, told = run("diff", *copies(base, tmp_path, lambda d: column(d, "mode")["enum"].pop()))
    assert code == 1
    assert "visit: 1.0.0 to 1.0.0, 1 breaking and 0 compatible changes" in told
    assert "breaking    visit.mode.enum: code heard was removed" in told
    assert "raise the version to 2.0.0" in told


def test_another_description_is_told_and_compatible(base, tmp_path):
    code, told = run("diff", *copies(base, tmp_path, lambda d: column(d, "mode").update(description="So.")))
    assert code == 0
    assert "compatible  mode: is described otherwise" in told


def test_a_raised_major_version_makes_a_break_pass(base, tmp_path):
    def edit(document: dict[str, Any]) -> None:
        document["version"] = "2.0.0"
        drop(document, "minutes")

    code, told = run("diff", *copies(base, tmp_path, edit))
    assert code == 0
    assert "breaking    minutes: was removed" in told


def test_all_feeds_are_compared_on_the_command_line():
    assert run("diff", "--all") == (0, f"{len(contracts())} contracts are as released\n")
    assert run("diff", "apc_spell")[0] == 0
    assert run("diff", "--all", "apc_spell")[0] == 2
    assert run("diff")[0] == 2
    assert run("diff", "nothing")[0] == 1


def test_a_stale_release_fails_the_check(tmp_path, monkeypatch, edited):
    for path in CONTRACTS.glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    stale = json.loads((tmp_path / RELEASED).read_text())
    stale["apc_spell"]["missing_texts"] = ["NULL"]
    (tmp_path / RELEASED).write_text(json.dumps(stale))
    monkeypatch.setattr(contract_module, "CONTRACTS", tmp_path)
    code, told = run("diff", "--all")
    assert code == 1
    assert told.startswith("apc_spell: 1 breaking changes since version")


def test_lint_names_each_file_and_fails_on_a_broken_one(base, tmp_path):
    broken = tmp_path / "other.odcs.yaml"
    broken.write_text(yaml.safe_dump(base))
    code, told = run("lint", str(CONTRACTS / "apc_spell.odcs.yaml"), str(broken))
    first, second = told.splitlines()
    assert code == 1
    assert first.startswith("apc_spell ")
    assert first.endswith("follows ODCS")
    assert second == "other.odcs.yaml: describes visit. Name the file visit.odcs.yaml."


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda d: own(table(d), "dialects", ["hes"]), id="dialects are a list"),
        pytest.param(lambda d: own(table(d), "recordKey", 3), id="a record key is a number"),
        pytest.param(lambda d: own(column(d, "minutes"), "rules", {"maximum": "warn"}), id="a rule is a word"),
        pytest.param(lambda d: own(column(d, "mode"), "aliases", {"hes": 3}), id="an alias is a number"),
        pytest.param(
            lambda d: own(column(d, "mode"), "localCodes", [{"code": "s", "means": "seen", "first": "April"}]),
            id="a day is none",
        ),
        pytest.param(lambda d: column(d, "price").update(physicalType="DECIMAL(99,2)"), id="too many digits"),
        pytest.param(lambda d: table(d)["quality"][0].update(implementation="("), id="a predicate is none"),
        pytest.param(lambda d: d.update(schema=[]), id="no table"),
    ],
)
def test_lint_tells_in_one_line_what_it_cannot_read(base, tmp_path, edit):
    edit(base)
    path = tmp_path / "visit.odcs.yaml"
    path.write_text(yaml.safe_dump(base))
    code, told = run("lint", str(path))
    assert code == 1
    assert told.startswith("visit.odcs.yaml: a rule or custom property is not written as this project reads it")
    assert told.count("\n") == 1


def test_lint_takes_all_contracts_by_default():
    code, told = run("lint")
    assert code == 0
    assert len(told.splitlines()) == len(contracts())


def test_show_prints_columns_and_rules():
    code, told = run("show", "apc_spell")
    assert code == 0
    for column_ in contracts()["apc_spell"].columns:
        assert column_.name in told
    for rule in contracts()["apc_spell"].rules:
        assert rule.code in told
    assert run("show", "nothing")[0] == 1
    assert run("show", "apc_spell", "--dialect", "nothing")[0] == 1
