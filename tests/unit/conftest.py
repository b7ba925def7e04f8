"""A feed small enough to read at a glance, deliveries of it, and an opened home."""

import csv
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import yaml
from hypothesis import settings

from assets.linkage.identity import DEMONSTRATION_KEY
from pipelines.home import Home, open_home
from pipelines.store import Store
from schemas.contract import Contract, contracts, load
from schemas.table import Column, Table

settings.register_profile("plain", deadline=None, derandomize=True)
settings.load_profile("plain")

Deliver = Callable[..., Path]
Write = Callable[[Mapping[str, Any]], Path]
Lines = Sequence[Sequence[object]]

_CONTRACT = Path(__file__).parent.parent / "visit.odcs.yaml"

_ROW = {
    "Visit": "v1",
    "Pseudonym": "p1",
    "Provider": "RA1",
    "Date": "2024-04-15",
    "Mode": "seen",
    "Minutes": "20",
    "Price": "10.00",
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def visit_document() -> dict[str, Any]:
    """The small feed's contract as a document, to be changed."""
    return yaml.safe_load(_CONTRACT.read_text())


@pytest.fixture
def write_contract(tmp_path: Path) -> Write:
    """Writes a contract document under the name of its feed."""

    def write(document: Mapping[str, Any]) -> Path:
        path = tmp_path / "visit.odcs.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    return write


@pytest.fixture
def visit(visit_document: dict[str, Any], write_contract: Write) -> Contract:
    """The small feed: one of each kind of rule, a record key, a provider, a date and a price."""
    return load(write_contract(visit_document))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An opened home under the demonstration key."""
    with open_home(tmp_path / "home", DEMONSTRATION_KEY) as opened:
        yield opened


@pytest.fixture
def store(home: Home) -> Store:
    """The store of the opened home."""
    return home.store


@pytest.fixture
def spend() -> Table:
    """A small table with money in two columns, totalled by team."""
    return Table(
        name="spend",
        step="costing",
        grain="One row per team and item.",
        description="What teams spend.",
        columns=(
            Column("team", "STRING", "The team."),
            Column("item", "INT", "The item.", unit="items"),
            Column("paid_pence", "BIGINT", "Paid.", unit="pence"),
            Column("owed_pence", "BIGINT", "Owed.", nullable=True, unit="pence"),
        ),
        key=("team", "item"),
        control=("team",),
    )


@pytest.fixture
def spent() -> pl.DataFrame:
    """Rows of the small table, out of order."""
    return pl.DataFrame(
        {
            "team": ["red", "blue", "red"],
            "item": [2, 1, 1],
            "paid_pence": [200, 30, 100],
            "owed_pence": [5, None, None],
        },
        schema_overrides={"item": pl.Int32},
    )


@pytest.fixture
def deliver(home: Home) -> Deliver:
    """Puts a delivery into `landing/` and returns its folder.

    Rows name only the values that matter; `announce` changes what `delivery.json` says.
    """

    def put(
        delivery_id: str,
        *rows: Mapping[str, str | None],
        feed: str = "visit",
        plain: Mapping[str, str] = _ROW,
        period: tuple[str, str] = ("2024-04-01", "2024-04-30"),
        received: str = "2024-05-18T06:00:00Z",
        files: Sequence[tuple[str, bytes]] | None = None,
        **announce: Any,
    ) -> Path:
        folder = home.landing / feed / delivery_id
        folder.mkdir(parents=True)
        if files is None:
            with (folder / "rows.csv").open("w", newline="") as target:
                writer = csv.DictWriter(target, list(plain))
                writer.writeheader()
                writer.writerows({**plain, **row} for row in rows)
            announced = [{"name": "rows.csv", "format": "csv", "rows": len(rows)}]
        else:
            for name, content in files:
                (folder / name).write_bytes(content)
            announced = [
                {"name": name, "format": name.rpartition(".")[2], "rows": content.count(b"\n") - 1}
                for name, content in files
            ]
        manifest = {
            "delivery_id": delivery_id,
            "feed": feed,
            "contract_version": known[feed].version if feed in (known := contracts()) else "1.0.0",
            "supplier": "clinics",
            "pseudonym_domain": "county",
            "synthetic": True,
            "period_start": period[0],
            "period_end": period[1],
            "received_at": received,
            "files": [file | {"sha256": sha256(folder / file["name"])} for file in announced],
        }
        (folder / "delivery.json").write_text(json.dumps(manifest | announce))
        return folder

    return put


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV, or a workbook of named sheets."""

    def write(name: str, rows: Lines | Mapping[str, Lines], encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        if isinstance(rows, Mapping):
            book = openpyxl.Workbook()
            book.remove(book.active)
            for title, lines in rows.items():
                sheet = book.create_sheet(title)
                for line in lines:
                    sheet.append(list(line))
            book.save(path)
        else:
            with path.open("w", newline="", encoding=encoding) as target:
                csv.writer(target).writerows(rows)
        return path

    return write


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every log record, whatever its level."""
    caplog.set_level(logging.DEBUG)
    return caplog
