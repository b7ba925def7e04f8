"""`truth_row.parquet` names exactly the rows that an independent reader of the deliveries finds broken."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from synthetic import synthesise
from synthetic.layout import FEEDS as LAYOUT
from tests.synthetic import contract_rules
from tests.synthetic.landing import FEEDS, Landing

PLACE = ["feed", "delivery_id", "source_row"]
RUNS = [("none", 7, 1.0), ("default", 7, 3.0), ("default", 11, 0.5), ("all", 7, 0.5), ("all", 11, 3.0)]


def found(landing: Landing) -> pl.DataFrame:
    """Place and rule of every row that the validator of this folder finds broken."""
    frames = [
        landing.rows[feed].select(
            pl.lit(feed).alias("feed"),
            "delivery_id",
            (pl.col("n") - pl.col("n").min().over("delivery_id") + 1).alias("source_row"),
            pl.col("rule").alias("rule_code"),
        )
        for feed in FEEDS
    ]
    return pl.concat(frames).drop_nulls("rule_code")


def assert_exact(landing: Landing) -> None:
    planted = landing.truth_rows.drop_nulls("rule_code").drop("legal_variant")
    assert sorted(planted.rows()) == sorted(found(landing).rows())
    by_rule = Counter(planted["rule_code"])
    counts = {rule: rows for rules in landing.truth["rejected"].values() for rule, rows in rules.items()}
    counts |= {f"{feed}.duplicate_record": rows for feed, rows in landing.truth["duplicate"].items()}
    assert by_rule == counts
    assert landing.truth_rows.select(PLACE).is_unique().all()


@pytest.mark.parametrize("kind", ["faulty", "all_faulty"])
def test_the_truth_is_exact(kind: str, request: pytest.FixtureRequest) -> None:
    assert_exact(request.getfixturevalue(kind))


@pytest.mark.parametrize(("faults", "seed", "rate"), RUNS)
def test_the_truth_is_exact_for_other_seeds_and_rates(tmp_path: Path, faults: str, seed: int, rate: float) -> None:
    landing = Landing(tmp_path, synthesise(1_000, ("2023-24",), seed, faults, tmp_path, fault_rate=rate))
    assert_exact(landing)
    assert landing.truth_rows.is_empty() == (faults == "none")
    metadata = {
        key.decode(): json.loads(value)
        for key, value in pq.read_schema(tmp_path / "truth_row.parquet").metadata.items()
    }
    assert metadata == {"truth_version": 1, "faults": faults, "fault_rate": rate, "seed": seed}
    assert metadata.items() <= landing.truth.items()


def test_the_rate_multiplies_what_is_planted(tmp_path: Path) -> None:
    """Poisson counts of about 150, 300 and 900: neighbours differ by more than four standard deviations."""
    rows = []
    for rate in (0.5, 1.0, 3.0):
        to = tmp_path / f"{rate}"
        synthesise(2_000, ("2023-24",), 5, "default", to, fault_rate=rate)
        rows.append(pl.read_parquet(to / "truth_row.parquet").height)
    assert 1.5 * rows[0] < rows[1]
    assert 2.2 * rows[1] < rows[2] < 4 * rows[1]


@pytest.mark.parametrize("rate", [0.0, -1.0, 11.0])
def test_a_rate_out_of_bounds_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(ValueError, match="fault_rate"):
        synthesise(100, ("2023-24",), 5, "default", tmp_path, fault_rate=rate)


@pytest.mark.parametrize("feed", FEEDS)
def test_every_rule_of_every_contract_is_planted(all_faulty: Landing, feed: str) -> None:
    """A rule that is added to a contract needs its line in `synthetic/reference/row_fault.csv`."""
    carried = {
        code for code, header in contract_rules.rule_codes(feed).items() if header in (None, *LAYOUT[feed].columns)
    }
    planted = set(all_faulty.truth_rows.filter(pl.col("feed") == feed)["rule_code"].drop_nulls())
    assert planted == carried


def test_every_value_of_the_list_is_planted_somewhere(all_faulty: Landing) -> None:
    """Dirty but legal ICD-10 texts, dummies, sentinels: each is in the deliveries as it stands in the list."""
    variants = all_faulty.truth_rows.drop_nulls("legal_variant")
    assert set(variants["feed"]) == {
        "apc_spell",
        "ec_attendance",
        "gp_coded_event",
        "mh_diagnosis",
        "social_care_event",
    }
    spells = set(all_faulty.rows["apc_spell"]["icd10_codes"])
    assert {"I10X", "||I10X||E11.9", "A01-", "M05.3*"} <= spells
    assert {"-3", "-1"} <= set(all_faulty.rows["apc_spell"]["length_of_stay_days"])
    assert {"1800-01-01", "1582-10-15"} <= set(all_faulty.rows["op_attendance"]["appointment_date"])
    assert {"2.3E+08", "44054006.0"} <= set(all_faulty.rows["gp_coded_event"]["snomed_code"])
    assert {"NULL", "0000000000", "INVALID", "-1"} <= set(all_faulty.rows["gp_prescription"]["pseudonym"])
    assert {"9999"} <= set(all_faulty.rows["community_contact"]["duration_minutes"])
    assert {"-1"} <= set(all_faulty.rows["community_contact"]["age_years"])


def test_legal_variants_break_no_rule(all_faulty: Landing) -> None:
    variants = all_faulty.truth_rows.drop_nulls("legal_variant")
    assert variants["rule_code"].null_count() == variants.height > 10
    assert variants.join(found(all_faulty), on=PLACE, how="semi").is_empty()
