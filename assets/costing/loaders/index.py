"""Price indices: GDP deflator, NHS Cost Inflation Index, a local or social care index.

GDP deflators are published by HM Treasury every quarter (gov.uk, "GDP deflators at market prices, and money GDP"), the
NHS Cost Inflation Index by NHS England and by PSSRU. CSV or XLSX. Columns: financial year (also "fin_year", "year",
"price_year"), and either the index (also "index_value", "GDP deflator", "GDP deflator index 2024-25 = 100") or its
change on the year before in percent (also "pay_and_prices_pct", "pay and prices", "annual % change"). Where a file has
both, the index is read. Changes are chained from 100 in the year before the first.

Belongs here: an index by financial year, with the vintage that the user must state: newest years are revised.
Does not belong here: applying it (`sql/price_used.sql`).
"""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import polars as pl

from assets.costing.loaders.ncc import PRECISION
from assets.costing.loaders.sheets import number, one_sheet
from assets.costing.loaders.terms import canonical_year
from pipelines.errors import LinkedCareError

COLUMNS = ("index_name", "vintage", "price_year", "index_value", "is_provisional", "source", "licence")
_FOUR_PLACES = Decimal("0.0001")
_PATTERNS = {
    "year": "(fin|financial|price)? ?year",
    "index": "index( value| number)?( 20.*)?|gdp deflators?( at market prices)?( index)?( 20.*)?|nhscii( index)?",
    "change": "(pay and prices|pay prices|change|percent|percentage)( pct| %)?( change.*)?|(annual )?% change.*",
}


def load_index(
    path: Path, name: str, vintage: str, source: str, licence: str, provisional: frozenset[str]
) -> pl.DataFrame:
    """The index in the columns of `price_index.csv`; years in `provisional` are marked.

    Raises:
        LinkedCareError: if the file has no such table, years without a value or out of order, or a year twice.
    """
    sheet = one_sheet(path, _PATTERNS, ("year",), "financial year, and index or change")
    column = next((column for column in ("index", "change") if column in sheet.columns), None)
    if column is None:
        raise LinkedCareError(f"{path.name}: has neither an index nor a change in percent. See docs/costing.md.")
    dated = [(year, row[column]) for row in sheet.rows if (year := canonical_year(row["year"]))]
    years = [year for year, _ in dated]
    if not dated or len(set(years)) < len(years):
        raise LinkedCareError(f"{path.name}: names no financial year, or one twice. Keep one row of each year.")
    if unknown := sorted(provisional - set(years)):
        raise LinkedCareError(
            f"{path.name}: has no year {', '.join(unknown)} to be provisional. Name years of the file."
        )
    values = _values(path.name, column, sorted(dated))
    if any(value <= 0 for value in values.values()):
        raise LinkedCareError(f"{path.name}: an index is not above zero. Mend the file.")
    cells = [
        [
            name,
            vintage,
            year,
            f"{value.quantize(_FOUR_PLACES, ROUND_HALF_UP):f}",
            str(year in provisional).lower(),
            source,
            licence,
        ]
        for year, value in values.items()
    ]
    return pl.DataFrame(cells, schema=dict.fromkeys(COLUMNS, pl.String()), orient="row")


def _values(file: str, column: str, dated: list[tuple[str, str]]) -> dict[str, Decimal]:
    """The index by year, as it stands or chained; years at the ends without a value are left out."""
    try:
        read = [(year, number(text)) for year, text in dated]
    except ValueError:
        raise LinkedCareError(f"{file}: a value of the index is no number. Mend the file.") from None
    known = [(year, value) for year, value in read if value is not None]
    if not known:
        raise LinkedCareError(f"{file}: no year has a value. Name another file.")
    starts = [int(year[:4]) for year, _ in known]
    if starts != list(range(starts[0], starts[0] + len(starts))):
        raise LinkedCareError(f"{file}: years are missing between the first and the last. Fill the gap.")
    if column == "index":
        return dict(known)
    chained = {f"{starts[0] - 1}-{starts[0] % 100:02d}": Decimal(100)}
    with localcontext() as context:
        context.prec = PRECISION
        level = Decimal(100)
        for year, change in known:
            level *= 1 + change / 100
            chained[year] = level
    return chained
