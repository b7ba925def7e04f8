"""A release of a county holds its figures, and they agree with the tables beside them."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets.publication.figures import FIGURES
from pipelines.errors import ConservationError
from tests.releases import table


def texts(svg: Path) -> list[str]:
    return re.findall(r">([^<>]+)</t(?:ext|span)>", svg.read_text())


def figures(home: Path) -> dict[str, bytes]:
    release = (home / "outputs").resolve()
    return {
        str(path.relative_to(release)): path.read_bytes()
        for path in release.glob("restricted/figures/*/*")
        if path.is_file()
    }


def test_every_year_has_every_figure_of_which_there_are_rows(published: Path) -> None:
    several = table(published, "condition_combination").filter(
        pl.col("condition_list") == "delphi52", pl.col("condition_count") > 1
    )
    with_combinations = set(several["financial_year"])  # in so small a county ten people may share none
    expected = {
        f"restricted/figures/financial_year={year}/{name}.{kind}"
        for year in ("2023-24", "2024-25")
        for name in FIGURES
        for kind in ("svg", "png")
        if name != "condition_combination" or year in with_combinations
    }
    assert figures(published).keys() == expected
    assert len(expected) >= 2 * 2 * (len(FIGURES) - 1)


def test_figures_state_the_denominator_of_their_tables(published: Path) -> None:
    folder = (published / "outputs").resolve() / "restricted" / "figures" / "financial_year=2024-25"
    registered = table(published, "person_year").filter(pl.col("financial_year") == "2024-25").height
    for svg in folder.glob("*.svg"):
        said = " ".join(texts(svg))
        assert "Financial year 2024-25. Denominator: " in said
        assert f"n = {registered:,}." in said
    counts = table(published, "cost_by_condition_count").filter(
        pl.col("financial_year") == "2024-25", pl.col("condition_list") == "delphi52"
    )
    under_bars = texts(folder / "cost_by_condition_count.svg")
    assert {f"{people:,}" for people in counts["people_count"]} <= set(under_bars)


def test_no_person_is_in_a_figure(published: Path) -> None:
    people = set(map(str, table(published, "person")["person_id"]))
    for name, content in figures(published).items():
        if name.endswith(".svg"):
            assert "person_id" not in content.decode()
            assert not people & set(re.findall(r"\d{8,}", content.decode()))


def test_a_figure_that_was_changed_stops_the_next_run(
    published: Path, copy_of: Callable[[Path], Path], nightly: Callable[[Path], object]
) -> None:
    home = copy_of(published)
    (home / "outputs" / "restricted" / "figures" / "financial_year=2024-25" / "lorenz_curve.svg").write_text("")
    with pytest.raises(ConservationError, match=r"figures/financial_year=2024-25/lorenz_curve.svg: changed since"):
        nightly(home)
