"""What a unit of care should cost, reckoned one at a time in plain Python: fractions, and one rounding half up.

Belongs here: the rules of pricing as the documents state them, over plain rows as a book's files hold them (text).
Does not belong here: anything imported from the steps that it is held against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cached_property

from tests.properties.price_terms import (
    Offer,
    Points,
    Priced,
    Row,
    Supplement,
    Text,
    financial_year,
    half_up,
    listed,
    nearest,
    offer,
    window,
)

SPECIAL = ("unbundled", "short_stay_emergency", "best_practice")  # prices beside a spell, or of some spells only
BORROWED = ("all_points", "hrg_root", "subchapter", "point_of_delivery", "proxy")
GROUP, ROOT, SUBCHAPTER = 5, 4, 2  # characters of a healthcare resource group, and of what it is part of
UNGROUPED = "U"
SEVERAL = "several sources of the price book"
ALL_IN = "community_bed_day"
UNBUNDLED_DAYS = {
    "XC": "critical_care_days",
    "XB": "critical_care_days",
    "XA": "critical_care_days",
    "VC": "rehabilitation_days",
    "SD": "specialist_palliative_care_days",
}


@dataclass(frozen=True)
class PriceOracle:
    """A book, with what belongs to it, as rows of text.

    Attributes:
        book: what book.yaml says: submitted_price, prescribing, real_year and, in `index`, an index name by setting.
        index: index_name, vintage, price_year, index_value.
        rounded: how pence are rounded, once; another rounding is for the proof that it would be found.
    """

    prices: list[Text]
    factors: list[Text]
    top_ups: list[Text]
    index: list[Text]
    book: Row
    points: Points
    rounded: Callable[[Fraction], int] = half_up

    @cached_property
    def _by_setting(self) -> dict[str, list[Offer]]:
        found = defaultdict(list)
        for row in self.prices:
            found[row["setting"]].append(offer(row))
        return found

    @cached_property
    def _by_code(self) -> dict[tuple[str, str, str], list[Offer]]:
        found = defaultdict(list)
        for setting, offers in self._by_setting.items():
            for one in offers:
                found[setting, one.point, one.code].append(one)
        return found

    @cached_property
    def _indices(self) -> dict[tuple[str, str], Fraction]:
        return {(row["index_name"], row["price_year"]): Fraction(row["index_value"]) for row in self.index}

    @cached_property
    def _seen(self) -> dict[tuple, tuple[str, Offer] | None]:
        return {}

    def price(self, unit: Row, supplement: Supplement | None = None) -> Priced:
        """What a row of activity costs, with what belongs to its spell."""
        own_year, real_year = financial_year(unit["activity_month"]), self.book["real_year"]
        if not unit["is_payable"]:
            return Priced(0, 0, "not_payable")
        for level, pence in (("submitted", self._submitted(unit)), ("package", unit["package_pence"])):
            if pence is not None:
                real = self._carried(Fraction(pence), unit["setting"], own_year, real_year)
                return Priced(
                    pence,
                    None if real is None else self.rounded(real),
                    level,
                    price_year=own_year,
                    price_basis="tariff" if level == "submitted" else "package",
                    price_index=self._index_used(unit["setting"], own_year, real_year),
                )
        found = self.matched(unit)
        if found is None:
            return Priced(None, None, "unpriced")
        level, match = found
        amount, excess = self._amount(unit, match, supplement or Supplement())
        nominal = self._carried(amount, unit["setting"], match.year, own_year)
        real = self._carried(amount, unit["setting"], match.year, real_year)
        return Priced(
            self.rounded(amount if nominal is None else nominal),
            None if real is None else self.rounded(real),
            level,
            match.price,
            match.year,
            match.basis,
            match.source,
            level in BORROWED,
            excess,
            self._index_used(unit["setting"], match.year, own_year, real_year),
        )

    def _submitted(self, unit: Row) -> int | None:
        """The provider's price, where the book lets it stand; of a prescribed line the one of two that it names."""
        if self.book["submitted_price"] == "ignored":
            return None
        if self.book["prescribing"] == "net_ingredient" and unit["net_ingredient_pence"] is not None:
            return unit["net_ingredient_pence"]
        return unit["submitted_pence"]

    def _amount(self, unit: Row, match: Offer, supplement: Supplement) -> tuple[Fraction, int | None]:
        """Pence in money of the price's year, unrounded, and the days beyond the trim point."""
        is_tariff = match.basis == "tariff"
        amount = unit["quantity"] * match.price * (1 + (supplement.top_up if is_tariff else 0))
        excess = None
        if unit["payable_days"] is not None and match.trim_days is not None and match.excess_price is not None:
            excess = max(0, unit["payable_days"] - match.trim_days)
            amount += excess * match.excess_price
        if unit["point_of_delivery"] != ALL_IN:
            amount += supplement.unbundled
        return amount * (self._factor(unit) if is_tariff else 1), excess

    def _factor(self, unit: Row) -> Fraction:
        """The market forces factor of the provider, 1 where it has none."""
        rows = [row for row in self.factors if row["provider_code"] == unit["provider_code"]]
        if not rows:
            return Fraction(1)
        return Fraction(nearest(rows, unit["activity_month"], window)["factor"])

    def _carried(self, amount: Fraction, setting: str, of: str, to: str) -> Fraction | None:
        """An amount in money of another year; unknown where the index of its setting lacks either."""
        if of == to:
            return amount
        name = self._index_of(setting)
        if (name, of) in self._indices and (name, to) in self._indices:
            return amount * self._indices[name, to] / self._indices[name, of]
        return None

    def _index_of(self, setting: str) -> str:
        return self.book["index"].get(setting, self.book["index"]["default"])

    def _index_used(self, setting: str, of: str, *to: str) -> str | None:
        """The index and its vintage, where it carried the price to another year."""
        name = self._index_of(setting)
        if not any(of != year and {(name, of), (name, year)} <= self._indices.keys() for year in to):
            return None
        return next(f"{name} ({row['vintage']})" for row in self.index if row["index_name"] == name)

    def matched(self, unit: Row) -> tuple[str, Offer] | None:
        """The row of the book that prices a unit, and how it was found."""
        names = ("setting", "point_of_delivery", "price_point", "currency_code", "activity_month", "is_proxy_currency")
        key = tuple(unit[name] for name in names)
        if key not in self._seen:
            self._seen[key] = self._ladder(*key)
        return self._seen[key]

    def _ladder(
        self, setting: str, delivery: str, price_point: str, code: str | None, month: date, is_borrowed: bool
    ) -> tuple[str, Offer] | None:
        points = self.points.get((setting, delivery, price_point)) or list(dict.fromkeys([price_point, delivery]))
        is_grouped = (
            setting == "inpatient"
            or (setting == "outpatient" and delivery == "procedure")
            or (setting == "emergency" and delivery == "emergency_attendance")
        )
        if is_grouped and code is not None and code.startswith(UNGROUPED):
            code = None
        is_grouped = is_grouped and code is not None and len(code) == GROUP
        if code is not None:
            for point in points:
                if rows := self._by_code.get((setting, point, code)):
                    row = nearest(rows, month, lambda one: one.window)
                    return "proxy" if is_borrowed or row.is_proxy else "exact", row
            usual = [one for one in self._by_setting[setting] if one.code == code and not one.point.startswith(SPECIAL)]
            if anywhere := self._mean(usual, month):
                return "all_points", anywhere
            for level, length in (("hrg_root", ROOT), ("subchapter", SUBCHAPTER)) if is_grouped else ():
                for point in points:
                    alike = [
                        one
                        for one in self._by_setting[setting]
                        if one.point == point and len(one.code) == GROUP and one.code[:length] == code[:length]
                    ]
                    if root := self._mean(alike, month):
                        return level, root
        for point in points:
            if rows := self._by_code.get((setting, point, "ALL")):
                return "point_of_delivery", nearest(rows, month, lambda one: one.window)
        return None

    def _mean(self, rows: list[Offer], month: date) -> Offer | None:
        """The mean over codes and points, each by the row in force, to a hundredth of a penny.

        Never over years or bases: of several years the last, of several bases the first by name. By national activity
        where every row has it.
        """
        if not rows:
            return None
        places = defaultdict(list)
        for one in rows:
            places[one.point, one.code].append(one)
        now = [nearest(found, month, lambda one: one.window) for found in places.values()]
        year = max(one.year for one in now)
        basis = min(one.basis for one in now if one.year == year)
        now = [one for one in now if (one.year, one.basis) == (year, basis)]
        weights = [one.weight for one in now if one.weight is not None]
        if len(weights) < len(now) or not sum(weights):
            weights = [Fraction(1)] * len(now)
        total = sum((one.price * weight for one, weight in zip(now, weights, strict=True)), Fraction(0))
        sources = {one.source for one in now}
        return replace(
            now[0],
            price=Fraction(half_up(100 * total / sum(weights)), 100),
            source=sources.pop() if len(sources) == 1 else SEVERAL,
            trim_days=None,
            excess_price=None,
        )

    def supplement(self, spell: Row) -> Supplement:
        """The top-up and the unbundled care of a row of apc_spell."""
        codes = {
            "icd10": [code.replace(".", "") for code in listed(spell["icd10_codes"])],
            "opcs4": [code.replace(".", "") for code in listed(spell["opcs4_codes"])],
            "hrg": listed(spell["hrg_code"]),
        }
        rates = [
            Fraction(row["rate"])
            for row in self.top_ups
            if row["provider_code"] == spell["provider_code"]
            and any(code.startswith(row["code"]) for code in codes[row["code_system"]])
        ]
        pence, unpriced = Fraction(0), 0
        for code, times in self._unbundled(spell).items():
            rows = self._by_code.get(("inpatient", "unbundled", code))
            if times is None or not rows:  # nobody says for how many days, or at which price
                unpriced += 1
            else:
                month = spell["discharge_date"].replace(day=1)
                pence += times * nearest(rows, month, lambda one: one.window).price
        return Supplement(max(rates, default=Fraction(0)), pence, unpriced)

    def _unbundled(self, spell: Row) -> dict[str, int | None]:
        """How often each unbundled code counts: its days, however often it stands, or as often as it stands or says."""
        counts: dict[str, int | None] = {}
        for entry in listed(spell["unbundled_hrg_codes"]):
            code, _, times = entry.partition("*")
            if column := UNBUNDLED_DAYS.get(code[:2]):
                counts[code] = spell[column]
            else:
                counts[code] = (counts.get(code) or 0) + int(times or 1)
        return counts
