"""The row faults of `reference/row_fault.csv`: which rule a planted row breaks, and how the row is changed.

Each fault breaks one rule of the contract and no other (a sentinel in the date of the period also falls outside it,
but breaks `minimum` first). Beside it stand the rules that only warn and that the row breaks, too; a fault of these
alone keeps its row. A fault without any rule is a legal variant: it looks wrong and must be accepted. A fault in a
column that a feed does not carry is passed over. Not here: how many rows are changed, and which.

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
_MISSING_TEXTS = {"social_care_event": ("NULL",)}


@dataclass(frozen=True)
class Fault:
    """One way to change a row: its column and new value, and which rows qualify.

    Attributes:
        rule: the rule for which the row is then rejected, if any.
        warns: the rules that only warn and that it then breaks; they do not reject it.
    """

    rule: str
    column: str
    change: str
    values: tuple[str, ...]
    where: str
    warns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule that is planted, or the column of a legal variant."""
        return self.rule or (self.warns[0] if self.warns else f"legal {self.column}")

    @property
    def needs_text(self) -> bool:
        """Whether only a file of text can carry it, in a column of another type."""
        return self.name.endswith(".type")

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
        Fault(
            row["rule_code"],
            row["header"],
            row["change"],
            tuple(row["values"].split(_SEPARATOR)),
            row["where"],
            tuple(row["warns"].split()),
        )
        for row in codebook.rows("row_fault")
        if row["feed"] == feed.name and row["faults"] in (DEFAULT, faults)
    )
    return tuple(
        fault
        for fault in found
        if {fault.column, _parted(fault.where)[1], _parted(fault.change)[1]} <= {"", *feed.columns}
    )


def missing_pseudonym_rule(feed: str) -> str:
    """The rule that a row without a pseudonym breaks; it only warns."""
    return f"{feed}.pseudonym_missing"


def missing_pseudonyms(feed: Feed, rows: pl.DataFrame) -> int:
    """Rows whose pseudonym is blank, or a text by which the feed says that there is none."""
    values = rows[feed.pseudonym]
    return int((values.is_null() | values.is_in(_MISSING_TEXTS.get(feed.name, ()))).sum())


def duplicate_rule(feed: str) -> str:
    """The rule that a repeated row breaks."""
    return f"{feed}.duplicate_record"


def has_record_key(feed: str) -> bool:
    """Whether a repeated row can be told from two equal events: the feed has a record key."""
    return feed not in ("gp_coded_event", "gp_prescription", "mh_diagnosis", "social_care_event")
