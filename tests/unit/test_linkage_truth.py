"""Missed and false links, by records and pounds, on a world small enough to count by hand."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.costing.linkage_truth import TRUTH, errors, missed_and_false

YEAR = "2024-25"
DOMAIN = "register"
NOBODY = None
TEXT = {"pseudonym_domain": pl.String, "pseudonym": pl.String, "feed": pl.String, "person": pl.String}


class Shelf:
    """What the report asks of a store, over frames in a folder."""

    def __init__(self, root: Path, **tables: pl.DataFrame) -> None:
        self.root = root
        for name, frame in tables.items():
            frame.write_parquet(root / f"{name}.parquet")

    def require(self, table: str, year: str | None = None) -> str:
        return table

    def paths(self, table: str) -> list[Path]:
        return [self.root / f"{table}.parquet"]

    def frame(self, table: str, year: str | None = None) -> pl.DataFrame:
        return pl.read_parquet(self.paths(table))


def identifiers(*rows: tuple[Any, ...], **columns: Any) -> pl.DataFrame:
    names = ["pseudonym", *columns]
    return pl.DataFrame(rows, schema={name: {**TEXT, **columns}[name] for name in names}, orient="row").with_columns(
        pseudonym_domain=pl.lit(DOMAIN)
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Anna is 101, Ben 102, Carl 103. The index takes Ben's second pseudonym for Anna and has lost Carl's second."""
    index = identifiers(("anna", 101), ("ben", 102), ("ben2", 101), ("carl", 103), ("gina", 104), person_id=pl.Int64)
    uses = [("anna", 5), ("ben2", 2), ("carl2", 3), ("gina", 1), ("carl", 4), ("stranger", 9), ("untold", 7)]
    use = identifiers(*((name, "mh_contact", rows) for name, rows in uses), feed=pl.String, record_count=pl.Int64)
    records = identifiers(*((name, place) for place, (name, _) in enumerate(uses)), source_row=pl.Int64).with_columns(
        delivery_id=pl.lit("one"), council_code=pl.lit("905"), council_person_id=pl.lit("1")
    )
    costs = pl.DataFrame(
        {"source_row": range(len(uses)), "cost_pence": [10**place for place in range(len(uses))]},
        schema_overrides={"source_row": pl.Int64},
    ).with_columns(feed=pl.lit("mh_contact"), delivery_id=pl.lit("one"))
    cared = ("apc_spell", "op_attendance", "ec_attendance", "gp_appointment", "gp_prescription", "community_contact")
    others = (*cared, "mh_ward_stay", "social_care_event", "continuing_care_package", "ambulance_incident")
    return Shelf(
        tmp_path,
        person_identifier=index,
        patient_register=index.select("pseudonym_domain"),
        identifier_exclusion=identifiers(("carl", "mh_contact", "sex_conflict"), feed=pl.String, reason=pl.String),
        identifier_use=use,
        activity_cost=costs,
        mh_contact=records,
        **dict.fromkeys(others, records.clear()),
    )


TRUTH_ROWS = identifiers(
    ("anna", "anna", None),
    ("ben", "ben", None),
    ("ben2", "ben", None),
    ("carl", "carl", None),
    ("carl2", "carl", None),
    ("stranger", NOBODY, None),
    ("gina", NOBODY, None),
    person=pl.String,
    feed=pl.String,
)


def test_missed_and_false_links_by_records_and_pence(shelf: Shelf) -> None:
    found = missed_and_false(shelf, TRUTH_ROWS, YEAR).row(0, named=True)
    assert found["record_count"] == 5 + 2 + 3 + 1 + 4 + 9  # the truth says nothing of one identifier
    assert found["missed_count"] == 3 + 4  # Carl's second pseudonym, and his first, which is held to be nobody's
    assert found["missed_pence"] == 10**2 + 10**4
    assert found["false_count"] == 2 + 1  # Ben's care is Anna's, and Gina is nobody
    assert found["false_pence"] == 10**1 + 10**3
    assert found["missed_share"] == 7 / 24


def test_what_the_truth_says_of_one_feed_goes_before_what_it_says_of_all(shelf: Shelf) -> None:
    only_here = identifiers(
        ("carl", NOBODY, "mh_contact"), ("anna", NOBODY, "apc_spell"), person=pl.String, feed=pl.String
    )
    found = missed_and_false(shelf, pl.concat([TRUTH_ROWS, only_here]), YEAR).row(0, named=True)
    assert found["missed_count"] == 3
    assert found["false_count"] == 2 + 1


def test_without_a_truth_nothing_is_counted(shelf: Shelf, tmp_path: Path) -> None:
    assert errors(shelf, tmp_path, YEAR).rows == ()
    TRUTH_ROWS.write_parquet(tmp_path / TRUTH)
    assert errors(shelf, tmp_path, YEAR).rows == (
        ("mh_contact", "24", "7", f"{7 / 24:.2%}", "£101", "3", f"{3 / 24:.2%}", "£10"),
    )
