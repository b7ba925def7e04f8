"""Holds `sql/` to the subset of SQL that gives the same answer, unchanged, on DuckDB and on Spark 3.5 to 4.x.

Belongs here: the command, and the rules of the text as written: words, names, functions, header, tables read.
Does not belong here: rules of what an expression means (`portable_sql_nodes.py`); what a table means.

sqlglot only reads the text: as a translator it gives silently wrong answers. No rule stands here without a probe that
showed the two engines to differ.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from pipelines.portable_sql_nodes import RULES, TYPE_NAMES
from schemas.catalogue import DECLARED
from schemas.contract import contracts

LONGEST_LINE = 120
PARAMETERS = "run_parameters"

_ALLOWED = """
    sum count min max min_by max_by any_value bool_or bool_and count_if bit_or grouping
    stddev_samp stddev_pop var_samp var_pop corr covar_pop covar_samp
    regr_r2 regr_slope regr_intercept regr_count percentile_cont percentile_disc
    row_number rank dense_rank ntile percent_rank cume_dist lag lead first_value last_value
    coalesce nullif greatest least cast abs floor ceil round power exp ln sqrt sign mod
    upper lower trim length substr left right replace concat_ws md5 lpad rpad translate split_part
    year month day quarter dayofyear weekofyear last_day make_date date_trunc extract
"""
FUNCTIONS = frozenset(_ALLOWED.split())
# Words that may stand before a bracket without calling anything.
_WORDS_BEFORE_BRACKETS = """
    in and or not as over filter where by values on using then when else case from join exists select all sets any
    decimal cube rollup having union except intersect distinct between like with group
"""
_NOT_CALLS = frozenset(_WORDS_BEFORE_BRACKETS.split())
# Searched in the text without comments, strings emptied and one space between any two tokens.
_WORDS = {
    r"\bqualify\b": "QUALIFY: row_number() in a common table expression, then where place = 1",
    r"\bby name\b": "UNION BY NAME: list the columns in order",
    r"\bdistinct on\b": "DISTINCT ON: row_number() in a common table expression",
    r"\b(group|order) by all\b": "GROUP or ORDER BY ALL: name the columns",
    r"\brecursive\b": "recursive query: Spark 3.5 has none",
    r"\b(semi|anti|asof|positional|natural) join\b": "SEMI, ANTI, ASOF, POSITIONAL or NATURAL JOIN: exists, or join on",
    r"\bignore nulls\b": "IGNORE NULLS: its place differs",
    r"\bat time zone\b": "time zones belong in ingestion",
    r"\b(pivot|unpivot|lateral|unnest|explode|tablesample)\b": "PIVOT, UNNEST, LATERAL and samples: no portable form",
    r"\b(glob|similar|ilike|rlike|regexp)\b": "patterns beyond LIKE: no portable form",
    r"\bexclude\b": "EXCLUDE differs",
    r"\bfilter \( (?!where\b)": "FILTER: write filter (where ..)",
    r"\blike ''(?! escape\b)": "LIKE: say escape",
    r", (from\b|\))": "comma before the end of a list",
    r"^from\b": "FROM first: begin with select",
    r"\bas (varchar|text|integer|numeric)\b( \( [\d ,]+ \))? \)": TYPE_NAMES,
}
_SIGNS = {
    "::": ":: cast: cast(x as t)",
    "//": "//: cast(floor(a / nullif(b, 0)) as int)",
    "[": "list or subscript",
    "{": "struct or map literal",
    "->": "lambda or arrow",
    "#": "#: name the column",
    ";": "semicolon: one SELECT and nothing after it",
    "?": "parameter: values come from run_parameters",
    "$": "parameter: values come from run_parameters",
}  # fmt: skip


def breaches(sql: str) -> list[str]:
    """What a text does that is not portable, one message per kind of breach; none when it may run on both engines."""
    try:
        tokens = sqlglot.tokenize(sql, read="duckdb")
    except sqlglot.errors.TokenError:
        return ["does not parse: a string or a comment without an end"]
    found = {*_spelling(sql, tokens), *_calls(tokens), *_unsaid_null_order(tokens)}
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="duckdb") if tree]
        sqlglot.parse(sql, read="spark")
    except sqlglot.errors.ParseError as error:
        return sorted({*found, f"does not parse in both dialects: {error.errors[0]['description']}"})
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        found.add("one file is one SELECT")
    for tree in trees:
        for node in tree.walk():
            for rule in RULES:
                found.update(rule(node))
    return sorted(found)


def _spelling(sql: str, tokens: list[Token]) -> Iterator[str]:
    words = " ".join("''" if token.token_type == TokenType.STRING else token.text.lower() for token in tokens)
    yield from (message for pattern, message in _WORDS.items() if re.search(pattern, words))
    for token in tokens:
        if token.text in _SIGNS:
            yield _SIGNS[token.text]
        written = sql[token.start : token.end + 1]
        if token.token_type == TokenType.STRING:
            if "\\" in token.text or "'" in token.text:
                yield "backslash or quote in a string: Spark reads them differently"
        elif token.token_type == TokenType.IDENTIFIER:
            yield "quoted name: plain lower-case names only"
        elif written != written.lower():
            yield "upper case: keywords and names are lower case"
        if token.token_type == TokenType.NUMBER and "_" in written:
            yield "underscore in a number"


def _calls(tokens: list[Token]) -> Iterator[str]:
    for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
        name = token.text.lower()
        is_word = re.fullmatch(r"[a-z_]\w*", name) and token.token_type != TokenType.STRING
        names_columns = before and before.token_type == TokenType.ALIAS  # as v(place)
        if is_word and after.text == "(" and not names_columns and name not in FUNCTIONS | _NOT_CALLS:
            yield f"function {name}() is not on the allow list"


def _unsaid_null_order(tokens: list[Token]) -> Iterator[str]:
    for place, token in enumerate(tokens):
        if token.token_type != TokenType.ORDER_BY:
            continue
        if [before.text.lower() for before in tokens[max(0, place - 3) : place]] == ["within", "group", "("]:
            continue  # a percentile passes nulls over
        if any("nulls" not in key for key in _order_keys(tokens[place + 1 :])):
            yield "ORDER BY without NULLS FIRST or NULLS LAST on every key"


def _order_keys(tokens: list[Token]) -> list[list[str]]:
    keys: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0 or (depth == 0 and token.text.lower() in {"rows", "range", "groups", "limit", "offset"}):
            break
        if depth == 0 and token.text == ",":
            keys.append([])
        else:
            keys[-1].append(token.text.lower())
    return keys


def file_breaches(path: Path) -> list[str]:
    """What a file of `sql/` breaks: the rules of its text, then header, name, line lengths and the tables it reads."""
    sql = path.read_text()
    found = breaches(sql)
    header = [line for line in sql.splitlines() if line.startswith("--")]
    if not sql.startswith(f"-- {path.stem}: "):
        found.append(f"header: begin with -- {path.stem}: and what the table is")
    found += [f"header: a line with {word}" for word in ("Grain:", "Source:") if word not in " ".join(header)]
    long = [str(number) for number, line in enumerate(sql.splitlines(), 1) if len(line) > LONGEST_LINE]
    if long:
        found.append(f"line longer than {LONGEST_LINE}: {', '.join(long)}")
    return [*found, *_undeclared(path.stem, sql)]


def _undeclared(name: str, sql: str) -> Iterator[str]:
    table = DECLARED.get(name)
    if not table:
        yield f"{name} is not a declared table"
        return
    tree = sqlglot.parse_one(sql, read="duckdb")
    common = {cte.alias for cte in tree.find_all(exp.CTE)}
    read = {one.name for one in tree.find_all(exp.Table)} - common
    allowed = {*table.reads, PARAMETERS} if table.by_year else set(table.reads)
    yield from (f"reads {one}, which its declaration does not name" for one in sorted(read - allowed))
    yield from (f"does not read {one}, which its declaration names" for one in sorted(set(table.reads) - read))
    for one in sorted(common & (DECLARED.keys() | contracts().keys())):
        yield f"common table expression {one} hides the table of that name"


def main(folder: Path) -> int:
    """Check every file of a folder: prints a `file: message` line for each breach and returns 1, else their number."""
    files = sorted(folder.glob("*.sql"))
    lines = [f"{path}: {message}" for path in files for message in file_breaches(path)]
    print("\n".join(lines) or f"{len(files)} files checked")  # noqa: T201
    return 1 if lines or not files else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
