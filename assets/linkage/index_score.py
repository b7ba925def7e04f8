"""How well the index does on a synthetic county, of which it is known whom every identifier stands for.

Belongs here: precision and recall of `person_identifier` less `identifier_exclusion`, by case of the truth.
Does not belong here: what unlinked care costs, which is `linkage_quality`.
"""

from pathlib import Path

import polars as pl

from pipelines.engine import read_parquet
from pipelines.errors import LinkedCareError
from pipelines.store import Store

TRUTH_IDENTIFIER = "truth_identifier.parquet"

# Where an identifier is used in feeds, it is scored in each of them, else once.
_SCORE = """
with used as (
    select distinct feed, pseudonym_domain, pseudonym from identifier_use
),

everywhere as (
    select * from truth where feed is null
),

known as (
    select pseudonym_domain, pseudonym from everywhere
    union select pseudonym_domain, pseudonym from used
    union select pseudonym_domain, pseudonym from person_identifier
),

place as (
    select u.feed, k.pseudonym_domain, k.pseudonym
    from known as k left join used as u using (pseudonym_domain, pseudonym)
),

home as (
    select distinct pseudonym_domain from patient_register
),

anchor as (
    select i.pseudonym, i.person_id
    from person_identifier as i inner join home using (pseudonym_domain)
    where i.how = 'direct'
),

judged as (
    select
        coalesce(o.case, t.case, 'unknown') as truth_case,
        coalesce(o.is_deterministic, t.is_deterministic, true) as is_deterministic,
        case when o.case is null then t.person else o.person end as person,
        case when x.reason is null then i.person_id end as found
    from place as p
    left join everywhere as t using (pseudonym_domain, pseudonym)
    left join truth as o on p.feed = o.feed and p.pseudonym_domain = o.pseudonym_domain and p.pseudonym = o.pseudonym
    left join person_identifier as i
        on p.pseudonym_domain = i.pseudonym_domain and p.pseudonym = i.pseudonym
    left join identifier_exclusion as x
        on p.feed = x.feed and p.pseudonym_domain = x.pseudonym_domain and p.pseudonym = x.pseudonym
)

select
    truth_case,
    is_deterministic,
    count(*) as identifier_count,
    count(j.person) as due_count,
    count(j.found) as linked_count,
    count(*) filter (where j.found = a.person_id) as right_count
from judged as j
left join anchor as a on j.person = a.pseudonym
group by truth_case, is_deterministic
order by truth_case, is_deterministic
"""


def score_index(store: Store, landing: Path) -> pl.DataFrame:
    """By case of the truth: how many identifiers, in each feed that uses them, lead to the right person.

    `due_count` should lead to a person, `linked_count` do, `right_count` to the right one.

    Raises:
        LinkedCareError: if the deliveries have no truth beside them, or the index is not built.
    """
    file = landing / TRUTH_IDENTIFIER
    if not file.is_file():
        raise LinkedCareError(
            f"{landing}: lacks {TRUTH_IDENTIFIER}. It comes with a synthetic county: `linked-care synthesise`."
        )
    with store.engine() as engine:
        for name in ("person_identifier", "identifier_exclusion", "patient_register"):
            store.register(engine, name, [store.require(name)], None)
        years = store.years("identifier_use")
        store.register(engine, "identifier_use", [store.require("identifier_use", year) for year in years], None)
        return pl.DataFrame(engine.rows(_SCORE.replace(" truth ", f" {read_parquet(file)} ")))


def precision(score: pl.DataFrame) -> float:
    """Of the identifiers that lead to a person, the share that lead to the right one."""
    return _share(score, "linked_count")


def recall(score: pl.DataFrame) -> float:
    """Of the identifiers that should lead to a person, the share that lead to the right one."""
    return _share(score, "due_count")


def _share(score: pl.DataFrame, of: str) -> float:
    whole = int(score[of].sum())
    return float(score["right_count"].sum() / whole) if whole else 1.0
