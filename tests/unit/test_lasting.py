"""What must last: rows through a kill, an archive and a change of contract; the last word of a supplier."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assets.feeds.current import build_feed, judged_receipts
from assets.feeds.delivery import RefusedDeliveryError, read_delivery
from schemas.contract_model import Contract, ContractColumn, Dialect

LATER = "2024-06-02T06:00:00Z"
NOTE = ContractColumn(
    name="ward",
    header="Ward",
    physical_type="VARCHAR",
    description="Where.",
    required=False,
    classification=None,
    unit=None,
    values=(),
    options={},
    may_be_absent=True,
)


@pytest.fixture
def build(home, visit):
    return lambda contract=visit: build_feed(home.store, home.landing, contract)


@pytest.fixture
def verdicts(home):
    return lambda: {j.receipt.delivery_id: j.verdict for j in judged_receipts(home.store.root / "visit")}


def with_column(contract: Contract) -> Contract:
    return replace(contract, columns=(*contract.columns, NOTE))


def test_a_kill_between_two_readings_loses_no_archived_delivery(build, deliver, home, visit, verdicts, monkeypatch):
    folder = deliver("april", {})
    build()
    rename = Path.rename

    def killed(path: Path, target: Path) -> Path:
        if path.name.endswith(".tmp"):
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            build(replace(visit, missing_texts=("NULL",)))
    shelf = home.store.root / "visit"
    assert not (shelf / "april").exists()
    shutil.rmtree(folder)
    build()
    assert verdicts() == {"april": "accepted"}
    assert not [*shelf.glob(".*aside")]


def test_a_corrected_announcement_of_the_same_file_is_no_repeat(build, deliver, verdicts):
    deliver("wrong", {}, pseudonym_domain="another")
    deliver("right", {}, received=LATER)
    build()
    assert verdicts() == {"wrong": "superseded", "right": "accepted"}


def test_an_archived_delivery_lasts_when_the_contract_gains_a_column(build, deliver, home, visit, verdicts):
    folder = deliver("april", {})
    build()
    shutil.rmtree(folder)
    deliver("may", {"Visit": "v2", "Date": "2024-05-15"}, period=("2024-05-01", "2024-05-31"))
    stored = build(with_column(visit))
    with home.store.engine() as engine:
        home.store.register(engine, "visit", [stored], None)
        assert engine.fetch("select visit_id, ward from visit order by 1") == [("v1", None), ("v2", None)]
    assert verdicts() == {"april": "accepted", "may": "accepted"}


@pytest.mark.parametrize("field", ["supplier", "pseudonym_domain", "dialect", "contract_version"])
@pytest.mark.parametrize("text", ["x\ud800", "two\nlines", "", "x" * 201])
def test_what_cannot_stand_in_a_message_is_refused_where_it_is_announced(deliver, field, text):
    folder = deliver("april", {})
    manifest = json.loads((folder / "delivery.json").read_text()) | {field: text}
    (folder / "delivery.json").write_text(json.dumps(manifest))
    with pytest.raises(RefusedDeliveryError, match=f"{field} is missing or cannot be read"):
        read_delivery(folder)


def test_another_announcement_that_cannot_be_read_is_told_anew(build, deliver, home):
    folder = deliver("april", {})
    (folder / "delivery.json").write_text("{bad")
    build()
    (folder / "delivery.json").write_text("[]")
    build()
    [judged] = judged_receipts(home.store.root / "visit")
    assert "not a JSON object" in (judged.reason or "")


def test_a_column_that_the_dialect_lacks_is_not_among_rejected_rows(build, deliver, home, visit):
    columns = tuple(replace(c, aliases={"alt": "Mode"}) if c.name == "minutes" else c for c in visit.columns)
    alt = Dialect("alt", "another", lacks=("mode",))
    contract = replace(visit, columns=columns, dialects=visit.dialects | {"alt": alt})
    plain = {"Visit": "v1", "Pseudonym": "p1", "Provider": "RA1", "Date": "2024-04-15", "Mode": "20", "Price": "1.00"}
    deliver("april", {"Mode": "0"}, plain=plain, dialect="alt")
    build(contract)
    [part] = (home.store.root / "visit" / "april").glob("quarantined_row-*.parquet")
    assert pl.read_parquet(part)["Mode"].to_list() == ["0"]


def test_a_missing_value_of_a_caseless_column_is_counted_however_it_is_written(build, deliver, home, visit):
    columns = tuple(
        replace(c, is_caseless=True, missing_values=("NK",)) if c.name == "mode" else c for c in visit.columns
    )
    deliver("april", {"Mode": " nk "}, {"Visit": "v2", "Mode": "SEEN"})
    build(replace(visit, columns=columns))
    [judged] = judged_receipts(home.store.root / "visit")
    assert dict(judged.receipt.broken) == {"visit.mode.missing_value": 1}
    assert judged.receipt.rows("accepted") == 2


def test_rows_released_are_those_accepted(build, deliver, home):
    (home.root / "released_rules.csv").write_text(
        "feed,delivery_id,rule_code,reason,decided_by,decided_on\nvisit,,visit.mode.enum,new code,Anna,2024-05-20\n"
    )
    deliver("april", {"Mode": "felt"}, {"Mode": "felt"}, {"Visit": "v2", "Mode": "felt", "Minutes": "0"})
    build()
    [judged] = judged_receipts(home.store.root / "visit")
    assert judged.receipt.rows("accepted") == judged.receipt.released_rows == 1
