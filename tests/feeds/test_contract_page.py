"""What docs/contracts.md tells to write works as it stands, and the page of dialects is not stale."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.dialects import page
from schemas.contract import CONTRACTS, Contract, load
from schemas.contract_model import Limit

DOCS = Path(__file__).parents[2] / "docs"
SNIPPETS = re.findall(r"```yaml\n# ([^\n]+)\n(.*?)```", (DOCS / "contracts.md").read_text(), flags=re.DOTALL)
APRIL = ("2024-04-01", "2024-04-30")
ROW = {
    "OPA_Ident": "1",
    "Der_Pseudo_NHS_Number": "5494660684",
    "Der_Provider_Code": "RH5",
    "Clinic Date": "17/04/2024",
    "Attended": "ATT",
    "First_Attendance": "1",
    "Treatment_Function_Code": "320",
    "Outcome_of_Attendance": "1",
    "Sex": "2",
    "Der_Age_at_CDS_Activity_Date": "48",
    "Der_Postcode_LSOA_2011_Code": "E01029176",
    "GP_Practice_Code": "NOGP",
    "Clinic_Code": "DERM-2",
}


def put(document: dict[str, Any], where: str, snippet: Any) -> None:
    """Put a snippet where the comment on top of it says."""
    schema = document["schema"][0]
    match where.split(": "):
        case ["schema", "customProperties", name]:
            next(item for item in schema["customProperties"] if item["property"] == name)["value"].update(snippet)
        case ["properties" | "quality" as part]:
            schema[part].extend(snippet)
        case [column, "customProperties"]:
            name = column.removeprefix("column ")
            item = next(item for item in schema["properties"] if item["name"] == name)
            own = item.setdefault("customProperties", [])
            for entry in snippet:
                there = next((one for one in own if one["property"] == entry["property"]), None)
                if there is None:
                    own.append(entry)
                elif isinstance(there["value"], dict):
                    there["value"].update(entry["value"])
                else:
                    there["value"].extend(entry["value"])
        case _:
            raise AssertionError(where)


@pytest.fixture
def changed(tmp_path: Path) -> Contract:
    """The contract of the page's example, with every snippet of the page."""
    document = yaml.safe_load((CONTRACTS / "op_attendance.odcs.yaml").read_text())
    for where, snippet in SNIPPETS:
        put(document, where, yaml.safe_load(snippet))
    path = tmp_path / "op_attendance.odcs.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return load(path)


def test_the_page_has_an_example_of_each_change():
    parts = {where.partition(":")[0].partition(" ")[0] for where, _ in SNIPPETS}
    assert parts == {"schema", "column", "properties", "quality"}
    assert len(SNIPPETS) == 8


def test_a_file_of_the_new_dialect_is_read(changed: Contract, deliver):
    late = ROW | {"OPA_Ident": "2", "Attended": "LATE", "GP_Practice_Code": "L85066"}
    receipt, accepted = deliver(changed, pl.DataFrame([ROW, late]), APRIL)
    assert (receipt.reason, receipt.dialect) == (None, "our_trust")
    assert receipt.broken == {"op_attendance.practice_code.missing_value": 1}
    assert accepted["appointment_date"].cast(pl.String).to_list() == ["2024-04-17", "2024-04-17"]
    assert accepted["attendance_status_code"].to_list() == ["5", "6"]
    assert accepted["practice_code"].to_list() == [None, "L85066"]
    assert accepted["clinic_code"].to_list() == ["DERM-2", "DERM-2"]
    assert accepted["submitted_price"].to_list() == [None, None]


def test_a_local_code_ends_with_its_time(changed: Contract, deliver):
    rows = pl.DataFrame([ROW | {"Attended": "FTA"}])
    _, then = deliver(changed, rows, APRIL)
    assert then["attendance_status_code"].to_list() == ["3"]
    later = rows.with_columns(pl.lit("17/04/2025").alias("Clinic Date"))
    receipt, _ = deliver(changed, later, ("2025-04-01", "2025-04-30"), "later")
    assert receipt.broken == {
        "op_attendance.attendance_status_code.enum": 1,
        "op_attendance.practice_code.missing_value": 1,
    }


def test_the_new_rule_warns_in_every_dialect(changed: Contract, deliver):
    own = {"Clinic Date": "Appointment_Date", "Attended": "Attendance_Status"}
    row = {own.get(header, header): value for header, value in ROW.items()}
    row |= {"Appointment_Date": "2024-04-17", "Attendance_Status": "3", "Grand_Total_Payment_MFF": "100.00"}
    row |= {"Consultation_Medium_Used": "01", "HRG_Code": "WF01A"}
    receipt, accepted = deliver(changed, pl.DataFrame([row]), APRIL)
    assert receipt.broken["op_attendance.price_without_attendance"] == 1
    assert accepted.height == 1


def test_the_new_limits_are_in_force(changed: Contract):
    rules = {rule.code: rule for rule in changed.rules}
    pattern = rules["op_attendance.treatment_function_code.pattern"]
    assert (pattern.severity, pattern.limit) == ("refuse", Limit(count=500, rate=0.25))
    assert rules["op_attendance.price_without_attendance"].limit == Limit(rate=0.05)
    assert rules["op_attendance.price_without_attendance"].category == "plausibility"


def test_the_page_of_dialects_is_not_stale():
    assert (DOCS / "dialects.md").read_text() == page() + "\n", "run: python -m pipelines.dialects docs/dialects.md"
