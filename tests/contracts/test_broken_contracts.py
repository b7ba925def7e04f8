"""A contract that breaks the standard, or asks for what cannot be checked, is refused in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.contract import CONTRACTS, ContractError, load

FEED = "gp_prescription"
Change = Callable[[dict[str, Any]], Any]


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in document["schema"][0]["properties"] if item["name"] == name)


def expected(document: dict[str, Any]) -> dict[str, Any]:
    own = document["schema"][0]["customProperties"]
    return next(item["value"] for item in own if item["property"] == "expected")


def own(document: dict[str, Any], name: str, value: Any) -> None:
    document["schema"][0]["customProperties"].append({"property": name, "value": value})


def write(folder: Path, change: Change, name: str = FEED) -> Path:
    document = yaml.safe_load((CONTRACTS / f"{FEED}.odcs.yaml").read_text())
    change(document)
    path = folder / f"{name}.odcs.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_the_unchanged_contract_loads(tmp_path: Path):
    assert load(write(tmp_path, lambda document: None)).feed == FEED


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(
            lambda d: column(d, "item_count").update(logicalTypeOptions={"multipleOf": 2}),
            "option multipleOf",
            id="an option that is not checked",
        ),
        pytest.param(
            lambda d: d["schema"][0].update(quality=[{"type": "sql", "query": "select 1", "description": "Odd."}]),
            "breaches of ODCS, first at schema/0/quality/0",
            id="a quality rule that ODCS does not know",
        ),
        pytest.param(
            lambda d: d["schema"][0]["quality"][0].update(engine="soda"),
            "not a rowPredicate",
            id="a kind of quality rule that is not checked",
        ),
        pytest.param(
            lambda d: expected(d).update(rhythm="now and then"), "rhythm now and then", id="an unknown rhythm"
        ),
        pytest.param(lambda d: expected(d).update(rhythm="snapshot"), "must both be snapshot", id="half a snapshot"),
        pytest.param(lambda d: expected(d).update(dueDays="soon"), "dueDays is no number", id="days that are none"),
        pytest.param(lambda d: expected(d).update(dueDays=-1), "dueDays is no number", id="due before it ends"),
        pytest.param(lambda d: expected(d).pop("dueDays"), "lacks dueDays", id="due days not stated"),
        pytest.param(lambda d: d.pop("version"), "1 breaches of ODCS, first at the top", id="no version"),
        pytest.param(lambda d: d.update(kind="Poem"), "first at kind", id="another kind of document"),
        pytest.param(
            lambda d: column(d, "item_count").update(physicalType="FLOAT"), "FLOAT", id="a type that is not known"
        ),
        pytest.param(lambda d: column(d, "item_count").pop("physicalName"), "physicalName", id="no header"),
        pytest.param(lambda d: column(d, "item_count").pop("description"), "description", id="no description"),
        pytest.param(lambda d: column(d, "item_count").pop("required"), "required", id="required not stated"),
        pytest.param(
            lambda d: d["schema"][0].pop("customProperties"), "submissionRule", id="no submission rule and no key"
        ),
        pytest.param(
            lambda d: column(d, "processing_month").update(logicalTypeOptions={"minimum": "once upon a time"}),
            "once upon a time",
            id="a limit that is no date",
        ),
        pytest.param(
            lambda d: d["schema"][0]["customProperties"].append({"property": "recordKey", "value": ["no_such"]}),
            "no_such",
            id="a key that is no column",
        ),
        pytest.param(
            lambda d: d["schema"][0]["customProperties"].append({"property": "submissionRule", "value": "whenever"}),
            "whenever",
            id="a submission rule that is not known",
        ),
        pytest.param(
            lambda d: own(d, "intervalColumns", ["processing_month"]), "intervalColumns are two", id="half an interval"
        ),
        pytest.param(
            lambda d: own(d, "intervalColumns", ["processing_month", "practice_code"]),
            "two columns of days",
            id="an interval that ends with no day",
        ),
        pytest.param(
            lambda d: (
                own(d, "intervalColumns", ["processing_month", "processing_month"]),
                own(d, "submissionRule", "snapshot"),
                expected(d).update(rhythm="snapshot"),
            ),
            "of a feed of periods",
            id="an interval of a snapshot feed",
        ),
        pytest.param(lambda d: own(d, "submissionColumn", "no_such"), "no_such", id="a submission that is no column"),
        pytest.param(
            lambda d: d["schema"][0]["quality"][0].update(implementation="no_such_column < 1"),
            "outside_period",
            id="a row rule over no column",
        ),
        pytest.param(
            lambda d: column(d, "practice_code").update(logicalTypeOptions={"pattern": "^[A-Z$"}),
            "practice_code.pattern",
            id="a pattern that is none",
        ),
    ],
)
def test_a_broken_contract_is_refused_in_one_line(change: Change, told: str, tmp_path: Path):
    with pytest.raises(ContractError) as refusal:
        load(write(tmp_path, change))
    assert FEED in str(refusal.value)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_file_bears_the_name_of_its_feed(tmp_path: Path):
    with pytest.raises(ContractError, match=f"Name the file {FEED}.odcs.yaml"):
        load(write(tmp_path, lambda document: None, name="prescription"))


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path):
    path = tmp_path / f"{FEED}.odcs.yaml"
    path.write_text("schema: [")
    with pytest.raises(ContractError, match="not YAML"):
        load(path)
