"""Recosting: all activity priced again under another price book, beside the first result.

Belongs here: the workshop in which it is priced, the proof that the parts are the whole, putting the result in place.
Does not belong here: any pricing, which is the SQL and the functions of the nightly run; printing (`cli/recost.py`).
"""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from assets.costing.book import Book, book_folder, read_book
from assets.costing.price_book import build_from_book, build_price_index
from assets.parameters import RunParameters
from pipelines.build import SQL, build_sql, is_stale
from pipelines.errors import LinkedCareError
from pipelines.home import Home
from pipelines.sealed import sealed
from pipelines.store import Store, refuse_repeated_keys
from schemas.catalogue import TABLES
from schemas.costing import ACTIVITY_COST, COST_LEDGER
from schemas.prices import (
    MARKET_FORCES_FACTOR,
    PRICE_BOOK,
    PRICE_INDEX,
    PRICE_POLICY,
    PRICE_USED,
    SETTING_INDEX,
    SPELL_SUPPLEMENT,
    TOP_UP,
)
from schemas.recost import ACTIVITY_RECOST, COST_COMPARISON, PRICE_RECOST

FOLDER = "recost"
RECORD = "recost.json"
_PRIVATE = 0o700
OF_A_BOOK = (PRICE_BOOK, MARKET_FORCES_FACTOR, TOP_UP, PRICE_POLICY, SETTING_INDEX)
_BY_YEAR = (SPELL_SUPPLEMENT, PRICE_USED, ACTIVITY_COST)
_ITS_OWN = {table.name for table in (*OF_A_BOOK, PRICE_INDEX, *_BY_YEAR)}
_OF_THE_RUN = {name for table in _ITS_OWN for name in TABLES[table].sources} - _ITS_OWN


@dataclass(frozen=True)
class Recosted:
    """What a recosting made: where it is, which books it compares, and how."""

    folder: Path
    first_book: str
    second_book: str
    comparison: pl.DataFrame


def recost(home: Home, name: str, years: Sequence[str] = ()) -> Recosted:
    """Price all activity of a home under the book of a name, in `recost/<name>/`; all years that are costed by default.

    Neither the store nor a release is touched.

    Raises:
        LinkedCareError: if there is no such book, or it is refused; if a year is not costed, or half a run has costed
            it; if the parts of the comparison were not the whole.
    """
    book = read_book(book_folder(home.root, name, f"--book {name}"))
    shown = home.root / FOLDER / name
    if shown.exists() and not shown.is_symlink():
        raise LinkedCareError(f"{FOLDER}/{name}: was not made by `linked-care recost`. Move it away.")
    chosen = sorted(set(years)) or home.store.years(ACTIVITY_COST.name)
    refuse_uncosted(home.store, chosen)
    for year in chosen:
        _refuse_half_a_run(home.store, year)
    with _workshop(home) as (folder, workshop):
        for year in chosen:
            price_all(workshop, book, year)
            compare(home.store, workshop.store, year, _part(folder, COST_COMPARISON.name, year))
            [made] = workshop.store.paths(workshop.store.require(ACTIVITY_COST.name, year))
            made.rename(_part(folder, ACTIVITY_COST.name, year))
        shutil.rmtree(workshop.store.root)
        first = _book_of(home.store)
        parts = sorted((folder / COST_COMPARISON.name).rglob("*.parquet"))
        (folder / RECORD).write_text(
            sealed({"first_book": first, "second_book": _called(book), "digest": book.digest, "years": chosen})
        )
        comparison = pl.concat(pl.read_parquet(path, glob=False) for path in parts)
        _swap(shown, folder)
    return Recosted(shown, first, _called(book), comparison)


def remove_holding(root: Path, people: pl.Series, is_dry_run: bool = False) -> tuple[str, ...]:
    """Remove every result that holds care of any of these people, and what a killed run left; the books it was of."""
    found = []
    for shown in sorted(path for path in (root / FOLDER).glob("[!.]*") if path.is_symlink()):
        files = sorted((shown.resolve() / ACTIVITY_COST.name).rglob("*.parquet"))
        if any(
            pl.scan_parquet(file, glob=False).select(pl.col("person_id").is_in(people.implode()).any()).collect().item()
            for file in files
        ):
            found.append(shown.name)
            if not is_dry_run:
                shown.unlink()
    if not is_dry_run and (root / FOLDER).is_dir():
        _clear(root / FOLDER)
    return tuple(found)


def refuse_uncosted(store: Store, years: Sequence[str]) -> None:
    """Refuse years that no run has costed, and a home without any.

    Raises:
        LinkedCareError: naming the years that are costed.
    """
    costed = store.years(ACTIVITY_COST.name)
    if not costed:
        raise LinkedCareError(f"{store.root}: nothing is costed yet. Run `linked-care nightly`.")
    if unknown := [year for year in years if year not in costed]:
        raise LinkedCareError(f"--year {', '.join(unknown)}: costed are {', '.join(costed)}.")


def price_all(home: Home, book: Book, year: str) -> None:
    """Build the tables of a book, and the cost of a year's activity by it, as the nightly run does."""
    for table in OF_A_BOOK:
        build_from_book(home, table, book)
    build_price_index(home)
    for table in _BY_YEAR:
        build_sql(home.store, table, year, RunParameters.of(year).row())


def compare(first: Store, second: Store, year: str, target: Path) -> None:
    """Write a year's `cost_comparison` of two stores, once it is proved that its parts are the whole.

    Raises:
        LinkedCareError: if the parts differ from either result or from the ledger.
    """
    with second.engine() as engine:  # whatever it spills stays in the workshop
        sides = (
            (first, ACTIVITY_COST.name, ACTIVITY_COST.name),
            (second, ACTIVITY_COST.name, ACTIVITY_RECOST.name),
            (first, PRICE_USED.name, PRICE_USED.name),
            (second, PRICE_USED.name, PRICE_RECOST.name),
        )
        for store, table, name in sides:
            part = store.require(table, year)
            store.prove(part, TABLES[table])
            engine.register(name, store.paths(part))
        engine.register_rows("run_parameters", pa.Table.from_pylist([RunParameters.of(year).row()]))
        engine.run_sql(COST_COMPARISON, (SQL / f"{COST_COMPARISON.name}.sql").read_text(), target)
        refuse_repeated_keys(COST_COMPARISON, target)
        engine.register("compared", [target])
        units, pence = "count(*)", "coalesce(sum(cost_pence), 0)"
        first_sums = _sums(engine.fetch(f"select setting, {units}, {pence} from activity_cost group by setting"))
        second_sums = _sums(engine.fetch(f"select setting, {units}, {pence} from activity_recost group by setting"))
        found = engine.fetch(
            "select setting, sum(unit_count), coalesce(sum(first_pence), 0), coalesce(sum(second_pence), 0),"
            " sum(difference_pence) from compared group by setting"
        )
    prove_parts(year, first_sums, second_sums, found)
    _prove_ledger(first, year, sum(pence for _, pence in first_sums.values()))


Sums = dict[str, tuple[int, int]]


def prove_parts(year: str, first: Sums, second: Sums, found: Sequence[tuple[str, int, int, int, int]]) -> None:
    """Prove that units, pence and differences of a comparison are those of both results, setting by setting.

    Raises:
        LinkedCareError: naming the year, the setting and the gap.
    """
    parts = {setting: (int(units), int(one), int(two), int(gap)) for setting, units, one, two, gap in found}
    for setting in sorted(first.keys() | second.keys() | parts.keys()):
        (units, one), (others, two) = first.get(setting, (0, 0)), second.get(setting, (0, 0))
        counted, first_pence, second_pence, difference = parts.get(setting, (0, 0, 0, 0))
        gaps = {
            "units between the books": others - units,
            "units": counted - units,
            "pence under the first book": first_pence - one,
            "pence under the second book": second_pence - two,
            "pence of difference": difference - (two - one),
        }
        for what, gap in gaps.items():
            if gap:
                raise LinkedCareError(
                    f"{COST_COMPARISON.name} {year}: {setting} differs from the whole by {gap:+d} {what}."
                    f" Nothing was written; mend sql/{COST_COMPARISON.name}.sql."
                )


def _sums(rows: Sequence[tuple[str, int, int]]) -> Sums:
    return {setting: (int(units), int(pence)) for setting, units, pence in rows}


def _prove_ledger(store: Store, year: str, pence: int) -> None:
    ledger = store.frame(COST_LEDGER.name, year).filter(stage="pricing")["cost_pence"].sum()
    if ledger != pence:
        raise LinkedCareError(
            f"{COST_LEDGER.name} {year}: differs from {ACTIVITY_COST.name} by {ledger - pence:+d} pence. Nothing was"
            " written; run `linked-care nightly`."
        )


def _refuse_half_a_run(store: Store, year: str) -> None:
    for table in _BY_YEAR:
        if is_stale(store, table, store.require(table.name, year)):
            raise LinkedCareError(f"{table.name} {year}: older than what it is made from. Run `linked-care nightly`.")


def _called(book: Book) -> str:
    return f"{book.name} {book.version}"


def _book_of(store: Store) -> str:
    name, version = store.frame(PRICE_POLICY.name).select("book_name", "book_version").row(0)
    return f"{name} {version}"


@contextmanager
def _workshop(home: Home) -> Iterator[tuple[Path, Home]]:
    """A folder aside, with a store of its own in it in which what is priced is linked; removed if anything fails."""
    aside = home.root / FOLDER
    aside.mkdir(_PRIVATE, exist_ok=True)
    _clear(aside)
    folder = aside / f".{uuid.uuid4().hex}"
    folder.mkdir(_PRIVATE)
    try:
        store = Store(folder / "store", home.store.memory_limit)
        store.root.mkdir()
        for name in _OF_THE_RUN:
            (store.root / name).symlink_to(home.store.folder(name).resolve(), target_is_directory=True)
        yield folder, Home(home.root, store, home.person_key, home.beside)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _part(folder: Path, table: str, year: str) -> Path:
    part = folder / table / f"financial_year={year}"
    part.mkdir(parents=True)
    return part / "part-0.parquet"


def _swap(link: Path, folder: Path) -> None:
    """Show a folder under the name of a book, in one step, and remove what was shown before."""
    staged = link.parent / f".{uuid.uuid4().hex}.link"
    staged.symlink_to(folder.name)
    staged.replace(link)
    _clear(link.parent)


def _clear(aside: Path) -> None:
    """Remove what no book shows: results that were replaced, and what a killed run left."""
    shown = {path.readlink().name for path in aside.iterdir() if path.is_symlink() and not path.name.endswith(".link")}
    for path in aside.glob(".*"):
        if path.name.endswith(".link"):
            path.unlink()
        elif path.is_dir() and not path.is_symlink() and path.name not in shown:
            shutil.rmtree(path, ignore_errors=True)
