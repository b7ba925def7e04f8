"""Codes change their meaning by month, sentinels are missing values, and feeds not yet costed are taken in."""

from collections.abc import Callable

import polars as pl
import pytest

from schemas.contract import contracts
from schemas.contract_model import Limit

APRIL = ("2024-04-01", "2024-04-30")


@pytest.fixture
def one(months) -> Callable[..., pl.DataFrame]:
    """One row of a clean month with other values, its days moved into a month as the feed needs."""

    def row(feed: str, **values: str | None) -> pl.DataFrame:
        return months[feed].rows.head(1).with_columns(pl.lit(v, pl.String).alias(k) for k, v in values.items())

    return row


@pytest.mark.parametrize(
    ("feed", "column", "day", "code", "last", "means"),
    [
        ("mh_contact", "ConsMechanismMH", "CareContDate", "03", "2021-09", "11"),
        ("mh_contact", "ConsMechanismMH", "CareContDate", "06", "2021-09", "09"),
        ("community_contact", "ConsMechanism", "Contact_Date", "03", "2022-12", "11"),
        ("mh_ward_stay", "MHAdmittedPatientClass", "EndDateWardStay", "10", "2024-03", "200"),
        ("mh_ward_stay", "MHAdmittedPatientClass", "EndDateWardStay", "35", "2024-03", "212"),
    ],
)
def test_a_code_is_read_by_the_month_that_it_reports(feed, column, day, code, last, means, one, deliver):
    name = next(c.name for c in contracts()[feed].columns if c.header == column)
    month = pl.Series([f"{last}-01"]).str.to_date()
    for shift, read in ((0, [means]), (1, [])):
        first = month.dt.offset_by(f"{shift}mo")
        rows = one(feed, **{day: str(first.dt.month_end()[0]), column: code})
        period = str(first[0]), str(first.dt.month_end()[0])
        receipt, accepted = deliver(feed, rows, period, f"month-{shift}")
        assert accepted[name].to_list() == read
        assert (f"{feed}.{name}.enum" in receipt.broken) is (not read)


@pytest.mark.parametrize(
    ("feed", "header", "value", "dialect"),
    [
        ("patient_register", "Practice_To_Date", "9999-12-31", "pds"),
        ("mh_ward_stay", "EndDateWardStay", "1800-01-01", "mhsds_v6"),
        ("mh_ward_stay", "EndDateWardStay", "1582-10-15 00:00:00", "landed"),
        ("social_care_event", "Event End Date", "31/12/9999", "cld_r1"),
        ("apc_spell", "Der_Diagnosis_All", "R69X", "ncdr"),
        ("apc_spell", "Der_Postcode_LSOA_2011_Code", "Z99999999", "ncdr"),
        ("op_attendance", "GP_Practice_Code", "V81997", "ncdr"),
    ],
)
def test_a_sentinel_of_an_optional_column_is_missing_and_counted(feed, header, value, dialect, one, months, deliver):
    rows = one(feed, **{header: value})
    if dialect == "landed":
        rows = rows.with_columns(pl.col("StartDateWardStay") + " 00:00:00")
    receipt, accepted = deliver(feed, rows, months[feed].period, dialect=dialect)
    name = next(c.name for c in contracts()[feed].columns if c.header == header)
    assert accepted[name].to_list() == [None]
    assert receipt.broken == {f"{feed}.{name}.missing_value": 1}


def test_a_sentinel_of_a_required_day_is_rejected(one, months, deliver):
    receipt, accepted = deliver("apc_spell", one("apc_spell", Admission_Date="1800-01-01"), months["apc_spell"].period)
    assert accepted.is_empty()
    assert receipt.broken == {"apc_spell.admission_date.minimum": 1}


def test_the_text_null_of_a_council_is_a_missing_value(one, months, deliver):
    rows = one("social_care_event", **{"Client Type": "NULL", "Ethnicity": "NULL"})
    receipt, accepted = deliver("social_care_event", rows, months["social_care_event"].period)
    assert accepted.select("client_type", "ethnicity").row(0) == (None, None)
    assert receipt.broken == {}


def test_an_age_below_one_year_is_spelt_so_in_hes_alone(one, months, deliver):
    rows = one("apc_spell", Der_Age_at_CDS_Activity_Date="7003")
    receipt, _ = deliver("apc_spell", rows, months["apc_spell"].period)
    assert receipt.broken == {"apc_spell.age_years.maximum": 1}


def test_an_unknown_team_type_is_kept_with_a_warning(one, months, deliver):
    rows = one("community_contact", TeamType="08")
    receipt, accepted = deliver("community_contact", rows, months["community_contact"].period)
    assert accepted["team_type_code"].to_list() == ["08"]
    assert receipt.broken == {"community_contact.team_type_code.enum": 1}


def test_a_row_without_pseudonym_is_kept_and_counted(one, months, deliver):
    receipt, accepted = deliver("apc_spell", one("apc_spell", Der_Pseudo_NHS_Number=None), months["apc_spell"].period)
    assert accepted.height == 1
    assert receipt.broken == {"apc_spell.pseudonym_missing": 1}


# An early registration that cannot be read is one row's fault; an event that is not named is a merger.
MAY_BE_BLANK = {"registered_from", "event_code"}


@pytest.mark.parametrize("contract", contracts().values(), ids=lambda contract: contract.feed)
def test_gross_failures_refuse_a_delivery(contract):
    """What no honest delivery of the feed does: its days lie elsewhere, its keys repeat, its dates cannot be read."""
    refusing = {
        rule.code.removeprefix(f"{contract.feed}."): rule.limit for rule in contract.rules if rule.severity == "refuse"
    }
    assert all(limit.rate is not None and limit.rate <= 0.5 for limit in refusing.values())
    expected = {"outside_period"} if contract.submission_rule == "period" else set()
    expected |= {"duplicate_record"} if contract.record_key else set()
    expected |= {f"{name}.required" for name in contract.record_key if name not in MAY_BE_BLANK}
    assert expected <= refusing.keys()
    assert all(limit != Limit() for limit in refusing.values())


PACKAGE = {
    "Package Identifier": "P1",
    "Pseudo NHS Number": "5494660684",
    "ICB Code": "QSL",
    "Package Type": "fast track",
    "Package Start Date": "12/02/2024",
    "Package End Date": None,
    "Weekly Cost": "1450.00",
    "Subjective Code": "521620001",
}
CALL = {
    "Call Identifier": "C1",
    "Care Contact Identifier": "1",
    "Incident Number": "INC1",
    "Pseudo NHS Number": None,
    "Provider Code": "RYF",
    "Time Call Connected": "2024-04-11T03:12:44",
    "Response Category": "Category 2",
    "Treatment Type": "SEE & CONVEY",
}


def test_packages_of_continuing_care_are_taken_in_and_quarantined(deliver):
    late = PACKAGE | {"Package Identifier": "P2", "Package End Date": "01/01/2024"}
    receipt, accepted = deliver("continuing_care_package", pl.DataFrame([PACKAGE, late]), APRIL)
    assert receipt.reason is None
    assert accepted.select("package_type", "subjective_code").rows() == [("FAST TRACK", "521620001")]
    assert str(accepted["start_date"].item()) == "2024-02-12"
    assert receipt.broken == {
        "continuing_care_package.ends_before_it_starts": 1,
        "continuing_care_package.outside_period": 1,
    }
    assert receipt.pence() == 0  # a weekly cost is no price


def test_ambulance_incidents_are_taken_in_and_quarantined(deliver):
    other = CALL | {"Call Identifier": "C2", "Treatment Type": "flown"}
    receipt, accepted = deliver("ambulance_incident", pl.DataFrame([CALL, other]), APRIL)
    assert accepted.select("response_category", "treatment_type").rows() == [("C2", "See and convey")]
    assert str(accepted["call_date"].item()) == "2024-04-11"
    assert receipt.broken == {
        "ambulance_incident.treatment_type.enum": 1,
        "ambulance_incident.pseudonym_missing": 2,
    }


MERGER = {"Pseudo NHS Number": "2000", "Pseudo Superseded NHS Number": "1000", "Merge_Date": "2023-05-01"}


def test_a_merger_may_be_reversed_on_its_day_and_repeated_is_a_duplicate(deliver):
    reversed_ = MERGER | {"Merger_Event": "reversed"}
    rows = pl.DataFrame(
        [MERGER, reversed_, MERGER], schema_overrides={"Merger_Event": pl.String}, infer_schema_length=9
    )
    receipt, accepted = deliver("person_merger", rows, APRIL)
    assert accepted["event_code"].to_list() == [None, "reversed"]
    assert receipt.broken == {"person_merger.duplicate_record": 1}


@pytest.mark.parametrize("dialect", ["pds", "landed"])
def test_mergers_without_events_are_all_mergers(deliver, dialect):
    day = {"pds": "Merge_Date", "landed": "Person Merger Business Effective From Date"}[dialect]
    receipt, accepted = deliver("person_merger", pl.DataFrame([MERGER]).rename({"Merge_Date": day}), APRIL)
    assert (receipt.dialect, receipt.broken) == (dialect, {})
    assert accepted["event_code"].to_list() == [None]


BRIDGE = {
    "Bridged_Domain": "csds_person_id",
    "Person_ID": "P1000",
    "Pseudo_NHS_Number": "2000",
    "Bridge_From_Date": "2023-05-01",
    "Bridge_To_Date": "2023-09-30",
}


def test_bridges_are_taken_in_and_quarantined(deliver):
    other = BRIDGE | {"Person_ID": "P2000", "Bridge_To_Date": "2022-01-01"}
    receipt, accepted = deliver("person_bridge", pl.DataFrame([BRIDGE, other]), APRIL)
    assert accepted.select("bridged_domain", "bridged_pseudonym", "pseudonym").rows() == [
        ("csds_person_id", "P1000", "2000")
    ]
    assert receipt.broken == {"person_bridge.bridge_ends_before_it_starts": 1}


def test_bridges_need_no_end(deliver):
    receipt, accepted = deliver("person_bridge", pl.DataFrame([BRIDGE]).drop("Bridge_To_Date"), APRIL)
    assert receipt.reason is None
    assert accepted["bridged_to"].to_list() == [None]


WITHDRAWAL = {"Pseudo NHS Number": "2000", "Withdrawn_On": "2023-05-01", "Reason": "objection"}


def test_one_unreadable_withdrawal_is_over_the_limit(deliver):
    """Were it left out, somebody who objected would be processed on."""
    unreadable = WITHDRAWAL | {"Pseudo NHS Number": "2001", "Withdrawn_On": "soon"}
    receipt, _ = deliver("person_withdrawal", pl.DataFrame([WITHDRAWAL, unreadable]), APRIL)
    assert receipt.broken == {"person_withdrawal.withdrawn_on.type": 1}
    [rule] = [rule for rule in contracts()["person_withdrawal"].rules if rule.code in receipt.broken]
    assert rule.severity == "refuse"
    assert rule.limit.exceeded(1, receipt.received_rows)
