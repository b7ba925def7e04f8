"""The reader of SQL cases itself: arithmetic and typed rows."""

import re
from fractions import Fraction

import pytest

from pipelines.build import SQL
from schemas.activity import FEEDS_OF_CARE
from schemas.catalogue import DECLARED
from schemas.contract import contracts
from tests.sql.cases import Case, evaluate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("120 + 80", 200),
        ("2 * (3 - 5)", -4),
        ("-7", -7),
        ("1 / 3", Fraction(1, 3)),
        ("2550 * 10.5", 26775),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("half_up(1 / 2)", 1),
        ("half_up(10 * 0.249)", 2),
        ("half_up(-1 / 2) + 0.5", Fraction(1, 2)),
    ],
)
def test_arithmetic_is_exact(text: str, value: Fraction) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize("text", ["print(1)", "[1]", "'a'", "2 ** 99", "a + 1", "True + (lambda: 1)", "half_up(1, 2)"])
def test_nothing_but_arithmetic_is_evaluated(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        evaluate(text)


def test_columns_left_out_are_null_where_they_may_be() -> None:
    case = Case("registration", "x", {"patient_register": "pseudonym  lsoa_code\nanna  null"}, "person_id")
    row = case.sources()["patient_register"].to_pylist()[0]
    assert row["registered_to"] is None
    assert row["lsoa_code"] is None
    assert row["source_row"] == 1
    assert row["pseudonym_domain"] == "ncdr"


def test_a_table_that_the_sql_does_not_read_is_refused() -> None:
    with pytest.raises(AssertionError, match="does not read"):
        Case("registration", "x", {"activity": "quantity\n1"}, "person_id").sources()


def test_rows_that_do_not_fit_their_columns_are_refused() -> None:
    with pytest.raises(AssertionError, match="has not the columns"):
        Case("registration", "x", {}, "person_id  practice_code\n101").expected()


def test_completeness_of_conditions_is_that_of_the_feeds_that_code_them() -> None:
    coding = set(DECLARED["condition_evidence"].sources) & contracts().keys()
    without_care = coding - set(FEEDS_OF_CARE)
    for table, feeds in {
        "conditions_by_age_band": coding,
        "condition_profile": without_care,
        "condition_by_comorbidity": without_care,
    }.items():
        [named] = re.findall(r"feed in \(([^)]*)\)", (SQL / f"{table}.sql").read_text())
        assert set(named.replace("'", "").split(", ")) == feeds, table


def test_the_ledger_names_every_feed_of_care_and_whether_it_has_prices() -> None:
    named = dict(re.findall(r"\('(\w+)', (true|false)\)", (SQL / "cost_ledger.sql").read_text()))
    assert named == {feed: str(bool(contracts()[feed].price_column)).lower() for feed in FEEDS_OF_CARE}
