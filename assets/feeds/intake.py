"""Take in one delivery: prove its files, pass the identifier gate, sort its rows, write the receipt.

Belongs here: one delivery, judged on its own.
Does not belong here: what another delivery of the same feed says (`submission.py`).
"""

import json
import logging
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from assets.feeds import (
    columnar,
    companions,
    control,
    delimited,
    guards,
    identifier_values,
    identifiers,
    reading,
    sorting,
    transcoding,
    workbook,
)
from assets.feeds import delivery as delivery_module
from assets.feeds import headers as headers_module
from assets.feeds.companions import COMPANIONS, columns_of, keep_companion
from assets.feeds.delivery import MANIFEST, Delivery, IdentifiersError, RefusedDeliveryError
from assets.feeds.guards import guarded_columns
from assets.feeds.headers import Headers, match_headers
from assets.feeds.identifiers import IdentifierGate, refused_by_header
from assets.feeds.reading import open_text
from assets.feeds.receipt import (
    RECEIPT,
    Receipt,
    accepted_files,
    file_digests,
    put_in_place,
    quarantine_files,
    stands,
    unchanged,
)
from assets.feeds.sorting import SOURCE_ROW, RowSorter, Total
from pipelines.store import digest_of, fingerprint
from schemas import contract_model, row_checks
from schemas.contract_model import Contract

log = logging.getLogger(__name__)

_READERS = (
    columnar,
    contract_model,
    delivery_module,
    companions,
    control,
    delimited,
    guards,
    headers_module,
    identifier_values,
    identifiers,
    reading,
    row_checks,
    sorting,
    transcoding,
    workbook,
)


def intake_key(delivery: Delivery, contract: Contract, released: frozenset[str] = frozenset()) -> str:
    """Digest of what the outcome depends on: the announcement with its hashes, the contract, releases, the code."""
    return fingerprint(delivery.manifest, contract.read_by, sorted(released), _code())


@cache
def _code() -> list[str]:
    return [digest_of(Path(file)) for file in (__file__, *(str(module.__file__) for module in _READERS))]


def take_in(delivery: Delivery, contract: Contract, shelf: Path, released: frozenset[str] = frozenset()) -> Receipt:
    """Judge a delivery and put its rows on the shelf (`store/<feed>/`), in one step.

    Writes, in parts, `accepted-*.parquet` (the contract's columns and provenance), `quarantine-*.parquet` (row number,
    first rule broken, rules broken) and `quarantined_row-*.parquet` (the rejected rows as received), and one small
    `<role>.parquet` for each kind of companion file. A refused delivery leaves its receipt and nothing else, unless it
    was accepted before: then its rows stay, for a file that was moved to an archive must not take a month away. What
    holds identifiers never stays.
    """
    final, key = shelf / delivery.delivery_id, intake_key(delivery, contract, released)
    staged = shelf / f".{uuid.uuid4().hex}.tmp"
    staged.mkdir(parents=True)
    try:
        receipt = _judge(delivery, contract, staged, key, released)
        receipt = replace(receipt, files=file_digests(staged))
    except RefusedDeliveryError as refusal:
        shutil.rmtree(staged)  # nothing of what is refused is copied
        held = isinstance(refusal, IdentifiersError)
        if stands(final) and not held:
            log.warning("%s/%s stays as it was accepted: %s", contract.feed, delivery.delivery_id, refusal)
            return replace(Receipt.load(final / RECEIPT), returned_rows=0)
        staged.mkdir()
        receipt = _receipt(delivery, key, reason=str(refusal), holds_identifiers=held)
    (staged / RECEIPT).write_text(receipt.dump())
    put_in_place(staged, final)
    return receipt


def _judge(delivery: Delivery, contract: Contract, staged: Path, key: str, released: frozenset[str]) -> Receipt:
    if _major(delivery.contract_version) != _major(contract.version):
        raise RefusedDeliveryError(
            f"announced under contract version {delivery.contract_version}, known is {contract.version}."
        )
    if delivery.providers and not contract.provider_column:
        raise RefusedDeliveryError("announces providers, and the feed has no provider column. Leave them out.")
    if not contract.provider_column and any(total.provider for total in delivery.control_totals):
        raise RefusedDeliveryError("announces control_totals of providers, and the feed has no provider column.")
    if not contract.price_column and any(total.pence is not None for total in delivery.control_totals):
        raise RefusedDeliveryError("announces control_totals with a submitted_price, and the feed has no prices.")
    sorter = RowSorter(delivery, contract, staged, released)
    dialects = set()
    with tempfile.TemporaryDirectory(dir=staged) as spool:
        for gate, headers, batch in _batches(delivery, contract, Path(spool)):
            rows = sorter.check(batch, headers)
            guarded = guarded_columns(headers.form, frozenset(sorter.released))
            gate.look(batch, {headers.found[name] for name in guarded & headers.found.keys()}, rows["is_rejected"])
            _refuse_identifiers(gate.verdict())
            sorter.keep(rows, headers)
            dialects.add(headers.form.dialect.name)
        if not accepted_files(staged):
            empty_accepted(contract, staged / "accepted-00000.parquet")
        repeated, first_row = sorter.repeated_rows(), 1
        if repeated.len():
            for _, headers, batch in _batches(delivery, contract, Path(spool)):
                sorter.move_to_quarantine(repeated, batch, first_row, headers)
                first_row += batch.height
        for role in COMPANIONS:
            if delivery.files_of(role):
                small = columns_of(role, contract, delivery.dialect)
                found = _batches(replace(delivery, dialect=None), small, Path(spool), role)
                keep_companion(role, small, _through_gate(found), staged)
    totals = sorter.totals()
    if delivery.providers and (others := _rows_of_others(totals, delivery.providers)):
        raise RefusedDeliveryError(
            f"{others} rows are of providers that {MANIFEST} does not announce. Announce these, or leave the rows out."
        )
    if differs := control.difference(delivery.control_totals, sorter.read_totals(), sorter.unreadable_prices):
        raise RefusedDeliveryError(differs)
    return _receipt(
        delivery,
        key,
        dialect=", ".join(sorted(dialects)) or contract.own_dialect.name,
        received_rows=sorter.received_rows,
        received_pence=sorter.received_pence,
        totals=totals,
        broken=dict(sorted(sorter.broken.items())),
        released=tuple(sorted(sorter.released)),
        released_rows=sorter.released_rows,
        returned_rows=_returned(staged, staged.parent / delivery.delivery_id),
        unreadable_prices=sorter.unreadable_prices,
    )


def _rows_of_others(totals: Iterable[Total], providers: Collection[str]) -> int:
    """Accepted rows that a resubmission for the same providers could never replace."""
    return sum(rows for status, provider, _, rows, _ in totals if status == "accepted" and provider not in providers)


def _batches(
    delivery: Delivery, contract: Contract, spool: Path, role: str = "records"
) -> Iterator[tuple[IdentifierGate, Headers, pl.DataFrame]]:
    """The rows of a delivery's files of one role as text, file by file, with the gate that they are to pass.

    Raises:
        IdentifiersError: if a header names identifiers.
    """
    for file in delivery.files_of(role):
        text = open_text(delivery.folder, file, spool)
        headers = match_headers(file.name, text.headers, delivery, contract)
        gate = IdentifierGate(headers.gate_columns(), file.name)
        _refuse_identifiers(refused_by_header(headers.gate_columns(), file.name))
        for batch in text.batches():
            yield gate, headers, batch


def _through_gate(
    batches: Iterable[tuple[IdentifierGate, Headers, pl.DataFrame]],
) -> Iterator[tuple[Headers, pl.DataFrame]]:
    """Batches that have passed the gate, every cell of them."""
    for gate, headers, batch in batches:
        gate.look(batch)
        _refuse_identifiers(gate.verdict())
        yield headers, batch


def _refuse_identifiers(reason: str | None) -> None:
    if reason:
        raise IdentifiersError(reason)


def _returned(staged: Path, before: Path) -> int:
    """Rows that an earlier reading of the same delivery rejected and this one accepts."""
    earlier, now = (
        pl.concat([pl.read_parquet(path, columns=[SOURCE_ROW], glob=False) for path in files]) if files else None
        for files in (unchanged(before, quarantine_files(before)), quarantine_files(staged))
    )
    if earlier is None:
        return 0
    return earlier.height if now is None else earlier.join(now, on=SOURCE_ROW, how="anti").height


def _major(version: str) -> str:
    return version.partition(".")[0]


def _receipt(delivery: Delivery, key: str, **outcome: Any) -> Receipt:
    whole = next((total for total in delivery.control_totals if total.is_of_the_whole), None)
    return Receipt(
        delivery_id=delivery.delivery_id,
        feed=delivery.feed,
        supplier=delivery.supplier,
        contract_version=delivery.contract_version,
        pseudonym_domain=delivery.pseudonym_domain,
        synthetic=delivery.synthetic,
        period_start=delivery.period_start,
        period_end=delivery.period_end,
        received_at=delivery.received_at,
        intake_key=key,
        content=tuple(sorted(f"{file.role} {file.sha256.lower()}" for file in delivery.files)),
        announced=_announced(delivery),
        providers=delivery.providers,
        roles=tuple(sorted({file.role for file in delivery.files})),
        announced_rows=whole.rows if whole else None,
        announced_pence=whole.pence if whole else None,
        **outcome,
    )


def _announced(delivery: Delivery) -> str:
    """Digest of all that decides how a delivery is read: what is left out is its name, its time, and names of files."""
    announced = json.loads(delivery.manifest)
    files = [{name: value for name, value in file.items() if name != "name"} for file in announced["files"]]
    kept = {name: value for name, value in announced.items() if name not in {"delivery_id", "received_at", "files"}}
    return fingerprint(kept, sorted(json.dumps(file, sort_keys=True) for file in files))


def empty_accepted(contract: Contract, target: Path) -> None:
    """An accepted table without rows, for a feed that has not been delivered yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([], contract.accepted_schema), target)
