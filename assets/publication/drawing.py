"""What every figure has in common: colours, the statement under the title, how a file is written.

Belongs here: palettes, titles, settings of the drawing library, SVG and PNG.
Does not belong here: what a figure shows (`figures_cost.py`, `figures_conditions.py`).
"""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from schemas.costing import SETTINGS

# Cividis (Nunez and others 2018, doi 10.1371/journal.pone.0199239) in equal steps: its lightness rises evenly, so that
# order is seen in grey and by readers who do not tell red from green.
SCALE = ("#00224e", "#213b6e", "#4c556c", "#6c6e72", "#8e8978", "#b4a76f", "#dcc75d", "#fee838")
SETTING_COLOURS = dict(zip(SETTINGS, SCALE, strict=True))
COUNT_BANDS = ("0", "1", "2", "3", "4", "5", "6", "7+")
COUNT_COLOURS = dict(zip(COUNT_BANDS, reversed(SCALE), strict=True))
INK, FAINT = "#1a1a1a", "#8c8c8c"
CAVEAT = "For use inside only: small numbers are not suppressed."
# The first is drawn into the PNG from the library's own copy; the others have the same widths where it is missing.
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_PNG_SCALE = 1.5
_LABEL_GAP = 15
_WHOLE = 0.99995  # what rounds to 100.0%

Rows = list[dict[str, Any]]
LIST_NAMES = {
    "delphi52": "the 52 conditions of the Delphi consensus (delphi52)",
    "priority8": "the eight priority conditions (priority8)",
    "qof": "the registers of the Quality and Outcomes Framework (qof)",
    "year_of_care18": "the 18 conditions of Year of Care (year_of_care18)",
}


def statement(rows: pl.DataFrame, people: int, of_whom: str = "registered people", on: str | None = None) -> list[str]:
    """The lines under a title: year, list, denominator, n; exposure; completeness and who may see it.

    Args:
        rows: the rows drawn, of one year, with exposure_rule and completeness.
        people: n, the denominator.
        of_whom: who they are.
        on: the condition list that is counted, if one is.
    """
    year = rows["financial_year"].unique().sort().to_list()
    lines = [f"Financial year {', '.join(year)}. Denominator: {of_whom}, n = {people:,}."]
    if on:
        lines.append(f"Conditions: {LIST_NAMES.get(on, on)}.")
    rule = rows["exposure_rule"].unique().sort().to_list()
    return [*lines, f"Exposure: {'; '.join(rule)}.", f"{completeness(rows)} {CAVEAT}"]


def completeness(rows: pl.DataFrame) -> str:
    """What is missing from a figure, in words."""
    if rows["completeness"].null_count():
        return "INCOMPLETE: a feed under this figure was never due; figures are too low."
    least = rows["completeness"].min()
    assert isinstance(least, float)
    if least < _WHOLE:
        return f"INCOMPLETE: the least complete feed has {100 * least:.1f}% of what it owed; figures are too low."
    return "All feeds under this figure are complete (100%)."


def finished(chart: Any, title: str, lines: Sequence[str], *how_to_read: str) -> alt.TopLevelMixin:
    """A chart with its title, its statement and the settings of all figures."""
    return chart.properties(
        title=alt.TitleParams(title, subtitle=[*how_to_read, *lines], anchor="start", offset=14),
        padding=12,
        background="#ffffff",
    ).configure(
        font=_FONT,
        title={
            "fontSize": 16,
            "subtitleFontSize": 11,
            "subtitleColor": INK,
            "color": INK,
            "subtitlePadding": 6,
            "frame": "group",
            "limit": 0,
            "subtitleLineHeight": 15,
        },
        axis={
            "labelFontSize": 11,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 9,
            "labelColor": INK,
            "titleColor": INK,
            "gridColor": "#e4e4e4",
            "domainColor": FAINT,
            "tickColor": FAINT,
            "labelLimit": 0,
            "titleLimit": 0,
        },
        legend={
            "labelFontSize": 11,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "labelLimit": 0,
            "titleLimit": 0,
        },
        view={"stroke": None},
    )


def switch(names: Mapping[str, str]) -> str:
    """An expression that gives each label its name."""
    return f"{json.dumps(dict(names))}[datum.label]"


def chart_of(rows: Rows) -> alt.Chart:
    """A chart over rows."""
    return alt.Chart(alt.Data(values=rows))


def stacked(
    values: pl.DataFrame,
    group: str,
    parts: Mapping[str, tuple[str, str]],
    titles: tuple[str, str],
    size: tuple[int, int],
    top: float,
) -> list[alt.Chart]:
    """Stacked bars with n under each, and the parts named beside the last bar in the order of the stack.

    Args:
        values: one row per bar, in order: `group`, people_count and one column per part.
        parts: colour and name of each part, from the bottom of the stack.
        titles: of the two axes.
        size: width and height in points.
        top: end of the vertical axis.
    """
    width, height = size
    order = [bar_label(*row) for row in values.select(group, "people_count").rows()]
    rows: Rows = []
    ends: list[float] = []
    for bar, row in zip(order, values.to_dicts(), strict=True):
        foot = 0.0
        for part in parts:
            rows.append({"bar": bar, "part": part, "foot": foot, "head": foot + row[part]})
            foot += row[part]
        ends = [*(found["head"] for found in rows[-len(parts) :])]
    across = alt.X(
        "bar:N",
        sort=order,
        title=titles[0],
        scale=alt.Scale(paddingInner=0.15, paddingOuter=0.1),
        axis=alt.Axis(
            labelAngle=0, labelExpr="split(datum.label, '|')", ticks=False, labelLineHeight=13, labelFontSize=10
        ),
    )
    up = alt.Y("foot:Q", title=titles[1], scale=alt.Scale(domain=[0, top], nice=False), axis=alt.Axis(format=",~f"))
    colour = alt.Color(
        "part:N",
        legend=None,
        scale=alt.Scale(domain=list(parts), range=[colour for colour, _ in parts.values()]),
    )
    bars = (
        chart_of(rows)
        .mark_bar(stroke="#ffffff", strokeWidth=0.6)
        .encode(x=across, y=up, y2="head:Q", color=colour)
        .properties(width=width, height=height)
    )
    middles = [height * (1 - (foot + head) / 2 / top) for foot, head in zip([0.0, *ends[:-1]], ends, strict=True)]
    labels = [
        {"part": part, "name": name, "at": at, "from": middle}
        for (part, (_, name)), at, middle in zip(parts.items(), apart(middles, height), middles, strict=True)
    ]
    beside = chart_of(labels).encode(y=alt.Y("at:Q", scale=None, axis=None))
    ruler = beside.mark_rule(color=FAINT, strokeWidth=0.7).encode(
        x=alt.value(width), x2=alt.value(width + 22), y=alt.Y("from:Q", scale=None, axis=None), y2="at:Q"
    )
    swatch = beside.mark_square(size=90, opacity=1, stroke=INK, strokeWidth=0.4).encode(
        x=alt.value(width + 28), color=colour
    )
    name = beside.mark_text(align="left", fontSize=11, color=INK).encode(x=alt.value(width + 37), text="name:N")
    return [bars, ruler, swatch, name]


def bar_label(group: str, people: int) -> str:
    """The label of a bar in two lines, the second its n."""
    return f"{group}|{people:,}"


def apart(middles: Sequence[float], height: float, gap: float = _LABEL_GAP) -> list[float]:
    """Places for labels, as near to where they belong as keeps them apart; from the bottom up."""
    places: list[float] = []
    for middle in middles:
        places.append(min(middle, places[-1] - gap) if places else min(middle, height - 4))
    lowest = 4.0
    for number in reversed(range(len(places))):  # what was pushed out of the top comes down again
        places[number] = max(places[number], lowest)
        lowest = places[number] + gap
    return places


def write(chart: alt.TopLevelMixin, folder: Path, name: str) -> list[Path]:
    """Write a figure as SVG and PNG: the same chart gives the same bytes."""
    drawing = io.StringIO()
    chart.save(drawing, format="svg")
    svg = drawing.getvalue()
    vector, picture = folder / f"{name}.svg", folder / f"{name}.png"
    vector.write_text(svg, encoding="utf-8")
    picture.write_bytes(vl_convert.svg_to_png(svg, scale=_PNG_SCALE))
    return [vector, picture]
