"""Figures of cost: by age, by number of conditions, how unevenly it is spread.

Belongs here: what these figures show.
Does not belong here: colours and files (`drawing.py`); how a figure in the table is made (`sql/`).
"""

from collections.abc import Mapping

import altair as alt
import polars as pl

from assets.publication.drawing import (
    COUNT_BANDS,
    FAINT,
    INK,
    SETTING_COLOURS,
    bar_label,
    chart_of,
    finished,
    stacked,
    statement,
    switch,
)
from schemas.costing import CARE_OF, SETTINGS

Tables = Mapping[str, pl.DataFrame]
_PARTS = {setting: (SETTING_COLOURS[setting], CARE_OF[setting].capitalize()) for setting in SETTINGS}
_HEADROOM = 1.04
_COST = "Mean cost per person and year (pounds)"
_AXES_BY_AGE = ("Age at mid-year (years); below it the number of people", _COST)
_NAMED_CUTS = (1, 5, 10, 20, 50)
_LEADER = 7  # per cent of people between a point and its name, clear of the other curves
_SCOPES = {
    "total": ("All care", [1, 0], INK),
    "health": ("Health care", [7, 3], "#4c556c"),
    "social_care": ("Social care", [2, 2], "#4c556c"),
}


def youngest_first(band: pl.Expr) -> pl.Expr:
    """The first age of a band, to sort by."""
    return band.str.extract(r"^(\d+)").cast(pl.Int64)


def cost_by_age_band(tables: Tables, condition_list: str) -> alt.TopLevelMixin | None:
    """Mean cost by five-year age band, stacked by setting."""
    rows = tables["cost_by_age_band"].sort(youngest_first(pl.col("age_band")))
    if rows.is_empty():
        return None
    chart = alt.layer(
        *stacked(
            _pounds(rows, "age_band"), "age_band", _PARTS, _AXES_BY_AGE, (760, 330), _top(rows, "mean_total_pence")
        )
    )
    return finished(chart, "Mean cost per person by age, by setting of care", statement(rows, _people(rows)))


def cost_by_condition_count(tables: Tables, condition_list: str) -> alt.TopLevelMixin | None:
    """Mean cost by number of conditions, stacked by setting, with the interval of the total."""
    rows = tables["cost_by_condition_count"].filter(pl.col("condition_list") == condition_list)
    rows = rows.sort(pl.col("count_band").replace_strict(COUNT_BANDS, list(range(len(COUNT_BANDS)))))
    if rows.is_empty():
        return None
    top = max(_top(rows, "mean_total_pence"), _top(rows, "mean_total_high_pence"))
    axes = ("Number of conditions; below it the number of people", _COST)
    layers = stacked(_pounds(rows, "count_band"), "count_band", _PARTS, axes, (560, 330), top)
    intervals = [
        {"bar": bar_label(band, people), "low": low / 100, "high": high / 100}
        for band, people, low, high in rows.select(
            "count_band", "people_count", "mean_total_low_pence", "mean_total_high_pence"
        ).rows()
        if low is not None
    ]
    base = chart_of([{**row, "low": max(row["low"], 0.0)} for row in intervals]).encode(x=alt.X("bar:N"))
    halo = base.mark_rule(strokeWidth=5, color="#ffffff").encode(y="low:Q", y2="high:Q")
    span = base.mark_rule(strokeWidth=1.6, color=INK).encode(y="low:Q", y2="high:Q")
    ends = [
        chart_of([row for row in intervals if row[end] >= 0])  # no end is drawn where the line is cut at 0
        .mark_tick(color=INK, thickness=1.6, size=14, orient="horizontal")
        .encode(x=alt.X("bar:N"), y=f"{end}:Q")
        for end in ("low", "high")
    ]
    return finished(
        alt.layer(*layers, halo, span, *ends),
        "Mean cost per person by number of conditions, by setting of care",
        statement(rows, _people(rows), on=condition_list),
        "Line with ends: 95% interval of the mean of all care (normal approximation), cut at 0 if it begins below.",
    )


def lorenz_curve(tables: Tables, condition_list: str) -> alt.TopLevelMixin | None:
    """What share of the cost the least costly people hold, with the costliest 1, 5, 10, 20 and 50 per cent named."""
    points = tables["lorenz_point"].drop_nulls("cost_share").sort("scope", "percentile")
    if points.is_empty():
        return None
    size = {"width": 470, "height": 470}
    axis = alt.Axis(format="d", tickCount=6)
    whole = alt.Scale(domain=[0, 100], nice=False)
    lines = [
        {"scope": scope, "people": percentile, "cost": 100 * share}
        for scope, percentile, share in points.select("scope", "percentile", "cost_share").rows()
    ]
    across = alt.X("people:Q", title="Share of people, least costly first (%)", scale=whole, axis=axis)
    up = alt.Y("cost:Q", title="Share of cost that they hold together (%)", scale=whole, axis=axis)
    shown = [scope for scope in _SCOPES if scope in points["scope"]]
    names = {scope: _named(tables["concentration_summary"], scope) for scope in shown}
    label = alt.Legend(
        orient="top-left", symbolSize=700, symbolStrokeWidth=2, offset=8, title=None, labelExpr=switch(names)
    )
    curves = (
        chart_of(lines)
        .mark_line(strokeWidth=2)
        .encode(
            x=across,
            y=up,
            strokeDash=alt.StrokeDash(
                "scope:N",
                scale=alt.Scale(domain=shown, range=[_SCOPES[scope][1] for scope in shown]),
                legend=label,
            ),
            color=alt.Color(
                "scope:N",
                scale=alt.Scale(domain=shown, range=[_SCOPES[scope][2] for scope in shown]),
                legend=label,
            ),
        )
        .properties(**size)
    )
    equal = chart_of([{"people": 0, "cost": 0}, {"people": 100, "cost": 100}])
    diagonal = equal.mark_line(color=FAINT, strokeWidth=1).encode(x="people:Q", y="cost:Q")
    cuts = (
        tables["concentration"]
        .filter(pl.col("scope") == "total", pl.col("top_percent").is_in(_NAMED_CUTS))
        .drop_nulls("cost_share")
        .sort("top_percent")
    )
    named = [
        {
            "people": 100 - percent,
            "from": 100 - percent - _LEADER,
            "cost": 100 * (1 - share),
            "label": f"costliest {percent}%: {100 * share:.0f}% of cost",
        }
        for percent, share in cuts.select("top_percent", "cost_share").rows()
    ]
    at = chart_of(named).encode(y="cost:Q")
    leaders = at.mark_rule(color=INK, strokeWidth=0.7).encode(x="from:Q", x2="people:Q")
    dots = at.mark_point(filled=True, size=55, color=INK, opacity=1).encode(x="people:Q")
    texts = at.mark_text(align="right", dx=-3, fontSize=11, color=INK).encode(x="from:Q", text="label:N")
    halo = texts.mark_text(align="right", dx=-3, fontSize=11, color="#ffffff", stroke="#ffffff", strokeWidth=4)
    whole_of = tables["concentration_summary"].filter(pl.col("scope") == "total")
    return finished(
        alt.layer(diagonal, curves, leaders, dots, halo, texts),
        "How unevenly cost is spread over people (Lorenz curve)",
        statement(points, _people(whole_of)),
        "Thin line: everybody costs the same. Gini: 0 if so, 1 if one person costs all; 95% interval in brackets.",
    )


def _named(summary: pl.DataFrame, scope: str) -> str:
    for gini, low, high in summary.filter(pl.col("scope") == scope).select("gini", "gini_low", "gini_high").rows():
        if gini is not None:
            interval = f" ({low:.2f} to {high:.2f})" if low is not None else ""
            return f"{_SCOPES[scope][0]}, Gini {gini:.2f}{interval}"
    return _SCOPES[scope][0]


def _pounds(rows: pl.DataFrame, group: str) -> pl.DataFrame:
    return rows.select(group, "people_count", *((pl.col(f"mean_{s}_pence") / 100).alias(s) for s in SETTINGS))


def _top(rows: pl.DataFrame, column: str) -> float:
    most = rows[column].max()
    return max(most if isinstance(most, float) else 0.0, 1.0) / 100 * _HEADROOM


def _people(rows: pl.DataFrame) -> int:
    return int(rows["people_count"].sum())
