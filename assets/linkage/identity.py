"""Which person a pseudonym stands for.

Belongs here: chains of mergers, the keyed hash, the `person_identifier` table.
Does not belong here: attributes of people and registrations, which are SQL.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping

import polars as pl

from pipelines.build import build_frame, sources
from pipelines.errors import LinkedCareError
from pipelines.store import Store, Stored
from schemas.linkage import PERSON_IDENTIFIER

log = logging.getLogger(__name__)

DEMONSTRATION_KEY = "linked-care demonstration key, for synthetic people only"
SHORTEST_KEY = 16


def build_person_identifier(store: Store, key: str) -> Stored:
    """Build `person_identifier` under a secret key.

    Raises:
        LinkedCareError: if real deliveries meet a key that others could guess, or two people would share an identifier.
    """
    refuse_real_people_under_guessable_key(store, key)
    depends_on = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    return build_frame(store, PERSON_IDENTIFIER, depends_on, lambda: _identify(store, key))


def refuse_real_people_under_guessable_key(store: Store, key: str) -> None:
    """The demonstration key is public, an empty or short one soon found: anybody could undo its hashes."""
    real = store.frame("delivery_receipt").filter(~pl.col("is_synthetic") & (pl.col("verdict") != "refused")).height
    if real and (key == DEMONSTRATION_KEY or len(key) < SHORTEST_KEY):
        raise LinkedCareError(
            f"person_identifier: {real} deliveries are not synthetic and the key is the demonstration key or shorter"
            f" than {SHORTEST_KEY} characters. Set LINKED_CARE_PERSON_KEY to a secret of your own."
        )


def _identify(store: Store, key: str) -> pl.DataFrame:
    with store.engine() as engine:
        for name, parts in sources(store, PERSON_IDENTIFIER, None).items():
            store.register(engine, name, parts, None)
        registered = engine.fetch(
            "select distinct pseudonym_domain, pseudonym from patient_register as r where not exists"
            " (select 1 from dummy_pseudonym as d where d.pseudonym = r.pseudonym)"
        )
        merged = engine.fetch(  # a placeholder that took part would link everybody's unidentified care to one person
            "select pseudonym_domain, superseded_pseudonym, pseudonym from person_merger as m where not exists"
            " (select 1 from dummy_pseudonym as d where d.pseudonym = m.superseded_pseudonym"
            " or d.pseudonym = m.pseudonym)"
        )
    mergers: dict[str, dict[str, str]] = {}
    for domain, superseded, surviving in merged:
        mergers.setdefault(domain, {})[superseded] = surviving
    rows = [
        (domain, pseudonym, person_id(domain, end, key), "direct" if pseudonym == end else "merged")
        for domain, known in _by_domain(registered).items()
        for pseudonym, end in people_of(known, mergers.get(domain, {})).items()
    ]
    frame = pl.DataFrame(rows, schema=PERSON_IDENTIFIER.empty_frame().schema, orient="row")
    ends = frame.filter(pl.col("how") == "direct")
    if shared := ends.height - ends["person_id"].n_unique():
        raise LinkedCareError(
            f"person_identifier: {shared} people share an identifier. Set another LINKED_CARE_PERSON_KEY."
        )
    return frame


def _by_domain(registered: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    domains: dict[str, set[str]] = {}
    for domain, pseudonym in registered:
        domains.setdefault(domain, set()).add(pseudonym)
    return domains


def people_of(registered: set[str], mergers: Mapping[str, str]) -> dict[str, str]:
    """For each pseudonym of one domain that stands for a person, the pseudonym in which its chain ends.

    A chain counts when any of its pseudonyms is on the register. Mergers that run in a circle name no survivor: they
    are void, and each pseudonym in them stands for itself.
    """
    ends = {
        pseudonym: end_of_chain(pseudonym, mergers) for pseudonym in registered | mergers.keys() | set(mergers.values())
    }
    circular = sum(end is None for end in ends.values())
    if circular:
        log.warning("person_merger: %d pseudonyms are merged in a circle; these mergers are void", circular)
    resolved = {pseudonym: end or pseudonym for pseudonym, end in ends.items()}
    alive = {resolved[pseudonym] for pseudonym in registered}
    return {pseudonym: end for pseudonym, end in resolved.items() if end in alive}


def end_of_chain(pseudonym: str, mergers: Mapping[str, str]) -> str | None:
    """The pseudonym that survives at the end of a chain of mergers; None if the chain runs in a circle."""
    seen = {pseudonym}
    while (survivor := mergers.get(pseudonym)) is not None:
        if survivor in seen:
            return None
        seen.add(survivor)
        pseudonym = survivor
    return pseudonym


def person_id(domain: str, pseudonym: str, key: str) -> int:
    """63 bits of a keyed BLAKE2b hash: stable across runs, useless to whoever lacks the key."""
    digest = hashlib.blake2b(
        f"{domain}\x1f{pseudonym}".encode(), key=hashlib.blake2b(key.encode()).digest(), digest_size=8
    ).digest()
    return int.from_bytes(digest, "big") >> 1 or 1
