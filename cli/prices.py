"""`linked-care prices`: load published prices into a book of your own, look at books, lint and compare them.

Belongs here: the commands and what they ask for.
Does not belong here: how they print (`cli/price_tables.py`); publications (`assets/costing/loaders`).
"""

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.errors import LinkedCareError

if TYPE_CHECKING:
    from assets.costing.loaders.merge import Merged
    from assets.costing.loaders.terms import Loaded, Terms

STOPPED = 1

app = typer.Typer(no_args_is_help=True, help="Price books: what care costs that arrives without a price.")


class Kind(StrEnum):
    """Which publication a file is."""

    NCC = "ncc"
    NHSPS = "nhsps"
    NHSBSA = "nhsbsa"
    LOCAL = "local"
    MFF = "mff"
    INDEX = "index"


class Basis(StrEnum):
    """What a price says: what is paid, what care consumes, what was agreed."""

    TARIFF = "tariff"
    COST = "cost"
    LOCAL = "local"


Book = Annotated[str | None, typer.Argument(help="A book; LINKED_CARE_PRICE_BOOK, or national, by default.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day, such as 2025-04-01.")]


@app.command()
def load(
    kind: Annotated[Kind, typer.Argument(help="What the file is.")],
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, as published.")],
    book: Annotated[str | None, typer.Option(help="Your book, which is made if there is none.")] = None,
    year: Annotated[str | None, typer.Option(help="Financial year of the prices, such as 2025-26.")] = None,
    like: Annotated[str | None, typer.Option(help="A new book begins with the rows of this one.")] = None,
    basis: Annotated[Basis | None, typer.Option(help="Another basis than that of the publication.")] = None,
    source: Annotated[str | None, typer.Option(help="Publication; that of the kind by default.")] = None,
    licence: Annotated[str | None, typer.Option(help="Its licence; OGL v3 for national publications.")] = None,
    effective_from: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day on which the prices hold.")
    ] = None,
    effective_to: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day on which the prices hold.")
    ] = None,
    end_earlier: Annotated[
        bool, typer.Option("--end-earlier", help="Prices that hold still, and are loaded anew, end before --from.")
    ] = False,
    accept_placeholders: Annotated[
        bool, typer.Option("--accept-placeholders", help="Take rows of status X, which have no source.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write every row that was not used to this CSV, with why.")
    ] = None,
    index: Annotated[str | None, typer.Option(help="Name of the index, such as gdp_deflator.")] = None,
    vintage: Annotated[str | None, typer.Option(help="Edition of the index: newest years are revised.")] = None,
    provisional: Annotated[list[str] | None, typer.Option(help="A provisional year of the index. May repeat.")] = None,
) -> None:
    """Merge a published file into a book of yours, or an index into your indices; says what became of every row."""
    from assets.costing.loaders.terms import Terms
    from pipelines.environment import home_path
    from pipelines.home import holding

    home = home_path()
    if kind is Kind.INDEX:
        if not (index and vintage and source):
            raise typer.BadParameter("An index needs --index, --vintage and --source.")
        with holding(home):
            _load_index(home, file, index, vintage, source, licence, provisional or [])
        return
    if not (book and year):
        raise typer.BadParameter("Prices need --book and --year.")
    if end_earlier and not effective_from:
        raise typer.BadParameter("--end-earlier needs --from.")
    terms = Terms(year, basis.value if basis else None, source, licence, _day(effective_from), _day(effective_to))
    with holding(home):
        ending = terms.effective_from if end_earlier else None
        if kind is Kind.MFF:
            _load_factors(home, book, file, terms, like, ending)
        else:
            _load_prices(home, book, kind, file, terms, like, ending, accept_placeholders, report)


def _load_index(
    home: Path, file: Path, name: str, vintage: str, source: str, licence: str | None, provisional: list[str]
) -> None:
    from assets.costing.loaders.index import load_index
    from assets.costing.loaders.merge import merge_index
    from assets.costing.loaders.terms import OPEN_LICENCE
    from cli.price_tables import say

    rows = load_index(file, name, vintage, source, licence or OPEN_LICENCE, frozenset(provisional))
    merged = merge_index(home, rows)
    years = " to ".join(dict.fromkeys([rows["price_year"][0], rows["price_year"][-1]]))
    say(f"{name} ({vintage}), {years}: {_counts(merged)}; the next run uses it where a book names it")


def _load_factors(home: Path, book: str, file: Path, terms: "Terms", like: str | None, ending: date | None) -> None:
    from assets.costing.loaders.merge import merge_factors
    from assets.costing.loaders.mff import load_mff
    from cli.price_tables import say

    merged = merge_factors(home, book, load_mff(file, terms), like, ending)
    _say_ended(merged, terms)
    say(f"{book}: market forces factors: {_counts(merged)}")


def _load_prices(
    home: Path,
    book: str,
    kind: Kind,
    file: Path,
    terms: "Terms",
    like: str | None,
    ending: date | None,
    accept_placeholders: bool,
    report: Path | None,
) -> None:
    from assets.costing.loaders.merge import merge_prices
    from cli.price_tables import say, say_loaded, write_report

    loaded = _read(kind, file, terms)
    merged = merge_prices(home, book, loaded.prices, accept_placeholders, like, ending)
    say_loaded(loaded, merged, accept_placeholders)
    if report:
        write_report(report, loaded, merged, accept_placeholders)
    _say_ended(merged, terms)
    say(
        f"{book}: {'made; ' if merged.is_new else ''}{_counts(merged)}, {_refused(loaded, merged, accept_placeholders)}"
    )


def _read(kind: Kind, file: Path, terms: "Terms") -> "Loaded":
    from assets.costing.loaders.local import load_local
    from assets.costing.loaders.ncc import load_ncc
    from assets.costing.loaders.nhsbsa import load_nhsbsa
    from assets.costing.loaders.nhsps import load_nhsps

    loaders = {Kind.NCC: load_ncc, Kind.NHSPS: load_nhsps, Kind.NHSBSA: load_nhsbsa, Kind.LOCAL: load_local}
    return loaders[kind](file, terms)


def _say_ended(merged: "Merged", terms: "Terms") -> None:
    from cli.price_tables import say

    if merged.ended:
        say(f"ended: {merged.ended:,} rows that held still, on the day before {terms.effective_from}")


def _counts(merged: "Merged") -> str:
    return f"{merged.added:,} rows added, {merged.replaced:,} replaced, {merged.unchanged:,} as they were"


def _refused(loaded: "Loaded", merged: "Merged", accept_placeholders: bool) -> str:
    placeholders = 0 if accept_placeholders else merged.placeholders.height
    return f"{len(loaded.unused) + placeholders:,} refused"


@app.command()
def lint(book: Book = None) -> None:
    """Say what is odd about a book; ends with code 1 if a run would refuse it."""
    from assets.costing.book_lint import lint_book
    from cli.price_tables import say_findings

    name, folder = _folder(book)
    if say_findings(name, lint_book(folder)):
        raise typer.Exit(STOPPED)


@app.command()
def show(
    book: Book = None,
    setting: Annotated[str | None, typer.Option(help="Only this setting.")] = None,
    point: Annotated[str | None, typer.Option(help="Only this point of delivery.")] = None,
    code: Annotated[str | None, typer.Option(help="Only currencies that begin so.")] = None,
    on: Day = None,
) -> None:
    """Show a book point by point, or its prices by setting, point, code or day."""
    from assets.costing.book import read_book
    from cli.price_tables import say_book, say_prices

    read = read_book(_folder(book)[1])
    if setting or point or code or on:
        say_prices(read, setting, point, code, _day(on))
    else:
        say_book(read)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A book.")],
    new: Annotated[str, typer.Argument(help="Another book.")],
    rows: Annotated[bool, typer.Option("--rows", help="List every price that differs.")] = False,
) -> None:
    """Say which prices only one of two books has, and which changed by how much."""
    from assets.costing.book import read_book
    from assets.costing.book_diff import compare_books
    from cli.price_tables import say_difference

    say_difference(old, new, compare_books(read_book(_folder(old)[1]), read_book(_folder(new)[1])), rows)


def _folder(name: str | None) -> tuple[str, Path]:
    """A book and its folder.

    Raises:
        LinkedCareError: naming the books that there are.
    """
    from assets.costing.book import SHIPPED, book_folder
    from pipelines.environment import home_path, price_book_name

    if name is None:
        return price_book_name(), book_folder(home_path(), price_book_name())
    places = (home_path() / "prices", SHIPPED)
    known = {folder.name: folder for place in reversed(places) for folder in place.glob("[!.]*") if folder.is_dir()}
    if name not in known:
        raise LinkedCareError(f"prices: no book of this name. There are {', '.join(sorted(known))}.")
    return name, known[name]


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
