"""Spoil good deliveries at random and see that each is read or refused with one line, and nothing else happens.

Run as `python -m tests.malformed.fuzz --seconds 600`. A failure is reported with its seed, with which
`--seed <seed> --cases 1` spoils the same delivery in the same way.
Belongs here: what nobody thought of. Does not belong here: what is expected of a known fault (`corpus.py`).
"""

import argparse
import json
import logging
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.malformed.deliveries import FORMS, MARKER, land, say_of_file, send, take_everything

INTERESTING = [b"\0", b'"', b",", b"\n", b"\r\n", b"\r", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b";", b"'", b'""', b"|"]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    " ",
    "a\nb",
    "\0",
    "\ud800",
    "..",
    "/",
    [],
    {},
    [1],
    ["a", "a"],
    "csv",
]
OPTIONS: dict[str, list[Any]] = {
    "format": ["csv", "parquet", "xlsx"],
    "encoding": ["utf-8", "utf-16", "cp1252", "UTF-8"],
    "delimiter": [",", ";", "|", "\t", "'", "-"],
    "quote": ['"', "'", "", "|"],
    "header": [True, False],
    "columns": [[], ["a"], list("abcdefg"), list("aabcdef"), [""] * 7],
    "compression": [None, "gzip", "zip"],
    "sheet": [None, "Sheet", "none"],
    "rows": [0, 1, 11, 12, 13],
    "role": ["records", "deletes"],
}


def flip(content: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 8, 64])):
        if spoiled:
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
    return bytes(spoiled)


def cut(content: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return chance.choice([content[:start], content[start:], content[:start] + content[end:], content[start:end]])


def put_in(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.choice(INTERESTING) * chance.choice([1, 1, 2, 1000]) + content[place:]


def repeat(content: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:end] + content[start:end] * chance.choice([1, 2, 50]) + content[end:]


def replace(content: bytes, chance: random.Random) -> bytes:
    return content.replace(chance.choice(INTERESTING), chance.choice([*INTERESTING, b""]), chance.choice([1, 3, -1]))


def splice(content: bytes, chance: random.Random) -> bytes:
    other, _ = chance.choice(list(FORMS.values()))
    return content[: chance.randrange(len(content) + 1)] + other[chance.randrange(len(other) + 1) :]


BYTES: list[Callable[[bytes, random.Random], bytes]] = [flip, cut, put_in, repeat, replace, splice]


def spoil(folder: Path, chance: random.Random) -> None:
    """Change the file, its announcement, the bytes of the announcement, or several of them."""
    [file] = json.loads((folder / "delivery.json").read_text())["files"]
    content = (folder / file["name"]).read_bytes()
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        content = chance.choice(BYTES)(content, chance)
    announced = {name: value for name, value in file.items() if name not in ("sha256", "name")}
    for _ in range(chance.choice([0, 0, 1, 2])):
        name = chance.choice(list(OPTIONS))
        announced[name] = chance.choice(OPTIONS[name])
    send(folder, content, **announced)
    match chance.randrange(12):
        case 0:
            say_of_file(folder, **{chance.choice([*OPTIONS, "name", "sha256"]): chance.choice(VALUES)})
        case 1:
            path = folder / "delivery.json"
            manifest = json.loads(path.read_text())
            manifest[chance.choice(list(manifest))] = chance.choice(VALUES)
            path.write_text(json.dumps(manifest))
        case 2:
            path = folder / "delivery.json"
            path.write_bytes(chance.choice(BYTES)(path.read_bytes(), chance))


def fault_of(seed: int, root: Path) -> tuple[str, str | None]:
    """Spoil one delivery; how it ended, and what is wrong with that, or None."""
    chance = random.Random(seed)
    form = chance.choice(list(FORMS))
    content, announced = FORMS[form]
    folder = land(root / "landing", content, **announced)
    spoil(folder, chance)
    try:
        judged = take_everything(root)["d1"]
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return form, "".join(traceback.format_exception(error))
    reason = judged.reason or ""
    if len(reason.splitlines()) > 1:
        return form, f"{len(reason.splitlines())} lines: {reason}"
    if MARKER in reason:
        return form, f"tells a value: {reason}"
    return ("refused" if judged.verdict == "refused" else "read"), None


def main() -> int:
    """Spoil until the time is over or a fault is found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--cases", type=int, default=sys.maxsize)
    options.add_argument("--seed", type=int, default=None)
    chosen = options.parse_args()
    logging.disable()  # every refusal is told, thousands of them
    first = random.SystemRandom().randrange(2**32) if chosen.seed is None else chosen.seed
    sys.stdout.write(f"seed {first}\n")
    ended: Counter[str] = Counter()
    until = time.monotonic() + chosen.seconds
    seed = first
    while time.monotonic() < until and seed - first < chosen.cases:
        root = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            how, fault = fault_of(seed, root)
        finally:
            shutil.rmtree(root)
        if fault:
            sys.stdout.write(f"FAULT with --seed {seed} --cases 1 ({how}):\n{fault}\n")
            return 1
        ended[how] += 1
        seed += 1
    sys.stdout.write(f"{ended['read']} were read, {ended['refused']} refused, none failed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
