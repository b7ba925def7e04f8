"""Every published table that holds pence is tied to the ledger."""

from assets.costing.ties import TIES
from schemas.catalogue import TABLES


def test_no_published_table_with_pence_is_without_a_tie():
    """A new table of pence must say in `assets/costing/ties.py` where they are found again."""
    with_pence = {table.name for table in TABLES.values() if table.zone == "restricted" and table.pence_columns}
    assert with_pence == set(TIES)


def test_ties_read_tables_that_are_built():
    assert {source for tie in TIES.values() for source in tie.sources} <= set(TABLES)
