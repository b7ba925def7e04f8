"""`linked-care linkage`: how much links, in whom it does not, and what that does to the figures."""

import re
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Column, Table

from assets.costing.linkage_page import Section, markdown
from assets.costing.linkage_report import linkage_report, linkage_years
from pipelines.environment import home_path
from pipelines.errors import LinkedCareError
from pipelines.store import Store

_NARROWEST = 140  # columns; a narrower screen wraps lines rather than cut figures
_FIGURE = re.compile(r"([£+-]?[0-9,.]+%?|none to match|)")
_PREFACE = (
    "Written by `linked-care linkage --out`. The items and their order follow GUILD, guidance for information about "
    "linking data sets (Gilbert et al. 2018, doi:10.1093/pubmed/fdx037): population and data, identifiers, linkage, "
    "match rates and errors, linked and unlinked compared, effects on results. docs/linkage-quality.md says what each "
    "figure means. Figures are not disclosure-controlled: the page stays inside.",
)


def show_linkage(year: str | None, out: Path | None) -> None:
    """Print what matters most; write the whole report to a file if asked."""
    home = home_path()
    store, console = Store(home / "store"), Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, _NARROWEST)
    years = linkage_years(store)
    chosen = year or years[-1]
    if chosen not in years:
        raise LinkedCareError(f"--year {chosen}: built are {', '.join(years)}.")
    sections = linkage_report(store, home / "landing", chosen)
    for section in sections:
        if section.is_brief:
            _show(console, section)
    if out:
        out.write_text(markdown(f"Linkage report, {chosen}", _PREFACE, sections), encoding="utf-8")
        console.print(f"{len(sections)} sections written to {out}")


def _show(console: Console, section: Section) -> None:
    console.print(section.title, style="bold")
    for text in section.text:
        console.print(text)
    if section.rows:
        table = Table(
            *map(_column, section.header, zip(*section.rows, strict=True)), box=box.SIMPLE_HEAD, pad_edge=False
        )
        for row in section.rows:
            table.add_row(*row)
        console.print(table)
    elif section.header:
        console.print("None.")
    console.print()


def _column(name: str, cells: tuple[str, ...]) -> Column:
    return Column(name, justify="right" if all(map(_FIGURE.fullmatch, cells)) else "left", no_wrap=True)
