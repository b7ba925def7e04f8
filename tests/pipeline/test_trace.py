"""From one row of a delivery to every table that its pence are in; and the ledger as the command prints it."""

from pathlib import Path

import polars as pl
import pytest

from assets.costing.destinations import DESTINATIONS
from assets.costing.trail import ActivityId, Trail, follow
from pipelines.errors import LinkedCareError
from schemas.activity import FEEDS_OF_CARE
from schemas.costing import PERSON_YEAR_COST
from synthetic import synthesise
from tests.pipeline.test_command_line import linked_care
from tests.releases import table


def unit_of(row: dict) -> ActivityId:
    return ActivityId(row["feed"], row["delivery_id"], row["source_row"])


def fate(home: Path, unit: ActivityId) -> str:
    return dict(follow(home, unit).delivery)["fate"]


@pytest.fixture(scope="module")
def registered(published: Path) -> pl.DataFrame:
    """Units that cost something, of people registered in the year."""
    people = table(published, "person_year_cost").filter("is_registered").select("financial_year", "person_id")
    costs = table(published, "activity_cost").filter(pl.col("cost_pence") > 0)
    return costs.join(people, on=["financial_year", "person_id"]).sort("feed", "delivery_id", "source_row")


def in_all(trail: Trail) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {(one.table, one.place, one.column): (one.pence, one.total) for one in trail.destinations}


@pytest.mark.parametrize("feed", [feed for feed in FEEDS_OF_CARE if feed != "mh_ward_stay"])
def test_the_pence_of_a_unit_of_every_feed_are_found_in_every_table(
    published: Path, registered: pl.DataFrame, feed: str
) -> None:
    row = registered.filter(feed=feed).row(-1, named=True)
    trail = follow(published, ActivityId(feed, row["delivery_id"], row["source_row"], f"{row['activity_month']:%Y-%m}"))
    assert [part["cost_pence"] for part in trail.parts] == [row["cost_pence"]]
    not_of_everybody = {"cohort_candidate", "condition_profile"}
    expected = set(DESTINATIONS) - not_of_everybody
    if row["submitted_pence"] is None:
        expected -= {"delivery_receipt"} | (set() if row["match_level"] == "package" else {"activity"})
    if table(published, "linkage_difference").filter(feed=feed).is_empty():
        expected -= {"linkage_difference"}  # its records say nothing of their people
    assert {one.table for one in trail.destinations} - not_of_everybody == expected
    real = {"real_cost_pence", "real_total_pence"}
    others = real | {"submitted_pence", "net_ingredient_pence", "client_contribution_pence"}
    assert {one.pence for one in trail.destinations if one.column not in others} == {row["cost_pence"]}
    assert {one.pence for one in trail.destinations if one.column in real} == {row["real_cost_pence"]}
    assert all(one.total >= one.pence for one in trail.destinations)


def test_what_a_row_holds_in_all_is_what_the_table_holds(published: Path, registered: pl.DataFrame) -> None:
    row = registered.filter(feed="apc_spell").row(0, named=True)
    year, person = row["financial_year"], row["person_id"]
    found = in_all(follow(published, unit_of(row)))
    costs = table(published, "person_year_cost").filter(financial_year=year, person_id=person).row(0, named=True)
    band = table(published, "person_year").filter(financial_year=year, person_id=person)["age_band"].item()
    by_age = table(published, "cost_by_age_band").filter(financial_year=year, age_band=band)["total_pence"].item()
    cost = row["cost_pence"]
    assert found["cost_by_age_band", band, "total_pence"] == (cost, by_age)
    assert found["person_year_cost", f"person {person}", "inpatient_pence"] == (cost, costs["inpatient_pence"])
    assert found["person_year_cost", f"person {person}", "total_pence"] == (cost, costs["total_pence"])
    everybody = table(published, "person_year_cost").filter(pl.col("is_registered"), financial_year=year)
    assert found["cost_by_setting", "all, total", "total_pence"] == (cost, everybody["total_pence"].sum())
    place = f"apc_spell, provider {row['provider_code']}, {row['activity_month']:%Y-%m}, linkage of accepted: linked"
    ledger = table(published, "cost_ledger").filter(
        feed="apc_spell", provider_code=row["provider_code"], activity_month=row["activity_month"]
    )
    linked = ledger.filter(stage="linkage", status="linked")["cost_pence"].item()
    assert found["cost_ledger", place, "cost_pence"] == (cost, linked)


def test_the_pence_of_a_person_are_in_the_profile_of_each_condition_once(
    published: Path, registered: pl.DataFrame
) -> None:
    """Of whoever has most conditions, some of which a list may count as one."""
    lists = table(published, "condition_list").filter(condition_list="qof")
    held = table(published, "person_year_condition").join(lists, on="condition_code")
    counts = held.group_by("financial_year", "person_id").len()
    row = registered.join(counts, on=["financial_year", "person_id"]).sort("len").row(-1, named=True)
    units = held.filter(financial_year=row["financial_year"], person_id=row["person_id"])["counted_as"].unique()
    profile = table(published, "condition_profile").filter(
        pl.col("counted_as").is_in(units.implode()), financial_year=row["financial_year"], condition_list="qof"
    )
    trail = follow(published, unit_of(row))
    found = [
        (one.place, one.pence, one.total)
        for one in trail.destinations
        if one.table == "condition_profile" and one.place.startswith("qof, ")
    ]
    assert len(units) > 1
    assert sorted(found) == sorted(
        (f"qof, {counted_as}", row["cost_pence"], total)
        for counted_as, total in profile.select("counted_as", "total_pence").rows()
    )


def test_every_column_of_pence_of_a_person_is_on_some_trail(published: Path, registered: pl.DataFrame) -> None:
    """One unit of each kind of care, by point of delivery, leads to its columns; the rest hold nothing here."""
    reached = set()
    for row in registered.unique("point_of_delivery", keep="first").rows(named=True):
        trail = follow(published, unit_of(row))
        reached |= {one.column for one in trail.destinations if one.table == "person_year_cost"}
    costs = table(published, "person_year_cost")
    held = {name for name in PERSON_YEAR_COST.pence_columns if costs[name].sum() > 0}
    assert held - reached <= {"outside_registration_pence", "after_death_pence", "proxy_pence"}


def test_a_package_has_a_part_for_each_month_and_one_can_be_chosen(published: Path, registered: pl.DataFrame) -> None:
    parts = registered.filter(feed="social_care_event")
    row = parts.filter(pl.len().over("delivery_id", "source_row") > 1).row(0, named=True)
    months = [f"{part['activity_month']:%Y-%m}" for part in follow(published, unit_of(row)).parts]
    assert len(months) > 1
    one = ActivityId(row["feed"], row["delivery_id"], row["source_row"], months[1])
    assert [f"{part['activity_month']:%Y-%m}" for part in follow(published, one).parts] == [months[1]]
    with pytest.raises(LinkedCareError, match="has no part in 1999-01"):
        follow(published, ActivityId(row["feed"], row["delivery_id"], row["source_row"], "1999-01"))


@pytest.mark.parametrize(
    "text", ["", "apc_spell", "apc_spell/x", "apc_spell/x/0", "apc_spell/../1", "a/b/1/2024", "a/b/c/d/e"]
)
def test_an_id_is_feed_delivery_and_row(text: str) -> None:
    with pytest.raises(LinkedCareError, match="FEED/DELIVERY/ROW"):
        ActivityId.read(text)


def test_what_has_not_come_in_is_told(published: Path) -> None:
    with pytest.raises(LinkedCareError, match="no such delivery"):
        follow(published, ActivityId("apc_spell", "apc_spell-SUS-1999-01", 1))
    delivery = table(published, "delivery_receipt").filter(feed="apc_spell", verdict="accepted").row(0, named=True)
    with pytest.raises(LinkedCareError, match=f"has {delivery['received_rows']:,} rows"):
        follow(published, ActivityId("apc_spell", delivery["delivery_id"], delivery["received_rows"] + 1))


def test_a_record_of_a_feed_without_payable_care_ends_at_the_door(published: Path) -> None:
    delivery = table(published, "delivery_receipt").filter(feed="gp_coded_event", verdict="accepted").row(0, named=True)
    trail = follow(published, ActivityId("gp_coded_event", delivery["delivery_id"], 1))
    assert dict(trail.delivery)["cost"] == "none: gp_coded_event is no feed of payable care"
    assert not trail.destinations


def test_the_commands_tell_pounds_and_no_value_of_the_record(published: Path, registered: pl.DataFrame) -> None:
    row = registered.filter(feed="apc_spell").row(0, named=True)
    shown = linked_care(published, "trace", f"apc_spell/{row['delivery_id']}/{row['source_row']}")
    assert shown.returncode == 0, shown.stderr
    assert f"£{row['cost_pence'] / 100:,.2f}" in shown.stdout
    assert f"linked to person {row['person_id']}, direct" in shown.stdout
    source = pl.read_parquet(
        sorted((published / "store" / "apc_spell" / row["delivery_id"]).glob("accepted-*.parquet")), glob=False
    ).row(by_predicate=pl.col("source_row") == row["source_row"], named=True)
    values = [str(source[name]) for name in ("pseudonym", "spell_id", "hrg_code", "lsoa_code", "icd10_codes")]
    assert not [value for value in values if value in shown.stdout]

    ledger = linked_care(published, "ledger", "--year", "2024-25", "--feed", "apc_spell")
    assert "…" not in ledger.stdout  # a figure cut in two is no figure
    whole = table(published, "cost_ledger").filter(financial_year="2024-25", feed="apc_spell", stage="linkage")
    assert ledger.returncode == 0, ledger.stderr
    assert f"{whole['cost_pence'].sum() / 100:,.2f}" in ledger.stdout
    as_csv = linked_care(published, "ledger", "--feed", "apc_spell", "--csv").stdout.splitlines()
    assert as_csv[0] == "stage,part_of,status,record_count,submitted_pence,cost_pence"
    assert linked_care(published, "ledger", "--feed", "visit").returncode == 1


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, nightly) -> Path:
    """A small county with planted faults."""
    home = tmp_path_factory.mktemp("faulty")
    synthesise(people=300, years=["2024-25"], seed=11, faults="default", to=home / "landing")
    nightly(home)
    return home


def test_a_rejected_row_ends_with_its_rule(faulty: Path) -> None:
    quarantine = pl.read_parquet(sorted((faulty / "store" / "quarantine").rglob("*.parquet")), glob=False)
    row = quarantine.filter(pl.col("feed").is_in(FEEDS_OF_CARE)).row(0, named=True)
    told = fate(faulty, unit_of(row))
    assert told.startswith(f"rejected to quarantine by rule {row['rule_code']}")
    assert not told.endswith(": ")


def test_rows_of_refused_and_repeated_deliveries_end_with_them(faulty: Path) -> None:
    receipts = table(faulty, "delivery_receipt")
    for verdict in ("refused", "repeat"):
        row = receipts.filter(verdict=verdict).row(0, named=True)
        told = fate(faulty, ActivityId(row["feed"], row["delivery_id"], 1))
        assert told == f"{verdict}, with its whole delivery: {row['reason']}"


def test_a_row_of_a_superseded_delivery_names_what_replaced_it(faulty: Path) -> None:
    """Of single rows that are superseded the reasons are told in `tests/unit/test_current.py`."""
    receipts = table(faulty, "delivery_receipt").filter(verdict="superseded", rejected_rows=0)
    row = receipts.filter(pl.col("received_rows") > 0).row(0, named=True)
    told = fate(faulty, ActivityId(row["feed"], row["delivery_id"], 1))
    assert told == f"superseded, with its whole delivery: {row['reason']}"
    assert "replaced by " in told


def test_every_row_of_a_delivery_has_an_end(faulty: Path) -> None:
    receipts = table(faulty, "delivery_receipt").filter(feed="ec_attendance", verdict="accepted")
    row = receipts.filter(pl.col("rejected_rows") > 0).row(0, named=True)
    units = [ActivityId("ec_attendance", row["delivery_id"], place) for place in range(1, row["received_rows"] + 1)]
    ends = [fate(faulty, unit).split(" ")[0].rstrip(":,") for unit in units]
    assert ends.count("rejected") == row["rejected_rows"]
    assert ends.count("superseded") == row["superseded_rows"]
    assert ends.count("accepted") == row["accepted_rows"]


def test_unlinked_care_is_in_no_table_of_people(faulty: Path) -> None:
    costs = table(faulty, "activity_cost").filter(pl.col("cost_pence") > 0, pl.col("link_status") != "linked")
    row = costs.row(0, named=True)
    trail = follow(faulty, unit_of(row))
    assert dict(trail.link)["link"].startswith(f"not linked, {row['link_status']}: ")
    tables = {one.table for one in trail.destinations}
    assert {"activity_cost", "cost_ledger", "linkage_quality", "linkage_bound"} <= tables
    assert not tables & {"person_year_cost", "cost_by_setting", "cost_by_age_band", "cohort_candidate"}
