"""A csv as plain UTF-8: its hash, its compression and its encoding, each in a stream.

Belongs here: bytes, before anything is known of rows and cells.
Does not belong here: what the bytes say (`delimited.py`).
"""

import codecs
import gzip
import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from assets.feeds.delivery import DeliveredFile, RefusedDeliveryError

ENCODINGS = ("utf-8", "utf-16", "cp1252")
PACKINGS = ("gzip", "zip")
UNPACKED_RATIO = 200  # a csv of real records packs to between a fifth and a fiftieth
UNPACKED_FREE = 64 << 20  # bytes below which the ratio does not matter
UNPACKED_LIMIT = 64 << 30  # bytes
LONGEST_ROW = 16 << 20  # bytes
_CHUNK = 1 << 20
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCRYPTED = 0x1
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError)


class Census:
    """How many delimiters, quotes and NULs a text has: what the rows read from it must add up to.

    Attributes:
        is_endless: whether it has a row so long that it must be an open quote, or no csv; it would fill the memory.
    """

    def __init__(self, file: DeliveredFile) -> None:
        self._delimiter = file.delimiter.encode()
        self._quote = file.quote.encode()
        self._row = 0
        self.delimiters = self.quotes = self.nuls = 0
        self.is_endless = False

    def take(self, chunk: bytes) -> None:
        """Count a further part of the text."""
        self._row = 0 if self._ends_a_row(chunk) else self._row + len(chunk)
        self.is_endless |= self._row > LONGEST_ROW
        self.delimiters += chunk.count(self._delimiter)
        self.quotes += chunk.count(self._quote) if self._quote else 0
        self.nuls += chunk.count(b"\0")

    def _ends_a_row(self, chunk: bytes) -> bool:
        """Whether a line ends outside quotes, that is after an even number of them."""
        quotes, counted = self.quotes, 0
        while (end := chunk.find(b"\n", counted)) >= 0:
            quotes += chunk.count(self._quote, counted, end) if self._quote else 0
            if quotes % 2 == 0:
                return True
            counted = end + 1
        return False


def digest(path: Path, census: Census | None = None) -> str:
    """SHA-256 of a file; a census counts on the same bytes."""
    found = hashlib.sha256()
    for chunk in _chunks(path):
        found.update(chunk)
        if census:
            census.take(chunk)
    return found.hexdigest()


def as_utf8(path: Path, file: DeliveredFile, spool: Path, census: Census) -> Path:
    """A copy of a csv, unpacked and decoded, in the spool.

    Raises:
        RefusedDeliveryError: if it is damaged, not packed or encoded as announced, or unpacks beyond all measure.
    """
    spool.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=spool, suffix=".csv", delete=False) as copy:
        for chunk in decoded(_unpacked(path, file), file):
            census.take(chunk)
            copy.write(chunk)
    return Path(copy.name)


def decoded(chunks: Iterator[bytes], file: DeliveredFile) -> Iterator[bytes]:
    """The text in UTF-8.

    Raises:
        RefusedDeliveryError: if a byte cannot be decoded.
    """
    decoder = codecs.getincrementaldecoder(file.encoding)()
    taken = 0
    try:
        for chunk in _marked(chunks, file):
            taken += len(chunk)
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        position = taken - len(error.object) + error.start + 1
        reason = f"{file.name} is not {file.encoding}: byte {position} cannot be decoded."
    else:
        return
    raise RefusedDeliveryError(f"{reason} Announce its encoding, or send it again.")


def undecodable(path: Path, file: DeliveredFile) -> None:
    """Refuse a plain file that is not UTF-8; a copy in the spool has been decoded already."""
    if file.encoding == "utf-8":
        for _ in decoded(_chunks(path), file):
            pass


def _marked(chunks: Iterator[bytes], file: DeliveredFile) -> Iterator[bytes]:
    """The same, once the byte order mark is the one that the announced encoding has."""
    first = next(chunks, b"")
    wide = first.startswith(_UTF16_MARKS)
    if first and wide != (file.encoding == "utf-16"):
        told = "another" if wide else "no UTF-16"
        raise RefusedDeliveryError(
            f"{file.name} is not {file.encoding}: it begins with {told} byte order mark. Announce its encoding."
        )
    if file.encoding == "cp1252" and first.startswith(codecs.BOM_UTF8):
        raise RefusedDeliveryError(f"{file.name} is not cp1252 but utf-8, by its byte order mark. Announce that.")
    yield first
    yield from chunks


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            yield chunk


def _unpacked(path: Path, file: DeliveredFile) -> Iterator[bytes]:
    limit = min(max(UNPACKED_FREE, UNPACKED_RATIO * path.stat().st_size), UNPACKED_LIMIT)
    size = 0
    try:
        for chunk in _packed_chunks(path, file):
            size += len(chunk)
            if size > limit:
                raise RefusedDeliveryError(
                    f"{file.name} unpacks to more than {limit >> 20} MB, beyond what records do. Send it in parts."
                )
            yield chunk
    except _DAMAGED:
        raise RefusedDeliveryError(
            f"{file.name} is damaged, cut off, or not packed as {file.compression}. Send it again."
        ) from None


def _packed_chunks(path: Path, file: DeliveredFile) -> Iterator[bytes]:
    match file.compression:
        case "gzip":
            with gzip.open(path) as content:
                while chunk := content.read(_CHUNK):
                    yield chunk
        case "zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive, file)) as content:
                while chunk := content.read(_CHUNK):
                    yield chunk
        case _:
            yield from _chunks(path)


def _only_member(archive: zipfile.ZipFile, file: DeliveredFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise RefusedDeliveryError(f"{file.name} holds {len(members)} files. Pack each file alone.")
    [member] = members
    if PurePosixPath(member.filename).name != member.filename or "\\" in member.filename:
        raise RefusedDeliveryError(f"{file.name} holds its file under a path. Pack the file without its folders.")
    if member.flag_bits & _ENCRYPTED:
        raise RefusedDeliveryError(f"{file.name} is packed with a password. Send it without.")
    return member
