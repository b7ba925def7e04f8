"""Files of codes that users bring: code lists of OpenCodelists, national reference sets, plain two-column lists.

Belongs here: their layouts, and which codes can be none: check digit and partition of SNOMED CT, shape of ICD-10.
Does not belong here: what the codes are for, and where they are kept (`codes.py`).
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pipelines.errors import LinkedCareError

_CODE = ("code", "snomed_code", "snomedcode", "conceptid", "concept_id", "icd10_code", "icd10", "icd_10")
_TERM = ("term", "description", "name", "snomed_code_description", "conceptid_description")
_CONDITION = ("condition_code", "condition")
_REFSET = ("refsetid", "referencedcomponentid", "active")
_CONCEPT_PARTITIONS = ("00", "10")
_ICD10 = r"[A-Z][0-9]{2}(?:[0-9]{1,2}|X[0-9])?"
_VERHOEFF = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_TURNS = 5
_TWO_COLUMNS = 2


def read_code_file(path: Path, refset: str | None) -> pl.DataFrame:
    """The codes of a file, each once: condition (null unless the file has such a column), code, term.

    Raises:
        LinkedCareError: if the file is in no layout known or empty, or none of its reference sets is chosen.
    """
    rows = _rows(path)
    header = [cell.lower().lstrip("﻿") for cell in rows[0]]
    if set(_REFSET) <= {*header}:
        found = _members(path.name, header, rows[1:], refset)
    elif refset:
        raise LinkedCareError(f"{path.name}: has no column refsetId. Leave --refset out.")
    else:
        found = _listed(path.name, header, rows)
    frame = pl.DataFrame(found, {"condition_code": pl.String, "code": pl.String, "term": pl.String}, orient="row")
    frame = _once(frame.with_columns(pl.all().replace("", None)))
    if frame.is_empty():
        raise LinkedCareError(f"{path.name}: has no code in it. Name another file.")
    return frame.sort("condition_code", "code")


def checked_codes(file: str, frame: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """The coding system of a file and its codes as feeds have them, all of them checked.

    Raises:
        LinkedCareError: counting codes that are none of the system.
    """
    codes = [(code or "").upper() for code in frame["code"].to_list()]
    if all(code[:1].isalpha() for code in codes):
        plain = [re.sub(r"X$", "", code.replace(".", "")) for code in codes]
        wrong = sum(not re.fullmatch(_ICD10, code) for code in plain)
        _refuse(file, wrong, len(codes), "no ICD-10 codes of three to five characters. Mend or drop them")
        return "icd10", _once(frame.with_columns(code=pl.Series(plain)))
    wrong = sum(not is_snomed_concept(code) for code in codes)
    _refuse(
        file,
        wrong,
        len(codes),
        "no SNOMED CT concepts by their check digit. Fetch the file again, not by a spreadsheet",
    )
    return "snomed", frame


def is_snomed_concept(code: str) -> bool:
    """Whether a text is the identifier of a SNOMED CT concept: length, partition and Verhoeff check digit."""
    if not re.fullmatch(r"[1-9][0-9]{5,17}", code) or code[-3:-1] not in _CONCEPT_PARTITIONS:
        return False
    check = 0
    for place, digit in enumerate(reversed(code)):
        turned = int(digit)
        for _ in range(place % 8):
            turned = _VERHOEFF[turned]
        check = _times(check, turned)
    return check == 0


def _once(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.unique(["condition_code", "code"], keep="first", maintain_order=True)


def _times(left: int, right: int) -> int:
    """The product in the dihedral group of ten elements, of which 0 to 4 are turns and 5 to 9 are flips."""
    turned = left + right if left < _TURNS else left - right
    return turned % _TURNS + (_TURNS if (left < _TURNS) != (right < _TURNS) else 0)


def _rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise LinkedCareError(f"{path.name}: cannot be read as text. Name a CSV or RF2 file in UTF-8.") from None
    first = text.split("\n", 1)[0]
    read = csv.reader(io.StringIO(text), delimiter="\t") if "\t" in first else csv.reader(io.StringIO(text))
    rows = [[cell.strip() for cell in row] for row in read if any(cell.strip() for cell in row)]
    if not rows:
        raise LinkedCareError(f"{path.name}: is empty. Name another file.")
    if odd := sum(len(row) != len(rows[0]) for row in rows):
        raise LinkedCareError(f"{path.name}: {odd} lines have not {len(rows[0])} columns. Fetch the file again.")
    return rows


def _members(
    file: str, header: Sequence[str], rows: Sequence[Sequence[str]], refset: str | None
) -> list[tuple[str, str, str]]:
    """The active members of one reference set; of several versions of a member the latest decides."""
    lines = [dict(zip(header, row, strict=True)) for row in rows]
    refsets = {line["refsetid"] for line in lines}
    if refset and refset not in refsets:
        raise LinkedCareError(f"{file}: has {len(refsets)} reference sets, and not the one named by --refset.")
    if not refset and len(refsets) > 1:
        raise LinkedCareError(f"{file}: has {len(refsets)} reference sets. Choose one by --refset.")
    latest: dict[str, Mapping[str, str]] = {}
    for line in sorted(lines, key=lambda line: line.get("effectivetime", "")):
        if not refset or line["refsetid"] == refset:
            latest[line["referencedcomponentid"]] = line
    return [("", code, line.get("term", "")) for code, line in latest.items() if line["active"] == "1"]


def _listed(file: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """The lines of a list with headers, or of two columns without."""
    code, term, condition = (_place(header, names) for names in (_CODE, _TERM, _CONDITION))
    lines = rows[1:]
    if code is None and len(header) == _TWO_COLUMNS and re.fullmatch(r"[0-9]{6,18}|[A-Za-z][0-9]{2}.*", rows[0][0]):
        code, term, lines = 0, 1, rows
    if code is None:
        raise LinkedCareError(
            f"{file}: is in no layout known: a column code, the columns refsetId, referencedComponentId and active,"
            " or two columns of codes and terms. See docs/conditions.md."
        )
    return [
        (line[condition] if condition is not None else "", line[code], line[term] if term is not None else "")
        for line in lines
    ]


def _place(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _refuse(file: str, wrong: int, total: int, what: str) -> None:
    if wrong:
        raise LinkedCareError(f"{file}: {wrong} of {total} codes are {what}; nothing was loaded.")
