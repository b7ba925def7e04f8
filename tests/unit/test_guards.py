"""Columns of which the gate looks at rejected rows only: no identifier can stand in one that is accepted."""

from dataclasses import replace

import polars as pl
import pytest

from assets.feeds.guards import guarded_columns, specimens
from assets.feeds.identifier_values import Tally
from assets.feeds.identifiers import GateColumn, IdentifierGate
from schemas.contract import contracts
from schemas.row_checks import RAW, Form

EVERY = [replace(Form.own(c), dialect=dialect) for c in contracts().values() for dialect in c.dialects.values()]


def test_the_specimens_are_of_every_kind_that_the_gate_counts():
    tally = Tally()
    tally.add(pl.Series(specimens()))
    kinds = {
        "NHS number",
        "e-mail",
        "spaced postcode",
        "joined postcode",
        "international telephone",
        "spaced telephone",
    }
    assert kinds | {"joined telephone", "UPRN", "rounded number", "date"} <= tally.cells.keys()


def test_a_free_column_is_looked_at_in_full_and_a_list_of_codes_is_guarded():
    guarded = guarded_columns(Form.own(contracts()["apc_spell"]), frozenset())
    assert {"sex_code", "admission_date", "practice_code", "lsoa_code"} <= guarded
    assert guarded.isdisjoint({"spell_id", "pseudonym", "icd10_codes", "submitted_price"})


def test_a_released_rule_guards_nothing():
    form = Form.own(contracts()["apc_spell"])
    assert "sex_code" not in guarded_columns(form, frozenset({"apc_spell.sex_code.enum"}))


def test_a_rule_that_only_warns_guards_nothing():
    contract = contracts()["apc_spell"]
    columns = tuple(replace(c, severities={"enum": "warn"}) if c.name == "sex_code" else c for c in contract.columns)
    assert "sex_code" not in guarded_columns(Form.own(replace(contract, columns=columns)), frozenset())


def test_joined_postcodes_among_diagnoses_are_found():
    column = GateColumn("Der_Diagnosis_All", is_known=True)
    gate = IdentifierGate([column])
    batch = pl.DataFrame({column.header: [f"M1{n}1A{letter}" for n in range(1, 9) for letter in "ABDEFGHJ"]})
    gate.look(batch, rejected=pl.Series([False] * batch.height))
    assert "postcodes" in (gate.verdict() or "")


@pytest.mark.parametrize("form", EVERY, ids=lambda form: f"{form.contract.feed} {form.dialect.name}")
def test_an_accepted_cell_of_a_guarded_column_is_no_identifier(form: Form):
    days = {column.name for column in form.contract.columns if column.physical_type == "DATE"}
    guarded = sorted(guarded_columns(form, frozenset()) - days)
    others = [
        "M601AE",
        "m60 1ae",
        "EC1A 1BB",
        "3210000003",
        "02079460000",
        "+44 (0)20 7946 0000",
        "1950-07-31",
        "b@c.org",
    ]
    cells = pl.DataFrame({RAW + column.name: others for column in form.contract.columns})
    rules = [rule for rule in form.contract.rules if rule.column in guarded and rule.severity != "warn"]
    broken = cells.with_columns(form.typed_columns()).select(
        pl.any_horizontal(form.broken[rule.code] for rule in rules if rule.column == name).alias(name)
        for name in guarded
    )
    assert [name for name in guarded if not broken[name].all()] == []


def test_of_a_guarded_column_rejected_cells_are_looked_at_and_the_others_counted():
    gate = IdentifierGate([GateColumn("Sex", is_known=True)])
    cells = pl.DataFrame({"Sex": ["1"] * 50 + [f"AB{n} 1AA" for n in range(1, 30)]})
    gate.look(cells, {"Sex"}, pl.Series([False] * 50 + [True] * 29))
    assert "Sex (postcodes)" in (gate.verdict() or "")
