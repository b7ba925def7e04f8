"""Reconciliation of a county: by setting it is the ledger; a total from elsewhere stops publication or lets it be."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets.costing.reconciliation import CONTROL_FILE, pounds
from cli.reconcile import show_reconcile
from pipelines.errors import ConservationError, LinkedCareError
from tests.pipeline.test_conservation import SETTING_OF_FEED
from tests.releases import digests, table

HEADER = (
    "financial_year,setting,point_of_delivery,provider_code,source,control_gbp,basis_of_comparison,limit_percent,note"
)


@pytest.fixture
def of_ledger(published: Path) -> pl.DataFrame:
    """Records and pence of each year and setting by the ledger."""
    priced = table(published, "cost_ledger").filter(stage="pricing")
    return (
        priced.with_columns(setting=pl.col("feed").replace_strict(SETTING_OF_FEED))
        .group_by("financial_year", "setting")
        .agg(pl.col("record_count", "cost_pence", "submitted_pence").sum())
    )


def control(home: Path, *lines: str) -> None:
    """Write the user's file."""
    (home / CONTROL_FILE).parent.mkdir(exist_ok=True)
    (home / CONTROL_FILE).write_text("\n".join([HEADER, *lines]))


def gbp(pence: int) -> str:
    return pounds(pence).removeprefix("£").replace(",", "")


def test_without_totals_each_setting_is_that_of_the_ledger(published: Path, of_ledger: pl.DataFrame) -> None:
    found = table(published, "cost_reconciliation")
    assert set(found["verdict"]) == {"not_supplied"}
    assert found.height == 8 * 2
    both = found.join(of_ledger, on=["financial_year", "setting"], how="left", validate="1:1", suffix="_of_ledger")
    for name in ("record_count", "cost_pence"):
        assert (both[name] == both[f"{name}_of_ledger"].fill_null(0)).all()
    levels = pl.sum_horizontal(pl.col("^.*_level_pence$"))
    assert found.select((levels == pl.col("cost_pence")).all()).item()
    assert found["own_price_share"].drop_nulls().is_between(0, 1).all()


def test_a_total_outside_its_limit_stops_publication_and_corrected_it_is_published(
    published: Path, of_ledger: pl.DataFrame, copy_of: Callable[[Path], Path], nightly: Callable
) -> None:
    home = copy_of(published)
    before = digests(home)
    cost, submitted = (
        of_ledger.filter(financial_year="2024-25", setting="inpatient").select("cost_pence", "submitted_pence").row(0)
    )
    right = f"2024-25,inpatient,,,SUS,{gbp(submitted)},submitted,0,"
    control(home, right, f"2024-25,inpatient,,,our ledger,{gbp(cost + 1)},cost,0,", "2023-24,primary,,,PCA,1,cost,99,")
    for _ in range(2):
        with pytest.raises(ConservationError) as stopped:
            nightly(home)
        line = str(stopped.value)
        assert "\n" not in line
        assert line.startswith("cost_reconciliation 2023-24: primary is £")
        assert "Nothing was published; `linked-care reconcile` shows all." in line
        assert digests(home) == before
    control(home, right, f"2024-25,inpatient,,,our ledger,{gbp(cost + 1)},cost,0,")
    with pytest.raises(ConservationError) as stopped:
        nightly(home)
    named = ("2024-25: inpatient", pounds(cost), f"{pounds(cost + 1)} by our ledger", "-£0.01", "at most 0.00%")
    assert all(word in str(stopped.value) for word in named), str(stopped.value)
    assert digests(home) == before
    control(home, right, f"2024-25,inpatient,,,our ledger,{gbp(cost)},cost,0,as paid")
    run = nightly(home)
    assert run.is_new
    assert set(run.rebuilt) == {"cost_control_total", "cost_reconciliation"}
    after = digests(home)
    assert {name for name in after if after[name] != before[name]} == {
        "restricted/cost_reconciliation/financial_year=2024-25/part-0.parquet"
    }
    held = table(home, "cost_reconciliation").filter(pl.col("source").is_not_null()).sort("source")
    assert held.select("source", "verdict", "difference_pence", "note").rows() == [
        ("SUS", "within", 0, None),
        ("our ledger", "within", 0, "as paid"),
    ]


def test_a_malformed_file_stops_the_run_and_a_total_of_an_unknown_year_is_outside(
    published: Path, copy_of: Callable[[Path], Path], nightly: Callable
) -> None:
    home = copy_of(published)
    before = digests(home)
    control(home, "2024-25,inpatient,,,SUS,one million,submitted,0,")
    with pytest.raises(LinkedCareError, match=r"^cost_control_total.csv: 1 rows have a control_gbp [^\n]+$"):
        nightly(home)
    control(home, "2019-20,inpatient,,,SUS,1000000,submitted,5,")
    with pytest.raises(ConservationError, match=r"^cost_reconciliation 2019-20: inpatient is £0.00 .* £1,000,000.00"):
        nightly(home)
    assert digests(home) == before


def test_the_command_prints_totals_shares_by_match_level_and_codes_without_a_price(
    published: Path,
    copy_of: Callable[[Path], Path],
    nightly: Callable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = copy_of(published)
    lines = ("2024-25,inpatient,,,SUS,12.34,submitted,0,", "2019-20,community,,,NCC,5,cost,1,")
    control(home, *lines, "2023-24,primary,,,ledger,1,cost,1,")
    with pytest.raises(ConservationError):
        nightly(home)
    monkeypatch.setenv("LINKED_CARE_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    show_reconcile(None, 3)
    shown = capsys.readouterr().out
    assert "Care beside totals from elsewhere, 2024-25" in shown
    assert re.search(r"inpatient +SUS +submitted .* £12.34 .* OUTSIDE", shown)
    assert re.search(r"OUTSIDE: 2019-20, of which nothing is costed: community is £0.00 \(cost\) and £5.00", shown)
    assert re.search(r"OUTSIDE: 2023-24: primary is £.* \(cost\) and £1.00 by ledger", shown)
    costs = table(published, "activity_cost").filter(financial_year="2024-25")
    for measure, name in (("cost_pence", "pounds"), ("record_count", "records")):
        whole = costs[measure].sum()
        by_level = costs.group_by("match_level").agg(pl.col(measure).sum()).filter(pl.col(measure) > 0)
        [line] = re.findall(rf"Share of {name} by match level.*?(all settings[^\n]+)", shown, re.DOTALL)
        for share in by_level[measure]:
            assert f" {share / whole:.2%}" in f" {line}"
    assert "Most pounds at a borrowed price, 2024-25" in shown
    assert "Most units without any price, 2024-25" in shown
    with pytest.raises(LinkedCareError, match=r"--year 2019-20: built are 2023-24, 2024-25\."):
        show_reconcile("2019-20", 3)
    monkeypatch.setenv("LINKED_CARE_HOME", str(home / "nowhere"))
    with pytest.raises(LinkedCareError, match="cost_reconciliation is not built yet"):
        show_reconcile(None, 3)
