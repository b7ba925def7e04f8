"""Great Expectations' pages: every proof in counts, no value of a cell, and nothing that a browser would fetch."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from assets.feeds.current import build_feed
from pipelines.data_docs import build_data_docs, offline
from pipelines.expectation_worker import prove

# Planted in cells, so that each is the least, the greatest or an unexpected value of its column.
PLANTED = {
    "visit_id": "Zq7visits",
    "pseudonym": "Zq7person",
    "provider_code": "Zq7clinic",
    "mode": "Zq7mode",
    "minutes": 77177,
    "price": "88288.99",
}
FETCHED = {"script", "link", "img", "iframe", "object", "embed", "base", "video", "audio", "source", "form"}


class Tags(HTMLParser):
    """Every tag of a page, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links.extend(value or "" for name, value in attrs if name == "href")


@pytest.fixture
def proof(deliver, home, visit):
    """The record of a proof that failed on planted values."""
    deliver("april", {"Visit": "v1"}, {"Visit": "v2"}, {"Visit": "v3"})
    [path] = home.store.paths(build_feed(home.store, home.landing, visit))
    planted = [pl.lit(value).alias(name) for name, value in PLANTED.items()]
    rows = pl.read_parquet(path)
    spoilt = rows.with_columns(planted, visit_date=pl.date(1917, 11, 7)).cast(dict(rows.schema))
    spoilt.write_parquet(path)
    found = prove(visit, [path])
    assert len(found.broken) == 5
    return json.loads(json.dumps(found.record))


@pytest.fixture
def docs(proof, visit, tmp_path):
    """The pages of that proof, by path."""
    assert build_data_docs({"visit": [proof, proof]}, {"visit": visit}, tmp_path / "docs") == 4
    return {path: path.read_text() for path in (tmp_path / "docs").rglob("*") if path.is_file()}


def test_no_value_of_a_cell_is_in_the_record_or_in_any_page(proof, docs):
    for text in (json.dumps(proof), *docs.values()):
        found = [value for value in (*PLANTED.values(), "1917") if str(value) in text]
        assert not found


def test_the_record_holds_the_counts_and_nothing_else_that_was_observed(proof):
    counts = {one["expectation_config"]["meta"]["rule"]: one["result"] for one in proof["results"]}
    assert counts["visit.minutes.maximum"]["unexpected_count"] == 3
    assert counts["visit.outside_period"] == {"observed_value": 3}
    assert {name for result in counts.values() for name in result} == {
        "element_count",
        "missing_count",
        "missing_percent",
        "unexpected_count",
        "unexpected_percent",
        "observed_value",
    }


def test_nothing_is_fetched_or_run(docs):
    for path, text in docs.items():
        assert path.suffix == ".html"
        assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", text, re.IGNORECASE), path
        page = Tags(text)
        assert not FETCHED & set(page.tags), path
        assert not {name for name in page.attributes if name.startswith("on")} | {"src", "style"} & page.attributes


def test_every_link_leads_to_a_page_of_the_folder(docs):
    for path, text in docs.items():
        for link in Tags(text).links:
            target = unquote(link.partition("#")[0])
            assert not target or (path.parent / target).resolve() in docs, link


def test_the_first_page_leads_to_every_proof_with_its_counts(docs):
    [index] = [text for path, text in docs.items() if path.name == "index.html"]
    proofs = [link for link in Tags(index).links if link.startswith("validations/")]
    assert len(set(proofs)) == 2
    cells = re.findall(r"<td>([0-9]+)</td>", index)
    assert cells == ["9", "5", "0"] * 2  # rules looked for; not met, of those that reject and of those that warn


def test_a_page_says_of_each_rule_whether_it_is_met(docs):
    [page, *_] = [text for path, text in docs.items() if "validations" in path.parts]
    assert "visit.mode.enum: broken where Mode is not a code of its list" in page
    assert page.count("fa-times") >= 5
    assert "fa-check-circle" in page


def test_what_a_browser_fetches_is_taken_out_and_the_rest_stays():
    page = (
        '<!DOCTYPE html><html><head><link href="https://a.b/c.css"><script src="//a.b/c.js">let x = "<p>";</script>'
        '<style>@import "https://a.b";</style></head><body onload="x()"><img src="https://a.b/c.png"/><p style="x">'
        'three &lt; four <a href="https://a.b">away</a> <a href="../index.html">home</a><a href="#here">here</a></p>'
        "<button>press <b>me</b></button><br/></body></html>"
    )
    kept = re.sub(r"<style>.*?</style>", "", offline(page), flags=re.DOTALL)
    assert kept == (
        "<!DOCTYPE html><html><head></head><body><p>three &lt; four <a>away</a> "
        '<a href="../index.html">home</a><a href="#here">here</a></p><br></body></html>'
    )


def test_pages_are_added_to_a_folder_that_exists(proof, visit, tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    build_data_docs({"visit": [proof]}, {"visit": visit}, tmp_path)
    assert (tmp_path / "note.txt").read_text() == "mine"
    assert (tmp_path / "index.html").exists()
