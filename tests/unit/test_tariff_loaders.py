"""Annex A of the NHS Payment Scheme and the market forces factor become rows of a book."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from assets.costing.loaders.mff import load_mff
from assets.costing.loaders.nhsps import load_nhsps
from assets.costing.loaders.terms import Loaded, Terms
from assets.costing.points import known_points
from pipelines.errors import LinkedCareError

Rows = Sequence[Sequence[object]]
Save = Callable[..., Path]


def prices(loaded: Loaded) -> dict[tuple[str, str], str]:
    return {(row["point_of_delivery"], row["currency_code"]): row["price_gbp"] for row in loaded.prices.to_dicts()}


APC = [
    "HRG code",
    "HRG name",
    "Outpatient procedure tariff (£)",
    "Combined day case / ordinary elective spell tariff (£)",
    "Day case spell tariff (£)",
    "Ordinary elective spell tariff (£)",
    "Ordinary elective long stay trim point (days)",
    "Non-elective spell tariff (£)",
    "Non-elective long stay trim point (days)",
    "Per day long stay payment (for days exceeding trim point) (£)",
    "Reduced short stay emergency tariff _applicable?",
    "% applied in calculation of reduced short stay emergency tariff ",
    "Reduced short stay emergency tariff (£)",
    "BPT applies to HRG or sub-HRG level",
]
SPELLS = [
    ["AA26C", "Nerves", "-", "1,000", "-", "-", 9, 4000, 40, 250, "Yes", "25%", 1000, "-"],
    ["BZ34C", "Lens", 150, "-", 800, 900, 5, 950, 6, 240, "No", "-", "-", "HRG"],
    ["DZ11R", "Pneumonia", "-", "-", "-", "-", "-", 5000, "-", 230, "Yes", "70%", "-", "-"],
]


def nhsps(save: Save, **sheets: Rows) -> Loaded:
    return load_nhsps(save("annex.xlsx", {"Cover": [["NHSPS"]], **sheets}), Terms("2025-26"))


def test_spell_prices_stand_at_their_points_with_trim_points(save):
    loaded = nhsps(save, APC=[["Prices"], [], APC, *SPELLS])
    rows = {(row["point_of_delivery"], row["currency_code"]): row for row in loaded.prices.to_dicts()}
    stay = ("price_gbp", "trim_point_days", "excess_day_price_gbp")
    assert {key: tuple(row[name] for name in stay) for key, row in rows.items()} == {
        ("day_case_or_elective", "AA26C"): ("1000", "9", "250"),
        ("non_elective", "AA26C"): ("4000", "40", "250"),
        ("short_stay_emergency", "AA26C"): ("1000", None, None),
        ("procedure", "BZ34C"): ("150", None, None),
        ("day_case", "BZ34C"): ("800", None, None),
        ("elective", "BZ34C"): ("900", "5", "240"),
        ("non_elective", "BZ34C"): ("950", "6", "240"),
        ("non_elective", "DZ11R"): ("5000", None, None),
    }
    assert {row["basis"] for row in rows.values()} == {"tariff"}
    assert {row["source"] for row in rows.values()} == {"NHS Payment Scheme 2025/26, annex A"}
    assert set(loaded.prices.select("setting", "point_of_delivery").iter_rows()) <= known_points()
    assert loaded.notes == (
        "1 prices have a trim point or a price per day without the other; both are left out",
        "1 HRGs have a reduced short stay price by their flag, and none is given",
    )


def test_headers_may_say_price_or_unit_price(save):
    header = [text.replace(" tariff (£)", " unit price (£)") for text in APC]
    assert prices(nhsps(save, APC=[header, *SPELLS])) == prices(nhsps(save, APC=[APC, *SPELLS]))


def test_best_practice_prices_need_to_be_single(save):
    header = ["HRG code", "BPT name", "BPT flag", "Day case spell tariff (£)", "Non-elective spell tariff (£)"]
    rows = [
        ["HN12A", "Hip", "BP01", "-", 7000],
        ["BZ34C", "Lens", "BP02", 850, "-"],
        ["EB10A", "Heart", "BP03", 500, "-"],
        ["EB10A", "Heart", "BP04", 600, "-"],
    ]
    loaded = nhsps(save, APC=[APC, *SPELLS], BPT=[header, *rows])
    found = {key: price for key, price in prices(loaded).items() if key[0].startswith("best_practice")}
    assert found == {
        ("best_practice_non_elective_short", "HN12A"): "7000",
        ("best_practice_non_elective_long", "HN12A"): "7000",
        ("best_practice_day_case", "BZ34C"): "850",
    }
    [several] = loaded.unused
    assert (several.code, several.place) == ("EB10A", "BPT")
    assert several.reason.startswith("2 best practice prices of best_practice_day_case")


def test_attendances_stand_by_treatment_function_visit_mode_and_professions(save):
    header = [
        "Treatment function code",
        "Treatment function name",
        "WF01B First Attendance - Single Professional",
        "WF02B First Attendance - Multi Professional",
        "WF01A Follow Up Attendance - Single Professional",
        "WF02A Follow Up Attendance - Multi Professional",
        "WF01D",
        "WF01C",
    ]
    loaded = nhsps(save, OPA=[header, ["320", "Cardiology", 180, 200, 90, 110, 70, "-"]])
    assert prices(loaded) == {
        ("first_face_to_face", "320"): "180",
        ("first_face_to_face_multi_professional", "320"): "200",
        ("follow_up_face_to_face", "320"): "90",
        ("follow_up_face_to_face_multi_professional", "320"): "110",
        ("first_remote", "320"): "70",
    }
    assert loaded.notes == ()


def test_attendances_without_remote_prices_are_told(save):
    header = ["Treatment function code", "First attendance single professional (£)", "Follow up - Single Professional"]
    loaded = nhsps(save, OPA=[header, ["320", 180, 90]])
    assert prices(loaded) == {("first_face_to_face", "320"): "180", ("follow_up_face_to_face", "320"): "90"}
    assert "not face to face" in loaded.notes[0]


def test_emergency_prices_are_those_of_type_1_and_2(save):
    header = ["HRG code", "HRG name", "Type 1 and 2 Departments (£)", "Type 3 Departments (£)"]
    loaded = nhsps(save, AandE=[header, ["VB01Z", "Any", 400, 80], ["VB11Z", "None", "-", 80]])
    assert prices(loaded) == {("emergency_attendance", "VB01Z"): "400"}
    assert "type 3 has no point" in loaded.notes[0]


@pytest.mark.parametrize(
    ("sheets", "told"),
    [
        ({"A": [["HRG code", "weight"], ["AA26C", 1]]}, "has no table of prices by HRG or treatment function"),
        ({"A": [APC, *SPELLS], "B": [APC, SPELLS[2]]}, "1 prices stand in it twice"),
        (
            {"A": [APC, [*SPELLS[0][:3], "see note", *SPELLS[0][4:]]]},
            "1 rows have no number of at least zero in the column",
        ),
    ],
)
def test_a_workbook_that_cannot_be_relied_on_is_refused(save, sheets, told):
    with pytest.raises(LinkedCareError) as refusal:
        nhsps(save, **sheets)
    assert told in str(refusal.value)
    assert "see note" not in str(refusal.value)


def test_factors_keep_six_decimals(save):
    rows = [
        ["Org code", "Name", "2025/26 MFF payment index value"],
        ["RA4", "Yeovil", "1.0123455"],
        ["RH5", "Taunton", 1.05],
    ]
    factors = load_mff(save("mff.csv", rows), Terms("2025-26"))
    assert factors.select("provider_code", "factor").rows() == [("RA4", "1.012346"), ("RH5", "1.05")]
    assert set(factors["source"]) == {"Market forces factor payment index 2025/26"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [["Org code", "Underlying index"], ["RA4", 1]],
            "has 0 tables with the columns provider code and payment index",
        ),
        ([["Org code", "Payment index"], ["total", 1]], "has no provider with a payment index"),
        ([["Org code", "Payment index"], ["RA4", 1], ["RA4", 1.1]], "1 rows repeat a provider"),
        ([["Org code", "Payment index"], ["RA4", 105]], "1 payment indices lie outside"),
    ],
)
def test_factors_that_cannot_be_relied_on_are_refused(save, rows, told):
    with pytest.raises(LinkedCareError, match=told):
        load_mff(save("mff.csv", rows), Terms("2025-26"))
