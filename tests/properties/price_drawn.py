"""Random price books, as the rows of text that their files hold: schedules that overlap in years, gaps, ties and zeros.

Belongs here: prices, market forces, top-ups, indices and the policy of a book.
Does not belong here: care to be priced (`price_world.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

Row = dict[str, Any]
Text = dict[str, str]

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
HEADER = [
    "setting",
    "point_of_delivery",
    "currency_code",
    "description",
    "unit",
    "price_gbp",
    "trim_point_days",
    "excess_day_price_gbp",
    "price_year",
    "effective_from",
    "effective_to",
    "basis",
    "source",
    "licence",
    "status",
    "is_proxy",
    "national_activity",
]


def random_policy(chance: Random) -> Row:
    """What book.yaml says."""
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


def random_index(chance: Random) -> list[Text]:
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


def random_factors(chance: Random) -> Iterator[Text]:
    """Market forces factors; some providers have none."""
    for provider in PROVIDERS[:3]:
        if chance.random() < 0.7:
            for first, last in WINDOWS[chance.choice(["always", "halves", "gap", "past"])]:
                yield {
                    "provider_code": provider,
                    "factor": chance.choice(
                        ["1.005", "1.05", "1.25", f"1.{chance.randrange(300_000):06d}", "0.999999"]
                    ),
                    "effective_from": first,
                    "effective_to": last,
                    "source": "drawn",
                }


def random_top_ups(chance: Random) -> Iterator[Text]:
    """Top-ups, several of which one spell may earn; some books have none."""
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


def random_prices(chance: Random, coarse: list[tuple[str, str]]) -> list[Text]:
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
                    dict.fromkeys(HEADER, "")
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
    if is_grouped(setting, point):
        every = [root + letter for root in ROOTS[:5] for letter in "ABC"]
        return chance.sample(every, chance.randrange(2, 9))
    return [code for code in CODES[setting] if chance.random() < 0.6]


def is_grouped(setting: str, point: str) -> bool:
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
