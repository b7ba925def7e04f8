"""Codes of a home's own, beside those shipped: what it loaded for conditions and lists.

Belongs here: keeping what was loaded in the home, and the tables of conditions with it.
Does not belong here: the layouts of files and the shape of codes (`code_files.py`); counting, which is SQL.
"""

import re
from pathlib import Path

import polars as pl

from assets.morbidity.code_files import checked_codes, read_code_file
from assets.reference import read_reference, reference_text
from pipelines.build import build_frame
from pipelines.errors import LinkedCareError
from pipelines.store import Store, Stored, write_whole
from schemas.morbidity import CONDITION, CONDITION_ICD10, CONDITION_LIST_MEMBER, CONDITION_SNOMED
from schemas.table import Table

FOLDER = "codes"
_COLUMNS = (
    "condition_code",
    "condition_name",
    "condition_list",
    "code_system",
    "code",
    "term",
    "source",
    "vintage",
    "licence",
)
_NAME = r"[a-z][a-z0-9_]*"
_CITED = pl.format("{}, {} ({})", "source", "vintage", "licence")


def build_with_own(store: Store, root: Path, table: Table) -> Stored:
    """Build a table of conditions from what is shipped and what the home loaded; a shipped row stays as it is."""
    texts = [reference_text(table), *(path.read_text() for path in loaded_files(root))]
    return build_frame(store, table, texts, lambda: with_own(root, table))


def with_own(root: Path, table: Table) -> pl.DataFrame:
    """The rows of a table of conditions, shipped and loaded.

    Raises:
        LinkedCareError: if a file of the home is not as `load_codes` wrote it, or is for a condition that is unknown.
    """
    shipped, loaded = read_reference(table), read_loaded(root)
    known = {*read_reference(CONDITION)["condition_code"], *loaded.drop_nulls("condition_name")["condition_code"]}
    if unknown := loaded.filter(~pl.col("condition_code").is_in(known)).height:
        raise LinkedCareError(
            f"{FOLDER}: {unknown} codes are for conditions that are unknown. Load them again, with --name."
        )
    own = _rows_of(table, loaded).select(shipped.columns).unique(table.key, keep="first", maintain_order=True)
    return pl.concat([shipped, own.join(shipped, on=list(table.key), how="anti")])


def _rows_of(table: Table, loaded: pl.DataFrame) -> pl.DataFrame:
    by_source = loaded.sort(_COLUMNS, nulls_last=True).with_columns(source=_CITED)
    match table.name:
        case CONDITION.name:
            return by_source.drop_nulls("condition_name").with_columns(delphi_group=pl.lit("own"))
        case CONDITION_ICD10.name:
            return by_source.filter(pl.col("code_system") == "icd10").rename({"code": "icd10_prefix"})
        case CONDITION_SNOMED.name:
            concepts = by_source.filter(pl.col("code_system") == "snomed")
            return concepts.select(
                "condition_code", "source", snomed_code="code", snomed_term=pl.col("term").fill_null("not given")
            )
        case CONDITION_LIST_MEMBER.name:
            return by_source.drop_nulls("condition_list").with_columns(counted_as="condition_code")
    raise ValueError(table.name)


def loaded_files(root: Path) -> list[Path]:
    """What a home loaded, in order of name."""
    return sorted((root / FOLDER).glob("*.csv"))


def read_loaded(root: Path) -> pl.DataFrame:
    """Every code that a home loaded, without rows if there is none.

    Raises:
        LinkedCareError: if a file is not as `load_codes` wrote it.
    """
    frames = [pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))]
    for path in loaded_files(root):
        try:
            frame = pl.read_csv(path, infer_schema=False)
        except pl.exceptions.PolarsError:
            frame = pl.DataFrame()
        if (
            tuple(frame.columns) != _COLUMNS
            or frame.select("condition_code", "code_system", "code").null_count().sum_horizontal().item()
        ):
            raise LinkedCareError(f"{FOLDER}/{path.name}: is not as it was loaded. Load it again, or remove it.")
        frames.append(frame)
    return pl.concat(frames)


def load_codes(
    root: Path,
    file: Path,
    condition: str | None,
    condition_list: str | None,
    *,
    source: str,
    vintage: str,
    licence: str,
    name: str | None = None,
    refset: str | None = None,
) -> pl.DataFrame:
    """Read a file of codes and keep it in a home; replaces what was loaded for the same condition or list and system.

    With a condition, every code of the file sets it; without, a column of the file says which. With a list, the
    conditions are counted by it. A name makes a condition of one's own.

    Raises:
        LinkedCareError: if the file is in no known layout, a code can be none, or a condition is unknown.
    """
    for given, option in ((condition, "--condition"), (condition_list, "--list")):
        if given and not re.fullmatch(_NAME, given):
            raise LinkedCareError(f"{option}: is no name of lower-case letters, digits and underscores. Write it so.")
    system, codes = checked_codes(file.name, read_code_file(file, refset))
    if condition:
        codes = codes.with_columns(condition_code=pl.lit(condition)).unique("code", keep="first", maintain_order=True)
    if not (condition or condition_list):
        raise LinkedCareError(f"{file.name}: for what? Give --condition, --list, or both.")
    _refuse_unknown(root, file.name, codes, condition, name)
    frame = codes.with_columns(
        condition_name=pl.lit(name, pl.String),
        condition_list=pl.lit(condition_list, pl.String),
        code_system=pl.lit(system),
        source=pl.lit(source),
        vintage=pl.lit(vintage),
        licence=pl.lit(licence),
    )
    frame = frame.select(_COLUMNS).sort("condition_code", "code")
    path = root / FOLDER / f"{f'condition-{condition}' if condition else f'list-{condition_list}'}-{system}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, frame.write_csv())
    return frame


def _refuse_unknown(root: Path, file: str, codes: pl.DataFrame, condition: str | None, name: str | None) -> None:
    shipped = {*read_reference(CONDITION)["condition_code"]}
    if name and (not condition or condition in shipped):
        raise LinkedCareError("--name: is for a --condition of your own, not one of the table condition. Leave it out.")
    if name:
        return
    known = shipped | {*read_loaded(root).drop_nulls("condition_name")["condition_code"]}
    if silent := codes["condition_code"].null_count():
        raise LinkedCareError(
            f"{file}: {silent} codes name no condition. Give --condition, or a column condition_code."
        )
    if unknown := codes.filter(~pl.col("condition_code").is_in(known)).height:
        raise LinkedCareError(
            f"{file}: {unknown} codes are for conditions that are not in the table condition. Mend them, or give --name"
            " with --condition to make one."
        )
