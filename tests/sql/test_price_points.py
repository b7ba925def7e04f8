"""Whatever a contract lets in has a currency that the shipped price book prices, or is told apart as borrowed."""

from itertools import product
from pathlib import Path

from schemas.contract import contracts
from tests.properties.differential import reference
from tests.sql.cases import Case
from tests.sql.test_sql_cases import run

STAFF_OF_THE_BOOK, WAYS_OF_THE_BOOK = ("GP", "PN", "AHP"), ("MIN", "F2F", "TEL", "HV")
MINUTES = (None, 0, 1, 60, 61, 1440)


def _allowed(feed: str, column: str) -> tuple[str | None, ...]:
    return (None, *next(c.values for c in contracts()[feed].columns if c.name == column))


def _text(header: str, rows: list[tuple]) -> str:
    return "\n".join([header, *("  ".join("null" if cell is None else str(cell) for cell in row) for row in rows)])


def _book(setting: str) -> set[tuple[str, str]]:
    rows = reference()["price_book"].to_pylist()
    return {(row["point_of_delivery"], row["currency_code"]) for row in rows if row["setting"] == setting}


def test_every_role_mode_and_length_of_an_appointment_has_a_price(tmp_path: Path) -> None:
    book = _book("primary")
    assert {("gp_appointment", f"{s}-{w}") for s, w in product(STAFF_OF_THE_BOOK, WAYS_OF_THE_BOOK)} <= book
    drawn = list(
        product(
            _allowed("gp_appointment", "staff_role_group"),
            _allowed("gp_appointment", "contact_mode"),
            MINUTES,
            _allowed("gp_appointment", "status_code")[1:],
        )
    )
    header = "source_row  appointment_date  staff_role_group  contact_mode  duration_minutes  status_code"
    rows = [(place, "2024-05-01", *one) for place, one in enumerate(drawn, 1)]
    made = run(Case("activity", "all appointments", {"gp_appointment": _text(header, rows)}, ""), tmp_path)
    assert len(made) == len(drawn) > 500
    for row in made:
        role, mode, minutes, status = drawn[row["source_row"] - 1]
        assert (row["price_point"], row["currency_code"]) in book
        assert row["quantity"] == (min(minutes, 60) if minutes else 1)
        assert row["is_payable"] == (status == "Attended")
        is_known = role in ("GP", "Nurses", "Other Direct Patient Care") and (minutes or mode not in (None, "Unknown"))
        assert row["is_proxy_currency"] == (not is_known)


def test_every_kind_of_attendance_and_stay_has_a_mean_price_or_one_of_its_groups(tmp_path: Path) -> None:
    """What the book cannot price by code falls back on the mean of the point, where the book has one."""
    header = "source_row  appointment_date  first_attendance_code  hrg_code"
    kinds = list(product(_allowed("op_attendance", "first_attendance_code")[1:], ("WF01A", "JC43C", "UZ01Z", None)))
    rows = [(place, "2024-05-01", *one) for place, one in enumerate(kinds, 1)]
    clinics = run(Case("activity", "all attendances", {"op_attendance": _text(header, rows)}, ""), tmp_path)
    assert len(clinics) == len(kinds)
    assert {(row["point_of_delivery"], "ALL") for row in clinics} <= _book("outpatient")

    header = "source_row  admission_date  discharge_date  admission_method_code  patient_classification_code"
    drawn = list(
        product(
            _allowed("apc_spell", "admission_method_code")[1:],
            _allowed("apc_spell", "patient_classification_code")[1:],
            ("2024-05-01", "2024-05-02", "2024-05-03"),
        )
    )
    rows = [(place, "2024-05-01", last, *one) for place, (*one, last) in enumerate(drawn, 1)]
    spells = run(Case("activity", "all spells", {"apc_spell": _text(header, rows)}, ""), tmp_path)
    assert len(spells) == len(drawn)
    assert {row["point_of_delivery"] for row in spells} <= {point for point, _ in _book("inpatient")}
