"""The trend of rules over deliveries: which points are drawn, and that the drawing needs no network."""

import re
from datetime import date

import polars as pl
import pytest

from assets.feeds.trend import drawn, write_trend
from pipelines.errors import LinkedCareError

SENT, LATER = date(2024, 6, 1), date(2024, 6, 2)
APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)


def judged(*rows: tuple) -> pl.DataFrame:
    """rule, delivery, first day, received, rows, broken, count limit, rate limit, within."""
    names = ("rule_code", "delivery_id", "period_start", "received_date", "row_count", "broken_count", "count_limit")
    frame = pl.DataFrame(rows, schema=[*names, "rate_limit", "is_within_limit"], orient="row")
    return frame.with_columns(
        pl.col("count_limit").cast(pl.Int64),
        pl.col("rate_limit").cast(pl.Float64),
        supplier=pl.lit("clinics"),
        period_end=pl.col("period_start").dt.month_end(),
        broken_share=pl.col("broken_count") / pl.col("row_count"),
    )


@pytest.fixture
def points() -> pl.DataFrame:
    return drawn(
        judged(
            ("visit.mode.enum", "april", APRIL, SENT, 100, 90, None, 0.1, False),
            ("visit.mode.enum", "april-r2", APRIL, LATER, 100, 20, 5, 0.1, False),
            ("visit.mode.enum", "may", MAY, SENT, 200, 10, 5, 0.1, True),
            ("visit.price.type", "april-r2", APRIL, LATER, 100, 0, None, None, True),
            ("visit.minutes.minimum", "may", MAY, SENT, 200, 1, None, None, True),
        )
    )


def test_the_last_delivery_of_a_period_is_drawn_in_percent_with_the_narrower_limit(points):
    assert points.filter(rule_code="visit.mode.enum").drop("rule_code").rows() == [
        ("clinics", APRIL, False, 20 / 100 * 100, 5 / 100 * 100),  # five rows are fewer than a tenth of a hundred
        ("clinics", MAY, True, 10 / 200 * 100, 5 / 200 * 100),
    ]


def test_a_rule_that_never_broke_has_no_panel(points):
    assert set(points["rule_code"]) == {"visit.mode.enum", "visit.minutes.minimum"}
    assert points.filter(rule_code="visit.minutes.minimum")["limit_percent"].to_list() == [None]


def test_the_drawing_holds_every_panel_and_fetches_nothing(points, tmp_path):
    for name in ("trend.svg", "trend.html"):
        assert write_trend(points, tmp_path / name) == 2
        text = (tmp_path / name).read_text()
        assert "visit.mode.enum" in text and "visit.minutes.minimum" in text
        assert "% of the rows of a delivery" in text
        assert not re.search(r"<script|<link|<image|@import|(href|src)=", text)
        assert set(re.findall(r"https?://[^\"' ]+", text)) <= {
            "http://www.w3.org/2000/svg",  # names of the format, which nothing fetches
            "http://www.w3.org/1999/xlink",
        }


def test_over_the_limit_differs_in_shape_and_not_only_in_colour(points, tmp_path):
    write_trend(points.with_columns(is_within_limit=True), tmp_path / "within.svg")
    write_trend(points, tmp_path / "over.svg")
    drawings = [re.sub(r"#[0-9a-f]{6}", "", (tmp_path / name).read_text()) for name in ("within.svg", "over.svg")]
    assert drawings[0] != drawings[1]


def test_a_picture_is_a_picture(points, tmp_path):
    write_trend(points, tmp_path / "trend.png")
    assert (tmp_path / "trend.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_of_another_kind_is_refused(points, tmp_path):
    with pytest.raises(LinkedCareError, match=r"must end in \.html, \.png, \.svg"):
        write_trend(points, tmp_path / "trend.pdf")


def test_nothing_to_draw_is_said(tmp_path):
    nothing = drawn(judged(("visit.mode.enum", "april", APRIL, SENT, 100, 0, None, None, True)))
    with pytest.raises(LinkedCareError, match="no trend to draw"):
        write_trend(nothing, tmp_path / "trend.svg")
