"""The interface of every feed as it was last released: `data_contracts/released.json`.

Belongs here: reading and writing that file, and whether the contracts may replace it.
Does not belong here: what a change is (`contract_changes.py`).

`make check` compares the contracts with this file, so that no breaking change passes unless the major version was
raised, and every change of the interface shows in the history of one file.
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from pipelines.errors import LinkedCareError
from schemas.contract_changes import changes
from schemas.contract_interface import Interface, interface
from schemas.contract_model import Contract

RELEASED = "released.json"
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)")


def read_released(path: Path) -> dict[str, Interface]:
    """The released interface by feed; none where nothing was released."""
    if not path.exists():
        return {}
    try:
        released: dict[str, Interface] = json.loads(path.read_text())
    except ValueError as error:
        raise LinkedCareError(f"{path.name}: is not JSON. Take the file back from the history.") from error
    return released


def current_interfaces(contracts: Mapping[str, Contract]) -> dict[str, Interface]:
    """The interface of every contract, as the file holds it."""
    written: dict[str, Interface] = json.loads(_text({feed: interface(one) for feed, one in contracts.items()}))
    return written


def _text(interfaces: Mapping[str, Interface]) -> str:
    return json.dumps(interfaces, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def version_of(text: str, feed: str) -> tuple[int, ...]:
    """A version as numbers.

    Raises:
        LinkedCareError: if it is not three numbers with points.
    """
    if not (match := _VERSION.fullmatch(text)):
        raise LinkedCareError(f"{feed}: version {text} is not three numbers. Write it as 1.0.0.")
    return tuple(map(int, match.groups()))


def unannounced(feed: str, old: Interface, new: Interface) -> str | None:
    """Why one interface of a feed may not follow another: it breaks, and its version does not say so."""
    before, after = version_of(old["version"], feed), version_of(new["version"], feed)
    if after < before:
        return f"{feed}: version {new['version']} is lower than {old['version']}, which was released. Raise it."
    breaking = sum(change.is_breaking for change in changes(old, new))
    if breaking and after[0] == before[0]:
        return (
            f"{feed}: {breaking} breaking changes since version {old['version']}, now {new['version']}."
            f" Take them back, or raise the version to {before[0] + 1}.0.0."
        )
    return None


def problems(released: Mapping[str, Interface], now: Mapping[str, Interface]) -> list[str]:
    """One line for each feed whose contract is not as released."""
    found = []
    for feed in sorted(released.keys() | now.keys()):
        if feed not in now:
            found.append(
                f"{feed}: has no contract, and was released. Put it back, or retire it: `linked-care contract release"
                f" --retire {feed}`."
            )
        elif feed not in released:
            found.append(f"{feed}: was not released yet. Run `linked-care contract release`.")
        elif reason := unannounced(feed, released[feed], now[feed]):
            found.append(reason)
        elif released[feed] != now[feed]:
            count = len(changes(released[feed], now[feed]))
            told = f"{count} changes are" if count else "its version, or the form of this file, is"
            found.append(f"{feed}: {told} not released yet. Run `linked-care contract release`.")
    return found


def release(path: Path, contracts: Mapping[str, Contract], retired: Collection[str] = ()) -> list[str]:
    """Write the interfaces of all contracts as released, and name the feeds that changed.

    Raises:
        LinkedCareError: if one breaks without a higher major version, or a feed is gone that was not retired.
    """
    released, now = read_released(path), current_interfaces(contracts)
    if unknown := sorted(feed for feed in retired if feed not in released or feed in now):
        raise LinkedCareError(f"--retire {', '.join(unknown)}: not released, or its contract still stands.")
    for feed in sorted(released):
        if feed not in now and feed not in retired:
            raise LinkedCareError(f"{feed}: has no contract, and was released. Put it back, or give --retire {feed}.")
        if feed in now and (reason := unannounced(feed, released[feed], now[feed])):
            raise LinkedCareError(reason)
    for feed in now.keys() - released.keys():
        version_of(now[feed]["version"], feed)
    path.write_text(_text(now))
    return sorted({feed for feed in now if now[feed] != released.get(feed)} | {*retired})
