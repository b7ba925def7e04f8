"""Every contact of a community team has at most one currency, which the shipped book prices at its point."""

from itertools import product

import polars as pl
import pytest

from assets.costing.book import shipped_book
from assets.reference import read_reference
from schemas.catalogue import TABLES
from schemas.contract import contracts
from schemas.table import Table

COMMUNITY_CURRENCY: Table = TABLES["community_currency"]


def _teams() -> tuple[str, ...]:
    [team] = [column for column in contracts()["community_contact"].columns if column.name == "team_type_code"]
    return team.values


@pytest.fixture(scope="module")
def currencies() -> pl.DataFrame:
    return read_reference(COMMUNITY_CURRENCY)


def test_a_team_has_one_currency_for_each_age_and_mode_or_none(currencies):
    rows = currencies.to_dicts()
    for team, age, mode in product(_teams(), ("adult", "child"), ("face_to_face", "remote")):
        fitting = [
            row
            for row in rows
            if row["team_type_code"] == team
            and row["age_group"] in ("all", age)
            and row["contact_mode"] in ("all", mode)
        ]
        known = any(row["team_type_code"] == team for row in rows)
        assert len(fitting) == known, (team, age, mode)


def test_teams_are_those_of_the_contract(currencies):
    assert set(currencies["team_type_code"]) <= set(_teams())
    assert set(_teams()) - set(currencies["team_type_code"]) == {"01", "54"}  # appliances; beds, which come from SUS


def test_every_currency_has_its_price_at_its_point_of_delivery(currencies):
    priced = shipped_book().price.filter(setting="community")
    missing = currencies.join(priced, on=["point_of_delivery", "currency_code"], how="anti")
    assert missing.is_empty()
    means = set(priced.filter(currency_code="ALL")["point_of_delivery"])
    assert means == set(currencies["point_of_delivery"])


def test_what_is_no_proxy_names_one_service_in_both_lists(currencies):
    says = pl.col("source").str.contains("Same service named in both lists", literal=True)
    assert currencies.filter(says == pl.col("is_proxy")).is_empty()
    assert currencies["is_proxy"].any()
    assert not currencies["is_proxy"].all()
