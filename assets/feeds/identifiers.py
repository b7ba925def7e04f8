"""The identifier gate: which columns of a delivery name or hold identifiers of persons, so that it is refused whole.

Belongs here: what headers say, from which count of identifiers on a column is refused, and how the reason is worded.
Does not belong here: how identifiers are written and counted (`identifier_values.py`), or reading files (`reading.py`).

A reason names columns and kinds, never a cell. Not recognised by value: names, addresses and free text; fewer than five
NHS numbers; telephone numbers that lost their leading zero; dates of birth of younger people only, in a column
whose header does not speak of birth.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import comb

import polars as pl

from assets.feeds.identifier_values import ENOUGH_DISTINCT, SHORTEST, Tally

# Of random ten-digit numbers one in eleven passes the check of an NHS number, of NHS numbers all but misspelt ones.
_CHANCE_TO_PASS = 1 / 11
_PASS_RATE = 0.5
# With few different numbers, a column is refused only if chance would pass so many this rarely: five of five, six of
# seven, eight of twelve.
_IMPROBABLE = 1e-5
# Unmistakable forms (e-mail address, postcode with its space, telephone number with +44) refuse from this share on, so
# that one slip of the pen in a long column is left to the contract's rules …
_UNMISTAKABLE_SHARE = 0.001
# … unless so many different ones have slipped in.
_UNMISTAKABLE_COUNT = 20
# Forms that a code or a record number can take by chance refuse if most cells have them, and several different ones.
# So do ten-digit numbers rounded to scientific notation: whether NHS numbers or pseudonyms, they tell nobody apart.
_MOST = 0.5
_NEARLY_ALL = 0.8
_SEVERAL = 5
# In a birth column, days are 01 where only the month is given, and are not 01 in 29 or 30 of 31 real dates.
_OTHER_DAYS_OF_BIRTH = 0.05
# Dates of birth in a column that does not say so: spread over more years than any record of activity, or mostly before
# there was one. Tails are left out for the sake of wrong and sentinel dates.
_LIFETIME = 40
_TAIL = 0.05
_EARLIEST_RECORDS = 1990

_REMEDY = "Leave them out and send the delivery again"


@dataclass(frozen=True)
class GateColumn:
    """One column of a file, as it is known to the feed's contract.

    Attributes:
        header: as it stands in the file.
        is_known: the contract describes it.
        is_pseudonym: it holds pseudonyms: ten-digit numbers are expected, raw NHS numbers are not.
        is_date: it is typed as a date, so that full dates are expected.
        is_key: it is part of the record key, so that long numbers are expected.
    """

    header: str
    is_known: bool
    is_pseudonym: bool = False
    is_date: bool = False
    is_key: bool = False


# What a header says once it is split into lower-case words, and the words with which it speaks of something else.
_DERIVED = r"pseud|deid|de identif|hash|encrypt|token|\b(status|valid|flag|indicator|ind|count|check|match)\b"
_AREA = (
    r"|lsoa|msoa|ccg|\b(oa|icb|sicbl|pct|imd|area|auth|authority|la|local|unitary|ward|county|constituency|region|country"
    r"|district|dist|sector|decile|output|yr ?\d+|type|date|from|to|default)\b"
)
_CONTACTS = r"|\b(consultations?|appointments?|triage|contacts|attendances?|duration|minutes|cost|type|date)\b"
_PERSON = (
    r"patient|person|client|service ?user|user|carer|parent|mother|father|child|baby|next ?of ?kin|contact|consultant"
    r"|gp|doctor|clinician|practitioner|professional|staff|employee|nurse|worker|coordinator"
)
_HEADERS = (
    ("NHS number", r"nhs ?(number|no|num|nbr|nr|id|identifier)\b|\bchi ?(number|no)\b|^nhs$", _DERIVED),
    (
        "name",
        rf"(fore|sur|first|last|middle|given|family|maiden|full|preferred|previous|birth|{_PERSON}) ?names?\b|^names?$"
        r"|\binitials\b|\bname of (the )?(patient|person|client|carer)",
        _DERIVED,
    ),
    ("e-mail address", r"e ?mail", _DERIVED + _CONTACTS),
    ("postcode", r"post ?code|postal ?code|\bzip ?code", _DERIVED + _AREA),
    ("UPRN", r"uprn|udprn|unique ?property ?reference", _DERIVED),
    ("address", r"address|\baddr\b|home ?add\b|\bstreet\b|\bhouse ?(number|no|name)\b", _DERIVED + _AREA),
    ("date of birth", r"\bdob\b|date ?of ?birth|birth ?(date|day|dt)\b", _DERIVED + r"|year|month"),
    (
        "telephone number",
        r"phone|\btel\b|\bmobile( (no|num|number|tel|\d+))*$|\bland ?line\b|\bfax\b",
        _DERIVED + _CONTACTS,
    ),
    (
        "free text",
        r"free ?text|\bnotes?$|\bcomments?\b|\bremarks?\b|narrative|verbatim"
        r"|\b(event|incident|case|visit|referral|problem|complaint|assessment|clinical|patient) ?description"
        r"|\b(note|clinical|letter|consultation|observation|result|report|comment) ?text\b",
        _DERIVED + r"|\b(date|code|type|id)\b",
    ),
)
_BIRTH = re.compile(r"birth|dob\b|\bborn\b")
# Days that reach back as far as births do: the record of an illness or a registration with a practice.
_OTHER_DAY = re.compile(r"\b(start|end|from|to|onset|effective|record(ed)?|diagnos\w*|registr\w*|death)\b")
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+")

# Headers that may be repeated in a reason: with a letter, short, and without a long number.
_PRINTABLE = re.compile(r"(?=.*[A-Za-z])(?!.*[0-9]{5})\w[\w .,:;/()\[\]{}&'?%#*+-]{0,99}")
_FEWEST_DIGITS = 2  # in a postcode
_IDENTIFIERS = (
    "NHS number",
    "e-mail",
    "spaced postcode",
    "joined postcode",
    "international telephone",
    "spaced telephone",
    "joined telephone",
    "UPRN",
)


def refused_by_header(columns: Sequence[GateColumn], file: str | None = None) -> str | None:
    """Why the headers refuse the file, naming each column and kind, or None; known columns are not tested.

    A header that is itself an identifier (in a file without headers the first row is taken for them) is not repeated.
    """
    found = []
    for column, shown in zip(columns, _shown(columns), strict=True):
        if not column.is_known and (kind := _named(column.header)):
            found.append(f"{shown} ({kind})")
    return f"{_of(file)}headers name identifiers of persons: {', '.join(found)}. {_REMEDY}." if found else None


def _of(file: str | None) -> str:
    return f"{file}: " if file else ""


class IdentifierGate:
    """Counts identifiers over all batches of a file, or of all files of a delivery with the same columns."""

    def __init__(self, columns: Sequence[GateColumn], file: str | None = None) -> None:
        self._file = file
        self._columns = [
            (column, shown, Tally(not column.is_date)) for column, shown in zip(columns, _shown(columns), strict=True)
        ]

    def look(self, batch: pl.DataFrame, guarded: Collection[str] = (), rejected: pl.Series | None = None) -> None:
        """Count what the cells of a batch are written like; its columns are named by header and hold text.

        Of `guarded` columns, whose rules let no identifier pass, only the cells of rejected rows are looked at.
        """
        harmless, doubtful = batch, batch.clear()
        if rejected is not None and rejected.any():
            harmless, doubtful = batch.filter(~rejected), batch.filter(rejected)
        sizes = harmless.select(pl.col(*guarded).str.len_bytes()) if guarded else harmless.clear()
        for column, _, tally in self._columns:
            if column.header in guarded:
                size = sizes[column.header]
                tally.add_harmless(size.count(), int((size >= SHORTEST).sum()))
                tally.add(doubtful[column.header])
            elif column.header in batch.columns:
                tally.add(batch[column.header])

    def verdict(self) -> str | None:
        """Why the batches seen so far refuse the delivery, naming each column and kind, or None."""
        found = [
            f"{shown} ({', '.join(kinds)})"
            for column, shown, tally in self._columns
            if (kinds := [*_held(column, tally)])
        ]
        return f"{_of(self._file)}cells hold identifiers of persons: {', '.join(found)}. {_REMEDY}." if found else None


def _shown(columns: Sequence[GateColumn]) -> list[str]:
    """What a reason calls each column: its header, or its place where the header may be a value."""
    has_headers = not any(_written_like(column.header) for column in columns if not column.is_known)
    return [
        column.header if column.is_known or (has_headers and _PRINTABLE.fullmatch(column.header)) else f"column {place}"
        for place, column in enumerate(columns, 1)
    ]


def _written_like(header: str) -> set[str]:
    if "@" not in header and sum(map(str.isdigit, header)) < _FEWEST_DIGITS:
        return set()  # as nearly always, so that wide files cost nothing
    tally = Tally()
    tally.add(pl.Series([header]))
    return set(tally.cells).intersection((*_IDENTIFIERS, "date"))


def _words(header: str) -> str:
    return _WORD_BREAK.sub(" ", header).strip().lower()


def _named(header: str) -> str | None:
    """Which kind of identifier an unknown header names, if any."""
    if _written_like(header) - {"date"}:
        return "a value in the place of its header"
    words = _words(header)
    for kind, pattern, something_else in _HEADERS:
        if re.search(pattern, words):
            derived = re.search(something_else, words) or re.search(r"lsoa|msoa", words.replace(" ", ""))
            return None if derived else kind
    return None


def _held(column: GateColumn, tally: Tally) -> Iterator[str]:
    """Which kinds of identifier a column holds."""
    if not tally.long:
        return
    number_expected = column.is_key or column.is_pseudonym
    if _are_nhs_numbers(tally):
        yield "NHS numbers"
    if _share(tally, "rounded number") > _MOST:
        yield "ten-digit numbers rounded by a spreadsheet, which may be NHS numbers"
    if _is_unmistakable(tally, "e-mail"):
        yield "e-mail addresses"
    joined_or_not = _share(tally, "spaced postcode", "joined postcode", "short postcode") > _MOST
    if _is_unmistakable(tally, "spaced postcode") or (joined_or_not and tally.distinct("joined postcode") >= _SEVERAL):
        yield "postcodes"
    joined = () if number_expected or tally.distinct("joined telephone") < _SEVERAL else ("joined telephone",)
    if (
        _is_unmistakable(tally, "international telephone")
        or _share(tally, "international telephone", "spaced telephone", *joined) > _MOST
    ):
        yield "telephone numbers"
    if not number_expected and _share(tally, "UPRN") > _NEARLY_ALL and tally.distinct("UPRN") >= _SEVERAL:
        yield "property reference numbers (UPRN)"
    if not column.is_date and _are_dates_of_birth(column, tally):
        yield "full dates of birth"


def _share(tally: Tally, *forms: str) -> float:
    """Share of the cells long enough to hold an identifier that are written in one of the forms."""
    return sum(tally.cells[form] for form in forms) / tally.long


def _is_unmistakable(tally: Tally, form: str) -> bool:
    cells = tally.cells[form]
    return cells > 0 and (cells >= _UNMISTAKABLE_SHARE * tally.filled or tally.distinct(form) >= _UNMISTAKABLE_COUNT)


def _are_nhs_numbers(tally: Tally) -> bool:
    """Whether so many ten-digit numbers pass the check digit that they are no random numbers.

    Different numbers are compared as long as they can be counted, so that a person with many rows does not decide.
    """
    passed, failed = tally.distinct("NHS number"), tally.distinct("other ten digits")
    if passed == failed == ENOUGH_DISTINCT:
        passed, failed = tally.cells["NHS number"], tally.cells["other ten digits"]
        return passed > _PASS_RATE * (passed + failed)
    return passed > failed and _chance(passed, passed + failed) < _IMPROBABLE


def _chance(passed: int, numbers: int) -> float:
    """How probable it is that at least so many of these random numbers pass."""
    return sum(
        comb(numbers, count) * _CHANCE_TO_PASS**count * (1 - _CHANCE_TO_PASS) ** (numbers - count)
        for count in range(passed, numbers + 1)
    )


def _are_dates_of_birth(column: GateColumn, tally: Tally) -> bool:
    """Whether the dates of a column are of births: by its header, or by the years in which they lie."""
    other_days, words = sum(tally.years.values()), _words(column.header)
    if _BIRTH.search(words):
        return other_days > _OTHER_DAYS_OF_BIRTH * tally.long
    is_of_something_else = not column.is_known and _OTHER_DAY.search(words)
    if is_of_something_else or other_days <= _MOST * tally.long or len(tally.years) < _SEVERAL:
        return False
    first, middle, last = (_year_at(tally, quantile) for quantile in (_TAIL, _MOST, 1 - _TAIL))
    return last - first > _LIFETIME or middle < _EARLIEST_RECORDS


def _year_at(tally: Tally, quantile: float) -> int:
    """Year up to which this share of the dates lies."""
    wanted, seen = quantile * sum(tally.years.values()), 0
    for year in sorted(tally.years):
        seen += tally.years[year]
        if seen >= wanted:
            break
    return year
