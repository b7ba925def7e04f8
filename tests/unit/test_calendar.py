"""The calendar of expected deliveries: who was expected when, what has come, and what share of a feed that is."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.feeds.calendar import delivery_calendar
from assets.feeds.completeness import feed_completeness, gaps, gaps_in_words
from assets.feeds.expected import EXPECTED_FILE, read_expected
from assets.reference import read_reference
from pipelines.errors import LinkedCareError
from schemas.contract_model import Contract
from schemas.feeds import DELIVERY_CALENDAR, DELIVERY_RECEIPT, DELIVERY_TOTAL, FEED_COMPLETENESS, PROVIDER_SUCCESSION

MONTHS = [date(2024, 4, 1), *(date(2024, month, 1) for month in range(5, 13)), *(date(2025, m, 1) for m in (1, 2, 3))]
NO_OWN = read_expected(Path("nowhere.csv"), ())


def end_of(month: date, months: int = 1) -> date:
    after = month.month - 1 + months
    return date(month.year + after // 12, after % 12 + 1, 1) - timedelta(days=1)


@dataclass
class Accounts:
    """The accounts of made-up deliveries, in the order in which they are told."""

    contracts: Mapping[str, Contract]
    receipts: list[dict[str, Any]] = field(default_factory=list)
    totals: list[dict[str, Any]] = field(default_factory=list)

    def deliver(
        self,
        month: date,
        records: Mapping[str, int | Mapping[date, int]],
        months: int = 1,
        days: int = 18,
        verdict: str = "accepted",
        name: str = "",
        feed: str = "visit",
        supplier: str = "SUS",
    ) -> None:
        """A delivery received so many days after its period; records by provider, of the first month or by month."""
        end = end_of(month, months)
        delivery = f"{feed}-{supplier}-{month}{name}"
        self.receipts.append(
            {
                "feed": feed,
                "delivery_id": delivery,
                "supplier": supplier,
                "period_start": month,
                "period_end": end,
                "received_date": end + timedelta(days=days),
                "verdict": verdict,
            }
        )
        if verdict in {"refused", "repeat"}:
            return
        for provider, counts in records.items():
            for counted, count in (counts if isinstance(counts, Mapping) else {month: counts}).items():
                self.totals.append(
                    {
                        "feed": feed,
                        "delivery_id": delivery,
                        "provider_code": provider,
                        "activity_month": counted,
                        "status": verdict,
                        "record_count": count,
                    }
                )

    def calendar(self, own: pl.DataFrame = NO_OWN) -> pl.DataFrame:
        """The calendar, which must keep to its declaration."""
        receipts = _frame(DELIVERY_RECEIPT, self.receipts)
        totals = _frame(DELIVERY_TOTAL, self.totals)
        made = delivery_calendar(receipts, totals, self.contracts, own, read_reference(PROVIDER_SUCCESSION))
        made.to_arrow().cast(DELIVERY_CALENDAR.arrow_schema)
        assert made.select(DELIVERY_CALENDAR.key).is_unique().all()
        return made

    def completeness(self, year: str = "2024-25", own: pl.DataFrame = NO_OWN) -> dict[str, Any]:
        """What the first feed's completeness is made of."""
        made = feed_completeness(self.calendar(own), year, self.contracts)
        made.select(FEED_COMPLETENESS.arrow_schema.names).to_arrow().cast(FEED_COMPLETENESS.arrow_schema)
        [row] = made.filter(feed=next(iter(self.contracts))).rows(named=True)
        return row


def _frame(table: Any, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    schema = table.empty_frame().schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def statuses(calendar: pl.DataFrame, provider: str) -> dict[date, str]:
    rows = calendar.filter(provider_code=provider).select("activity_month", "status").rows()
    return dict(sorted(rows))


@pytest.fixture
def accounts(visit: Contract) -> Accounts:
    return Accounts({"visit": visit})


@pytest.fixture
def contract_of(visit: Contract) -> Callable[..., Accounts]:
    return lambda **changes: Accounts({"visit": replace(visit, **changes)})


def test_a_missing_middle_month_is_missing_and_weighs_what_is_usual(accounts: Accounts) -> None:
    for month in MONTHS:
        if month != date(2024, 7, 1):
            accounts.deliver(month, {"RA1": 300, "RA2": 100})
    found = accounts.calendar()
    for provider in ("RA1", "RA2"):
        assert [month for month, status in statuses(found, provider).items() if status == "missing"] == [MONTHS[3]]
    july = found.filter(activity_month=MONTHS[3], provider_code="RA1").row(0, named=True)
    assert (july["record_count"], july["usual_record_count"], july["volume_ratio"]) == (0, 300, 0)
    assert (july["received_date"], july["due_date"]) == (None, date(2024, 7, 31) + timedelta(days=18))
    row = accounts.completeness()
    assert (row["expected_provider_months"], row["delivered_provider_months"]) == (24, 22)
    assert (row["missing_provider_months"], row["due_months"], row["expected_records"]) == (2, 12, 12 * 400)
    assert row["completeness"] == pytest.approx(11 / 12)


def test_a_month_is_not_missing_until_it_is_due(accounts: Accounts) -> None:
    accounts.deliver(MONTHS[0], {"RA1": 50})
    accounts.deliver(MONTHS[1], {"RA1": 50}, days=17)
    assert accounts.calendar()["as_of_date"].unique().to_list() == [date(2024, 6, 17)]
    assert statuses(accounts.calendar(), "RA1") == {
        MONTHS[0]: "delivered",
        MONTHS[1]: "delivered",
        MONTHS[2]: "not_yet_due",
    }
    accounts.deliver(MONTHS[0], {"RB1": 50}, supplier="other", days=78)  # on the 17th of July: June is due on the 18th
    assert statuses(accounts.calendar(), "RA1")[MONTHS[2]] == "not_yet_due"
    assert accounts.completeness()["due_months"] == 2
    accounts.deliver(MONTHS[1], {"RB1": 50}, supplier="other", days=48)  # on the 18th
    assert statuses(accounts.calendar(), "RA1")[MONTHS[2]] == "missing"


def test_late_is_what_first_came_after_its_due_day(accounts: Accounts) -> None:
    accounts.deliver(MONTHS[0], {"RA1": 50}, days=18)
    accounts.deliver(MONTHS[1], {"RA1": 50}, days=19)
    accounts.deliver(MONTHS[2], {"RA1": 50}, days=18, verdict="superseded")
    accounts.deliver(MONTHS[2], {"RA1": 60}, days=40, name="-r2")
    found = accounts.calendar().filter(provider_code="RA1", expected=True)
    assert found["status"].to_list()[:3] == ["delivered", "late", "delivered"]
    june = found.row(2, named=True)
    assert june["record_count"] == 60
    assert june["received_date"] == date(2024, 6, 30) + timedelta(days=40)
    assert accounts.completeness()["completeness"] == 1


def test_a_provider_that_vanishes_inside_a_file_is_missing_though_the_file_has_come(accounts: Accounts) -> None:
    for month in MONTHS:
        accounts.deliver(month, {"RA1": 300} | ({"RA2": 100} if month < date(2025, 1, 1) else {}))
    found = accounts.calendar()
    assert [month for month, status in statuses(found, "RA2").items() if status == "missing"] == MONTHS[9:]
    assert accounts.completeness()["completeness"] == pytest.approx(1 - 3 * 100 / (12 * 400))


def test_a_provider_is_missed_for_the_whole_year_after_it_vanished_and_then_no_longer(accounts: Accounts) -> None:
    years = [date(2024 + place // 12, place % 12 + 1, 1) for place in range(3, 3 + 36)]
    for month in years:
        accounts.deliver(month, {"RA1": 300} | ({"RA2": 100} if month < date(2025, 4, 1) else {}))
    assert accounts.completeness("2024-25")["completeness"] == 1
    assert accounts.completeness("2025-26")["completeness"] == pytest.approx(300 / 400)
    assert accounts.completeness("2026-27")["completeness"] == 1


def test_a_provider_that_another_has_taken_over_is_not_missed(accounts: Accounts) -> None:
    year = [date(2022 + place // 12, place % 12 + 1, 1) for place in range(3, 3 + 24)]
    for month in year:  # Yeovil became part of Somerset on 1 April 2023
        accounts.deliver(month, {"RA4": 300, "RH5": 100} if month < date(2023, 4, 1) else {"RH5": 400})
    assert "missing" not in set(statuses(accounts.calendar(), "RA4").values())
    assert accounts.completeness("2023-24")["completeness"] == 1


def test_a_sporadic_provider_is_not_expected(accounts: Accounts) -> None:
    for month in MONTHS:
        accounts.deliver(month, {"RA1": 300} | ({"FAR": 20} if month in (MONTHS[1], MONTHS[5]) else {}))
    found = accounts.calendar()
    assert not found.filter(provider_code="FAR")["expected"].any()
    assert set(statuses(found, "FAR").values()) == {"delivered", "not_expected"}
    assert accounts.completeness()["expected_provider_months"] == 12


def test_a_provider_with_few_records_can_have_none_by_chance(accounts: Accounts) -> None:
    for month in MONTHS:
        accounts.deliver(month, {"RA1": 300} | ({"FEW": 9, "TEN": 10} if month != MONTHS[4] else {}))
    found = accounts.calendar()
    assert statuses(found, "FEW")[MONTHS[4]] == "delivered"
    assert statuses(found, "TEN")[MONTHS[4]] == "missing"


def test_few_records_are_missing_where_the_file_itself_is(accounts: Accounts) -> None:
    for month in MONTHS:
        if month != MONTHS[4]:
            accounts.deliver(month, {"FEW": 2})
    assert statuses(accounts.calendar(), "FEW")[MONTHS[4]] == "missing"
    assert accounts.completeness()["completeness"] == pytest.approx(11 / 12)


def test_low_volume_is_told_and_is_no_gap(accounts: Accounts) -> None:
    for month, count in zip(MONTHS, [400, 399, 401, 199, 200, 400, 400, 400, 400, 400, 400, 400], strict=True):
        accounts.deliver(month, {"RA1": count})
    found = accounts.calendar().filter(pl.col("record_count") > 0)
    assert found.filter("is_low_volume")["activity_month"].to_list() == [MONTHS[3]]
    assert found["volume_ratio"].to_list()[3] == pytest.approx(199 / 400)
    assert accounts.completeness()["completeness"] == 1


def test_a_quarter_is_due_whole_and_its_records_are_spread(contract_of: Callable[..., Accounts]) -> None:
    accounts = contract_of(rhythm="quarter", due_days=30)
    for quarter in (MONTHS[0], MONTHS[3], MONTHS[9]):
        accounts.deliver(quarter, {"905": {end_of(quarter, 3).replace(day=1): 100}}, months=3, days=30)
    found = accounts.calendar().filter(provider_code="905")
    assert found["record_count"].to_list()[:6] == [33, 33, 34, 33, 33, 34]
    assert found["status"].to_list()[:12] == 6 * ["delivered"] + 3 * ["missing"] + 3 * ["delivered"]
    assert found["due_date"].to_list()[6:9] == 3 * [date(2025, 1, 30)]
    assert found.filter(status="not_yet_due")["activity_month"].to_list() == [date(2025, 4, 1)]
    assert accounts.completeness()["completeness"] == pytest.approx(9 / 12)


def test_a_snapshot_covers_all_months_before_it(contract_of: Callable[..., Accounts]) -> None:
    accounts = contract_of(rhythm="snapshot", submission_rule="snapshot", due_days=10, provider_column=None)
    accounts.deliver(MONTHS[0], {"unknown": 900}, months=3, days=10, verdict="superseded")
    accounts.deliver(MONTHS[6], {"unknown": 950}, months=3, days=10)
    accounts.deliver(MONTHS[9], {}, months=3, days=11, verdict="refused")
    found = accounts.calendar()
    # the summer's was never sent, but the autumn's replaces it: late, not missing
    assert found["status"].to_list() == 3 * ["delivered"] + 3 * ["late"] + 3 * ["delivered"] + ["not_yet_due"]
    assert found["record_count"].to_list() == 9 * [950] + [0]
    accounts.deliver(MONTHS[6], {"unknown": 950}, months=3, days=101, name="-r2")
    assert accounts.calendar()["status"].to_list()[9:] == 3 * ["missing"] + ["not_yet_due"]


def test_empty_files_of_a_feed_without_providers_yet_have_come(accounts: Accounts) -> None:
    for month in MONTHS[:6]:
        accounts.deliver(month, {})
    assert accounts.completeness()["completeness"] == 1
    accounts.deliver(MONTHS[6], {"RA1": 50})
    found = accounts.calendar()
    assert set(statuses(found, "unknown")) == set(MONTHS[:6])
    assert statuses(found, "RA1")[MONTHS[6]] == "delivered"


def test_what_is_refused_is_missing_until_it_is_mended_and_then_late(accounts: Accounts) -> None:
    accounts.deliver(MONTHS[0], {"RA1": 50})
    accounts.deliver(MONTHS[1], {}, verdict="refused")
    accounts.deliver(MONTHS[2], {"RA1": 50})
    assert statuses(accounts.calendar(), "RA1")[MONTHS[1]] == "missing"
    accounts.deliver(MONTHS[1], {"RA1": 50}, days=60, name="-r2")
    assert statuses(accounts.calendar(), "RA1")[MONTHS[1]] == "late"


def test_repeats_and_refusals_do_not_move_the_day_of_the_calendar(accounts: Accounts) -> None:
    accounts.deliver(MONTHS[0], {"RA1": 50})
    before = accounts.calendar()
    accounts.deliver(MONTHS[0], {"RA1": 50}, days=300, verdict="repeat", name="-again")
    accounts.deliver(MONTHS[1], {"RA1": 50}, days=300, verdict="refused")
    assert accounts.calendar().equals(before)


def test_a_history_is_no_period_of_the_rhythm(accounts: Accounts) -> None:
    history = {date(2000, 1, 1): 4, date(2023, 1, 1): 9}
    accounts.deliver(date(1990, 4, 1), {"L81001": history}, months=34 * 12)
    accounts.deliver(MONTHS[0], {"L81001": 50})
    assert accounts.calendar()["activity_month"].min() == MONTHS[0]


def test_later_months_change_no_earlier_year(accounts: Accounts) -> None:
    for month in MONTHS:
        accounts.deliver(month, {"RA1": 300} | ({"RA2": 100} if month != MONTHS[4] else {}))
    before = accounts.completeness("2024-25")
    assert before["missing_provider_months"] == 1
    for place in range(3, 15):
        accounts.deliver(date(2025 + place // 12, place % 12 + 1, 1), {"RA1": 900})
    assert accounts.completeness("2024-25") == before


def test_any_order_of_arrival_gives_the_same_calendar(accounts: Accounts) -> None:
    for month in MONTHS:
        accounts.deliver(month, {"RA1": 300, "RA2": 5}, days=18 + month.month)
        accounts.deliver(month, {"RB1": 40}, supplier="other")
    accounts.deliver(MONTHS[3], {"RA1": 301}, days=50, name="-r2")
    before = accounts.calendar()
    random.Random(1).shuffle(accounts.receipts)
    random.Random(2).shuffle(accounts.totals)
    assert accounts.calendar().equals(before)


def test_without_deliveries_there_is_no_calendar_and_no_completeness(accounts: Accounts) -> None:
    assert accounts.calendar().is_empty()
    row = accounts.completeness()
    assert (row["expected_provider_months"], row["completeness"]) == (0, None)


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], pl.DataFrame]:
    def read(rows: str, header: str = "feed,supplier,provider_code,first_month,last_month") -> pl.DataFrame:
        (tmp_path / EXPECTED_FILE).write_text(f"{header}\n{rows}")
        return read_expected(tmp_path / EXPECTED_FILE, {"visit"})

    return read


def test_the_user_ends_and_adds_expectations(accounts: Accounts, own: Callable[[str], pl.DataFrame]) -> None:
    for month in MONTHS:
        accounts.deliver(month, {"RA1": 300} | ({"RA2": 100} if month < MONTHS[9] else {}))
    closed = own("visit,SUS,RA2,2024-04,2024-12\n")
    assert statuses(accounts.calendar(closed), "RA2")[MONTHS[9]] == "not_expected"
    assert accounts.completeness(own=closed)["completeness"] == 1
    added = own("visit,SUS,RA2,2024-04,2024-12\nvisit,SUS,RA3,2024-10-01,\nvisit,new,RN1,2025-03,\n")
    found = accounts.calendar(added)
    assert [month for month, status in statuses(found, "RA3").items() if status == "missing"] == MONTHS[6:]
    assert statuses(found, "RN1")[MONTHS[11]] == "missing"
    # who never sent anything weighs as the median provider: between the usual 100 of RA2 and 300 of RA1
    usual = sorted(12 * [300] + 9 * [100])[10]
    weight = 12 * 300 + 9 * 100
    row = accounts.completeness(own=added)
    assert row["expected_records"] == weight + 7 * usual
    assert row["completeness"] == pytest.approx(weight / (weight + 7 * usual))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("visit,SUS,,2024-04,\n", "1 rows have no provider_code"),
        ("visit,SUS,RA1,,\n", "1 rows have no first_month"),
        ("vist,SUS,RA1,2024-04,\n", "1 rows name a feed that has no contract"),
        ("visit,SUS,RA1,April,\nvisit,SUS,RA2,2024-13,\n", "2 rows have a first_month that is no month"),
        ("visit,SUS,RA1,2024-04,soon\n", "1 rows have a last_month that is no month"),
        ("visit,SUS,RA1,2024-04,2024-03\n", "1 rows end before they begin"),
        ("visit,SUS,RA1,2024-04,,x,y\n", "cannot be read as CSV"),
    ],
)
def test_a_malformed_file_is_one_clear_error(own: Callable[[str], pl.DataFrame], rows: str, told: str) -> None:
    with pytest.raises(LinkedCareError) as refused:
        own(rows)
    assert f"{EXPECTED_FILE}: {told}" in str(refused.value)
    assert not {"April", "soon", "vist", "RA2"} & set(str(refused.value).replace(".", " ").split())


def test_other_columns_are_refused(own: Callable[..., pl.DataFrame]) -> None:
    with pytest.raises(LinkedCareError, match="its columns must be feed, supplier, provider_code"):
        own("visit,RA1\n", header="feed,provider_code")


def test_the_worst_gap_is_named(accounts: Accounts) -> None:
    for month in MONTHS:
        late = month == MONTHS[1]
        accounts.deliver(month, {"RA1": 300} | ({"RA2": 100} if month < MONTHS[10] else {}), days=30 if late else 18)
    words = gaps_in_words(accounts.calendar())
    assert words == "24 months of providers were due: 2 missing, 2 came late; worst is visit of RA2, 2 missing"
    assert gaps(accounts.calendar()).select("status", "provider_code", "months").rows() == [
        ("missing", "RA2", 2),
        ("late", "RA1", 1),
        ("late", "RA2", 1),
    ]


def test_stays_that_are_sent_again_each_month_have_come_in_every_month(contract_of: Callable[..., Accounts]) -> None:
    """Only the last month's row of each is current, but half of the beds left out of one month must show."""
    plain, spanning = contract_of(), contract_of(spans_deliveries=True)
    for accounts in (plain, spanning):
        for month in MONTHS:
            accounts.deliver(month, {"RA1": 400 if month != MONTHS[6] else 150})
        for total in accounts.totals[:-1]:
            total["status"] = "superseded"  # row by row: the deliveries stand
    assert statuses(plain.calendar(), "RA1")[MONTHS[3]] != "delivered"
    found = spanning.calendar().filter(provider_code="RA1", expected=True).head(12)
    assert set(found["status"]) == {"delivered"}
    assert found["record_count"].to_list() == [400] * 6 + [150] + [400] * 5
    assert found.filter("is_low_volume")["activity_month"].to_list() == [MONTHS[6]]
    assert spanning.completeness()["completeness"] == 1
