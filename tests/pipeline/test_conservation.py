"""Promise 1: every penny is accounted for, and a gap of one penny stops the run."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.costing.conservation import prove_ledger
from assets.linkage.identity import DEMONSTRATION_KEY
from pipelines.errors import ConservationError
from pipelines.home import open_home
from pipelines.store import Store, frame_writer
from schemas.catalogue import TABLES
from tests.releases import digests, table

SETTING_OF_FEED = {
    "apc_spell": "inpatient",
    "op_attendance": "outpatient",
    "ec_attendance": "emergency",
    "gp_appointment": "primary",
    "gp_prescription": "primary",
    "community_contact": "community",
    "mh_contact": "mental_health",
    "mh_ward_stay": "mental_health",
    "social_care_event": "social_care",
}
SETTINGS = sorted(set(SETTING_OF_FEED.values()))


def test_people_sum_to_the_ledger_by_setting_and_year(published: Path) -> None:
    ledger = (
        table(published, "cost_ledger")
        .filter(pl.col("status") == "linked")
        .with_columns(setting=pl.col("feed").replace_strict(SETTING_OF_FEED))
        .group_by("financial_year", "setting")
        .agg(pence=pl.col("cost_pence").sum())
    )
    people = table(published, "person_year_cost").group_by("financial_year").agg(pl.col("^.*_pence$").sum())
    for year, setting, pence in ledger.rows():
        assert people.filter(pl.col("financial_year") == year)[f"{setting}_pence"].item() == pence > 0
    assert people["total_pence"].sum() == ledger["pence"].sum()
    assert people["continuing_care_pence"].sum() == 0  # no feed carries it yet


def test_every_registered_person_year_is_there(published: Path, clean_landing: Path) -> None:
    """Counted again from the last snapshot as delivered, in plain Polars."""
    last = max(clean_landing.glob("patient_register/*/*.csv"), key=lambda path: path.parent.name)
    merged = pl.read_csv(
        max(clean_landing.glob("person_merger/*/*.csv"), key=lambda path: path.parent.name), infer_schema=False
    )
    survivor = dict(merged.select("Pseudo Superseded NHS Number", "Pseudo NHS Number").rows())

    def person(pseudonym: str) -> str:
        while pseudonym in survivor:
            pseudonym = survivor[pseudonym]
        return pseudonym

    register = pl.read_csv(last, infer_schema=False).with_columns(
        pl.col("Pseudo NHS Number").map_elements(person, pl.String)
    )
    for year in ("2023-24", "2024-25"):
        start, end = f"{year[:4]}-04-01", f"20{year[5:]}-03-31"
        registered = register.filter(
            (pl.col("Practice_From_Date") <= end)
            & (pl.col("Practice_To_Date").is_null() | (pl.col("Practice_To_Date") >= start))
            & (pl.col("YearMonth_Of_Death").is_null() | (pl.col("YearMonth_Of_Death") >= start[:7]))
        )
        found = table(published, "person_year").filter(pl.col("financial_year") == year)
        assert found.height == registered["Pseudo NHS Number"].n_unique() > 700
        costs = table(published, "person_year_cost").filter(pl.col("financial_year") == year)
        assert set(found["person_id"]) <= set(costs["person_id"])
        assert costs.filter(pl.col("total_pence") == 0).height > 0  # people who used nothing are in


def test_receipts_and_ledger_are_exact_partitions(published: Path) -> None:
    receipts = table(published, "delivery_receipt")
    for unit in ("rows", "pence"):
        parts = sum(receipts[f"{status}_{unit}"] for status in ("rejected", "superseded", "accepted"))
        assert (receipts[f"received_{unit}"] == parts).all()
    ledger = table(published, "cost_ledger")
    after = ledger.filter(pl.col("status").is_in(["linked", "dummy", "not_registered"]))
    for feed in SETTING_OF_FEED:
        door = ledger.filter((pl.col("feed") == feed) & (pl.col("status") == "accepted"))
        costed = after.filter(pl.col("feed") == feed)
        assert door["record_count"].sum() == costed["record_count"].sum()
        assert door["submitted_pence"].sum() == costed["submitted_pence"].sum()


ONE_PENNY = [
    # what is changed, in which column, what must be built again, what the one line names
    ("apc_spell", "submitted_price", "activity", ["apc_spell/", ": +1 pence (provider ", ", 2025-03)"]),
    ("activity", "submitted_pence", "activity_cost", ["activity", "+1 pence in submitted_pence", "provider_code"]),
    ("activity_cost", "cost_pence", "person_year_cost", ["activity_cost", "+1 pence in cost_pence", "provider_code"]),
    ("person_year_cost", "inpatient_pence", "cost_by_setting", ["person_year_cost", "+1 pence in inpatient_pence"]),
    ("cost_ledger", "cost_pence", "release", ["cost_ledger", "+1 pence in cost_pence", "status linked"]),
]


@pytest.mark.parametrize(("changed", "column", "then", "named"), ONE_PENNY, ids=[case[0] for case in ONE_PENNY])
def test_one_penny_between_two_steps_stops_the_run(
    published: Path, copy_of: Callable[[Path], Path], nightly, changed: str, column: str, then: str, named: list[str]
) -> None:
    home = copy_of(published)
    before = digests(home)
    year = None if changed == "apc_spell" else "2024-25"
    add_one_penny(home, changed, column, year)
    forget_after(home, then)
    with pytest.raises(ConservationError) as stopped:
        nightly(home)
    line = str(stopped.value)
    assert "\n" not in line
    assert all(word in line for word in named), line
    assert "Nothing was published" in line
    assert digests(home) == before
    nightly(home, rebuild=True)
    assert digests(home) == before


def test_a_build_that_makes_a_penny_is_stopped_by_the_ledger(published: Path, copy_of: Callable[[Path], Path]) -> None:
    """Its file is whole, so only what it says can tell."""
    with open_home(copy_of(published), DEMONSTRATION_KEY) as opened:
        costs = opened.store.frame("activity_cost", "2024-25").with_row_index("position")
        first = costs.filter(feed="apc_spell", match_level="submitted")["position"].min()
        wrong = costs.with_columns(cost_pence=pl.col("cost_pence") + (pl.col("position") == first).cast(pl.Int64))
        table = TABLES["activity_cost"]
        opened.store.write(table, "2024-25", "wrong", frame_writer(table, wrong.drop("position")))
        with pytest.raises(ConservationError, match=r"^cost_ledger 2024-25: .* \+1 pence at apc_spell, provider "):
            prove_ledger(opened.store, "2024-25")


def add_one_penny(home: Path, name: str, column: str, year: str | None) -> None:
    """Change one row of one stored file, keeping its schema."""
    store = Store(home / "store")
    path = store.paths(store.require(name, year))[-1]
    stored = pq.read_table(path)
    frame = pl.DataFrame(stored).with_row_index("position")
    first = frame.filter(pl.col(column) > 0)["position"].min()
    penny = 1 if frame.schema[column] == pl.Int64 else pl.lit("0.01").cast(pl.Decimal(12, 2))
    changed = frame.with_columns(
        pl.when(pl.col("position") == first).then(pl.col(column) + penny).otherwise(column).cast(frame.schema[column])
    ).drop("position")
    path.unlink()  # the release shares the file; the change is to the store alone
    pq.write_table(changed.to_arrow().cast(stored.schema), path)


def forget_after(home: Path, name: str) -> None:
    """Make the next run build a table again."""
    for pointer in (home / "store" / name).rglob("current.json"):
        pointer.unlink()
