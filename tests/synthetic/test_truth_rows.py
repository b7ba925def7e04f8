"""`truth_row.parquet` names exactly the rows that an independent reader of the deliveries finds broken."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from synthetic import synthesise
from tests.synthetic import contract_rules
from tests.synthetic.landing import FEEDS, Landing

PLACE = ["feed", "delivery_id", "source_row"]
RUNS = [("none", 7, 1.0), ("default", 7, 3.0), ("default", 11, 0.5), ("all", 7, 0.5), ("all", 11, 3.0)]


def found(landing: Landing) -> pl.DataFrame:
    """Place and rule of every row that the validator of this folder finds broken."""
    frames = [found_rows(landing, feed).select(*PLACE, pl.col("rule").alias("rule_code")) for feed in FEEDS]
    return pl.concat(frames).drop_nulls("rule_code")


def found_rows(landing: Landing, feed: str) -> pl.DataFrame:
    """Place, rule and warnings of every row of a feed."""
    return landing.rows[feed].select(
        pl.lit(feed).alias("feed"),
        "delivery_id",
        (pl.col("n") - pl.col("n").min().over("delivery_id") + 1).alias("source_row"),
        "rule",
        "warnings",
    )


def assert_exact(landing: Landing) -> None:
    planted = landing.truth_rows.drop_nulls("rule_code").drop("legal_variant")
    assert sorted(planted.rows()) == sorted(found(landing).rows())
    by_rule = Counter(planted["rule_code"])
    counts = {rule: rows for rules in landing.truth["rejected"].values() for rule, rows in rules.items()}
    counts |= {f"{feed}.duplicate_record": rows for feed, rows in landing.truth["duplicate"].items()}
    assert by_rule == counts
    assert landing.truth_rows.select(PLACE).is_unique().all()
    warned = {name: counts for feed in FEEDS for name, counts in landing.warned(feed).items()}
    assert landing.truth["warned"] == warned


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
    assert metadata == {"truth_version": 2, "faults": faults, "fault_rate": rate, "seed": seed}
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
    planted = set(all_faulty.truth_rows.filter(pl.col("feed") == feed)["rule_code"].drop_nulls())
    assert planted == contract_rules.rejecting(feed)
    told = (counts for name, counts in all_faulty.truth["warned"].items() if name.startswith(f"{feed}-"))
    assert set().union(*told) == contract_rules.warning(feed)


def test_rows_that_only_warn_are_kept(all_faulty: Landing) -> None:
    """Most rows that break a rule of this kind break no other; none of them is in the truth of single rows.

    People whom social care could not trace have no pseudonym, planted or not.
    """
    untraced = ["social_care_event.pseudonym_missing"]
    for feed in FEEDS:
        warned = found_rows(all_faulty, feed).filter(pl.col("warnings").list.len() > 0)
        named = warned.join(all_faulty.truth_rows.drop_nulls("rule_code"), on=PLACE, how="semi")
        assert named.height == warned["rule"].drop_nulls().len()
        kept = warned.filter(pl.col("rule").is_null())
        assert set(kept.explode("warnings")["warnings"]) == contract_rules.warning(feed)
        planted = kept.filter(pl.col("warnings").list.set_difference(untraced).list.len() > 0)
        assert planted.join(all_faulty.truth_rows, on=PLACE, how="semi").is_empty()


@pytest.mark.parametrize("kind", ["faulty", "all_faulty"])
def test_no_delivery_is_refused_for_its_rows(kind: str, request: pytest.FixtureRequest) -> None:
    """What is planted on rows stays within the share of them that a contract allows."""
    landing: Landing = request.getfixturevalue(kind)
    checked = 0
    for feed in FEEDS:
        rows = dict(landing.rows[feed].group_by("delivery_id").len().rows())
        limits = contract_rules.limits(feed)
        for delivery, rule, count in landing.rows[feed].group_by("delivery_id", "rule").len().rows():
            if rule in limits:
                checked += 1
                assert count <= limits[rule] * rows[delivery], (delivery, rule)
    assert checked


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
