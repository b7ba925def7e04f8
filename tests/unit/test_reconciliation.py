"""Control totals: reading the user's file, and what stops a run."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assets.costing.reconciliation import (
    CONTROL_FILE,
    build_cost_control_total,
    of_years_without_care,
    pounds,
    read_control_totals,
    refuse_outside,
)
from assets.parameters import RunParameters
from pipelines.build import SQL, build_sql
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.home import Home
from pipelines.store import Store, Stored, frame_writer
from schemas.catalogue import TABLES
from schemas.costing import MATCH_LEVELS, SETTINGS
from schemas.reconciliation import COST_RECONCILIATION, LEVEL_GROUPS
from tests.rows import plain_rows

YEAR = "2024-25"
HEADER = (
    "financial_year,setting,point_of_delivery,provider_code,source,control_gbp,basis_of_comparison,limit_percent,note"
)
Supply = Callable[..., None]


def read(*lines: str) -> pl.DataFrame:
    return read_control_totals("\n".join([HEADER, *lines]).encode())


def test_pounds_are_read_exactly_and_blanks_are_the_whole() -> None:
    rows = read(
        "2024-25,inpatient,,,SUS, 1234567.89 ,submitted,1.5,",
        "2024-25,social_care,,E10000027,ASC-FR,70368744177.64,cost,0,gross",
        "2023-24,outpatient,procedure,,ledger,0.1,cost,99.99,",
    )
    assert rows.drop("limit_percent", "note").rows() == [
        ("2024-25", "inpatient", None, None, "SUS", "submitted", 123456789),
        ("2024-25", "social_care", None, "E10000027", "ASC-FR", "cost", 7036874417764),
        ("2023-24", "outpatient", "procedure", None, "ledger", "cost", 10),
    ]
    assert rows["limit_percent"].to_list() == [Decimal("1.50"), Decimal("0.00"), Decimal("99.99")]
    assert rows["note"].to_list() == [None, "gross", None]


def test_a_byte_order_mark_and_a_file_with_headers_only_are_no_matter() -> None:
    row = "2024-25,primary,,,ledger,5,cost,1,"
    assert read_control_totals(f"{HEADER}\n{row}\n".encode("utf-8-sig")).height == 1
    assert read().is_empty()
    assert read().schema == read_control_totals(b"").schema


GOOD = ["2024-25", "inpatient", "elective", "RA4", "SUS", "secret", "cost", "1", ""]


@pytest.mark.parametrize(
    ("place", "cell", "what"),
    [
        (0, "2024-26", "have a financial_year that is not written as 2024-25"),
        (0, "secret", "have a financial_year that is not written as 2024-25"),
        (0, "", "have no financial_year"),
        (1, "secret", "have a setting that is none of primary, inpatient"),
        (1, "", "have no setting"),
        (4, " ", "have no source"),
        (5, "", "have no control_gbp"),
        (5, "1,000", "have a control_gbp"),
        (5, "£5", "have a control_gbp"),
        (5, "1e3", "have a control_gbp"),
        (5, "-4", "have a control_gbp"),
        (5, "0.001", "have a control_gbp"),
        (5, "1234567890123", "have a control_gbp"),
        (6, "secret", "have a basis_of_comparison that is not submitted or cost"),
        (6, "", "have no basis_of_comparison"),
        (7, "100", "have a limit_percent"),
        (7, "1%", "have a limit_percent"),
        (7, "-1", "have a limit_percent"),
        (7, "0.005", "have a limit_percent"),
        (7, "", "have no limit_percent"),
    ],
)
def test_what_cannot_be_relied_on_is_refused_by_column_and_count(place: int, cell: str, what: str) -> None:
    fine = [*GOOD[:5], "10.00", *GOOD[6:]]
    wrong = [*fine[:place], f'"{cell}"', *fine[place + 1 :]]
    others = [[*fine[:4], f"other {number}", *fine[5:]] for number in range(2)]
    with pytest.raises(LinkedCareError) as refused:
        read(*(",".join(line) for line in [*others, wrong]))
    line = str(refused.value)
    assert line.startswith(f"cost_control_total.csv: 1 rows {what}")
    assert line.endswith("Mend them, or remove the file.")
    assert "secret" not in line and "\n" not in line


def test_a_total_that_stands_twice_is_refused() -> None:
    row = "2024-25,inpatient,,,SUS,{},cost,1,"
    assert read(row.format(1), row.format(1).replace("cost", "submitted")).height == 2
    with pytest.raises(LinkedCareError, match="2 rows repeat financial_year, setting, point_of_delivery"):
        read(row.format(1), row.format(2))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe\x00", "is not CSV in UTF-8"),
        (f"{HEADER}\n1,2,3,4,5,6,7,8,9,10,11\n".encode(), "is not CSV in UTF-8"),
        (HEADER.replace(",note", "").encode(), "its columns must be financial_year, setting"),
        (HEADER.replace("source", "Source").encode(), "its columns must be financial_year, setting"),
    ],
)
def test_another_file_is_refused(content: bytes, what: str) -> None:
    with pytest.raises(LinkedCareError, match=what):
        read_control_totals(content)


def test_a_file_that_cannot_be_opened_is_refused(home: Home) -> None:
    (home.root / CONTROL_FILE).mkdir(parents=True)
    with pytest.raises(LinkedCareError, match=r"cost_control_total.csv: cannot be opened. Make it readable"):
        build_cost_control_total(home.store, home.root)


def build(home: Home, year: str) -> Stored:
    return build_sql(home.store, COST_RECONCILIATION, year, RunParameters.of(year).row())


@pytest.fixture
def supply(home: Home) -> Supply:
    """Writes the user's file and builds what follows from it; two years of care are costed."""
    pence = {YEAR: 120_000, "2023-24": 100_000}
    for year, cost in pence.items():
        care = {"setting": "inpatient", "match_level": "submitted", "cost_pence": cost, "submitted_pence": cost - 5}
        for name, rows in (("activity_cost", [care | {"financial_year": year}]), ("feed_completeness", [])):
            home.store.write(TABLES[name], year, "made", frame_writer(TABLES[name], plain_rows(name, rows)))

    def write(*lines: str) -> None:
        (home.root / "control").mkdir(exist_ok=True)
        (home.root / CONTROL_FILE).write_text("\n".join([HEADER, *lines]))
        build_cost_control_total(home.store, home.root)
        for year in pence:
            build(home, year)
        refuse_outside(home.store, pence)

    return write


def test_without_a_file_nothing_is_refused(home: Home, supply: Supply) -> None:
    assert build_cost_control_total(home.store, home.root).rows == 0
    build(home, YEAR)
    rows = home.store.frame(COST_RECONCILIATION.name, YEAR)
    assert set(rows["setting"]) == set(SETTINGS)
    assert set(rows["verdict"]) == {"not_supplied"}
    refuse_outside(home.store, [YEAR])


def test_a_total_within_its_limit_passes_and_one_outside_stops_in_one_line(home: Home, supply: Supply) -> None:
    supply("2024-25,inpatient,,,SUS,1199.95,submitted,0,", "2024-25,inpatient,,,ledger,1212.12,cost,1,")
    rows = home.store.frame(COST_RECONCILIATION.name, YEAR).filter(pl.col("source").is_not_null())
    assert rows.sort("source").select("source", "difference_pence", "verdict").rows() == [
        ("SUS", 0, "within"),
        ("ledger", 120_000 - 121_212, "within"),
    ]
    with pytest.raises(ConservationError) as stopped:
        supply("2024-25,inpatient,,,SUS,1199.95,submitted,0,", "2024-25,inpatient,,RA4,ledger,1300,cost,1,")
    assert str(stopped.value) == (
        "cost_reconciliation 2024-25: inpatient, provider RA4 is £0.00 (cost) and £1,300.00 by ledger: -£1,300.00,"
        " -100.00%, and at most 1.00% may differ. Nothing was published; `linked-care reconcile` shows all. Mend the"
        " deliveries, or correct control/cost_control_total.csv."
    )


def test_the_largest_is_named_and_the_others_counted(home: Home, supply: Supply) -> None:
    with pytest.raises(ConservationError, match=r"2024-25: inpatient is .* by a: .*; 1 more are outside theirs"):
        supply("2024-25,inpatient,,,a,1,cost,1,", "2024-25,inpatient,,,b,1199,cost,0.01,")


def test_what_stood_outside_is_refused_again_when_nothing_is_built(home: Home, supply: Supply) -> None:
    line = "2023-24,inpatient,,,ledger,1,cost,1,"
    for _ in range(2):
        with pytest.raises(ConservationError, match="cost_reconciliation 2023-24"):
            supply(line)
    refuse_outside(home.store, [YEAR])
    supply("2023-24,inpatient,,,ledger,1000,cost,1,")
    assert not build(home, "2023-24").computed


def test_a_total_of_a_year_or_setting_without_care_is_outside(home: Home, supply: Supply) -> None:
    with pytest.raises(ConservationError, match=r"2021-22: community is £0.00 \(cost\) and £7.50 by NCC: -£7.50, -100"):
        supply("2021-22,community,,,NCC,7.5,cost,99.99,")
    with pytest.raises(ConservationError, match=r"2024-25: community is £0.00 \(as submitted\) and £7.50 by NCC"):
        supply("2024-25,community,,,NCC,7.5,submitted,99.99,")
    supply("2021-22,community,,,NCC,0,cost,0,")
    assert of_years_without_care(home.store) == []


def test_pounds_are_exact() -> None:
    assert [pounds(pence, sign=True) for pence in (0, 5, -123_456_789)] == ["+£0.00", "+£0.05", "-£1,234,567.89"]
    assert pounds(2**53 + 1) == "£90,071,992,547,409.93"


def test_every_match_level_of_a_price_is_in_one_group(store: Store) -> None:
    grouped = [level for levels in LEVEL_GROUPS.values() for level in levels]
    assert len(set(grouped)) == len(grouped)
    assert set(MATCH_LEVELS) - set(grouped) == {"not_payable", "unpriced"}


def test_the_rows_of_the_table_are_the_settings() -> None:
    sql = Path(SQL / "cost_reconciliation.sql").read_text()
    listed = sql[sql.index("values ('primary')") : sql.index(") as v(setting)")]
    assert listed.count("(") == len(SETTINGS)
    assert all(f"('{setting}')" in listed for setting in SETTINGS)
