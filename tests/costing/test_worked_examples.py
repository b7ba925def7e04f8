"""Every worked example through the program's own path: files of a book, feeds, activity, price, cost."""

from collections import Counter
from pathlib import Path

import pytest

from tests.costing.examples import Example, examples
from tests.costing.program import FROM_FEEDS, priced

EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.setting}: {one.name}")
def test_a_unit_costs_what_the_arithmetic_says(example: Example, tmp_path: Path) -> None:
    example.write_book(tmp_path / "book")
    tables = priced(example.sources(), tmp_path / "book", tmp_path, example.year, FROM_FEEDS)
    expected = example.expected()
    found = [{name: str(row[name]) for name in expected[0]} for row in tables["activity_cost"]]
    assert sorted(found, key=_in_order) == sorted(expected, key=_in_order)


def _in_order(row: dict[str, str]) -> list[str]:
    return list(row.values())


def test_every_example_says_where_its_rule_is_stated() -> None:
    assert all(len(example.source) > len("index") for example in EXAMPLES)


def test_names_of_examples_are_unique() -> None:
    assert [name for name, count in Counter((e.setting, e.name) for e in EXAMPLES).items() if count > 1] == []
