"""Taking withdrawn people out of releases that are kept, so that they need not be made again.

Belongs here: their rows in every table of people, the ledger that must still balance, the receipt.
Does not belong here: deliveries (`assets/feeds/withdrawal.py`); tables of sums, which stay as they were published.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.costing.recost import remove_holding
from assets.feeds.delivery import landed
from assets.feeds.receipt import RECEIPT
from assets.feeds.withdrawal import WITHDRAWN
from assets.linkage.identity import person_id
from assets.publication.release import RECORD, kept_in, recorded, write_record
from pipelines.errors import ConservationError, LinkedCareError
from pipelines.store import Store, fingerprint
from schemas.contract import contracts
from schemas.feeds import LINK_FEEDS, WITHDRAWN_IDENTIFIER

LEDGER, UNITS, PEOPLE = "cost_ledger", "activity_cost", "person"
_JOURNAL, _PERSON = ".withdrawal", "person_id"
_CELL = ["feed", "provider_code", "activity_month"]
_KEY = [*_CELL, "stage", "part_of", "status"]
_MEASURES = ["record_count", "submitted_pence", "cost_pence", "real_cost_pence"]
# Where a unit of care stands in the ledger: part_of and status by stage, as texts or columns of the unit.
_STAGES = {
    "linkage": (pl.lit("accepted"), pl.col("link_status")),
    "pricing": (pl.col("link_status"), pl.col("match_level")),
    "exposure": (pl.col("link_status"), pl.col("exposure_status")),
}


@dataclass(frozen=True)
class Cleaned:
    """What was, or would be, taken out of one release.

    Attributes:
        rows: rows removed by table.
        units: units of care that the ledger moves to withdrawn; `pence` is their cost.
        sums: the tables that hold no people: they stay as they were published, with what is withdrawn in their sums.
    """

    rows: Mapping[str, int]
    units: int
    pence: int
    sums: tuple[str, ...]


@dataclass(frozen=True)
class Withdrawal:
    """The receipt of one withdrawal. It holds no identifier.

    Attributes:
        list_digest: digest of the identifiers withdrawn.
        landing: deliveries in landing that still hold rows of theirs, as FEED/DELIVERY.
        recosted: price books whose results of `linked-care recost` held rows of theirs, and are removed.
    """

    list_digest: str
    identifiers: int
    releases: Mapping[str, Cleaned] = field(default_factory=dict)
    landing: tuple[str, ...] = ()
    recosted: tuple[str, ...] = ()

    def dump(self, by: str, when: str) -> str:
        """The receipt as JSON."""
        return json.dumps({"withdrawn_by": by, "withdrawn_at": when, **asdict(self)}, indent=1)


def withdraw_from_releases(root: Path, store: Store, key: str, is_dry_run: bool = False) -> Withdrawal:
    """Take the people who are now withdrawn out of every release that is kept, and recosted care of theirs with it.

    Each release is written anew aside, and then swapped file by file: one that a kill left half-swapped is finished
    first. Files of the store are never touched, though releases share them.

    Raises:
        LinkedCareError: if who is withdrawn is not known, or people were made with another key.
        ConservationError: if a release is not as it was published, or its ledger would not balance.
    """
    rows = store.frame(WITHDRAWN_IDENTIFIER.name).select("pseudonym_domain", "pseudonym").sort(pl.all()).rows()
    known = _known_people(store, key)
    people = pl.Series([person_id(domain, pseudonym, key) for domain, pseudonym in rows], dtype=pl.Int64).unique()
    if not is_dry_run:
        finish_all(root / "releases")
    releases = sorted((root / "releases").glob("[0-9]*"))
    for release in releases:
        _refuse_changed(store, release)
        _refuse_other_people(release, pl.concat([known, people]))
    cleaned = {release.name: _clean(release, people, is_dry_run) for release in releases}
    recosted = remove_holding(root, people, is_dry_run)
    return Withdrawal(fingerprint(rows) if rows else "", len(rows), cleaned, tuple(_still_landed(root)), recosted)


def _called(release: Path) -> str:
    return f"releases/{release.name}"


def _refuse_changed(store: Store, release: Path) -> None:
    try:
        store.bytes.refuse_changed(kept_in(release, _called(release)))
    except ConservationError as error:
        remedy = "remove the release, or run `linked-care nightly --rebuild` if it is the one in outputs"
        raise ConservationError(error.what, remedy) from None


def _known_people(store: Store, key: str) -> pl.Series:
    """The people of the last run, once it is proved that the key is theirs."""
    index = store.frame("person_identifier")
    direct = index.filter(pl.col("how") == "direct").head(1)
    for domain, pseudonym, person in direct.select("pseudonym_domain", "pseudonym", _PERSON).rows():
        if person_id(domain, pseudonym, key) != person:
            raise LinkedCareError(
                "person_identifier: was made under another key. Set LINKED_CARE_PERSON_KEY to the one of the last run."
            )
    return index[_PERSON].unique()


def _refuse_other_people(release: Path, known: pl.Series) -> None:
    files = _files(release, PEOPLE)
    people = pl.scan_parquet(files, glob=False).select(_PERSON).collect().to_series() if files else pl.Series()
    if people.len() and not people.is_in(known.implode()).any():
        raise LinkedCareError(
            f"{_called(release)}: none of its people is known, so that nobody can be found in it. It was made"
            " under another LINKED_CARE_PERSON_KEY: remove it."
        )


def _files(release: Path, table: str = "*") -> list[Path]:
    return sorted((release / "restricted").glob(f"{table}/**/*.parquet"))


def _clean(release: Path, people: pl.Series, is_dry_run: bool) -> Cleaned:
    held = [file for file in _files(release) if _PERSON in pq.read_schema(file).names]
    gone = {file: count for file in held if (count := _count(file, people))}
    units = {file: _removed(file, people) for file in gone if _table(release, file) == UNITS}
    ledgers = {_ledger_of(file): _without(release, _ledger_of(file), removed) for file, removed in units.items()}
    if gone and not is_dry_run:
        _stage(release, gone, ledgers, people)
        finish(release)
    rows: dict[str, int] = {}
    for file, count in gone.items():
        rows[_table(release, file)] = rows.get(_table(release, file), 0) + count
    moved = pl.concat(units.values()) if units else pl.DataFrame(schema=dict.fromkeys(_MEASURES, pl.Int64))
    sums = {_table(release, file) for file in _files(release)} - {_table(release, file) for file in held} - {LEDGER}
    return Cleaned(
        rows, int(moved["record_count"].sum()), int(moved["cost_pence"].sum()), tuple(sorted(sums)) if rows else ()
    )


def _table(release: Path, file: Path) -> str:
    return file.relative_to(release / "restricted").parts[0]


def _is_theirs(people: pl.Series) -> pl.Expr:
    return pl.col(_PERSON).is_in(people.implode()).fill_null(False)


def _count(file: Path, people: pl.Series) -> int:
    return pl.scan_parquet(file, glob=False).select(_is_theirs(people).sum()).collect().item()


def _removed(file: Path, people: pl.Series) -> pl.DataFrame:
    return pl.scan_parquet(file, glob=False).filter(_is_theirs(people)).collect()


def _ledger_of(units: Path) -> Path:
    """The ledger of the same year in the same release."""
    return units.parents[2] / LEDGER / units.parent.name / units.name


def _without(release: Path, ledger: Path, units: pl.DataFrame) -> pa.Table:
    """A year's ledger with units moved from accepted, and from all that follows, to withdrawn at the door.

    Raises:
        LinkedCareError: if the ledger has no stages.
        ConservationError: if it would not balance.
    """
    before = pq.read_table(ledger)
    frame = pl.DataFrame(before)
    name = f"{_called(release)}: {LEDGER} {ledger.parent.name.removeprefix('financial_year=')}"
    if "stage" not in frame.columns:
        raise LinkedCareError(f"{name} has no stages, since an earlier version made it. Remove the release.")
    priced = frame.filter(pl.col("submitted_pence").is_not_null())["feed"].unique().to_list()
    price = pl.when(pl.col("feed").is_in(priced)).then(pl.col("submitted_pence").fill_null(0))
    plain = units.with_columns(submitted_pence=price)
    door = pl.lit("received")
    moves = [_move(plain, "door", door, pl.lit("accepted"), -1), _move(plain, "door", door, pl.lit("withdrawn"), 1)]
    for stage, (part_of, status) in _STAGES.items():
        if stage in frame["stage"]:
            moves.append(_move(plain, stage, part_of, status, -1))
    measures = [one for one in _MEASURES if one in frame.columns]
    sums = [pl.when(pl.col(one).count() > 0).then(pl.col(one).sum()).alias(one) for one in measures]
    year = pl.lit(frame["financial_year"].first()).alias("financial_year")
    moved = pl.concat(moves, how="diagonal_relaxed").with_columns(is_moved=True)
    both = pl.concat([frame, moved], how="diagonal_relaxed")
    summed = both.group_by(_KEY).agg(*sums, pl.col("is_moved").any()).with_columns(year)
    is_left = pl.any_horizontal(~pl.col("is_moved"), *(pl.col(one).fill_null(0) != 0 for one in measures))
    left = summed.filter(is_left).select(frame.columns).sort(_KEY)
    _prove(name, left)
    return left.to_arrow().cast(before.schema)


def _move(units: pl.DataFrame, stage: str, part_of: pl.Expr, status: pl.Expr, sign: int) -> pl.DataFrame:
    """Units as rows of the ledger, to be added to it or taken off; at the door nothing has a cost yet."""
    costs = [] if stage == "door" else [one for one in _MEASURES[2:] if one in units.columns]
    measures = [(pl.col(one) * sign).cast(pl.Int64).alias(one) for one in (*_MEASURES[:2], *costs)]
    return units.select(*_CELL, stage=pl.lit(stage), part_of=part_of, status=status).with_columns(
        units.select(measures).get_columns()
    )


def _prove(name: str, ledger: pl.DataFrame) -> None:
    sides = (
        ledger.filter((pl.col("stage") == stage) & (pl.col("status") == status if status else pl.lit(True)))
        .group_by(_CELL)
        .agg(pl.col("record_count", "submitted_pence").sum() * sign)
        for stage, status, sign in (("door", "accepted", 1), ("linkage", None, -1))
    )
    gaps = pl.concat(sides).group_by(_CELL).agg(pl.col("record_count", "submitted_pence").sum())
    odd = gaps.filter((pl.col("record_count") != 0) | (pl.col("submitted_pence") != 0)).height
    below = ledger.filter(pl.col("record_count") < 0).height
    if odd or below:
        raise ConservationError(f"{name}: {odd} providers' months would not balance, {below} rows would fall below 0")


def _stage(release: Path, gone: Iterable[Path], ledgers: Mapping[Path, pa.Table], people: pl.Series) -> None:
    """Write what replaces files of a release aside; complete, it becomes the journal that `finish` works off."""
    staged = release / f"{_JOURNAL}.tmp"
    shutil.rmtree(staged, ignore_errors=True)
    rows: dict[str, int] = {}
    for file, ledger in ledgers.items():
        pq.write_table(ledger, _aside(release, staged, file), compression="zstd")
        rows[str(file.parent)] = ledger.num_rows
    ids = pa.array(people.to_list(), pa.int64())
    for file in gone:
        source = pq.ParquetFile(file)
        with pq.ParquetWriter(_aside(release, staged, file), source.schema_arrow, compression="zstd") as target:
            for batch in source.iter_batches():
                kept = batch.filter(pc.invert(pc.is_in(batch.column(_PERSON), ids)))
                target.write_batch(kept)
                rows[str(file.parent)] = rows.get(str(file.parent), 0) + kept.num_rows
    record = recorded(release, _called(release))
    for entry in record["tables"]:
        year = entry["financial_year"]
        folder = release / "restricted" / entry["table"] / (f"financial_year={year}" if year else ".")
        entry["rows"] = rows.get(str(folder), entry["rows"])
    (staged / RECORD).write_text(json.dumps({name: value for name, value in record.items() if name != "files"}))
    staged.rename(release / _JOURNAL)


def _aside(release: Path, staged: Path, file: Path) -> Path:
    path = staged / file.relative_to(release)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def finish_all(releases: Path) -> None:
    """Finish what a killed withdrawal left half-swapped, and remove releases that a kill left half-made."""
    for unfinished in releases.glob(".*.tmp"):
        shutil.rmtree(unfinished)
    for release in sorted(releases.glob("[0-9]*")):
        finish(release)


def finish(release: Path) -> None:
    """Swap in what is staged for a release, if anything is. May be cut off anywhere and done again."""
    journal, done = release / _JOURNAL, release / f"{_JOURNAL}.tmp"
    shutil.rmtree(done, ignore_errors=True)
    if not journal.exists():
        return
    for path in sorted(journal.rglob("*.parquet")):
        path.replace(release / path.relative_to(journal))
    write_record(release, json.loads((journal / RECORD).read_text()))
    journal.rename(done)  # a journal that is half removed would be no journal
    shutil.rmtree(done)


def _still_landed(root: Path) -> Iterator[str]:
    """Deliveries whose withdrawn rows still lie in landing, until somebody removes them there."""
    for feed in contracts():
        for folder in landed(root / "landing", feed) if feed not in LINK_FEEDS else ():
            shelf = root / "store" / feed / folder.name
            if (shelf / RECEIPT).exists() and (shelf / WITHDRAWN).exists():
                yield f"{feed}/{folder.name}"
