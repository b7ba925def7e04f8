"""Figures of conditions: how many by age, each beside others, pairs, and exact combinations.

Belongs here: what these figures show.
Does not belong here: colours and files (`drawing.py`); how a figure in the table is made (`sql/`).
"""

import math
from collections.abc import Mapping

import altair as alt
import polars as pl

from assets.publication.drawing import (
    COUNT_BANDS,
    COUNT_COLOURS,
    FAINT,
    INK,
    Rows,
    chart_of,
    finished,
    stacked,
    statement,
    switch,
)
from assets.publication.figures_cost import youngest_first

Tables = Mapping[str, pl.DataFrame]
_MANY = 20
_FEW_IN_PAIR = 10
_COMBINATIONS = 15
_COLUMN = 42
_DARK = "#213b6e"
_STEPS = {  # each is twice the one before: a log scale
    "under 0.5": "#fee838",
    "0.5 to 1": "#dcc75d",
    "1 to 2": "#a59c74",
    "2 to 4": "#6c6e72",
    "4 to 8": "#3b496c",
    "8 or more": "#00224e",
}
_DARK_FROM = 2
_COUNTED_AS_ONE = {  # of several conditions, as the lists say
    "af": "Arrhythmia incl. AF",
    "cancer": "Cancer",
    "ra": "Connective tissue disease incl. RA",
    "smi": "Severe mental illness",
    "stroke_tia": "Stroke and TIA",
}
_FEW_PEOPLE = 20
_OTHERS = {
    "0": ("circle", "#fee838", "no other"),
    "1": ("diamond", "#b4a76f", "1 other"),
    "2": ("square", "#6c6e72", "2 others"),
    "3+": ("triangle-up", "#00224e", "3 or more others"),
}


def conditions_by_age_band(tables: Tables, condition_list: str) -> alt.TopLevelMixin | None:
    """The share of each age band with 0 to 7 or more conditions."""
    rows = tables["conditions_by_age_band"].filter(pl.col("condition_list") == condition_list)
    if rows.is_empty():
        return None
    ages = rows.group_by("age_band").agg(pl.col("people_count").sum())
    shares = rows.pivot("count_band", index="age_band", values="people_share").join(ages, on="age_band")
    missing = [pl.lit(0.0).alias(band) for band in COUNT_BANDS if band not in shares.columns]
    percents = (
        shares.with_columns(missing)
        .with_columns(pl.col(band).fill_null(0.0) * 100 for band in COUNT_BANDS)
        .sort(youngest_first(pl.col("age_band")))
    )
    parts = {band: (COUNT_COLOURS[band], f"{band} condition{'' if band == '1' else 's'}") for band in COUNT_BANDS}
    axes = ("Age at mid-year (years); below it the number of people", "Share of the people of the age (%)")
    chart = alt.layer(*stacked(percents, "age_band", parts, axes, (760, 330), 100.0))
    people = int(rows["people_count"].sum())
    return finished(chart, "How many conditions people of each age have", statement(rows, people, on=condition_list))


def condition_by_comorbidity(tables: Tables, condition_list: str) -> alt.TopLevelMixin | None:
    """Mean cost of the people with each condition, by how many others they have."""
    rows = tables["condition_by_comorbidity"].filter(pl.col("condition_list") == condition_list)
    if rows.is_empty():
        return None
    names = _names(tables)
    held = rows.group_by("counted_as").agg(
        pl.col("people_count").sum().alias("held"),
        ((pl.col("mean_total_pence") * pl.col("people_count")).sum() / pl.col("people_count").sum()).alias("mean"),
    )
    held = held.sort("mean", "counted_as", descending=[True, False])
    label = {code: f"{names.get(code, code.replace('_', ' '))} (n = {people:,})" for code, people, _ in held.rows()}
    dots = [
        {
            "condition": label[code],
            "others": others,
            "cost": mean / 100,
            "is_few": people < _FEW_PEOPLE,
        }
        for code, others, people, mean in rows.sort("counted_as", "other_band")
        .select("counted_as", "other_band", "people_count", "mean_total_pence")
        .rows()
    ]
    down = alt.Y(
        "condition:N",
        sort=list(label.values()),
        title=None,
        axis=alt.Axis(grid=True, ticks=False, domain=False, labelFontSize=10),
    )
    key = alt.Legend(
        title="Beside it", orient="top", labelExpr=switch({k: name for k, (_, _, name) in _OTHERS.items()})
    )
    domain = list(_OTHERS)
    base = chart_of(dots).encode(
        x=alt.X("cost:Q", title="Mean cost per person and year (pounds)", axis=alt.Axis(format=",~f", tickCount=8)),
        y=down,
    )
    line = chart_of(dots).mark_rule(color=FAINT, strokeWidth=0.8).encode(x="min(cost):Q", x2="max(cost):Q", y=down)
    marks = base.mark_point(size=58, opacity=1, strokeWidth=1, stroke=INK, filled=True).encode(
        shape=alt.Shape(
            "others:N", scale=alt.Scale(domain=domain, range=[shape for shape, _, _ in _OTHERS.values()]), legend=key
        ),
        fill=alt.Fill(
            "others:N", scale=alt.Scale(domain=domain, range=[colour for _, colour, _ in _OTHERS.values()]), legend=key
        ),
        fillOpacity=alt.condition("datum.is_few", alt.value(0), alt.value(1)),
        strokeOpacity=alt.condition("datum.is_few", alt.value(0.45), alt.value(1)),
    )
    chart = alt.layer(line, marks).properties(width=560, height={"step": 15})
    people = _registered(tables, condition_list)
    return finished(
        chart,
        "Mean cost of people with each condition, by how many other conditions they have",
        statement(
            rows, people, "people with the condition, n beside its name; registered people in all", condition_list
        ),
        f"All their care is counted, not care for the condition. Hollow and pale: fewer than {_FEW_PEOPLE} people.",
    )


def condition_pair(tables: Tables, condition_list: str) -> alt.TopLevelMixin | None:
    """How much more often the commonest conditions come together than if they were independent."""
    rows = tables["condition_pair"].filter(pl.col("condition_list") == condition_list)
    if rows.is_empty():
        return None
    common = _commonest(tables, condition_list)[:_MANY]
    place, names = {code: number for number, code in enumerate(common)}, _names(tables)
    label = {code: names.get(code, code.replace("_", " ")) for code in common}
    people_with = dict(
        tables["condition_profile"]
        .filter(pl.col("condition_list") == condition_list)
        .select("counted_as", "people_count")
        .rows()
    )
    with_n = {code: f"{label[code]} (n = {people_with[code]:,})" for code in common}
    shown = rows.filter(pl.col("first_condition").is_in(common), pl.col("second_condition").is_in(common))
    cells: Rows = []
    for first, second, people, crude, within in shown.select(
        "first_condition",
        "second_condition",
        "people_count",
        "observed_over_expected",
        "observed_over_age_sex_expected",
    ).rows():
        if people >= _FEW_IN_PAIR:
            near, far = sorted((first, second), key=place.__getitem__)
            cells.append({"across": label[near], "down": with_n[far], "ratio": crude, "step": _step(crude)})
            cells.append({"across": label[far], "down": with_n[near], "ratio": within, "step": _step(within)})
    order, downward = list(label.values()), list(with_n.values())
    cells.sort(key=lambda cell: (downward.index(cell["down"]), order.index(cell["across"])))
    base = chart_of(cells).encode(
        x=alt.X(
            "across:N",
            scale=alt.Scale(domain=order),
            title=None,
            axis=alt.Axis(orient="bottom", labelAngle=-45, ticks=False, labelFontSize=10),
        ),
        y=alt.Y("down:N", scale=alt.Scale(domain=downward), title=None, axis=alt.Axis(ticks=False, labelFontSize=10)),
    )
    squares = base.mark_rect(stroke="#ffffff", strokeWidth=1).encode(
        color=alt.Color(
            "step:N",
            scale=alt.Scale(domain=list(_STEPS), range=list(_STEPS.values())),
            legend=alt.Legend(
                title="Observed over expected", orient="top", symbolType="square", symbolSize=180, symbolStrokeWidth=0
            ),
        )
    )
    figures = base.mark_text(fontSize=9).encode(
        text=alt.Text("ratio:Q", format=".1f"),
        color=alt.condition(f"datum.ratio >= {_DARK_FROM}", alt.value("#ffffff"), alt.value(INK)),
    )
    chart = alt.layer(squares, figures).properties(width={"step": 29}, height={"step": 22})
    return finished(
        chart,
        f"Which of the {len(common)} commonest conditions come together",
        statement(rows, _registered(tables, condition_list), on=condition_list),
        "Below the diagonal: people with both over those expected if the two were independent.",
        "Above it: over those expected if they were independent within each age band and sex. "
        f"Empty: fewer than {_FEW_IN_PAIR} people.",
    )


def condition_combination(tables: Tables, condition_list: str) -> alt.TopLevelMixin | None:
    """The commonest exact combinations of two or more conditions: bars above a matrix of dots (UpSet)."""
    rows = tables["condition_combination"].filter(pl.col("condition_list") == condition_list)
    several = rows.filter(pl.col("condition_count") > 1).sort("people_count", "combination", descending=[True, False])
    several = several.head(_COMBINATIONS)
    if several.is_empty():
        return None
    held = {key: key.split("+") for key in several["combination"]}
    rank = {code: number for number, code in enumerate(_commonest(tables, condition_list))}
    codes = sorted(
        {code for parts in held.values() for code in parts}, key=lambda code: (rank.get(code, len(rank)), code)
    )
    names = _names(tables)
    label = {code: names.get(code, code.replace("_", " ")) for code in codes}
    order = list(label.values())
    across = alt.X("combination:N", axis=None, scale=alt.Scale(domain=list(held), type="band", padding=0.1))
    tall = [
        {"combination": key, "people": people, "mean": f"£{mean / 100:,.0f}"}
        for key, people, mean in several.select("combination", "people_count", "mean_total_pence").rows()
    ]
    up = alt.Y("people:Q", title="People", axis=alt.Axis(format=",d", tickCount=5))
    bars = chart_of(tall).mark_bar(color=_DARK, size=24).encode(x=across, y=up)
    counts = bars.mark_text(dy=-7, fontSize=10, color=INK).encode(text=alt.Text("people:Q", format=","))
    grid = [{"combination": key, "condition": name} for key in held for name in order]
    filled = [{"combination": key, "condition": label[code]} for key, parts in held.items() for code in parts]
    rows_of = alt.Scale(domain=order, type="band")
    down = alt.Y("condition:N", scale=rows_of, title=None, axis=alt.Axis(ticks=False, domain=False))
    empty = chart_of(grid).mark_circle(size=90, color="#dddddd", opacity=1).encode(x=across, y=down)
    dots = chart_of(filled).mark_circle(size=110, color=_DARK, opacity=1).encode(x=across, y=down)
    spans = [
        {"combination": key, "from": min(parts, key=order.index), "to": max(parts, key=order.index)}
        for key, parts in ((key, [label[code] for code in codes_of]) for key, codes_of in held.items())
    ]
    joins = (
        chart_of(spans)
        .mark_rule(color=_DARK, strokeWidth=3)
        .encode(x=across, y=alt.Y("from:N", scale=rows_of, title=None, bandPosition=0.5), y2="to:N")
    )
    means = chart_of(tall).mark_text(fontSize=10, color=INK).encode(x=across, text="mean:N")
    titled = (
        chart_of([{}])
        .mark_text(align="right", fontSize=11, color=INK)
        .encode(x=alt.value(-8), text=alt.value("Mean cost per person and year"))
    )
    width = _COLUMN * len(held)
    chart = alt.vconcat(
        alt.layer(bars, counts).properties(width=width, height=200),
        alt.layer(empty, joins, dots).properties(width=width, height=21 * len(order)),
        alt.layer(means, titled).properties(width=width, height=18),
        spacing=6,
    )
    return finished(
        chart,
        f"The {len(held)} commonest exact combinations of two or more conditions",
        statement(rows, int(rows["people_count"].sum()), on=condition_list),
        "Each person is in one column: they have these conditions and no other of the list.",
        _elsewhere(rows, several),
    )


def _step(ratio: float) -> str:
    steps = list(_STEPS)
    return steps[min(max(math.floor(math.log2(ratio)) + 2, 0), len(steps) - 1)] if ratio > 0 else steps[0]


def _elsewhere(rows: pl.DataFrame, shown: pl.DataFrame) -> str:
    """How many people are not in the figure, and why."""
    count = pl.col("condition_count")
    none, one = (int(rows.filter(count == number)["people_count"].sum()) for number in (0, 1))
    in_it = int(shown["people_count"].sum())
    rest = int(rows["people_count"].sum()) - none - one - in_it
    return (
        f"In it: {in_it:,} people. Not in it: {none:,} with none, {one:,} with one, {rest:,} with rarer combinations."
    )


def _commonest(tables: Tables, condition_list: str) -> list[str]:
    """The conditions of a list that anybody has, the commonest first."""
    profile = tables["condition_profile"].filter(pl.col("condition_list") == condition_list, pl.col("people_count") > 0)
    return profile.sort("people_count", "counted_as", descending=[True, False])["counted_as"].to_list()


def _registered(tables: Tables, condition_list: str) -> int:
    counts = tables["cost_by_condition_count"].filter(pl.col("condition_list") == condition_list)
    return int(counts["people_count"].sum())


def _names(tables: Tables) -> dict[str, str]:
    """The name of a condition, and of what a list counts as one."""
    return _COUNTED_AS_ONE | dict(tables["condition"].select("condition_code", "condition_name").rows())
