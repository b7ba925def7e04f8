"""The rows of a parquet file as text.

Belongs here: how a value of each type is written.
Does not belong here: what the contract makes of the text.
"""

from collections.abc import Callable, Iterator
from datetime import time
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from assets.feeds.delivery import DeliveredFile, RefusedDeliveryError

_FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, pa.ArrowException, ValueError)
_EXACT: dict[pl.DataType, int] = {
    pl.Float16(): 2**11,
    pl.Float32(): 2**24,
    pl.Float64(): 2**53,
}  # below, each integer is a float of its own
_FIXED_TEXT = (pl.String, pl.Categorical, pl.Enum, pl.Null, pl.Boolean, pl.Date)


def open_parquet(path: Path, file: DeliveredFile) -> tuple[tuple[str, ...], Callable[[int], Iterator[pl.DataFrame]]]:
    """Headers, and the rows in batches of about the size asked for.

    Raises:
        RefusedDeliveryError: if it is no parquet, or has columns that are no text, number, date or time.
    """
    try:
        metadata = pq.read_metadata(path)
        names = metadata.schema.to_arrow_schema().names
        if len(set(names)) < len(names):
            return tuple(names), lambda _: iter(())
        schema = _scan(path).collect_schema()
    except _FAILURES:
        raise RefusedDeliveryError(f"{file.name} cannot be read as parquet. Send it again.") from None
    if metadata.num_rows != file.rows:  # told at once, since a small file may hold a thousand million empty rows
        raise RefusedDeliveryError(
            f"{file.name}: {file.rows} rows are announced and {metadata.num_rows} arrived. Send the delivery again."
        )
    if strange := [position for position, kind in enumerate(schema.dtypes(), 1) if not _has_text(kind)]:
        raise RefusedDeliveryError(
            f"{file.name} has {len(strange)} columns that are no text, number, date or time, the first at position"
            f" {strange[0]}. Send them as text."
        )
    return tuple(name.strip() for name in names), partial(_frames, path, file, schema)


def _scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _has_text(kind: pl.DataType) -> bool:
    return kind.is_numeric() or isinstance(kind, (*_FIXED_TEXT, pl.Datetime, pl.Time))


def _frames(path: Path, file: DeliveredFile, schema: pl.Schema, rows: int) -> Iterator[pl.DataFrame]:
    headers = [name.strip() for name in schema.names()]
    texts = [_text(position, kind) for position, kind in enumerate(schema.dtypes())]
    floats = {position: _EXACT[kind] for position, kind in enumerate(schema.dtypes()) if kind in _EXACT}
    rounded = [(pl.nth(n).abs() >= most) & pl.nth(n).is_finite() for n, most in floats.items()]
    nul = pl.sum_horizontal(pl.all().str.contains("\0", literal=True).sum())
    try:
        for frame in _scan(path).collect_batches(chunk_size=rows):
            if rounded and (count := frame.select(pl.sum_horizontal(test.sum() for test in rounded)).item()):
                raise RefusedDeliveryError(
                    f"{file.name} has at least {count} floating-point numbers too large to be exact."
                    " Send codes as text."
                )
            text = frame.select(texts)
            text.columns = headers
            if count := text.select(nul).item():
                raise RefusedDeliveryError(f"{file.name} has NULs in at least {count} cells. Send it again.")
            yield text
    except _FAILURES:
        raise RefusedDeliveryError(
            f"{file.name}: its rows cannot be read to the end. Send the delivery again."
        ) from None


def _text(position: int, kind: pl.DataType) -> pl.Expr:
    value = pl.nth(position)
    match kind:
        case pl.Float16() | pl.Float32() | pl.Float64():  # a column of integers with gaps often comes as floats
            whole = value.is_finite() & (value == value.floor())
            return pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(_plain(value))
        case pl.Datetime():
            zone = "%:z" if kind.time_zone else ""
            whole = value.dt.time() == time()
            moment = pl.when(~whole).then(value).dt.strftime(f"%Y-%m-%dT%H:%M:%S%.f{zone}")
            return pl.when(whole).then(value.dt.date().cast(pl.String)).otherwise(moment)
        case pl.Time():
            return value.dt.strftime("%H:%M:%S%.f")
        case _:
            text = _plain(value)
            return pl.when(text != "").then(text)


def _plain(value: pl.Expr) -> pl.Expr:
    return value.cast(pl.String)
