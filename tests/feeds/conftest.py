"""One clean synthetic month of every feed as text, and deliveries of frames into a folder of the test."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assets.feeds.delivery import read_delivery
from assets.feeds.intake import take_in
from assets.feeds.receipt import Receipt
from schemas.contract import Contract, contracts
from synthetic import synthesise

_PEOPLE, _YEARS, _SEED, _ROWS = 4_000, ("2021-22",), 1, 150
_LAST_DAY = "2021-09-30"  # before CSDS v1.6 and MHSDS v5, so that the codes of every version can be written

Taken = tuple[Receipt, pl.DataFrame]


@dataclass(frozen=True)
class Month:
    """A delivery as the county sent it: its rows as text, and the period that it covers."""

    rows: pl.DataFrame
    period: tuple[str, str]


@pytest.fixture(scope="session")
def months(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Month]:
    """Of every feed that the county sends, the first rows of the largest clean delivery."""
    folder = tmp_path_factory.mktemp("county")
    synthesise(_PEOPLE, _YEARS, _SEED, "none", folder)
    found = {}
    manifests = [(path, json.loads(path.read_text())) for path in sorted(folder.glob("*/*/delivery.json"))]
    for manifest, announced in sorted(manifests, key=lambda one: one[1]["files"][0]["rows"]):
        if announced["period_end"] > _LAST_DAY or "history" in manifest.parent.name:
            continue
        path = manifest.parent / announced["files"][0]["name"]
        rows = pl.read_csv(path, infer_schema=False) if path.suffix == ".csv" else pl.read_parquet(path)
        if announced["feed"] == "social_care_event":  # some people have the council's own number alone
            rows = rows.drop_nulls("Pseudo NHS Number")
        period = announced["period_start"], announced["period_end"]
        found[announced["feed"]] = Month(rows.head(_ROWS).cast(pl.String), period)
    return found


@pytest.fixture
def deliver(tmp_path: Path) -> Callable[..., Taken]:
    """Delivers a frame of text and takes it in: the receipt and the accepted rows in the order sent."""

    def take(
        contract: Contract | str, rows: pl.DataFrame, period: tuple[str, str], name: str = "d", **more: Any
    ) -> Taken:
        contract = contracts()[contract] if isinstance(contract, str) else contract
        folder = tmp_path / "landing" / contract.feed / name
        folder.mkdir(parents=True)
        rows.write_csv(folder / "rows.csv")
        file = {
            "name": "rows.csv",
            "format": "csv",
            "sha256": hashlib.sha256((folder / "rows.csv").read_bytes()).hexdigest(),
            "rows": rows.height,
        }
        manifest = {
            "delivery_id": name,
            "feed": contract.feed,
            "contract_version": contract.version,
            "supplier": "supplier",
            "pseudonym_domain": "county",
            "synthetic": True,
            "period_start": period[0],
            "period_end": period[1],
            "received_at": f"{int(period[1][:4]) + 1}-01-01T00:00:00Z",
            "files": [file],
        }
        (folder / "delivery.json").write_text(json.dumps(manifest | more))
        shelf = tmp_path / "store" / contract.feed
        receipt = take_in(read_delivery(folder), contract, shelf)
        parts = sorted((shelf / name).glob("accepted-*.parquet"))
        accepted = pl.concat([pl.read_parquet(part) for part in parts]) if parts else pl.DataFrame()
        return receipt, accepted

    return take
