"""Every contract follows the standard, compiles, and names only what it describes."""

import re
from collections import Counter

import pyarrow as pa
import pytest

from schemas.activity import FEEDS_OF_CARE
from schemas.contract import CONTRACTS, PROVENANCE, Contract, contracts
from schemas.released import RELEASED

EVERY = [pytest.param(contract, id=feed) for feed, contract in contracts().items()]
every_contract = pytest.mark.parametrize("contract", EVERY)


def test_every_file_of_the_folder_is_a_contract():
    assert {path.name for path in CONTRACTS.iterdir()} == {f"{feed}.odcs.yaml" for feed in contracts()} | {RELEASED}
    assert len(contracts()) == 17


def test_every_feed_of_care_has_a_contract():
    assert set(FEEDS_OF_CARE) <= contracts().keys()


def test_rule_codes_are_unique_over_all_feeds():
    codes = Counter(rule.code for contract in contracts().values() for rule in contract.rules)
    assert [code for code, times in codes.items() if times > 1] == []


@every_contract
def test_rule_codes_begin_with_the_feed(contract: Contract):
    assert [rule.code for rule in contract.rules if not rule.code.startswith(f"{contract.feed}.")] == []


@every_contract
def test_headers_and_names_are_unique(contract: Contract):
    headers, names = [c.header for c in contract.columns], [c.name for c in contract.columns]
    assert len(set(headers)) == len(headers)
    assert len(set(names) | PROVENANCE.keys()) == len(names) + len(PROVENANCE)


@every_contract
def test_columns_that_the_contract_singles_out_exist(contract: Contract):
    names = {column.name for column in contract.columns}
    singled_out = {
        *contract.record_key,
        contract.provider_column,
        contract.activity_date_column,
        contract.price_column,
    } - {None}
    assert singled_out <= names


@every_contract
def test_a_record_key_and_a_provider_are_never_blank(contract: Contract):
    required = {column.name for column in contract.columns if column.required}
    means_something = {"event_code"} if contract.feed == "person_merger" else set()  # blank is a merger
    assert {*contract.record_key, contract.provider_column} - {None} <= required | means_something


@every_contract
def test_dates_and_prices_have_their_types(contract: Contract):
    types = {column.name: column.arrow_type for column in contract.columns}
    if contract.activity_date_column:
        assert types[contract.activity_date_column] == pa.date32()
    if contract.price_column:
        assert types[contract.price_column].scale == 2


@every_contract
def test_patterns_are_anchored_at_both_ends(contract: Contract):
    patterns = [rule.argument for rule in contract.rules if rule.kind == "pattern"]
    assert [pattern for pattern in patterns if not re.fullmatch(r"\^.*\$", pattern)] == []


@every_contract
def test_pseudonyms_are_classified(contract: Contract):
    columns = [column for column in contract.columns if column.name.endswith("pseudonym")]
    assert columns
    assert {column.classification for column in columns} == {"pseudonym"}


@every_contract
def test_accepted_schema_describes_every_column(contract: Contract):
    schema = contract.accepted_schema
    assert schema.names == [*(column.name for column in contract.columns), *PROVENANCE]
    assert [field.name for field in schema if not field.metadata[b"description"]] == []
    assert [f.name for f in schema if not f.nullable] == [
        *(c.name for c in contract.columns if c.required),
        *PROVENANCE,
    ]


@every_contract
def test_dagster_shows_every_column_with_its_rules(contract: Contract):
    shown = contract.dagster_schema().columns
    assert [column.name for column in shown] == contract.accepted_schema.names
    codes = {code for column in shown for code in column.constraints.other}
    assert codes == {rule.code for rule in contract.rules if rule.column}
