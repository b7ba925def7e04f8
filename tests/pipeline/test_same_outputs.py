"""Promise 3: same inputs, same outputs, whatever the order; promise 7: cost grows with the change."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipelines.errors import LinkedCareError
from tests.releases import digests, digests_of_inputs, table


def test_nothing_new_publishes_nothing(published: Path, copy_of: Callable[[Path], Path], nightly) -> None:
    home = copy_of(published)
    before = (home / "outputs").resolve()
    run = nightly(home)
    assert not run.is_new
    assert run.rebuilt == {}
    assert (home / "outputs").resolve() == before


def test_a_forced_rebuild_gives_the_same_bytes(published: Path, copy_of: Callable[[Path], Path], nightly) -> None:
    home = copy_of(published)
    before = digests(home)
    run = nightly(home, rebuild=True)
    assert "person_year_cost" in run.rebuilt
    assert not run.is_new
    store = [path for path in (home / "store").rglob("part-0.parquet") if "person_year_cost" in str(path)]
    rebuilt = {path.read_bytes() for path in store}
    published_bytes = {
        path.read_bytes() for path in (home / "outputs").resolve().rglob("restricted/person_year_cost/**/*.parquet")
    }
    assert rebuilt == published_bytes
    assert digests(home) == before


def test_a_second_home_gives_the_same_bytes(published: Path, clean_landing: Path, tmp_path: Path, nightly) -> None:
    shutil.copytree(clean_landing, tmp_path / "landing")
    nightly(tmp_path)
    assert digests(tmp_path) == digests(published)


def test_the_same_files_again_change_nothing_but_a_receipt(
    published: Path, copy_of: Callable[[Path], Path], nightly
) -> None:
    home = copy_of(published)
    before = digests(home)
    again = deliver_again(home / "landing" / "apc_spell" / "apc_spell-SUS-2024-06", "apc_spell-SUS-2024-06-again")
    run = nightly(home)
    after = digests(home)
    assert run.is_new
    assert {path for path in after if after[path] != before.get(path)} == {"restricted/delivery_receipt/part-0.parquet"}
    receipt = table(home, "delivery_receipt").filter(pl.col("delivery_id") == again)
    assert receipt["verdict"].item() == "repeat"
    assert receipt["received_rows"].item() == receipt["superseded_rows"].item() > 0


def deliver_again(folder: Path, name: str) -> str:
    """Deliver the same files under another name, a month later."""
    copy = shutil.copytree(folder, folder.with_name(name))
    announced = json.loads((copy / "delivery.json").read_text())
    announced |= {"delivery_id": name, "received_at": "2025-06-01T06:00:00Z"}
    (copy / "delivery.json").write_text(json.dumps(announced))
    return name


def test_months_in_any_order_give_the_same_rows(published: Path, clean_landing: Path, tmp_path: Path, nightly) -> None:
    """The deliveries arrive over three nights, in random order; the last night equals one run over all of them.

    A night without the register or a key table stops at the overlap gate.
    """
    folders = sorted(path.parent for path in clean_landing.glob("*/*/delivery.json"))
    random.Random(1).shuffle(folders)
    for night in range(3):
        for folder in folders[night::3]:
            shutil.copytree(folder, tmp_path / "landing" / folder.parent.name / folder.name)
        try:
            nightly(tmp_path)
        except LinkedCareError as stopped:
            assert night < 2
            assert str(stopped).startswith("identifier_overlap")
    assert digests_of_inputs(tmp_path) == digests_of_inputs(published)


def test_one_month_of_one_feed_costs_a_fraction(clean_landing: Path, tmp_path: Path, nightly) -> None:
    """A night on which March 2025 of one feed arrives rebuilds that year and no other."""
    shutil.copytree(clean_landing, tmp_path / "landing")
    late = tmp_path / "landing" / "community_contact" / "community_contact-RH5-2025-03"
    shutil.move(late, tmp_path / "late")
    nightly(tmp_path)
    receipts = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("*/*/receipt.json")}
    shutil.move(tmp_path / "late", late)
    run = nightly(tmp_path)
    assert run.is_new
    assert all(path.stat().st_mtime_ns == written for path, written in receipts.items())  # no other delivery was read
    by_person = ("activity", "activity_cost", "person_year_cost", "linkage_quality")
    assert {name: run.rebuilt[name] for name in by_person} == dict.fromkeys(by_person, "2024-25")
    unchanged = {
        "person_identifier",
        "registration",
        "person_year",
        "exposure_period",
        "condition_evidence",
        "price_book",
    }
    assert not unchanged & run.rebuilt.keys()
