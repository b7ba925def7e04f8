"""Each rule of portable SQL: a text that breaks it, and how to write it instead."""

from pathlib import Path

import pytest

from pipelines import portable_sql
from pipelines.build import SQL
from pipelines.portable_sql import breaches, file_breaches, main

# What the message says; a text that breaks the rule; a text that does not break any.
RULES = [
    ("one SELECT", "create table t as select 1 as a", "select 1 as a"),
    ("one SELECT", "select a from t; select b from t", "select a, b from t"),
    ("does not parse", "select a from t where where", "select a from t"),
    ("semicolon", "select a from t;", "select a from t"),
    ("QUALIFY", "select a from t qualify b = 1", "select a from t where b = 1"),
    ("UNION BY NAME", "select a from t union by name select a from u", "select a from t union all select a from u"),
    ("DISTINCT ON", "select distinct on (a) a from t", "select distinct a from t"),
    ("ORDER BY ALL", "select a, count(*) as n from t group by all", "select a, count(*) as n from t group by a"),
    (
        "recursive",
        "with recursive c as (select a from t) select a from c",
        "with c as (select a from t) select a from c",
    ),
    (
        "SEMI",
        "select a from t semi join u on t.a = u.a",
        "select a from t where exists (select 1 from u where u.a = t.a)",
    ),
    ("NATURAL", "select a from t natural join u", "select t.a from t inner join u on t.a = u.a"),
    (
        "IGNORE NULLS",
        "select lag(a ignore nulls) over (partition by b order by c asc nulls last) as x from t",
        "select lag(a) over (partition by b order by c asc nulls last) as x from t",
    ),
    ("time zones", "select a at time zone 'UTC' as a from t", "select a from t"),
    ("UNNEST", "select unnest(a) as b from t", "select a from t cross join u"),
    ("PIVOT", "pivot t on a using sum(b)", "select sum(case when a = 1 then b end) as b from t"),
    ("patterns", "select a from t where b ilike 'x%'", "select a from t where substr(b, 1, 1) = 'x'"),
    ("EXCLUDE", "select * exclude (a) from t", "select b from t"),
    ("write filter", "select count(*) filter (b > 0) as n from t", "select count(*) filter (where b > 0) as n from t"),
    ("say escape", "select a from t where b like 'x%'", "select a from t where b like 'x%' escape '!'"),
    ("comma before", "select a, from t", "select a from t"),
    ("comma before", "select a from t where b in (1, 2, )", "select a from t where b in (1, 2)"),
    ("FROM first", "from t select a", "select a from t"),
    ("type: write", "select cast(a as varchar) as a from t", "select cast(a as string) as a from t"),
    ("type: write", "select cast(a as timestamp) as a from t", "select cast(a as date) as a from t"),
    ("type: write", "select cast(a as hugeint) as a from t", "select cast(a as decimal(38, 0)) as a from t"),
    (":: cast", "select a::int as a from t", "select cast(a as int) as a from t"),
    ("//:", "select a // 2 as b from t", "select cast(floor(a / 2) as int) as b from t"),
    ("list or subscript", "select [1, 2] as b from t", "select 1 as b from t"),
    ("list or subscript", "select a[1] as b from t", "select substr(a, 1, 1) as b from t"),
    ("struct or map", "select {'x': 1} as b from t", "select 1 as b from t"),
    ("lambda", "select list_transform(a, x -> x + 1) as b from t", "select a + 1 as b from t"),
    ("#:", "select #1 from t", "select a from t"),
    (
        "parameter",
        "select a from t where b = ?",
        "select a from t cross join run_parameters as p where b = p.year_start",
    ),
    ("parameter", "select a from t where b = $1", "select a from t where b = 1"),
    ("backslash or quote", "select 'it''s' as a from t", "select 'its' as a from t"),
    ("backslash or quote", r"select 'a\b' as a from t", "select 'a/b' as a from t"),
    ("quoted name", 'select "a" from t', "select a from t"),
    ("upper case", "SELECT a from t", "select a from t"),
    ("upper case", "select practiceCode from t", "select practice_code from t"),
    ("underscore in a number", "select 1_000 as a from t", "select 1000 as a from t"),
    ("list_sum() is not", "select list_sum(a) as b from t", "select sum(a) as b from t"),
    (
        "starts_with() is not",
        "select a from t where starts_with(b, 'x')",
        "select a from t where substr(b, 1, 1) = 'x'",
    ),
    ("concat() is not", "select concat(a, b) as c from t", "select a || b as c from t"),
    ("median() is not", "select median(a) as b from t", "select max(a) as b from t"),
    ("hash() is not", "select hash(a) as b from t", "select md5(a) as b from t"),
    (
        "regexp_matches() is not",
        "select a from t where regexp_matches(b, 'x')",
        "select a from t where b = 'x'",
    ),
    ("NULLS FIRST or", "select a from t order by a limit 1", "select a from t order by a asc nulls last limit 1"),
    (
        "NULLS FIRST or",
        "select a from t order by a nulls last, b limit 1",
        "select a from t order by a nulls last limit 1",
    ),
    (
        "NULLS FIRST or",
        "select row_number() over (partition by a order by greatest(b, c) desc, d asc nulls last) as n from t",
        "select row_number() over (partition by a order by greatest(b, c) desc nulls last) as n from t",
    ),
    ("*: name", "select * from t", "select count(*) as n from t"),
    ("*: name", "select t.* from t", "select t.a from t"),
    ("cross join", "select a from t, u", "select a from t cross join u"),
    ("cross join", "select a from t join u", "select a from t inner join u on t.b = u.b"),
    ("LIMIT", "select a from t limit 1", "select a from t order by a asc nulls last limit 1"),
    ("alias in WHERE", "select a + 1 as b from t where b > 1", "select a + 1 as b from t where a + 1 > 1"),
    ("extract:", "select extract(dow from a) as b from t", "select extract(month from a) as b from t"),
    ("substr:", "select substr(a, 0, 2) as b from t", "select substr(a, 1, 2) as b from t"),
    ("substr:", "select substr(a, n, 2) as b from t", "select substr(a, 3) as b from t"),
    (
        "FILTER inside OVER",
        "select sum(a) filter (where b > 0) over (partition by c) as d from t",
        "select sum(case when b > 0 then a end) over (partition by c) as d from t",
    ),
    ("without PARTITION BY", "select sum(a) over () as b from t", "select sum(a) over (partition by c) as b from t"),
    (
        "frame:",
        "select sum(a) over (partition by b order by c asc nulls last) as d from t",
        "select sum(a) over (partition by b order by c asc nulls last"
        " rows between unbounded preceding and current row) as d from t",
    ),
    (
        "frame:",
        "select sum(a) over (partition by b order by c asc nulls last rows 1 preceding) as d from t",
        "select sum(a) over (partition by b order by c asc nulls last"
        " rows between 1 preceding and current row) as d from t",
    ),
    (
        "frame:",
        "select max(a) over (partition by b order by c asc nulls last"
        " range between 1 preceding and current row) as d from t",
        "select lag(a) over (partition by b order by c asc nulls last) as d from t",
    ),
    (
        "tie-breaker",
        "select lag(lsoa_code) over (partition by person_id order by lsoa_code asc nulls last) as b from registration",
        "select lag(lsoa_code) over (partition by person_id order by registered_from asc nulls last) as b"
        " from registration",
    ),
    (
        "tie-breaker",
        "select max_by(sex_code, (sex_code is not null, registered_from)) as s"
        " from patient_register group by birth_month",
        "select max_by(sex_code, (sex_code is not null, registered_from, pseudonym)) as s"
        " from patient_register group by birth_month",
    ),
    (
        "begin the key with x is not null",
        "select max_by(a, b) as c from t group by d",
        "select max_by(a, (a is not null, b)) as c from t group by d",
    ),
    (
        "begin the key with x is not null",
        "select min_by(a, (b, c)) as c from t where b is not null group by d",
        "select min_by(a, (b, c)) as c from t where a is not null group by d",
    ),
    ("nullif", "select cast(a as double) / b as c from t", "select cast(a as double) / nullif(b, 0) as c from t"),
    ("nullif", "select cast(a as double) / 0 as c from t", "select cast(a as double) / 52 as c from t"),
    ("cast the dividend", "select a / nullif(b, 0) as c from t", "select floor(a / nullif(b, 0)) as c from t"),
    ("avg()", "select avg(a) as b from t", "select cast(sum(a) as double) / nullif(count(a), 0) as b from t"),
    ("sum of doubles", "select sum(cast(a as double)) as b from t", "select cast(sum(a) as double) as b from t"),
    (
        "sum of doubles",
        "select sum(people_share) as b from cost_by_condition_count",
        "select sum(people_count) as b from t",
    ),
    (
        "sum of doubles",
        "select sum(cast(a as double) / nullif(b, 0)) as c from t",
        "select sum(cast(cast(a as double) / nullif(b, 0) as decimal(38, 4))) as c from t",
    ),
    ("round of a double", "select round(cast(a as double), 2) as b from t", "select round(a, 2) as b from t"),
    (
        "percentile:",
        "select percentile_cont(0.5) within group (order by a) as b from t",
        "select percentile_cont(0.5) within group (order by cast(a as double)) as b from t",
    ),
    ("ln or sqrt", "select ln(a) as b from t", "select case when a > 0 then ln(a) end as b from t"),
    ("fraction to an integer", "select cast(1.6 as int) as a from t", "select cast(floor(1.6) as int) as a from t"),
    (
        "fraction to an integer",
        "select cast(cast(a as double) / 7 as bigint) as b from t",
        "select cast(floor(cast(a as double) / 7) as bigint) as b from t",
    ),
    (
        "double to string",
        "select cast(cast(a as double) as string) as b from t",
        "select cast(a as string) as b from t",
    ),
    (
        "date_trunc gives",
        "select date_trunc('month', a) as b from t",
        "select cast(date_trunc('month', a) as date) as b from t",
    ),
    (
        "date and interval",
        "select a + interval '1' day as b from t",
        "select cast(a + interval '1' day as date) as b from t",
    ),
    (
        "date minus date",
        "select discharge_date - admission_date as b from t",
        "select cast(discharge_date - admission_date as bigint) as b from t",
    ),
    (
        "date minus date",
        "select least(a, month_end) - b + 1 as c from t",
        "select cast(least(a, month_end) - b as bigint) + 1 as c from t",
    ),
]


@pytest.mark.parametrize(("message", "broken", "kept"), RULES, ids=lambda text: text)
def test_rule(message: str, broken: str, kept: str) -> None:
    assert any(message in found for found in breaches(broken)), breaches(broken)
    assert breaches(kept) == []


def test_every_rule_of_words_and_signs_has_a_test() -> None:
    stated = {*portable_sql._WORDS.values(), *portable_sql._SIGNS.values()}
    assert {text for text in stated if not any(message in text for message, *_ in RULES)} == set()


def test_comments_and_strings_are_not_judged() -> None:
    assert breaches("select 'QUALIFY [1] :: order by' as a -- QUALIFY x::int\nfrom t") == []


def test_common_table_expressions_are_not_functions() -> None:
    assert breaches("with v as (select w.a from (values (1), (2)) as w(a)) select a from v") == []


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.stem)
def test_the_projects_files_keep_every_rule(path: Path) -> None:
    assert file_breaches(path) == []


GOOD = """-- person_condition: what it is.
-- Grain: one row per person and condition.
-- Source: condition_evidence.
select person_id from condition_evidence
"""


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        ("header: begin with", "-- person_condition: what", "-- what"),
        ("header: a line with Grain:", "Grain:", "Rows:"),
        ("header: a line with Source:", "Source:", "From:"),
        ("reads person, which", "from condition_evidence", "from condition_evidence cross join person"),
        ("does not read condition_evidence", "from condition_evidence", "from person"),
        ("reads run_parameters", "from condition_evidence", "from condition_evidence cross join run_parameters"),
        ("hides the table", "select person_id", "with person as (select 1 as a) select person_id"),
        ("line longer than 120: 2", "one row", "one row " + "x" * 120),
        ("*: name", "select person_id", "select *"),
    ],
)
def test_rule_of_files(tmp_path: Path, message: str, old: str, new: str) -> None:
    path = tmp_path / "person_condition.sql"
    path.write_text(GOOD)
    assert file_breaches(path) == []
    path.write_text(GOOD.replace(old, new))
    assert any(message in found for found in file_breaches(path)), file_breaches(path)


def test_a_file_is_named_after_its_table(tmp_path: Path) -> None:
    path = tmp_path / "no_such_table.sql"
    path.write_text(GOOD.replace("-- person_condition", "-- no_such_table"))
    assert file_breaches(path) == ["no_such_table is not a declared table"]


def test_a_table_by_year_may_read_the_run_parameters(tmp_path: Path) -> None:
    path = tmp_path / "cost_ledger.sql"
    path.write_text(
        "-- cost_ledger: what it is.\n-- Grain: one row. Source: delivery_total.\n"
        "select 1 as a from delivery_total cross join activity_cost cross join run_parameters\n"
    )
    assert file_breaches(path) == []


def test_the_command_names_each_file_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "person_condition.sql"
    path.write_text(GOOD)
    assert main(tmp_path) == 0
    assert capsys.readouterr().out == "1 files checked\n"
    path.write_text(GOOD.replace("select person_id", "select *"))
    assert main(tmp_path) == 1
    assert capsys.readouterr().out == f"{path}: *: name the columns\n"


def test_an_empty_folder_is_no_success(tmp_path: Path) -> None:
    assert main(tmp_path) == 1
