"""Rows of declared tables for tests that name only the values that matter."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from schemas.catalogue import DECLARED

_PLAIN = {pl.String: "X", pl.Int64: 0, pl.Int32: 0, pl.Float64: 0.0, pl.Boolean: False, pl.Date: date(2024, 4, 1)}


def plain_rows(name: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a table: a required column that is left out has a plain value of its type, any other is null."""
    schema = DECLARED[name].empty_frame().schema
    required = {column.name for column in DECLARED[name].columns if not column.nullable}
    plain = {column: _PLAIN.get(kind.base_type()) if column in required else None for column, kind in schema.items()}
    return pl.DataFrame([plain | row for row in rows], schema)
