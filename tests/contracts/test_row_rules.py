"""One bad value in an otherwise good row breaks just the rule that it was planted for; the good row breaks none."""

import re
from datetime import date, timedelta

import pytest

from schemas.contract import Contract, Rule, contracts

EVERY = list(contracts().values())
COLUMN_RULES = [
    (contract, rule) for contract in EVERY for rule in contract.rules if rule.column and rule.kind != "required"
]

# A row rule ties columns together, so that only its author can say what breaks it.
BREAKS = {
    "ambulance_incident.outside_period": {"call_date": "2024-05-01"},
    "apc_spell.discharged_before_admitted": {"admission_date": "2024-04-16", "discharge_date": "2024-04-15"},
    "apc_spell.unfinished": {"discharge_date": None},
    "apc_spell.outside_period": {"discharge_date": "2024-05-01"},
    "continuing_care_package.ends_before_it_starts": {"start_date": "2024-04-16", "end_date": "2024-04-15"},
    "continuing_care_package.outside_period": {"start_date": "2024-05-01", "end_date": None},
    "community_contact.outside_period": {"contact_date": "2024-03-31"},
    "ec_attendance.outside_period": {"arrival_date": "2024-05-01"},
    "gp_appointment.outside_period": {"appointment_date": "2024-03-31"},
    "gp_coded_event.event_after_record": {"event_date": "2024-04-16", "record_date": "2024-04-15"},
    "gp_coded_event.outside_period": {"record_date": "2024-05-01"},
    "gp_prescription.outside_period": {"processing_month": "2024-03-31"},
    "mh_contact.outside_period": {"contact_date": "2024-05-01"},
    "mh_diagnosis.code_not_of_scheme": {"diagnosis_scheme_code": "06", "diagnosis_code": "F32"},
    "mh_diagnosis.outside_period": {"diagnosis_date": "2024-05-01"},
    "mh_ward_stay.ends_before_it_starts": {"start_date": "2024-04-16", "end_date": "2024-04-15"},
    "mh_ward_stay.outside_period": {"end_date": "2024-05-01"},
    "op_attendance.outside_period": {"appointment_date": "2024-03-31"},
    "patient_register.registration_ends_before_it_starts": {
        "registered_from": "2024-04-16",
        "registered_to": "2024-04-15",
    },
    "patient_register.dies_before_birth": {"birth_month": "1950-02", "death_month": "1950-01"},
    "person_bridge.bridge_ends_before_it_starts": {"bridged_from": "2024-04-16", "bridged_to": "2024-04-15"},
    "person_merger.merged_with_itself": {"pseudonym": "1000", "superseded_pseudonym": "1000"},
    "social_care_event.ends_before_it_starts": {"start_date": "2024-04-16", "end_date": "2024-04-15"},
    "social_care_event.outside_period": {"start_date": "2024-05-01", "end_date": None},
    "social_care_event.cost_without_frequency": {"unit_cost": "10.00", "cost_frequency": None},
    "social_care_event.contribution_above_unit_cost": {
        "unit_cost": "10.00",
        "cost_frequency": "Weekly",
        "client_contribution": "10.01",
    },
    **{
        f"{contract.feed}.pseudonym_missing": {"pseudonym": None}
        for contract in EVERY
        if any(rule.code.endswith(".pseudonym_missing") for rule in contract.row_predicates)
    },
}
WARN_OF_A_BLANK = {code for code in BREAKS if code.endswith(".pseudonym_missing")}


_NO_CODE_BUT_OF_ITS_PATTERN = {
    "community_contact.team_type_code.enum": "08",
    "community_contact.location_type_code.enum": "Z99",
}

# Not required, but a row rule of its own says what a missing value means.
NEEDED = {"apc_spell": {"discharge_date"}}


def bad_value(rule: Rule) -> str:
    """A value that breaks the rule and no other rule of its column."""
    match rule.kind:
        case "type":
            return "five"
        case "enum":
            return _NO_CODE_BUT_OF_ITS_PATTERN.get(rule.code, "no such code")
        case "pattern":
            assert not re.search(rule.argument, "~")
            return "~"
        case "length":
            return "x" * (rule.argument + 1)
        case "missing_value":
            return str(rule.argument[0])
    step = timedelta(days=1) if isinstance(rule.argument, date) else 1
    return str(rule.argument - step if rule.kind == "minimum" else rule.argument + step)


@pytest.mark.parametrize("contract", EVERY, ids=lambda contract: contract.feed)
def test_the_good_row_breaks_no_rule(contract: Contract, good_row, broken_rules):
    row = good_row(contract)
    assert None not in row.values()
    assert broken_rules(contract, row) == []


@pytest.mark.parametrize("contract", EVERY, ids=lambda contract: contract.feed)
def test_optional_values_may_be_missing(contract: Contract, good_row, broken_rules):
    optional = {column.name for column in contract.columns if not column.required} - NEEDED.get(contract.feed, set())
    row = good_row(contract) | dict.fromkeys(optional)
    assert set(broken_rules(contract, row)) <= WARN_OF_A_BLANK


@pytest.mark.parametrize(
    ("contract", "rule"),
    [(contract, rule) for contract in EVERY for rule in contract.rules if rule.kind == "required"],
    ids=lambda value: getattr(value, "code", ""),
)
def test_a_missing_value_breaks_required(contract: Contract, rule: Rule, good_row, broken_rules):
    assert broken_rules(contract, good_row(contract) | {rule.column: None}) == [rule.code]


@pytest.mark.parametrize(("contract", "rule"), COLUMN_RULES, ids=lambda value: getattr(value, "code", ""))
def test_a_bad_value_breaks_the_rule_of_its_column(contract: Contract, rule: Rule, good_row, broken_rules):
    found = broken_rules(contract, good_row(contract) | {rule.column: bad_value(rule)})
    warning = {r.code for r in contract.rules if r.severity == "warn"}
    assert rule.code in found
    if rule.severity == "warn":  # which keeps the row, so that a value may break its list and its pattern alike
        assert all(code in warning for code in found)
        return
    found = [code for code in found if code not in warning]
    assert found[0] == rule.code
    # A date before 1900 lies outside the period too, and a text of no pattern has no order; nothing else may follow.
    may_follow = {r.code for r in contract.row_predicates} if rule.kind in {"minimum", "pattern"} else set()
    assert set(found[1:]) <= may_follow


@pytest.mark.parametrize(
    ("contract", "rule"),
    [(contract, rule) for contract in EVERY for rule in contract.row_predicates],
    ids=lambda value: getattr(value, "code", ""),
)
def test_values_that_do_not_fit_together_break_the_row_rule(contract: Contract, rule: Rule, good_row, broken_rules):
    assert broken_rules(contract, good_row(contract) | BREAKS[rule.code]) == [rule.code]


@pytest.mark.parametrize(
    ("contract", "rule"),
    [(contract, rule) for contract, rule in COLUMN_RULES if rule.kind in {"length", "minimum", "maximum"}],
    ids=lambda value: getattr(value, "code", ""),
)
def test_the_limit_itself_is_allowed(contract: Contract, rule: Rule, good_row, broken_rules):
    limit = "x" * rule.argument if rule.kind == "length" else str(rule.argument)
    assert rule.code not in broken_rules(contract, good_row(contract) | {rule.column: limit})


def test_every_row_rule_has_an_example():
    assert {rule.code for contract in EVERY for rule in contract.row_predicates} == BREAKS.keys()
