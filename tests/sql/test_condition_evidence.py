"""A list of diagnoses longer than a case can show."""

from pathlib import Path

from tests.sql.cases import Case
from tests.sql.test_sql_cases import run

CODES = 130  # a long spell lists the diagnoses of all its episodes


def test_no_code_of_a_long_list_is_lost(tmp_path: Path) -> None:
    given = {
        "condition_icd10": "condition_code  icd10_prefix\nhypertension  I10",
        "person_identifier": "pseudonym  person_id\nanna  101",
        "apc_spell": f"pseudonym  discharge_date  icd10_codes\nanna  2024-05-01  ||{','.join(['I10X'] * CODES)}",
    }
    (row,) = run(Case("condition_evidence", "long list", given, ""), tmp_path)
    assert row["record_count"] == CODES
