"""Places that users bring: which practices and small areas there are, and which are theirs.

Belongs here: reading the official files in their layouts, what cannot be relied on, the tables `practice` and `lsoa`.
Does not belong here: applying them, which is SQL; the files themselves, which are not shipped.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.build import build_frame
from pipelines.errors import LinkedCareError
from pipelines.store import Store, Stored, write_whole
from schemas.places import LSOA, PRACTICE
from schemas.table import Table

FOLDER = "places"
TABLES = {table.name: table for table in (PRACTICE, LSOA)}
_PRACTICE_CODE = r"^[A-Z][0-9]{5}$"
_LSOA_CODE = r"^[EW]01[0-9]{6}$"
_AREA_COLUMNS = {
    "practice": ("sub_icb_code", "icb_code", "primary_care_network_code", "practice_code"),
    "lsoa": ("local_authority_code", "lsoa_code"),
}
_GP_PRACTICE = ("4", "RO76")


@dataclass(frozen=True)
class Layout:
    """How an official file says what it says.

    Attributes:
        headers: for each column of ours, a pattern of its header; the first two must be there, others may lack.
        places: for each column of ours, its place in a file without headers.
        width: columns of a file without headers.
    """

    name: str
    table: str
    headers: Mapping[str, str]
    places: Mapping[str, int]
    width: int | None = None


LAYOUTS = (
    Layout(
        "ODS general practices (epraccur)",
        "practice",
        {
            "practice_code": "Organisation Code",
            "sub_icb_code": "Commissioner",
            "practice_name": "Name",
            "icb_code": "High Level Health Geography",
            "setting": "Prescribing Setting",
        },
        {"practice_code": 0, "practice_name": 1, "icb_code": 3, "sub_icb_code": 14, "setting": 25},
        width=27,
    ),
    Layout(
        "ODS members of primary care networks (epcncorepartnerdetails)",
        "practice",
        {
            "practice_code": "Partner Organisation Code",
            "primary_care_network_code": "PCN Code",
            "left": "Practice to PCN Relationship End Date",
        },
        {"practice_code": 0, "primary_care_network_code": 4, "left": 9},
        width=11,
    ),
    Layout(
        "English Indices of Deprivation (File 1 or 7)",
        "lsoa",
        {
            "lsoa_code": r"LSOA code \(\d{4}\)",
            "deprivation_decile": r"Index of Multiple Deprivation \(IMD\) Decile.*",
            "lsoa_name": r"LSOA name \(\d{4}\)",
            "local_authority_code": r"Local Authority District code \(\d{4}\)",
            "deprivation_score": r"Index of Multiple Deprivation \(IMD\) Score",
            "deprivation_rank": r"Index of Multiple Deprivation \(IMD\) Rank.*",
        },
        {},
    ),
    Layout(
        "ONS lookup of LSOAs to local authorities",
        "lsoa",
        {"lsoa_code": r"LSOA\d\dCD", "local_authority_code": r"LAD\d\dCD", "lsoa_name": r"LSOA\d\dNM"},
        {},
    ),
)


def build_places(store: Store, root: Path, table: Table) -> Stored:
    """Build `practice` or `lsoa` from what was loaded into the home; empty if nothing was."""
    path = loaded_file(root, table.name)
    text = path.read_text() if path.exists() else ""
    return build_frame(store, table, text, lambda: read_loaded(root, table.name))


def loaded_file(root: Path, table: str) -> Path:
    """Where what was loaded for a table lies in a home."""
    return root / FOLDER / f"{table}.csv"


def read_loaded(root: Path, table: str) -> pl.DataFrame:
    """What was loaded for a table, without rows if nothing was.

    Raises:
        LinkedCareError: if the file is not as `load_places` wrote it.
    """
    path, schema = loaded_file(root, table), TABLES[table].empty_frame().schema
    if not path.exists():
        return TABLES[table].empty_frame()
    try:
        frame = pl.read_csv(path, infer_schema=False)
        return frame.select(_typed(name, kind) for name, kind in schema.items())
    except pl.exceptions.PolarsError:
        raise LinkedCareError(f"{FOLDER}/{path.name}: is not as it was loaded. Load it again.") from None


def load_places(
    root: Path, table: str, files: Sequence[Path], areas: Sequence[str], source: str, vintage: str, licence: str
) -> pl.DataFrame:
    """Read official files and keep what `practice` or `lsoa` needs of them in a home; replaces what was loaded before.

    Raises:
        LinkedCareError: if a file is in no known layout, or holds codes or deciles that are none; if a code of the
            area is in no file.
    """
    read: dict[str, pl.DataFrame] = {}
    for path in files:
        layout, frame = _read(path, table)
        if layout.name in read:
            raise LinkedCareError(f"{path.name}: a second file of {layout.name}. Load one of each.")
        read[layout.name] = frame
    chief = LAYOUTS[0].name
    if table == "practice" and chief not in read:
        raise LinkedCareError(f"practice: no file of {chief}. Load it with the others.")
    placed = _in_area(_joined(table, read), table, areas)
    cited = placed.with_columns(source=pl.lit(source), vintage=pl.lit(vintage), licence=pl.lit(licence))
    schema = TABLES[table].empty_frame().schema
    frame = cited.with_columns(pl.lit(None).alias(name) for name in schema if name not in cited.columns)
    frame = frame.select(pl.col(name).cast(kind) for name, kind in schema.items()).sort(TABLES[table].key)
    path = loaded_file(root, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, frame.write_csv())
    return frame


def _typed(name: str, kind: pl.DataType) -> pl.Expr:
    if kind == pl.Boolean:
        return pl.col(name).replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
    return pl.col(name).cast(kind)


def _read(path: Path, table: str) -> tuple[Layout, pl.DataFrame]:
    """A file's layout and the columns that we need of it, checked."""
    rows = [row for row in csv.reader(io.StringIO(_text(path))) if row]
    width = len(rows[0]) if rows else 0
    for layout in (layout for layout in LAYOUTS if layout.table == table):
        places: Mapping[str, int] = _headed(layout, rows[0]) if rows else {}
        lines = rows[1:]
        if not places and layout.width == width and re.match(_PRACTICE_CODE, rows[0][0].strip()):
            places, lines = layout.places, rows
        if places:
            if odd := sum(len(line) != width for line in lines):
                raise LinkedCareError(f"{path.name}: {odd} lines have not {width} columns. Fetch the file again.")
            cells = {name: [line[place].strip() or None for line in lines] for name, place in places.items()}
            return layout, _checked(path.name, table, pl.DataFrame(cells, dict.fromkeys(cells, pl.String)))
    raise LinkedCareError(
        f"{path.name}: is in no layout known for {table}: "
        f"{'; '.join(layout.name for layout in LAYOUTS if layout.table == table)}. See docs/data-engineer.md."
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        raise LinkedCareError(f"{path.name}: cannot be read. Name a CSV file that is there.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _headed(layout: Layout, header: Sequence[str]) -> dict[str, int]:
    """Where a header row has the layout's columns, of several years the latest; nowhere if it is another's."""
    found = {}
    for name, pattern in layout.headers.items():
        matching = [(text.strip(), place) for place, text in enumerate(header) if re.fullmatch(pattern, text.strip())]
        if matching:
            found[name] = max(matching)[1]
    return found if {*list(layout.headers)[:2]} <= found.keys() else {}


def _checked(file: str, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that count, typed.

    Raises:
        LinkedCareError: counting codes that are none, deciles beyond 1 to 10, and numbers that are none.
    """
    if "setting" in frame.columns:  # walk-in centres, prisons and the like have codes of the same form
        frame = frame.filter(pl.col("setting").str.split("|").list.eval(pl.element().is_in(_GP_PRACTICE)).list.any())
    if "left" in frame.columns:
        frame = frame.filter(pl.col("left").is_null()).unique()
        frame = frame.filter(~pl.col("practice_code").is_duplicated())  # in two networks: neither is its own
    frame = frame.select(pl.exclude("setting", "left")).unique()
    key, pattern = (("practice_code", _PRACTICE_CODE), ("lsoa_code", _LSOA_CODE))[table == "lsoa"]
    _refuse(file, frame, ~pl.col(key).str.contains(pattern).fill_null(False), f"have no {key} of the right form")
    _refuse(file, frame, pl.col(key).is_duplicated(), f"repeat a {key}")
    kinds = {"deprivation_rank": pl.Int32, "deprivation_decile": pl.Int32, "deprivation_score": pl.Float64}
    for name in (name for name in kinds if name in frame.columns):
        number = pl.col(name).str.replace_all(",", "").cast(kinds[name], strict=False)
        _refuse(file, frame, number.is_null(), f"have no number in {name}")
        frame = frame.with_columns(number)
    if "deprivation_decile" in frame.columns:
        _refuse(file, frame, ~pl.col("deprivation_decile").is_between(1, 10), "have a decile that is not 1 to 10")
    if frame.is_empty():
        raise LinkedCareError(f"{file}: has no {table} in it. Name another file.")
    return frame


def _refuse(file: str, frame: pl.DataFrame, is_wrong: pl.Expr, what: str) -> None:
    if wrong := frame.select(is_wrong.sum()).item():
        raise LinkedCareError(f"{file}: {wrong} rows {what}. Fetch the file again, or mend it.")


def _joined(table: str, read: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The files of a table as one: practices with their network; areas of either file, the lookup's authority first."""
    frames = [read[layout.name] for layout in LAYOUTS if layout.name in read]
    if len(frames) == 1:
        return frames[0]
    first, second = frames
    if table == "practice":
        return first.join(second, on="practice_code", how="left")
    both = first.join(second, on="lsoa_code", how="full", coalesce=True, suffix="_lookup")
    shared = [name for name in first.columns if f"{name}_lookup" in both.columns]
    return both.with_columns(pl.coalesce(f"{name}_lookup", name).alias(name) for name in shared)


def _in_area(frame: pl.DataFrame, table: str, areas: Sequence[str]) -> pl.DataFrame:
    """Marks what belongs to the area; nothing is marked if no area is named.

    Raises:
        LinkedCareError: if a code of the area is in no file.
    """
    if not areas:
        return frame.with_columns(is_in_area=pl.lit(None, pl.Boolean))
    columns = [name for name in _AREA_COLUMNS[table] if name in frame.columns]
    known = {code for name in columns for code in frame[name].drop_nulls()}
    if unknown := [code for code in areas if code not in known]:
        raise LinkedCareError(
            f"{table}: {', '.join(unknown)} is no {' or '.join(columns)} of the files. Name an --area that they have."
        )
    return frame.with_columns(
        is_in_area=pl.any_horizontal(pl.col(name).is_in(areas).fill_null(False) for name in columns)
    )
