"""Which deliveries and records are current: a rule over all receipts, whatever the order they are read in."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.feeds.delivery import read_delivery
from assets.feeds.intake import Receipt, take_in
from assets.feeds.submission import Judged, Remains, judge, standing
from assets.feeds.superseded import superseded_records
from schemas.contract import Contract, contracts
from schemas.contract_model import Limit

PERIOD_FEED, SNAPSHOT_FEED = contracts()["apc_spell"], contracts()["patient_register"]
INTERVAL_FEED = contracts()["social_care_event"]
FIRST_DAY = date(2024, 4, 1)


def receipt(
    delivery_id: str,
    days: tuple[int, int] = (0, 29),
    received: int = 0,
    *,
    content: str | None = None,
    supplier: str = "SUS",
    reason: str | None = None,
    providers: tuple[str, ...] = (),
    holds: tuple[str, ...] = (),
    roles: tuple[str, ...] = ("records",),
    **outcome: Any,
) -> Receipt:
    """A receipt for days of the year from 0, received hours after New Year, with a row of each provider held."""
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
        providers=providers,
        roles=roles,
        totals=tuple(("accepted", provider, FIRST_DAY, 1, 0) for provider in holds),
        **outcome,
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


def span(first: int, last: int) -> tuple[date, date]:
    return FIRST_DAY + timedelta(first), FIRST_DAY + timedelta(last)


@pytest.mark.parametrize(
    ("days", "left"),
    [((15, 45), [(0, 14)]), ((-15, 15), [(16, 29)]), ((5, 10), [(0, 4), (11, 29)]), ((29, 60), [(0, 28)])],
    ids=["later", "earlier", "within", "one day"],
)
def test_a_period_that_overlaps_leaves_the_other_days_of_the_earlier_one(days, left):
    april, odd = judge([receipt("april", (0, 29), holds=("RA1",)), receipt("odd", days, 1)], PERIOD_FEED)
    assert (april.verdict, odd.verdict, odd.remains) == ("accepted", "accepted", ())
    assert april.remains == (Remains(("RA1",), tuple(span(*piece) for piece in left)),)


def test_a_delivery_that_covers_one_and_cuts_another_supersedes_the_first():
    found = verdicts(receipt("april", (0, 29)), receipt("may", (30, 60), 1), receipt("odd", (0, 45), 2))
    assert found == {"april": "superseded", "may": "accepted", "odd": "accepted"}


def test_two_that_cover_together_supersede_and_the_one_that_completes_it_is_named():
    april, *_ = judge([receipt("april"), receipt("b", (15, 29), 1), receipt("c", (0, 14), 2)], PERIOD_FEED)
    assert (april.verdict, april.reason) == ("superseded", "replaced by c")


def test_for_some_providers_the_others_stay():
    both, one = judge(
        [receipt("both", holds=("RA1", "RB2")), receipt("one", received=1, providers=("RA1",))], PERIOD_FEED
    )
    assert (both.verdict, one.verdict) == ("accepted", "accepted")
    assert both.remains == (Remains(("RA1",), ()), Remains(("RB2",), (span(0, 29),)))


def test_for_all_the_providers_that_it_holds_it_is_superseded():
    found = verdicts(receipt("old", holds=("RA1",)), receipt("new", received=1, providers=("RA1", "RB2")))
    assert found == {"old": "superseded", "new": "accepted"}


def test_a_delivery_for_all_supersedes_one_for_some():
    found = verdicts(receipt("some", providers=("RA1",)), receipt("all", received=1))
    assert found == {"some": "superseded", "all": "accepted"}


def test_other_providers_do_not_supersede_each_other():
    found = judge([receipt("a", providers=("RA1",)), receipt("b", received=1, providers=("RB2",))], PERIOD_FEED)
    assert [(j.verdict, j.remains) for j in found] == [("accepted", ())] * 2


def test_one_for_some_providers_supersedes_no_empty_delivery_for_all():
    assert verdicts(receipt("none"), receipt("some", received=1, providers=("RA1",)))["none"] == "accepted"


def test_what_was_superseded_still_holds_its_days_against_earlier_ones():
    """`b` said that RB2 has no rows left; that `c` replaces what `b` holds of RA1 does not bring them back."""
    a, b, c = judge(
        [
            receipt("a", holds=("RA1", "RB2")),
            receipt("b", received=1, holds=("RA1",)),
            receipt("c", received=2, providers=("RA1",)),
        ],
        PERIOD_FEED,
    )
    assert (a.verdict, a.reason) == ("superseded", "replaced by b")
    assert (b.verdict, b.reason, c.verdict) == ("superseded", "replaced by c", "accepted")


def test_rejected_rows_are_told_where_a_delivery_is_replaced():
    totals = (("rejected", "RA1", FIRST_DAY, 3, 0), ("accepted", "RA1", FIRST_DAY, 5, 0))
    old = replace(receipt("old"), totals=totals)
    new = replace(receipt("new", received=1), totals=(("rejected", "RA1", FIRST_DAY, 1, 0),))
    assert judge([old, new], PERIOD_FEED)[0].reason == (
        "replaced by new; of its rows 3 had been rejected, of the new ones 1"
    )


def test_services_are_cut_at_one_end_only():
    year, later, within = judge(
        [
            receipt("year", (0, 364), holds=("503",)),
            receipt("later", (90, 454), 1, holds=("503",)),
            receipt("within", (10, 20), 2, holds=("503",)),
        ],
        INTERVAL_FEED,
    )
    assert year.remains == (Remains(("503",), (span(0, 89),)),)
    assert (later.verdict, later.remains) == ("accepted", ())
    assert within.verdict == "refused"
    assert within.reason == "overlaps the period of year without covering it. Send whole periods again."


def test_a_refused_delivery_of_services_supersedes_nothing():
    found = judge(
        [
            receipt("a", (0, 29), holds=("503",)),
            receipt("b", (30, 59), 1, holds=("503",)),
            receipt("odd", (10, 59), 2, holds=("503",), providers=("503",)),
            receipt("worse", (5, 8), 3, providers=("503",)),
        ],
        INTERVAL_FEED,
    )
    assert {j.receipt.delivery_id: j.verdict for j in found} == {
        "a": "accepted",
        "b": "superseded",
        "odd": "accepted",
        "worse": "refused",
    }
    assert found[0].remains == (Remains(("503",), (span(0, 9),)),)


@pytest.fixture
def strict(visit) -> Contract:
    """Few minutes refuse the delivery: at most 2 rows and a tenth of them may have too few."""
    columns = tuple(
        replace(c, severities={"minimum": "refuse"}, limits={"minimum": Limit(2, 0.1)}) if c.name == "minutes" else c
        for c in visit.columns
    )
    return replace(visit, columns=columns)


@pytest.mark.parametrize(
    ("broken", "rows", "verdict"), [(2, 20, "accepted"), (3, 100, "refused"), (2, 19, "refused"), (0, 0, "accepted")]
)
def test_a_rule_broken_over_its_limit_refuses_the_delivery(strict, broken, rows, verdict):
    found = verdicts(
        receipt("a", received_rows=rows, broken={"visit.minutes.minimum": broken, "visit.mode.enum": 9}),
        contract=strict,
    )
    assert found == {"a": verdict}


def test_the_reason_names_rule_rows_limit_and_remedy(strict):
    [refused] = judge([receipt("a", received_rows=10, broken={"visit.minutes.minimum": 4})], strict)
    assert refused.reason == (
        "visit.minutes.minimum: 4 of 10 rows break it, at most 2 and 10% may. Correct them and send the delivery again."
    )


def test_a_delivery_refused_for_its_limits_supersedes_nothing(strict):
    bad = receipt("bad", received=1, received_rows=10, broken={"visit.minutes.minimum": 4})
    assert verdicts(receipt("good"), bad, contract=strict) == {"good": "accepted", "bad": "refused"}


def test_a_released_rule_has_no_limit(strict):
    code = "visit.minutes.minimum"
    assert verdicts(receipt("a", received_rows=10, broken={code: 4}, released=(code,)), contract=strict) == {
        "a": "accepted"
    }


def test_companions_alone_supersede_nothing_and_are_not_superseded():
    found = verdicts(receipt("april"), receipt("gone", received=1, roles=("deletes",)), receipt("may", (0, 60), 2))
    assert found == {"april": "superseded", "gone": "accepted", "may": "accepted"}


def test_the_same_files_for_the_same_period_are_a_repeat():
    first, again = judge([receipt("first", content="x"), receipt("again", content="x", received=1)], PERIOD_FEED)
    assert (first.verdict, again.verdict) == ("accepted", "repeat")
    assert again.reason == "the same files were received before"


def test_the_same_files_for_another_period_are_no_repeat():
    assert verdicts(receipt("april", (0, 29), content="x"), receipt("may", (30, 60), 1, content="x")) == {
        "april": "accepted",
        "may": "accepted",
    }


def test_the_same_files_for_other_providers_are_no_repeat():
    one = receipt("one", content="x", providers=("RA1",))
    assert verdicts(one, receipt("all", content="x", received=1)) == {"one": "superseded", "all": "accepted"}


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
        st.sampled_from([(), (), ("RA1",), ("RA1", "RB2")]),
    )
    return st.lists(one, max_size=8).map(
        lambda drawn: [
            receipt(
                f"d{place}",
                (first, first + more),
                received,
                content=content,
                supplier=supplier,
                reason=reason,
                providers=providers,
                holds=("RA1",),
            )
            for place, ((first, more), received, content, supplier, reason, providers) in enumerate(drawn)
        ]
    )


def held(judged: Judged) -> list[tuple[str, str, date]]:
    """Supplier, provider and day for each that a delivery still holds."""
    own = judged.receipt
    whole = (Remains(own.providers or ("RA1",), ((own.period_start, own.period_end),)),)
    return [
        (own.supplier, provider, first + timedelta(place))
        for remains in judged.remains or whole
        for provider in remains.providers
        for first, last in remains.days
        for place in range((last - first).days + 1)
    ]


every_rule = pytest.mark.parametrize(
    "contract", [PERIOD_FEED, SNAPSHOT_FEED, INTERVAL_FEED], ids=["period", "snapshot", "interval"]
)


@every_rule
@given(data=st.data(), received=receipts_of_a_year())
def test_any_order_gives_the_same_verdicts(contract: Contract, data: st.DataObject, received: list[Receipt]):
    shuffled = data.draw(st.permutations(received))
    assert judge(shuffled, contract) == judge(received, contract)


@every_rule
@given(received=receipts_of_a_year())
def test_every_delivery_has_one_verdict_and_no_day_counts_twice(contract: Contract, received: list[Receipt]):
    judged = judge(received, contract)
    assert sorted(j.receipt.delivery_id for j in judged) == sorted(r.delivery_id for r in received)
    days = [day for j in judged if j.verdict == "accepted" for day in held(j)]
    assert len(days) == len(set(days))
    if contract is SNAPSHOT_FEED:
        providers = [whose for j in judged if j.verdict == "accepted" for whose in {day[:2] for day in held(j)}]
        assert len(providers) == len(set(providers))


@every_rule
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
def test_every_day_that_was_received_is_held_by_the_latest(received: list[Receipt]):
    judged = judge(received, PERIOD_FEED)
    good = [j for j in judged if j.verdict in {"accepted", "superseded"}]
    holder: dict[tuple[str, str, date], str] = {}
    for j in good:  # in order of receipt: the later overwrites, and one for all providers clears those it does not hold
        days = held(replace(j, remains=()))
        for supplier, _, day in days if not j.receipt.providers else ():
            holder.pop((supplier, "RB2", day), None)
        holder |= dict.fromkeys(days, j.receipt.delivery_id)
    assert {day: j.receipt.delivery_id for j in good if j.verdict == "accepted" for day in held(j)} == holder


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
JUNE = ("2024-06-01", "2024-06-30")
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


def test_of_periods_that_end_together_the_latest_received_counts(superseded):
    found = superseded(("b", APRIL, SENT, [{"Date": "2024-04-01"}]), ("a", ("2024-04-02", "2024-04-30"), LATER, [{}]))
    assert found["delivery_id"].to_list() == ["b"]


def test_of_three_only_the_latest_counts(superseded):
    found = superseded(
        ("a", APRIL, SENT, [{}]),
        ("b", MAY, SENT, [{"Date": "2024-05-02"}]),
        ("c", JUNE, LATER, [{"Date": "2024-06-02"}]),
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


def test_rows_on_days_that_a_later_delivery_covers_are_superseded(superseded):
    part = ("2024-04-10", "2024-04-20")
    found = superseded(
        ("april", APRIL, SENT, [{"Visit": f"v{day}", "Date": f"2024-04-{day}"} for day in ("09", "10", "20", "21")]),
        ("part", part, LATER, [{"Visit": "new", "Date": "2024-04-15"}]),
    )
    assert found.select("delivery_id", "source_row").rows() == [("april", 2), ("april", 3)]


def test_rows_of_other_providers_stay(superseded):
    found = superseded(
        ("april", APRIL, SENT, [{"Visit": "v1"}, {"Visit": "v2", "Provider": "RB2"}]),
        ("one", APRIL, LATER, [{"Visit": "v3"}], {"providers": ["RA1"]}),
    )
    assert found.select("delivery_id", "source_row", "provider_code").rows() == [("april", 1, "RA1")]


def test_a_record_whose_repeat_was_replaced_is_current_again(superseded):
    """`v1` came again in May, and May was then sent without it for that day."""
    found = superseded(
        ("april", APRIL, SENT, [{"Visit": "v1"}]),
        ("may", MAY, SENT, [{"Visit": "v1", "Date": "2024-05-02"}, {"Visit": "v2", "Date": "2024-05-20"}]),
        ("part", ("2024-05-01", "2024-05-03"), LATER, [{"Visit": "v3", "Date": "2024-05-02"}]),
    )
    assert found.select("delivery_id", "source_row").rows() == [("may", 1)]


def test_a_delivery_that_nobody_bears_upon_is_not_read(superseded, visit, monkeypatch, deliver, tmp_path):
    keyless = replace(visit, record_key=())
    shelf = tmp_path / "shelf"
    sent = [("april", APRIL, SENT), ("may", MAY, SENT), ("part", ("2024-05-01", "2024-05-03"), LATER)]
    taken = [
        take_in(read_delivery(deliver(name, {"Date": period[0]}, period=period, received=received)), keyless, shelf)
        for name, period, received in sent
    ]
    for name in ("april", "part"):
        next((shelf / name).glob("accepted-*")).write_bytes(b"not to be read")
    found = superseded_records(standing(judge(taken, keyless)), shelf, keyless)
    assert found.select("delivery_id", "source_row").rows() == [("may", 1)]
