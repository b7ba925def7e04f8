"""The rules that a data engineer has released: they no longer reject rows of the deliveries named.

Belongs here: reading `released_rules.csv`.
Does not belong here: what a release does to rows (`sorting.py`); deciding one, which is a person's work.
"""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

from pipelines.errors import LinkedCareError

RELEASES = "released_rules.csv"
COLUMNS = ("feed", "delivery_id", "rule_code", "reason", "decided_by", "decided_on")


def released_rules(path: Path, feed: str) -> Callable[[str], frozenset[str]]:
    """From a delivery of a feed to the codes of the rules that were released for it; a blank delivery means every one.

    Raises:
        LinkedCareError: if the file is not whole: nothing is released by mistake.
    """
    released: dict[str, set[str]] = {}
    for line, record in _records(path):
        blank = [name for name in COLUMNS if name != "delivery_id" and not record[name]]
        if blank:
            raise LinkedCareError(f"{path}: line {line} lacks {', '.join(blank)}. Fill it in.")
        if not record["rule_code"].startswith(f"{record['feed']}."):
            raise LinkedCareError(f"{path}: line {line} releases a rule of another feed than it names. Correct it.")
        try:
            date.fromisoformat(record["decided_on"])
        except ValueError as error:
            raise LinkedCareError(f"{path}: line {line}: decided_on is no day. Write it as 2024-05-18.") from error
        if record["feed"] == feed:
            released.setdefault(record["delivery_id"], set()).add(record["rule_code"])
    return lambda delivery_id: frozenset(released.get("", set()) | released.get(delivery_id, set()))


def _records(path: Path) -> list[tuple[int, dict[str, str]]]:
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as text:
            reader = csv.DictReader(text, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise LinkedCareError(f"{path}: its header is not {','.join(COLUMNS)}. Correct it.")
            found = [(reader.line_num, record) for record in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LinkedCareError(f"{path}: is not CSV in UTF-8. Correct it.") from error
    for line, record in found:
        if None in record or None in record.values():
            raise LinkedCareError(f"{path}: line {line} has not {len(COLUMNS)} values. Correct it.")
    return found
