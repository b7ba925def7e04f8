"""The rules that a data engineer has released for deliveries, as decided: `<home>/released_rules.csv`.

Belongs here: reading the decisions, adding one and taking one back.
Does not belong here: what a release does to rows (`sorting.py`), or how many it brings back (`quarantined.py`).
"""

import csv
import io
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

from assets.feeds.sorting import is_releasable
from pipelines.errors import LinkedCareError
from pipelines.store import write_whole
from schemas.contract_model import Contract

RELEASES = "released_rules.csv"


@dataclass(frozen=True)
class Release:
    """A decision that a rule no longer rejects rows; a blank delivery means every one of the feed."""

    feed: str
    delivery_id: str
    rule_code: str
    reason: str
    decided_by: str
    decided_on: str

    @property
    def target(self) -> tuple[str, str, str]:
        """What it releases."""
        return self.feed, self.delivery_id, self.rule_code


COLUMNS = tuple(field.name for field in fields(Release))


def released_rules(path: Path, feed: str) -> Callable[[str], frozenset[str]]:
    """From a delivery of a feed to the codes of the rules that were released for it; a blank delivery means every one.

    Raises:
        LinkedCareError: if the file is not whole: nothing is released by mistake.
    """
    released: dict[str, set[str]] = {}
    for one in read_releases(path):
        if one.feed == feed:
            released.setdefault(one.delivery_id, set()).add(one.rule_code)
    return lambda delivery_id: frozenset(released.get("", set()) | released.get(delivery_id, set()))


def read_releases(path: Path) -> list[Release]:
    """Every decision that stands, in the order in which they were made.

    Raises:
        LinkedCareError: if the file is not whole, naming the line.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as text:
            reader = csv.reader(text, strict=True)
            header = next(reader, [])
            records = [(reader.line_num, record) for record in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LinkedCareError(f"{path}: is not CSV in UTF-8. Correct it.") from error
    if tuple(header) != COLUMNS:
        raise LinkedCareError(f"{path}: its header is not {','.join(COLUMNS)}. Correct it.")
    return [_release(f"{path}: line {line}", record) for line, record in records]


def _release(where: str, record: list[str]) -> Release:
    if len(record) != len(COLUMNS):
        raise LinkedCareError(f"{where} has not {len(COLUMNS)} values. Correct it.")
    found = Release(*record)
    if blank := [name for name in COLUMNS if name != "delivery_id" and not getattr(found, name)]:
        raise LinkedCareError(f"{where} lacks {', '.join(blank)}. Fill it in.")
    if not found.rule_code.startswith(f"{found.feed}."):
        raise LinkedCareError(f"{where} releases a rule of another feed than it names. Correct it.")
    try:
        date.fromisoformat(found.decided_on)
    except ValueError as error:
        raise LinkedCareError(f"{where}: decided_on is no day. Write it as 2024-05-18.") from error
    return found


def add_release(path: Path, release: Release, contract: Contract) -> None:
    """Add a decision.

    Raises:
        LinkedCareError: if the rule is unknown or cannot be released, or was released for these deliveries before.
    """
    rule = next((rule for rule in contract.rules if rule.code == release.rule_code), None)
    if rule is None:
        raise LinkedCareError(
            f"--rule {release.rule_code}: {contract.feed} has no such rule. See `linked-care contract show"
            f" {contract.feed}`."
        )
    if not is_releasable(rule, contract):
        raise LinkedCareError(
            f"--rule {release.rule_code}: a rule of the kind {rule.kind} cannot be released, since no row can be used"
            " or counted without it. Have the supplier send the period again."
        )
    if rule.severity == "warn":
        raise LinkedCareError(f"--rule {release.rule_code}: only warns, so it rejects no row.")
    if not release.reason.strip() or not release.decided_by.strip():
        raise LinkedCareError("--reason and --by: a release needs a reason and a name.")
    standing = read_releases(path)
    feed, delivery, code = release.target
    if {(feed, "", code), (feed, delivery, code)} & {one.target for one in standing}:
        raise LinkedCareError(f"--rule {code}: was released before. See {path.name}.")
    _write(path, [*standing, release])


def withdraw_release(path: Path, feed: str, delivery_id: str, rule_code: str) -> Release:
    """Take a decision back; its rows are rejected again at the next run.

    Raises:
        LinkedCareError: if no such decision stands.
    """
    standing = read_releases(path)
    taken = [one for one in standing if one.target == (feed, delivery_id, rule_code)]
    if not taken:
        where = f"delivery {delivery_id}" if delivery_id else "every delivery"
        raise LinkedCareError(f"--rule {rule_code}: is not released for {where} of {feed}. See {path.name}.")
    _write(path, [one for one in standing if one not in taken])
    return taken[0]


def _write(path: Path, releases: list[Release]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *map(astuple, releases)])
    write_whole(path, text.getvalue())
