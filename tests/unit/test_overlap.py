"""The overlap gate: who is stopped, who is warned of, and in which words."""

from datetime import date

import polars as pl
import pytest

from assets.linkage.overlap import REGISTER, build_identifier_overlap, refuse_unfit_limits
from assets.reference import build_reference, read_reference
from pipelines.errors import LinkedCareError
from pipelines.store import frame_writer
from schemas.contract import contracts
from schemas.identifiers import DUMMY_PSEUDONYM, IDENTIFIER_EXCLUSION, IDENTIFIER_USE, PERSON_IDENTIFIER
from schemas.overlap import OVERLAP_LIMIT

YEAR, PEOPLE, FEW = "2024-25", 60, 20
_PLAIN = {
    pl.String: "plain",
    pl.Int64: 1,
    pl.Int32: 1,
    pl.Float64: 0.0,
    pl.Boolean: False,
    pl.Date: date(2024, 4, 1),
}


def rows_of(table, rows):
    """Rows of a table, with a plain value in the columns that they leave out."""
    kinds = table.empty_frame().schema
    nullable = {column.name for column in table.columns if column.nullable}
    plain = {name: None if name in nullable else _PLAIN[kind.base_type()] for name, kind in kinds.items()}
    return pl.DataFrame([plain | row for row in rows], schema=kinds)


@pytest.fixture
def register(store):
    """The people p0 to p59 on the register under the county's key."""

    def write(*bridged):
        known = [("county", f"p{n}", n + 1) for n in range(PEOPLE)] + list(bridged)
        rows = [{"pseudonym_domain": d, "pseudonym": p, "person_id": person} for d, p, person in known]
        index = frame_writer(PERSON_IDENTIFIER, rows_of(PERSON_IDENTIFIER, rows))
        store.write(PERSON_IDENTIFIER, None, f"{len(bridged)} bridged", index)
        for table in (DUMMY_PSEUDONYM, OVERLAP_LIMIT):
            build_reference(store, table)
        none = IDENTIFIER_EXCLUSION.empty_frame()
        store.write(IDENTIFIER_EXCLUSION, None, "none", frame_writer(IDENTIFIER_EXCLUSION, none))

    return write


@pytest.fixture
def gate(store):
    """Passes identifiers, as (feed, provider, domain, pseudonyms, last month), through the gate."""

    def pass_through(*uses):
        rows = [
            {
                "feed": feed,
                "provider_code": provider,
                "pseudonym_domain": domain,
                "pseudonym": pseudonym,
                "last_month": date.fromisoformat(f"{month}-01"),
            }
            for feed, provider, domain, pseudonyms, month in uses
            for pseudonym in pseudonyms
        ]
        frame = rows_of(IDENTIFIER_USE, rows)
        store.write(IDENTIFIER_USE, YEAR, str(uses), frame_writer(IDENTIFIER_USE, frame))
        build_identifier_overlap(store, YEAR)
        return store.frame("identifier_overlap", YEAR)

    return pass_through


def people(first=0, last=PEOPLE, key="p"):
    return [f"{key}{n}" for n in range(first, last)]


def test_the_register_s_own_key_passes(register, gate, everything_logged):
    register()
    found = gate(("op_attendance", "RA1", "county", people(), "2024-06"))
    assert found["verdict"].to_list() == ["ok", "ok"]
    assert found["overlap"].to_list() == [1.0, 1.0]
    assert "identifier_overlap" not in everything_logged.text


def test_without_its_key_table_a_provider_is_refused(register, gate):
    uses = [
        ("op_attendance", "RA1", "county", people(), "2024-06"),
        ("community_contact", "RH5", "csds", people(key="c"), "2024-07"),
    ]
    register(*(("csds", f"c{n}", n + 1) for n in range(PEOPLE)))
    assert set(gate(*uses).filter(other_feed=REGISTER)["verdict"]) == {"ok"}
    register()
    with pytest.raises(LinkedCareError) as refused:
        gate(*uses)
    line = str(refused.value)
    assert line.startswith(
        "identifier_overlap 2024-25: community_contact, provider RH5, domain csds: 0 of 60 identifiers (0.0%) are on"
        " the register, at least 5.0% must be; 1 more in store/identifier_overlap."
    )
    assert "Nothing was published; ask the supplier for its key table (feed person_bridge)" in line
    assert "\n" not in line


def test_what_was_refused_is_refused_again(register, gate):
    uses = [("op_attendance", "RA1", "other", people(), "2024-06")]
    register()
    for _ in range(2):
        with pytest.raises(LinkedCareError, match=r"^identifier_overlap 2024-25: op_attendance, provider RA1"):
            gate(*uses)


def test_a_key_that_changes_unannounced_is_refused_by_the_months_after(register, gate):
    register()
    with pytest.raises(LinkedCareError) as refused:
        gate(
            ("apc_spell", "RA1", "county", people(), "2024-09"),
            ("apc_spell", "RA1", "county", people(0, 55, key="new"), "2024-10"),
            ("apc_spell", "RA1", "county", people(55, 120, key="new"), "2024-11"),
        )
    assert "apc_spell, provider RA1, domain county: 0 of 65 identifiers last seen in 2024-11 (0.0%)" in str(
        refused.value
    )
    assert "; 1 more in" in str(refused.value)


def test_too_few_identifiers_are_not_judged(register, gate, everything_logged):
    register()
    found = gate(("mh_ward_stay", "RH5", "other", people(0, FEW), "2024-06"))
    assert found["verdict"].to_list() == ["too_few", "too_few"]
    assert "identifier_overlap" not in everything_logged.text


def test_a_low_share_is_told_once_and_passes(register, gate, everything_logged):
    register()
    found = gate(
        ("ec_attendance", "RA1", "county", people(0, FEW), "2024-06"),
        ("ec_attendance", "RA1", "county", people(FEW, PEOPLE, key="visitor"), "2024-06"),
    )
    assert found["verdict"].to_list() == ["warn", "warn"]
    told = [record.getMessage() for record in everything_logged.records if "identifier_overlap" in record.getMessage()]
    assert told == [
        "identifier_overlap 2024-25: ec_attendance, provider RA1, domain county: 20 of 60 identifiers (33.3%) are on"
        " the register; expected are 50.0%"
    ]


def test_small_feeds_may_share_nobody(register, gate):
    register()
    found = gate(
        ("mh_ward_stay", "RH5", "county", people(0, 30), "2024-06"),
        ("op_attendance", "RA1", "county", people(30, 60), "2024-06"),
    )
    pair = found.filter(other_feed="op_attendance")
    assert pair.select("identifier_count", "shared_count", "verdict").rows() == [(30, 0, "too_few")]


def test_feeds_that_share_nobody_with_the_practices_are_refused(register, gate):
    """Both link, and not to each other: a key table that leads to other people."""
    register(*(("csds", f"c{n}", n + 1000) for n in range(PEOPLE)))
    with pytest.raises(LinkedCareError, match=r"community_contact and gp_coded_event: of 60 and 60 people 0 \(0.0% of"):
        gate(
            ("gp_coded_event", "L81001", "county", people(), "2024-06"),
            ("community_contact", "RH5", "csds", people(key="c"), "2024-06"),
        )


def test_the_limits_that_are_shipped_name_every_row_of_care():
    refuse_unfit_limits(read_reference(OVERLAP_LIMIT))
    assert REGISTER in contracts()


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"feed": "op_atendance"}, r"^overlap_limit: op_atendance is no feed"),
        ({"other_feed": "register"}, r"^overlap_limit: register is no feed"),
        ({"provider_code": "RA1"}, r"^overlap_limit: no row is for all"),
        ({"refuse_under": 5.0}, r"^overlap_limit: 1 rows have a limit outside 0 to 1"),
    ],
)
def test_limits_that_would_let_everything_pass_are_refused(changed, line):
    one = {"feed": "all", "provider_code": "all", "pseudonym_domain": "all", "other_feed": "all", "warn_under": 0.5}
    with pytest.raises(LinkedCareError, match=line):
        refuse_unfit_limits(rows_of(OVERLAP_LIMIT, [one | {"refuse_under": 0.1} | changed]))
