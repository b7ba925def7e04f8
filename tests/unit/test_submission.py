"""Which deliveries and records are current: a rule over all receipts, whatever the order they are read in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.feeds.delivery import read_delivery
from assets.feeds.intake import Receipt, take_in
from assets.feeds.submission import Judged, Remains, judge, standing
from assets.feeds.superseded import superseded_records
from schemas.contract import Contract, contracts

PERIOD_FEED, SNAPSHOT_FEED = contracts()["apc_spell"], contracts()["patient_register"]
FIRST_DAY = date(2024, 4, 1)


def receipt(
    delivery_id: str,
    days: tuple[int, int] = (0, 29),
    received: int = 0,
    *,
    content: str | None = None,
    supplier: str = "SUS",
    reason: str | None = None,
) -> Receipt:
    """A receipt for days of the year from 0, received so many hours after New Year."""
    return Receipt(
        delivery_id=delivery_id,
        feed="apc_spell",
        supplier=supplier,
        contract_version="1.0.0",
        pseudonym_domain="ncdr",
        synthetic=True,
        period_start=FIRST_DAY + timedelta(days[0]),
        period_end=FIRST_DAY + timedelta(days[1]),
        received_at=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=received),
        intake_key=delivery_id,
        content=(content or delivery_id,),
        reason=reason,
    )


def verdicts(*receipts: Receipt, contract: Contract = PERIOD_FEED) -> dict[str, str]:
    return {j.receipt.delivery_id: j.verdict for j in judge(receipts, contract)}


def test_periods_side_by_side_are_both_accepted():
    assert verdicts(receipt("april", (0, 29)), receipt("may", (30, 60))) == {"april": "accepted", "may": "accepted"}


def test_the_same_period_again_supersedes_the_earlier_one():
    assert verdicts(receipt("first", received=1), receipt("second", received=2)) == {
        "first": "superseded",
        "second": "accepted",
    }


def test_received_time_decides_and_not_the_name():
    assert verdicts(receipt("a", received=2), receipt("b", received=1)) == {"b": "superseded", "a": "accepted"}


def test_of_two_received_at_once_the_later_name_wins():
    assert verdicts(receipt("b"), receipt("a")) == {"a": "superseded", "b": "accepted"}


def test_a_longer_period_supersedes_all_that_it_covers():
    found = verdicts(receipt("april", (0, 29)), receipt("may", (30, 60), 1), receipt("both", (0, 60), 2))
    assert found == {"april": "superseded", "may": "superseded", "both": "accepted"}


@pytest.mark.parametrize("days", [(15, 45), (-15, 15), (5, 10)], ids=["later", "earlier", "within"])
def test_a_period_that_overlaps_without_covering_is_refused(days):
    april, odd = judge([receipt("april", (0, 29)), receipt("odd", days, 1)], PERIOD_FEED)
    assert (april.verdict, odd.verdict) == ("accepted", "refused")
    assert odd.reason == "overlaps the period of april without covering it. Send whole periods again."


def test_one_shared_day_is_an_overlap():
    assert verdicts(receipt("april", (0, 29)), receipt("may", (29, 60), 1))["may"] == "refused"


def test_a_delivery_that_covers_one_and_cuts_another_supersedes_neither():
    found = verdicts(receipt("april", (0, 29)), receipt("may", (30, 60), 1), receipt("odd", (0, 45), 2))
    assert found == {"april": "accepted", "may": "accepted", "odd": "refused"}


def test_the_same_files_for_the_same_period_are_a_repeat():
    first, again = judge([receipt("first", content="x"), receipt("again", content="x", received=1)], PERIOD_FEED)
    assert (first.verdict, again.verdict) == ("accepted", "repeat")
    assert again.reason == "the same files were received before"


def test_the_same_files_for_another_period_are_no_repeat():
    assert verdicts(receipt("april", (0, 29), content="x"), receipt("may", (30, 60), 1, content="x")) == {
        "april": "accepted",
        "may": "accepted",
    }


def test_a_repeat_of_a_superseded_delivery_does_not_bring_it_back():
    found = verdicts(receipt("a", content="x"), receipt("b", received=1), receipt("a2", content="x", received=2))
    assert found == {"a": "superseded", "b": "accepted", "a2": "repeat"}


def test_suppliers_do_not_supersede_each_other():
    assert verdicts(receipt("a", supplier="EMIS"), receipt("b", supplier="TPP", received=1)) == {
        "a": "accepted",
        "b": "accepted",
    }


def test_a_delivery_refused_at_the_door_supersedes_nothing_and_is_repeated_by_nothing():
    found = verdicts(
        receipt("good"),
        receipt("bad", received=1, content="x", reason="cut off"),
        receipt("mended", (30, 60), 2, content="x"),
    )
    assert found == {"good": "accepted", "bad": "refused", "mended": "accepted"}


def test_an_announcement_that_could_not_be_read_is_refused_beside_the_others():
    unread = Receipt(
        "odd", "apc_spell", "unknown", "unknown", "unknown", False, None, None, None, "k", reason="no JSON"
    )
    assert verdicts(receipt("good"), unread) == {"odd": "refused", "good": "accepted"}


def test_of_snapshots_the_latest_period_wins_whenever_it_arrived():
    found = verdicts(
        receipt("may", (30, 60), 1),
        receipt("april", (0, 29), 2),
        receipt("march", (-31, -1), 0),
        contract=SNAPSHOT_FEED,
    )
    assert found == {"march": "superseded", "may": "accepted", "april": "superseded"}


def test_a_snapshot_of_the_same_day_is_replaced_by_the_one_received_later():
    assert verdicts(receipt("a", received=0), receipt("b", received=1), contract=SNAPSHOT_FEED) == {
        "a": "superseded",
        "b": "accepted",
    }


def receipts_of_a_year() -> st.SearchStrategy[list[Receipt]]:
    """Resubmissions, repeats, overlaps and refusals of two suppliers."""
    one = st.tuples(
        st.tuples(st.integers(0, 5), st.integers(0, 2)),
        st.integers(0, 3),
        st.sampled_from("xyz"),
        st.sampled_from(["EMIS", "TPP"]),
        st.sampled_from([None, None, None, "cut off"]),
    )
    return st.lists(one, max_size=8).map(
        lambda drawn: [
            receipt(f"d{place}", (first, first + more), received, content=content, supplier=supplier, reason=reason)
            for place, ((first, more), received, content, supplier, reason) in enumerate(drawn)
        ]
    )


def current(judged: Sequence[Judged]) -> list[Receipt]:
    return [j.receipt for j in judged if j.verdict == "accepted"]


both_rules = pytest.mark.parametrize("contract", [PERIOD_FEED, SNAPSHOT_FEED], ids=["period", "snapshot"])


@both_rules
@given(data=st.data(), received=receipts_of_a_year())
def test_any_order_gives_the_same_verdicts(contract: Contract, data: st.DataObject, received: list[Receipt]):
    shuffled = data.draw(st.permutations(received))
    assert judge(shuffled, contract) == judge(received, contract)


@both_rules
@given(received=receipts_of_a_year())
def test_every_delivery_has_one_verdict_and_no_day_counts_twice(contract: Contract, received: list[Receipt]):
    judged = judge(received, contract)
    assert sorted(j.receipt.delivery_id for j in judged) == sorted(r.delivery_id for r in received)
    days = [
        (r.supplier, r.period_start + timedelta(place))
        for r in current(judged)
        for place in range((r.period_end - r.period_start).days + 1)
    ]
    assert len(days) == len(set(days))
    if contract is SNAPSHOT_FEED:
        suppliers = [r.supplier for r in current(judged)]
        assert len(suppliers) == len(set(suppliers))


@both_rules
@given(data=st.data(), received=receipts_of_a_year())
def test_sending_a_delivery_again_changes_no_other_verdict(contract, data: st.DataObject, received: list[Receipt]):
    whole = [r for r in received if not r.reason]
    if not whole:
        return
    again = replace(
        data.draw(st.sampled_from(whole)), delivery_id="again", received_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    before, after = judge(received, contract), judge([*received, again], contract)
    assert after[:-1] == before
    assert (after[-1].receipt, after[-1].verdict) == (again, "repeat")


@given(received=receipts_of_a_year())
def test_every_day_that_was_superseded_is_still_covered(received: list[Receipt]):
    judged = judge(received, PERIOD_FEED)
    for old in (j.receipt for j in judged if j.verdict == "superseded"):
        covering = [r for r in current(judged) if r.supplier == old.supplier]
        assert any(r.period_start <= old.period_start and old.period_end <= r.period_end for r in covering)


@pytest.fixture
def superseded(deliver, visit, tmp_path):
    """What is superseded among deliveries, given as (delivery_id, period, received, rows)."""

    def find(*deliveries, contract=visit):
        taken = [
            take_in(
                read_delivery(deliver(name, *rows, period=period, received=received, **announce)),
                contract,
                tmp_path / "shelf",
            )
            for name, period, received, rows, *rest in deliveries
            for announce in rest or [{}]
        ]
        return superseded_records(standing(judge(taken, contract)), tmp_path / "shelf", contract)

    return find


APRIL, MAY = ("2024-04-01", "2024-04-30"), ("2024-05-01", "2024-05-31")
SENT, LATER = "2024-06-01T06:00:00Z", "2024-06-02T06:00:00Z"


def test_a_record_that_comes_again_counts_in_the_latest_period(superseded):
    found = superseded(
        ("april", APRIL, LATER, [{"Visit": "v0"}, {"Visit": "v1", "Price": "3.00"}]),
        ("may", MAY, SENT, [{"Visit": "v1", "Date": "2024-05-02"}, {"Visit": "v2", "Date": "2024-05-02"}]),
    )
    assert found.rows(named=True) == [
        {
            "delivery_id": "april",
            "source_row": 2,
            "provider_code": "RA1",
            "activity_month": date(2024, 4, 1),
            "submitted_pence": 300,
        }
    ]


def test_of_one_period_the_latest_received_counts(superseded):
    found = superseded(("b", APRIL, SENT, [{}]), ("a", APRIL, LATER, [{}]))
    assert found["delivery_id"].to_list() == ["b"]


def test_of_three_only_the_latest_counts(superseded):
    found = superseded(
        ("a", APRIL, SENT, [{}]),
        ("b", MAY, SENT, [{"Date": "2024-05-02"}]),
        ("c", MAY, LATER, [{"Date": "2024-05-02"}]),
    )
    assert found["delivery_id"].to_list() == ["a", "b"]


def test_nothing_is_superseded_where_records_differ_or_have_no_key(superseded, visit):
    april, may = ("april", APRIL, SENT, [{"Visit": "v1"}]), ("may", MAY, SENT, [{"Visit": "v2", "Date": "2024-05-02"}])
    assert superseded(april, may).is_empty()


def test_a_feed_without_record_key_supersedes_no_records(superseded, visit):
    april, may = ("april", APRIL, SENT, [{}]), ("may", MAY, SENT, [{"Date": "2024-05-02"}])
    assert superseded(april, may, contract=replace(visit, record_key=())).is_empty()


def test_the_same_key_in_another_pseudonym_domain_is_another_record(superseded):
    april = ("april", APRIL, SENT, [{}], {"pseudonym_domain": "county"})
    may = ("may", MAY, SENT, [{"Date": "2024-05-02"}], {"pseudonym_domain": "shire"})
    assert superseded(april, may).is_empty()


def test_no_deliveries_supersede_nothing(superseded):
    assert superseded().is_empty()
    assert superseded().columns == ["delivery_id", "source_row", "provider_code", "activity_month", "submitted_pence"]
