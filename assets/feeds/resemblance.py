"""Which known feed an unknown extract resembles, over all dialects.

Belongs here: comparing headers and types with the contracts.
Does not belong here: reading the extract (`profile.py`); the draft (`draft.py`).

The score is the share of a feed's columns in one dialect whose header the extract carries, halved where none of their
types agree: share of headers * (1 + share of agreeing types) / 2. It says where to look, not what a file is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assets.feeds.profile import Profile
from schemas.contract_model import Contract, ContractColumn

_NO_LETTER = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True)
class Resemblance:
    """How far an extract resembles one feed in the dialect that fits best.

    Attributes:
        score: from 0 to 1.
        mapped: the feed's column for each header that both have.
        agreeing: how many of these have the same type.
    """

    contract: Contract
    dialect: str
    score: float
    mapped: dict[str, ContractColumn]
    agreeing: int


def folded(header: str) -> str:
    """A header without case, spaces and punctuation."""
    return _NO_LETTER.sub("", header.lower())


def resemblances(profiles: Sequence[Profile], contracts: Mapping[str, Contract]) -> list[Resemblance]:
    """Every feed of which the extract carries at least one header, the nearest first."""
    nearest = [
        max((_compare(profiles, contract, dialect) for dialect in contract.dialects), key=lambda one: one.score)
        for contract in contracts.values()
    ]
    return sorted((one for one in nearest if one.mapped), key=lambda one: (-one.score, one.contract.feed))


def _compare(profiles: Sequence[Profile], contract: Contract, dialect: str) -> Resemblance:
    carried = [column for column in contract.columns if column.name not in contract.dialects[dialect].lacks]
    by_header = {folded(column.header_in(dialect)): column for column in carried}
    mapped = {one.header: by_header[folded(one.header)] for one in profiles if folded(one.header) in by_header}
    types = {one.header: one for one in profiles}
    agreeing = sum(agrees(types[header], column) for header, column in mapped.items())
    contained = len({column.name for column in mapped.values()}) / len(carried)
    score = contained * (1 + agreeing / len(mapped)) / 2 if mapped else 0.0
    return Resemblance(contract, dialect, score, mapped, agreeing)


def agrees(profile: Profile, column: ContractColumn) -> bool:
    """Whether a column of the extract can be read as the known one; a blank one can be anything."""
    if not profile.filled:
        return True
    match column.physical_type:
        case "VARCHAR":
            known = {value.strip().lower() for value in column.values} | {
                one.code.lower() for one in column.local_codes
            }
            return (
                not column.values or not profile.codes or any(code.strip().lower() in known for code in profile.codes)
            )
        case "DATE" | "INTEGER":
            return profile.type == column.physical_type
        case _:
            places = int(profile.type.rstrip(")").rpartition(",")[2]) if profile.type.startswith("DECIMAL") else None
            return profile.type == "INTEGER" or (places is not None and places <= column.precision_and_scale[1])


def known_columns(found: Sequence[Resemblance], contracts: Mapping[str, Contract]) -> dict[str, ContractColumn]:
    """The known column for each folded header of any feed and dialect, the nearest feed first."""
    nearest = [one.contract for one in found]
    others = [contract for contract in contracts.values() if contract not in nearest]
    known: dict[str, ContractColumn] = {}
    for contract in (*nearest, *others):
        for column in contract.columns:
            for header in (column.header, *column.aliases.values()):
                known.setdefault(folded(header), column)
    return known
