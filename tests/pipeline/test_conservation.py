"""Promise 1: every penny is accounted for, and a gap of one penny stops the run."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.costing.conservation import prove_ledger, prove_outputs, prove_table
from pipelines.errors import ConservationError
from pipelines.store import Store, frame_writer
from schemas.catalogue import TABLES
from schemas.costing import COST_LEDGER, LEDGER_STAGES
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
    "continuing_care_package": "continuing_care",
    "ambulance_incident": "emergency",
}
SETTINGS = sorted(set(SETTING_OF_FEED.values()))


def test_people_sum_to_the_ledger_by_setting_and_year(published: Path) -> None:
    ledger = (
        table(published, "cost_ledger")
        .filter(stage="linkage", status="linked")
        .with_columns(setting=pl.col("feed").replace_strict(SETTING_OF_FEED))
        .group_by("financial_year", "setting")
        .agg(pence=pl.col("cost_pence").sum())
    )
    people = table(published, "person_year_cost").group_by("financial_year").agg(pl.col("^.*_pence$").sum())
    for year, setting, pence in ledger.rows():
        assert people.filter(pl.col("financial_year") == year)[f"{setting}_pence"].item() == pence > 0
    assert people["total_pence"].sum() == ledger["pence"].sum()


def test_every_registered_person_year_is_there(published: Path, clean_landing: Path) -> None:
    """Counted again from the last snapshot as delivered, under the people of the truth, in plain Polars."""
    last = max(clean_landing.glob("patient_register/*/*.csv"), key=lambda path: path.parent.name)
    truth = pl.read_parquet(clean_landing / "truth_identifier.parquet")
    person = dict(truth.filter(pseudonym_domain="south_somerset").select("pseudonym", "person").rows())
    register = pl.read_csv(last, infer_schema=False).with_columns(pl.col("Pseudo NHS Number").replace_strict(person))
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
    for feed in SETTING_OF_FEED:
        for stage, divided in LEDGER_STAGES.items():
            parts, whole = (
                ledger.filter(feed=feed, stage=name, **({"status": status} if status else {}))
                .select(pl.col("record_count", "submitted_pence").sum())
                .row(0)
                for name, status in ((stage, None), divided)
            )
            assert parts == whole, f"{feed}: {stage} does not divide {divided}"
    assert ledger.filter(stage="received")["record_count"].sum() > 0


ONE_PENNY = [
    # what is changed, in which column, what must be built again, what the one line names
    ("apc_spell", "submitted_price", "activity", ["apc_spell/", ": +1 pence (provider ", ", 2025-03)"]),
    ("activity", "submitted_pence", "activity_cost", ["activity", "+1 pence in submitted_pence", "provider_code"]),
    ("activity_cost", "cost_pence", "person_year_cost", ["activity_cost", "+1 pence in cost_pence", "provider_code"]),
    ("person_year_cost", "inpatient_pence", "cost_by_setting", ["person_year_cost", "+1 pence in inpatient_pence"]),
    ("cost_ledger", "cost_pence", "release", ["cost_ledger", "+1 pence in cost_pence", "provider_code", "stage "]),
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


@contextmanager
def built_wrong(store: Store, name: str, year: str | None, rows: pl.DataFrame) -> Iterator[None]:
    """A table built with other rows for a while: its file is whole, so that only what it says can tell."""
    folder, aside = store.folder(name, year), store.root.with_name("aside")
    shutil.copytree(folder, aside)
    store.write(TABLES[name], year, "wrong", frame_writer(TABLES[name], rows))
    try:
        yield
    finally:
        shutil.rmtree(folder)
        aside.rename(folder)


def test_a_build_that_makes_a_penny_is_stopped_by_the_ledger(tied: Store) -> None:
    wrong = with_one_penny(tied.frame("activity_cost", "2024-25"), "cost_pence")
    with (
        built_wrong(tied, "activity_cost", "2024-25", wrong),
        pytest.raises(ConservationError, match=r"^(cost_ledger|activity_cost) 2024-25: .*1 pence.* at \w+, provider "),
    ):
        prove_ledger(tied, "2024-25")


def with_one_penny(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """A penny more in the first row that has any."""
    placed = rows.with_row_index("position")
    first = placed.filter(pl.col(column) > 0)["position"].min() or 0
    penny = 1 if rows.schema[column] == pl.Int64 else pl.lit("0.01").cast(pl.Decimal(12, 2))
    return placed.with_columns(
        pl.when(pl.col("position") == first)
        .then(pl.col(column).fill_null(0) + penny)
        .otherwise(column)
        .cast(rows.schema[column])
    ).drop("position")


def row_of_nothing(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for a table without any, of no people and no pence."""
    return pl.DataFrame([{name: "none" if kind == pl.String else 0 for name, kind in rows.schema.items()}], rows.schema)


def add_one_penny(home: Path, name: str, column: str, year: str | None) -> None:
    """Change one row of one stored file, keeping its schema."""
    store = Store(home / "store")
    path = store.paths(store.require(name, year))[-1]
    stored = pq.read_table(path)
    changed = with_one_penny(pl.DataFrame(stored), column)
    path.unlink()  # the release shares the file; the change is to the store alone
    pq.write_table(changed.to_arrow().cast(stored.schema), path)


def forget_after(home: Path, name: str) -> None:
    """Make the next run build a table again."""
    for pointer in (home / "store" / name).rglob("current.json"):
        pointer.unlink()


TIED = [table.name for table in TABLES.values() if table.zone == "restricted" and table.pence_columns]


@pytest.fixture(scope="module")
def tied(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that balances, for tests that change it and put it back."""
    store = Store(shutil.copytree(published / "store", tmp_path_factory.mktemp("tied") / "store", symlinks=True))
    prove_outputs(store, ["2024-25"])
    return store


@pytest.mark.parametrize("name", TIED)
def test_one_penny_in_any_column_of_a_published_table_is_found_by_its_tie(tied: Store, name: str) -> None:
    """A table with pence that brings no tie, or whose tie leaves a column out, fails here."""
    year = "2024-25" if TABLES[name].by_year else None
    rows = tied.frame(name, year)
    if rows.is_empty():  # threes of conditions are of ten people or more, which a small county has not
        rows = row_of_nothing(rows)
    for column in TABLES[name].pence_columns:
        with built_wrong(tied, name, year, with_one_penny(rows, column)), pytest.raises(ConservationError) as found:
            if name == "cost_ledger":
                prove_ledger(tied, "2024-25")
            prove_table(tied, name, year)
        line = str(found.value)
        assert line.startswith((name, "activity_cost" if name == "cost_ledger" else name)), line
        # Where a column is empty, as announced totals are here, a penny is all of it.
        assert re.search(r"[+-]1 pence|1 unit by unit", line) or rows[column].is_null().all(), f"{column}: {line}"


def test_the_line_names_step_feed_provider_month_and_gap(tied: Store) -> None:
    ledger = tied.frame("cost_ledger", "2024-25")
    lost = ledger.filter(feed="ec_attendance", stage="linkage", status="linked")[0]
    rest = ledger.join(lost, on=list(COST_LEDGER.key), how="anti", nulls_equal=True)
    with built_wrong(tied, "cost_ledger", "2024-25", rest), pytest.raises(ConservationError) as found:
        prove_outputs(tied, ["2024-25"])
    [row] = lost.rows(named=True)
    assert str(found.value).startswith(
        f"cost_ledger 2024-25: linkage differs from accepted by -{row['record_count']} records,"
        f" -{row['submitted_pence']} pence submitted at ec_attendance, provider {row['provider_code']},"
        f" {row['activity_month']:%Y-%m}. "
    )


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("cost_pence", r"by \+0 pence, \d+ unit by unit, at \w+, provider"),
        (
            "real_cost_pence",
            r"real cost without an index differs from cost by \d+ pence unit by unit, at \w+, provider",
        ),
    ],
)
def test_prices_that_change_places_are_found_though_their_sum_is_kept(tied: Store, column: str, told: str) -> None:
    costs = tied.frame("activity_cost", "2024-25").with_row_index("position")
    group = ["feed", "provider_code", "activity_month", "link_status"]
    one, other = (
        costs.filter(pl.col("match_level") == "submitted", pl.col("cost_pence").n_unique().over(group) > 1)
        .filter(pl.struct(group) == pl.struct(group).first())
        .unique("cost_pence", maintain_order=True)["position"]
        .head(2)
    )
    prices = dict(costs.filter(pl.col("position").is_in([one, other])).select("position", column).rows())
    swapped = costs.with_columns(
        pl.when(position=one).then(prices[other]).when(position=other).then(prices[one]).otherwise(column).alias(column)
    ).drop("position")
    with (
        built_wrong(tied, "activity_cost", "2024-25", swapped),
        pytest.raises(ConservationError, match=told),
    ):
        prove_outputs(tied, ["2024-25"])
