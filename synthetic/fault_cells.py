"""Cells that are written otherwise than the clean county has them. Not here: which cells, and with what."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.layout import Feed


def as_text(frame: pl.DataFrame, like: pl.DataFrame | None = None) -> pl.DataFrame:
    """Columns as they would be written to CSV; with `like`, only those that are text there."""
    chosen = [
        name
        for name, kind in frame.schema.items()
        if kind != pl.String and (like is None or like.schema[name] == pl.String)
    ]
    return frame.with_columns(_rendered(frame[name]) for name in chosen)


def _rendered(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Float64:
        return series.round(2).cast(pl.Decimal(14, 2)).cast(pl.String)
    return series.cast(pl.String)


def replaced(frame: pl.DataFrame, feed: Feed, column: str, rows: np.ndarray, values: list[str | None]) -> pl.DataFrame:
    """The frame with new values in some rows of a column.

    A column that takes in text becomes text, unless the file is typed and the values must be of its type.
    """
    series, new = frame[column], pl.Series(values, dtype=pl.String)
    if series.dtype != pl.String and feed.format == "csv" and new.null_count() < len(new):
        series = _rendered(series)
    new = new.str.to_date() if series.dtype == pl.Date else new.cast(series.dtype)
    return frame.with_columns(series.scatter(pl.Series(rows), new).alias(column))
