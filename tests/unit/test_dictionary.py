"""The committed data dictionary says what the declarations and contracts say."""

from pathlib import Path

from pipelines.dictionary import dictionary
from schemas.catalogue import DECLARED
from schemas.contract import contracts

COMMITTED = Path(__file__).parents[2] / "docs" / "dictionary.md"


def test_the_committed_dictionary_is_not_stale():
    assert COMMITTED.read_text() == dictionary(), "run: python -m pipelines.dictionary docs/dictionary.md"


def test_every_table_feed_column_and_rule_is_in_it():
    page = dictionary()
    for table in DECLARED.values():
        assert f"### {table.name}\n" in page
        assert all(f"| `{column.name}` | {column.type}" in page for column in table.columns)
    for contract in contracts().values():
        assert f"### {contract.feed}\n" in page
        assert all(f"| `{column.header}` | `{column.name}` |" in page for column in contract.columns)
        assert all(f"| `{rule.code}` |" in page for rule in contract.rules)


def test_a_bar_in_a_pattern_does_not_end_its_cell():
    lines = [line for line in dictionary().splitlines() if line.startswith("| ")]
    cells = {line.replace("\\|", "").count("|") for line in lines}
    assert cells <= {4, 5, 6, 7}
