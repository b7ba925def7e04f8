"""Every built table, by name. The feeds are in `schemas.contract.contracts()`."""

from schemas import (
    activity,
    analysis,
    cohorts,
    costing,
    feeds,
    identifiers,
    linkage,
    linkage_quality,
    morbidity,
    overlap,
    prices,
    reconciliation,
)
from schemas.table import Table

TABLES: dict[str, Table] = {
    table.name: table
    for step in (
        feeds,
        identifiers,
        overlap,
        linkage,
        activity,
        prices,
        costing,
        linkage_quality,
        reconciliation,
        morbidity,
        analysis,
        cohorts,
    )
    for table in step.TABLES
}
