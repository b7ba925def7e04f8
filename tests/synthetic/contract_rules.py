"""A small validator of deliveries, written from the contract files alone: which rule each row breaks first.

It shares nothing with the generator, nor with the pipeline. Order of the rules of a column: required, type, enum,
pattern, length, minimum, maximum; columns in contract order; then the cross-column rules; then repeats of the key.
Rules that only warn are told apart: a row may break several, and breaks them whether or not it is rejected. Columns
that a file may lack are not expected, but for some that the county sends; it can break no rule over the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import yaml

CONTRACTS = Path(__file__).parents[2] / "data_contracts"
_SENT_BESIDE = {
    "person_merger": ("event_code",),
    "person_bridge": ("bridged_to",),
    "ec_attendance": ("ambulance_incident_number",),
    "apc_spell": ("critical_care_days", "payable_days", "best_practice_flag"),
    "op_attendance": ("multi_professional_code",),
    "social_care_event": ("full_cost_client", "client_contribution"),
    "gp_prescription": ("net_ingredient_price", "not_dispensed_code", "paid_code", "private_code"),
}
_KINDS = ("required", "type", "enum", "pattern", "length", "minimum", "maximum", "missing_value")
_SQL_TYPES = {"date": "DATE", "integer": "INTEGER", "number": "DECIMAL(12,{scale})", "string": "VARCHAR"}


@cache
def _file(feed: str) -> dict:
    return yaml.safe_load((CONTRACTS / f"{feed}.odcs.yaml").read_text(encoding="utf-8"))


def contract(feed: str) -> dict:
    """The schema object of one feed's contract."""
    return _file(feed)["schema"][0]


def version(feed: str) -> str:
    """The version of one feed's contract."""
    return _file(feed)["version"]


def record_key(feed: str) -> list[str] | None:
    """Logical names of the record key, as far as they are sent, if the feed has one."""
    key = own(contract(feed), "recordKey")
    return [column["name"] for column in sent(feed) if column["name"] in key] if key else None


def own(item: dict, name: str, default: object = None) -> object:
    """A custom property of a column or a schema."""
    return next((p["value"] for p in item.get("customProperties", []) if p["property"] == name), default)


def sent(feed: str) -> list[dict]:
    """The columns that a file must carry, and those that the county sends beside them."""
    also = _SENT_BESIDE.get(feed, ())
    return [c for c in contract(feed)["properties"] if not own(c, "mayBeAbsent") or c["name"] in also]


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


@dataclass(frozen=True)
class Check:
    """A rule: its code, the SQL that is true for a bad row, over columns `x` (text) and `x__t` (typed), and its limit.

    Attributes:
        most: the share of a delivery's rows above which it is refused, if any.
    """

    code: str
    sql: str
    severity: str
    most: float | None


@cache
def checks(feed: str) -> list[Check]:
    """The rules of a feed's contract that the rows of the county can break, but for repeats of the key."""
    found = []
    for column in sent(feed):
        name, options = column["name"], column.get("logicalTypeOptions", {})
        text, typed = _text(feed, column), f'"{name}__t"'
        missing = own(column, "missingValues")
        settings = {"missing_value": {"severity": "warn"}} | own(column, "rules", {})
        literal = (lambda v: f"DATE '{v}'") if column["logicalType"] == "date" else str
        sql = {
            "required": f"{text} IS NULL" if column.get("required") else None,
            "type": f"{text} IS NOT NULL AND {typed} IS NULL" if column["logicalType"] != "string" else None,
            "enum": _not_of_its_list(column, text) if "enum" in column else None,
            "pattern": f"NOT regexp_matches({text}, '{options['pattern']}')" if "pattern" in options else None,
            "length": f"length({text}) > {options['maxLength']}" if "maxLength" in options else None,
            "minimum": f"{typed} < {literal(options['minimum'])}" if "minimum" in options else None,
            "maximum": f"{typed} > {literal(options['maximum'])}" if "maximum" in options else None,
            "missing_value": f'"{name}" IN ({_listed(missing)})' if missing else None,
        }
        found += [
            Check(f"{feed}.{name}.{kind}", sql[kind], *_severity_and_limit(settings.get(kind, {})))
            for kind in _KINDS
            if sql[kind]
        ]
    names = sorted((c["name"] for c in sent(feed)), key=len, reverse=True)
    absent = {column["name"] for column in contract(feed)["properties"]} - set(names)
    for rule in contract(feed).get("quality", []):
        typed_sql = rule["implementation"]
        if absent & set(re.findall(r"\w+", typed_sql)):
            continue
        for name in names:
            typed_sql = _replace_word(typed_sql, name, f'"{name}__t"')
        setting = {"severity": rule["severity"], "maximumRate": own(rule, "maximumRate")}
        found.append(Check(f"{feed}.{rule['name']}", f"({typed_sql})", *_severity_and_limit(setting)))
    return found


def _severity_and_limit(setting: dict) -> tuple[str, float | None]:
    """Only a rule that refuses refuses a delivery; without a limit, for a single row."""
    severity = setting.get("severity", "reject")
    return severity, float(setting.get("maximumRate") or 0) if severity == "refuse" else None


def limits(feed: str) -> dict[str, float]:
    """The share of rows above which a delivery is refused, by rule."""
    repeats = own(contract(feed), "duplicateRecord", {})
    found = {check.code: check.most for check in checks(feed) if check.most is not None}
    most = _severity_and_limit(repeats)[1]
    return found if most is None else found | {f"{feed}.duplicate_record": most}


def _replace_word(sql: str, word: str, by: str) -> str:
    return re.sub(rf'(?<![\w"]){word}(?![\w"])', by, sql)


def rejecting(feed: str) -> set[str]:
    """Every rule for which a row of the county can be rejected."""
    codes = {check.code for check in checks(feed) if check.severity != "warn"}
    return codes | {f"{feed}.duplicate_record"} if record_key(feed) else codes


def warning(feed: str) -> set[str]:
    """Every rule that only warns and that a row of the county can break."""
    return {check.code for check in checks(feed) if check.severity == "warn"}


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
    for name in ("delivery_id", "pseudonym_domain", "period_start", "period_end", "received_at"):
        table = table.append_column(name, pa.array([manifest[name]] * table.num_rows, pa.string()))
    return table


def verdicts(feed: str, deliveries: dict[Path, dict]) -> pl.DataFrame:
    """Every row of these deliveries of one feed as text, with the first `rule` that it breaks, null if none.

    `warnings` are the rules that it breaks and that only warn.
    """
    delivered = pa.concat_tables([_read(folder, manifest) for folder, manifest in deliveries.items()])
    columns = sent(feed)
    typed = ", ".join(f'{_typed(feed, c)} AS "{c["name"]}__t"' for c in columns)
    cases = " ".join(f"WHEN {c.sql} THEN '{c.code}'" for c in checks(feed) if c.severity != "warn")
    warned = ", ".join(f"CASE WHEN {c.sql} THEN '{c.code}' END" for c in checks(feed) if c.severity == "warn")
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
            judged AS (SELECT *, CASE {cases} END AS rule, [{warned or "NULL"}] AS broken FROM typed)
            SELECT n, delivery_id, pseudonym_domain, received_at, CAST(period_end AS VARCHAR) AS period_end, {plain},
                   list_filter(broken, lambda code: code IS NOT NULL)::VARCHAR[] AS warnings,
                   CASE WHEN rule IS NULL AND {repeated} THEN '{feed}.duplicate_record' ELSE rule END AS rule
            FROM judged ORDER BY n
        """)
        return pl.from_arrow(found.to_arrow_table())
