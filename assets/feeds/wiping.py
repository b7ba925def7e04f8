"""Remove from landing what was refused, and keep the receipt.

Belongs here: which deliveries may be wiped, and wiping them.
Does not belong here: refusing (`intake.py`, `submission.py`); asking whether it is meant (`cli/wipe.py`).
"""

import json
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assets.feeds.current import judged_receipts
from assets.feeds.delivery import MANIFEST, RefusedDeliveryError, read_delivery
from assets.feeds.receipt import RECEIPT, WIPED
from assets.feeds.submission import Judged
from pipelines.errors import LinkedCareError
from pipelines.store import digest_of, write_whole


@dataclass(frozen=True)
class Refused:
    """A refused delivery of which something still lies here.

    Attributes:
        landed: its folder in landing; it may be gone already.
        shelf: where its receipt lies, and its rows if it was refused after they were sorted.
    """

    feed: str
    judged: Judged
    landed: Path
    shelf: Path

    @property
    def delivery_id(self) -> str:
        """Its name, which is that of its folder."""
        return self.judged.receipt.delivery_id

    def files(self) -> list[Path]:
        """All that a wipe removes."""
        sent = [path for path in sorted(self.landed.rglob("*")) if path.is_file() or path.is_symlink()]
        return [*sent, *_rows(self.shelf)]


def _rows(shelf: Path) -> list[Path]:
    return sorted(shelf.glob("*.parquet"))


def all_refused(root: Path, feeds: Iterable[str]) -> list[Refused]:
    """Refused deliveries that were not wiped yet."""
    return [
        refused
        for feed in feeds
        for judged in judged_receipts(root / "store" / feed)
        if judged.verdict == "refused" and (refused := _refused(root, feed, judged)).files()
    ]


def named_refused(root: Path, feeds: Collection[str], names: Sequence[str]) -> list[Refused]:
    """The deliveries named as FEED/DELIVERY.

    Raises:
        LinkedCareError: if one is unknown or was not refused.
    """
    found = {}
    for name in names:
        feed, _, delivery = name.partition("/")
        known = {j.receipt.delivery_id: j for j in judged_receipts(root / "store" / feed)} if feed in feeds else {}
        if delivery not in known:  # so that nothing but the name of a receipt ever becomes a path
            raise LinkedCareError(f"{name}: no run has judged such a delivery. Write it as FEED/DELIVERY.")
        if (verdict := known[delivery].verdict) != "refused":
            raise LinkedCareError(f"{name}: is {verdict}. Only refused deliveries can be wiped.")
        found[name] = _refused(root, feed, known[delivery])
    return list(found.values())


def _refused(root: Path, feed: str, judged: Judged) -> Refused:
    name = judged.receipt.delivery_id
    return Refused(feed, judged, root / "landing" / feed / name, root / "store" / feed / name)


def refuse_to_wipe(deliveries: Iterable[Refused]) -> None:
    """Stop before anything is removed.

    Raises:
        LinkedCareError: if a folder changed since its delivery was judged, or is none.
    """
    for one in deliveries:
        name = f"{one.feed}/{one.delivery_id}"
        if one.landed.is_symlink() or one.landed.parent.is_symlink():
            raise LinkedCareError(f"{name}: its folder in landing is a link. Remove what it points to by hand.")
        if _changed_since(one):
            raise LinkedCareError(
                f"{name}: its folder changed after it was refused and may be mended. Run `linked-care nightly` first."
            )


def _changed_since(one: Refused) -> bool:
    manifest = one.landed / MANIFEST
    if not manifest.exists():  # withdrawn by the supplier, or a wipe that was cut off
        return False
    if one.judged.receipt.received_at is None:  # its announcement could not be read, and is not tried again
        return digest_of(manifest) != one.judged.receipt.intake_key
    if one.judged.receipt.reason is None:  # it was read, and is not read again while it announces the same files
        try:
            announced = {file.sha256.lower() for file in read_delivery(one.landed).files}
        except RefusedDeliveryError:
            return True
        return announced != {content.rpartition(" ")[2] for content in one.judged.receipt.content}
    judged_at = (one.shelf / RECEIPT).stat().st_mtime_ns
    return any(max(path.stat().st_mtime_ns, path.stat().st_ctime_ns) > judged_at for path in one.landed.rglob("*"))


def wipe(one: Refused, by: str, when: str) -> int:
    """Remove a refused delivery from landing and its rows from the store; its receipt stays. Returns files removed.

    What was refused against other deliveries keeps the reason on its receipt, so that it stays refused whatever becomes
    of the others. May be cut off anywhere and done again.
    """
    removed = one.files()
    receipt = one.judged.receipt
    if receipt.reason is None:
        write_whole(one.shelf / RECEIPT, replace(receipt, reason=one.judged.reason, files={}).dump())
    marker = {"wiped_by": by, "wiped_at": when, "files": len(removed)}
    write_whole(one.shelf / WIPED, json.dumps(marker, indent=1))
    for path in _rows(one.shelf):
        path.unlink()
    if one.landed.exists():
        (one.landed / MANIFEST).unlink(missing_ok=True)  # from here on no run sees the rest as a delivery
        shutil.rmtree(one.landed)
    return len(removed)
