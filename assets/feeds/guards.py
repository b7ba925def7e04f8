"""Which columns of a feed let no identifier pass, so that the gate need look only at the rows they reject.

Belongs here: identifiers in every written form, held against a contract's rules.
Does not belong here: finding identifiers (`identifiers.py`).
"""

from dataclasses import replace
from functools import cache
from itertools import product

import polars as pl

from assets.feeds.identifier_values import AREAS
from schemas.row_checks import RAW, Form, every_column

_WEIGHTS = range(10, 1, -1)
_known: dict[tuple[str, str, frozenset[str]], frozenset[str]] = {}


def guarded_columns(form: Form, released: frozenset[str]) -> frozenset[str]:
    """The columns, by name, in which each specimen breaks a rule that rejects the row, and those of days."""
    key = (form.contract.read_by, form.dialect.name, released)
    if key not in _known:
        _known[key] = _guarded(replace(form, carried=every_column(form.contract)), released)
    return _known[key]


def _guarded(form: Form, released: frozenset[str]) -> frozenset[str]:
    rejecting: dict[str, list[pl.Expr]] = {}
    for rule in form.contract.rules:
        if rule.column and rule.severity != "warn" and rule.code not in released:
            rejecting.setdefault(rule.column, []).append(form.broken[rule.code])
    written = pl.DataFrame({RAW + column.name: specimens() for column in form.contract.columns})
    caught = written.with_columns(form.typed_columns()).select(
        pl.any_horizontal(rules).all().alias(name) for name, rules in rejecting.items()
    )
    days = {column.name for column in form.contract.columns if column.physical_type == "DATE"}  # where days belong
    return frozenset(name for name, is_guarded in caught.row(0, named=True).items() if is_guarded or name in days)


@cache
def specimens() -> tuple[str, ...]:
    """Identifiers of every kind in every form that the gate refuses, for no one can tell which a pattern lets pass."""
    mail = ("a@b.uk", "first.last@example.nhs.uk")
    return (
        *_nhs_numbers(),
        *_postcodes(),
        *_days(),
        *_telephones(),
        *mail,
        "100012345678",
        "200012345678",
        "10012345678",
    )


def _nhs_numbers() -> list[str]:
    found = []
    for lead, tail in product(range(100), ("1234567", "0000000", "9753108")):
        nine = f"{lead:02d}{tail}"
        check = -sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, nine, strict=True)) % 11
        if check < 10:  # noqa: PLR2004  numbers whose check digit would be ten are not issued
            found.append(f"{nine}{check}")
    spaced = [f"{n[:3]}{sign}{n[3:6]}{sign}{n[6:]}" for n in found for sign in " -"]
    rounded = ["9.43E+09", "4.1e9", *(f"{n[0]}.{n[1:]}E+09" for n in found), *(f"{n}.0" for n in found)]
    return [*found, *spaced, *rounded]


def _postcodes() -> list[str]:
    districts = ("1", "11", "1A", "2", "25", "9W")
    whole = [(f"{area}{district}", inward) for area in AREAS.split("|") for district in districts for inward in _INWARD]
    upper = [
        f"{outward}{gap}{inward}" for outward, inward in whole for gap in ("", " ") if len(outward + inward) > _FEW
    ]
    return [*upper, *map(str.lower, upper)]


_INWARD = ("1AA", "5AB", "9ZZ")
_FEW = 5  # characters: joined postcodes as short are never refused


def _days() -> list[str]:
    days = [(year, 1 + year % 12, 2 + year % 27) for year in range(1900, 2026)]
    forms = (
        *("{0:04d}-{1:02d}-{2:02d}", "{2:02d}/{1:02d}/{0:04d}", "{2:02d}-{1:02d}-{0:04d}", "{2}.{1}.{0}"),
        *("{0:04d}{1:02d}{2:02d}", "{2:02d}{1:02d}{0:04d}", "{0:04d}-{1:02d}-{2:02d} 00:00:00", "{0}/{1}/{2}"),
        *("{0:04d}-{1:02d}-{2:02d}T00:00:00", "{2} Feb {0}"),
    )
    return [form.format(*day) for day in days for form in forms]


def _telephones() -> list[str]:
    numbers = [f"{lead}{rest}" for lead in "12378" for rest in ("700900123", "632960001", "20794601")]
    lead = ("0", "+44", "0044", "44")
    return [
        *(f"{sign}{number}" for number in numbers for sign in lead),
        *(f"{sign}{gap}{n[:4]} {n[4:]}" for n in numbers for sign, gap in product(lead[:3], ("", " "))),
        *(f"(0{n[:4]}) {n[4:]}" for n in numbers),
    ]
