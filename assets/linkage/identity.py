"""Which person an identifier stands for.

Belongs here: the keyed hash, the tables `identifier_link` and `person_identifier`.
Does not belong here: which links count (`links.py`), where they lead (`chains.py`), attributes of people (SQL).
"""

import hashlib
import logging
from pathlib import Path

import polars as pl

from assets.linkage.chains import CIRCLE, follow
from assets.linkage.links import bridge_links, merger_links
from pipelines.build import build_frame, sources
from pipelines.errors import LinkedCareError
from pipelines.store import Store, Stored
from schemas.identifiers import IDENTIFIER_LINK, PERSON_IDENTIFIER
from schemas.table import Table

log = logging.getLogger(__name__)

DEMONSTRATION_KEY = "linked-care demonstration key, for synthetic people only"
SHORTEST_KEY = 16

# A placeholder that took part would link everybody's unidentified care to one person; who is withdrawn has no care.
_MERGERS = """
select pseudonym_domain, superseded_pseudonym, pseudonym, merged_on, event_code
from person_merger as m
where not exists (
    select 1 from dummy_pseudonym as d where d.pseudonym = m.superseded_pseudonym or d.pseudonym = m.pseudonym
) and not exists (
    select 1 from withdrawn_identifier as w
    where w.pseudonym_domain = m.pseudonym_domain and w.pseudonym = m.superseded_pseudonym
)
"""
_BRIDGES = """
select bridged_domain, bridged_pseudonym, pseudonym_domain, pseudonym, bridged_from, bridged_to
from person_bridge as b
where bridged_pseudonym not in (select pseudonym from dummy_pseudonym)
    and pseudonym not in (select pseudonym from dummy_pseudonym)
    and not exists (
        select 1 from withdrawn_identifier as w
        where w.pseudonym_domain = b.bridged_domain and w.pseudonym = b.bridged_pseudonym
    )
"""
_REGISTERED = """
select pseudonym_domain, pseudonym, min(registered_from) as since
from patient_register
where pseudonym not in (select pseudonym from dummy_pseudonym)
group by pseudonym_domain, pseudonym
"""


def build_identifier_link(store: Store) -> Stored:
    """Build `identifier_link`: where the links of each identifier lead, whoever is registered."""
    code = _code("links.py", "chains.py")
    return build_frame(store, IDENTIFIER_LINK, (code, _MERGERS, _BRIDGES), lambda: _links(store))


def _links(store: Store) -> pl.DataFrame:
    mergers, bridges = _rows(store, IDENTIFIER_LINK, _MERGERS, _BRIDGES)
    found = follow(pl.concat([merger_links(mergers), bridge_links(bridges)]))
    for code, count in found.group_by("finding").len().drop_nulls().sort("finding").rows():
        what = "run in a circle; these links are void" if code == CIRCLE else f"stand for nobody: {code}"
        log.warning("identifier_link: %d identifiers %s", count, what)
    return found.rename({"from_domain": "pseudonym_domain", "from_pseudonym": "pseudonym"})


def build_person_identifier(store: Store, key: str) -> Stored:
    """Build `person_identifier` under a secret key.

    Raises:
        LinkedCareError: if real deliveries meet a key that others could guess, or two people would share an identifier.
    """
    refuse_real_people_under_guessable_key(store, key)
    depends_on = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()

    def make() -> pl.DataFrame:
        (registered,) = _rows(store, PERSON_IDENTIFIER, _REGISTERED)
        return identify(registered, store.frame(IDENTIFIER_LINK.name), key)

    return build_frame(store, PERSON_IDENTIFIER, (depends_on, _REGISTERED, _code("identity.py")), make)


def refuse_real_people_under_guessable_key(store: Store, key: str) -> None:
    """The demonstration key is public, an empty or short one soon found: anybody could undo its hashes."""
    real = store.frame("delivery_receipt").filter(~pl.col("is_synthetic") & (pl.col("verdict") != "refused")).height
    if real and (key == DEMONSTRATION_KEY or len(key) < SHORTEST_KEY):
        raise LinkedCareError(
            f"person_identifier: {real} deliveries are not synthetic and the key is the demonstration key or shorter"
            f" than {SHORTEST_KEY} characters. Set LINKED_CARE_PERSON_KEY to a secret of your own."
        )


def identify(registered: pl.DataFrame, links: pl.DataFrame, key: str) -> pl.DataFrame:
    """Everybody who is on the register, under each identifier that leads to them.

    A person is known by the identifier in which the links end, and exists when any on the way is on the register.

    Raises:
        LinkedCareError: if two people would share an identifier.
    """
    name, end = ["pseudonym_domain", "pseudonym"], ["end_domain", "end_pseudonym"]
    led = links.filter(pl.col("end_pseudonym").is_not_null(), pl.col("step_count") > 0)
    own = registered.join(links, on=name, how="anti").with_columns(end_domain=name[0], end_pseudonym=name[1])
    own = pl.concat([own, registered.join(links.filter(pl.col("finding") == CIRCLE).select(*name, *end), on=name)])
    through = registered.join(led.select(*name, *end), on=name)
    # Who is registered under no identifier but earlier ones has been known since the first of these days.
    through = through.group_by(end).agg(pl.col("since").min()).join(own, on=end, how="anti")
    people = pl.concat([own.select(*end, "since"), through.select(*end, "since")])
    people = people.with_columns(person_id=_person_ids(people, key))
    direct = people.select(
        pl.col("end_domain").alias("pseudonym_domain"),
        pl.col("end_pseudonym").alias("pseudonym"),
        "person_id",
        how=pl.lit("direct"),
        since="since",
        step_count=pl.lit(0, pl.Int32),
    )
    kinds = [pl.when("has_merger").then(pl.lit("merged")), pl.when("has_bridge").then(pl.lit("bridged"))]
    linked = led.join(people.select(*end, "person_id"), on=end).select(
        *name,
        "person_id",
        pl.concat_str(kinds, separator="_and_", ignore_nulls=True).alias("how"),
        "since",
        "step_count",
    )
    return pl.concat([direct, linked])


def _person_ids(people: pl.DataFrame, key: str) -> pl.Series:
    ids = pl.Series(
        [
            person_id(domain, pseudonym, key)
            for domain, pseudonym in people.select("end_domain", "end_pseudonym").iter_rows()
        ],
        dtype=pl.Int64,
    )
    if shared := people.height - ids.n_unique():
        raise LinkedCareError(
            f"person_identifier: {shared} people share an identifier. Set another LINKED_CARE_PERSON_KEY."
        )
    return ids


def person_id(domain: str, pseudonym: str, key: str) -> int:
    """63 bits of a keyed BLAKE2b hash: stable across runs, useless to whoever lacks the key."""
    digest = hashlib.blake2b(
        f"{domain}\x1f{pseudonym}".encode(), key=hashlib.blake2b(key.encode()).digest(), digest_size=8
    ).digest()
    return int.from_bytes(digest, "big") >> 1 or 1


def _rows(store: Store, table: Table, *queries: str) -> list[pl.DataFrame]:
    with store.engine() as engine:
        for name, parts in sources(store, table, None).items():
            store.register(engine, name, parts, None)
        return [pl.DataFrame(engine.rows(query)) for query in queries]


def _code(*names: str) -> list[str]:
    """What the rules were: with other ones the same lists give another index."""
    return [(Path(__file__).parent / name).read_text() for name in names]
