"""The trend of every rule over deliveries, drawn: one small panel per rule that ever broke.

Belongs here: which points are drawn, and how.
Does not belong here: what is over a limit (`quality.py`).
"""

import io
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl

from pipelines.errors import LinkedCareError

_COLUMNS = 3
_PANEL = {"width": 250, "height": 90}
_MARKS = {
    "within": ("circle", "#4d4d4d"),
    "over": ("triangle-up", "#b30000"),
}  # told apart by shape, not by colour alone
FORMATS = (".html", ".png", ".svg")


def drawn(judged: pl.DataFrame) -> pl.DataFrame:
    """The points: the last delivery of each supplier and period, for every rule that any of them ever broke."""
    last = judged.sort("received_date", "delivery_id").unique(
        ["supplier", "rule_code", "period_start", "period_end"], keep="last"
    )
    ever = last.filter(pl.col("broken_count") > 0)["rule_code"].unique().to_list()
    by_count = pl.when(pl.col("row_count") > 0).then(pl.col("count_limit") / pl.col("row_count"))
    return (
        last.filter(pl.col("rule_code").is_in(ever))
        .select(
            "rule_code",
            "supplier",
            "period_start",
            "is_within_limit",
            percent=pl.col("broken_share") * 100,
            limit_percent=pl.min_horizontal(pl.col("rate_limit"), by_count) * 100,
        )
        .sort("rule_code", "supplier", "period_start")
    )


def write_trend(points: pl.DataFrame, to: Path) -> int:
    """Draw the points into an SVG, a PNG or an HTML page that holds the SVG; how many panels.

    Raises:
        LinkedCareError: if the file is to be of another kind, or there is nothing to draw.
    """
    if to.suffix not in FORMATS:
        raise LinkedCareError(f"--plot {to}: the file name must end in {', '.join(FORMATS)}.")
    if points.is_empty():
        raise LinkedCareError("rule_result: no delivery broke any of these rules. There is no trend to draw.")
    chart = _chart(points)
    if to.suffix == ".png":
        chart.save(to, scale_factor=2)
    else:
        drawing = io.StringIO()
        chart.save(drawing, format="svg")
        to.write_text(_page(drawing.getvalue()) if to.suffix == ".html" else drawing.getvalue())
    return points["rule_code"].n_unique()


def _page(svg: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="UTF-8"><title>Rules over deliveries</title></head>'
        f"<body>\n{svg}\n</body></html>\n"
    )


def _chart(points: pl.DataFrame) -> alt.TopLevelMixin:
    panels = [_panel(str(code), own) for (code,), own in points.group_by("rule_code", maintain_order=True)]
    return alt.concat(
        *panels,
        columns=_COLUMNS,
        title=alt.TitleParams(
            "Rows that break a rule, % of the rows of a delivery, by the first day that it covers",
            subtitle="Dot: within the limit. Triangle: over it. Dashed: the limit, where there is one. Scales differ.",
            anchor="start",
            fontSize=15,
            subtitleFontSize=12,
        ),
    ).configure(font="sans-serif", axis={"labelFontSize": 10, "titleFontSize": 10})


def _panel(code: str, points: pl.DataFrame) -> alt.LayerChart | alt.FacetChart:
    rows = [
        {
            "supplier": supplier,
            "day": start.isoformat(),
            "percent": percent,
            "limit": limit,
            "state": "within" if within else "over",
        }
        for _, supplier, start, within, percent, limit in points.rows()
    ]
    day = alt.X("day:T", title=None, axis=alt.Axis(format="%b %y", tickCount=4, labelOverlap=True))
    base = alt.Chart(alt.Data(values=rows)).encode(x=day)
    scale: Any = alt.Scale(domainMin=0, nice=True)
    share = alt.Y("percent:Q", title="% of rows", scale=scale, axis=alt.Axis(tickCount=3))
    lines = base.mark_line(color="#4d4d4d", strokeWidth=1).encode(y=share, detail="supplier:N")
    marks = base.mark_point(filled=True, size=28, opacity=1).encode(
        y=share,
        shape=alt.Shape("state:N", legend=None, scale=_scale(0)),
        color=alt.Color("state:N", legend=None, scale=_scale(1)),
    )
    limits = (
        base.transform_filter("isValid(datum.limit)")
        .mark_line(strokeDash=[4, 3], color="#000000", strokeWidth=1, interpolate="step")
        .encode(y="limit:Q", detail="supplier:N")
    )
    title = alt.TitleParams(code, anchor="start", frame="group", fontSize=11, fontWeight="normal")
    return alt.layer(lines, limits, marks).properties(title=title, **_PANEL)


def _scale(place: int) -> alt.Scale:
    return alt.Scale(domain=list(_MARKS), range=[marks[place] for marks in _MARKS.values()])
