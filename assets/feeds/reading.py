"""The rows of a delivery as text, under the contract's canonical names.

Belongs here: integrity of files (hash, row count), formats, headers.
Does not belong here: types and rules, which the contract compiles to expressions.
"""

import hashlib
from pathlib import Path

import polars as pl

from assets.feeds.delivery import DeliveredFile, Delivery, RefusedDeliveryError
from schemas.contract import Contract, ContractColumn

SOURCE_ROW = "source_row"


def read_text(delivery: Delivery, contract: Contract) -> pl.LazyFrame:
    """All rows of a delivery as text, with the row number counted over its files from 1.

    Raises:
        RefusedDeliveryError: if a file is missing, changed on the way, in no known format, or lacks a column.
    """
    frames = [_one_file(delivery.folder / file.name, file, contract) for file in delivery.files]
    return pl.concat(frames).with_row_index(SOURCE_ROW, offset=1).with_columns(pl.col(SOURCE_ROW).cast(pl.Int64))


def _one_file(path: Path, file: DeliveredFile, contract: Contract) -> pl.LazyFrame:
    if not path.is_file():
        raise RefusedDeliveryError(f"{file.name} is announced but missing. Send the delivery again.")
    with path.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256.lower():
            raise RefusedDeliveryError(f"{file.name} differs from its announced SHA-256. Send the delivery again.")
    frame = _scan(path, file)
    try:
        found = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:  # the error may quote content, so it is not shown
        raise RefusedDeliveryError(f"{file.name} cannot be read as {file.format}. Send it again.") from error
    if repeated := sum(name.endswith("_duplicated_0") for name in found):
        raise RefusedDeliveryError(f"{file.name} has {repeated} headers twice. Name each column once.")
    if missing := [column.header for column in contract.columns if column.header not in found]:
        raise RefusedDeliveryError(f"{file.name} lacks {len(missing)} columns: {', '.join(missing)}. Send them.")
    return frame.select(_text(column) for column in contract.columns)


def _text(column: ContractColumn) -> pl.Expr:
    """The text of a column; a blank is missing however it is quoted."""
    text = pl.col(column.header).cast(pl.String)
    return pl.when(text != "").then(text).alias(column.name)


def _scan(path: Path, file: DeliveredFile) -> pl.LazyFrame:
    match file.format:
        case "csv":
            return pl.scan_csv(path, infer_schema=False, glob=False)
        case "parquet":
            return pl.scan_parquet(path, glob=False)
        case _:
            raise RefusedDeliveryError(f"{file.name} announces a format other than csv and parquet.")
