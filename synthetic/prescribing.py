"""Community prescriptions: one row per dispensed item line, dated by its month of processing."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic import calibration, codebook, columns
from synthetic.chance import events, label, pick, stream
from synthetic.need import PersonYears
from synthetic.periods import NEVER, Study

_DRUGS_PER_CONDITION = 2
_SECOND_DRUG_SHARE = 0.6
_COST_SPREAD = 0.45
_NET_SPREAD = 0.03  # of the net ingredient cost around the actual cost: discounts and fees
_DEAREST_ITEM = 400.0
# Items that many people have without any of the 52 conditions, and their relative frequency.
_OTHER = {
    "0103050P0": 14,
    "0103050L0": 14,
    "0407010H0": 9,
    "0407010F0": 9,
    "1001010P0": 7,
    "0906040G0": 9,
    "0403010B0": 6,
    "0301011R0": 6,
    "0603020T0": 5,
    "0212000B0": 16,
    "0901011F0": 4,
    "0302000C0": 3,
    "0901020G0": 4,
    "0109040N0": 1,
    "0601060D0": 2,
    "0302000K0": 2,
}


def gp_prescription(py: PersonYears, study: Study, seed: int) -> pl.DataFrame:
    """Grain: one item line. Units: pounds, units of the product. Costs: Drug Tariff 08/2025, NHSBSA EPD 2017."""
    rng = stream(seed, "gp_prescription", py.people.block)
    person, drug, month = (
        np.concatenate(parts) for parts in zip(_repeats(rng, py, study), _others(rng, py, study), strict=True)
    )
    starts = np.array([m.start for m in study.months])
    usual = codebook.numbers("drug", "cost_per_item_gbp")[drug]
    amount = codebook.numbers("drug", "quantity")[drug]
    packs = pick(rng, (0.62, 0.30, 0.08), len(drug)) + 1
    cost = np.minimum(
        usual * (0.55 + 0.45 * packs) * np.exp(_COST_SPREAD * rng.standard_normal(len(drug))), _DEAREST_ITEM
    )
    # The pseudo-classification code of the product adds generic product and first presentation to the chemical.
    products = [f"{code}AAAAAA" for code in codebook.column("drug", "bnf_chemical_code")]
    day = np.maximum(starts[month], py.people.joined[person])
    payment = stream(seed, "gp_prescription_payment", py.people.block)
    draw = payment.random(len(drug)) / calibration.NOT_PAID_SHARE
    not_dispensed, private = draw < 1, np.floor(draw) == 1
    net = np.round(cost * np.exp(_NET_SPREAD * payment.standard_normal(len(drug)) - _NET_SPREAD**2 / 2), 2)
    return columns.frame(
        "gp_prescription",
        month,
        {
            "dmicPseudoNHSNumber": columns.pseudonym(py.people, person),
            "CostCentreODSCode": columns.practice(py.people, person, day),
            "ProcessingPeriodDate": columns.dates(starts[month]),
            "PaidBNFCode": label(products, drug),
            "ItemCount": pl.Series(np.ones(len(drug), dtype=np.int32)),
            "PaidQuantity": pl.Series(amount * packs),
            "ItemActualCost": pl.Series(np.round(cost, 2)),
            "ItemNIC": pl.Series(net).set(
                pl.Series(payment.random(len(drug)) >= calibration.NET_INGREDIENT_SHARE), None
            ),
            "NotDispensedIndicator": label(("N", "Y"), not_dispensed.astype(int)),
            "PaidIndicator": label(("Y", "N"), (not_dispensed | private).astype(int)),
            "PrivatePrescriptionIndicator": label(("0", "1"), private.astype(int)),
        },
    )


def _repeats(rng: np.random.Generator, py: PersonYears, study: Study) -> tuple[np.ndarray, ...]:
    """Repeat items: one or two drugs for each condition, in most months from its onset."""
    listed = [row["condition_codes"].split(";") for row in codebook.rows("drug")]
    options = [[d for d, treats in enumerate(listed) if condition in treats] for condition in codebook.conditions()]
    count = np.array([len(drugs) for drugs in options])
    table = np.array([drugs + [0] * (max(count) - len(drugs)) for drugs in options])
    person, condition = np.nonzero((py.onset != NEVER) & (count > 0))
    first = np.floor(rng.random(len(person)) * count[condition]).astype(int)
    has_second = (count[condition] > 1) & (rng.random(len(person)) < _SECOND_DRUG_SHARE)
    second = (first + 1) % count[condition]
    drug = np.concatenate([table[condition, first], table[condition[has_second], second[has_second]]])
    person, condition = np.concatenate([person, person[has_second]]), np.concatenate([condition, condition[has_second]])

    people = py.people
    begins = np.maximum(np.maximum(py.onset[person, condition], people.joined[person]), study.start)
    ends = np.minimum(people.left[person], study.end)
    alive = begins <= ends
    person, drug, begins, ends = person[alive], drug[alive], begins[alive], ends[alive]
    first_month, last_month = study.month_of(begins), study.month_of(ends)
    months = last_month - first_month + 1
    line = np.repeat(np.arange(len(person)), months)
    month = first_month[line] + np.arange(len(line)) - np.repeat(np.cumsum(months) - months, months)
    dispensed = rng.random(len(line)) < calibration.REPEAT_ITEMS_SHARE
    return person[line[dispensed]], drug[line[dispensed]], month[dispensed]


def _others(rng: np.random.Generator, py: PersonYears, study: Study) -> tuple[np.ndarray, ...]:
    """Items for short illnesses, prevention and symptoms."""
    codes = codebook.column("drug", "bnf_chemical_code")
    row = events(rng, py.by_age(calibration.OTHER_ITEMS_BASE) * py.intensity**0.5 * py.exposure, 90)
    drug = np.array([codes.index(code) for code in _OTHER])[pick(rng, list(_OTHER.values()), len(row))]
    return py.person[row], drug, study.month_of(py.days(rng, row))
