"""What the generator writes is what the contracts describe."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from itertools import pairwise

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthetic.layout import FEEDS as LAYOUT
from tests.synthetic import contract_rules
from tests.synthetic.landing import FEEDS, Landing


def test_the_layout_follows_the_contracts_with_their_headers() -> None:
    contracts = {path.name.removesuffix(".odcs.yaml") for path in contract_rules.CONTRACTS.glob("*.odcs.yaml")}
    assert contracts >= LAYOUT.keys()
    for name, feed in LAYOUT.items():
        assert list(feed.columns) == contract_rules.headers(name)
        described = {
            c["physicalName"]
            for c in contract_rules.contract(name)["properties"]
            if c.get("classification") == "pseudonym"
        }
        assert feed.pseudonym in described
        assert feed.contract_version[0] == contract_rules.version(name)[0]


@pytest.mark.parametrize("feed", FEEDS)
def test_every_clean_row_satisfies_its_contract(clean: Landing, feed: str) -> None:
    assert clean.rows[feed].height == clean.synthesis.rows[feed] > 0
    broken = clean.rows[feed]["rule"].drop_nulls()
    assert broken.value_counts().to_dicts() == []
    # Of social care, some people have no pseudonym but the council's own number.
    warned = {rule for rules in clean.warned(feed).values() for rule in rules}
    assert warned == ({"social_care_event.pseudonym_missing"} if feed == "social_care_event" else set())


@pytest.mark.parametrize("feed", FEEDS)
def test_manifests_tell_the_truth_about_their_files(clean: Landing, feed: str) -> None:
    for folder, manifest in clean.manifests(feed).items():
        assert manifest["delivery_id"] == folder.name
        assert manifest["feed"] == feed
        assert manifest["synthetic"] is True
        assert manifest["received_at"][:10] > manifest["period_end"]
        assert {path.name for path in folder.iterdir()} == {
            "delivery.json",
            *(entry["name"] for entry in manifest["files"]),
        }
        for entry in manifest["files"]:
            assert hashlib.sha256((folder / entry["name"]).read_bytes()).hexdigest() == entry["sha256"]


def test_periods_cover_the_study_once(clean: Landing) -> None:
    for feed in FEEDS:
        sent = [(m["supplier"], m["period_start"], m["period_end"]) for m in clean.manifests(feed).values()]
        assert len(sent) == len(set(sent))
        periods = sorted({(start, end) for _, start, end in sent})
        if feed == "gp_coded_event":
            assert periods.pop(0) == ("1990-01-01", "2023-03-31")
        assert periods[0][0] == "2023-04-01"
        assert periods[-1][1] == "2025-03-31"
        for (_, end), (start, _) in pairwise(periods):
            assert (date.fromisoformat(start) - date.fromisoformat(end)).days == 1


def test_parquet_columns_are_typed(clean: Landing) -> None:
    for feed in ("gp_appointment", "community_contact", "mh_contact"):
        folder, manifest = next(iter(clean.manifests(feed).items()))
        schema = pq.read_schema(folder / manifest["files"][0]["name"])
        for column in contract_rules.sent(feed):
            kind = schema.field(column["physicalName"]).type
            expected = {"date": pa.types.is_date32, "integer": pa.types.is_integer}.get(column["logicalType"])
            text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view"
            assert expected(kind) if expected else text, (feed, column["name"], kind)


def test_condition_codes_belong_to_their_condition() -> None:
    reference = contract_rules.CONTRACTS.parent / "assets" / "reference"
    prefixes = pl.read_csv(reference / "condition_icd10.csv", infer_schema=False)
    snomed = pl.read_csv(reference / "condition_snomed.csv", infer_schema=False)
    ours = pl.read_csv(
        contract_rules.CONTRACTS.parent / "synthetic" / "reference" / "condition_code.csv", infer_schema=False
    )
    for condition, system, code, _ in ours.iter_rows():
        if system == "icd10":
            found = {c for c, prefix, *_ in prefixes.iter_rows() if code.startswith(prefix)}
        else:
            found = set(snomed.filter(pl.col("snomed_code") == code)["condition_code"])
        assert found == {condition}, code


def test_text_of_a_manifest(clean: Landing) -> None:
    manifest = json.loads(
        (clean.folder / "apc_spell" / "apc_spell-SUS-2023-04" / "delivery.json").read_text(encoding="utf-8")
    )
    assert manifest["supplier"] == "SUS"
    assert manifest["pseudonym_domain"] == "south_somerset"
    assert manifest["received_at"] == "2023-05-18T06:00:00Z"
    assert [(entry["name"], entry["format"]) for entry in manifest["files"]] == [("APCS_202304.csv", "csv")]
