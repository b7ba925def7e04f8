"""Companion files of a delivery: records to delete, submissions that are active.

Belongs here: which columns such a file has, and keeping them beside the accepted rows.
Does not belong here: what they do to records (`superseded.py`).
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl

from assets.feeds.delivery import RefusedDeliveryError
from assets.feeds.headers import Headers
from schemas.contract_model import Contract, Dialect
from schemas.row_checks import RAW

DELETES, ACTIVE_SUBMISSIONS = "deletes", "active_submissions"
COMPANIONS = (DELETES, ACTIVE_SUBMISSIONS)
_CANONICAL = "canonical"


def companion_file(folder: Path, role: str) -> Path:
    """Where a delivery on the shelf keeps its companion of a role."""
    return folder / f"{role}.parquet"


def columns_of(role: str, contract: Contract, dialect: str | None) -> Contract:
    """The contract of a companion file: the columns that it must carry, under any of the feed's headers or our names.

    Raises:
        RefusedDeliveryError: if the feed knows no such files.
    """
    names = contract.record_key if role == DELETES else tuple(filter(None, [contract.submission_column]))
    if not names:
        lacks = "record key" if role == DELETES else "submission column"
        raise RefusedDeliveryError(f"announces a file of {role}, and the feed has no {lacks}. Leave it out.")
    columns = (
        replace(column, may_be_absent=False, aliases=column.aliases | {_CANONICAL: column.name})
        for column in contract.columns
        if column.name in names
    )
    first_tried = sorted(contract.dialects.values(), key=lambda known: known.name != dialect)
    dialects = {known.name: replace(known, lacks=()) for known in first_tried}
    ours = Dialect(_CANONICAL, "the names of this project", contract.own_dialect.date_formats)
    return replace(contract, columns=tuple(columns), row_predicates=(), dialects=dialects | {_CANONICAL: ours})


def keep_companion(
    role: str, contract: Contract, batches: Iterable[tuple[Headers, pl.DataFrame]], folder: Path
) -> None:
    """Keep the values of a companion file, each once.

    Raises:
        RefusedDeliveryError: if a row holds no value that a record could have.
    """
    names = [column.name for column in contract.columns]
    needed = {column.name for column in contract.columns if column.required or role == ACTIVE_SUBMISSIONS}
    unusable = [pl.col(name).is_null() & (pl.lit(name in needed) | pl.col(RAW + name).is_not_null()) for name in names]
    kept, odd = [pl.DataFrame(contract.accepted_schema.empty_table()).select(names)], 0
    for headers, batch in batches:
        typed = batch.lazy().select(headers.raw_columns()).with_columns(headers.form.typed_columns()).collect()
        odd += typed.select(pl.any_horizontal(unusable).sum()).item()
        kept.append(typed.select(names))
    if odd:
        raise RefusedDeliveryError(
            f"{odd} rows of {role} lack {', '.join(names)} or are not of the type. Correct them."
        )
    pl.concat(kept).unique(maintain_order=True).write_parquet(companion_file(folder, role))
