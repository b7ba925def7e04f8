"""Withdrawn identifiers: their rows leave every delivery, are counted, and come back when the list lets them."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assets.feeds import current
from assets.feeds.current import build_feed, receipts
from assets.feeds.receipt import WIPED
from assets.feeds.withdrawal import WITHDRAWN, refuse_not_held
from assets.feeds.withdrawn import build_withdrawn_identifier, connected, warn_of_what_withdraws_nobody
from assets.reference import build_reference
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.store import Store
from schemas.contract import contracts
from schemas.feeds import LINK_FEEDS
from schemas.identifiers import DUMMY_PSEUDONYM
from tests.accounts import build_accounts

MAY = ("2024-05-01", "2024-05-31")
FIRST, SECOND, THIRD = (f"2024-0{month}-05T06:00:00Z" for month in (7, 8, 9))
STATUSES = ("rejected", "superseded", "withdrawn", "accepted")


@pytest.fixture
def snapshot(deliver):
    """Delivers a snapshot of one of the feeds that say who is withdrawn or linked."""

    def put(feed: str, received: str, *rows: dict[str, str], **announce) -> None:
        contract = contracts()[feed]
        plain = {column.header: "" for column in contract.columns}
        deliver(
            f"{feed}-{received[:10]}",
            *rows,
            feed=feed,
            plain=plain,
            period=(received[:8] + "01", received[:10]),
            received=received,
            contract_version=contract.version,
            **announce,
        )

    return put


@pytest.fixture
def listed(snapshot):
    """Delivers a withdrawal list."""

    def put(received: str, *pseudonyms: str, **announce) -> None:
        rows = ({"Pseudo NHS Number": one, "Withdrawn_On": "2024-06-30"} for one in pseudonyms)
        snapshot("person_withdrawal", received, *rows, **announce)

    return put


@pytest.fixture
def night(home, visit):
    """One run of the lists, the links and the small feed, with its accounts."""

    def run(contract=visit, store: Store = home.store):
        build_reference(store, DUMMY_PSEUDONYM)
        for feed in LINK_FEEDS:
            build_feed(store, home.landing, contracts()[feed])
        build_withdrawn_identifier(store)
        stored = build_feed(store, home.landing, contract)
        build_accounts(store, {contract.feed: contract})
        return stored

    return run


def kept(home, feed: str = "visit") -> list[tuple[str, int]]:
    with home.store.engine() as engine:
        home.store.register(engine, feed, [home.store.require(feed)], None)
        return engine.fetch(f"select delivery_id, source_row from {feed} order by 1, 2")


def counts(home, delivery_id: str = "april") -> dict[str, tuple[int, int]]:
    """Rows and pence by status, once they are proved to be a partition of those received."""
    for row in home.store.frame("delivery_receipt").rows(named=True):
        for measure in ("rows", "pence"):
            assert row[f"received_{measure}"] == sum(row[f"{status}_{measure}"] for status in STATUSES)
    [row] = home.store.frame("delivery_receipt").filter(delivery_id=delivery_id).rows(named=True)
    found = {status: (row[f"{status}_rows"], row[f"{status}_pence"]) for status in STATUSES}
    return {status: counted for status, counted in found.items() if counted[0]}


def holding(home, *texts: str, beside: tuple[str, ...] = (*LINK_FEEDS, "withdrawn_identifier")) -> list[str]:
    """The parquet files of the store in which any cell is one of these texts."""
    found = []
    for path in home.store.root.rglob("*.parquet"):
        if path.relative_to(home.store.root).parts[0] not in beside:
            rows = pl.read_parquet(path, glob=False).select(pl.selectors.string())
            if rows.select(pl.any_horizontal(pl.all().is_in(texts)).any()).item() if rows.width else False:
                found.append(str(path))
    return found


def test_a_feed_taken_in_under_another_list_is_not_published(night, deliver, listed, home, visit):
    deliver("april", {"Price": "1.00"}, {"Visit": "v2", "Pseudonym": "p200", "Price": "2.00"})
    night()
    refuse_not_held(home.store, visit)
    listed(FIRST, "p200")
    build_feed(home.store, home.landing, contracts()["person_withdrawal"])
    build_withdrawn_identifier(home.store)  # the list alone, as somebody may who materialises assets one by one
    with pytest.raises(LinkedCareError, match=r"^visit: 1 deliveries were not held against the current list"):
        refuse_not_held(home.store, visit)
    night()
    refuse_not_held(home.store, visit)


def test_the_rows_of_a_withdrawn_identifier_leave_the_store_and_are_counted(night, deliver, listed, home):
    deliver("april", {"Price": "1.00"}, {"Visit": "v2", "Pseudonym": "p200", "Price": "2.00"},
            {"Visit": "v3", "Pseudonym": "p200", "Minutes": "0", "Price": "4.00"})  # fmt: skip
    before = night()
    assert counts(home) == {"accepted": (2, 300), "rejected": (1, 400)}
    assert holding(home, "p200")
    listed(FIRST, "p200")
    after = night()
    assert kept(home) == [("april", 1)]
    assert counts(home) == {"accepted": (1, 100), "withdrawn": (1, 200), "rejected": (1, 400)}
    assert holding(home, "p200") == []
    assert after.rows == 1
    assert after.digests != before.digests


def test_a_rejected_row_with_shifted_cells_loses_its_identifier_too(night, deliver, listed, home):
    deliver("april", {"Price": "1.00"}, {"Visit": "p200", "Pseudonym": "v2", "Minutes": "0", "Price": "2.00"})
    night()
    assert holding(home, "p200")
    listed(FIRST, "p200")
    night()
    assert not holding(home, "p200")
    assert home.store.frame("delivery_receipt").filter(delivery_id="april")["rejected_rows"].to_list() == [1]


def test_a_delivery_that_was_once_wiped_and_sent_again_loses_its_rows_too(night, deliver, listed, home):
    deliver("april", {"Price": "1.00"}, {"Visit": "v2", "Pseudonym": "p200", "Price": "2.00"})
    night()
    marker = home.store.root / "visit" / "april" / WIPED
    marker.write_text("{}")
    listed(FIRST, "p200")
    night()
    assert kept(home) == [("april", 1)]
    assert marker.read_text() == "{}"


def test_totals_are_exact_by_provider_and_month(night, deliver, listed, home):
    period = ("2024-04-01", "2024-05-31")
    deliver("spring", {"Price": "1.00", "Pseudonym": "p200"}, {"Visit": "v2", "Price": "2.00"},
            {"Visit": "v3", "Provider": "RB1", "Date": "2024-05-02", "Pseudonym": "p200", "Price": "4.00"},
            period=period)  # fmt: skip
    listed(FIRST, "p200")
    night()
    found = home.store.frame("delivery_total").select("provider_code", "activity_month", "status", "record_count",
                                                      "submitted_pence")  # fmt: skip
    assert {(p, str(m)[:7], *rest) for p, m, *rest in found.rows()} == {
        ("RA1", "2024-04", "accepted", 1, 200),
        ("RA1", "2024-04", "withdrawn", 1, 100),
        ("RB1", "2024-05", "withdrawn", 1, 400),
    }


def test_only_what_holds_withdrawn_rows_changes(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"})
    deliver("may", {"Visit": "v2", "Date": "2024-05-15"}, period=MAY)
    before = night()
    may = home.store.root / "visit" / "may" / "accepted-00000.parquet"
    inode = may.stat().st_ino
    listed(FIRST, "p200")
    after = night()
    assert [old == new for old, new in zip(before.digests, after.digests, strict=True)] == [False, True]
    assert may.stat().st_ino == inode


def test_a_later_night_with_the_same_list_does_nothing(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"})
    listed(FIRST, "p200")
    first = night()
    before = {path: path.stat().st_mtime_ns for path in home.store.root.rglob("*.*") if ".spill" not in str(path)}
    again = night()
    after = {path: path.stat().st_mtime_ns for path in home.store.root.rglob("*.*") if ".spill" not in str(path)}
    changed = {path.name for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == {"judged.json"}
    assert again == replace(first, computed=False)


def test_a_delivery_that_comes_later_is_held_against_the_list_too(night, deliver, listed, home):
    listed(FIRST, "p200")
    night()
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"})
    night()
    assert kept(home) == [("april", 2)]
    assert holding(home, "p200") == []


def test_a_rebuild_takes_them_out_again_and_gives_the_same(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"})
    listed(FIRST, "p200")
    first = night()
    again = night(store=Store(home.store.root, rebuild=True))
    assert again == first
    assert holding(home, "p200") == []


def test_a_list_that_grows_takes_more_from_the_same_delivery(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2", "Pseudonym": "p300"}, {"Visit": "v3"})
    listed(FIRST, "p200")
    night()
    listed(SECOND, "p200", "p300")
    night()
    assert counts(home) == {"accepted": (1, 1000), "withdrawn": (2, 2000)}


def test_an_empty_list_brings_them_back(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2", "Pseudonym": "p200", "Minutes": "0"}, {"Visit": "v3"})
    before = night()
    listed(FIRST, "p200")
    night()
    listed(SECOND)
    assert home.store.frame("withdrawn_identifier").height == 1
    after = night()
    assert home.store.frame("withdrawn_identifier").height == 0
    assert kept(home) == [("april", 1), ("april", 3)]
    assert counts(home) == {"accepted": (2, 2000), "rejected": (1, 1000)}
    assert after.digests == before.digests
    assert not (home.store.root / "visit" / "april" / WITHDRAWN).exists()


def test_who_is_taken_off_the_list_comes_back_and_the_others_do_not(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2", "Pseudonym": "p300"})
    deliver("may", {"Visit": "v3", "Pseudonym": "p300", "Date": "2024-05-15"}, period=MAY)
    listed(FIRST, "p200", "p300")
    night()
    assert kept(home) == []
    listed(SECOND, "p300")
    night()
    assert kept(home) == [("april", 1)]
    assert holding(home, "p300") == []


def test_what_left_landing_cannot_come_back_until_it_returns(night, deliver, listed, home, everything_logged):
    folder = deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"}, {"Visit": "v3", "Pseudonym": "p300"})
    listed(FIRST, "p200")
    night()
    aside = shutil.move(folder, home.root / "archive")
    listed(SECOND, "p300")
    night()
    assert "visit/april: 1 rows of 1 identifiers withdrawn no longer cannot come back" in everything_logged.text
    assert kept(home) == [("april", 2)], "who is newly listed goes all the same"
    assert counts(home)["withdrawn"] == (2, 2000)
    assert "p200" not in everything_logged.text
    shutil.move(aside, folder)
    night()
    assert kept(home) == [("april", 1), ("april", 2)]


def test_mergers_and_bridges_are_followed_in_both_directions_also_when_undone(night, deliver, snapshot, listed, home):
    names = ["p200", "older", "oldest", "split", "other", "p900"]
    deliver("april", *({"Visit": f"v{place}", "Pseudonym": name} for place, name in enumerate(names, 1)))
    other = ({"Visit": name, "Pseudonym": name, "Date": "2024-05-15"} for name in ("mh01", "p200"))
    deliver("elsewhere", *other, period=MAY, pseudonym_domain="mhsds")

    def merger(old: str, new: str, event: str = "") -> dict[str, str]:
        return {"Pseudo Superseded NHS Number": old, "Pseudo NHS Number": new, "Merge_Date": "2024-01-01",
                "Merger_Event": event}  # fmt: skip

    snapshot("person_merger", FIRST, merger("older", "p200"), merger("oldest", "older"), merger("split", "p200"),
             merger("split", "p200", "split"), merger("0000000000", "p200"), merger("0000000000", "p900"))  # fmt: skip
    snapshot("person_bridge", FIRST, {"Bridged_Domain": "mhsds", "Person_ID": "mh01", "Pseudo_NHS_Number": "oldest",
                                      "Bridge_From_Date": "2024-01-01"})  # fmt: skip
    listed(FIRST, "older")
    night()
    withdrawn = set(home.store.frame("withdrawn_identifier").rows())
    assert withdrawn == {
        ("county", "older", "listed"),
        ("county", "p200", "linked"),
        ("county", "oldest", "linked"),
        ("county", "split", "linked"),
        ("mhsds", "mh01", "linked"),
    }
    assert kept(home) == [("april", 5), ("april", 6), ("elsewhere", 2)], "the same text in another domain is another"


def test_a_placeholder_on_the_list_withdraws_nobody():
    listed = pl.DataFrame({"pseudonym_domain": ["county", "county"], "pseudonym": ["0000000000", "p1"]})
    links = pl.DataFrame(schema=dict.fromkeys(["pseudonym_domain", "pseudonym", "other_domain", "other"], pl.String))
    assert connected(listed, links, ["0000000000"]).rows() == [("county", "p1", "listed")]


def test_every_supplier_has_a_list_of_its_own(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2", "Pseudonym": "p300"})
    listed(FIRST, "p200")
    listed(SECOND, "p300", supplier="another")
    night()
    assert kept(home) == []


def test_a_domain_in_which_nothing_comes_is_told(night, deliver, listed, home, everything_logged):
    deliver("april", {}, feed="apc_spell", pseudonym_domain="known")
    listed(FIRST, "p200", pseudonym_domain="odd")
    listed(SECOND, "p300", pseudonym_domain="known", supplier="another")
    night()
    warn_of_what_withdraws_nobody(home)
    told = [record.message for record in everything_logged.records if record.levelname == "WARNING"]
    assert any("1 identifiers are of domain odd, in which nothing has come" in line for line in told)
    assert not any("domain known" in line for line in told)


def test_rows_of_a_list_that_are_in_quarantine_are_told(night, listed, home, everything_logged):
    listed(FIRST, "p200", "a b")
    night()
    warn_of_what_withdraws_nobody(home)
    assert "1 rows of the current lists are in quarantine and withdraw nobody" in everything_logged.text


def test_a_withdrawn_row_that_was_superseded_counts_once(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"})
    deliver("may", {"Pseudonym": "p200", "Date": "2024-05-15"}, {"Visit": "v2", "Date": "2024-05-15"}, period=MAY)
    night()
    assert counts(home) == {"superseded": (2, 2000)}
    listed(FIRST, "p200")
    night()
    assert counts(home) == {"superseded": (1, 1000), "withdrawn": (1, 1000)}
    assert counts(home, "may") == {"accepted": (1, 1000), "withdrawn": (1, 1000)}
    assert kept(home) == [("may", 2)]


def test_replaced_repeated_and_refused_deliveries_lose_their_rows_too(night, deliver, listed, home, visit):
    row = {"Pseudonym": "p200", "Price": "1.00"}
    deliver("april", row, {"Visit": "v2"}, received=FIRST)
    deliver("april-again", row, {"Visit": "v2"}, received=SECOND)
    deliver("april-r2", row, {"Visit": "v2", "Mode": "heard"}, received=THIRD)
    deliver("may", {**row, "Visit": "v3", "Date": "2024-05-02"}, {"Visit": "v4", "Date": "2024-05-02",
            "Minutes": "61"}, period=MAY)  # fmt: skip
    strict = replace(visit, columns=tuple(
        replace(c, severities={"maximum": "refuse"}) if c.name == "minutes" else c for c in visit.columns
    ))  # fmt: skip
    listed(FIRST, "p200")
    night(strict)
    assert holding(home, "p200") == []
    verdicts = dict(home.store.frame("delivery_receipt").select("delivery_id", "verdict").rows())
    assert verdicts == {"april": "superseded", "april-again": "repeat", "april-r2": "accepted", "may": "refused"}
    assert counts(home) == {"superseded": (1, 1000), "withdrawn": (1, 100)}
    assert counts(home, "april-again") == {"superseded": (2, 1100)}
    assert counts(home, "may") == {"rejected": (2, 1100)}


def test_a_provider_whose_rows_are_all_withdrawn_still_holds_its_days(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2", "Provider": "RB1", "Pseudonym": "p300"}, received=FIRST)
    deliver("april-r2", received=SECOND, providers=["RB1"])
    night()
    before = dict(home.store.frame("delivery_receipt").select("delivery_id", "verdict").rows())
    listed(FIRST, "p200")
    night()
    assert dict(home.store.frame("delivery_receipt").select("delivery_id", "verdict").rows()) == before


@pytest.mark.parametrize("moment", range(1, 10))
def test_a_kill_at_any_moment_is_made_good(night, deliver, listed, home, monkeypatch, moment):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"}, {"Visit": "v3", "Pseudonym": "p200", "Minutes": "0"})
    deliver("may", {"Visit": "v4", "Pseudonym": "p200", "Date": "2024-05-15"}, period=MAY)
    night()
    listed(FIRST, "p200")
    changes = 0

    def counted(change):
        def wrapper(path, *arguments, **options):
            nonlocal changes
            if home.store.root / "visit" in (path, *path.parents):
                changes += 1
                if changes == moment:
                    raise KeyboardInterrupt
            return change(path, *arguments, **options)

        return wrapper

    with monkeypatch.context() as patch:
        for name in ("rename", "replace", "mkdir"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        with pytest.raises(KeyboardInterrupt):
            night()
    home.store.clear_leftovers()
    night()
    assert holding(home, "p200") == []
    assert counts(home) == {"accepted": (1, 1000), "withdrawn": (1, 1000), "rejected": (1, 1000)}
    assert counts(home, "may") == {"withdrawn": (1, 1000)}
    assert kept(home) == [("april", 2)]


def test_a_file_that_lost_a_row_stops_the_run(night, deliver, listed, home):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"}, {"Visit": "v3"})
    night()
    path = home.store.root / "visit" / "april" / "accepted-00000.parquet"
    pl.read_parquet(path).head(2).write_parquet(path)
    listed(FIRST, "p200")
    with pytest.raises(ConservationError, match=r"visit/april: -1 accepted rows against its receipt"):
        night()


def test_nobody_withdrawn_touches_no_receipt(night, deliver, home):
    deliver("april", {})
    night()
    assert [receipt.held_against for receipt in receipts(home.store.root / "visit")] == [""]


def test_a_council_number_is_withdrawn_in_its_own_council_only(deliver, listed, night, home):
    contract = contracts()["social_care_event"]
    row = {c.header: "" for c in contract.columns}
    row |= {"LA Code": "905", "LA Person Unique Identifier": "c100", "Event Type": "Service",
            "Event Start Date": "2024-04-01", "Client Type": "Service User"}  # fmt: skip
    sent = [{}, {"LA Code": "906"}, {"LA Person Unique Identifier": "c200", "Pseudo NHS Number": "c100"},
            {"LA Person Unique Identifier": " c100", "Event Type": "odd"}]  # fmt: skip
    deliver("quarter", *sent, feed=contract.feed, plain=row, period=("2024-04-01", "2024-06-30"),
            contract_version=contract.version)  # fmt: skip
    listed(FIRST, "c100", pseudonym_domain="council_905")
    night(contract)
    assert kept(home, contract.feed) == [("quarter", 2), ("quarter", 3)]
    assert counts(home, "quarter") == {"accepted": (2, 0), "withdrawn": (1, 0), "rejected": (1, 0)}
    rejected = home.store.root / contract.feed / "quarter" / "quarantined_row-00000.parquet"
    assert pl.read_parquet(rejected).height == 0


def test_another_list_reads_no_delivery_again(night, deliver, listed, monkeypatch):
    deliver("april", {"Pseudonym": "p200"}, {"Visit": "v2"})
    listed(FIRST, "p200")
    night()
    listed(SECOND, "p200", "p300")
    take_in = current.take_in

    def watched(delivery, *rest):
        assert delivery.feed != "visit"
        return take_in(delivery, *rest)

    monkeypatch.setattr(current, "take_in", watched)
    night()
