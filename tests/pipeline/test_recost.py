"""Recosting a county as a user does: two books beside each other, and nothing published changes."""

import csv
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from assets.costing.book import NATIONAL, SHIPPED
from assets.costing.reconciliation import pounds
from schemas.recost import COST_COMPARISON
from tests.pipeline.test_command_line import linked_care
from tests.releases import table

TENTH_MORE = 1.1


@pytest.fixture
def with_books(published: Path, copy_of: Callable[[Path], Path]) -> Path:
    """A copy of the published home with two books of the user."""
    home = copy_of(published)
    write_book(home, "consumed", "submitted_price: ignored\n", lambda row: row)
    write_book(home, "dearer", "submitted_price: first\n", dearer)
    return home


def dearer(row: dict[str, str]) -> dict[str, str]:
    """Community care costs a tenth more, mental health contacts are not priced."""
    if row["setting"] == "community":
        row |= {"price_gbp": f"{float(row['price_gbp']) * TENTH_MORE:.2f}"}
    if row["setting"] == "mental_health":
        row |= {name: f"{row[name]}X" for name in ("point_of_delivery", "currency_code")}
    return row


def write_book(home: Path, name: str, policy: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    folder = home / "prices" / name
    folder.mkdir(parents=True)
    (folder / "book.yaml").write_text(f"name: {name}\nversion: '1'\ntitle: Another\nreal_year: 2024-25\n{policy}")
    with (SHIPPED / NATIONAL / "price.csv").open(newline="") as source, (folder / "price.csv").open("w") as target:
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(map(change, reader))


def digests(home: Path) -> dict[str, str]:
    """Of every file that a run writes or publishes, but the lock."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for top in ("store", "releases")
        for path in sorted((home / top).rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def recosted(home: Path, book: str, name: str) -> pl.DataFrame:
    return pl.read_parquet(sorted((home / "recost" / book / name).rglob("*.parquet")), glob=False)


@pytest.mark.parametrize("book", ["consumed", "dearer", NATIONAL])
def test_the_parts_are_the_difference_and_what_is_published_stays(with_books: Path, book: str) -> None:
    before, link = digests(with_books), (with_books / "outputs").readlink()
    run = linked_care(with_books, "recost", "--book", book)
    assert run.returncode == 0, run.stderr
    assert digests(with_books) == before
    assert (with_books / "outputs").readlink() == link
    first, second = table(with_books, "activity_cost"), recosted(with_books, book, "activity_cost")
    comparison = recosted(with_books, book, "cost_comparison")
    assert comparison.columns == [column.name for column in COST_COMPARISON.columns]
    assert first.height == second.height == comparison["unit_count"].sum()
    one, two = first["cost_pence"].sum(), second["cost_pence"].sum()
    assert comparison["first_pence"].sum() == one
    assert comparison["second_pence"].sum() == two
    assert comparison["difference_pence"].sum() == two - one
    for figure in (pounds(one), pounds(two), pounds(two - one, sign=two != one)):
        assert f" {figure} " in next(line for line in run.stdout.splitlines() if line.startswith(" all settings"))
    reasons = dict(comparison.group_by("reason").agg(pl.col("difference_pence").sum()).rows())
    if book == "consumed":
        assert reasons.keys() == {"same", "submitted_ignored"}
        assert set(second["match_level"]) & {"submitted"} == set()
    if book == "dearer":
        assert reasons.keys() >= {"same", "price", "no_longer_priced"}
        assert reasons["price"] > 0 > reasons["no_longer_priced"]
        assert "no longer priced" in run.stdout
    if book == NATIONAL:
        assert reasons == {"same": 0}
        assert "No code costs anything else." in run.stdout


def test_one_year_alone(with_books: Path) -> None:
    run = linked_care(with_books, "recost", "--book", "dearer", "--year", "2024-25", "--codes", "2")
    assert run.returncode == 0, run.stderr
    assert set(recosted(with_books, "dearer", "cost_comparison")["financial_year"]) == {"2024-25"}
    assert re.search(r"First: national .*, of the last run. Second: dearer 1. Care of 2024-25\.", run.stdout)
    assert "The 2 codes with the largest difference" in run.stdout


def test_what_cannot_be_recosted_is_one_line(with_books: Path, tmp_path: Path) -> None:
    for arguments, told in (
        (("--book", "nonesuch"), "--book nonesuch: no price book of this name"),
        (("--book", "dearer", "--year", "1999-00"), "--year 1999-00: costed are 2023-24, 2024-25."),
    ):
        run = linked_care(with_books, "recost", *arguments)
        assert (run.returncode, told in run.stderr, run.stderr.count("\n")) == (1, True, 1), run.stderr
    assert not (with_books / "recost").exists()
    empty = tmp_path / "empty"
    run = linked_care(empty, "recost", "--book", NATIONAL)
    assert (run.returncode, "nothing is costed yet" in run.stderr, run.stderr.count("\n")) == (1, True, 1), run.stderr
    assert not empty.exists()
