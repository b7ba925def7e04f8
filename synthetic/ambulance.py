"""Ambulance incidents: those that bring somebody to an emergency department, and those that end where they began.

Who is conveyed is drawn from the attendances of `emergency`, which then carry the number of their incident. Calls
without a patient are not drawn. Not here: the attendances themselves.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import calibration, columns
from synthetic.chance import events, label, pick, stream
from synthetic.emergency import WARD
from synthetic.identity import record_numbers
from synthetic.need import PersonYears
from synthetic.periods import Study

INCIDENT = "Ambulance_Incident_Number"
_SERVICE = "RYF"  # South Western Ambulance Service
_CATEGORIES = ("C1", "C2", "C3", "C4", "C5", "HCP", "IFT")
_TREATMENTS = ("Hear and treat", "See and treat", "See and convey", "Other")
# Shares of the categories of each treatment.
_CATEGORY_SHARES = (
    (0.00, 0.05, 0.35, 0.10, 0.50, 0.00, 0.00),
    (0.08, 0.52, 0.33, 0.04, 0.02, 0.01, 0.00),
    (0.10, 0.62, 0.19, 0.01, 0.00, 0.06, 0.02),
    (0.05, 0.35, 0.35, 0.10, 0.15, 0.00, 0.00),
)
_CONVEYED = 2


def with_incidents(
    attendances: pl.DataFrame, py: PersonYears, study: Study, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Attendances with the number of the incident that brought them, and all incidents.

    Grain of the incidents: one call and patient.
    """
    rng, block = stream(seed, "ambulance_incident", py.people.block), py.people.block
    admitted = (attendances["Discharge_Destination_SNOMED_CT"] == WARD).to_numpy()
    major = (attendances["EC_Department_Type"] == "01").to_numpy()
    share = np.select([admitted, major], [calibration.CONVEYED_OF_ADMITTED, calibration.CONVEYED_OF_OTHERS], 0)
    conveyed = np.flatnonzero(rng.random(attendances.height) < share)
    expected = (
        py.by_age(calibration.AMBULANCE_BASE) * py.by_count(calibration.AMBULANCE_BY_COUNT) * py.intensity**0.5
    ) * py.exposure
    own = events(rng, expected, 12)
    brought = attendances[conveyed]
    here = py.days(rng, own)
    treatment = np.concatenate(
        [np.full(len(conveyed), _CONVEYED), np.array([0, 1, 3])[pick(rng, (0.26, 0.64, 0.10), len(own))]]
    )
    day = np.concatenate([brought["Arrival_Date"].to_physical().to_numpy(), here]).astype(np.int32)
    category = np.zeros(len(day), int)
    for place, shares in enumerate(_CATEGORY_SHARES):
        chosen = treatment == place
        category[chosen] = pick(rng, shares, int(chosen.sum()))
    number = record_numbers(block, len(day), 9)
    incident = pl.select(pl.concat_str(pl.lit("SW"), columns.text(number))).to_series()
    incidents = columns.frame(
        "ambulance_incident",
        study.month_of(day),
        {
            "Call Identifier": columns.text(number),
            "Care Contact Identifier": "1",
            "Incident Number": incident,
            "Pseudo NHS Number": pl.concat(
                [brought["Der_Pseudo_NHS_Number"], columns.pseudonym(py.people, py.person[own])]
            ),
            "Provider Code": _SERVICE,
            "Time Call Connected": columns.dates(day),
            "Response Category": label(_CATEGORIES, category),
            "Treatment Type": label(_TREATMENTS, treatment),
        },
    )
    numbered = attendances[INCIDENT].scatter(conveyed, incident.head(len(conveyed)))
    return attendances.with_columns(numbered), incidents
