"""The assets of step 2, in the order in which they build on each other."""

from assets.linkage.history import build_identifier_history
from assets.linkage.identity import build_identifier_link, build_person_identifier
from assets.linkage.overlap import build_identifier_overlap
from assets.linkage.places import build_places
from assets.tables import reference_table, sql_table
from pipelines.assets import table_asset
from pipelines.home import Home
from pipelines.store import Stored
from schemas.identifiers import (
    DUMMY_PSEUDONYM,
    IDENTIFIER_EXCLUSION,
    IDENTIFIER_FINDING,
    IDENTIFIER_LINK,
    IDENTIFIER_USE,
    LINKAGE_FINDING,
    LINKAGE_RULE,
    PERSON_IDENTIFIER,
)
from schemas.linkage import EXPOSURE_PERIOD, PERSON, PERSON_YEAR, PLAUSIBILITY_RESULT, REGISTRATION
from schemas.linkage_quality import ETHNIC_GROUP
from schemas.overlap import IDENTIFIER_HISTORY, IDENTIFIER_OVERLAP, OVERLAP_LIMIT
from schemas.places import LSOA, PRACTICE

dummy_pseudonym = reference_table(DUMMY_PSEUDONYM)
linkage_rule = reference_table(LINKAGE_RULE)
ethnic_group = reference_table(ETHNIC_GROUP)


@table_asset(PRACTICE)
def practice(home: Home, year: str | None) -> Stored:
    """General practices, as loaded."""
    return build_places(home.store, home.root, PRACTICE)


@table_asset(LSOA)
def lsoa(home: Home, year: str | None) -> Stored:
    """Small areas, as loaded."""
    return build_places(home.store, home.root, LSOA)


@table_asset(IDENTIFIER_LINK)
def identifier_link(home: Home, year: str | None) -> Stored:
    """Where the links of an identifier lead."""
    return build_identifier_link(home.store)


@table_asset(
    PERSON_IDENTIFIER, "delivery_receipt", "delivery_calendar"
)  # what is missing is told before anything is linked
def person_identifier(home: Home, year: str | None) -> Stored:
    """Which person a pseudonym stands for."""
    return build_person_identifier(home.store, home.person_key)


identifier_use = sql_table(IDENTIFIER_USE)
identifier_finding = sql_table(IDENTIFIER_FINDING)
identifier_exclusion = sql_table(IDENTIFIER_EXCLUSION)
linkage_finding = sql_table(LINKAGE_FINDING)
overlap_limit = reference_table(OVERLAP_LIMIT)


@table_asset(IDENTIFIER_OVERLAP)
def identifier_overlap(home: Home, year: str | None) -> Stored:
    """What feeds share with the register and each other; next to nothing stops the run before anything is joined."""
    assert year
    return build_identifier_overlap(home.store, year)


@table_asset(IDENTIFIER_HISTORY, IDENTIFIER_OVERLAP.name)  # an index that is refused was never joined to anything
def identifier_history(home: Home, year: str | None) -> Stored:
    """How the index changed since the run before."""
    return build_identifier_history(home.store)


person = sql_table(PERSON)
registration = sql_table(REGISTRATION)
exposure_period = sql_table(EXPOSURE_PERIOD)
person_year = sql_table(PERSON_YEAR)
plausibility_result = sql_table(PLAUSIBILITY_RESULT, IDENTIFIER_OVERLAP.name)
