"""A small validator of deliveries, written from the contract files alone: which rule each row breaks first.

It shares nothing with the generator, nor with the pipeline. Order of the rules of a column: required, type, enum,
pattern, length, minimum, maximum; columns in contract order; then the cross-column rules; then repeats of the key.
A rule that only warns is passed over, and columns that a file may lack are not expected: the county does not send them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import yaml

CONTRACTS = Path(__file__).parents[2] / "data_contracts"
_KINDS = ("required", "type", "enum", "pattern", "length", "minimum", "maximum")
_SQL_TYPES = {"date": "DATE", "integer": "INTEGER", "number": "DECIMAL(12,{scale})", "string": "VARCHAR"}


@cache
def contract(feed: str) -> dict:
    """The schema object of one feed's contract."""
    return yaml.safe_load((CONTRACTS / f"{feed}.odcs.yaml").read_text(encoding="utf-8"))["schema"][0]


def record_key(feed: str) -> list[str] | None:
    """Logical names of the record key, if the feed has one."""
    return next((p["value"] for p in contract(feed).get("customProperties", []) if p["property"] == "recordKey"), None)


def own(item: dict, name: str, default: object = None) -> object:
    """A custom property of a column or a schema."""
    return next((p["value"] for p in item.get("customProperties", []) if p["property"] == name), default)


def sent(feed: str) -> list[dict]:
    """The columns that a file must carry."""
    return [column for column in contract(feed)["properties"] if not own(column, "mayBeAbsent")]


def headers(feed: str) -> list[str]:
    """Official headers in contract order."""
    return [column["physicalName"] for column in sent(feed)]


def _listed(values: object) -> str:
    return ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)


def _text(feed: str, column: dict) -> str:
    """SQL of the text of a column, null where it stands for a missing value."""
    missing = [*own(contract(feed), "missingTexts", []), *own(column, "missingValues", [])]
    name = f'"{column["name"]}"'
    return f"(CASE WHEN {name} NOT IN ({_listed(missing)}) THEN {name} END)" if missing else name


def _not_of_its_list(column: dict, text: str) -> str:
    """SQL that is true where a code is neither of the list nor a local code of the time; dialects are not sent."""
    codes = [code for code in own(column, "localCodes", []) if "dialect" not in code]
    always = [*(entry["value"] for entry in column["enum"]), *(c["code"] for c in codes if "last" not in c)]
    if own(column, "caseless"):
        text, always = f"lower(trim({text}))", [code.lower() for code in always]
    then = [f"({text} = '{c['code']}' AND period_start <= DATE '{c['last']}')" for c in codes if "last" in c]
    return f"{text} NOT IN ({_listed(always)})" + "".join(f" AND NOT {one}" for one in then)


def _typed(feed: str, column: dict) -> str:
    """SQL that reads the text of a column, null when it cannot be read."""
    name = _text(feed, column)
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
    for column in sent(feed):
        name, options = column["name"], column.get("logicalTypeOptions", {})
        text, typed = _text(feed, column), f'"{name}__t"'
        warning = {kind for kind, rule in own(column, "rules", {}).items() if rule.get("severity") == "warn"}
        literal = (lambda v: f"DATE '{v}'") if column["logicalType"] == "date" else str
        found = {
            "required": f"{text} IS NULL" if column.get("required") else None,
            "type": f"{text} IS NOT NULL AND {typed} IS NULL" if column["logicalType"] != "string" else None,
            "enum": _not_of_its_list(column, text) if "enum" in column else None,
            "pattern": f"NOT regexp_matches({text}, '{options['pattern']}')" if "pattern" in options else None,
            "length": f"length({text}) > {options['maxLength']}" if "maxLength" in options else None,
            "minimum": f"{typed} < {literal(options['minimum'])}" if "minimum" in options else None,
            "maximum": f"{typed} > {literal(options['maximum'])}" if "maximum" in options else None,
        }
        checks += [(f"{feed}.{name}.{kind}", found[kind]) for kind in _KINDS if found[kind] and kind not in warning]
    rules = [
        (f"{feed}.{rule['name']}", rule["implementation"])
        for rule in contract(feed).get("quality", [])
        if rule.get("severity") != "warn"
    ]
    names = sorted((c["name"] for c in sent(feed)), key=len, reverse=True)
    for code, sql in rules:
        typed_sql = sql
        for name in names:
            typed_sql = _replace_word(typed_sql, name, f'"{name}__t"')
        checks.append((code, f"({typed_sql})"))
    return checks


def _replace_word(sql: str, word: str, by: str) -> str:
    return re.sub(rf'(?<![\w"]){word}(?![\w"])', by, sql)


def rule_codes(feed: str) -> dict[str, str | None]:
    """Every rule of a feed's contract, with the header of its column if it has one."""
    header = {column["name"]: column["physicalName"] for column in contract(feed)["properties"]}
    codes = [code for code, _ in _checks(feed)] + ([f"{feed}.duplicate_record"] if record_key(feed) else [])
    return {code: header.get(code.split(".")[1]) for code in codes}


def _read(folder: Path, manifest: dict) -> pa.Table:
    """The rows of a delivery as text under their logical names, with the delivery's name and period."""
    feed = manifest["feed"]
    names = headers(feed)
    options = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=True,
    )
    tables = []
    for entry in manifest["files"]:
        path = folder / entry["name"]
        table = pacsv.read_csv(path, convert_options=options) if entry["format"] == "csv" else pq.read_table(path)
        assert table.num_rows == entry["rows"], (
            f"{folder.name}: {table.num_rows} rows, the manifest says {entry['rows']}"
        )
        assert table.column_names == names, f"{folder.name}: headers differ from the contract"
        tables.append(
            pa.table(
                [column.cast(pa.string()) for column in table.columns],
                names=[c["name"] for c in sent(feed)],
            )
        )
    table = pa.concat_tables(tables)
    for name in ("delivery_id", "period_start", "period_end", "received_at"):
        table = table.append_column(name, pa.array([manifest[name]] * table.num_rows, pa.string()))
    return table


def verdicts(feed: str, deliveries: dict[Path, dict]) -> pl.DataFrame:
    """Every row of these deliveries of one feed as text, with the first `rule` that it breaks, null if none."""
    delivered = pa.concat_tables([_read(folder, manifest) for folder, manifest in deliveries.items()])
    columns = sent(feed)
    typed = ", ".join(f'{_typed(feed, c)} AS "{c["name"]}__t"' for c in columns)
    cases = " ".join(f"WHEN {sql} THEN '{code}'" for code, sql in _checks(feed))
    key = record_key(feed)
    repeated = (
        f"row_number() OVER (PARTITION BY delivery_id, rule IS NULL, {', '.join(key)} ORDER BY n) > 1"
        if key
        else "FALSE"
    )
    plain = ", ".join(f'"{c["name"]}"' for c in columns)
    with duckdb.connect() as connection:
        connection.register("delivered", delivered)
        found = connection.sql(f"""
            WITH numbered AS (SELECT row_number() OVER () AS n, * FROM delivered),
            typed AS (
                SELECT * REPLACE (period_start::DATE AS period_start, period_end::DATE AS period_end), {typed}
                FROM numbered
            ),
            judged AS (SELECT *, CASE {cases} END AS rule FROM typed)
            SELECT n, delivery_id, received_at, CAST(period_end AS VARCHAR) AS period_end, {plain},
                   CASE WHEN rule IS NULL AND {repeated} THEN '{feed}.duplicate_record' ELSE rule END AS rule
            FROM judged ORDER BY n
        """)
        return pl.from_arrow(found.to_arrow_table())
