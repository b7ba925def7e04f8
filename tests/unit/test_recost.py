"""Recosting: the same activity under two price books, whose difference is explained to the penny."""

import csv
import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.costing import recost as recosting
from assets.costing.book import PRICE_COLUMNS, book_folder, read_book, shipped_book
from assets.costing.price_book import of_a_book
from assets.costing.recost import OF_A_BOOK, compare, price_all, prove_parts, recost, refuse_uncosted, remove_holding
from assets.reference import build_reference
from cli.recost import by_code, by_setting, show_recost
from pipelines.errors import AnotherRunError, LinkedCareError
from pipelines.home import Home
from pipelines.sealed import unsealed
from pipelines.store import Store, Stored, frame_writer
from schemas.activity import ACTIVITY
from schemas.contract import contracts
from schemas.costing import ACTIVITY_COST, COST_LEDGER
from schemas.prices import PRICE_POINT
from schemas.recost import COST_COMPARISON, REASONS
from tests.rows import plain_rows

YEAR = "2024-25"
Rows = list[dict[str, Any]]
WriteBook = Callable[..., None]


@pytest.fixture
def write_book(home: Home) -> WriteBook:
    """Writes a price book of the user."""

    def write(name: str, rows: Rows, submitted: str = "first", factors: Mapping[str, str] | None = None) -> None:
        folder = home.root / "prices" / name
        folder.mkdir(parents=True, exist_ok=True)
        said = f"name: {name}\nversion: '1'\ntitle: A book\nreal_year: {YEAR}\nsubmitted_price: {submitted}\n"
        (folder / "book.yaml").write_text(said)
        plain = dict.fromkeys(PRICE_COLUMNS, "") | {
            "description": "care",
            "unit": "unit",
            "price_year": YEAR,
            "basis": "cost",
            "source": "a test",
            "licence": "none",
            "status": "V",
            "is_proxy": "false",
        }
        _write_csv(folder / "price.csv", [plain | row for row in rows])
        (folder / "market_forces_factor.csv").unlink(missing_ok=True)
        if factors:
            lines = [
                {"provider_code": p, "factor": f, "effective_from": "", "effective_to": ""} for p, f in factors.items()
            ]
            _write_csv(folder / "market_forces_factor.csv", [line | {"source": "a test"} for line in lines])

    return write


def _write_csv(path: Path, rows: Rows) -> None:
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def cost(home: Home, book: str, units: Rows, year: str = YEAR) -> None:
    """Store activity, and its cost under a book, as a nightly run leaves them."""
    store, feed = home.store, "apc_spell"
    store.folder(feed).mkdir(parents=True, exist_ok=True)
    file = store.folder(feed) / "none.parquet"
    pq.write_table(contracts()[feed].accepted_schema.empty_table(), file)
    name, digest = f"{feed}/none.parquet", store.bytes.digest(file)
    store.point(Stored(feed, None, "none", (name,), (digest,), 0, sha256={name: digest}))
    build_reference(store, PRICE_POINT)
    plain = {"financial_year": year, "feed": feed, "is_payable": True, "quantity": 1, "record_count": 1}
    rows = plain_rows(ACTIVITY.name, [plain | {"source_row": place} | unit for place, unit in enumerate(units, 1)])
    store.write(ACTIVITY, year, "made", frame_writer(ACTIVITY, rows))
    price_all(home, read_book(book_folder(home.root, book)), year)
    costed = store.frame(ACTIVITY_COST.name, year)
    ledger = {"financial_year": year, "stage": "pricing", "status": "exact", "cost_pence": costed["cost_pence"].sum()}
    store.write(COST_LEDGER, year, str(ledger), frame_writer(COST_LEDGER, plain_rows(COST_LEDGER.name, [ledger])))


HIP = {"setting": "inpatient", "point_of_delivery": "non_elective_long", "price_point": "non_elective_long"}
HIP_PRICE = {"setting": "inpatient", "point_of_delivery": "non_elective_long", "currency_code": "HT12A"}


def test_the_same_hip_fractures_cost_10749_as_paid_or_14440_as_consumed(home: Home, write_book: WriteBook) -> None:
    """The range of one study for the same care: PharmacoEconomics 2018, doi 10.1007/s40273-018-0673-y."""
    price = HIP_PRICE | {"price_gbp": "14440"}
    write_book("paid", [price])
    write_book("consumed", [price], submitted="ignored")
    cost(home, "paid", [HIP | {"currency_code": "HT12A", "submitted_pence": 10_749_00}] * 3)
    made = recost(home, "consumed")
    assert (made.first_book, made.second_book) == ("paid 1", "consumed 1")
    [row] = made.comparison.to_dicts()
    assert row["reason"] == "submitted_ignored"
    assert (row["unit_count"], row["quantity"]) == (3, 3)
    assert row["first_pence"] == 3 * 10_749_00
    assert row["second_pence"] == 3 * 14_440_00
    assert row["difference_pence"] == 3 * (14_440_00 - 10_749_00)
    assert (row["first_match_level"], row["second_match_level"]) == ("submitted", "exact")
    assert (row["first_unit_price"], row["second_unit_price"]) == (None, 14_440_00)


CODES = {
    ("inpatient", "elective"): ("HN22A", "HN22B", "HN23A", "JA12Z"),
    ("inpatient", "non_elective_long"): ("HT12A", "HT12B", "EB03A"),
    ("community", "community_contact"): ("N02AF", "N21AF"),
    ("primary", "prescribing"): ("item",),
}
YEARS = ("2021-22", "2023-24", YEAR)


def random_prices(chance: random.Random) -> Rows:
    rows = []
    for (setting, point), codes in CODES.items():
        for code in (*codes, "ALL"):
            if chance.random() < 0.6:
                rows.append(
                    {
                        "setting": setting,
                        "point_of_delivery": point,
                        "currency_code": code,
                        "price_gbp": f"{chance.randrange(1, 10**7) / 100:.2f}",
                        "price_year": chance.choice(YEARS),
                        "basis": chance.choice(("tariff", "cost", "local")),
                    }
                )
                if setting == "inpatient" and chance.random() < 0.5:
                    rows[-1] |= {
                        "trim_point_days": "5",
                        "excess_day_price_gbp": f"{chance.randrange(10_000) / 100:.2f}",
                    }
    return [*rows, HIP_PRICE | {"currency_code": "AA99Z", "price_gbp": "1"}]


def otherwise(chance: random.Random, prices: Rows) -> Rows:
    """Half of the time other prices; else the same ones, with other excess days."""
    if chance.random() < 0.5:
        return random_prices(chance)
    return [row | {"excess_day_price_gbp": "1.23"} if "trim_point_days" in row else row for row in prices]


def write_random_book(chance: random.Random, write_book: WriteBook, name: str, prices: Rows) -> None:
    factors = {"RA4": f"{1 + chance.random() / 10:.6f}"} if chance.random() < 0.7 else None
    write_book(name, prices, chance.choice(("first", "ignored")), factors)


def random_units(chance: random.Random) -> Rows:
    units = []
    for _ in range(80):
        (setting, point), codes = chance.choice(list(CODES.items()))
        units.append(
            {
                "setting": setting,
                "point_of_delivery": point,
                "price_point": point,
                "currency_code": chance.choice((*codes, None)),
                "provider_code": chance.choice(("RA4", "RDZ")),
                "activity_month": date(2024, chance.randrange(4, 13), 1),
                "quantity": chance.randrange(1, 40),
                "payable_days": chance.randrange(20) if setting == "inpatient" else None,
                "is_payable": chance.random() > 0.1,
                "submitted_pence": chance.choice((None, None, chance.randrange(10**6))),
                "net_ingredient_pence": chance.choice((None, 700)) if point == "prescribing" else None,
            }
        )
    return units


def test_the_parts_are_the_difference_to_the_penny_whatever_the_books(home: Home, write_book: WriteBook) -> None:
    found = set()
    for seed in range(12):
        chance = random.Random(seed)
        prices = random_prices(chance)
        write_random_book(chance, write_book, "first", prices)
        write_random_book(chance, write_book, "second", otherwise(chance, prices))
        units = random_units(chance)
        cost(home, "first", units)
        made = recost(home, "second")
        first = home.store.frame(ACTIVITY_COST.name, YEAR)
        second = pl.read_parquet(made.folder / "activity_cost" / f"financial_year={YEAR}" / "part-0.parquet")
        assert first.height == second.height == len(units) == made.comparison["unit_count"].sum()
        both = first.join(second, on=ACTIVITY_COST.key, validate="1:1", suffix="_second")
        for (setting,), own in both.group_by("setting"):
            rows = made.comparison.filter(pl.col("setting") == setting)
            assert rows["first_pence"].sum() == own["cost_pence"].sum()
            assert rows["second_pence"].sum() == own["cost_pence_second"].sum()
            assert rows["difference_pence"].sum() == own["cost_pence_second"].sum() - own["cost_pence"].sum()
        differs = both.select(pl.col("cost_pence").ne_missing(pl.col("cost_pence_second")).sum()).item()
        assert made.comparison.filter(pl.col("reason") != "same")["unit_count"].sum() == differs
        sums = by_setting(made.comparison)
        reasons = [name for name in sums.columns if name in REASONS]
        assert sums.select((pl.sum_horizontal(reasons) == pl.col("difference_pence")).all()).item()
        assert by_code(made.comparison, 3).height <= 3
        found |= set(made.comparison["reason"])
    assert found >= {"same", "newly_priced", "no_longer_priced", "submitted_ignored", "submitted_used", "match_level"}
    assert found >= {"price_year_or_index", "price", "market_forces", "excess_days_or_top_up"}


def test_every_table_of_a_book_is_made_again() -> None:
    assert {table.name for table in OF_A_BOOK} == of_a_book(shipped_book()).keys()


def test_the_same_book_again_changes_nothing(home: Home, write_book: WriteBook) -> None:
    chance = random.Random(3)
    write_random_book(chance, write_book, "first", random_prices(chance))
    cost(home, "first", random_units(chance))
    made = recost(home, "first")
    assert set(made.comparison["reason"]) == {"same"}
    assert made.comparison["difference_pence"].sum() == 0


@pytest.fixture
def two_books(home: Home, write_book: WriteBook) -> Home:
    """A home costed under one book, with another beside it."""
    write_book("first", [HIP_PRICE | {"price_gbp": "100"}])
    write_book("second", [HIP_PRICE | {"price_gbp": "110.01"}])
    cost(home, "first", [HIP | {"currency_code": "HT12A"}])
    return home


def digests(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_store_stays_as_it_was_and_the_result_is_private_and_whole(two_books: Home) -> None:
    before = digests(two_books.store.root)
    made = recost(two_books, "second")
    assert digests(two_books.store.root) == before
    assert made.folder == two_books.root / "recost" / "second"
    for folder in (made.folder.parent, made.folder.resolve()):
        assert folder.stat().st_mode & 0o077 == 0
    part = Path(f"financial_year={YEAR}") / "part-0.parquet"
    assert sorted(p.relative_to(made.folder.resolve()) for p in made.folder.resolve().rglob("*") if p.is_file()) == [
        "activity_cost" / part,
        "cost_comparison" / part,
        Path("recost.json"),
    ]
    schema = pq.read_schema(made.folder / "cost_comparison" / part)
    assert schema.names == COST_COMPARISON.arrow_schema.names
    assert schema.metadata[b"grain"].decode() == COST_COMPARISON.grain
    record = unsealed((made.folder / "recost.json").read_text())
    assert {**record, "digest": None} == {
        "first_book": "first 1",
        "second_book": "second 1",
        "digest": None,
        "years": [YEAR],
    }


def test_a_result_is_replaced_whole_and_one_that_fails_leaves_the_last(
    two_books: Home, write_book: WriteBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recost(two_books, "second").comparison["difference_pence"].to_list() == [10_01]
    write_book("second", [HIP_PRICE | {"price_gbp": "90"}])
    made = recost(two_books, "second")
    assert made.comparison["difference_pence"].to_list() == [-10_00]
    kept = digests(two_books.root / "recost")
    with monkeypatch.context() as broken:
        broken.setattr(recosting, "compare", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            recost(two_books, "second")
    assert digests(two_books.root / "recost") == kept
    left = two_books.root / "recost" / ".killed"
    left.mkdir()
    (two_books.root / "recost" / ".killed.link").symlink_to(left.name)
    recost(two_books, "first")
    names = {path.name for path in (two_books.root / "recost").iterdir() if not path.name.startswith(".")}
    assert names == {"first", "second"}
    assert len(list((two_books.root / "recost").iterdir())) == 2 + 2


def test_what_cannot_be_recosted_is_refused_in_one_line(two_books: Home, tmp_path: Path) -> None:
    for name in ("nonesuch", "../first", ""):
        with pytest.raises(LinkedCareError, match=r"--book .*: no price book of this name"):
            recost(two_books, name)
    with pytest.raises(LinkedCareError, match=r"^--year 2019-20: costed are 2024-25\.$"):
        recost(two_books, "second", [YEAR, "2019-20"])
    with pytest.raises(LinkedCareError, match=r"nothing is costed yet. Run `linked-care nightly`"):
        refuse_uncosted(Store(tmp_path / "nowhere"), [])
    assert not (two_books.root / "recost").exists()
    (two_books.root / "recost" / "second").mkdir(parents=True)
    with pytest.raises(LinkedCareError, match=r"recost/second: was not made by `linked-care recost`. Move it away"):
        recost(two_books, "second")


def test_half_a_run_is_refused(two_books: Home) -> None:
    recosting.build_from_book(
        two_books, recosting.TABLES["price_book"], read_book(two_books.root / "prices" / "second")
    )
    with pytest.raises(LinkedCareError, match=r"2024-25: older than what it is made from. Run `linked-care nightly`"):
        recost(two_books, "second")


def test_a_ledger_that_differs_is_refused(two_books: Home) -> None:
    ledger = plain_rows(COST_LEDGER.name, [{"stage": "pricing", "cost_pence": 1}])
    two_books.store.write(COST_LEDGER, YEAR, "other", frame_writer(COST_LEDGER, ledger))
    with pytest.raises(LinkedCareError, match=r"cost_ledger 2024-25: differs from activity_cost by -9999 pence"):
        recost(two_books, "second")
    assert not list((two_books.root / "recost").iterdir())


def test_parts_that_are_not_the_whole_are_refused() -> None:
    first, second = {"inpatient": (2, 100)}, {"inpatient": (2, 130)}
    prove_parts(YEAR, first, second, [("inpatient", 2, 100, 130, 30)])
    for wrong, gap in (
        (("inpatient", 1, 100, 130, 30), "-1 units"),
        (("inpatient", 2, 101, 130, 30), r"\+1 pence under the first book"),
        (("inpatient", 2, 100, 129, 30), "-1 pence under the second book"),
        (("inpatient", 2, 100, 130, 29), "-1 pence of difference"),
    ):
        with pytest.raises(
            LinkedCareError, match=f"cost_comparison 2024-25: inpatient differs from the whole by {gap}"
        ):
            prove_parts(YEAR, first, second, [wrong])
    with pytest.raises(LinkedCareError, match="community differs from the whole by -5 pence under the first"):
        prove_parts(YEAR, first | {"community": (0, 5)}, second, [("inpatient", 2, 100, 130, 30)])
    with pytest.raises(LinkedCareError, match="inpatient differs from the whole by -1 units between the books"):
        prove_parts(YEAR, first, {"inpatient": (1, 130)}, [("inpatient", 2, 100, 130, 30)])


def test_a_comparison_is_written_for_two_stores(two_books: Home, tmp_path: Path) -> None:
    compare(two_books.store, two_books.store, YEAR, tmp_path / "same.parquet")
    assert pl.read_parquet(tmp_path / "same.parquet")["reason"].to_list() == ["same"]


def test_results_with_care_of_withdrawn_people_are_removed_and_others_stay(home: Home, write_book: WriteBook) -> None:
    write_book("first", [HIP_PRICE | {"price_gbp": "100"}])
    cost(home, "first", [HIP | {"person_id": 7}, HIP])
    recost(home, "first")
    recost(home, "national")
    before = digests(home.root / "recost")
    left = home.root / "recost" / ".killed"
    left.mkdir()
    assert remove_holding(home.root, pl.Series([1, 2])) == ()
    assert not left.exists()
    assert remove_holding(home.root, pl.Series([], dtype=pl.Int64)) == ()
    assert remove_holding(home.root, pl.Series([1, 7]), is_dry_run=True) == ("first", "national")
    assert digests(home.root / "recost") == before
    assert remove_holding(home.root, pl.Series([1, 7])) == ("first", "national")
    assert not list((home.root / "recost").iterdir())
    assert remove_holding(home.root / "nowhere", pl.Series([7])) == ()


def test_the_command_does_not_wait_for_another_run(two_books: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKED_CARE_HOME", str(two_books.root))
    with pytest.raises(AnotherRunError):
        show_recost("second", [], 5)
    assert not (two_books.root / "recost").exists()
