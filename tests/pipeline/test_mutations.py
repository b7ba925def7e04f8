"""Whatever is changed in what is stored, at any step, the next run stops, names the place and publishes nothing."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pyarrow.parquet as pq
import pytest

from assets.linkage.identity import DEMONSTRATION_KEY
from pipelines.definitions import definitions_over
from pipelines.errors import ConservationError
from pipelines.home import open_home
from pipelines.jobs import register_years
from pipelines.resources import HomeResource
from pipelines.store import Store
from pipelines.verification import verify_home
from schemas.catalogue import TABLES
from schemas.contract import contracts
from tests.releases import digests

MUTATIONS, THROUGH_NIGHTLY = 100, 10
PEOPLE = ("person_id", "pseudonym", "superseded_pseudonym")


@dataclass(frozen=True)
class Place:
    """A stored file, the words that must name it, and the columns by whose values a change in it is told."""

    path: Path
    named: tuple[str, ...]
    control: tuple[str, ...] = ()


def places(home: Path) -> dict[str, list[Place]]:
    """Every file of every table and feed, by name."""
    store = Store(home / "store")
    found: dict[str, list[Place]] = {}
    for table in TABLES.values():
        for year in store.years(table.name) if table.by_year else [None]:
            named = (f"{table.name} {year}: " if year else f"{table.name}: ",)
            for path in store.paths(store.require(table.name, year)):
                found.setdefault(table.name, []).append(Place(path, named, table.control))
    for feed in contracts():
        for path in sorted((store.root / feed).rglob("*.parquet")):
            named = (f"{feed}/{path.parent.name}: " if path.parent.name != feed else f"{feed}: ", path.name)
            found.setdefault(feed, []).append(Place(path, named))
    return found


def changed_rows(frame: pl.DataFrame, kind: str, chance: random.Random) -> pl.DataFrame | None:
    """The rows with one mutation, or None where they offer nothing to change so."""
    if frame.is_empty():
        return None
    row = chance.randrange(frame.height)
    if kind == "drop a row":
        return pl.concat([frame.head(row), frame.tail(frame.height - row - 1)])
    if kind == "duplicate a row":
        return pl.concat([frame.head(row + 1), frame.slice(row, 1), frame.tail(frame.height - row - 1)])
    if kind == "swap two values":
        return swapped(frame, row, chance)
    wanted = {
        "change an amount": [name for name, kind in frame.schema.items() if kind.is_numeric() and name not in PEOPLE],
        "change a person": [name for name in PEOPLE if name in frame.columns],
        "change a date or code": [n for n, kind in frame.schema.items() if kind in (pl.Date, pl.String)],
    }[kind]
    names = [name for name in wanted if frame[name][row] is not None]
    return replaced(frame, row, chance.choice(names)) if names else None


def replaced(frame: pl.DataFrame, row: int, name: str) -> pl.DataFrame:
    """One value of one row made another."""
    kind = frame.schema[name]
    value = pl.col(name)
    other = (
        value.dt.offset_by("1d")
        if kind == pl.Date
        else value + pl.lit("X")
        if kind == pl.String
        else (value + pl.lit("0.01").cast(kind) if kind.is_decimal() else value + 1)
    )
    return frame.with_columns(
        pl.when(pl.int_range(pl.len()) == row).then(other).otherwise(value).cast(kind).alias(name)
    )


def swapped(frame: pl.DataFrame, row: int, chance: random.Random) -> pl.DataFrame | None:
    """The values of one column of two rows changed about: every sum over the table stays."""
    names = [name for name in frame.columns if frame[name].n_unique() > 1]
    if not names:
        return None
    name = chance.choice(names)
    others = frame.with_row_index("at").filter(pl.col(name).ne_missing(frame[name][row]))["at"].to_list()
    order = list(range(frame.height))
    other = chance.choice(others)
    order[row], order[other] = order[other], order[row]
    return frame.with_columns(frame[name][order])


def write(path: Path, frame: pl.DataFrame, schema_of: Path) -> None:
    pq.write_table(frame.to_arrow().cast(pq.read_schema(schema_of)), path, compression="zstd")


def groups_changed(before: pl.DataFrame, after: pl.DataFrame, control: tuple[str, ...]) -> list[str]:
    """The control groups whose rows differ, in words; those alone that were there before, as no other is to be told."""
    counted = [
        frame.group_by(frame.columns).len().with_columns(pl.col("len").cast(pl.Int64) * sign)
        for frame, sign in ((before, 1), (after, -1))
    ]
    differ = pl.concat(counted).group_by(before.columns).agg(pl.col("len").sum()).filter(pl.col("len") != 0)
    groups = differ.select(control).unique().join(before.select(control).unique(), on=control, nulls_equal=True)
    return [", ".join(f"{name} {value}" for name, value in group.items()) for group in groups.rows(named=True)]


@contextmanager
def mutated(found: dict[str, list[Place]], chance: random.Random, kind: str) -> Iterator[tuple[list[Place], list[str]]]:
    """One stored file changed, for a while: where, and which control groups are to be named."""
    grouped = sorted(name for name in found if found[name][0].control)
    names = [*sorted(found), *grouped * 3]  # tables of which most can be named take their share
    while True:
        place = chance.choice(found[chance.choice(names)])
        whole = place.path.read_bytes()
        others, groups = [place], []
        if kind == "swap two files":
            other = chance.choice([other for many in found.values() for other in many if other.path != place.path])
            if other.path.read_bytes() == whole:
                continue
            others.append(other)
        elif kind != "cut a file":
            before = pl.read_parquet(place.path, glob=False)
            after = changed_rows(before, kind, chance)
            if after is None:
                continue
            groups = groups_changed(before, after, place.control) if place.control else []
        break
    kept = {other.path: other.path.read_bytes() for other in others}
    if kind == "swap two files":
        first, second = kept
        first.write_bytes(kept[second])
        second.write_bytes(kept[first])
    elif kind == "cut a file":
        place.path.write_bytes(whole[: chance.randrange(len(whole))])
    else:
        write(place.path.with_suffix(".new"), after, place.path)
        place.path.with_suffix(".new").replace(place.path)
    try:
        yield others, groups
    finally:
        for path, content in kept.items():
            path.write_bytes(content)


KINDS = (
    "drop a row",
    "duplicate a row",
    "change an amount",
    "change a person",
    "change a date or code",
    "swap two values",
    "swap two files",
    "cut a file",
)


def verify(home: Path) -> None:
    """What every run begins with."""
    with open_home(home, DEMONSTRATION_KEY) as opened:
        verify_home(opened)


def test_a_hundred_random_mutations_stop_the_run_a_hundred_times(
    published: Path, copy_of: Callable[[Path], Path], nightly: Callable[[Path], object]
) -> None:
    home, chance = copy_of(published), random.Random(4)
    before, found, stopped = digests(home), places(home), 0
    for number in range(MUTATIONS):
        kind = KINDS[number % len(KINDS)]
        with mutated(found, chance, kind) as (changed, groups), pytest.raises(ConservationError) as stop:
            (nightly if number % (MUTATIONS // THROUGH_NIGHTLY) == 0 else verify)(home)
        line = str(stop.value)
        assert "\n" not in line
        assert "Nothing was published; run `linked-care nightly --rebuild`" in line
        assert any(all(word in line for word in place.named) for place in changed), (kind, changed, line)
        assert not groups or any(f"({group})" in line for group in groups), (kind, groups, line)
        stopped += 1
    assert stopped == MUTATIONS
    assert digests(home) == before
    verify(home)  # what was put back is whole


def edit(path: Path, **values: object) -> None:
    """Change a small record, and leave it a whole one."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values, indent=1))


SPELLS = "store/apc_spell/apc_spell-SUS-2024-06"
RECORDS = [
    # what is changed, how, what the line names
    (
        f"{SPELLS}/receipt.json",
        lambda path: edit(path, received_rows=7),
        "apc_spell/apc_spell-SUS-2024-06: its receipt",
    ),
    (f"{SPELLS}/receipt.json", lambda path: path.write_text("{"), "apc_spell/apc_spell-SUS-2024-06: its receipt"),
    (
        f"{SPELLS}/receipt.json",
        lambda path: shutil.copy(path.parent.parent / "apc_spell-SUS-2024-07" / path.name, path),
        "apc_spell/apc_spell-SUS-2024-06: its receipt",
    ),
    ("store/apc_spell/judged.json", lambda path: edit(path, verdicts=[]), "apc_spell: its verdicts"),
    ("store/apc_spell/current.json", lambda path: edit(path, rows=7), "apc_spell: current.json"),
    (
        "store/activity/financial_year=2024-25/current.json",
        lambda path: edit(path, control=[]),
        "activity 2024-25: current.json",
    ),
    (
        "store/activity/financial_year=2024-25/current.json",
        lambda path: shutil.copy(path.parent.parent / "financial_year=2023-24" / path.name, path),
        "activity 2024-25: current.json",
    ),
    ("store/person/current.json", lambda path: path.write_text(path.read_text()[:-9]), "person: current.json"),
    (f"{SPELLS}/receipt.json", lambda path: path.unlink(), "apc_spell/apc_spell-SUS-2024-06: its receipt is gone"),
    ("outputs/release.json", lambda path: edit(path, tables=[]), "outputs/release.json: changed since"),
    ("outputs/release.json", lambda path: path.write_text('{"tables": []}'), "outputs/release.json: changed since"),
    (
        "outputs/restricted/person/part-0.parquet",
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        "outputs/restricted/person/part-0.parquet: changed since",
    ),
    (f"{SPELLS}/accepted-00000.parquet", lambda path: path.unlink(), "accepted-00000.parquet is gone"),
    (
        f"{SPELLS}/accepted-00000.parquet",
        lambda path: shutil.copy(path, path.with_name("accepted-00001.parquet")),
        "accepted-00001.parquet was never written",
    ),
]


def test_a_changed_record_stops_the_run(published: Path, copy_of: Callable[..., Path]) -> None:
    """Receipts, verdicts, pointers and the release that is shown, each changed and put back; files lost or added."""
    home = copy_of(published)
    for place, change, named in RECORDS:
        path = home / place
        beside, content = set(path.parent.iterdir()), path.read_bytes()
        change(path)
        with pytest.raises(ConservationError) as stop:
            verify(home)
        assert named in str(stop.value)
        path.write_bytes(content)
        for added in set(path.parent.iterdir()) - beside:
            added.unlink()
        verify(home)


def test_a_rebuild_mends_all_that_was_changed(
    published: Path, copy_of: Callable[[Path], Path], nightly: Callable[..., object]
) -> None:
    home = copy_of(published)
    before = digests(home)
    store = Store(home / "store")
    [activity] = store.paths(store.require("activity", "2024-25"))
    for path in (activity, home / SPELLS / "accepted-00000.parquet", home / "outputs/restricted/person/part-0.parquet"):
        path.write_bytes(path.read_bytes()[:-1])
    edit(home / "store/apc_spell/apc_spell-SUS-2024-07/receipt.json", received_rows=7)
    edit(home / "store/apc_spell/judged.json", verdicts=[])
    edit(home / "store/person/current.json", rows=7)
    (home / "store/op_attendance/current.json").write_text("{")
    with pytest.raises(ConservationError):
        nightly(home)
    nightly(home, rebuild=True)
    assert digests(home) == before
    verify(home)


def test_one_table_built_alone_is_proved_first(published: Path, copy_of: Callable[[Path], Path]) -> None:
    home = copy_of(published)
    store = Store(home / "store")
    [source] = store.paths(store.require("person_year_cost", "2024-25"))
    source.write_bytes(source.read_bytes()[:-1])
    with dg.DagsterInstance.ephemeral() as instance:
        register_years(instance, home)
        job = definitions_over(HomeResource(root=str(home))).resolve_job_def("nightly")
        with pytest.raises(dg.DagsterError) as stop:
            job.execute_in_process(
                instance=instance, asset_selection=[dg.AssetKey("cost_by_setting")], partition_key="2024-25"
            )
    assert "person_year_cost 2024-25: cannot be read" in str(stop.value.__cause__)
    assert isinstance(stop.value.__cause__, ConservationError)
