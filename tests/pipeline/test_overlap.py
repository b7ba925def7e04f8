"""The overlap gate and the history of the index, in whole runs."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.definitions import definitions_over
from pipelines.errors import LinkedCareError
from pipelines.resources import HomeResource
from pipelines.store import Store
from schemas.activity import FEEDS_OF_CARE
from schemas.catalogue import TABLES
from tests.pipeline.test_command_line import linked_care
from tests.releases import digests, table

KEY_TABLES_OF = "RH5"


def key_tables(landing: Path) -> list[Path]:
    """The deliveries of the key tables of the community and mental health provider."""
    announced = {path.parent: json.loads(path.read_text()) for path in landing.glob("person_bridge/*/delivery.json")}
    return [folder for folder, manifest in announced.items() if manifest["supplier"] == KEY_TABLES_OF]


def test_without_a_provider_s_key_table_the_run_stops_and_with_it_goes_on(
    published: Path, clean_landing: Path, tmp_path: Path, nightly
) -> None:
    shutil.copytree(clean_landing, tmp_path / "landing")
    (tmp_path / "late").mkdir()
    late = [shutil.move(folder, tmp_path / "late" / folder.name) for folder in key_tables(tmp_path / "landing")]
    assert late
    for _ in range(2):
        with pytest.raises(LinkedCareError) as stopped:
            nightly(tmp_path)
    line = str(stopped.value)
    assert line.startswith(
        "identifier_overlap 2023-24: community_contact, provider RH5, domain csds_person_id: 0 of "
    ), line
    assert "(0.0%) are on the register, at least 5.0% must be" in line
    assert "Nothing was published; ask the supplier for its key table (feed person_bridge)" in line
    assert "\n" not in line
    assert not (tmp_path / "outputs").exists()
    assert not (tmp_path / "store" / "activity").exists()
    for folder in map(Path, late):
        shutil.move(folder, tmp_path / "landing" / "person_bridge" / folder.name)
    assert nightly(tmp_path).is_new
    assert digests(tmp_path) == digests(published)  # what was refused is not in the history either


def test_the_clean_county_passes(published: Path) -> None:
    found = table(published, "identifier_overlap")
    assert set(found["verdict"]) == {"ok", "too_few"}
    years = found.filter(seen="year", other_feed="patient_register", verdict="ok")
    assert {"apc_spell", "community_contact", "gp_appointment"} <= set(years["feed"])
    assert years["overlap"].min() > 0.8  # type: ignore[operator]


def test_what_joins_care_to_people_waits_for_the_gate(tmp_path: Path) -> None:
    graph = definitions_over(HomeResource(root=str(tmp_path))).resolve_asset_graph()
    joining = [
        name
        for name, declared in TABLES.items()
        if "person_identifier" in declared.sources and {*FEEDS_OF_CARE, "gp_coded_event"} & {*declared.sources}
    ]
    assert {"activity", "condition_evidence"} <= set(joining)
    gate = dg.AssetKey("identifier_overlap")
    after = {key.to_user_string() for key in (dg.AssetSelection.assets(gate).downstream()).resolve(graph)}
    assert set(joining) <= after


def test_the_history_begins_with_everybody_and_tells_a_merger(
    published: Path, copy_of: Callable[..., Path], nightly
) -> None:
    first = table(published, "identifier_history")
    assert set(first["change_number"]) == {1}
    assert set(first["kind"]) == {"added"}
    home = copy_of(published)
    one, other, *_ = sorted(Store(home / "store").frame("person_identifier").filter(how="direct")["pseudonym"])
    merge(home, one, other)
    nightly(home)
    change = table(home, "identifier_history").filter(change_number=2)
    assert set(change["kind"]) == {"moved"}
    direct = change.filter(how_before="direct")
    assert direct.select("how_after", "identifier_count", "person_count_before", "person_count_after").rows() == [
        ("merged", 1, 1, 1)
    ]
    assert set(change["digest_before"]) == set(first["digest_after"])
    shown = linked_care(home, "index-history", "--change", "2")
    assert shown.returncode == 0
    assert "moved" in shown.stdout
    assert one not in shown.stdout
    unknown = linked_care(home, "index-history", "--change", "3")
    assert unknown.returncode == 1
    assert "--change 3: the index has changed 2 times" in unknown.stderr


def merge(home: Path, superseded: str, surviving: str) -> None:
    """Adds a merger of two people to the last delivery of mergers, under a new name and a day later."""
    folder = max((home / "landing" / "person_merger").iterdir())
    copy = shutil.copytree(folder, folder.with_name(f"{folder.name}-r2"))
    announced = json.loads((copy / "delivery.json").read_text())
    (entry,) = announced["files"]
    path = copy / entry["name"]
    rows = pl.read_csv(path, infer_schema=False)
    changed = {"Pseudo NHS Number": surviving, "Pseudo Superseded NHS Number": superseded, "Merge_Date": "2024-05-01"}
    pl.concat([rows, pl.DataFrame([changed])], how="diagonal").write_csv(path)
    entry |= {"rows": rows.height + 1, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    announced |= {"delivery_id": copy.name, "received_at": "2025-06-01T06:00:00Z", "files": [entry]}
    (copy / "delivery.json").write_text(json.dumps(announced))
