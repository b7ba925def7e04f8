"""The identifier gate: every kind in every written form is refused, what only looks like one is not."""

import random
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.feeds.identifiers import GateColumn, IdentifierGate, refused_by_header
from schemas.contract import contracts

_DRAW = random.Random(11)
_WEIGHTS = range(10, 1, -1)


def check_digit(first_nine: str) -> int:
    return (11 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_nine, strict=True)) % 11) % 11


def nhs_numbers(count: int) -> list[str]:
    drawn = [str(_DRAW.randrange(400_000_000, 500_000_000)) for _ in range(3 * count)]
    return [f"{nine}{check_digit(nine)}" for nine in drawn if check_digit(nine) < 10][:count]


def ten_digits(count: int) -> list[str]:
    return [str(_DRAW.randrange(10**9, 10**10)) for _ in range(count)]


def days(first: date, last: date, count: int = 300) -> list[date]:
    return [first + timedelta(_DRAW.randrange((last - first).days)) for _ in range(count)]


def drawn(pattern: str, count: int = 200) -> list[str]:
    """Texts in which 9 stands for a digit, A for a letter; all else stands for itself."""
    made = {"9": "0123456789", "A": "ABCDEFGH"}
    return ["".join(_DRAW.choice(made.get(sign, sign)) for sign in pattern) for _ in range(count)]


def verdict(cells: list[str | None], header: str = "Thing", **known: bool) -> str | None:
    gate = IdentifierGate([GateColumn(header, **({"is_known": False} | known))])
    gate.look(pl.DataFrame({header: pl.Series(cells, dtype=pl.String)}))
    return gate.verdict()


NHS = nhs_numbers(200)
POSTCODES = [
    "LS1 4AP",
    "M1 1AE",
    "M60 1NW",
    "CR2 6XH",
    "DN55 1PT",
    "W1A 1HQ",
    "EC1A 1BB",
    "NE99 8ZZ",
    "S10 2TN",
    "B33 8TH",
]
EMAILS = ["jo.bloggs@nhs.net", "a_b+c@example.co.uk", "x@mail.example.org"]
MOBILES = drawn("7700900999")
LANDLINES = drawn("1134960999")
BIRTHS = days(date(1925, 1, 1), date(2020, 1, 1))
ELDERLY = days(date(1925, 1, 1), date(1955, 1, 1))
ACTIVITY = days(date(2019, 4, 1), date(2024, 3, 31))


def in_three(numbers: list[str], sign: str) -> list[str]:
    return [f"{n[:3]}{sign}{n[3:6]}{sign}{n[6:]}" for n in numbers]


def scientific(number: str) -> str:
    return f"{number[0]}.{number[1:].rstrip('0')}E+09"


REFUSED = {
    "NHS numbers": {
        "plain": NHS,
        "spaces": in_three(NHS, " "),
        "hyphens": in_three(NHS, "-"),
        "points": in_three(NHS, "."),
        "no-break spaces": in_three(NHS, "\u00a0"),
        "dashes": in_three(NHS, "\u2013"),
        "float": [f"{n}.0" for n in NHS],
        "float with a comma": [f"{n},00" for n in NHS],
        "scientific": [scientific(n) for n in NHS],
        "scientific in lower case": [scientific(n).lower().replace("+0", "") for n in NHS],
        "thousands": [f"{int(n):,}" for n in NHS],
        "padded": [f"  {n} " for n in NHS],
        "kept as text by an apostrophe": [f"'{n}" for n in NHS],
        "kept as text by a formula": [f'="{n}"' for n in NHS],
        "many blank": [*NHS, *["", None, " ", "NULL"] * 100],
        "mostly dummies": [*NHS, *["2222222222", "1234554321", "9999999999"] * 100],
        "one in ten misspelt": [*NHS, *ten_digits(20)],
        "one in ten among tokens": [*NHS, *drawn("AAAAAAAA-9999", 1800)],
        "mixed forms": [*NHS[:20], *in_three(NHS[20:40], " "), *(f"{n}.0" for n in NHS[40:60])],
        "five rows": NHS[:5],
        "few persons with many rows": NHS[:6] * 500,
    },
    "rounded by a spreadsheet": {
        "three digits": [f"{n[0]}.{n[1:3]}E+09" for n in NHS],
        "eight digits": [f"{n[0]}.{n[1:9]}E+09" for n in NHS],
        "one digit": [f"{n[0]}E+09" for n in NHS],
        "one row": ["9.43E+09"],
    },
    "postcodes": {
        "space": POSTCODES,
        "lower case": [p.lower() for p in POSTCODES],
        "two spaces": [p.replace(" ", "  ") for p in POSTCODES],
        "joined": [p.replace(" ", "") for p in POSTCODES],
        "joined in lower case": [p.replace(" ", "").lower() for p in POSTCODES],
        "padded to eight": [f"{p:8}" for p in POSTCODES],
        "one in a hundred": [*POSTCODES, *drawn("AAA99", 990)],
        "half without abode": [*POSTCODES, *["ZZ99 3VZ"] * 10],
        "one row": POSTCODES[:1],
    },
    "e-mail addresses": {
        "plain": EMAILS,
        "upper case": [e.upper() for e in EMAILS],
        "with a name": [f"Jo Bloggs <{e}>" for e in EMAILS],
        "link": [f"mailto:{e}" for e in EMAILS],
        "one in five hundred": [EMAILS[0], *drawn("AAAA9999", 499)],
        "one row": EMAILS[:1],
    },
    "telephone numbers": {
        "mobile": [f"0{m}" for m in MOBILES],
        "mobile with space": [f"0{m[:4]} {m[4:]}" for m in MOBILES],
        "mobile in threes": [f"0{m[:4]} {m[4:7]} {m[7:]}" for m in MOBILES],
        "mobile, international": [f"+44{m}" for m in MOBILES],
        "mobile, international with spaces": [f"+44 {m[:4]} {m[4:]}" for m in MOBILES],
        "mobile, international with zeros": [f"0044{m}" for m in MOBILES],
        "mobile, international with zeros and spaces": [f"0044 {m[:4]} {m[4:]}" for m in MOBILES],
        "mobile that lost its plus": [f"44{m}" for m in MOBILES],
        "landline": [f"0{n}" for n in LANDLINES],
        "landline of ten digits": [f"0{n[:-1]}" for n in LANDLINES],
        "landline with brackets": [f"(0{n[:3]}) {n[3:6]} {n[6:]}" for n in LANDLINES],
        "landline with hyphens": [f"0{n[:3]}-{n[3:6]}-{n[6:]}" for n in LANDLINES],
        "landline, international with a bracketed zero": [f"+44 (0){n[:3]} {n[3:]}" for n in LANDLINES],
        "landline with an extension": [f"0{n[:3]} {n[3:]} ext. 12" for n in LANDLINES],
        "one row": ["(020) 7946 0123"],
    },
    "UPRN": {
        "twelve digits from 100": drawn("100029999999"),
        "twelve digits from 200": drawn("200009999999"),
        "eleven digits": drawn("10099999999"),
        "float": drawn("100029999999.0"),
        "scientific": [f"{u[0]}.{u[1:]}E+11" for u in drawn("100023999997")],
        "some blank": [*drawn("100029999999"), *["", None] * 200],
    },
    "full dates of birth": {
        "ISO": [f"{d:%Y-%m-%d}" for d in BIRTHS],
        "ISO with a time": [f"{d:%Y-%m-%d} 00:00:00" for d in BIRTHS],
        "ISO with a T": [f"{d:%Y-%m-%d}T00:00:00Z" for d in BIRTHS],
        "slashes": [f"{d:%d/%m/%Y}" for d in BIRTHS],
        "slashes with a time": [f"{d:%d/%m/%Y} 00:00" for d in BIRTHS],
        "slashes, year first": [f"{d:%Y/%m/%d}" for d in BIRTHS],
        "slashes, no leading zeros": [f"{d.day}/{d.month}/{d.year}" for d in BIRTHS],
        "slashes, month first": [f"{d:%m/%d/%Y}" for d in BIRTHS],
        "slashes, two digits of the year": [f"{d:%d/%m/%y}" for d in BIRTHS],
        "hyphens": [f"{d:%d-%m-%Y}" for d in BIRTHS],
        "points": [f"{d:%d.%m.%Y}" for d in BIRTHS],
        "month by name": [f"{d:%d-%b-%Y}" for d in BIRTHS],
        "month in full": [f"{d:%d %B %Y}" for d in BIRTHS],
        "digits, year first": [f"{d:%Y%m%d}" for d in BIRTHS],
        "digits, day first": [f"{d:%d%m%Y}" for d in BIRTHS],
        "digits, day first without leading zero": [f"{d:%d%m%Y}".lstrip("0") for d in BIRTHS],
        "digits with a time": [f"{d:%Y%m%d}000000" for d in BIRTHS],
        "float": [f"{d:%Y%m%d}.0" for d in BIRTHS],
        "the elderly only": [f"{d:%Y-%m-%d}" for d in ELDERLY],
        "some sentinels": [*(f"{d:%Y-%m-%d}" for d in BIRTHS), *["1800-01-01", "9999-12-31"] * 20],
    },
}
CASES = [
    pytest.param(kind, cells, id=f"{kind}: {form}") for kind, forms in REFUSED.items() for form, cells in forms.items()
]


@pytest.mark.parametrize(("kind", "cells"), CASES)
def test_a_column_that_holds_identifiers_is_refused_by_name_and_kind(kind, cells):
    reason = verdict(cells)
    assert reason and "Thing" in reason and kind in reason
    assert "\n" not in reason
    assert not [cell for cell in cells if cell and len(cell) > 4 and cell.strip() in reason]


@pytest.mark.parametrize("known", [{"is_pseudonym": True}, {"is_key": True}, {"is_date": True}, {}])
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("NHS numbers", "plain"),
        ("NHS numbers", "float"),
        ("rounded by a spreadsheet", "three digits"),
        ("postcodes", "space"),
        ("e-mail addresses", "plain"),
        ("telephone numbers", "mobile with space"),
    ],
)
def test_an_identifier_in_a_column_of_the_contract_is_refused(kind, form, known):
    assert kind in verdict(REFUSED[kind][form], is_known=True, **known)


@pytest.mark.parametrize("header", ["YearMonth_Of_Birth", "BIRTH_MONTH", "MYDOB", "Baby born"])
def test_a_birth_column_may_hold_months_but_no_days(header):
    children = days(date(2019, 1, 1), date(2023, 12, 31))
    assert verdict([f"{day:%Y-%m}" for day in children], header) is None
    assert verdict([f"{day:%Y-%m}-01" for day in children], header) is None
    assert "full dates of birth" in verdict([f"{day:%Y-%m-%d}" for day in children], header)
    assert "full dates of birth" in verdict(["2019-06-15"], header, is_known=True)


ACCEPTED = {
    "random pseudonyms of ten digits": ten_digits(2000),
    "twelve random pseudonyms": ten_digits(12),
    "one pseudonym that passes the check": ["9434765919"],
    "one pseudonym that passes the check, in most rows": ["9434765919"] * 900 + ten_digits(100),
    "four pseudonyms that pass the check": NHS[:4],
    "pseudonyms as floats": [f"{n}.0" for n in ten_digits(500)],
    "pseudonyms in scientific notation, whole": [scientific(n) for n in ten_digits(500)],
    "dummies": ["2222222222", "1111111111", "0000000000", "1234554321"] * 50,
    "record numbers in sequence": [str(n) for n in range(4_000_000_000, 4_000_002_000)],
    "long record numbers": [str(n) for n in range(600_000_000_000, 600_000_000_500)],
    "record numbers with leading zeros": [f"{n:014}" for n in range(440_000_000_000, 450_000_000_000, 9_999_991)],
    "shorter record numbers with leading zeros": [
        f"{n:013}" for n in range(440_000_000_000, 450_000_000_000, 9_999_991)
    ],
    "SNOMED codes": ["73211009", "1155884005", "162864005", "999000731000000104"] * 100,
    "hashes": drawn("9A9A9A9A9A9A9A9A9A9A9A9A9A9A9A9A"),
    "tokens of fifteen": drawn("0HC9999QETAAA99"),
    "practice codes": drawn("L85999"),
    "more practice codes": drawn("B81999"),
    "site codes": drawn("RA4E9"),
    "provider codes": ["RRV", "RA4", "NT3", "8A1C2"] * 20,
    "HRG codes": ["DZ19A", "WF01A", "EB03B", "VB01Z", "AA22C", "FZ91M", "LA07H"] * 10,
    "currency codes": ["N02AF", "N02AN", "N21AF", "N10AF", "N11AF", "N12AN", "IC01"] * 20,
    "Read codes": ["H33zz", "G30yz", "C10F.", "F45zz", "M15yz", "E20zz"] * 20,
    "ICD-10 codes": ["E11.9", "I10X", "R69X3", "M0120", "S7200", "A01-"] * 20,
    "several ICD-10 codes in a cell": ["|E119|,|I10X|", "|M0120|,|R69X|"] * 20,
    "OPCS codes": ["W371", "Z943", "X9979", "H229"] * 20,
    "BNF codes": drawn("0212000B0AAABAB"),
    "areas": drawn("E01099999"),
    "postcode sectors": ["LS1 4", "M60 1", "EC1A 1"] * 20,
    "postcodes for no abode": ["ZZ99 3VZ", "ZZ99 3CZ"] * 20,
    "prices": [f"{n / 100:.2f}" for n in range(1, 900_000, 997)],
    "large prices": [f"{n}.00" for n in range(10_000_000, 20_000_000, 99_991)],
    "shares": [f"0.{n}" for n in ten_digits(200)],
    "activity dates": [f"{day:%Y-%m-%d}" for day in ACTIVITY],
    "activity dates with sentinels": [*(f"{day:%Y-%m-%d}" for day in ACTIVITY), *["1800-01-01", "1900-01-01"] * 30],
    "activity times": [f"{day:%d/%m/%Y} 10:30:00" for day in ACTIVITY],
    "months": [f"{year}{month:02}" for year in range(1930, 2024) for month in range(1, 13)],
    "months as first days": [f"{year}-{month:02}-01" for year in range(1930, 2024) for month in range(1, 13)],
    "years": [str(year) for year in range(1930, 2024)],
    "times": [f"{hour:02}:{minute:02}:00" for hour in range(24) for minute in range(60)],
    "ages": [str(age) for age in range(100)],
    "labels": ["Long term support: Community", "Short term support: ST-Max"] * 20,
    "words at a glance": ["at home", "@ home", "care@home"] * 20,
    "numbers of eight digits": [str(n) for n in range(10_000_000, 99_000_000, 99_991)],
    "words for nothing": ["NULL", "N/A", "", None, "-1", "INVALID"] * 20,
    "blank": ["", " ", None] * 20,
    "all null": [None] * 20,
    "no rows": [],
    "one row": ["RA1"],
}


@pytest.mark.parametrize("cells", ACCEPTED.values(), ids=ACCEPTED)
def test_what_only_looks_like_an_identifier_is_accepted(cells):
    assert verdict(cells) is None


@pytest.mark.parametrize("header", ["Onset date", "REGISTRATION_START_DATE", "CLINICAL_EFFECTIVE_DATE", "DateRecorded"])
def test_days_that_say_what_they_are_of_may_reach_back_a_lifetime(header):
    lifetime = [f"{day:%Y-%m-%d}" for day in BIRTHS]
    assert verdict(lifetime, header) is None
    assert "full dates of birth" in verdict(lifetime, header, is_known=True)


def test_numbers_in_a_birth_column_that_look_like_days_by_chance_are_accepted():
    assert verdict([str(n) for n in range(10_000_000, 99_000_000, 99_991)], "Birth notification") is None


CODES = drawn("AAA99999", 2500)


@pytest.mark.parametrize(
    ("kind", "refused", "accepted"),
    [
        pytest.param("NHS numbers", [*NHS[:5]], [*NHS[:4]], id="by chance five of five do not pass"),
        pytest.param("NHS numbers", [*NHS, *ten_digits(100)], [*NHS[:90], *ten_digits(200)], id="more than half pass"),
        pytest.param("e-mail", [*EMAILS, *CODES], [*EMAILS[:2], *CODES], id="one in a thousand"),
        pytest.param(
            "e-mail",
            [*(f"a{n}@nhs.net" for n in range(20)), *CODES * 10],
            [*["a@nhs.net"] * 20, *CODES * 10],
            id="twenty different ones in a long column",
        ),
        pytest.param(
            "postcodes",
            [p.replace(" ", "") for p in POSTCODES] + CODES[:9],
            [p.replace(" ", "") for p in POSTCODES] + CODES[:11],
            id="joined postcodes in most cells",
        ),
        pytest.param("postcodes", ["LS14AP", "M601NW", "CR26XH", "S102TN", "B338TH"], ["LS14AP"] * 50, id="several"),
        pytest.param(
            "telephone",
            [*(f"0{m}" for m in MOBILES), *CODES[:199]],
            [*(f"0{m}" for m in MOBILES), *CODES[:201]],
            id="joined telephone numbers in most cells",
        ),
        pytest.param(
            "UPRN",
            [*drawn("100029999999", 81), *CODES[:19]],
            [*drawn("100029999999", 79), *CODES[:21]],
            id="property numbers in nearly all cells",
        ),
        pytest.param(
            "birth",
            [f"{d:%Y-%m-%d}" for d in days(date(1976, 1, 1), date(2023, 1, 1), 3000)],
            [f"{d:%Y-%m-%d}" for d in days(date(1982, 1, 1), date(2023, 1, 1), 3000)],
            id="dates over a lifetime",
        ),
        pytest.param(
            "birth",
            [f"{d:%Y-%m-%d}" for d in days(date(1979, 1, 1), date(1999, 1, 1), 3000)],
            [f"{d:%Y-%m-%d}" for d in days(date(1981, 1, 1), date(2003, 1, 1), 3000)],
            id="dates before there were records",
        ),
    ],
)
def test_where_refusal_begins(kind, refused, accepted):
    assert kind in verdict(refused)
    assert verdict(accepted) is None


def test_long_numbers_are_expected_in_keys_and_pseudonyms():
    property_like, telephone_like = drawn("100029999999"), drawn("07700999999")
    assert verdict(property_like) and verdict(telephone_like)
    for known in ({"is_key": True}, {"is_pseudonym": True}):
        assert verdict(property_like, is_known=True, **known) is None
        assert verdict(telephone_like, is_known=True, **known) is None


def test_full_dates_are_expected_where_the_contract_types_a_date():
    assert verdict([f"{day:%Y-%m-%d}" for day in BIRTHS], is_known=True, is_date=True) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_thousand_pseudonyms_of_ten_digits_are_accepted(seed):
    draw = random.Random(seed)
    cells = [str(draw.randrange(10**9, 10**10)) for _ in range(100_000)]
    assert verdict(cells, "Der_Pseudo_NHS_Number", is_known=True, is_pseudonym=True) is None
    assert verdict(cells) is None


def test_twelve_pseudonyms_are_practically_never_refused():
    assert not [n for n in range(300) if verdict(ten_digits(12))]


def test_the_check_digit_of_the_published_example():
    """943 476 5919 is the example of the NHS Data Dictionary; with another last digit it fails."""
    assert check_digit("943476591") == 9
    assert "NHS numbers" in verdict([*NHS[:7], "9434765919"])
    wrong = [f"{n[:9]}{(int(n[9]) + 1) % 10}" for n in NHS]
    assert verdict(wrong) is None


def test_every_refused_column_is_named_and_no_other():
    table = {"First": NHS, "Second": ["RA1"] * 200, "Third": POSTCODES * 20}
    gate = IdentifierGate([GateColumn(header, True) for header in (*table, "Absent")])
    assert gate.verdict() is None
    gate.look(pl.DataFrame(table))
    assert "First (NHS numbers), Third (postcodes)" in gate.verdict()
    assert "Second" not in gate.verdict()


SPLIT = {
    "NHS": NHS[:150],
    "Pseudonym": ten_digits(150),
    "Mixed": [*NHS[:70], *in_three(NHS[70:80], " "), *ten_digits(70)],
    "Postcode": [*POSTCODES, *["RA1"] * 140],
    "Birth": [f"{day:%d/%m/%Y}" for day in BIRTHS[:150]],
    "Date": [f"{day:%Y-%m-%d}" for day in ACTIVITY[:150]],
    "Telephone": [f"0{m}" for m in MOBILES[:80]] + [""] * 70,
}


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 150), max_size=6), chance=st.randoms(use_true_random=False))
def test_batches_split_in_any_way_give_the_verdict_of_the_whole(cuts, chance):
    columns = [GateColumn(header, False) for header in SPLIT]
    whole, split = IdentifierGate(columns), IdentifierGate(columns)
    rows = pl.DataFrame(SPLIT)
    whole.look(rows)
    order = list(range(150))
    chance.shuffle(order)
    for start, end in pairwise([0, *sorted(cuts), 150]):
        split.look(rows[order][start:end])
    assert whole.verdict() == split.verdict()
    assert "NHS (NHS numbers)" in split.verdict() and "Pseudonym" not in split.verdict()


_LOOKS = st.sampled_from(["NHS numbers", "postcodes", "e-mail addresses", "telephone numbers", "full dates of birth"])


@settings(max_examples=60)
@given(kind=_LOOKS, data=st.data())
def test_nothing_of_a_value_is_in_a_reason(kind, data):
    cells = data.draw(st.sampled_from(list(REFUSED[kind].values())))
    header = data.draw(st.sampled_from(["Thing", cells[0]]))
    reason = verdict(cells, header) or ""
    named = refused_by_header([GateColumn("Known", True), GateColumn(header, False)]) or ""
    for told in (reason, named):
        assert not [cell for cell in cells if cell and len(cell.strip()) > 4 and cell.strip() in told]
    assert ("Thing" if header == "Thing" else "column 1") in reason


NAMED = {
    "NHS number": """
        NHS Number|NHS_NUMBER|nhsNumber|NHSNumber|NHSNUMBER|nhs no|NEWNHSNO|Patient NHS No.|NHS|MotherNHSNumber
        spell.patient.identity.nhs_number.value|CHI Number""",
    "name": """
        Forename|SURNAME|First Name|FIRST_NAME|Last Name|lastName|PatientName|PATIENT_NAME|Name|Full name
        Given-Name|Family Name|Middle names|Initials|Carer Name|Next of kin name|GP Name|Name of patient
        CONSULTANT NAME""",
    "address": """
        Address|Address Line 1|ADDRESS_LINE_5|addressLine2|HomeAddress|Street|House Number|Usual address|HOMEADD""",
    "postcode": """
        Postcode|POST CODE|PostCode|patient.postcode|POSTCODE OF USUAL ADDRESS|Home_Postcode|Post-code""",
    "date of birth": """
        Date of Birth|DOB|DateOfBirth|DATE_OF_BIRTH|PersonBirthDate|PERSON BIRTH DATE|birthdate|Patient DOB
        Birth_Date""",
    "UPRN": """
        UPRN|uprn_id|Unique Property Reference Number|Address UPRN""",
    "telephone number": """
        Telephone|Telephone Number|Mobile|MOBILE_NO|Phone|Home phone|contactTelephoneNumber|Tel|Landline""",
    "e-mail address": """
        Email|E-mail address|e_mail|EmailAddress|PATIENT_EMAIL""",
    "free text": """
        Event Description|Notes|Case Notes|Comments|COMMENT|Free text|FreeText|Clinical narrative|Remarks
        Observation Text""",
}


def listed(headers: str) -> list[str]:
    return [header.strip() for line in headers.strip().splitlines() for header in line.split("|")]


@pytest.mark.parametrize(
    ("kind", "header"), [(kind, header) for kind, headers in NAMED.items() for header in listed(headers)]
)
def test_a_header_that_names_an_identifier_is_refused_unless_the_contract_knows_it(kind, header):
    reason = refused_by_header([GateColumn("Sex", False), GateColumn(header, False)])
    assert reason and f"{header} ({kind})" in reason and "Sex" not in reason
    assert refused_by_header([GateColumn(header, True)]) is None


LEGITIMATE = """
Pseudo NHS Number|NHS_NUMBER_DEID|PERSON_ID_DEID|spell.patient.identity.nhs_number.value Pseudo|NHS_NUMBER_HASH
spell.patient.identity.nhs_number.status|spell.patient.identity.nhs_number.is_valid|NHSNumberStatus|NHSNOIND
NHS NUMBER STATUS INDICATOR CODE|Der_NHS_Number_Traced_Pseudo|Der_NHS_Number_Pseudo|pseudo_nhs_number_ncdr
dmicPseudoNHSNumber|Pseudo Superseded NHS Number|TOKEN_PERSON_ID|ENCRYPTED_HESID|PSEUDO_HESID|SK_PATIENT_ID|Person_ID
YearMonth_Of_Birth|BIRTH_YEAR|BIRTH_MONTH|YEAR_OF_BIRTH|Der_Birth_Year|dmYearAndMonthOfBirth|MYDOB|Birth_Order
Der_Postcode_LSOA_2011_Code|Der_Postcode_LSOA_2021_Code|Der_Postcode_LSOA_Code|Der_Postcode_CCG_Code
Der_Postcode_yr2011_LSOA|dmLsoaFromSubmittedPostcode|derCurrentyr2021LSOAofResidence_FromPostcode|POSTDIST
Der_Postcode_Local_Auth|Postcode District|Postcode_Sector|Address_LSOA|Address Start Date
Provider Name|NATIONAL_SLOT_CATEGORY_NAME|Site_Name|Provider CQC Location Name|Provider CQC Location ID|GP Practice Name
dmSubmittedFileName|Care Home Name|HRG Name|Table_Name|Treatment_Function_Name
Spell_HRG_Version_No_SUS|Event Reference|Event Outcome|Event Type|Has Unpaid Carer|No. of adults being cared for
Adult 1 Linked Person_ID|LA Person Unique Identifier|LocalPatientID|Total Hrs Caring per week|Review Outcomes Achieved
Telephone Consultations|Telephone_Triage_Flag|Consultation_Medium_Used|ConsMechanismMH|Number of telephone contacts
HRG Description|Ethnicity Description|Comments Flag|PRACTITIONER_IN_ROLE_ID|RESULT_VALUE|Mobile Clinic Code
PRIMARYKEY_ID|ROWNUMBER_ID|EPISODES_ID|SUSSPELLID|EPIKEY|ADMIDATE|PROCODE3|LSOA11|GPPRAC|STARTAGE|DIAG_4_CONCAT|FYEAR
system.transaction.cds_activity_date|spell.admission.patient_classification|spell.derived.dmicLSOA2021|CqcCareHomeCode
UniqueSubmissionID|RecordNumber|EFFECTIVE_FROM|CARE CONTACT DATE|PERSON ID|UNIQUE CARE CONTACT IDENTIFIER
UniqServReqID|RecordStartDate|PersDeathDate|UniqWardStayID|CodedDiagTimestamp|REG_DATE_OF_DEATH|Death Status|ImportDate
dmAgeAtReportingPeriodStartDate|dmReceivedDate|dmSpecification|IS_DUMMY_PATIENT|LDS_IS_DELETED|patid|medcodeid|IMD_Decile
"""


@pytest.mark.parametrize("header", listed(LEGITIMATE))
def test_a_header_that_only_mentions_an_identifier_is_accepted(header):
    assert refused_by_header([GateColumn(header, False)]) is None


def test_no_header_of_a_contract_is_refused_even_where_it_is_not_known():
    columns = [GateColumn(column.header, False) for contract in contracts().values() for column in contract.columns]
    assert refused_by_header(columns) is None


@pytest.mark.parametrize(
    "value",
    ["9434765919", "943 476 5919", "9434765919.0", "LS1 4AP", "ls14ap", "jo@nhs.net", "07700 900123", "+447700900123"],
)
def test_a_value_in_the_place_of_a_header_is_named_by_its_column(value):
    columns = [GateColumn("Sex", True), GateColumn("Bloggs", False), GateColumn(value, False)]
    reason = refused_by_header(columns)
    assert "column 3" in reason and value not in reason
    gate = IdentifierGate(columns)
    gate.look(pl.DataFrame({"Sex": ["1"] * 200, "Bloggs": NHS, value: NHS}))
    assert "column 2 (NHS numbers), column 3 (NHS numbers)" in gate.verdict()


@pytest.mark.parametrize("header", ["", "1960-03-15", "4857773456", "12345 pounds", "line\nbreak", "x" * 200])
def test_an_odd_header_is_neither_refused_nor_repeated(header):
    assert refused_by_header([GateColumn(header, False)]) is None
    reason = verdict(NHS, header)
    assert "column 1 (NHS numbers)" in reason and "\n" not in reason
