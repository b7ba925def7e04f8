"""Every published table that holds pence is tied to the ledger, and the trail of a unit leads to it."""

from assets.costing.destinations import ABOUT_THE_PERSON, DESTINATIONS
from assets.costing.ties import TIES
from schemas.catalogue import TABLES

WITH_PENCE = {table.name for table in TABLES.values() if table.zone == "restricted" and table.pence_columns}


def test_no_published_table_with_pence_is_without_a_tie():
    """A new table of pence must say in `assets/costing/ties.py` where they are found again."""
    assert set(TIES) == WITH_PENCE


def test_no_published_table_with_pence_is_without_a_trail():
    """And in `assets/costing/destinations.py` which of its rows hold those of a unit."""
    assert set(DESTINATIONS) == WITH_PENCE


def test_ties_and_trails_read_tables_that_are_built():
    assert {source for tie in TIES.values() for source in tie.sources} | {*ABOUT_THE_PERSON} <= set(TABLES)
