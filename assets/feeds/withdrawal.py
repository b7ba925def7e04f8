"""Rows of identifiers that must no longer be processed: off every delivery, and counted on its receipt.

Belongs here: taking rows off what lies on the shelf, and knowing when they are to come back.
Does not belong here: which identifiers are withdrawn (`withdrawn.py`); releases (`assets/publication/withdrawal.py`).
"""

import hashlib
import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from assets.feeds.companions import COMPANIONS, companion_file
from assets.feeds.cuts import is_copy
from assets.feeds.receipt import (
    RECEIPT,
    WIPED,
    Receipt,
    accepted_files,
    file_digests,
    put_in_place,
    quarantined_row_files,
)
from assets.feeds.sorting import Total, activity_month
from assets.feeds.superseded import provider
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.store import POINTER, Store, digest_of, fingerprint, write_whole
from schemas.contract_model import Contract
from schemas.feeds import LINK_FEEDS, WITHDRAWN_IDENTIFIER

log = logging.getLogger(__name__)

WITHDRAWN = "withdrawn.parquet"
COUNCIL = "council_"  # the domain of a council's own numbers is this and the council's code
_APART = "\x1f"
_NAMED = "withdrawn identifier"
_ROWS, _REJECTED = "record_count", "rejected_count"
_SCHEMA = {"identifier_digest": pl.String, _ROWS: pl.Int64, _REJECTED: pl.Int64}
_SUMS = {"provider": pl.String, "month": pl.Date, "rows": pl.Int64, "pence": pl.Int64}


@dataclass(frozen=True)
class Withdrawn:
    """Who is withdrawn in one run.

    Attributes:
        identifiers: pseudonym domain and pseudonym, in order.
    """

    identifiers: tuple[tuple[str, str], ...] = ()

    @cached_property
    def digest(self) -> str:
        """Digest of them all and of how rows are held against them; empty when nobody is withdrawn."""
        return fingerprint(self.identifiers, digest_of(Path(__file__))) if self.identifiers else ""

    @cached_property
    def by_domain(self) -> dict[str, list[str]]:
        """Pseudonyms by their domain."""
        found: dict[str, list[str]] = {}
        for domain, pseudonym in self.identifiers:
            found.setdefault(domain, []).append(pseudonym)
        return found

    @cached_property
    def digests(self) -> list[str]:
        """A digest of each, as it is kept beside a delivery that the identifier's rows were taken off."""
        return [_digest(domain + _APART + pseudonym) for domain, pseudonym in self.identifiers]


def withdrawn_now(store: Store, contract: Contract) -> Withdrawn:
    """Who is withdrawn from a feed. The lists and links that say who is keep their rows, else nobody would be."""
    if contract.feed in LINK_FEEDS or not (store.folder(WITHDRAWN_IDENTIFIER.name) / POINTER).exists():
        return Withdrawn()  # a list that exists and cannot be read is not nobody: reading it stops the build
    rows = store.frame(WITHDRAWN_IDENTIFIER.name).select("pseudonym_domain", "pseudonym").rows()
    return Withdrawn(tuple(sorted(rows)))


def comes_back(folder: Path, receipt: Receipt, withdrawn: Withdrawn) -> bool:
    """Whether a delivery lost rows of somebody who is withdrawn no longer, so that it is to be read again."""
    return receipt.held_against != withdrawn.digest and not _no_longer(folder, withdrawn).is_empty()


def withdraw(shelf: Path, contract: Contract, withdrawn: Withdrawn) -> int:
    """Take the rows of withdrawn identifiers off every delivery of a feed; returns how many were written anew.

    Each delivery is held against a list once. One that holds such rows is written anew beside and put in its place in
    one step, with a receipt that says so: a run killed at any moment does it again.
    """
    taken = []
    for path in sorted(path for path in shelf.glob(f"*/{RECEIPT}") if path.parent.name[0] != "."):
        receipt, folder = Receipt.load(path), path.parent
        if receipt.held_against == withdrawn.digest or not any(_files(folder)):
            continue
        lost = _no_longer(folder, withdrawn)
        if lost.is_empty():  # what is lost is tried again by the next run
            receipt = replace(receipt, held_against=withdrawn.digest)
        else:
            log.warning(
                "%s/%s: %d rows of %d identifiers withdrawn no longer cannot come back, since the delivery cannot be"
                " read from landing. Put it back there.",
                *(contract.feed, folder.name, lost.select(_ROWS, _REJECTED).sum().sum_horizontal()[0], lost.height),
            )
        named = [(file, _identifier(file, receipt, contract, withdrawn)) for file in _files(folder)]
        if touched := {file: who for file, who in named if _names_any(file, who)}:
            taken.append(_rewrite(folder, receipt, contract, touched))
        elif lost.is_empty():
            write_whole(path, receipt.dump())
    if taken:
        log.info("%s: %d rows of withdrawn identifiers taken off %d deliveries", contract.feed, sum(taken), len(taken))
    return len(taken)


def refuse_not_held(store: Store, contract: Contract) -> None:
    """Refuse a feed that was taken in under another list: somebody may have built the list alone.

    What was withdrawn once and cannot come back is no reason: its delivery is tried again by every run.

    Raises:
        LinkedCareError: naming the feed and how many of its deliveries it concerns.
    """
    withdrawn = withdrawn_now(store, contract)
    shelf = store.folder(contract.feed)
    kept = {path.parent: Receipt.load(path) for path in shelf.glob(f"*/{RECEIPT}") if path.parent.name[0] != "."}
    late = sum(
        receipt.held_against != withdrawn.digest and any(_files(folder)) and _no_longer(folder, withdrawn).is_empty()
        for folder, receipt in kept.items()
    )
    if late:
        raise LinkedCareError(
            f"{contract.feed}: {late} deliveries were not held against the current list of withdrawn identifiers."
            " Run `linked-care nightly`."
        )


def _files(folder: Path) -> Iterator[Path]:
    """The files of a delivery that can hold identifiers."""
    yield from accepted_files(folder)
    yield from quarantined_row_files(folder)
    yield from filter(Path.exists, (companion_file(folder, role) for role in COMPANIONS))


def _no_longer(folder: Path, withdrawn: Withdrawn) -> pl.DataFrame:
    """Those whose rows were taken off a delivery and who are withdrawn no longer."""
    kept = folder / WITHDRAWN
    if not kept.exists():
        return pl.DataFrame(schema=_SCHEMA)
    return pl.read_parquet(kept, glob=False).filter(~pl.col("identifier_digest").is_in(withdrawn.digests))


def _identifier(file: Path, receipt: Receipt, contract: Contract, withdrawn: Withdrawn) -> pl.Expr:
    """The withdrawn identifier that a row of a file carries, or null.

    A rejected row stands under the headers that it came with, its cells perhaps shifted, so that a pseudonym may stand
    in any of them; a council's short numbers are looked for under their own headers only. The council's code may be
    what is wrong with the row.
    """
    as_received = file.name.startswith("quarantined_row-")
    known = pl.read_parquet_schema(file)
    columns = {column.name: column for column in contract.columns}

    def of(name: str) -> list[pl.Expr]:
        headers = {columns[name].header, *columns[name].aliases.values()} if as_received else {name}
        if as_received and name == "pseudonym":
            headers = {header for header, kind in known.items() if kind == pl.String}
        return [pl.col(header).str.strip_chars() for header in sorted(headers & known.keys())]

    carried = [
        pl.when(value.is_in(withdrawn.by_domain.get(receipt.pseudonym_domain, []))).then(
            pl.lit(receipt.pseudonym_domain + _APART) + value
        )
        for value in of("pseudonym")
    ]
    for domain, numbers in withdrawn.by_domain.items() if "council_person_id" in columns else ():
        code = domain.removeprefix(COUNCIL)
        for value in of("council_person_id") if code != domain else ():
            is_council = pl.lit(True) if as_received else pl.col("council_code") == code
            carried.append(pl.when(is_council & value.is_in(numbers)).then(pl.lit(domain + _APART) + value))
    return pl.coalesce(carried) if carried else pl.lit(None, pl.String)


def _names_any(file: Path, who: pl.Expr) -> bool:
    return pl.scan_parquet(file, glob=False).select(who.is_not_null().any()).collect().item()


def _rewrite(folder: Path, receipt: Receipt, contract: Contract, touched: dict[Path, pl.Expr]) -> int:
    """Put a delivery in its place without rows of withdrawn identifiers; returns how many accepted rows went."""
    staged = folder.with_name(f".{uuid.uuid4().hex}.tmp")
    staged.mkdir()
    counts, sums = [pl.DataFrame(schema=_SCHEMA)], [pl.DataFrame(schema=_SUMS)]
    for file, who in touched.items():
        rows = pl.read_parquet(file, glob=False).with_columns(who.alias(_NAMED))
        gone, kept = rows.filter(pl.col(_NAMED).is_not_null()), rows.filter(pl.col(_NAMED).is_null())
        kept.drop(_NAMED).write_parquet(staged / file.name, compression_level=1, arrow_schema=pq.read_schema(file))
        is_accepted = file.name.startswith("accepted-")
        counts.append(_by_identifier(gone, _ROWS if is_accepted else _REJECTED))
        sums += [_sums(gone, contract)] if is_accepted else []
    for file in folder.iterdir():
        if file not in touched and file.name not in {RECEIPT, WITHDRAWN, WIPED} and not is_copy(file):
            os.link(file, staged / file.name)
    if (folder / WITHDRAWN).exists():
        counts.append(pl.read_parquet(folder / WITHDRAWN, glob=False))
    off = pl.concat(counts).group_by("identifier_digest").agg(pl.col(_ROWS, _REJECTED).sum()).sort("identifier_digest")
    off.write_parquet(staged / WITHDRAWN)
    gone = pl.concat(sums).group_by("provider", "month").agg(pl.col("rows", "pence").sum())
    totals = _moved(receipt.totals, gone.rows())
    _prove(f"{contract.feed}/{folder.name}", totals, accepted_files(staged))
    receipt = replace(receipt, totals=totals, files=file_digests(staged))
    if gone.height:
        receipt = replace(receipt, left=fingerprint([receipt.files[file.name] for file in accepted_files(staged)]))
    (staged / RECEIPT).write_text(receipt.dump())
    put_in_place(staged, folder)
    return int(gone["rows"].sum())


def _by_identifier(gone: pl.DataFrame, measure: str) -> pl.DataFrame:
    counted = gone.group_by(_NAMED).len().rows()
    rows = [(_digest(who), *((n, 0) if measure == _ROWS else (0, n))) for who, n in counted]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _digest(identifier: str) -> str:
    return hashlib.blake2b(identifier.encode(), digest_size=16).hexdigest()


def _sums(gone: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Rows and pence by provider and month, counted as `sorting.py` counted them on the way in."""
    known = pl.DataFrame(contract.accepted_schema.empty_table()).schema
    # What stays as it was accepted may lack columns that the contract has gained since.
    lacking = [pl.lit(None, kind).alias(name) for name, kind in known.items() if name not in gone.columns]
    price = (pl.col(contract.price_column) * 100).cast(pl.Int64) if contract.price_column else pl.lit(0, pl.Int64)
    return (
        gone.with_columns(lacking)
        .group_by(provider=provider(contract), month=activity_month(contract))
        .agg(rows=pl.len().cast(pl.Int64), pence=price.sum())
        .select(_SUMS.keys())
    )


def _moved(totals: Sequence[Total], gone: Sequence[tuple[str, date, int, int]]) -> tuple[Total, ...]:
    """Totals with what has gone moved from accepted to withdrawn."""
    counted = {(status, who, month): (rows, pence) for status, who, month, rows, pence in totals}
    for who, month, rows, pence in gone:
        for status, sign in (("accepted", -1), ("withdrawn", 1)):
            before = counted.get((status, who, month), (0, 0))
            counted[status, who, month] = before[0] + sign * rows, before[1] + sign * pence
    return tuple((*key, *measures) for key, measures in sorted(counted.items()) if measures != (0, 0))


def _prove(name: str, totals: Sequence[Total], files: Sequence[Path]) -> None:
    """Prove that what stays accepted is what was, less what was withdrawn.

    Raises:
        ConservationError: if the files held other rows than the receipt says.
    """
    counted = sum(rows for status, _, _, rows, _ in totals if status == "accepted")
    held = sum(pq.read_metadata(file).num_rows for file in files)
    odd = sum(rows <= 0 for status, _, _, rows, _ in totals if status == "accepted")
    if held != counted or odd:
        raise ConservationError(
            f"{name}: {held - counted:+d} accepted rows against its receipt, once rows are withdrawn;"
            f" {odd} providers' months do not add up"
        )
