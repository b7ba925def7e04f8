"""Runs every SQL case through the engine, under the declaration of its table."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.parameters import RunParameters
from pipelines.build import SQL
from pipelines.engine import duckdb_session
from schemas.catalogue import DECLARED
from tests.sql.cases import Case, Rows, cases

FEWEST_CASES = 3
CASES = list(cases())


def run(case: Case, folder: Path) -> Rows:
    """The rows that the SQL file makes of a case; types, nulls and the key are held to the declaration."""
    table, target = DECLARED[case.table], folder / "result.parquet"
    with duckdb_session("1GB", folder / "spill") as engine:
        for name, rows in case.sources().items():
            engine.register_rows(name, rows)
        parameters = RunParameters.of(case.year, case.look_back_years).row()
        engine.register_rows("run_parameters", pa.Table.from_pylist([parameters]))
        engine.run_sql(table, (SQL / f"{case.table}.sql").read_text(), target)
    made = pq.read_table(target)
    assert made.group_by(list(table.key)).aggregate([]).num_rows == made.num_rows, f"{case.table}: a key is repeated"
    nulls = {column.name for column in table.columns if not column.nullable and made[column.name].null_count}
    assert not nulls, f"{case.table}: null in {nulls}"
    return made.to_pylist()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.table}: {case.name}")
def test_case(case: Case, tmp_path: Path) -> None:
    expected = case.expected()
    compared = expected[0].keys() if expected else ()
    made = [
        {name: row[name] for name in compared}
        for row in run(case, tmp_path)
        if all(str(row[name]) == value for name, value in case.only)
    ]
    if not expected:
        assert made == []
        return
    by_text = sorted(made, key=_sort_key)
    assert len(made) == len(expected), by_text
    for row, wanted in zip(by_text, sorted(expected, key=_sort_key), strict=True):
        assert row == {name: _nearly(value) for name, value in wanted.items()}


def _nearly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, float) else value


def _sort_key(row: dict) -> list[str]:
    return [f"{value:.6f}" if isinstance(value, float) else str(value) for value in row.values()]


def test_every_sql_file_has_cases() -> None:
    counts = {path.stem: sum(case.table == path.stem for case in CASES) for path in SQL.glob("*.sql")}
    assert counts
    assert {name for name, count in counts.items() if count < FEWEST_CASES} == set()


def test_names_of_cases_are_unique() -> None:
    assert len({(case.table, case.name) for case in CASES}) == len(CASES)
