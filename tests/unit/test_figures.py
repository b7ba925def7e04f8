"""Figures: what stands in them, that they are readable in grey, and that a release holds them like its tables."""

import json
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from assets.costing import conservation
from assets.publication import figures, figures_conditions, release
from assets.publication.drawing import COUNT_COLOURS, SCALE, SETTING_COLOURS, apart
from assets.publication.figures import FIGURES, SOURCES, draw, figures_of
from assets.publication.figures_conditions import condition_combination, condition_pair
from assets.publication.figures_cost import cost_by_age_band, cost_by_condition_count
from assets.publication.release import publish
from cli import figures as command
from cli.figures import draw_figures
from pipelines.errors import LinkedCareError
from pipelines.store import frame_writer
from schemas.catalogue import TABLES
from schemas.columns import PERSON_ID
from schemas.reconciliation import COST_CONTROL_TOTAL
from tests.figures import PEOPLE, tables

REFERENCE = Path(figures.__file__).parents[1] / "reference"
HEAT = tuple(figures_conditions._STEPS.values())
ONE = "cost_by_age_band"
DOTS = tuple(colour for _, colour, _ in figures_conditions._OTHERS.values())


def lightness(colour: str) -> float:
    """CIE L*, 0 to 100, from the relative luminance of WCAG 2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * luminance ** (1 / 3) - 16


def texts(svg: str) -> str:
    return "\n".join(re.findall(r">([^<>]+)</t(?:ext|span)>", svg))


@dataclass(frozen=True)
class Drawn:
    """Every figure of the made tables: each file, and the text of each SVG."""

    files: dict[str, bytes]
    svg: dict[str, str]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Drawn:
    written = draw(tables().__getitem__, list(FIGURES), tmp_path_factory.mktemp("figures"))
    files = {path.name: path.read_bytes() for path in written}
    return Drawn(files, {path.stem: path.read_text() for path in written if path.suffix == ".svg"})


@pytest.mark.parametrize("palette", [SCALE, HEAT, DOTS], ids=["scale", "heat", "dots"])
def test_colours_differ_in_grey(palette):
    levels = [lightness(colour) for colour in palette]
    assert min(abs(one - other) for one, other in pairwise(sorted(levels))) > 9
    assert levels in (sorted(levels), sorted(levels, reverse=True))


def test_each_setting_and_count_has_a_colour_of_its_own():
    assert len(set(SETTING_COLOURS.values())) == len(SETTING_COLOURS) == 8
    assert len(set(COUNT_COLOURS.values())) == len(COUNT_COLOURS) == 8


def test_every_figure_says_year_denominator_and_who_may_see_it(drawn):
    assert drawn.svg.keys() == FIGURES.keys()
    for svg in drawn.svg.values():
        assert "Financial year 2024-25. Denominator: " in texts(svg)
        assert re.search(r"n = 1,000", texts(svg))
        assert "Exposure: all year." in texts(svg)
        assert "For use inside only: small numbers are not suppressed." in texts(svg)
        assert "All feeds under this figure are complete (100%)." in texts(svg)


def test_figures_of_conditions_name_their_list(drawn):
    of_lists = {name for name, svg in drawn.svg.items() if "(delphi52)" in texts(svg)}
    assert of_lists == FIGURES.keys() - {"cost_by_age_band", "lorenz_curve"}


def test_money_is_in_pounds_and_axes_have_units(drawn):
    for name in ("cost_by_age_band", "cost_by_condition_count", "condition_by_comorbidity"):
        assert "Mean cost per person and year (pounds)" in texts(drawn.svg[name])
    assert "Share of the people of the age (%)" in texts(drawn.svg["conditions_by_age_band"])
    assert "Share of people, least costly first (%)" in texts(drawn.svg["lorenz_curve"])


@pytest.mark.parametrize(
    ("completeness", "said"),
    [
        (0.875, "INCOMPLETE: the least complete feed has 87.5% of what it owed"),
        (None, "a feed under this figure was never"),
    ],
)
def test_a_figure_says_that_it_is_incomplete(completeness, said, tmp_path):
    draw(tables(completeness=completeness).__getitem__, [ONE], tmp_path)
    for path in tmp_path.glob("*.svg"):
        assert said in texts(path.read_text())
        assert "(100%)" not in texts(path.read_text())


def test_no_figure_is_drawn_from_people(drawn):
    assert not [table for table in SOURCES if PERSON_ID in TABLES[table].columns]
    assert not [table for table in SOURCES if any("person_id" in column.name for column in TABLES[table].columns)]
    assert not [name for name, svg in drawn.svg.items() if "person_id" in svg]


def test_drawing_rows_in_another_order_gives_the_same_bytes(drawn, tmp_path):
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=7) for name, frame in tables().items()}
    draw(shuffled.__getitem__, list(reversed(FIGURES)), tmp_path)
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert again.keys() == drawn.files.keys()
    assert [name for name in again if again[name] != drawn.files[name]] == []


def test_a_table_without_rows_gives_no_figure(tmp_path):
    empty = {name: frame.clear() for name, frame in tables().items()}
    assert draw(empty.__getitem__, list(FIGURES), tmp_path) == []


def test_bars_are_in_order_of_age_and_add_up_to_the_mean():
    layers = cost_by_age_band(tables(), "delphi52").to_dict()["layer"]
    rows = layers[0]["data"]["values"]
    assert list(dict.fromkeys(row["bar"] for row in rows)) == ["0-4|200", "5-9|300", "90+|500"]
    tops = {row["bar"]: row["head"] for row in rows}
    assert set(tops.values()) == {10.0 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8)}


def test_the_interval_stands_around_the_total_and_is_cut_at_0():
    made = tables()
    below = pl.when(pl.col("count_band") == "5").then(-1.0).otherwise(pl.col("mean_total_low_pence"))
    made["cost_by_condition_count"] = made["cost_by_condition_count"].with_columns(mean_total_low_pence=below)
    layers = cost_by_condition_count(made, "delphi52").to_dict()["layer"]
    halo, span, low, high = [
        layer["data"]["values"] for layer in layers if "low" in layer.get("data", {"values": [{}]})["values"][0]
    ]
    assert halo == span
    assert {(row["low"], row["high"]) for row in span} == {(360.0 - 5, 360.0 + 5), (0.0, 360.0 + 5)}
    assert [len(rows) for rows in (span, low, high)] == [8, 8 - 1, 8]


def test_pairs_stand_by_commonness_below_crude_above_within_age_and_sex():
    cells = condition_pair(tables(), "delphi52").to_dict()["data"]["values"]
    found = {(cell["down"], cell["across"]): (cell["ratio"], cell["step"]) for cell in cells}
    assert found == {  # b is the commonest, then c, then a; a and c are nine people
        ("Made B (n = 300)", "Made C"): (0.9, "0.5 to 1"),
        ("Made B (n = 300)", "Made A"): (1.5, "1 to 2"),
        ("Made C (n = 200)", "Made B"): (0.4, "under 0.5"),
        ("Made A (n = 100)", "Made B"): (2.5, "2 to 4"),
    }


@pytest.mark.parametrize(
    ("ratio", "step"),
    [
        (0.0, "under 0.5"),
        (0.01, "under 0.5"),
        (0.5, "0.5 to 1"),
        (1.0, "1 to 2"),
        (3.99, "2 to 4"),
        (8.0, "8 or more"),
        (900.0, "8 or more"),
    ],
)
def test_steps_of_a_ratio_double(ratio, step):
    assert figures_conditions._step(ratio) == step


def test_combinations_are_of_two_or_more_the_commonest_first(drawn):
    chart = condition_combination(tables(), "delphi52").to_dict()
    bars = chart["vconcat"][0]["data"]["values"]
    assert [(bar["combination"], bar["people"]) for bar in bars] == [("a+b+c", 50), ("a+b", 30)]
    dots = chart["vconcat"][1]["layer"][2]["data"]["values"]
    assert [(dot["combination"], dot["condition"]) for dot in dots] == [
        *(("a+b+c", f"Made {code}") for code in "ABC"),
        *(("a+b", f"Made {code}") for code in "AB"),
    ]
    said = "In it: 80 people. Not in it: 600 with none, 200 with one, 120 with rarer combinations."
    assert said in texts(drawn.svg["condition_combination"])
    assert PEOPLE == 80 + 600 + 200 + 120


def test_labels_are_kept_apart_and_within_the_figure():
    places = apart([299.0, 298.0, 297.0, 150.0, 4.0, 3.0], 300)
    assert all(lower - upper >= 14.99 for lower, upper in pairwise(places))
    assert places[0] <= 296 and places[-1] >= 4
    assert places[3] == 150.0


@pytest.fixture
def build(home, monkeypatch):
    """Writes what figures are drawn from, of two years, as a release holds it."""
    known = {name: TABLES[name] for name in SOURCES}
    monkeypatch.setattr(release, "TABLES", {name: _alone(table) for name, table in known.items()})
    monkeypatch.setattr(conservation, "TIES", {})
    for module in (figures, command):
        monkeypatch.setattr(module, "FIGURES", {ONE: FIGURES[ONE]})  # one is enough to be told from none
    home.store.write(COST_CONTROL_TOTAL, None, "", frame_writer(COST_CONTROL_TOTAL, COST_CONTROL_TOTAL.empty_frame()))

    def write(completeness: float = 1.0) -> None:
        for year, complete in (("2023-24", 1.0), ("2024-25", completeness)):
            for name, frame in tables(year, complete).items():
                table = _alone(known[name])
                stamp = f"{name} {year} {complete}" if table.by_year else name
                home.store.write(table, year if table.by_year else None, stamp, frame_writer(table, frame))

    return write


def _alone(table):
    return replace(table, sources=(), sources_before=())


def files(home, year: str):
    return {path.name: path for path in figures_of(home.outputs.resolve(), year).iterdir()}


def test_a_release_holds_the_figures_of_every_year_and_proves_them(build, home):
    build()
    publish(home)
    names = {f"{ONE}.{kind}" for kind in ("svg", "png")}
    assert files(home, "2023-24").keys() == files(home, "2024-25").keys() == names
    record = json.loads((home.outputs / "release.json").read_text())
    assert f"restricted/figures/financial_year=2024-25/{min(names)}" in record["files"]
    assert not publish(home).is_new
    files(home, "2024-25")[f"{ONE}.svg"].write_text("<svg>other</svg>")
    assert publish(home).is_new
    assert "other" not in files(home, "2024-25")[f"{ONE}.svg"].read_text()


def test_figures_of_a_year_that_did_not_change_are_shared_with_the_release_before(build, home, monkeypatch):
    build()
    publish(home)
    before = {year: files(home, year) for year in ("2023-24", "2024-25")}
    build(completeness=0.5)
    publish(home)
    same = [path.samefile(before["2023-24"][name]) for name, path in files(home, "2023-24").items()]
    assert all(same)
    changed = [
        path.read_bytes() != before["2024-25"][name].read_bytes() for name, path in files(home, "2024-25").items()
    ]
    assert all(changed)
    monkeypatch.setattr(release, "drawing_code", lambda: "another way to draw")
    monkeypatch.setattr(figures, "drawing_code", lambda: "another way to draw")
    assert publish(home).is_new
    assert not files(home, "2023-24")[f"{ONE}.svg"].samefile(before["2023-24"][f"{ONE}.svg"])


def test_the_command_draws_another_list_and_refuses_what_is_not_there(build, home, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LINKED_CARE_HOME", str(home.root))
    with pytest.raises(LinkedCareError, match="nothing is published"):
        draw_figures(None, "delphi52", None)
    build()
    publish(home)
    draw_figures(None, "delphi52", None)
    folder = home.root / "figures" / home.outputs.resolve().name / "2024-25" / "delphi52"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: path.read_bytes() for name, path in files(home, "2024-25").items()
    }
    assert "2 files in" in capsys.readouterr().out
    with pytest.raises(LinkedCareError, match="--year 2019-20: published are 2023-24, 2024-25"):
        draw_figures("2019-20", "delphi52", tmp_path / "here")
    with pytest.raises(LinkedCareError, match="--list priority9: published are delphi52"):
        draw_figures(None, "priority9", tmp_path / "here")


def test_what_a_shipped_list_counts_as_one_has_a_name():
    members = pl.read_csv(REFERENCE / "condition_list.csv")
    names = pl.read_csv(REFERENCE / "condition.csv")["condition_code"]
    grouped = set(members["counted_as"]) - set(names)
    assert grouped == figures_conditions._COUNTED_AS_ONE.keys()


def test_a_condition_without_a_name_shows_its_code(tmp_path):
    of_list = tables()
    of_list["condition_by_comorbidity"] = of_list["condition_by_comorbidity"].with_columns(
        pl.col("counted_as").replace("a", "of_ones_own")
    )
    draw(of_list.__getitem__, ["condition_by_comorbidity"], tmp_path)
    assert "of ones own (n = 69)" in texts((tmp_path / "condition_by_comorbidity.svg").read_text())
