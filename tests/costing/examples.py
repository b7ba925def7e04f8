"""Reads the worked examples: care as feeds hold it, the rows of a price book, and what each unit must cost.

Tables are written as the SQL cases write them (`tests/sql/cases.py`), and so is arithmetic; a figure of pence that the
arithmetic leaves with a fraction is rounded half up, once. Columns of the book that do not matter are left out.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from schemas.catalogue import TABLES
from tests.sql.cases import Case, evaluate, rows_of

HERE = Path(__file__).parent
YEAR = "2024-25"
_A_DAY = "2024-04-01"
_BOOK = {"name": "worked", "version": "1", "title": "A worked example", "real_year": YEAR}
_FILES = {
    "prices": (
        "price.csv",
        {
            "setting": "",
            "point_of_delivery": "",
            "currency_code": "",
            "description": "as in the example",
            "unit": "unit",
            "price_gbp": "",
            "trim_point_days": "",
            "excess_day_price_gbp": "",
            "price_year": YEAR,
            "effective_from": "",
            "effective_to": "",
            "basis": "cost",
            "source": "worked example",
            "licence": "OGL v3",
            "status": "V",
            "is_proxy": "false",
            "national_activity": "",
        },
    ),
    "factors": (
        "market_forces_factor.csv",
        {"provider_code": "", "factor": "", "effective_from": "", "effective_to": "", "source": "worked example"},
    ),
    "top_ups": (
        "top_up.csv",
        {"provider_code": "", "code_system": "", "code": "", "rate": "", "source": "worked example"},
    ),
}
_ANY_PRICE = "setting    point_of_delivery  currency_code  price_gbp\nprimary    prescribing        ALL            1"


@dataclass(frozen=True)
class Example:
    """One rule of pricing, worked.

    Attributes:
        source: where the rule or the figure is stated.
        given: rows by feed, as text.
        prices: rows of the book, as text; so are factors and top_ups.
        book: what book.yaml says beside its name.
        expect: rows of activity_cost, as text; columns left out are not compared.
    """

    setting: str
    name: str
    source: str
    given: dict[str, str]
    expect: str
    prices: str = _ANY_PRICE
    factors: str = ""
    top_ups: str = ""
    book: dict[str, Any] = field(default_factory=dict)
    year: str = YEAR

    def sources(self) -> dict[str, pa.Table]:
        """Every source table of activity, typed as declared; a spell without dates is of one day of April."""
        given = dict(self.given)
        if "discharge_date" not in (text := given.get("apc_spell", "discharge_date")):
            header, *rows = text.strip().splitlines()
            given["apc_spell"] = "\n".join([f"{header}  discharge_date", *(f"{row}  {_A_DAY}" for row in rows)])
        return Case("activity", self.name, given, "").sources()

    def write_book(self, folder: Path) -> None:
        """The book as a folder of files."""
        folder.mkdir(parents=True)
        (folder / "book.yaml").write_text(yaml.safe_dump(_BOOK | self.book))
        for attribute, (name, plain) in _FILES.items():
            text = getattr(self, attribute)
            with (folder / name).open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(plain))
                writer.writeheader()
                for row in rows_of(text) if text else ():
                    writer.writerow(plain | {name: "" if cell == "null" else cell for name, cell in row.items()})

    def expected(self) -> list[dict[str, str]]:
        """The rows expected, as text; whole figures reckoned and rounded."""
        schema = TABLES["activity_cost"].arrow_schema
        return [{name: _plain(cell, schema.field(name).type) for name, cell in row.items()} for row in rows_of(self.expect)]


def examples() -> Iterator[Example]:
    """Every example of every file."""
    for path in sorted(HERE.glob("*.yaml")):
        for item in yaml.safe_load(path.read_text()):
            yield Example(setting=path.stem, name=item.pop("case"), **item)


def _plain(cell: str, kind: pa.DataType) -> str:
    if cell == "null" or not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return {"true": "True", "false": "False", "null": "None"}.get(cell, cell)
    exact = evaluate(cell)
    return str(half_up(exact) if pa.types.is_integer(kind) else f"{float(exact):.2f}")


def half_up(amount: Fraction) -> int:
    """A whole number, halves upwards."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)
