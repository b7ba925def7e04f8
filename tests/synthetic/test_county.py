"""The county itself: repeatable, and like the place that it stands for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from synthetic import domains, identity, synthesise
from synthetic.chance import bounded_lognormal, events, pick, stream
from synthetic.codebook import conditions, position
from synthetic.morbidity import counted
from synthetic.need import person_years
from synthetic.periods import NEVER, Study, day_number
from synthetic.population import BLOCK, block_sizes
from tests.synthetic.landing import Landing

STUDY = Study.of(("2023-24", "2024-25"))


def fingerprints(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    return {
        f"{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("faults", ["none", "default", "all"])
def test_same_seed_same_bytes(tmp_path: Path, faults: str, request: pytest.FixtureRequest) -> None:
    landing: Landing = request.getfixturevalue({"none": "clean", "default": "faulty", "all": "all_faulty"}[faults])
    synthesise(2_000, STUDY.years, 2013, faults, tmp_path, workers=1)
    assert fingerprints(tmp_path) == fingerprints(landing.folder)


def test_another_seed_is_another_county(clean: Landing, tmp_path: Path) -> None:
    synthesise(2_000, STUDY.years, 2014, "none", tmp_path)
    file = Path("op_attendance") / "op_attendance-SUS-2024-04" / "OPA_202404.csv"
    assert (tmp_path / file).read_bytes() != (clean.folder / file).read_bytes()


def test_blocks_drawn_one_by_one_or_together_give_the_same_bytes(tmp_path: Path) -> None:
    people = 2 * BLOCK + 10
    assert len(block_sizes(people)) == 3
    for workers in (1, 3):
        synthesise(people, ("2024-25",), 5, "all", tmp_path / f"{workers}", workers=workers)
    assert fingerprints(tmp_path / "1") == fingerprints(tmp_path / "3")


def test_deliveries_are_never_overwritten(tmp_path: Path) -> None:
    synthesise(50, ("2024-25",), 1, "none", tmp_path)
    with pytest.raises(FileExistsError, match="immutable"):
        synthesise(50, ("2024-25",), 1, "none", tmp_path)


@pytest.mark.parametrize("years", [[], ["2024"], ["2024-26"], ["2022-23", "2024-25"]])
def test_financial_years_must_be_well_written_and_consecutive(years: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="financial year"):
        synthesise(10, years, 1, "none", tmp_path)


@pytest.mark.parametrize("people", [0, 2_000_001])
def test_too_few_or_too_many_people_are_refused(people: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="people"):
        synthesise(people, ("2024-25",), 1, "none", tmp_path)


def test_as_many_people_as_asked_are_registered_on_the_last_day(clean: Landing) -> None:
    register = clean.rows["patient_register"].filter(pl.col("period_end") == "2025-03-31")
    assert register.filter(pl.col("registered_to").is_null())["pseudonym"].n_unique() == 2_000
    assert register["pseudonym"].n_unique() > 2_000


def test_a_quarter_is_65_or_over_at_every_mid_year() -> None:
    study = Study.of(("2022-23", "2023-24", "2024-25"))
    blocks = [person_years(study, 2013, block, BLOCK).people for block in range(4)]
    for year in study.financial_years:
        middle = (year.start + year.end) // 2
        here = [
            people.age(
                there := np.flatnonzero((people.joined <= middle) & (people.left >= middle)),
                np.full(len(there), middle),
            )
            for people in blocks
        ]
        assert 0.225 < np.mean(np.concatenate(here) >= 65) < 0.255


def test_conditions_rise_with_age_and_deprivation_and_cluster() -> None:
    py = person_years(Study.of(("2024-25",)), 2013, 0, BLOCK)
    old, young = py.age >= 75, (py.age >= 18) & (py.age < 45)
    assert py.conditions[old].mean() > 5 * py.conditions[young].mean()
    assert 0.34 < np.mean(py.conditions > 0) < 0.46
    kidney, heart = py.has("ckd") | py.has("eskd"), py.has("chd")
    assert np.mean(kidney & heart) > 2 * np.mean(kidney) * np.mean(heart)
    poor, rich = py.people.decile[py.person] <= 3, py.people.decile[py.person] >= 8
    assert py.has("copd")[poor].mean() > py.has("copd")[rich].mean()


def test_graver_forms_suppress_milder_ones() -> None:
    active = np.zeros((2, len(conditions())), bool)
    active[0, [position("ca_solid"), position("ca_mets"), position("ckd"), position("eskd")]] = True
    active[1, [position("stroke"), position("tia"), position("melanoma"), position("ca_haem")]] = True
    count, priorities = counted(active)
    assert count.tolist() == [2, 3]  # spread and end-stage; stroke, melanoma, blood cancer
    assert priorities.tolist() == [2, 2]  # cancer and kidney; stroke and cancer


def test_nobody_uses_care_outside_registration(clean: Landing) -> None:
    register = clean.rows["patient_register"].filter(pl.col("period_end") == "2025-03-31")
    spells = register.group_by("pseudonym").agg(
        pl.col("registered_from").min(), pl.col("registered_to").fill_null("9999").max()
    )
    for feed, day in (
        ("op_attendance", "appointment_date"),
        ("ec_attendance", "arrival_date"),
        ("gp_appointment", "appointment_date"),
        ("mh_contact", "contact_date"),
        ("community_contact", "contact_date"),
        ("apc_spell", "discharge_date"),
    ):
        used = clean.of_people(feed).join(spells, left_on="person", right_on="pseudonym", validate="m:1")
        assert used.height == clean.rows[feed].height
        assert used.filter(
            (pl.col(day) < pl.col("registered_from")) | (pl.col(day) > pl.col("registered_to"))
        ).is_empty(), feed


def test_hospital_stays_of_one_person_do_not_overlap(clean: Landing) -> None:
    spells = clean.of_people("apc_spell").sort("person", "admission_date", "discharge_date")
    earlier = spells.with_columns(pl.col("discharge_date").shift(1).over("person").alias("before"))
    assert earlier.filter(pl.col("before") > pl.col("admission_date")).is_empty()


def test_prices_are_missing_for_few_attended_and_all_missed_appointments(clean: Landing) -> None:
    seen = pl.col("attendance_status_code").is_in(["5", "6"])
    rows = clean.rows["op_attendance"]
    assert rows.filter(~seen)["submitted_price"].is_null().all()
    assert 0.03 < rows.filter(seen)["submitted_price"].is_null().mean() < 0.07
    assert 0.05 < rows.select(~seen).to_series().mean() < 0.09


def test_payable_days_are_nights_without_those_in_critical_care(clean: Landing) -> None:
    rows = clean.rows["apc_spell"].with_columns(
        pl.col("admission_date", "discharge_date").str.to_date(),
        pl.col("critical_care_days", "payable_days").cast(pl.Int64),
    )
    nights = (pl.col("discharge_date") - pl.col("admission_date")).dt.total_days()
    assert (rows["critical_care_days"] > 0).sum() > 3
    assert rows.filter(pl.col("critical_care_days") > nights).is_empty()
    assert rows.filter(pl.col("payable_days") != nights - pl.col("critical_care_days")).is_empty()
    assert 0.1 < rows["payable_days"].is_null().mean() < 0.3
    assert 0.01 < rows["best_practice_flag"].is_not_null().mean() < 0.05


def test_attendances_of_several_professions_are_grouped_as_such(clean: Landing) -> None:
    rows = clean.rows["op_attendance"].filter(pl.col("hrg_code").str.starts_with("WF"))
    several = pl.col("multi_professional_code").is_not_null()
    assert rows.filter(several != pl.col("hrg_code").str.starts_with("WF02")).is_empty()
    assert 0.03 < rows.select(several).to_series().mean() < 0.05


def test_net_ingredient_cost_is_near_the_actual_and_few_lines_are_not_paid(clean: Landing) -> None:
    rows = clean.rows["gp_prescription"].with_columns(
        pl.col("net_ingredient_price", "submitted_price").cast(pl.Float64)
    )
    sent = rows.drop_nulls("net_ingredient_price")
    assert 0.28 < sent.height / rows.height < 0.32
    assert abs(sent["net_ingredient_price"].sum() / sent["submitted_price"].sum() - 1) < 0.005
    free = rows.filter(paid_code="N")
    assert free.height == rows.filter(not_dispensed_code="Y").height + rows.filter(private_code="1").height
    assert 0 < free.height < 0.003 * rows.height


def test_people_pay_a_part_of_lasting_packages_or_all(clean: Landing) -> None:
    rows = clean.rows["social_care_event"].with_columns(pl.col("unit_cost", "client_contribution").cast(pl.Float64))
    lasting = rows.filter(~pl.col("cost_frequency").is_in(["One-off"]))
    sent = lasting.drop_nulls("client_contribution")
    assert 0.3 < sent.height / lasting.height < 0.6
    assert sent.filter(pl.col("client_contribution") > 0.61 * pl.col("unit_cost")).is_empty()
    assert 0 < lasting.filter(full_cost_client="Yes").height / lasting.height < 0.15
    assert rows.filter(pl.col("full_cost_client") == "Yes", pl.col("client_contribution").is_not_null()).is_empty()
    assert rows.filter(cost_frequency="One-off")["client_contribution"].null_count() > 0
    assert rows.filter(cost_frequency="One-off").drop_nulls("client_contribution").is_empty()


def test_conditions_are_coded_again_within_five_years(clean: Landing) -> None:
    """Of the people with diabetes in their record, nearly all have a code in the five financial years to 2024-25."""
    codes = ["44054006", "46635009", "73211009", "313436004", "313435000"]
    coded = clean.rows["gp_coded_event"].filter(
        pl.col("snomed_code").is_in(codes) & (pl.col("record_date") < "2024-04-01")
    )
    register = clean.rows["patient_register"].filter(
        (pl.col("period_end") == "2025-03-31") & pl.col("registered_to").is_null()
    )
    present = coded.filter(pl.col("pseudonym").is_in(register["pseudonym"].implode()))
    recent = present.filter(pl.col("record_date") >= "2020-04-01")
    assert recent["pseudonym"].n_unique() > 0.95 * present["pseudonym"].n_unique() > 50


def test_pseudonyms_are_ten_digits_unique_and_rarely_pass_the_check_digit(clean: Landing) -> None:
    issued = identity.pseudonyms(np.arange(200_000), 2013)
    assert len(np.unique(issued)) == len(issued)
    assert issued.min() >= 10**9
    assert issued.max() < 10**10
    digits = (issued[:, None] // 10 ** np.arange(9, -1, -1)) % 10
    check = 11 - (digits[:, :9] * np.arange(10, 1, -1)).sum(axis=1) % 11
    assert 0.08 < np.mean(np.where(check == 11, 0, check) == digits[:, 9]) < 0.10
    form = {"csds_person_id": r"^[0-9A-Z]{15}$", "mhsds_person_id": r"^[0-9A-Z]{15}$", "council_905": r"^\d{7}$"}
    for (domain,), names in clean.truth_identifiers.partition_by("pseudonym_domain", as_dict=True).items():
        assert names["pseudonym"].str.contains(form.get(domain, r"^\d{10}$")).all(), domain


def test_identifiers_of_every_domain_are_unique() -> None:
    index = np.arange(500_000)
    for domain in ("south_somerset", "csds_person_id", "mhsds_person_id", "council_905", "sus_2022"):
        assert domains.issued(domain, index, 2013).n_unique() == len(index), domain
    with pytest.raises(ValueError, match="two million"):
        domains.issued("council_905", np.array([9_000_000]), 2013)


def test_streams_are_apart_and_repeatable() -> None:
    first, again = stream(1, "a", 0).random(4), stream(1, "a", 0).random(4)
    assert (first == again).all()
    assert not (first == stream(1, "a", 1).random(4)).any()
    assert not (first == stream(1, "b", 0).random(4)).any()


def test_draws_keep_their_bounds() -> None:
    rng = stream(3, "bounds")
    assert np.bincount(events(rng, np.full(500, 9.0), 4)).max() == 4
    assert bounded_lognormal(rng, 10.0, 2.0, 5_000, 30.0).max() == 30.0
    share = np.bincount(pick(rng, (1, 0, 3), 20_000), minlength=3) / 20_000
    assert share[1] == 0
    assert abs(share[2] - 3 / (1 + 3)) < 0.02


def test_the_study_knows_its_days() -> None:
    assert [m.label for m in STUDY.months[:2]] == ["2023-04", "2023-05"]
    assert STUDY.quarters[-1].label == "2024-25-Q4"
    days = np.array([STUDY.start, STUDY.start + 29, STUDY.start + 30, STUDY.end])
    assert STUDY.month_of(days).tolist() == [0, 0, 1, 23]
    assert STUDY.history.end == STUDY.start - 1
    assert day_number(STUDY.history.start_date) < STUDY.history.end < NEVER
