"""A release: every table of one run, assembled aside and swapped in by one link.

Belongs here: proving, assembling, swapping and keeping releases.
Does not belong here: computing tables; the catalogue (`catalogue.py`).
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from assets.costing.conservation import prove_outputs
from assets.costing.reconciliation import refuse_outside
from assets.feeds.withdrawal import refuse_not_held
from assets.linkage.overlap import refuse_other_keys
from assets.publication.catalogue import write_catalogue
from assets.publication.figures import draw_years, drawing_code
from pipelines.build import is_stale
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.home import Home
from pipelines.kept import Kept, digest_of
from pipelines.sealed import BrokenSealError, sealed, unsealed
from pipelines.store import Stored, fingerprint
from schemas.catalogue import TABLES
from schemas.contract import contracts
from schemas.costing import COST_LEDGER
from schemas.overlap import IDENTIFIER_OVERLAP
from schemas.reconciliation import COST_RECONCILIATION
from schemas.table import Table

KEPT = 3
RECORD = "release.json"


@dataclass(frozen=True)
class Release:
    """What a publication did: the release that is current, and whether it is a new one."""

    name: str
    is_new: bool
    tables: int


def publish(home: Home) -> Release:
    """Publish what is current in the store, unless the last release holds just that.

    Raises:
        LinkedCareError: if a table was never built, lacks a year, is older than what it is made from, or the overlap
            gate refuses.
        ConservationError: if a file has other bytes than were written, the ledger does not balance, or a control
            total is outside its limit.
    """
    refuse_half_a_run(home)
    parts = _restricted_parts(home)
    for table, stored in parts:
        home.store.prove(stored, table)
    for year in home.store.years(IDENTIFIER_OVERLAP.name):  # a table built alone does not pass the gate
        refuse_other_keys(home.store.frame(IDENTIFIER_OVERLAP.name, year), year)
    prove_outputs(home.store, home.store.years(COST_LEDGER.name))
    refuse_outside(home.store, home.store.years(COST_RECONCILIATION.name))
    content = fingerprint([*((stored.table, stored.year, stored.content) for _, stored in parts), drawing_code()])
    last = current_release(home)
    _forget_unpublished(home, last)
    if last and last.name.endswith(content[:12]) and _is_whole(home):
        return Release(last.name, False, len(parts))
    home.releases.mkdir(exist_ok=True)
    number = 1 + max((int(path.name[:6]) for path in home.releases.glob("[0-9]*")), default=0)
    name = f"{number:06d}-{content[:12]}"
    staged = home.releases / f".{uuid.uuid4().hex}.tmp"
    _assemble(home, staged, name, parts, last)
    staged.rename(home.releases / name)
    write_catalogue(home.releases / name, [table for table, _ in parts])
    _swap(home, name)
    _forget_old(home)
    return Release(name, True, len(parts))


def refuse_half_a_run(home: Home) -> None:
    """Refuse tables of different runs: a run may have stopped, or somebody built one table alone.

    Raises:
        LinkedCareError: naming the first table that lacks a year or is older than what it is made from, or the first
            feed that was taken in under another list of withdrawn identifiers.
    """
    all_years = {year for table in TABLES.values() if table.by_year for year in home.store.years(table.name)}
    for table in TABLES.values():
        for year in sorted(all_years) if table.by_year else [None]:
            if is_stale(home.store, table, home.store.require(table.name, year)):
                which = f"{table.name} {year}" if year else table.name
                raise LinkedCareError(f"{which}: older than what it is made from. Run `linked-care nightly`.")
    for contract in contracts().values():
        refuse_not_held(home.store, contract)


def current_release(home: Home) -> Path | None:
    """The folder that `outputs/` shows, or None before the first release."""
    return home.outputs.resolve() if home.outputs.exists() else None


def _restricted_parts(home: Home) -> list[tuple[Table, Stored]]:
    tables = [table for table in TABLES.values() if table.zone == "restricted"]
    return [
        (table, home.store.require(table.name, year))
        for table in tables
        for year in (home.store.years(table.name) if table.by_year else [None])
    ]


def _assemble(home: Home, staged: Path, name: str, parts: list[tuple[Table, Stored]], last: Path | None) -> None:
    for table, stored in parts:
        folder = staged / "restricted" / table.name / (f"financial_year={stored.year}" if stored.year else ".")
        folder.mkdir(parents=True)
        for path in home.store.paths(stored):
            os.link(path, folder / path.name)  # store files never change, so a release can share them
    record = [{"table": s.table, "financial_year": s.year, "rows": s.rows, "content": s.content} for _, s in parts]
    before = recorded(last, "outputs").get("figures", {}) if last and _is_whole(home) else {}
    drawn = draw_years(staged, [stored for _, stored in parts], last, before)
    write_record(staged, {"release": name, "tables": record, "figures": drawn}, home.store.bytes.digest)


def write_record(release: Path, record: dict[str, Any], digest: Callable[[Path], str] = digest_of) -> None:
    """Write what a release holds, with the digest of each of its files: again, when one is replaced on purpose."""
    paths = [path for path in sorted(release.glob("restricted/**/*")) if path.is_file()]
    files = {str(path.relative_to(release)): digest(path) for path in paths}
    (release / RECORD).write_text(sealed({**record, "files": files}))


def kept_of_release(home: Home) -> Iterator[Kept]:
    """The files of the release that `outputs/` shows; one of a version that recorded no digests is not proved.

    Raises:
        ConservationError: if the record of what it holds is not the one that was written.
    """
    if release := current_release(home):
        yield from kept_in(release, "outputs")


def kept_in(release: Path, called: str) -> Iterator[Kept]:
    """The files of any release, as `kept_of_release`; `called` is its name in messages."""
    for name, digest in recorded(release, called).get("files", {}).items():
        yield Kept(release / name, digest, partial(_what_changed, release / name, f"{called}/{name}"))


def _what_changed(path: Path, name: str) -> str:
    return f"{name}: {'changed' if path.exists() else 'is gone'} since it was published"


def recorded(release: Path, called: str) -> dict[str, Any]:
    """What a release holds, as it was recorded.

    Raises:
        ConservationError: if the record is not the one that was written.
    """
    try:
        return unsealed((release / RECORD).read_text(errors="replace"))
    except (FileNotFoundError, BrokenSealError):
        raise ConservationError(f"{called}/{RECORD}: changed since it was published") from None


def _is_whole(home: Home) -> bool:
    """Whether the release that `outputs/` shows holds what was published."""
    try:
        home.store.bytes.refuse_changed(kept := list(kept_of_release(home)))
    except ConservationError:
        return False
    return bool(kept)


def _swap(home: Home, name: str) -> None:
    link = home.root / f".outputs.{uuid.uuid4().hex}"
    link.symlink_to(Path("releases") / name)
    link.replace(home.outputs)


def _forget_unpublished(home: Home, last: Path | None) -> None:
    """Remove what a killed run left: half a release, or one that was never shown and must not push out one that was."""
    later = [path for path in home.releases.glob("[0-9]*") if last and path.name > last.name]
    for path in [*later, *home.releases.glob(".*.tmp")]:
        shutil.rmtree(path, ignore_errors=True)


def _forget_old(home: Home) -> None:
    for path in sorted(home.releases.glob("[0-9]*"))[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)
