"""Random price books and random care to be priced by them, drawn so that every rule of pricing is met often.

Belongs here: a book's rows as text, as its files hold them, and rows of activity and of admitted spells.
Does not belong here: what the care should cost (`price_oracle.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import yaml

Row = dict[str, Any]
Text = dict[str, str]
Place = tuple[str, str, str]  # setting, point of delivery, price point

YEAR = "2024-25"
MONTHS = [date(2024 + month // 12, month % 12 + 1, 1) for month in range(3, 15)]
PRICE_YEARS = ("2017-18", "2022-23", "2023-24", "2024-25", "2025-26", "2026-27")
PROVIDERS = ("RH5", "RA4", "RBA", "L85001", "905")
GROUPED = {"inpatient", "emergency"}
ROOTS = ("HN22", "HN23", "HE11", "HE12", "FD10", "EB03")
CODES = {
    "primary": ("GP-MIN", "GP-TEL", "PN-F2F", "AHP-HV"),
    "outpatient": ("110", "130", "320", "650"),
    "community": ("N02AF", "A01A1", "N25AF"),
    "mental_health": ("A01", "A06", "200", "14"),
    "social_care": ("HOURS",),
    "continuing_care": ("FAST",),
    "emergency": ("01", "02", "03"),
    "inpatient": ("EpGro04", "EpGro06"),
}
UNBUNDLED = ("XC01Z", "XC06Z", "XB05Z", "VC01Z", "SD01A", "SB97Z", "RD20A", "XD01Z")
DIAGNOSES = ("I21.9", "J440", "C50.9", "C61X")
PROCEDURES = ("W371", "K401", "A521")
WINDOWS = {  # first and last days of the rows of one code; lists with gaps, wholly past and wholly to come
    "always": (("", ""),),
    "halves": (("2024-04-01", "2024-09-30"), ("2024-10-01", "2025-03-31")),
    "open": (("", "2024-07-31"), ("2024-08-01", "")),
    "gap": (("2023-04-01", "2024-05-31"), ("2024-11-01", "2025-03-31")),
    "month": (("2024-06-01", "2024-06-30"), ("2024-07-01", "2024-07-31")),
    "past": (("2021-04-01", "2022-03-31"), ("2022-04-01", "2023-03-31")),
    "to_come": (("2025-04-01", "2026-03-31"),),
    "year": (("2023-04-01", "2024-03-31"), ("2024-04-01", "2025-03-31"), ("2025-04-01", "")),
}
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
_HEADER = (
    "setting point_of_delivery currency_code description unit price_gbp trim_point_days excess_day_price_gbp price_year "
    "effective_from effective_to basis source licence status is_proxy national_activity"
).split()


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
            ("price", _HEADER, self.prices),
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
    prices = _prices(chance, coarse)
    activity, spells = [], []
    for place in range(1, units + 1):
        unit = _unit(chance, place, chance.choice(fine))
        activity.append(unit)
        if unit["setting"] == "inpatient" and chance.random() < 0.6:
            spells.append(_spell(chance, unit))
    return PriceWorld(
        _book(chance), prices, list(_factors(chance)), list(_top_ups(chance)), _index(chance), activity, spells
    )


def _book(chance: Random) -> Row:
    names = ("nhscii", "toy", "short")
    return {
        "name": "drawn",
        "version": "1",
        "title": "A book drawn at random",
        "submitted_price": chance.choice(["first", "first", "first", "ignored"]),
        "prescribing": chance.choice(["net_ingredient", "actual"]),
        "real_year": chance.choice(["2024-25", "2023-24"]),
        "index": {name: chance.choice(names) for name in ("default", "social_care", "continuing_care")},
    }


def _index(chance: Random) -> list[Text]:
    """A real index, one whose ratios make ties, and one that lacks years."""
    values = {
        "nhscii": ("103.7693", "121.5020", "124.5031", "129.5081", "134.1"),
        "toy": ("100", "150", "125", "200", "300"),
        "short": (None, None, "100", "104.5", None),
    }
    return [
        {
            "index_name": name,
            "vintage": "first",
            "price_year": year,
            "index_value": value,
            "is_provisional": "false",
            "source": f"Index {name}",
            "licence": "OGL v3",
        }
        for name, found in values.items()
        for year, value in zip(PRICE_YEARS, found, strict=False)
        if value
    ]


def _factors(chance: Random) -> Iterator[Text]:
    for provider in PROVIDERS[:3]:
        if chance.random() < 0.7:
            for first, last in WINDOWS[chance.choice(["always", "halves", "gap", "past"])]:
                yield {
                    "provider_code": provider,
                    "factor": chance.choice(["1.005", "1.05", "1.25", f"1.{chance.randrange(300_000):06d}", "0.999999"]),
                    "effective_from": first,
                    "effective_to": last,
                    "source": "drawn",
                }


def _top_ups(chance: Random) -> Iterator[Text]:
    seen = set()
    for _ in range(chance.choice([0, 6, 12])):
        system, code = chance.choice(
            [
                ("icd10", chance.choice(["I21", "J44", "C5", "C509"])),
                ("opcs4", chance.choice(["W37", "W3", "K401"])),
                ("hrg", chance.choice(["HN2", "FD10", "EB"])),
            ]
        )
        provider = chance.choice(PROVIDERS[:3])
        if (provider, system, code) not in seen:
            seen.add((provider, system, code))
            rate = chance.choice(["0.05", "0.11", "0.25", "0.5"])
            yield {"provider_code": provider, "code_system": system, "code": code, "rate": rate, "source": "drawn"}


def _prices(chance: Random, coarse: list[tuple[str, str]]) -> list[Text]:
    """A book of one to three schedules; most rows keep the dates of their schedule, some have their own."""
    is_weighted = chance.choice(["all", "none", "some"])
    by_default = chance.choice(list(WINDOWS))
    rows: list[Text] = []
    for setting, point in [*coarse, ("inpatient", "unbundled")]:
        has_mean = chance.random() < 0.6 and point != "unbundled"
        for code in [*_codes_of_book(chance, setting, point), *(["ALL"] if has_mean else [])]:
            kind = by_default if chance.random() < 0.85 else chance.choice(list(WINDOWS))
            has_trim = setting == "inpatient" and code != "ALL" and point != "unbundled" and chance.random() < 0.6
            for first, last in WINDOWS[kind]:
                rows.append(
                    dict.fromkeys(_HEADER, "")
                    | {
                        "setting": setting,
                        "point_of_delivery": point,
                        "currency_code": code,
                        "description": f"{point} {code}",
                        "unit": "unit",
                        "price_gbp": _pounds(chance),
                        "trim_point_days": str(chance.randrange(2, 12)) if has_trim else "",
                        "excess_day_price_gbp": _pounds(chance) if has_trim else "",
                        "price_year": chance.choice(PRICE_YEARS),
                        "effective_from": first,
                        "effective_to": last,
                        "basis": chance.choice(["tariff", "tariff", "cost", "local"]),
                        "source": f"Schedule {len(rows) % 7}",
                        "licence": "OGL v3",
                        "status": chance.choice(["V", "D"]),
                        "is_proxy": "true" if chance.random() < 0.1 else "false",
                        "national_activity": str(chance.choice([0, 1, 3, 1000, 4_600_000]))
                        if is_weighted == "all" or (is_weighted == "some" and chance.random() < 0.5)
                        else "",
                    }
                )
    return rows


def _codes_of_book(chance: Random, setting: str, point: str) -> list[str]:
    if point == "unbundled":
        return chance.sample(UNBUNDLED, 5)
    if _is_grouped(setting, point):
        every = [root + letter for root in ROOTS[:5] for letter in "ABC"]
        return chance.sample(every, chance.randrange(2, 9))
    return [code for code in CODES[setting] if chance.random() < 0.6]


def _is_grouped(setting: str, point: str) -> bool:
    """Whether its codes are healthcare resource groups."""
    return (setting in GROUPED and point not in ("ambulance", "community_bed_day")) or point == "procedure"


def _pounds(chance: Random) -> str:
    """Pounds with up to four decimals, many of them half a penny."""
    return chance.choice(
        [
            f"{chance.randrange(3000)}.{chance.randrange(100):02d}5",
            f"{chance.randrange(3000)}.{chance.randrange(10_000):04d}",
            f"{chance.randrange(8000)}",
            f"{chance.randrange(8000)}.{chance.randrange(100):02d}",
            "0.005",
            "0",
            "99999.9999",
        ]
    )


def _unit(chance: Random, place: int, where: Place) -> Row:
    setting, point, price_point = where
    month = chance.choice([*MONTHS, date(2024, 4, 1), date(2024, 10, 1), date(2024, 7, 1), date(2025, 3, 1)])
    is_admitted = setting == "inpatient"
    quantity = 1
    if not is_admitted and chance.random() < 0.5:
        quantity = chance.choice([0, 2, 3, 7, 30, 60, 999, 250_000])
    pence = chance.choice([None, None, None, None, None, 0, chance.randrange(10_000_000), 2 * chance.randrange(999) + 1])
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
    if _is_grouped(setting, point):
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
