"""`linked-care dq-score`: what the checks found beside what was planted."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from assets.feeds.dq_score import Report, Score, read_truth, score
from pipelines.environment import home_path
from schemas.contract import contracts

_HEADINGS = ("planted", "found", "missed", "false alarms", "sensitivity", "false-alarm rate")
_PAGE = """# Data quality score

How well the checks find what is known to be wrong. A synthetic county of {people:,} people, {years}, seed {seed}, was
made with `--faults {faults} --fault-rate {fault_rate:g}`: the generator, which shares no code with the pipeline, plants
defects on rows and deliveries and writes down where. Then the nightly job took the deliveries in. This page compares.

```
export LINKED_CARE_HOME=$(mktemp -d)
linked-care synthesise --people {people} --years {first}..{last} --seed {seed} \\
  --faults {faults} --fault-rate {fault_rate:g}
linked-care nightly
linked-care dq-score --markdown docs/data-quality-score.md
```

- *Sensitivity*: share of the planted rows that are in quarantine under the rule that they break. A row found under
  another rule is missed there, and a false alarm of the other.
- *False-alarm rate*: rows in quarantine under a rule that they do not break, as a share of rows without that defect.
- A rule that only warns keeps its rows and is counted: planted and found are compared delivery by delivery, and what a
  delivery counts beyond what was planted on it is a false alarm.
- `--faults all` plants every rule but those over columns that the synthetic county does not send, and those of feeds
  that it lacks.
- A perfect score says that the checks do what the contracts say. It does not say that the contracts ask for enough.

{summary}

## Rules

{rules}

## Whole deliveries

A delivery planted with identifiers must be refused for identifiers; which other reason a refusal gives is not compared.

{deliveries}

## Legal variants

They look wrong and are not: here *found* counts the rows that were accepted, as they should be.

{legal}
"""


def show_score(landing: Path | None, markdown: Path | None) -> bool:
    """Print the tables, and write them to a file; whether nothing was missed and nothing found too much."""
    home = home_path()
    report = score(read_truth(landing or home / "landing"), home / "store", contracts())
    console = Console(soft_wrap=True, highlight=False)
    for title, scores in (
        ("Rules", _shown(report.rules)),
        ("Whole deliveries", report.deliveries),
        ("Legal variants (found = accepted)", report.legal),
    ):
        table = Table(title, *_HEADINGS)
        for one in scores:
            table.add_row(one.name, *_cells(one), style=None if one.is_perfect else "red")
        console.print(table)
    for name in report.misjudged:
        console.print(f"not judged as deserved: {name}")
    console.print(_summary(report))
    if markdown:
        markdown.write_text(page(report), encoding="utf-8")
    return report.is_perfect


def page(report: Report) -> str:
    """The report as a page of the documentation."""
    years = report.about["years"]
    return _PAGE.format(
        **{**report.about, "years": " to ".join(dict.fromkeys((years[0], years[-1])))},
        first=years[0],
        last=years[-1],
        summary=_summary(report),
        rules=_markdown("rule", _shown(report.rules)),
        deliveries=_markdown("defect", report.deliveries),
        legal=_markdown("column", report.legal),
    )


def _shown(scores: Iterable[Score]) -> list[Score]:
    return [one for one in scores if one.planted or one.false_alarms]


def _cells(one: Score) -> list[str]:
    sensitivity = "" if one.sensitivity is None else _percent(one.sensitivity)
    counts = (one.planted, one.found, one.missed, one.false_alarms)
    return [*(f"{count:,}" for count in counts), sensitivity, _percent(one.false_alarm_rate)]


def _percent(share: float) -> str:
    """Nothing but all is shown as 100%, nothing but none as 0%."""
    return f"{share:.0%}" if share in (0, 1) else f"{min(max(100 * share, 0.0001), 99.9999):.4f}%"


def _summary(report: Report) -> str:
    planted = [one for one in report.rules if one.planted]
    perfect = sum(one.is_perfect for one in planted)
    alarms = sum(one.false_alarms for one in (*report.rules, *report.deliveries))
    kinds = sum(one.is_perfect for one in report.deliveries if one.planted)
    return (
        f"{perfect} of {len(planted)} planted rules and {kinds} of {sum(one.planted > 0 for one in report.deliveries)}"
        f" planted kinds of delivery are found without a miss; {alarms} false alarms;"
        f" {len(report.rules) - len(planted)} rules of the contracts were not planted."
    )


def _markdown(first: str, scores: Sequence[Score]) -> str:
    lines = [f"| {first} | {' | '.join(_HEADINGS)} |", f"|---|{'---:|' * len(_HEADINGS)}"]
    return "\n".join([*lines, *(f"| `{one.name}` | {' | '.join(_cells(one))} |" for one in scores)])
