"""How often each delivery broke each rule, and the same counts under other limits."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from assets.feeds import current
from assets.feeds.current import build_feed
from assets.feeds.quality import build_rule_result, over_limit, under_limit, with_verdicts
from schemas.contract import Contract
from schemas.contract_model import Limit
from tests.accounts import build_accounts

MAY = ("2024-05-01", "2024-05-31")
IN_MAY = {"Date": "2024-05-15"}
MINUTES = "visit.minutes.minimum"


def with_limit(contract: Contract, column: str, kind: str, limit: Limit) -> Contract:
    columns = [replace(c, limits={kind: limit}) if c.name == column else c for c in contract.columns]
    return replace(contract, columns=tuple(columns))


@pytest.fixture
def results(home, visit):
    """Builds the feed and its rule results under a contract."""

    def build(contract: Contract = visit) -> pl.DataFrame:
        build_feed(home.store, home.landing, contract)
        build_rule_result(home.store, {"visit": contract})
        return home.store.frame("rule_result")

    return build


def test_every_rule_of_every_delivery_has_its_count(deliver, results, visit):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2", "Minutes": "0"}, {"Visit": "v3", "Minutes": "0", "Mode": "smelt"})
    deliver("may", IN_MAY, period=MAY)
    found = results()
    assert found.height == 2 * len(visit.rules)
    broken = found.filter(pl.col("broken_count") > 0)
    assert broken.select("delivery_id", "rule_code", "row_count", "broken_count", "broken_share").rows() == [
        ("april", MINUTES, 3, 2, 2 / 3),
        ("april", "visit.mode.enum", 3, 1, 1 / 3),
    ]
    [row] = broken.filter(rule_code=MINUTES).rows(named=True)
    assert (row["supplier"], row["period_start"], row["period_end"]) == ("clinics", date(2024, 4, 1), date(2024, 4, 30))
    assert (row["kind"], row["category"], row["severity"]) == ("minimum", "plausibility", "reject")
    assert (row["count_limit"], row["rate_limit"], row["is_within_limit"]) == (None, None, True)


def test_only_deliveries_whose_rows_were_counted_are_in_it(deliver, results):
    deliver("april", {"Minutes": "0"})
    deliver("odd", {"Visit": "v2"}, period=("2024-04-15", "2024-05-15"), received="2024-06-02T06:00:00Z")
    deliver("unread", {}, contract_version="0.9.0")
    deliver("short", {}, period=MAY, files=[("rows.csv", b"Visit\nv1\n")])
    assert set(results()["delivery_id"]) == {"april", "odd"}  # `odd` was read, and refused for its period


def test_an_empty_delivery_breaks_nothing(deliver, results):
    deliver("april")
    assert set(results().select("row_count", "broken_count", "broken_share").rows()) == {(0, 0, 0.0)}


def test_a_changed_limit_changes_the_table_and_reads_no_delivery(deliver, results, visit, monkeypatch):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2", "Minutes": "0"})
    before = results()

    def refuse(*_: object) -> None:
        raise AssertionError("a delivery was read")

    monkeypatch.setattr(current, "take_in", refuse)
    after = results(with_limit(visit, "minutes", "minimum", Limit(count=0, rate=0.5)))
    changed = after.filter(rule_code=MINUTES).row(0, named=True)
    assert (changed["count_limit"], changed["rate_limit"], changed["is_within_limit"]) == (0, 0.5, False)
    limits = ["count_limit", "rate_limit", "is_within_limit"]
    assert after.drop(limits).equals(before.drop(limits))
    assert after.filter(pl.col("rule_code") != MINUTES).equals(before.filter(pl.col("rule_code") != MINUTES))


def test_nothing_new_writes_nothing(deliver, results, home, visit):
    deliver("april", {})
    results()
    assert not build_rule_result(home.store, {"visit": visit}).computed
    deliver("may", IN_MAY, period=MAY)
    build_feed(home.store, home.landing, visit)
    assert build_rule_result(home.store, {"visit": visit}).computed


@pytest.mark.parametrize(
    "limit",
    [Limit(), Limit(0), Limit(1), Limit(2), Limit(rate=0.0), Limit(rate=0.25), Limit(rate=0.5), Limit(0, 0.5)],
    ids=str,
)
def test_stored_results_under_another_limit_are_as_the_limit_itself_says(deliver, results, limit):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2", "Minutes": "0"}, {"Visit": "v3"}, {"Visit": "v4"})
    judged = under_limit(results(), limit)
    within = [not limit.exceeded(broken, rows) for broken, rows in judged.select("broken_count", "row_count").rows()]
    assert judged["is_within_limit"].to_list() == within
    assert set(judged.select("count_limit", "rate_limit").rows()) == {(limit.count, limit.rate)}


def test_over_the_limit_are_rules_of_deliveries_that_stand_or_stand_refused(deliver, results, home, visit):
    april = [{"Visit": f"v{place}"} for place in range(4)]
    deliver("april", *april, {"Visit": "w1", "Minutes": "0"}, received="2024-05-01T06:00:00Z")
    deliver("april-r2", *april, {"Visit": "w2", "Minutes": "0"}, {"Visit": "w3", "Minutes": "0"})
    deliver("may", {**IN_MAY, "Minutes": "0"}, {**IN_MAY, "Visit": "v9"}, period=MAY)
    deliver("may-again", {**IN_MAY, "Minutes": "0"}, {**IN_MAY, "Visit": "v9"}, period=MAY, received=LATER)
    contract = with_limit(visit, "minutes", "minimum", Limit(rate=0.25))
    stored = results(contract)
    build_accounts(home.store, {"visit": contract})
    found = over_limit(with_verdicts(stored, home.store.frame("delivery_receipt")))
    assert found.select("rule_code", "deliveries", "broken_count", "worst_delivery", "worst_share").rows() == [
        (MINUTES, 2, 2 + 1, "may", 1 / 2)  # not april, which is superseded, nor the repeat
    ]


LATER = "2024-06-02T06:00:00Z"
