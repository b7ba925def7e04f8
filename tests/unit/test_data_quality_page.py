"""The page on data quality names each check type once, and nothing that is not there."""

import re
from pathlib import Path

import pytest

from schemas.catalogue import TABLES
from schemas.contract import contracts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data-quality.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("| check type |")[2].splitlines()[2:]
    if line.startswith("|")
]
CHECK_TYPES = """
    cdmTable measurePersonCompleteness measureConditionEraCompleteness measureObservationPeriodOverlap cdmField
    isRequired cdmDatatype isPrimaryKey isForeignKey fkDomain fkClass isStandardValidConcept measureValueCompleteness
    standardConceptRecordCompleteness sourceConceptRecordCompleteness sourceValueCompleteness plausibleValueLow
    plausibleValueHigh plausibleTemporalAfter plausibleDuringLife withinVisitDates plausibleAfterBirth
    plausibleBeforeDeath plausibleStartBeforeEnd plausibleGender plausibleGenderUseDescendants plausibleUnitConceptIds
"""


def test_each_check_type_stands_once():
    assert sorted(row[0] for row in ROWS) == sorted(CHECK_TYPES.split())
    assert len(ROWS) == 27


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_check_type_is_matched_by_is_there(row):
    _, here, tested = row
    for path in re.findall(r"`(tests/[^`]+)`", tested):
        assert (ROOT / path).exists()
    rules = {rule.code for contract in contracts().values() for rule in contract.rules}
    kinds = {rule.kind for contract in contracts().values() for rule in contract.rules} | {"missing_value"}
    checks = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    known = rules | {code.partition(".")[2] for code in rules} | kinds | checks | TABLES.keys()
    assert set(re.findall(r"`([a-z_.]+)`", here)) <= known
