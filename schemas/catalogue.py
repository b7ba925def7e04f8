"""Every declared table, by name. The feeds are in `schemas.contract.contracts()`."""

from schemas import (
    activity,
    analysis,
    analysis_models,
    analysis_pairs,
    analysis_profile,
    analysis_segments,
    analysis_spread,
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
    recost,
    scores,
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
        scores,
        analysis,
        analysis_models,
        analysis_profile,
        analysis_spread,
        analysis_pairs,
        analysis_segments,
        cohorts,
    )
    for table in step.TABLES
}

"""The tables that every run builds."""

ASIDE: dict[str, Table] = {table.name: table for table in recost.TABLES}
"""The tables that a command makes beside them, which are in no release."""

DECLARED = TABLES | ASIDE
