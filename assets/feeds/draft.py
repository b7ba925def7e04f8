"""A first contract for an unknown extract.

Belongs here: from profiles and resemblances to the text of an ODCS file, to be finished by a person.
Does not belong here: profiling (`profile.py`), comparing (`resemblance.py`).
"""

import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assets.feeds.identifiers import GateColumn
from assets.feeds.profile import FEWEST_ROWS, Extract, Profile, profile, refused_columns, rounded_up, words_of
from assets.feeds.resemblance import Resemblance, agrees, folded, known_columns, resemblances
from pipelines.errors import LinkedCareError
from schemas.contract import load
from schemas.contract_model import DEFAULT_DATE_FORMATS, PROVENANCE, Contract, ContractColumn

UNKNOWN = "not described yet"
_NEAREST = 3
_ALIKE = 0.5  # from this score on, roles of columns are taken from the known feed
_LOGICAL = {"VARCHAR": "string", "INTEGER": "integer", "DATE": "date"}
_PERCENT = 100
_USUAL = {"rhythm": "month", "dueDays": 30}


@dataclass(frozen=True)
class Draft:
    """A draft and what is to be said of it.

    Attributes:
        text: the ODCS file.
        notes: lines on what it resembles and what was left out; they hold no values.
    """

    text: str
    notes: tuple[str, ...]


def feed_named(name: str) -> str:
    """A name for a feed, or one of a column, from any text."""
    plain = re.sub(r"[^a-z0-9]+", "_", words_of(name)).strip("_") or "unnamed"
    return plain if plain[0].isalpha() else f"x_{plain}"


def draft_contract(feed: str, file: str, extract: Extract, contracts: Mapping[str, Contract]) -> Draft:
    """A contract of one dialect that the extract keeps to, as far as can be told from it.

    A header that is known from any feed takes the known column's name, description and codes.

    Raises:
        LinkedCareError: if the first row of the file is no row of headers.
    """
    known = known_columns((), contracts)
    gate = [_gate_column(header, known.get(folded(header))) for header in extract.rows.columns]
    refused, reasons = refused_columns(extract, gate)
    if any("a value in the place of its header" in reason for reason in reasons):
        raise LinkedCareError(f"{file}: its first row holds values, not headers. Put the headers there.")
    profiles = [profile(extract, header) for header in extract.rows.columns if header not in refused]
    if not profiles:
        raise LinkedCareError(f"{file}: every column names or holds identifiers of persons. Nothing is left to draft.")
    found = resemblances(profiles, contracts)
    known = known_columns(found, contracts)
    named = _named(profiles, known)
    formats = tuple(dict.fromkeys(form for one in profiles for form in one.formats)) or DEFAULT_DATE_FORMATS
    notes = (*_resembling(found), *(f"left out: {reason}" for reason in reasons))
    head = _head(feed)
    text = "".join(
        [
            *_comments(0, (f"Drafted from {extract.rows.height:,} rows of {file}.", *notes)),
            yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120),
            "schema:\n",
            _schema(feed, file, found, named, formats, extract.missing_texts),
            "  properties:\n",
            *(_column(one, name, column) for one, name, column in named),
        ]
    )
    _prove(feed, text)
    return Draft(text, notes)


def _gate_column(header: str, known: ContractColumn | None) -> GateColumn:
    if known is None:
        return GateColumn(header, is_known=False)
    is_pseudonym = known.classification == "pseudonym"
    return GateColumn(header, is_known=True, is_pseudonym=is_pseudonym, is_date=known.physical_type == "DATE")


def _named(
    profiles: Sequence[Profile], known: Mapping[str, ContractColumn]
) -> list[tuple[Profile, str, ContractColumn | None]]:
    """A name for each column, none twice, and the known column that it takes after."""
    named: list[tuple[Profile, str, ContractColumn | None]] = []
    taken = {*PROVENANCE}
    for one in profiles:
        column = known.get(folded(one.header))
        if column and column.name in taken:
            column = None
        wanted = column.name if column else feed_named(one.header)
        name, count = wanted, 1
        while name in taken:
            count += 1
            name = f"{wanted}_{count}"
        taken.add(name)
        named.append((one, name, column))
    return named


def _resembling(found: Sequence[Resemblance]) -> Iterator[str]:
    if not found:
        yield "resembles no known feed"
    for one in found[:_NEAREST]:
        pairs = ", ".join(f"{_plain(header)} = {column.name}" for header, column in one.mapped.items())
        yield (
            f"resembles {one.contract.feed} (dialect {one.dialect}): {one.score:.2f}, {len(one.mapped)} headers shared,"
            f" {one.agreeing} of the same type: {pairs}"
        )


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _comments(indent: int, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield from (f"{' ' * indent}# {part}\n" for part in textwrap.wrap(_plain(line), 116 - indent))


def _head(feed: str) -> dict[str, Any]:
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"urn:linked-care:contract:{feed}",
        "name": feed,
        "version": "0.1.0",
        "status": "draft",
        "description": {"purpose": UNKNOWN},
    }


def _schema(
    feed: str,
    file: str,
    found: Sequence[Resemblance],
    named: Sequence[tuple[Profile, str, ContractColumn | None]],
    formats: tuple[str, ...],
    missing_texts: tuple[str, ...],
) -> str:
    alike = found[0].contract if found and found[0].score >= _ALIKE else None
    taken = {name for _, name, column in named if column}
    own: dict[str, Any] = {
        "submissionRule": alike.submission_rule if alike else "period",
        "expected": {"rhythm": alike.rhythm, "dueDays": alike.due_days} if alike else _USUAL,
    }
    if alike and alike.record_key and taken.issuperset(alike.record_key):
        own["recordKey"] = list(alike.record_key)
    for role, column in _roles(alike).items():
        if column in taken:
            own[role] = column
    own["dialects"] = {"own": {"label": f"headers of {_plain(file)}", "dateFormats": list(formats)}}
    if missing_texts:
        own["missingTexts"] = list(missing_texts)
    table = {
        "name": feed,
        "physicalName": _plain(file),
        "logicalType": "object",
        "physicalType": "table",
        "description": UNKNOWN,
        "dataGranularityDescription": UNKNOWN,
        "customProperties": [{"property": name, "value": value} for name, value in own.items()],
    }
    return yaml.safe_dump([table], sort_keys=False, allow_unicode=True, width=120)


def _roles(alike: Contract | None) -> dict[str, str | None]:
    if alike is None:
        return {}
    return {
        "providerColumn": alike.provider_column,
        "activityDateColumn": alike.activity_date_column,
        "priceColumn": alike.price_column,
    }


def _column(one: Profile, name: str, known: ContractColumn | None) -> str:
    if known and not agrees(one, known):
        doubt = [f"Not written like {name} of a known feed, which is {known.physical_type}."]
        known_type = one.type
    else:
        doubt, known_type = [], known.physical_type if known else one.type
    codes = _codes(one, known) if known_type == "VARCHAR" else []
    options = _options(one, known_type, bool(codes))
    is_pseudonym = known.classification == "pseudonym" if known else "pseud" in words_of(one.header)
    unit = [{"property": "unit", "value": known.unit}] if known and known.unit else []
    item = {
        "name": name,
        "physicalName": one.header,
        "logicalType": _LOGICAL.get(known_type, "number"),
        "physicalType": known_type,
        "required": 0 < one.rows == one.filled,
        **({"classification": "pseudonym"} if is_pseudonym else {}),
        "description": known.description if known else UNKNOWN,
        **({"logicalTypeOptions": options} if options else {}),
        **({"enum": codes} if codes else {}),
        **({"customProperties": unit} if unit else {}),
    }
    text = yaml.safe_dump([item], sort_keys=False, allow_unicode=True, width=120)
    return "".join(_comments(2, [*_facts(one), *doubt])) + textwrap.indent(text, "  ")


def _facts(one: Profile) -> Iterator[str]:
    missing = (one.rows - one.filled) / one.rows
    yield (
        f"{_share(missing)} missing, {one.distinct:,} different values, at most {one.longest} characters"
        + (f", days written {', '.join(one.formats)}" if one.formats else "")
        + (f", {one.odd:,} not of the type" if one.odd else "")
        + "."
    )
    if one.is_identifying:
        yield "Looks like identifiers, so none of its values is shown."
    if one.rare:
        yield f"{one.rare} more codes, each on fewer than {FEWEST_ROWS} rows, are not shown; add those that are right."


def _share(share: float) -> str:
    percent = round(share * _PERCENT)
    return f"{percent}%" if percent or not share else "under 1%"


def _codes(one: Profile, known: ContractColumn | None) -> list[dict[str, str]]:
    if known and known.classification:
        return []
    listed = {value: known.labels.get(value, UNKNOWN) for value in known.values} if known else {}
    if known and not listed:  # a known column that takes more than the codes of one file
        return []
    return [
        {"value": value, "label": label} for value, label in ({**dict.fromkeys(one.codes, UNKNOWN), **listed}).items()
    ]


def _options(one: Profile, kind: str, is_coded: bool) -> dict[str, Any]:
    if kind == "DATE":
        return {"minimum": "1900-01-01"}
    if kind == "VARCHAR":
        return {} if is_coded or not one.longest else {"maxLength": rounded_up(one.longest)}
    return {"minimum": one.bounds[0], "maximum": one.bounds[1]} if one.bounds else {}


def _prove(feed: str, text: str) -> None:
    """The draft is a contract, or it is not given out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{feed}.odcs.yaml"
        path.write_text(text)
        load(path)
