"""Great Expectations' own pages of every proof: rule by rule, in counts, readable without a network.

Its pages load styles, scripts and pictures from six hosts. All of that is taken out and a small style sheet put in.

Belongs here: from kept proofs to a folder of pages.
Does not belong here: proving (`expectation_worker.py`); which proofs there are (`expectations.py`).
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

from pipelines.expectation_worker import suite
from schemas.contract import Contract

_SITE = "proofs"
Proofs = Mapping[str, Sequence[Mapping[str, Any]]]

_DROPPED = {"script", "style", "svg", "button", "iframe", "object", "form", "label", "footer"}  # with what is in them
_VOID = {"link", "img", "input", "embed", "base"}
_KEPT = {"class", "id", "href", "colspan", "rowspan", "charset"}
_STYLE = """<style>
body { font: 15px/1.5 sans-serif; color: #1a1a1a; margin: 2em auto; max-width: 75em; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { border: 1px solid #888; padding: .3em .6em; text-align: left; vertical-align: top; }
th { background: #eee; } a { color: #003d7a; } li { margin: .2em 0; }
nav ul { columns: 4 12em; padding-left: 1.2em; } .sticky .mb-3 { display: none; }
.fa-check-circle::before { content: "\\2713 met"; }
.fa-times::before { content: "\\2717 not met"; font-weight: bold; }
.fa-exclamation-triangle::before { content: "! not evaluated"; font-weight: bold; }
</style>"""


def build_data_docs(proofs: Proofs, contracts: Mapping[str, Contract], to: Path) -> int:
    """Write the pages of every kept proof and of the contracts' suites; how many pages.

    `proofs` holds, by feed, the records that `expectation_worker.prove` made.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        _render(proofs, contracts, made)
        (made / "index.html").write_text(_index(proofs, made))  # its own is empty until a script has filled it
        pages = sorted(made.rglob("*.html"))
        for page in pages:
            target = to / page.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(offline(page.read_text()))
    return len(pages)


def _index(proofs: Proofs, made: Path) -> str:
    rows = [
        (feed, record, next((made / "validations").rglob(f"{_run_name(feed, place)}/*/{feed}.html")))
        for feed, records in proofs.items()
        for place, record in enumerate(records, 1)
    ]
    lines = "".join(
        f'<tr><td><a href="{quote(str(page.relative_to(made)))}">{feed}</a></td>'
        f"<td>{record['meta']['run_id']['run_time'][:16].replace('T', ' ')}</td><td>{len(record['results'])}</td>"
        f"<td>{_not_met(record, 'critical')}</td><td>{_not_met(record, 'warning')}</td></tr>"
        for feed, record, page in rows
    )
    return (
        '<!DOCTYPE html><html><head><meta charset="UTF-8"><title>Proofs of accepted rows</title></head><body>'
        "<h1>Proofs of accepted rows</h1><p>By Great Expectations, one line per feed and run that proved deliveries."
        " Counts only.</p><table><thead><tr><th>feed</th><th>proved at (UTC)</th><th>rules</th>"
        "<th>not met, of those that reject</th><th>not met, of those that warn</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></body></html>"
    )


def _not_met(record: Mapping[str, Any], severity: str) -> int:
    return sum(not one["success"] and one["expectation_config"]["severity"] == severity for one in record["results"])


def _run_name(feed: str, place: int) -> str:
    return f"{feed} {place}"


def _render(proofs: Proofs, contracts: Mapping[str, Contract], to: Path) -> None:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        _SITE,
        {
            "class_name": "SiteBuilder",
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(to)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    for feed, records in proofs.items():
        name = context.suites.add(suite(contracts[feed])).name
        for place, record in enumerate(records, 1):
            run = RunIdentifier(run_name=_run_name(feed, place), run_time=record["meta"]["run_id"]["run_time"])
            meta = {**record["meta"], "run_id": run}
            result = ExpectationSuiteValidationResult(**{**record, "meta": meta})
            key = ValidationResultIdentifier(ExpectationSuiteIdentifier(name), run, feed)
            context.validation_results_store.set(key, result)
    context.build_data_docs()


def offline(page: str) -> str:
    """A page without anything that a browser would fetch or run, in a plain style of its own."""
    filtered = _Offline()
    filtered.feed(page)
    filtered.close()
    return "".join(filtered.parts)


class _Offline(HTMLParser):
    """Writes a page again, without what a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._within: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.parts.append(f"<!{decl}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._within.append(tag)
        if self._within or tag in _VOID:
            return
        kept = [(name, value or "") for name, value in attrs if name in _KEPT and not _leads_out(name, value or "")]
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in kept)
        self.parts.append(f"<{tag}{attributes}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _DROPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._within:
            if tag == self._within[-1]:
                self._within.pop()
            return
        self.parts.append(f"{_STYLE}</head>" if tag == "head" else f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")


def _leads_out(name: str, value: str) -> bool:
    """Whether a link names a host, or anything but another page of the folder."""
    return name == "href" and bool(re.match(r"\s*([a-z][a-z0-9+.-]*:|//)", value, re.IGNORECASE))
