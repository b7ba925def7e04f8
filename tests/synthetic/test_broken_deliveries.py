"""Each delivery that must be refused is broken as the truth says, and in no other way."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from synthetic.codebook import rows
from synthetic.fault_files import SPOILERS, nhs_numbers
from synthetic.layout import FEEDS
from tests.synthetic import contract_rules
from tests.synthetic.landing import Landing

DEFECTS = sorted(SPOILERS)
EXTRA = {
    "nhs_number": "NHS Number",
    "nhs_number_unnamed": "Local Reference",
    "nhs_number_as_float": "Local Reference",
    "postcode": "Postcode",
    "postcode_unnamed": "Local Area",
    "date_of_birth": "Date of Birth",
    "date_of_birth_unnamed": "Local Day",
    "e_mail": "Email",
    "name": "Patient Name",
}


def test_the_list_names_what_can_be_planted() -> None:
    listed = rows("delivery_fault")
    assert {row["defect"] for row in listed} == {*SPOILERS, "sent_again", "repeated", "all_text"}
    assert {row["feed"] for row in listed} <= set(FEEDS)
    for quarters in (4, 12, 36):  # of a year's quarters and months, and of three years' months: none suffers twice
        rhythms = ("quarter", "snapshot") if quarters == 4 else ("month",)
        places = [
            (row["feed"], int(float(row["share"]) * quarters)) for row in listed if FEEDS[row["feed"]].rhythm in rhythms
        ]
        assert len(places) == len(set(places))


def test_every_delivery_has_its_expected_verdict(all_faulty: Landing) -> None:
    deliveries = all_faulty.truth["deliveries"]
    assert sorted(deliveries) == sorted(path.name for path in all_faulty.folder.glob("*/*") if path.is_dir())
    of = {verdict: {n for n, d in deliveries.items() if d["verdict"] == verdict} for verdict in ("repeat", "refused")}
    assert of["repeat"] == set(all_faulty.truth["repeated_deliveries"])
    assert of["refused"] == set(all_faulty.truth["refused_deliveries"])
    superseded = [(d["feed"], n) for n, d in deliveries.items() if d["verdict"] == "superseded"]
    # Five deliveries are sent again; of the eight snapshots of the register, of mergers and of three bridging tables in
    # two years, one each stands.
    assert len(superseded) == 5 + 5 * (8 - 1)


@pytest.mark.parametrize("defect", DEFECTS)
def test_it_is_broken_as_stated(all_faulty: Landing, defect: str) -> None:
    broken = {n: d for n, d in all_faulty.truth["deliveries"].items() if d.get("defect") == defect}
    assert broken
    for name, planted in broken.items():
        folder = all_faulty.folder / planted["feed"] / name
        whole = folder.with_name(f"{name}-r2")
        assert all_faulty.truth["deliveries"][whole.name]["verdict"] in ("accepted", "superseded")
        announced = json.loads((whole / "delivery.json").read_text(encoding="utf-8"))
        file = announced["files"][0]["name"]
        if defect == "manifest_cut_short":
            with pytest.raises(json.JSONDecodeError):
                json.loads((folder / "delivery.json").read_text(encoding="utf-8"))
            assert (folder / file).read_bytes() == (whole / file).read_bytes()
            continue
        said = json.loads((folder / "delivery.json").read_text(encoding="utf-8"))
        assert (said["delivery_id"], said["received_at"] < announced["received_at"]) == (name, True)
        if defect == "missing_file":
            assert [path.name for path in folder.iterdir()] == ["delivery.json"]
            continue
        digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        assert (digest == said["files"][0]["sha256"]) == (defect != "sha256")
        assert ("period_end" in said) == (defect != "manifest_lacks_period")
        assert_content(defect, folder / file, whole / file, said["files"][0]["rows"], planted["feed"])


def assert_content(defect: str, broken: Path, whole: Path, announced_rows: int, feed: str) -> None:
    content, before = broken.read_bytes(), whole.read_bytes()
    if defect in EXTRA or defect == "nhs_number_as_pseudonym":
        assert_identifiers(defect, broken, whole, feed)
        return
    assert (content == before) == (defect in ("sha256", "row_count", "manifest_lacks_period"))
    match defect:
        case "row_count":
            assert pl.read_csv(broken, infer_schema=False).height == announced_rows - 7
        case "unreadable":
            with pytest.raises(pl.exceptions.PolarsError):
                pl.read_parquet(broken)
        case "cut_short":
            assert before.startswith(content)
            assert 1 < content.count(b"\n") < announced_rows
        case "columns":
            assert set(pl.read_csv(broken, infer_schema=False).columns) == set(FEEDS[feed].columns) - {"PrimDiag"}
        case "over_limit":
            emptied, full = (pl.read_csv(path, infer_schema=False) for path in (broken, whole))
            assert emptied.drop("Appointment_Date").equals(full.drop("Appointment_Date"))
            blank = emptied["Appointment_Date"].null_count() / announced_rows
            assert blank > contract_rules.limits(feed)["op_attendance.appointment_date.required"] > 0
        case "nul_byte":
            assert content.replace(b"\0", b"") == before
        case "ragged_long" | "ragged_short":
            widths = [len(row) for row in csv.reader(content.decode().splitlines())]
            assert len(set(widths[:-1])) == 1
            assert (widths[-1] > widths[0]) == (defect == "ragged_long")
            assert widths[-1] != widths[0]
        case "header_twice":
            headers = content.decode().splitlines()[0].split(",")
            assert len(headers) == len(set(headers)) + 1
        case "utf_16" | "cp1252":
            with pytest.raises(UnicodeDecodeError):
                content.decode()
            kept = content.decode(defect.replace("_", "-")).rstrip().rstrip("é")
            assert before.decode().startswith(kept)
            assert len(before.decode().rstrip()) - len(kept) == (defect == "cp1252")
        case "empty_file":
            assert content == b""
        case _:
            assert content == before


def assert_identifiers(defect: str, broken: Path, whole: Path, feed: str) -> None:
    """Nothing but the identifiers is wrong: the other columns and all rows are those of the whole delivery."""
    read = pl.read_parquet if broken.suffix == ".parquet" else lambda path: pl.read_csv(path, infer_schema=False)
    spoiled, good = read(broken), read(whole)
    column = EXTRA.get(defect, FEEDS[feed].pseudonym)
    assert spoiled.height == good.height > 0
    assert spoiled.drop(column).equals(good.drop(column, strict=False))
    assert (column in good.columns) == (defect == "nhs_number_as_pseudonym")
    values = spoiled[column]
    if defect.startswith("nhs_number"):
        assert all(is_valid(value.removesuffix(".0").replace(" ", "")) for value in values)
    assert values.null_count() == 0


def is_valid(number: str) -> bool:
    """Whether a number of the range for tests passes the check of NHS numbers."""
    weighted = sum(int(digit) * weight for digit, weight in zip(number, range(10, 0, -1), strict=True))
    return number.startswith("999") and weighted % 11 == 0


def test_check_digits() -> None:
    numbers = list(nhs_numbers())[:20]
    # 9x10 + 9x9 + 9x8 = 243 = 11x22 + 1, so 999 000 000 needs a check digit of 10, which is not issued.
    # 999 000 001 adds 1x2: 245 = 11x22 + 3, so its check digit is 11 - 3.
    assert numbers[0] == f"999000001{11 - 3}"
    assert all(map(is_valid, numbers))
    assert len(set(numbers)) == len(numbers)
