"""What was taken in must lie on the shelf as it was, and a changed delivery is named with what changed."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.feeds.current import build_feed, judged_receipts, receipts
from assets.feeds.receipt import RECEIPT, Receipt
from assets.feeds.shelf import kept_of_deliveries, kept_of_feed
from pipelines.errors import ConservationError
from pipelines.store import Store

MAY = {"Visit": "v3", "Date": "2024-05-15"}
IN_MAY = ("2024-05-01", "2024-05-31")


@pytest.fixture
def shelf(home, visit, deliver) -> Path:
    """Two deliveries, of which the second sends a record of the first again."""
    deliver("april", {}, {"Visit": "v2", "Provider": "RA2", "Price": "7.00"}, {"Visit": "bad", "Minutes": "0"})
    deliver("may", MAY, {**MAY, "Visit": "v1"}, period=IN_MAY)
    build_feed(home.store, home.landing, visit)
    return home.store.root / "visit"


@pytest.fixture
def prove(home, visit, shelf):
    """Proves the whole shelf, as a run does before it reads."""

    def refuse() -> None:
        home.store.bytes.refuse_changed(
            [*kept_of_deliveries(shelf, receipts(shelf), visit), *kept_of_feed(home.store, visit)]
        )

    return refuse


def change(path: Path, rows: pl.DataFrame) -> None:
    pq.write_table(rows.to_arrow().cast(pq.read_schema(path)), path)


def test_what_was_taken_in_is_whole(prove):
    assert prove() is None


def test_every_file_of_a_delivery_is_on_its_receipt(shelf):
    listed = Receipt.load(shelf / "april" / RECEIPT).files
    assert sorted(listed) == sorted(path.name for path in (shelf / "april").glob("*.parquet"))
    assert {name.partition("-")[0] for name in listed} == {"accepted", "quarantine", "quarantined_row"}


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda rows: rows.with_columns(price=pl.col("price") + 1), "+100 pence (provider RA1, 2024-04)"),
        (lambda rows: rows.filter(provider_code="RA1"), "-1 rows, -700 pence (provider RA2, 2024-04)"),
        (lambda rows: rows.with_columns(provider_code=pl.lit("RA1")), "+1 rows, +700 pence (provider RA1, 2024-04)"),
        (lambda rows: rows.with_columns(pseudonym=pl.lit("p9")), "other rows with the same sums"),
        (
            lambda rows: pl.concat([rows, rows.head(1).with_columns(provider_code=pl.lit("RA9"))]),
            "rows of another provider or month came",
        ),
    ],
    ids=["price", "row", "provider", "person", "other provider"],
)
def test_a_change_is_named_with_delivery_provider_and_month(prove, shelf, edit, named):
    path = shelf / "april" / "accepted-00000.parquet"
    change(path, edit(pl.read_parquet(path)))
    with pytest.raises(ConservationError) as stop:
        prove()
    line = str(stop.value)
    assert line.startswith(f"visit/april: accepted-00000.parquet changed since it was taken in: {named}. Nothing")
    assert "p9" not in line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("accepted-00000.parquet", "changed since it was taken in: it cannot be read as the rows that were accepted"),
        ("quarantine-00000.parquet", "changed since it was taken in"),
        ("quarantined_row-00000.parquet", "changed since it was taken in"),
    ],
)
def test_a_file_that_was_cut_is_named(prove, shelf, name, said):
    path = shelf / "april" / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ConservationError, match=f"^visit/april: {name} {said}\\. Nothing"):
        prove()


def test_the_list_of_superseded_records_is_proved(prove, shelf):
    [listed] = shelf.glob("superseded-*.parquet")
    change(listed, pl.read_parquet(listed).head(0))
    with pytest.raises(ConservationError, match=f"^visit: {listed.name} changed"):
        prove()


def test_a_lost_list_of_superseded_records_stops_nothing_since_it_is_made_again(prove, shelf):
    [listed] = shelf.glob("superseded-*.parquet")
    listed.unlink()
    assert prove() is None


def test_a_file_that_was_added_is_named(prove, shelf):
    shutil.copy(shelf / "may" / "accepted-00000.parquet", shelf / "april" / "accepted-00001.parquet")
    with pytest.raises(ConservationError, match=r"^visit/april: accepted-00001\.parquet was never written"):
        prove()


def test_a_receipt_of_another_delivery_is_none(shelf):
    shutil.copy(shelf / "may" / RECEIPT, shelf / "april" / RECEIPT)
    with pytest.raises(ConservationError, match=r"^visit/april: its receipt changed"):
        receipts(shelf)


def test_changed_verdicts_are_not_read(shelf):
    (shelf / "judged.json").write_text('{"verdicts": []}')
    with pytest.raises(ConservationError, match=r"^visit: its verdicts changed"):
        judged_receipts(shelf)


@pytest.mark.parametrize("name", ["accepted-00000.parquet", "quarantine-00000.parquet", RECEIPT])
def test_a_rebuild_takes_a_changed_delivery_in_again(home, visit, prove, shelf, name):
    before = home.store.current("visit")
    (shelf / "april" / name).write_bytes(b"{")
    with pytest.raises(ConservationError):
        prove()
    build_feed(Store(home.store.root, rebuild=True), home.landing, visit)
    assert prove() is None
    assert home.store.current("visit") == before


@pytest.mark.parametrize("name", ["accepted-00000.parquet", RECEIPT])
@pytest.mark.parametrize("landed", ["gone", "damaged"])
def test_a_changed_delivery_that_landing_holds_no_longer_is_asked_for(home, visit, shelf, name, landed):
    (shelf / "april" / name).write_bytes(b"{")
    if landed == "gone":
        shutil.rmtree(home.landing / "visit" / "april")
    else:
        (home.landing / "visit" / "april" / "rows.csv").write_bytes(b"")
    with pytest.raises(ConservationError) as stop:
        build_feed(Store(home.store.root, rebuild=True), home.landing, visit)
    line = str(stop.value)
    assert line.startswith("visit/april: ")
    assert line.endswith(
        "Nothing was published; landing does not hold it whole: put it there again, then run"
        " `linked-care nightly --rebuild`."
    )


def test_a_rebuild_makes_a_changed_list_again_though_nothing_landed(home, visit, prove, shelf):
    shutil.rmtree(home.landing)
    [listed] = shelf.glob("superseded-*.parquet")
    whole = listed.read_bytes()
    listed.write_bytes(b"")
    rebuilt = build_feed(Store(home.store.root, rebuild=True), home.landing, visit)
    assert (home.store.root / rebuilt.without).read_bytes() == whole
    assert prove() is None


def test_a_kill_between_taking_in_and_pointing_stops_no_run(home, visit, prove, monkeypatch):
    """The pointer still says what the files were; the receipts, which moved with them, say what they are."""
    later = replace(visit, missing_texts=("NULL",), version="1.0.1")

    def killed(stored):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(home.store, "point", killed)
        with pytest.raises(KeyboardInterrupt):
            build_feed(home.store, home.landing, later)
    assert prove() is None
    assert build_feed(home.store, home.landing, later).rows == 1 + 2
