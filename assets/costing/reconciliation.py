"""Reconciliation: costed care held against totals that users bring, which stops publication where they part.

Belongs here: reading the file of totals, the table built from it, the verdict that stops a publication. It stops
nothing before that, so that `linked-care reconcile` can show every year of the run that was stopped.
Does not belong here: adding up care, which is `sql/cost_reconciliation.sql`; printing (`cli/reconcile.py`).
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.build import build_frame
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.store import Store, Stored
from schemas.costing import ACTIVITY_COST, SETTINGS
from schemas.financial_year import year_bounds
from schemas.reconciliation import BASES, COST_CONTROL_TOTAL, COST_RECONCILIATION

CONTROL_FILE = Path("control") / "cost_control_total.csv"
_COLUMNS = (
    "financial_year",
    "setting",
    "point_of_delivery",
    "provider_code",
    "source",
    "control_gbp",
    "basis_of_comparison",
    "limit_percent",
    "note",
)
_NEEDED = ("financial_year", "setting", "source", "control_gbp", "basis_of_comparison", "limit_percent")
_POUNDS = r"^[0-9]{1,12}(\.[0-9]{1,2})?$"
_PERCENT = r"^[0-9]{1,2}(\.[0-9]{1,2})?$"  # below 100, so that no care at all is outside any limit


def build_cost_control_total(store: Store, root: Path) -> Stored:
    """Build `cost_control_total` from the file in the home; empty if there is none.

    Raises:
        LinkedCareError: as `read_control_totals`, or if the file cannot be opened.
    """
    try:
        content = (root / CONTROL_FILE).read_bytes()
    except FileNotFoundError:
        content = b""
    except OSError:
        raise LinkedCareError(f"{CONTROL_FILE.name}: cannot be opened. Make it readable, or remove it.") from None
    return build_frame(store, COST_CONTROL_TOTAL, content.hex(), lambda: read_control_totals(content))


def read_control_totals(content: bytes) -> pl.DataFrame:
    """The totals of the file, in pence, without rows if it is empty.

    Raises:
        LinkedCareError: if the file is not what it should be, with column, count and what to mend.
    """
    if not content:
        return COST_CONTROL_TOTAL.empty_frame()
    try:
        text = pl.read_csv(BytesIO(content.decode("utf-8-sig").encode()), infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise LinkedCareError(f"{CONTROL_FILE.name}: is not CSV in UTF-8. Mend it, or remove it.") from None
    if text.columns != list(_COLUMNS):
        raise LinkedCareError(f"{CONTROL_FILE.name}: its columns must be {', '.join(_COLUMNS)}. Mend it, or remove it.")
    text = text.with_columns(pl.all().str.strip_chars().replace("", None))
    for name in _NEEDED:
        _refuse(text, pl.col(name).is_null(), f"have no {name}")
    years = pl.col("financial_year").map_elements(_is_year, return_dtype=pl.Boolean)
    _refuse(text, ~years, "have a financial_year that is not written as 2024-25")
    _refuse(text, ~pl.col("setting").is_in(SETTINGS), f"have a setting that is none of {', '.join(SETTINGS)}")
    _refuse(text, ~pl.col("control_gbp").str.contains(_POUNDS), "have a control_gbp that is not pounds as 1234567.89")
    _refuse(
        text,
        ~pl.col("basis_of_comparison").is_in(BASES),
        f"have a basis_of_comparison that is not {' or '.join(BASES)}",
    )
    _refuse(text, ~pl.col("limit_percent").str.contains(_PERCENT), "have a limit_percent that is not 0 to 99.99")
    _refuse(text, pl.struct(COST_CONTROL_TOTAL.key).is_duplicated(), f"repeat {', '.join(COST_CONTROL_TOTAL.key)}")
    return text.select(
        *COST_CONTROL_TOTAL.key,
        control_pence=(pl.col("control_gbp").cast(pl.Decimal(18, 2)) * 100).cast(pl.Int64),
        limit_percent=pl.col("limit_percent").cast(pl.Decimal(18, 2)),
        note="note",
    )


def refuse_outside(store: Store, years: Iterable[str]) -> None:
    """Refuse years whose care differs from a control total by more than it may; and totals of years without any care.

    Raises:
        ConservationError: naming year, setting, source, both totals and the difference of the gravest.
    """
    outside = [
        *(
            row
            for year in years
            for row in store.frame(COST_RECONCILIATION.name, year).filter(verdict="outside").iter_rows(named=True)
        ),
        *of_years_without_care(store),
    ]
    if not outside:
        return
    gravest = max(outside, key=lambda row: abs(row["difference_pence"]))
    others = f"; {len(outside) - 1} more are outside theirs" if len(outside) > 1 else ""
    raise ConservationError(
        f"{COST_RECONCILIATION.name} {gravest['financial_year']}: {in_words(gravest)}{others}",
        f"`linked-care reconcile` shows all. Mend the deliveries, or correct {CONTROL_FILE}",
    )


def of_years_without_care(store: Store) -> list[dict[str, Any]]:
    """Control totals of years of which nothing is costed, as rows outside their limit; a total of nothing is met."""
    totals = store.frame(COST_CONTROL_TOTAL.name)
    missing = ~pl.col("financial_year").is_in(store.years(ACTIVITY_COST.name)) & (pl.col("control_pence") > 0)
    return (
        totals.filter(missing)
        .with_columns(compared_pence=pl.lit(0), difference_pence=-pl.col("control_pence"), difference_percent=-100.0)
        .sort(COST_CONTROL_TOTAL.key)
        .to_dicts()
    )


def in_words(row: Mapping[str, Any]) -> str:
    """What a row that has a control total says, in pounds."""
    parts = (("point", row["point_of_delivery"]), ("provider", row["provider_code"]))
    where = "".join(f", {name} {value}" for name, value in parts if value)
    percent = row["difference_percent"]
    share = "" if percent is None else f", {percent:+.2f}%"
    return (
        f"{row['setting']}{where} is {pounds(row['compared_pence'])}"
        f" ({'as submitted' if row['basis_of_comparison'] == 'submitted' else 'cost'}) and"
        f" {pounds(row['control_pence'])} by {row['source']}: {pounds(row['difference_pence'], sign=True)}{share},"
        f" and at most {row['limit_percent']}% may differ"
    )


def pounds(pence: int, sign: bool = False) -> str:
    """Pence as pounds, exactly; `sign` also where it is not negative."""
    whole, rest = divmod(abs(pence), 100)
    mark = "-" if pence < 0 else "+" if sign else ""
    return f"{mark}£{whole:,}.{rest:02d}"


def _is_year(text: str) -> bool:
    try:
        year_bounds(text)
    except ValueError:
        return False
    return True


def _refuse(rows: pl.DataFrame, broken: pl.Expr, what: str) -> None:
    if count := rows.filter(broken).height:
        raise LinkedCareError(f"{CONTROL_FILE.name}: {count} rows {what}. Mend them, or remove the file.")
