"""A feed's current table: the accepted rows of its current deliveries.

Belongs here: taking in what is new, and pointing the store at what is current.
Does not belong here: judging (`intake.py`, `submission.py`) or accounting (`accounts.py`).
"""

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

from assets.feeds import cuts, submission, superseded
from assets.feeds.cuts import current_files, remove_unneeded
from assets.feeds.delivery import MANIFEST, RefusedDeliveryError, landed, read_delivery
from assets.feeds.intake import empty_accepted, intake_key, take_in
from assets.feeds.receipt import RECEIPT, Receipt, restore, stands
from assets.feeds.releases import RELEASES, released_rules
from assets.feeds.shelf import kept_of_deliveries
from assets.feeds.submission import Judged, Standing, Verdict, judge, standing
from assets.feeds.superseded import superseded_records
from assets.feeds.withdrawal import Withdrawn, comes_back, withdraw, withdrawn_now
from pipelines.errors import ConservationError
from pipelines.sealed import BrokenSealError, sealed, unsealed
from pipelines.store import Store, Stored, digest_of, fingerprint, write_whole
from schemas.contract_model import Contract

log = logging.getLogger(__name__)

JUDGED = "judged.json"
AT_ONCE = 2
LARGE = 64 * 1024**2
_DELIVER_AGAIN = "landing does not hold it whole: put it there again, then run `linked-care nightly --rebuild`"


def build_feed(store: Store, landing: Path, contract: Contract) -> Stored:
    """Take in what is new in `landing/<feed>/` and point the store at the current rows.

    Raises:
        ConservationError: if what lies on the shelf was changed; a rebuild mends it from landing, or raises so, too.
    """
    try:
        return _build(store, landing, contract)
    except ConservationError as error:
        if store.rebuild:
            raise ConservationError(error.what, _DELIVER_AGAIN) from None
        raise


def _build(store: Store, landing: Path, contract: Contract) -> Stored:
    shelf = store.root / contract.feed
    shelf.mkdir(exist_ok=True)
    restore(shelf)
    folders = list(landed(landing, contract.feed))
    released = released_rules(store.root.parent / RELEASES, contract.feed)
    large = [folder for folder in folders if _bytes(folder) > LARGE]
    withdrawn = withdrawn_now(store, contract)

    def take(folder: Path) -> bool:
        return _take_in_if_new(folder, contract, shelf, released(folder.name), store.rebuild, withdrawn)

    taken = sum(map(take, large))  # one at a time, since each is held in memory
    with ThreadPoolExecutor(AT_ONCE) as threads:  # one delivery reads while another writes
        taken += sum(threads.map(take, [folder for folder in folders if folder not in large]))
    found = receipts(shelf)
    if store.rebuild:
        remove_unneeded(shelf, [])
        store.bytes.refuse_changed(kept_of_deliveries(shelf, found, contract))
    if withdraw(shelf, contract, withdrawn):  # before anything is current
        found = receipts(shelf)
    judged = judge(found, contract)
    current = standing(judged)
    key = fingerprint(contract.read_by, [one.key for one in current], _code())
    stored = store.current(contract.feed)
    if not stored or stored.fingerprint != key or store.rebuild:
        stored = _point(store, shelf, contract, current, key)
        log.info("%s: %d deliveries taken in, %d current, %d rows", contract.feed, taken, len(current), stored.rows)
    verdicts = [[j.receipt.delivery_id, j.verdict, j.reason] for j in judged]
    # Last, so that a verdict speaks of rows that are current.
    write_whole(shelf / JUDGED, sealed({"verdicts": verdicts}))
    return stored


@cache
def _code() -> list[str]:
    """Digest of what decides which rows are current."""
    return [digest_of(Path(str(module.__file__))) for module in (cuts, submission, superseded)]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _take_in_if_new(
    folder: Path,
    contract: Contract,
    shelf: Path,
    released: frozenset[str],
    rebuild: bool,
    withdrawn: Withdrawn,
) -> bool:
    receipt = shelf / folder.name / RECEIPT
    try:
        delivery = read_delivery(folder)
    except RefusedDeliveryError as refusal:
        unreadable = _unreadable(folder, contract, str(refusal))
        if stands(receipt.parent) or (receipt.exists() and Receipt.load(receipt) == unreadable):
            return False
        receipt.parent.mkdir(parents=True, exist_ok=True)
        write_whole(receipt, unreadable.dump())
        _tell_refused(contract, folder, refusal)
        return True
    # What was refused is tried again: its file may be mended.
    known = Receipt.load(receipt) if not rebuild and stands(receipt.parent) else None
    is_known = known and known.intake_key == intake_key(delivery, contract, released)
    if known and is_known and not comes_back(receipt.parent, known, withdrawn):
        return False
    outcome = take_in(delivery, contract, shelf, released)
    if outcome.reason:
        _tell_refused(contract, folder, outcome.reason)
    elif outcome.returned_rows:
        log.info("%s/%s: %d rows came back from quarantine", contract.feed, folder.name, outcome.returned_rows)
    return True


def _tell_refused(contract: Contract, folder: Path, reason: object) -> None:
    log.warning("%s/%s refused: %s", contract.feed, folder.name, reason)


def _unreadable(folder: Path, contract: Contract, reason: str) -> Receipt:
    """A receipt for an announcement that cannot be read."""
    manifest = folder / MANIFEST
    key = digest_of(manifest) if manifest.is_file() else fingerprint(reason)
    return Receipt(
        folder.name, contract.feed, "unknown", "unknown", "unknown", False, None, None, None, key, reason=reason
    )


def receipts(shelf: Path) -> list[Receipt]:
    """Every receipt of a feed, by delivery."""
    return [Receipt.load(path) for path in sorted(shelf.glob(f"*/{RECEIPT}")) if path.parent.name[0] != "."]


def judged_receipts(shelf: Path) -> list[Judged]:
    """Every receipt with the verdict of the feed's last build; what was withdrawn since is left out.

    Raises:
        ConservationError: if a receipt or the verdicts are not those that were written.
    """
    by_id = {receipt.delivery_id: receipt for receipt in receipts(shelf)}
    verdicts = _verdicts(shelf)
    return [
        Judged(by_id[delivery_id], verdict, reason) for delivery_id, verdict, reason in verdicts if delivery_id in by_id
    ]


def refuse_lost_receipts(shelf: Path) -> None:
    """Refuse a delivery that was judged and of which nothing says any more what it held.

    Raises:
        ConservationError: naming the first delivery whose receipt is gone.
    """
    for delivery_id, *_ in _verdicts(shelf):
        if not (shelf / delivery_id / RECEIPT).exists():
            raise ConservationError(f"{shelf.name}/{delivery_id}: its receipt is gone since it was written")


def _verdicts(shelf: Path) -> list[tuple[str, Verdict, str | None]]:
    try:
        text = (shelf / JUDGED).read_text()
    except FileNotFoundError:
        return []
    try:
        return [tuple(verdict) for verdict in unsealed(text)["verdicts"]]
    except BrokenSealError:
        raise ConservationError(f"{shelf.name}: its verdicts changed since they were written") from None


def _point(store: Store, shelf: Path, contract: Contract, current: list[Standing], key: str) -> Stored:
    before = store.current(contract.feed)
    remove_unneeded(shelf, store.paths(before) if before else [])  # a copy that was never pointed at was never proved
    records = superseded_records(current, shelf, contract)
    parts = [(one.receipt, file, days) for one in current for file, days in current_files(one, shelf, contract)]
    files = [file for _, file, _ in parts]
    if not files:
        files = [_keep(shelf, "empty", lambda path: empty_accepted(contract, path))]
    superseded = [] if records.is_empty() else [_keep(shelf, "superseded", records.write_parquet)]
    stored = Stored(
        table=contract.feed,
        year=None,
        fingerprint=key,
        files=tuple(str(file.relative_to(store.root)) for file in files),
        digests=tuple(fingerprint(receipt.rows_key, file.name) for receipt, file, _ in parts) or (key,),
        rows=sum(one.receipt.rows("accepted") for one in current) - records.height,
        periods=tuple((str(first), str(last)) for _, _, (first, last) in parts),
        spans=contract.spans_deliveries,
        without=str(superseded[0].relative_to(store.root)) if superseded else None,
        sha256={str(path.relative_to(store.root)): store.bytes.digest(path) for path in (*files, *superseded)},
    )
    store.point(stored)
    for old in {*shelf.glob("superseded-*.parquet"), *shelf.glob("empty*.parquet")} - {*files, *superseded}:
        old.unlink()
    remove_unneeded(shelf, files)
    return replace(stored, computed=True)


def _keep(shelf: Path, name: str, write: Callable[[Path], object]) -> Path:
    """Keep a file under a name that follows from its content: while it stays, no year is built again."""
    staged = shelf / f".{uuid.uuid4().hex}.tmp"
    staged.mkdir(parents=True)
    write(staged / "file.parquet")
    kept = shelf / f"{name}-{digest_of(staged / 'file.parquet')[:16]}.parquet"
    (staged / "file.parquet").replace(kept)
    staged.rmdir()
    return kept
