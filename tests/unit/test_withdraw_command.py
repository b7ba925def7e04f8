"""`linked-care withdraw`: kept releases lose the people who are withdrawn, and their ledgers still balance."""

import json
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.linkage.identity import DEMONSTRATION_KEY, person_id
from assets.publication import withdrawal
from assets.publication.release import kept_in, recorded, write_record
from assets.publication.withdrawal import finish_all, withdraw_from_releases
from cli.main import app
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.store import frame_writer
from schemas.feeds import WITHDRAWN_IDENTIFIER
from schemas.identifiers import PERSON_IDENTIFIER

STAYS, GOES, OLDER = "p100", "p200", "p201"
APRIL = date(2024, 4, 1)
KEY = {"feed": "apc_spell", "provider_code": "RA1", "activity_month": APRIL}
LEDGER = [  # stage, part_of, status, records, submitted, cost
    ("received", None, "received", 5, 150, None),
    ("door", "received", "rejected", 1, 10, None),
    ("door", "received", "accepted", 4, 140, None),
    ("linkage", "accepted", "linked", 3, 120, 220),
    ("linkage", "accepted", "dummy", 1, 20, 20),
    ("pricing", "linked", "submitted", 2, 120, 120),
    ("pricing", "linked", "exact", 1, 0, 100),
    ("pricing", "dummy", "submitted", 1, 20, 20),
]
UNITS = [  # pseudonym, link status, match level, records, submitted, cost
    (STAYS, "linked", "submitted", 1, 20, 20),
    (GOES, "linked", "submitted", 1, 100, 100),
    (GOES, "linked", "exact", 1, None, 100),
    (None, "dummy", "submitted", 1, 20, 20),
]


def of(pseudonym: str | None) -> int | None:
    return person_id("county", pseudonym, DEMONSTRATION_KEY) if pseudonym else None


@pytest.fixture
def listed(store):
    """Says who is withdrawn."""

    def put(*pseudonyms: str) -> None:
        rows = [("county", one, "listed") for one in pseudonyms]
        frame = pl.DataFrame(rows, schema=WITHDRAWN_IDENTIFIER.empty_frame().schema, orient="row")
        writer = frame_writer(WITHDRAWN_IDENTIFIER, frame)
        store.write(WITHDRAWN_IDENTIFIER, None, repr(rows), writer)

    return put


@pytest.fixture
def kept(home, store, listed) -> Path:
    """A home that keeps one release, whose files the store shares, and in which nobody is withdrawn yet."""
    index = pl.DataFrame(
        [("county", STAYS, of(STAYS), "direct", APRIL, 0)], schema=PERSON_IDENTIFIER.empty_frame().schema, orient="row"
    )
    store.write(PERSON_IDENTIFIER, None, "index", frame_writer(PERSON_IDENTIFIER, index))
    listed()
    release = home.releases / "000001-abc"
    tables = {
        "person": pl.DataFrame({"person_id": [of(STAYS), of(GOES)], "sex_code": ["1", "2"]}),
        "activity_cost/financial_year=2024-25": pl.DataFrame(
            [{**KEY, "person_id": of(who), "link_status": status, "match_level": level, "record_count": records,
              "submitted_pence": submitted, "cost_pence": cost}
             for who, status, level, records, submitted, cost in UNITS],
        ),
        "cost_ledger/financial_year=2024-25": pl.DataFrame(
            [{"financial_year": "2024-25", **KEY, "stage": stage, "part_of": part_of, "status": status,
              "record_count": records, "submitted_pence": submitted, "cost_pence": cost}
             for stage, part_of, status, records, submitted, cost in LEDGER], infer_schema_length=None,
        ),
        "cost_by_setting": pl.DataFrame({"setting": ["inpatient"], "total_pence": [220]}),
    }  # fmt: skip
    entries = []
    for name, frame in tables.items():
        table, _, year = name.partition("/financial_year=")
        source = store.root / "shared" / f"{table}.parquet"
        source.parent.mkdir(exist_ok=True)
        frame.write_parquet(source)
        (release / "restricted" / name).mkdir(parents=True)
        os.link(source, release / "restricted" / name / "part-0.parquet")
        entries.append({"table": table, "financial_year": year or None, "rows": frame.height, "content": "c"})
    write_record(release, {"release": release.name, "tables": entries})
    return release


def read(release: Path, table: str) -> pl.DataFrame:
    [path] = (release / "restricted" / table).rglob("*.parquet")
    return pl.read_parquet(path, glob=False)


def ledger(release: Path) -> set[tuple]:
    names = ("stage", "part_of", "status", "record_count", "submitted_pence", "cost_pence")
    return set(read(release, "cost_ledger").select(names).rows())


def withdraw(home, dry_run: bool = False):
    return withdraw_from_releases(home.root, home.store, DEMONSTRATION_KEY, dry_run)


def rewrite(release: Path, path: Path, frame: pl.DataFrame) -> None:
    """Change a file as if it had been published so."""
    frame.write_parquet(path)
    write_record(release, recorded(release, "it"))


def test_a_release_that_was_changed_is_not_cleaned(kept, home, listed):
    listed(GOES)
    pl.DataFrame({"person_id": [of(STAYS)]}).write_parquet(kept / "restricted" / "person" / "part-0.parquet")
    with pytest.raises(ConservationError, match=r"person/part-0\.parquet: changed since"):
        withdraw(home)


def test_their_rows_leave_every_table_of_people_and_the_store_keeps_its_files(kept, home, listed):
    listed(GOES, OLDER)
    shared = {path: path.read_bytes() for path in (home.store.root / "shared").iterdir()}
    done = withdraw(home)
    assert read(kept, "person")["person_id"].to_list() == [of(STAYS)]
    assert read(kept, "activity_cost")["person_id"].to_list() == [of(STAYS), None]
    cleaned = done.releases[kept.name]
    assert dict(cleaned.rows) == {"activity_cost": 2, "person": 1}
    assert (cleaned.units, cleaned.pence, cleaned.sums) == (2, 200, ("cost_by_setting",))
    assert {path: path.read_bytes() for path in (home.store.root / "shared").iterdir()} == shared
    assert (kept / "restricted/cost_by_setting/part-0.parquet").stat().st_nlink == 2, "what is not touched stays shared"
    rows = {entry["table"]: entry["rows"] for entry in json.loads((kept / "release.json").read_text())["tables"]}
    assert rows == {"person": 1, "activity_cost": 2, "cost_ledger": len(ledger(kept)), "cost_by_setting": 1}
    assert not list(kept.glob(".withdrawal*"))


def test_the_ledger_moves_them_to_withdrawn_and_balances(kept, home, listed):
    listed(GOES)
    schema = read(kept, "cost_ledger").schema
    withdraw(home)
    assert ledger(kept) == {
        ("received", None, "received", 5, 150, None),
        ("door", "received", "rejected", 1, 10, None),
        ("door", "received", "accepted", 2, 40, None),
        ("door", "received", "withdrawn", 2, 100, None),
        ("linkage", "accepted", "linked", 1, 20, 20),
        ("linkage", "accepted", "dummy", 1, 20, 20),
        ("pricing", "linked", "submitted", 1, 20, 20),
        ("pricing", "dummy", "submitted", 1, 20, 20),
    }
    assert read(kept, "cost_ledger").schema == schema


def test_a_feed_without_prices_gets_none(kept, home, listed):
    for table in ("cost_ledger", "activity_cost"):
        [path] = (kept / "restricted" / table).rglob("*.parquet")
        rewrite(kept, path, pl.read_parquet(path, glob=False).with_columns(submitted_pence=pl.lit(None, pl.Int64)))
    listed(GOES)
    withdraw(home)
    assert read(kept, "cost_ledger")["submitted_pence"].null_count() == read(kept, "cost_ledger").height


def test_again_nothing_is_left_to_do(kept, home, listed):
    listed(GOES)
    withdraw(home)
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*")}
    done = withdraw(home)
    assert dict(done.releases[kept.name].rows) == {}
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*")} == before


@pytest.mark.parametrize("moment", range(1, 10))
def test_a_kill_at_any_moment_is_made_good(kept, home, listed, monkeypatch, moment):
    listed(GOES)
    changes, remove = 0, withdrawal.shutil.rmtree

    def counted(change):
        def wrapper(path, *arguments, **options):
            nonlocal changes
            changes += 1
            if changes == moment:
                if Path(path).is_dir() and change is remove:
                    (Path(path) / "release.json").unlink(missing_ok=True)  # a removal can be cut off half-way
                raise KeyboardInterrupt
            return change(path, *arguments, **options)

        return wrapper

    with monkeypatch.context() as patch:
        for name in ("rename", "replace"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        patch.setattr(withdrawal.shutil, "rmtree", counted(remove))
        with pytest.raises(KeyboardInterrupt):
            withdraw(home)
    finish_all(home.releases)  # as every run begins
    home.store.bytes.refuse_changed(kept_in(kept, "outputs"))
    withdraw(home)
    home.store.bytes.refuse_changed(kept_in(kept, "outputs"))
    assert read(kept, "person")["person_id"].to_list() == [of(STAYS)]
    assert ("door", "received", "withdrawn", 2, 100, None) in ledger(kept)
    assert ("received", None, "received", 5, 150, None) in ledger(kept)
    assert not list(kept.glob(".withdrawal*"))


def test_another_key_removes_nobody_and_says_so(kept, home, listed):
    listed(GOES)
    with pytest.raises(LinkedCareError, match="was made under another key"):
        withdraw_from_releases(home.root, home.store, "another key, also long enough")
    path = kept / "restricted" / "person" / "part-0.parquet"
    rewrite(kept, path, pl.DataFrame({"person_id": [1, 2]}))
    with pytest.raises(LinkedCareError, match="releases/000001-abc: none of its people is known"):
        withdraw(home)


def test_a_ledger_that_would_not_balance_stops_it_before_anything_is_removed(kept, home, listed):
    [path] = (kept / "restricted" / "cost_ledger").rglob("*.parquet")
    is_linked = (pl.col("stage") == "linkage") & (pl.col("status") == "linked")
    changed = pl.col("submitted_pence") + is_linked.cast(pl.Int64)
    rewrite(kept, path, pl.read_parquet(path, glob=False).with_columns(submitted_pence=changed))
    listed(GOES)
    with pytest.raises(ConservationError, match="cost_ledger 2024-25: 1 providers' months would not balance"):
        withdraw(home)
    assert read(kept, "person").height == 2


def test_a_ledger_without_stages_is_told(kept, home, listed):
    [path] = (kept / "restricted" / "cost_ledger").rglob("*.parquet")
    rewrite(kept, path, pl.read_parquet(path, glob=False).drop("stage"))
    listed(GOES)
    with pytest.raises(LinkedCareError, match="has no stages, since an earlier version made it"):
        withdraw(home)


@pytest.fixture
def command(kept, home, monkeypatch):
    """The command, in a home that nobody holds."""
    monkeypatch.setenv("LINKED_CARE_HOME", str(home.root))
    monkeypatch.delenv("LINKED_CARE_PERSON_KEY", raising=False)
    (home.store.root / ".lock").unlink(missing_ok=True)
    return lambda *arguments: CliRunner().invoke(app, ["withdraw", *arguments], catch_exceptions=False).output


def test_a_dry_run_says_what_would_go_and_writes_nothing(command, kept, home, listed):
    listed(GOES)
    told = command("--dry-run")
    assert "1 identifiers are withdrawn" in told
    assert "000001-abc: 3 rows would be removed from 2 tables, 2 records of care" in told
    assert read(kept, "person").height == 2
    assert not (home.root / "withdrawals").exists()


def test_a_list_that_was_not_taken_in_yet_is_told(command, home):
    folder = home.landing / "person_withdrawal" / "list"
    folder.mkdir(parents=True)
    (folder / "delivery.json").write_text("{}")
    assert "1 deliveries wait in landing" in command("--dry-run")


def test_the_receipt_counts_and_names_nobody(command, kept, home, listed):
    listed(GOES)
    landed = home.landing / "apc_spell" / "april"
    landed.mkdir(parents=True)
    (landed / "delivery.json").write_text("{}")
    shelf = home.store.root / "apc_spell" / "april"
    shelf.mkdir(parents=True)
    (shelf / "receipt.json").write_text("{}")
    (shelf / "withdrawn.parquet").write_bytes(b"")
    told = command()
    assert "1 deliveries in landing still hold rows of theirs" in told
    [path] = (home.root / "withdrawals").glob("*.json")
    receipt = json.loads(path.read_text())
    assert receipt["identifiers"] == 1
    assert receipt["landing"] == ["apc_spell/april"]
    assert receipt["releases"]["000001-abc"]["rows"] == {"activity_cost": 2, "person": 1}
    assert receipt["releases"]["000001-abc"]["sums"] == ["cost_by_setting"]
    assert GOES not in path.read_text() + told
    assert str(of(GOES)) not in path.read_text() + told
