"""The form of a report: sections of text and tables of text, and the page that they make.

Belongs here: how a figure is written, how a section becomes Markdown.
Does not belong here: what a report says (`linkage_report.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

Cell = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Section:
    """One part of the report.

    Attributes:
        title: what it is about.
        text: paragraphs.
        header: names of the columns of its table, if it has one.
        rows: cells as shown, all of one width.
        is_brief: whether it is shown on the screen and not only written to the file.
    """

    title: str
    text: tuple[str, ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    is_brief: bool = False


def share(value: float | None) -> str:
    """A share as a percentage: only all is 100%, only none is 0%."""
    if value is None:
        return "none to match"
    return f"{value:.0%}" if value in (0, 1) else f"{min(max(100 * value, 0.01), 99.99):.2f}%"


def table(frame: pl.DataFrame, *cells: Cell) -> tuple[tuple[str, ...], ...]:
    """The rows of a frame as text, a function for each cell."""
    return tuple(tuple(cell(row) for cell in cells) for row in frame.iter_rows(named=True))


def count(name: str) -> Cell:
    """A column of whole numbers."""
    return lambda row: f"{row[name]:,}"


def text(name: str) -> Cell:
    """A column of words."""
    return lambda row: str(row[name])


def rate(name: str) -> Cell:
    """A column of shares."""
    return lambda row: share(row[name])


def money(name: str) -> Cell:
    """A column of pence, in whole pounds."""
    return lambda row: "" if row[name] is None else f"£{row[name] / 100:,.0f}"


def per_person(name: str) -> Cell:
    """A column of pence per person, in pounds and pence."""
    return lambda row: "" if row[name] is None else f"£{row[name] / 100:,.2f}"


def markdown(title: str, preface: Iterable[str], sections: Iterable[Section]) -> str:
    """The report as a page."""
    lines = [f"# {title}", "", *_paragraphs(preface)]
    for number, section in enumerate(sections, 1):
        lines += [f"## {number}. {section.title}", "", *_paragraphs(section.text)]
        if section.header:
            lines += [f"| {' | '.join(section.header)} |", "|" + "---|" * len(section.header)]
            lines += [f"| {' | '.join(row)} |" for row in section.rows or [("none", *[""] * (len(section.header) - 1))]]
            lines.append("")
    return "\n".join(lines)


def _paragraphs(texts: Iterable[str]) -> list[str]:
    return [line for paragraph in texts for line in (paragraph, "")]
