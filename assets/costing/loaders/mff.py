"""Market forces factor: what a provider's tariff prices are multiplied by.

Published by NHS England beside the NHS Payment Scheme (annex A, or "Guide to the market forces factor"), under the
Open Government Licence. CSV or XLSX. Columns: provider code (also "ODS code", "org code", "trust code"), and the
payment index (also "MFF payment index value", "payment MFF", "2025/26 MFF"); the underlying index is another and is
not read. A pure number of at least 1 for the lowest-cost provider; six decimals are kept.

Belongs here: the index by provider.
Does not belong here: prices; which prices it multiplies, which are those of basis tariff.
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import polars as pl

from assets.costing.loaders.sheets import numbers, one_sheet, plain_number
from assets.costing.loaders.terms import Terms, short_year
from pipelines.errors import LinkedCareError

COLUMNS = ("provider_code", "factor", "effective_from", "effective_to", "source")
_SIX_PLACES = Decimal("0.000001")
_LOWEST, _HIGHEST = Decimal("0.8"), Decimal("1.6")  # indices published so far lie between 1.0 and 1.3
_YEAR = r"(20\d\d [/ ]?\d\d )?"
_PATTERNS = {
    "provider_code": "(ods|org|organisation|provider|trust)( ods| organisation)? code|provider|ods code|org code",
    "factor": f"factor|{_YEAR}((mff )?payment index( value)?|payment mff|mff( payment)?( index)?( value)?)",
}


def load_mff(path: Path, terms: Terms) -> pl.DataFrame:
    """The factors, in the columns of `market_forces_factor.csv`.

    Raises:
        LinkedCareError: if the file is in another layout, repeats a provider or holds an index that cannot be one.
    """
    sheet = one_sheet(path, _PATTERNS, ("provider_code", "factor"), "provider code and payment index")
    rows = [row for row in sheet.rows if re.fullmatch(r"[0-9A-Z]{3,6}", row["provider_code"])]
    factors = numbers(path.name, rows, "factor", "the payment index")
    known = [(row["provider_code"], factor) for row, factor in zip(rows, factors, strict=True) if factor is not None]
    if not known:
        raise LinkedCareError(f"{path.name}: has no provider with a payment index. Name another file.")
    if repeated := len(known) - len({code for code, _ in known}):
        raise LinkedCareError(f"{path.name}: {repeated} rows repeat a provider. Keep the index of one year.")
    if odd := sum(not _LOWEST <= factor <= _HIGHEST for _, factor in known):
        raise LinkedCareError(
            f"{path.name}: {odd} payment indices lie outside {_LOWEST} to {_HIGHEST}. Keep the payment index alone."
        )
    stamp = terms.stamp("tariff", f"Market forces factor payment index {short_year(terms.year)}", "")
    cells = [
        [
            code,
            plain_number(factor.quantize(_SIX_PLACES, ROUND_HALF_UP)),
            stamp["effective_from"],
            stamp["effective_to"],
            stamp["source"],
        ]
        for code, factor in known
    ]
    return pl.DataFrame(cells, schema=dict.fromkeys(COLUMNS, pl.String()), orient="row")
