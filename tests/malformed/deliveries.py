"""One small good delivery in every form, the means to spoil it, and the driver that takes it in.

Belongs here: what the corpus (`corpus.py`) and the fuzzer (`fuzz.py`) share.
Does not belong here: what is expected of a spoiled delivery.
"""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl

from assets.feeds.current import build_feed, judged_receipts
from assets.feeds.submission import Judged
from pipelines.store import Store
from schemas.contract import load

VISIT = load(Path(__file__).parent.parent / "visit.odcs.yaml")
MARKER = "SECRETVALUE"
HEADERS = ("Visit", "Pseudonym", "Provider", "Date", "Mode", "Minutes", "Price")
ROWS = [
    (f"v{n}", f"{MARKER}{n}", "RA1", f"2024-04-{n:02}", f"{MARKER}, seen", f"{MARKER} caf\u00e9 \u00a3{n}", f"{n}.50")
    for n in range(1, 13)
]

Spoil = Callable[[Path], None]


def take_everything(root: Path) -> dict[str, Judged]:
    """The whole feed step over `root/landing`, with the store in `root/store`; what became of each delivery."""
    store = root / "store"
    store.mkdir(exist_ok=True)
    build_feed(Store(store), root / "landing", VISIT)
    return {judged.receipt.delivery_id: judged for judged in judged_receipts(store / VISIT.feed)}


def csv_text(rows: Any = None, headers: Any = HEADERS, **dialect: Any) -> str:
    """The rows as csv."""
    target = io.StringIO()
    writer = csv.writer(target, **{"lineterminator": "\n"} | dialect)
    if headers:
        writer.writerow(headers)
    writer.writerows(ROWS if rows is None else rows)
    return target.getvalue()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The members as zip."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return target.getvalue()


def parquet(table: pl.DataFrame | None = None) -> bytes:
    """The rows as parquet."""
    target = io.BytesIO()
    rows = pl.DataFrame(ROWS, schema=list(HEADERS), orient="row") if table is None else table
    rows.write_parquet(target)
    return target.getvalue()


def workbook(rows: Any = None, sheets: int = 1) -> bytes:
    """The rows as xlsx."""
    book = openpyxl.Workbook()
    for row in [HEADERS, *ROWS] if rows is None else rows:
        book.active.append(list(row))
    for _ in range(sheets - 1):
        book.create_sheet()
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


CSV = csv_text().encode()
FORMS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "csv": (CSV, {}),
    "csv quoted": (csv_text(quoting=csv.QUOTE_ALL, lineterminator="\r\n").encode("utf-8-sig"), {}),
    "csv unquoted": (csv_text(delimiter="|").encode(), {"delimiter": "|", "quote": ""}),
    "csv without header": (csv_text(headers=()).encode(), {"header": False, "columns": list(HEADERS)}),
    "cp1252": (csv_text(delimiter=";").encode("cp1252"), {"encoding": "cp1252", "delimiter": ";"}),
    "utf-16": (csv_text().encode("utf-16"), {"encoding": "utf-16"}),
    "gzip": (gzip.compress(CSV, mtime=0), {"compression": "gzip"}),
    "zip": (zipped(("rows.csv", CSV)), {"compression": "zip"}),
    "parquet": (parquet(), {"format": "parquet"}),
    "xlsx": (workbook(), {"format": "xlsx"}),
}


def land(landing: Path, content: bytes = CSV, delivery_id: str = "d1", **announced: Any) -> Path:
    """Put a good delivery of one file into its folder."""
    folder = landing / "visit" / delivery_id
    folder.mkdir(parents=True)
    manifest = {
        "delivery_id": delivery_id,
        "feed": "visit",
        "contract_version": "1.0.0",
        "supplier": "clinics",
        "pseudonym_domain": "county",
        "synthetic": True,
        "period_start": "2024-04-01",
        "period_end": "2024-04-30",
        "received_at": "2024-05-18T06:00:00Z",
        "files": [],
    }
    (folder / "delivery.json").write_text(json.dumps(manifest))
    send(folder, content, **announced)
    return folder


def send(folder: Path, content: bytes, **announced: Any) -> None:
    """Put a file into a delivery in place of its only one, announced as it is but for what is told otherwise."""
    for path in folder.glob("rows*"):
        path.unlink()
    (folder / "rows.dat").write_bytes(content)
    whole = {"name": "rows.dat", "format": "csv", "rows": len(ROWS), "sha256": hashlib.sha256(content).hexdigest()}
    say(folder, files=[whole | announced])


def say(folder: Path, **fields: Any) -> None:
    """Change fields of the announcement."""
    path = folder / "delivery.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def say_of_file(folder: Path, **fields: Any) -> None:
    """Change what is announced of the only file."""
    [file] = json.loads((folder / "delivery.json").read_text())["files"]
    say(folder, files=[file | fields])


def omit(folder: Path, field: str, *, of_file: bool = False) -> None:
    """Leave a field out of the announcement."""
    path = folder / "delivery.json"
    manifest = json.loads(path.read_text())
    del (manifest["files"][0] if of_file else manifest)[field]
    path.write_text(json.dumps(manifest))
