"""Who is withdrawn leaves every table at the next run, and comes back when the list lets them."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl
import pytest

from assets.costing.conservation import prove_ledger
from assets.linkage.identity import DEMONSTRATION_KEY, person_id
from assets.publication.withdrawal import withdraw_from_releases
from pipelines.home import open_home
from pipelines.store import Store
from pipelines.verification import verify_home
from schemas.contract import contracts
from schemas.costing import LEDGER_STAGES
from schemas.feeds import LINK_FEEDS
from tests.releases import table

DOMAIN = "south_somerset"
MEMORY = (*LINK_FEEDS, "withdrawn_identifier")  # what a suppression list must remember
DOOR = ("rejected", "superseded", "withdrawn", "accepted")
OLDER, OLDEST = "olderpseudonym", "oldestpseudonym"


def send(home: Path, feed: str, received: str, rows: Iterable[dict[str, str]], **announce: object) -> None:
    """Land a snapshot of one of the feeds that say who is withdrawn or linked."""
    contract = contracts()[feed]
    headers = [column.header for column in contract.columns]
    folder = home / "landing" / feed / f"{feed}-{received}"
    folder.mkdir(parents=True)
    path = folder / "rows.csv"
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, headers, restval="")
        writer.writeheader()
        writer.writerows(rows)
    announced = {
        "delivery_id": folder.name,
        "feed": feed,
        "contract_version": contract.version,
        "supplier": "controller",
        "pseudonym_domain": DOMAIN,
        "synthetic": True,
        "period_start": "2025-04-01",
        "period_end": received,
        "received_at": f"{received}T06:00:00Z",
        "files": [
            {
                "name": path.name,
                "format": "csv",
                "rows": sum(1 for _ in path.open()) - 1,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        ],
    }
    (folder / "delivery.json").write_text(json.dumps(announced | announce))


def withdrawal_list(home: Path, received: str, *pseudonyms: str) -> None:
    rows = ({"Pseudo NHS Number": one, "Withdrawn_On": "2025-04-01"} for one in pseudonyms)
    send(home, "person_withdrawal", received, rows)


def chosen(home: Path) -> tuple[list[str], str, str]:
    """Five people with much care, and a council's number without a pseudonym, which is to be bridged to one of them."""
    store = Store(home / "store")
    index = store.frame("person_identifier").filter(pl.col("how") == "direct").select("pseudonym", "person_id")
    costs = table(home, "person_year_cost").group_by("person_id").agg(pl.col("total_pence").sum())
    ordered = index.join(costs, on="person_id").sort("total_pence", "pseudonym", descending=True)
    people = ordered["pseudonym"].head(5)
    care = store.frame("social_care_event").filter(pl.col("pseudonym").is_null())
    code, number = care.sort("council_person_id").select("council_code", "council_person_id").row(0)
    return people.to_list(), f"council_{code}", number


def cells(paths: Iterable[Path]) -> set[str]:
    """Every text in parquet files, and every whole number as text."""
    found: set[str] = set()
    for path in paths:
        for column in pl.read_parquet(path, glob=False).select(pl.col(pl.String, pl.Int64)).get_columns():
            found.update(column.unique().drop_nulls().cast(pl.String))
    return found


def parquet_of(home: Path, *, beside: Iterable[str] = ()) -> list[Path]:
    store = home / "store"
    return [path for path in store.rglob("*.parquet") if path.relative_to(store).parts[0] not in beside]


def refuse_gaps(home: Path) -> None:
    receipts = table(home, "delivery_receipt")
    for measure in ("rows", "pence"):
        parts = pl.sum_horizontal(f"{status}_{measure}" for status in DOOR)
        assert receipts.filter(pl.col(f"received_{measure}") != parts).is_empty()
    store = Store(home / "store")
    assert (store.frame("delivery_total")["record_count"] >= 0).all()
    for year in store.years("cost_ledger"):
        prove_ledger(store, year)


@pytest.fixture(scope="module")
def withdrawn(published: Path, tmp_path_factory: pytest.TempPathFactory, nightly) -> tuple[Path, set[str], set[str]]:
    """A home in which five people were withdrawn after a first release: itself, their identifiers, their person_ids."""
    home = shutil.copytree(published, tmp_path_factory.mktemp("withdrawn") / "home", symlinks=True)
    people, council, number = chosen(home)
    merger = {"Merge_Date": "2024-01-01", "Merger_Event": "merged"}
    send(home, "person_merger", "2025-04-30", [
        {"Pseudo Superseded NHS Number": OLDEST, "Pseudo NHS Number": OLDER, **merger},
        {"Pseudo Superseded NHS Number": OLDER, "Pseudo NHS Number": people[0], **merger},
    ])  # fmt: skip
    send(home, "person_bridge", "2025-04-30", [
        {"Bridged_Domain": council, "Person_ID": number, "Pseudo_NHS_Number": people[1],
         "Bridge_From_Date": "2020-01-01"},
    ])  # fmt: skip
    withdrawal_list(home, "2025-05-31", OLDEST, *people[1:])
    nightly(home)
    identifiers = set(Store(home / "store").frame("withdrawn_identifier")["pseudonym"])
    assert {*people, OLDER, OLDEST, number} <= identifiers
    ids = {str(person_id(DOMAIN, one, DEMONSTRATION_KEY)) for one in people}
    return home, identifiers, ids


def test_nothing_of_theirs_is_left_in_the_store_but_what_it_must_remember(withdrawn) -> None:
    home, identifiers, ids = withdrawn
    assert identifiers <= cells(parquet_of(home))
    assert not identifiers & cells(parquet_of(home, beside=MEMORY))
    assert not ids & cells(parquet_of(home))
    for path in parquet_of(home, beside=MEMORY):
        content = path.read_bytes()
        assert not [one for one in identifiers if one.encode() in content], path
    for path in (home / "store").rglob("*.json"):
        content = path.read_text()
        assert not [one for one in identifiers if one in content], path


def test_no_person_of_theirs_is_published_and_the_accounts_balance(withdrawn, published: Path) -> None:
    home, _, ids = withdrawn
    assert ids <= cells((published / "outputs").resolve().rglob("*.parquet"))
    assert not ids & cells((home / "outputs").resolve().rglob("*.parquet"))
    refuse_gaps(home)
    receipts, before = table(home, "delivery_receipt"), table(published, "delivery_receipt")
    assert receipts["withdrawn_rows"].sum() > 5
    assert receipts["withdrawn_pence"].sum() > 0
    known = receipts.filter(~pl.col("feed").is_in(LINK_FEEDS))
    assert known["received_pence"].sum() == before["received_pence"].sum()
    ledger = table(home, "cost_ledger")
    assert ledger.filter(pl.col("status") == "withdrawn")["record_count"].sum() > 0


def test_kept_releases_lose_them_by_one_command_and_their_ledgers_balance(
    withdrawn, copy_of: Callable[..., Path], nightly
) -> None:
    source, _, ids = withdrawn
    home = copy_of(source)
    first, last = sorted((home / "releases").glob("[0-9]*"))
    before = pl.read_parquet(sorted(first.glob("restricted/cost_ledger/**/*.parquet")), glob=False)
    assert ids <= cells(first.rglob("*.parquet"))
    with open_home(home, DEMONSTRATION_KEY) as opened:
        done = withdraw_from_releases(home, opened.store, DEMONSTRATION_KEY)
        verify_home(opened)
    assert not ids & cells((home / "releases").rglob("*.parquet"))
    assert {"person", "activity", "activity_cost", "person_year_cost"} <= done.releases[first.name].rows.keys()
    assert not done.releases[last.name].rows
    assert "cost_by_setting" in done.releases[first.name].sums
    assert {name.partition("/")[0] for name in done.landing} >= {"patient_register", "gp_prescription"}
    ledger = pl.read_parquet(sorted(first.glob("restricted/cost_ledger/**/*.parquet")), glob=False)
    assert is_received(before).equals(is_received(ledger))
    units = pl.read_parquet(sorted(first.glob("restricted/activity_cost/**/*.parquet")), glob=False)
    measures = ["record_count", "submitted_pence", "cost_pence"]
    assert ledger.filter(stage="pricing").select(measures).sum().equals(units.select(measures).sum())
    moved = ledger.filter(status="withdrawn").select("record_count", "submitted_pence").sum().row(0)
    at_the_door = table(home, "cost_ledger").filter(status="withdrawn").select(measures[:2]).sum().row(0)
    assert moved[0] == done.releases[first.name].units
    assert 0 < moved[0] <= at_the_door[0], "care that had not been linked carries no identifier in a release"
    assert 0 < moved[1] <= at_the_door[1]
    for stage, (divided, status) in LEDGER_STAGES.items():
        whole = ledger.filter(pl.col("stage") == divided, (pl.col("status") == status) if status else pl.lit(True))
        parts = ledger.filter(stage=stage).with_columns(status=pl.col("part_of"))
        key = ["feed", "provider_code", "activity_month", "status"]
        sums = [side.group_by(key).agg(pl.col(measures[:2]).sum()).sort(key) for side in (whole, parts)]
        some = [side.filter(pl.any_horizontal(pl.col(measures[:2]) != 0)) for side in sums]
        assert some[0].equals(some[1]), stage
    assert not nightly(home).is_new


def is_received(ledger: pl.DataFrame) -> pl.DataFrame:
    return ledger.filter(stage="received").sort("feed", "provider_code", "activity_month")


def test_the_next_night_does_nothing_and_an_empty_list_brings_them_back(
    withdrawn, published: Path, copy_of: Callable[..., Path], nightly
) -> None:
    source, identifiers, ids = withdrawn
    home = copy_of(source)
    assert not nightly(home).is_new
    withdrawal_list(home, "2025-06-30")
    nightly(home)
    assert ids <= cells((home / "outputs").resolve().rglob("*.parquet"))
    assert table(home, "delivery_receipt")["withdrawn_rows"].sum() == 0
    sent = identifiers & cells(parquet_of(published, beside=MEMORY))
    assert sent == (identifiers - {OLDER, OLDEST}) & cells(parquet_of(home, beside=MEMORY)) != set()
    refuse_gaps(home)
