"""How many cells of a column are written like an identifier of a person, counted batch by batch.

Belongs here: the written forms of NHS numbers, postcodes, e-mail addresses, telephone and property numbers, and dates.
Does not belong here: from which count on a column is refused, and what headers say (`identifiers.py`).
"""

from collections import Counter
from collections.abc import Iterable
from functools import cache

import numpy as np
import polars as pl

# Shorter cells hold no identifier: codes, ages, and the words that stand for nothing (`NULL`, `-1`).
SHORTEST = 5
# So many different values are told apart; bounds what is held in memory.
ENOUGH_DISTINCT = 64

_PROBE = 4_000  # cells that settle whether the different values of a column are counted first …
_REPEATED = 0.9  # … which pays where no more than this share of them differ
_TEN = 10  # digits of an NHS number
_HALF = 100_000  # a ten-digit number is looked up as two halves of five digits
_EARLIEST, _LATEST = 1890, 2100  # years of birth and of activity; sentinel dates lie outside, or on a 01-01

_LONGEST_PRICE = 9
_PRICE = r"^-?[0-9]{1,6}\.[0-9]{0,2}$"

_TEXT, _SIZE, _NUMBER = pl.col("text"), pl.col("size"), pl.col("number")

# The 121 postcode areas of Great Britain and Northern Ireland, then the islands' three.
AREAS = (
    "AB|AL|B|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|BX|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|FK|FY|G"
    "|GL|GU|HA|HD|HG|HP|HR|HS|HU|HX|IG|IP|IV|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH"
    "|PL|PO|PR|RG|RH|RM|S|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE"
    "|GY|IM|JE"
)
_OUTWARD = rf"(?:{AREAS})(?:[0-9]{{1,2}}|[0-9][A-HJKMNPR-Y])"
_INWARD = "[0-9][ABD-HJLNP-UW-Z]{2}"
_GAP = r"[\s()-]*"
_EXTENSION = r"(?:\s*(?:x|ext\.?)\s*[0-9]{1,5})?"

# What a text is written like: shortest and longest, a character it must hold, the pattern.
_TEXTS = (
    ("e-mail", (6, 10_000), "@", r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    ("spaced postcode", (6, 12), None, rf"(?i)^{_OUTWARD}\s+{_INWARD}$"),
    # Five characters without a space are left out: Read codes and currency codes (`N02AF`) are written so too.
    ("joined postcode", (6, 7), None, rf"(?i)^{_OUTWARD}{_INWARD}$"),
    ("short postcode", (5, 5), None, rf"(?i)^{_OUTWARD}{_INWARD}$"),
    (
        "international telephone",
        (12, 32),
        None,
        rf"(?i)^\(?(?:\+|00)\s?\(?44{_GAP}(?:0{_GAP})?[1-9](?:{_GAP}[0-9]){{8,9}}{_EXTENSION}$",
    ),
    ("spaced telephone", (11, 32), None, rf"(?i)^\(?0{_GAP}[12378](?:{_GAP}[0-9]){{8,9}}{_EXTENSION}$"),
    # `9.43E+09`: ten digits of which a spreadsheet kept too few for the check digit. Of whole numbers, one in ten is
    # written so too, namely those that end in 0.
    ("rounded number", (5, 14), None, r"^[0-9](?:[.,][0-9]{0,8}[eE]\+?|[eE]\+)0*9$"),
)


def _begins(size: int, leads: Iterable[int], leading_zeros: int = 0) -> pl.Expr:
    """Whether a number of so many digits begins, after its leading zeros, with one of the leads."""
    leads = list(leads)
    dropped = size - leading_zeros - len(str(leads[0]))
    return _SIZE.eq(size) & (_NUMBER // 10**dropped).is_in(leads)


# Whole numbers: in which lengths, and the condition.
_SUBSCRIBER = (1, 2, 3, 7, 8)  # what follows the 0 of a geographic, national or mobile number
_COUNTRY = tuple(440 + first for first in _SUBSCRIBER)
_NUMBERS = (
    (
        "joined telephone",
        (10, 11, 12, 14),
        _begins(11, _SUBSCRIBER, 1) | _begins(10, _SUBSCRIBER, 1) | _begins(12, _COUNTRY) | _begins(14, _COUNTRY, 2),
    ),
    # A sign is read as part of the number.
    ("international telephone", (13,), _begins(13, _COUNTRY, 1) & _TEXT.str.starts_with("+")),
    # No check digit: the blocks in which nearly all property numbers of England lie, 100… and 200… of twelve digits
    # and 100… of eleven. Older numbers of fewer digits cannot be told from any other number.
    ("UPRN", (11, 12), _begins(12, (100, 200)) | _begins(11, (100,))),
)

# Numbers that are written otherwise: the pattern, the text to read as a number, the count of its digits.
_DIGITS_ONLY = _TEXT.str.replace_all(r"[^0-9]", "").cast(pl.UInt64, strict=False)
_POINT = _TEXT.str.replace(",", ".", literal=True)
_WRITTEN_NUMBERS = (
    (
        r"^(?:[0-9](?:[ \u00a0\u2010-\u2015-]*[0-9]){9}|[0-9]{3}[.,][0-9]{3}[.,][0-9]{4}|[0-9](?:,[0-9]{3}){3})$",
        _DIGITS_ONLY,
        pl.lit(10),
    ),
    (
        r"^[0-9]{7,14}[.,]0*$",
        _TEXT.str.extract(r"^([0-9]+)").cast(pl.UInt64, strict=False),
        _TEXT.str.extract(r"^([0-9]+)").str.len_bytes(),
    ),
    (
        r"^[0-9][.,][0-9]{7,}[eE]\+?0*(?:9|1[01])$",
        _POINT.cast(pl.Float64, strict=False).round().cast(pl.UInt64, strict=False),
        _TEXT.str.extract(r"([0-9]+)$").cast(pl.Int64) + 1,
    ),
)

_DATE_SIZES = (7, 8, 14)  # a leading zero lost, a day, a day with a time behind
_BARE = _NUMBER // pl.when(_SIZE.eq(max(_DATE_SIZES))).then(1_000_000).otherwise(1)
_NUMBER_DATES = (
    (_BARE % 100, _BARE // 100 % 100, _BARE // 10_000),
    (_BARE // 1_000_000, _BARE // 10_000 % 100, _BARE % 10_000),
)
_DAY, _MONTH = "(?P<day>[0-9]{1,2})", "(?P<month>[0-9]{1,2}|[A-Za-z]{3,9})"
_TIME = r"(?:[T ,].*)?$"
_TEXT_DATES = (
    rf"^(?P<year>[0-9]{{4}})[-/. ]{_MONTH}[-/. ]{_DAY}{_TIME}",
    rf"^{_DAY}[-/. ]{_MONTH}[-/. ,]+(?P<year>[0-9]{{4}}|[0-9]{{2}}){_TIME}",
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}
_DECEMBER = 12
_THIS_CENTURY = 30  # two-digit years up to this are of 2000, later ones of 1900


class Tally:
    """What was counted in one column so far; its cells may be added in any portions.

    Attributes:
        filled: cells that are not blank.
        long: cells of at least `SHORTEST` characters.
        cells: cells by what they are written like.
        years: full dates whose day is not 01, by year.
    """

    def __init__(self, counts_dates: bool = True) -> None:
        self.filled = 0
        self.long = 0
        self.cells: Counter[str] = Counter()
        self.years: Counter[int] = Counter()
        self._hashes: dict[str, set[int]] = {}
        self._counts_dates = counts_dates

    def distinct(self, what: str) -> int:
        """Different values written like this, up to `ENOUGH_DISTINCT`."""
        return min(len(self._hashes.get(what, ())), ENOUGH_DISTINCT)

    def add(self, column: pl.Series) -> None:
        """Count further cells."""
        cells = _measured(_counted(column))
        texts = cells.filter(_NUMBER.is_null())
        self._add_numbers(cells.filter(_NUMBER.is_not_null()) if not texts.is_empty() else cells)
        if texts.is_empty():
            return
        if (texts["size"] <= _LONGEST_PRICE).any():  # a shortcut, since prices differ so much
            is_price = _TEXT.str.contains(_PRICE)
            self._long(texts.filter(is_price))
            texts = texts.filter(~is_price)
        is_padded = _TEXT.str.contains(r"^[\s'\"=]|\s$")
        self._add_texts(texts.filter(~is_padded))
        bare = _measured(_without_padding(texts.filter(is_padded)))
        self._add_numbers(bare.filter(_NUMBER.is_not_null()))
        self._add_texts(bare.filter(_NUMBER.is_null()))

    def add_harmless(self, filled: int, long: int) -> None:
        """Count cells that are known to hold no identifier: all that are not blank, and those of them that are long."""
        self.filled += filled
        self.long += long

    def _long(self, cells: pl.DataFrame) -> pl.DataFrame:
        self.filled += _sum(cells.filter(_SIZE > 0))
        long = cells.filter(_SIZE >= SHORTEST)
        self.long += _sum(long)
        return long

    def _add_numbers(self, cells: pl.DataFrame) -> None:
        if not (cells := self._long(cells)).is_empty():
            self._judge_numbers(cells)

    def _judge_numbers(self, cells: pl.DataFrame) -> None:
        """Whole numbers, whose `size` counts their digits, leading zeros included."""
        sizes = set(cells["size"].unique())
        if _TEN in sizes:
            ten = cells.filter(_SIZE == _TEN)
            can_be_issued, passes = _check_digits(ten["number"])
            self._found("NHS number", ten.filter(can_be_issued & passes), "number")
            self._found("other ten digits", ten.filter(can_be_issued & ~passes), "number")
        for what, lengths, condition in _NUMBERS:
            if not sizes.isdisjoint(lengths):
                self._found(what, cells.filter(condition), "number")
        if self._counts_dates and not sizes.isdisjoint(_DATE_SIZES):
            cells = cells.filter(_SIZE.is_in(_DATE_SIZES))
            for day, month, year in _NUMBER_DATES:
                self._found_dates(cells.select("text", "cells", day=day, month=month, year=year))

    def _add_texts(self, cells: pl.DataFrame) -> None:
        if (cells := self._long(cells)).is_empty():
            return
        digit_first = cells.filter(_TEXT.str.contains("^[0-9]"))
        for pattern, number, size in _WRITTEN_NUMBERS if not digit_first.is_empty() else ():
            written = digit_first.filter(_TEXT.str.contains(pattern))
            if not written.is_empty():
                self._judge_numbers(written.with_columns(number=number, size=size.cast(pl.UInt32)))
        for what, (least, most), sign, pattern in _TEXTS:
            found = cells.filter(_SIZE.is_between(least, most))
            if sign and not found.is_empty():
                found = found.filter(_TEXT.str.contains(sign, literal=True))
            self._found(what, found.filter(_TEXT.str.contains(pattern)) if not found.is_empty() else found)
        for pattern in _TEXT_DATES if self._counts_dates and not digit_first.is_empty() else ():
            dated = digit_first.filter(_TEXT.str.contains(pattern))
            if not dated.is_empty():
                self._found_dates(_dates_of(dated, pattern))

    def _found_dates(self, cells: pl.DataFrame) -> None:
        is_date = (
            pl.col("year").is_between(_EARLIEST, _LATEST)
            & pl.col("month").is_between(1, 12)
            & pl.col("day").is_between(1, 31)
        )
        dates = cells.filter(is_date)
        self._found("date", dates)
        for year, count in dates.filter(pl.col("day") != 1).group_by("year").agg(pl.sum("cells")).iter_rows():
            self.years[int(year)] += count

    def _found(self, what: str, found: pl.DataFrame, by: str = "text") -> None:
        if found.is_empty():
            return
        self.cells[what] += _sum(found)
        for values in (found[by].head(_PROBE), found[by]):  # the first cells are enough for nearly every column
            if self.distinct(what) < ENOUGH_DISTINCT:
                self._hashes.setdefault(what, set()).update(values.hash().unique().head(ENOUGH_DISTINCT))


def _counted(column: pl.Series) -> pl.DataFrame:
    """The cells and how often each stands: its different values where they repeat, or else each cell once."""
    text = column.cast(pl.String).rename("text")
    probe = text.gather_every(max(1, len(text) // _PROBE))
    if probe.n_unique() <= _REPEATED * len(probe):
        return text.value_counts(name="cells").drop_nulls().with_columns(pl.col("cells").cast(pl.UInt64))
    return text.drop_nulls().to_frame().with_columns(cells=pl.lit(1, pl.UInt64))


def _measured(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.with_columns(size=_TEXT.str.len_bytes(), number=_TEXT.cast(pl.UInt64, strict=False))


def _without_padding(cells: pl.DataFrame) -> pl.DataFrame:
    """Texts without what is put around them: blanks, and the signs by which spreadsheets keep numbers as text."""
    return cells.select("cells", _TEXT.str.strip_chars().str.strip_chars("'\"= "))


def _dates_of(cells: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """Day, month and year of texts that match the pattern, the day being the one that can be no month."""
    parts = cells.select("text", "cells", part=_TEXT.str.extract_groups(pattern)).unnest("part")
    month = pl.col("month")
    named = month.str.head(3).str.to_lowercase().replace_strict(_MONTH_NUMBERS, default=None, return_dtype=pl.Int64)
    read = parts.with_columns(
        pl.col("day", "year").cast(pl.Int64), month=pl.coalesce(month.cast(pl.Int64, strict=False), named)
    )
    year, swapped = pl.col("year"), (month > _DECEMBER) & (pl.col("day") <= _DECEMBER)
    return read.with_columns(
        year=year + pl.when(year >= _EARLIEST).then(0).when(year > _THIS_CENTURY).then(1900).otherwise(2000),
        day=pl.when(swapped).then(month).otherwise("day"),
        month=pl.when(swapped).then("day").otherwise(month),
    )


def _check_digits(numbers: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Of ten-digit numbers: whether each can be issued at all, and whether it passes the modulus 11 check.

    Ten times the first digit, nine times the second … once the check digit add up to a multiple of 11. Palindromes pass
    but are not issued: they and numbers of one repeated digit are dummies.
    """
    first, last, reversed_digits = _lookups()
    values = numbers.to_numpy()
    upper, lower = values // _HALF, values % _HALF
    can_be_issued = reversed_digits[lower] != upper
    passes = (first[upper] + last[lower]) % 11 == 0
    return pl.Series(can_be_issued), pl.Series(passes)


@cache
def _lookups() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By five digits: their weighted sum as the first half and as the last half of ten, and the digits reversed."""
    digits = np.arange(_HALF)[:, None] // 10 ** np.arange(4, -1, -1) % 10
    return (
        (digits * np.arange(10, 5, -1)).sum(1).astype(np.uint16),
        (digits * np.arange(5, 0, -1)).sum(1).astype(np.uint16),
        (digits * 10 ** np.arange(5)).sum(1),
    )


def _sum(cells: pl.DataFrame) -> int:
    return int(cells["cells"].sum())
