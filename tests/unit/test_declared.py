"""What a reader needs before a figure is used stands in its declaration, and travels with the table."""

import pytest

from schemas.catalogue import TABLES
from schemas.table import Table

# Tables of rules and lists are made from no other: nobody is counted in them.
MADE = [
    table
    for table in TABLES.values()
    if table.step in ("morbidity", "analysis") and table.zone == "restricted" and table.sources
]
EVIDENCE = {"condition_evidence", "person_condition", "score_evidence"}  # a row is a code, and divides by nobody
WITHOUT_UNIT = ("_share", "prevalence", "person_id", "completeness", "precedence", "_rank", "age_points", "p_value")
STATISTICS = (
    *(
        "r_squared",
        "cpm",
        "gini",
        "coefficient",
        "_error",
        "smearing_",
        "ratio",
        "statistic",
        "welch_",
        "observed_over_",
    ),
    *("phi", "skewness", "cv_total", "variance_reduction", "mean_deprivation_decile", "share_of_group"),
)
by_name = pytest.mark.parametrize("table", MADE, ids=lambda table: table.name)


@by_name
def test_it_states_whom_it_divides_by_and_what_to_know_first(table: Table):
    assert table.caveats and all(caveat.endswith(".") for caveat in table.caveats)
    assert bool(table.denominator) != (table.name in EVIDENCE)


@by_name
def test_every_number_has_a_unit_or_is_a_share_a_rank_or_a_statistic(table: Table):
    numbers = [one.name for one in table.columns if one.type in ("DOUBLE", "BIGINT", "INT") and not one.unit]
    assert not [name for name in numbers if not any(part in name for part in (*WITHOUT_UNIT, *STATISTICS))]


@by_name
def test_both_travel_in_the_file_and_in_what_readers_are_told(table: Table):
    told = {key.decode(): value.decode() for key, value in table.arrow_schema.metadata.items()}
    assert told["caveats"] == " ".join(table.caveats) and told.get("denominator", "") == table.denominator
    assert all(sentence in table.told for sentence in (table.grain, table.denominator, *table.caveats))
