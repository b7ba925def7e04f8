"""The rules of portable SQL that hang on one expression: what it is made of and where it stands.

Belongs here: one generator of messages per kind of rule; each message says what to write instead.
Does not belong here: rules of the text as written (`portable_sql.py`).

What they cannot see is the type of a column that a common table expression made; the parity test covers that.
"""

from collections.abc import Callable, Iterator
from functools import cache

from sqlglot import exp

from schemas.catalogue import DECLARED
from schemas.contract import contracts

TYPE_NAMES = "type: write BIGINT, INT, DOUBLE, DECIMAL, DATE, BOOLEAN or STRING"
_TYPES = {exp.DType[name] for name in ("BIGINT", "INT", "DOUBLE", "DECIMAL", "DATE", "BOOLEAN", "TEXT")}
_FRAMELESS = exp.RowNumber | exp.Rank | exp.DenseRank | exp.Ntile | exp.PercentRank | exp.CumeDist | exp.Lag | exp.Lead


def _is_cast(node: exp.Expr | None, *types: str) -> bool:
    return isinstance(node, exp.Cast) and node.is_type(*types)


def _holds_double(node: exp.Expr) -> bool:
    doubles = (column.name for column in node.find_all(exp.Column) if column.name in _declared("DOUBLE"))
    return any(doubles) or any(_is_cast(one, "double") or isinstance(one, exp.Div) for one in node.walk())


@cache
def _declared(kind: str) -> frozenset[str]:
    """Names of the columns that some table or feed declares with a type, plus the run parameters."""
    built = {column.name for table in DECLARED.values() for column in table.columns if column.type == kind}
    feeds = {column.name for feed in contracts().values() for column in feed.columns if column.physical_type == kind}
    days = {"period_start", "period_end", "year_start", "year_end"} if kind == "DATE" else set()
    return frozenset(built | feeds | days)


def _shape(node: exp.Expr) -> Iterator[str]:
    match node:
        case exp.Star() if not isinstance(node.parent, exp.Count):
            yield "*: name the columns"
        case exp.Join() if not (node.args.get("on") or node.args.get("using") or node.kind == "CROSS"):
            yield "join without on: say cross join"
        case exp.Select():
            if node.args.get("limit") and not node.args.get("order"):
                yield "LIMIT without ORDER BY"
            named = {one.alias for one in node.expressions if isinstance(one, exp.Alias) and one.this.name != one.alias}
            where = node.args.get("where")
            filtered = where.find_all(exp.Column) if where else ()
            if any(not one.table and one.name in named and one.parent_select is node for one in filtered):
                yield "alias in WHERE: repeat the expression, or filter outside"
        case exp.Cast() if node.to.this not in _TYPES:
            yield TYPE_NAMES
        case exp.Extract() if node.name.lower() not in {"year", "month", "day", "quarter"}:
            yield "extract: year, month, day or quarter only"
        case exp.Substring():
            start = node.args.get("start")
            if not (isinstance(start, exp.Literal) and start.is_int and int(start.this) >= 1):
                yield "substr: start at a literal of 1 or more"


def _windows(node: exp.Expr) -> Iterator[str]:
    match node:
        case exp.Filter() if isinstance(node.parent, exp.Window):
            yield "FILTER inside OVER: a case expression (Spark 3.5)"
        case exp.Window():
            spec = node.args.get("spec")
            if not node.args.get("partition_by"):
                yield "window without PARTITION BY: one task would hold every row"
            needs_frame = node.args.get("order") and not isinstance(node.this, _FRAMELESS)
            if (spec or needs_frame) and not _is_rows_between(spec):
                yield "frame: ROWS BETWEEN .. AND .."
            if node.args.get("order") and not isinstance(node.this, exp.Rank | exp.DenseRank):
                columns = [*node.args.get("partition_by", ()), *(key.this for key in node.args["order"].expressions)]
                yield from _no_tie_breaker(node, columns)
        case exp.ArgMax() | exp.ArgMin():
            select = node.parent_select
            keys = node.expression.expressions if isinstance(node.expression, exp.Tuple) else [node.expression]
            group = select.args.get("group") if select else None
            yield from _no_tie_breaker(node, [*(group.expressions if group else ()), *keys])
            if not _is_known(node.this, [*keys, select.args.get("where") if select else None]):
                yield "max_by(x, ..): DuckDB passes over a null x, Spark returns it: begin the key with x is not null"


def _is_rows_between(spec: exp.Expr | None) -> bool:
    return bool(spec and spec.args.get("end") and str(spec.args["kind"]).lower() == "rows")


def _is_known(value: exp.Expr, places: list[exp.Expr | None]) -> bool:
    """Whether a place says that a value is not null."""
    tests = (test for place in places if place for test in place.find_all(exp.Is))
    return any(test.this == value and isinstance(test.parent, exp.Not) for test in tests)


def _no_tie_breaker(node: exp.Expr, columns: list[exp.Expr]) -> Iterator[str]:
    """Judged only where every column comes straight from tables whose keys are declared."""
    select = node.parent_select
    columns = [column for column in columns if not (isinstance(column, exp.Not) and isinstance(column.this, exp.Is))]
    if not select or not all(isinstance(column, exp.Column) for column in columns):
        return
    common = {cte.alias for cte in select.root().find_all(exp.CTE)}
    sources = [one.this for one in (select.args.get("from_"), *select.args.get("joins", ())) if one]
    read = {one.alias_or_name: one.name for one in sources if isinstance(one, exp.Table)}
    if len(read) < len(sources) or common & set(read.values()):
        return
    names = {column.name for column in columns}
    keys = [key for key in map(_key, read.values()) if key]
    if keys and not any(key <= names for key in keys):
        yield "ORDER BY without a unique tie-breaker: end in a declared key"


def _key(table: str) -> set[str]:
    if table in DECLARED:
        return set(DECLARED[table].key)
    feed = contracts().get(table)
    return set(feed.record_key or ("delivery_id", "source_row")) if feed else set()


def _arithmetic(node: exp.Expr) -> Iterator[str]:
    match node:
        case exp.Div():
            divisor = node.expression.unnest()
            if not (isinstance(divisor, exp.Nullif) or (isinstance(divisor, exp.Literal) and float(divisor.this))):
                yield "division: divide by nullif(b, 0)"
            if not (_holds_double(node.this) or isinstance(node.parent, exp.Floor | exp.Ceil)):
                yield "division: cast the dividend as double"
        case exp.Avg():
            yield "avg(): cast(sum(x) as double) / nullif(count(x), 0)"
        case exp.Sum() if not _is_cast(node.this, "decimal") and _holds_double(node.this):
            yield "sum of doubles: depends on the order of rows; sum integers or decimals, then cast"
        case exp.Round() if _holds_double(node.this):
            yield "round of a double: ties differ; round decimals or integer pence"
        case exp.PercentileCont() | exp.PercentileDisc() if not isinstance(node.parent, exp.WithinGroup):
            yield "percentile: percentile_cont(p) within group (order by cast(x as double))"
        case exp.WithinGroup() if not _is_cast(node.expression.expressions[0].this, "double"):
            yield "percentile: percentile_cont(p) within group (order by cast(x as double))"
        case exp.Ln() | exp.Sqrt() if not node.find_ancestor(exp.Case):
            yield "ln or sqrt: inside a case that guards its domain"
        case exp.Cast() if _is_integer(node) and _is_fraction(node.this.unnest()):
            yield "cast of a fraction to an integer: floor it first"
        case exp.Cast() if node.is_type("text") and _holds_double(node.this) and not _is_integer(node.this):
            yield "double to string differs"


def _is_integer(node: exp.Expr) -> bool:
    return _is_cast(node, "int", "bigint")


def _is_fraction(node: exp.Expr) -> bool:
    literal = isinstance(node, exp.Literal) and not node.is_int
    return literal or isinstance(node, exp.Div) or _is_cast(node, "double", "decimal")


def _dates(node: exp.Expr) -> Iterator[str]:
    match node:
        case exp.DateTrunc() | exp.TimestampTrunc() if not _is_cast(node.parent, "date"):
            yield "date_trunc gives a timestamp on one engine: cast(date_trunc(..) as date)"
        case exp.Add() | exp.Sub() if isinstance(node.expression, exp.Interval):
            if not _is_cast(node.parent, "date"):
                yield "date and interval: cast(d + interval '1' day as date)"
        case exp.Sub() if (_is_date(node.this) or _is_date(node.expression)) and not _is_cast(node.parent, "bigint"):
            yield "date minus date: cast(d2 - d1 as bigint)"


def _is_date(node: exp.Expr) -> bool:
    if isinstance(node, exp.Greatest | exp.Least | exp.Coalesce):
        return any(_is_date(one) for one in (node.this, *node.expressions))
    return _is_cast(node, "date") or (isinstance(node, exp.Column) and node.name in _declared("DATE"))


RULES: tuple[Callable[[exp.Expr], Iterator[str]], ...] = (_shape, _windows, _arithmetic, _dates)
