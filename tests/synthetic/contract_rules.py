"""A small validator of deliveries, written from the contract files alone: which rule each row breaks first.

It shares nothing with the generator, nor with the pipeline. Order of the rules of a column: required, type, enum, pattern, minimum,
maximum; columns in contract order; then the cross-column rules; then repeats of the record key.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import duckdb
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import yaml

CONTRACTS = Path(__file__).parents[2] / "data_contracts"
_KINDS = ("required", "type", "enum", "pattern", "minimum", "maximum")
_SQL_TYPES = {"date": "DATE", "integer": "INTEGER", "number": "DECIMAL(12,{scale})", "string": "VARCHAR"}


@cache
def contract(feed: str) -> dict:
    """The schema object of one feed's contract."""
    return yaml.safe_load((CONTRACTS / f"{feed}.odcs.yaml").read_text(encoding="utf-8"))["schema"][0]


def record_key(feed: str) -> list[str] | None:
    """Logical names of the record key, if the feed has one."""
    return next((p["value"] for p in contract(feed).get("customProperties", []) if p["property"] == "recordKey"), None)


def headers(feed: str) -> list[str]:
    """Official headers in contract order."""
    return [column["physicalName"] for column in contract(feed)["properties"]]


def _typed(column: dict) -> str:
    """SQL that reads the text of a column, null when it cannot be read."""
    name = f'"{column["name"]}"'
    kind = column["logicalType"]
    if kind == "string":
        return name
    shape = {
        "date": r"^\d{4}-\d{2}-\d{2}$",
        "integer": r"^-?\d+$",
        "number": r"^-?\d+(\.\d{1," + column["physicalType"][-2] + "})?$" if kind == "number" else "",
    }[kind]
    target = _SQL_TYPES[kind].format(scale=column["physicalType"][-2])
    return f"CASE WHEN regexp_matches({name}, '{shape}') THEN TRY_CAST({name} AS {target}) END"


def _checks(feed: str) -> list[tuple[str, str]]:
    """Rule code and the SQL that is true for a bad row: over columns `x` (text) and `x__t` (typed)."""
    checks = []
    for column in contract(feed)["properties"]:
        name, options = column["name"], column.get("logicalTypeOptions", {})
        text, typed = f'"{name}"', f'"{name}__t"'
        literal = (lambda v: f"DATE '{v}'") if column["logicalType"] == "date" else str
        found = {
            "required": f"{text} IS NULL" if column.get("required") else None,
            "type": f"{text} IS NOT NULL AND {typed} IS NULL",
            "enum": f"{text} NOT IN ({', '.join(repr(str(e['value'])) for e in column['enum'])})" if "enum" in column else None,
            "pattern": f"NOT regexp_matches({text}, '{options['pattern']}')" if "pattern" in options else None,
            "minimum": f"{typed} < {literal(options['minimum'])}" if "minimum" in options else None,
            "maximum": f"{typed} > {literal(options['maximum'])}" if "maximum" in options else None,
        }
        checks += [(f"{feed}.{name}.{kind}", found[kind]) for kind in _KINDS if found[kind]]
    rules = [(f"{feed}.{rule['name']}", rule["implementation"]) for rule in contract(feed).get("quality", [])]
    names = sorted((c["name"] for c in contract(feed)["properties"]), key=len, reverse=True)
    for code, sql in rules:
        for name in names:
            sql = _replace_word(sql, name, f'"{name}__t"')
        checks.append((code, f"({sql})"))
    return checks


def _replace_word(sql: str, word: str, by: str) -> str:
    import re

    return re.sub(rf'(?<![\w"]){word}(?![\w"])', by, sql)


def _read(folder: Path, manifest: dict):
    tables = []
    for entry in manifest["files"]:
        path = folder / entry["name"]
        if entry["format"] == "csv":
            names = headers(manifest["feed"])
            tables.append(pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, "string"), strings_can_be_null=True, null_values=[""],
                quoted_strings_can_be_null=True)))
        else:
            tables.append(pq.read_table(path))
    return tables[0]


def verdicts(folder: Path) -> duckdb.DuckDBPyRelation:
    """Every row of a delivery as text, with `rule` (null when accepted), the first rule that it breaks."""
    manifest = json.loads((folder / "delivery.json").read_text(encoding="utf-8"))
    feed, table = manifest["feed"], _read(folder, manifest)
    assert table.column_names == headers(feed), f"{feed}: headers differ from the contract"
    columns = contract(feed)["properties"]
    connection = duckdb.connect()
    connection.register("delivered", table)
    renamed = ", ".join(f'CAST("{c["physicalName"]}" AS VARCHAR) AS "{c["name"]}"' for c in columns)
    typed = ", ".join(f'{_typed(c)} AS "{c["name"]}__t"' for c in columns)
    cases = " ".join(f"WHEN {sql} THEN '{code}'" for code, sql in _checks(feed))
    key = record_key(feed)
    repeated = (
        f"row_number() OVER (PARTITION BY rule IS NULL, {', '.join(key)} ORDER BY n) > 1" if key else "FALSE"
    )
    return connection.sql(f"""
        WITH t AS (SELECT row_number() OVER () AS n, {renamed} FROM delivered),
             u AS (SELECT *, {typed}, DATE '{manifest["period_start"]}' AS period_start, DATE '{manifest["period_end"]}' AS period_end FROM t),
             v AS (SELECT *, CASE {cases} END AS rule FROM u)
        SELECT * REPLACE (CASE WHEN rule IS NULL AND {repeated} THEN '{feed}.duplicate_record' ELSE rule END AS rule) FROM v
    """)


def broken_rules(folder: Path) -> Counter:
    """How many rows of a delivery break each rule first."""
    return Counter(dict(verdicts(folder).aggregate("rule, count(*) AS n", "rule").filter("rule IS NOT NULL").fetchall()))
