"""The same month in every dialect gives the same rows, by a table that is typed from the feed specifications."""

import hashlib
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from schemas.contract import contracts

TABLE: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "dialects.yaml").read_text())
EVERY = [pytest.param(feed, dialect, id=f"{feed}-{dialect}") for feed in TABLE for dialect in TABLE[feed]["dialects"]]
every_dialect = pytest.mark.parametrize(("feed", "dialect"), EVERY)
KEYS = {
    "apc_spell": "APCS_Ident",
    "op_attendance": "OPA_Ident",
    "ec_attendance": "EC_Ident",
    "gp_appointment": "ID",
    "community_contact": "Unique_CareContactID",
    "mh_contact": "UniqCareContID",
    "mh_ward_stay": "UniqWardStayID",
}


def grown(rows: pl.DataFrame, feed: str, height: int) -> pl.DataFrame:
    """At least so many rows: copies under record keys of their own where the feed has one."""
    copies = [rows]
    while sum(copy.height for copy in copies) < height:
        number = f"{len(copies):02}"
        copies.append(rows.with_columns(pl.col(KEYS[feed]) + number) if feed in KEYS else rows)
    return pl.concat(copies)


def whole(month: Any, feed: str) -> pl.DataFrame:
    """The month with a value in every column of the feed, and each value that some dialect writes in its own way."""
    written = [x.get("values", {}) for x in TABLE[feed]["dialects"].values()]
    codes = {column: list(codes) for values in written for column, codes in values.items()}
    rows = grown(month.rows, feed, max(map(len, codes.values()), default=0))
    seldom = {
        "mh_ward_stay": ("EndDateWardStay", month.period[1]),
        "continuing_care_package": ("Package End Date", month.period[1]),
        "patient_register": ("YearMonth_Of_Death", "2021-01"),
    }
    if feed in seldom:  # which a small county may not have
        column, value = seldom[feed]
        rows = rows.with_columns(
            pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value)).otherwise(column).alias(column)
        )
    rows = rows.with_columns(pl.lit(str(value)).alias(header) for header, value in TABLE[feed]["sent"].items())
    return rows.with_columns(
        pl.Series(
            column, [*islice(cycle(values), rows.height - rows.height // 4), *rows[column].tail(rows.height // 4)]
        )
        if len(values) <= rows.height // 2
        else pl.Series(column, list(islice(cycle(values), rows.height)))
        for column, values in codes.items()
    )


def days_of(rows: pl.DataFrame) -> list[str]:
    """The columns that hold days."""
    return [
        c for c in rows.columns if rows[c].drop_nulls().str.contains(r"^\d{4}-\d{2}-\d{2}$").all() and rows[c].count()
    ]


def in_dialect(rows: pl.DataFrame, spec: dict[str, Any]) -> pl.DataFrame:
    """The rows as the dialect writes them."""
    days = [pl.col(c).str.to_date("%Y-%m-%d").cast(pl.Datetime).dt.strftime(spec["dates"]) for c in days_of(rows)]
    codes = [pl.col(c).replace(codes) for c, codes in spec.get("values", {}).items()]
    return rows.with_columns(days).with_columns(codes).drop(spec.get("lacks", [])).rename(spec["headers"], strict=False)


def test_the_table_and_the_contracts_name_the_same_dialects():
    assert {feed: {spec["own"], *spec["dialects"]} for feed, spec in TABLE.items()} == {
        feed: set(contract.dialects) for feed, contract in contracts().items() if feed in TABLE
    }
    assert contracts().keys() - TABLE.keys() == {"person_bridge", "person_withdrawal"}


@pytest.mark.parametrize("feed", TABLE)
def test_the_month_fills_every_column(feed: str, months, deliver):
    receipt, accepted = deliver(feed, whole(months[feed], feed), months[feed].period)
    assert receipt.reason is None
    assert receipt.dialect == TABLE[feed]["own"]
    assert accepted.height == receipt.received_rows > 0
    assert [column for column in accepted.columns if not accepted[column].count()] == []
    assert receipt.broken == {}


@every_dialect
def test_a_month_gives_the_same_rows_in_every_dialect(feed: str, dialect: str, months, deliver):
    spec, month = TABLE[feed]["dialects"][dialect], months[feed]
    rows = whole(month, feed)
    _, own = deliver(feed, rows, month.period, "own")
    receipt, accepted = deliver(feed, in_dialect(rows, spec), month.period, "other", dialect=dialect)
    assert receipt.reason is None
    assert receipt.dialect == dialect
    lacking = [column.name for column in contracts()[feed].columns if column.header in spec.get("lacks", [])]
    assert len(lacking) == len(spec.get("lacks", []))
    apart = [*lacking, "delivery_id"]
    assert accepted.drop(apart).equals(own.drop(apart))
    assert sum(accepted[column].count() for column in lacking) == 0
    assert receipt.broken == {}


@every_dialect
def test_a_dialect_is_known_by_its_headers(feed: str, dialect: str, months, deliver):
    """Where a dialect differs in values alone, or only in how it writes days, the delivery must name it."""
    spec, month = TABLE[feed]["dialects"][dialect], months[feed]
    rows = in_dialect(whole(month, feed), spec)
    receipt, _ = deliver(feed, rows, month.period)
    assert receipt.dialect == (dialect if spec["headers"] else TABLE[feed]["own"])


@every_dialect
def test_headers_are_found_whatever_their_case_and_order(feed: str, dialect: str, months, deliver):
    spec, month = TABLE[feed]["dialects"][dialect], months[feed]
    rows = in_dialect(whole(month, feed), spec)
    _, plain = deliver(feed, rows, month.period, "plain", dialect=dialect)
    shuffled = rows.select(sorted(rows.columns, key=lambda name: hashlib.sha256(name.encode()).digest()))
    shouted = shuffled.rename(lambda name: f" {name.upper()} ")
    receipt, accepted = deliver(feed, shouted, month.period, "shouted", dialect=dialect)
    assert receipt.reason is None
    assert accepted.drop("delivery_id").equals(plain.drop("delivery_id"))


def test_a_file_that_mixes_two_dialects_is_refused_with_the_columns_it_lacks(months, deliver):
    rows = months["apc_spell"].rows
    mixed = rows.rename({"Admission_Date": "ADMIDATE", "Discharge_Date": "DISDATE"})
    receipt, accepted = deliver("apc_spell", mixed, months["apc_spell"].period)
    assert receipt.reason == "rows.csv lacks 2 columns: Admission_Date, Discharge_Date. Send them."
    assert accepted.is_empty()


def test_two_headers_that_differ_in_case_alone_are_refused(months, deliver):
    rows = months["apc_spell"].rows.with_columns(pl.col("Sex").alias("SEX"))
    receipt, _ = deliver("apc_spell", rows, months["apc_spell"].period)
    assert receipt.reason == "rows.csv has 1 headers twice. Name each column once."


def test_a_dialect_that_no_one_speaks_is_refused(months, deliver):
    receipt, _ = deliver("apc_spell", months["apc_spell"].rows, months["apc_spell"].period, dialect="klingon")
    assert receipt.reason == "names a dialect that is none of ncdr, sus_unified, hes. Correct it."


def test_a_delivery_that_names_the_wrong_dialect_is_refused(months, deliver):
    receipt, _ = deliver("apc_spell", months["apc_spell"].rows, months["apc_spell"].period, dialect="hes")
    assert receipt.reason is not None
    assert "of dialect hes: SUSSPELLID" in receipt.reason
