"""Random care and a random price book to price it by, drawn so that every rule of pricing is met often.

Belongs here: rows of activity and of admitted spells; writing a book as files.
Does not belong here: the rows of a book (`price_drawn.py`); what the care should cost (`price_oracle.py`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import yaml

from tests.properties.price_drawn import (
    CODES,
    HEADER,
    PROVIDERS,
    ROOTS,
    UNBUNDLED,
    Row,
    Text,
    is_grouped,
    random_factors,
    random_index,
    random_policy,
    random_prices,
    random_top_ups,
)

Place = tuple[str, str, str]  # setting, point of delivery, price point

YEAR = "2024-25"
MONTHS = [date(2024 + month // 12, month % 12 + 1, 1) for month in range(3, 15)]
DIAGNOSES = ("I21.9", "J440", "C50.9", "C61X")
PROCEDURES = ("W371", "K401", "A521")
PLACES = (  # price points that are their own book point, which the reference file need not name
    ("inpatient", "community_bed_day", "community_bed_day"),
    ("outpatient", "procedure", "procedure"),
    ("emergency", "emergency_attendance", "emergency_attendance"),
    ("emergency", "ambulance", "ambulance"),
    ("primary", "gp_appointment", "gp_appointment"),
    ("primary", "gp_appointment", "gp_appointment_at_home"),
    ("primary", "prescribing", "prescribing"),
    ("community", "community_contact", "community_contact"),
    ("community", "district_nursing", "district_nursing"),
    ("mental_health", "mh_contact", "mh_contact"),
    ("mental_health", "mh_bed_day", "mh_bed_day"),
    ("mental_health", "mh_cluster_day", "mh_cluster_day"),
    ("social_care", "community_support", "community_support"),
    ("continuing_care", "fast_track", "fast_track"),
)


@dataclass(frozen=True)
class PriceWorld:
    """A book, the care that it is to price, and the spells that some of the care comes from."""

    book: Row
    prices: list[Text]
    factors: list[Text]
    top_ups: list[Text]
    index: list[Text]
    activity: list[Row]
    spells: list[Row]

    def write(self, folder: Path) -> None:
        """The book as a folder, and the index beside it."""
        folder.mkdir(parents=True)
        (folder / "book.yaml").write_text(yaml.safe_dump(self.book))
        for name, header, rows in (
            ("price", HEADER, self.prices),
            (
                "market_forces_factor",
                ["provider_code", "factor", "effective_from", "effective_to", "source"],
                self.factors,
            ),
            ("top_up", ["provider_code", "code_system", "code", "rate", "source"], self.top_ups),
            (
                "price_index",
                ["index_name", "vintage", "price_year", "index_value", "is_provisional", "source", "licence"],
                self.index,
            ),
        ):
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, header)
                writer.writeheader()
                writer.writerows(rows)


def places(path: Path) -> tuple[list[Place], list[tuple[str, str]]]:
    """Price points of activity, and the book points under which a book may price them, from the reference file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    fine = {(row["setting"], row["point_of_delivery"], row["price_point"]) for row in rows} | set(PLACES)
    coarse = {(row["setting"], row["book_point"]) for row in rows}
    return sorted(fine), sorted(coarse | {(setting, point) for setting, _, point in PLACES})


def random_price_world(seed: int, units: int, path: Path) -> PriceWorld:
    """A book of one kind or another, and `units` rows of activity."""
    chance = Random(seed)
    fine, coarse = places(path)
    prices = random_prices(chance, coarse)
    activity, spells = [], []
    for place in range(1, units + 1):
        unit = _unit(chance, place, chance.choice(fine))
        activity.append(unit)
        if unit["setting"] == "inpatient" and chance.random() < 0.6:
            spells.append(_spell(chance, unit))
    return PriceWorld(
        random_policy(chance),
        prices,
        list(random_factors(chance)),
        list(random_top_ups(chance)),
        random_index(chance),
        activity,
        spells,
    )


def _unit(chance: Random, place: int, where: Place) -> Row:
    setting, point, price_point = where
    month = chance.choice([*MONTHS, date(2024, 4, 1), date(2024, 10, 1), date(2024, 7, 1), date(2025, 3, 1)])
    is_admitted = setting == "inpatient"
    quantity = 1
    if not is_admitted and chance.random() < 0.5:
        quantity = chance.choice([0, 2, 3, 7, 30, 60, 999, 250_000])
    pence = chance.choice(
        [None, None, None, None, None, 0, chance.randrange(10_000_000), 2 * chance.randrange(999) + 1]
    )
    return {
        "feed": "apc_spell" if is_admitted else f"feed_of_{setting}",
        "delivery_id": f"d{place % 3}",
        "source_row": place,
        "financial_year": YEAR,
        "activity_month": month,
        "activity_date": month + timedelta(chance.randrange(28)),
        "person_id": None,
        "link_status": "not_registered",
        "exposure_status": None,
        "provider_code": chance.choice(PROVIDERS[:4]),
        "setting": setting,
        "point_of_delivery": point,
        "currency_code": _code(chance, setting, point),
        "price_point": price_point,
        "payable_days": chance.choice([None, 0, 1, 2, 5, 6, 11, 12, 400]) if is_admitted else None,
        "is_proxy_currency": setting == "community" and chance.random() < 0.5,
        "quantity": quantity,
        "is_payable": chance.random() > 0.03,
        "record_count": 1,
        "submitted_pence": pence if setting in ("inpatient", "outpatient", "emergency", "primary") else None,
        "package_pence": pence if setting in ("social_care", "continuing_care") else None,
        "net_ingredient_pence": chance.choice([None, 0, chance.randrange(9999)]) if point == "prescribing" else None,
        "client_contribution_pence": chance.choice([None, 0, 3]) if setting == "social_care" else None,
    }


def _code(chance: Random, setting: str, point: str) -> str | None:
    """A code that a book may hold; or nobody's, an ungrouped one, one of a root or a subchapter, or none."""
    if is_grouped(setting, point):
        known = [root + letter for root in ROOTS for letter in "ABCD"]
        return chance.choice([*known, *known, "HN99Z", "HE99Z", "FD99Z", "ZZ99Z", "UZ01Z", "UZ04Z", None])
    return chance.choice([*CODES[setting], *CODES[setting], *CODES[setting], "X99", None])


def _spell(chance: Random, unit: Row) -> Row:
    """The admitted spell behind a unit, as the feed holds it."""
    joined = chance.choice([",", "||", "|"])
    unbundled = [code + chance.choice(["", "", "*3"]) for code in chance.choices(UNBUNDLED, k=chance.randrange(5))]

    def some(codes: tuple[str, ...], most: int) -> str | None:
        return joined.join(chance.sample(codes, chance.randrange(most + 1))) or None

    return {
        "delivery_id": unit["delivery_id"],
        "source_row": unit["source_row"],
        "provider_code": unit["provider_code"],
        "admission_date": unit["activity_date"] - timedelta(unit["payable_days"] or 0),
        "discharge_date": unit["activity_date"],
        "hrg_code": unit["currency_code"],
        "icd10_codes": some(DIAGNOSES, 3),
        "opcs4_codes": some(PROCEDURES, 2),
        "unbundled_hrg_codes": joined.join(unbundled) or None,
        "critical_care_days": chance.choice([None, 0, 1, 9]),
        "rehabilitation_days": chance.choice([None, 0, 14]),
        "specialist_palliative_care_days": chance.choice([None, 0, 3]),
        "submitted_price": None if unit["submitted_pence"] is None else Decimal(unit["submitted_pence"]) / 100,
    }
