"""The row faults of `reference/row_fault.csv`: which rule a planted row breaks, and how the row is changed.

Each fault breaks one rule of the contract and no other (a sentinel in the date of the period also falls outside it,
but breaks `minimum` first). A fault without a rule is a legal variant: it looks wrong and must be accepted. A fault in
a column that a feed does not carry is passed over. Not here: how many rows are changed, and which.

`change` is empty (one of the `values`, parted by ~), `blank`, `after period`, `day of:<header>:<days>` or
`copy of:<header>`. `where` says which rows qualify: `filled:<header>`, `blank:<header>`, `equal:<header>:<text>`,
`before end:<header>` or `after start:<header>` (of the period).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from synthetic import codebook
from synthetic.layout import Feed
from synthetic.periods import Period

DEFAULT, ALL = "default", "all"
_SEPARATOR = "~"


@dataclass(frozen=True)
class Fault:
    """One way to change a row: the rule that it then breaks, if any, its column and new value, which rows qualify."""

    rule: str
    column: str
    change: str
    values: tuple[str, ...]
    where: str

    @property
    def name(self) -> str:
        """The rule, or the column of a legal variant."""
        return self.rule or f"legal {self.column}"

    @property
    def needs_text(self) -> bool:
        """Whether only a file of text can carry it, in a column of another type."""
        return self.rule.endswith(".type")

    def qualifies(self, rows: pl.DataFrame, period: Period) -> np.ndarray:
        """Which rows this fault can be planted on without breaking another rule."""
        condition, header, text = _parted(self.where)
        match condition:
            case "filled":
                fits = pl.col(header).is_not_null()
            case "blank":
                fits = pl.col(header).is_null()
            case "equal":
                fits = pl.col(header) == text
            case "before end":
                fits = pl.col(header) < period.end_date
            case "after start":
                fits = pl.col(header) > period.start_date
            case _:
                return np.ones(rows.height, bool)
        return rows.select(fits.fill_null(False)).to_series().to_numpy()

    def spoil(self, rows: pl.DataFrame, period: Period, first: int = 0) -> list[str | None]:
        """The new values of the column for these rows, as text, beginning with the `first` of the list."""
        change, header, days = _parted(self.change)
        match change:
            case "blank":
                return [None] * rows.height
            case "after period":
                return [f"{period.end_date + dt.timedelta(days=40 + i % 300)}" for i in range(rows.height)]
            case "day of":
                return [f"{day + dt.timedelta(days=int(days))}" for day in rows[header]]
            case "copy of":
                return rows[header].to_list()
            case _:
                return [self.values[(first + i) % len(self.values)] for i in range(rows.height)]


def _parted(text: str) -> tuple[str, str, str]:
    """The word before the first colon, the header, and what follows its last colon where the word needs it."""
    word, _, header = text.partition(":")
    if word in ("equal", "day of"):
        header, _, argument = header.rpartition(":")
        return word, header, argument
    return word, header, ""


@cache
def faults_of(feed: Feed, faults: str) -> tuple[Fault, ...]:
    """The faults of a feed under `--faults default` or `all`, in the order in which they are planted."""
    found = (
        Fault(row["rule_code"], row["header"], row["change"], tuple(row["values"].split(_SEPARATOR)), row["where"])
        for row in codebook.rows("row_fault")
        if row["feed"] == feed.name and row["faults"] in (DEFAULT, faults)
    )
    return tuple(
        fault
        for fault in found
        if {fault.column, _parted(fault.where)[1], _parted(fault.change)[1]} <= {"", *feed.columns}
    )


def duplicate_rule(feed: str) -> str:
    """The rule that a repeated row breaks."""
    return f"{feed}.duplicate_record"


def has_record_key(feed: str) -> bool:
    """Whether a repeated row can be told from two equal events: the feed has a record key."""
    return feed not in ("gp_coded_event", "gp_prescription", "mh_diagnosis", "social_care_event")
