"""Community health contacts: district nursing, therapies, specialist nursing, health visiting, end of life care."""

# ruff: noqa: PLR2004 - shares and ages of a draw are said where they are drawn
from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.chance import bounded_lognormal, events, label, pick, pick_by_row, stream
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import Study

_MOST_CONTACTS = 110


def _drivers(py: PersonYears) -> dict[str, np.ndarray]:
    """How strongly each driver of `community_service.csv` applies to each row; conditions apply as 0 or 1."""
    age = py.age
    frail = 1 + 0.25 * np.minimum(py.conditions, 8)
    return {
        "old": np.select([age >= 85, age >= 75, age >= 65], [1.6, 0.8, 0.25], 0) * frail,
        "adult": (age >= 18) * 1.0,
        "infant": (age < 4) * 12.0,
        "school": ((age >= 4) & (age < 18)) * 10.0,
        "dying": py.dies * 12.0,
    }


def community_contact(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one care contact. Units: minutes."""
    rng = stream(seed, "community_contact", py.people.block)
    known = _drivers(py)
    services = codebook.rows("community_service")
    pull = np.stack(
        [float(s["weight"]) * (known[s["driver"]] if s["driver"] in known else py.has(s["driver"])) for s in services],
        axis=1,
    )
    pull *= calibration.COMMUNITY_SCALE * py.exposure[:, None]
    row = events(rng, pull.sum(axis=1) * py.intensity, _MOST_CONTACTS)
    service = pick_by_row(rng, pull[row])
    person, day, count = py.person[row], py.days(rng, row), len(row)
    teams = np.array(codebook.column("community_service", "team_type_code"))[service]
    status, _ = columns.attendance_status(rng, count)
    mechanism = pick(rng, (0.83, 0.14, 0.03), count)
    minutes = np.maximum(5 * np.round(bounded_lognormal(rng, 32.0, 0.5, count, 180) / 5), 5).astype(np.int32)
    team = columns.text(teams.astype(int)).str.zfill(2)
    # One referral to one team in one financial year.
    referral = pl.select(
        pl.concat_str(
            pl.lit("RH5"), columns.text(py.people.index[person]).str.zfill(9), team, columns.text(py.year[row])
        )
    ).to_series()
    return columns.frame(
        "community_contact",
        study.month_of(day),
        {
            "Unique_CareContactID": columns.text(record_numbers(py.people.block, count, 5)),
            "Unique_ServiceRequestID": referral,
            "Pseudo_NHS_Number": columns.pseudonym(py.people, person),
            "OrgID_Provider": "RH5",
            "Contact_Date": columns.dates(day),
            "CareContact_Duration": pl.Series(minutes),
            "AttendanceStatus": status,
            "ConsMechanism": label(("01", "02", "11"), mechanism),
            "Activity_LocationType": label(
                ("A01", "B01", "C01"), np.where(py.age[row] >= 65, 0, pick(rng, (0.4, 0.4, 0.2), count))
            ),
            "TeamType": team,
            "Gender": columns.sex(py.people, person),
            "AgeYr_Contact_Date": pl.Series(py.people.age(person, day)),
        },
    )
