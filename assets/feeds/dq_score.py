"""How well the checks find what is known to be wrong: sensitivity and false alarms against a generator's truth files.

Belongs here: holding the truth of a synthetic landing zone against quarantine and receipts.
Does not belong here: planting (`synthetic/`), judging (`intake.py`, `submission.py`), printing (`cli/dq_score.py`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assets.feeds.current import judged_receipts
from assets.feeds.receipt import quarantine_files
from assets.feeds.submission import Judged
from pipelines.errors import LinkedCareError
from schemas.contract_model import Contract

TRUTH, TRUTH_ROW = "truth.json", "truth_row.parquet"
WITHOUT_CAUSE = "refused without cause"
_VERSION = 2
_RUN = ("truth_version", "faults", "fault_rate", "seed")
_PLACE = ["delivery_id", "source_row"]
_STANDING = ("accepted", "superseded")  # verdicts under which single rows are judged


@dataclass(frozen=True)
class Truth:
    """What was planted: the run that did it, the verdict that each delivery deserves, and the rows.

    Attributes:
        rows: what must be rejected, and legal variants.
        warned: by delivery, how many of its rows break each rule that only warns; rows that are rejected count, too.
    """

    about: Mapping[str, Any]
    deliveries: Mapping[str, Mapping[str, str]]
    rows: pl.LazyFrame
    warned: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Score:
    """One rule, or one kind of defect of whole deliveries.

    Attributes:
        planted: rows or deliveries that have the defect.
        found: those of them that were found to have it.
        false_alarms: others that were found to have it.
        clean: rows or deliveries without the defect.
    """

    name: str
    planted: int
    found: int
    false_alarms: int
    clean: int
    severity: str = "reject"

    @property
    def missed(self) -> int:
        """Planted and not found, or found as something else."""
        return self.planted - self.found

    @property
    def sensitivity(self) -> float | None:
        """Share of the planted that was found; None if nothing was planted."""
        return self.found / self.planted if self.planted else None

    @property
    def false_alarm_rate(self) -> float:
        """Share of the clean that was found all the same."""
        return self.false_alarms / self.clean if self.clean else 0.0

    @property
    def is_perfect(self) -> bool:
        """Whether nothing was missed and nothing found too much."""
        return not self.missed and not self.false_alarms


@dataclass(frozen=True)
class Report:
    """The scores of all rules, of the kinds of defect of whole deliveries, and of what must be accepted.

    Attributes:
        legal: variants that look wrong and are not: `found` counts those accepted.
        misjudged: deliveries whose verdict is another than deserved, or is given for another reason.
    """

    about: Mapping[str, Any]
    rules: list[Score]
    deliveries: list[Score]
    legal: list[Score]
    misjudged: list[str]

    @property
    def is_perfect(self) -> bool:
        """Whether every rule and every verdict is as it should be."""
        return all(score.is_perfect for score in (*self.rules, *self.deliveries, *self.legal))


def read_truth(landing: Path) -> Truth:
    """Read what the generator says it planted.

    Raises:
        LinkedCareError: if it says nothing, or its two files are not of the same run.
    """
    for name in (TRUTH, TRUTH_ROW):
        if not (landing / name).is_file():
            raise LinkedCareError(
                f"{landing}: has no {name}, so its defects are not known. Use `linked-care synthesise --faults all`."
            )
    content = json.loads((landing / TRUTH).read_text(encoding="utf-8"))
    about = {name: value for name, value in content.items() if name in (*_RUN, "people", "years")}
    metadata = pl.read_parquet_metadata(landing / TRUTH_ROW)
    if any(json.loads(metadata.get(name, "null")) != about.get(name) for name in _RUN):
        raise LinkedCareError(f"{landing}: {TRUTH} and {TRUTH_ROW} are of different runs. Synthesise again.")
    if about["truth_version"] != _VERSION:
        raise LinkedCareError(f"{landing}: {TRUTH} is of another version than {_VERSION}. Synthesise again.")
    if about["faults"] == "none":
        raise LinkedCareError(f"{landing}: nothing was planted. Use `linked-care synthesise --faults all`.")
    rows = pl.scan_parquet(landing / TRUTH_ROW, glob=False)
    return Truth(about, content["deliveries"], rows, content["warned"])


def score(truth: Truth, store: Path, contracts: Mapping[str, Contract]) -> Report:
    """Hold what the store's quarantine and receipts say against the truth.

    Raises:
        LinkedCareError: if deliveries of the truth have not been taken in.
    """
    judged = {j.receipt.delivery_id: j for feed in contracts for j in judged_receipts(store / feed)}
    if waiting := sum(name not in judged for name in truth.deliveries):
        raise LinkedCareError(
            f"{store}: {waiting} of the {len(truth.deliveries)} deliveries that have landed were not taken in."
            " Run `linked-care nightly`."
        )
    rules, legal = [], []
    for feed, contract in contracts.items():
        standing = {
            name: judged[name]
            for name, deserved in truth.deliveries.items()
            if deserved["feed"] == feed and deserved["verdict"] in _STANDING
        }
        planted = truth.rows.filter(pl.col("feed") == feed).drop("feed").collect()
        found = _quarantined(store / feed, standing)
        rules += _rule_scores(planted.drop_nulls("rule_code"), found, standing, contract)
        rules += _warning_scores(truth.warned, standing, contract)
        legal += _legal_scores(feed, planted.drop_nulls("legal_variant"), found)
    return Report(
        truth.about,
        rules,
        _delivery_scores(truth, judged),
        legal,
        sorted(name for name, deserved in truth.deliveries.items() if not _is_as_deserved(judged[name], deserved)),
    )


def _quarantined(shelf: Path, standing: Iterable[str]) -> pl.DataFrame:
    """Place and first broken rule of every quarantined row of these deliveries."""
    parts = [
        pl.read_parquet(path, columns=["source_row", "rule_code"], glob=False).with_columns(delivery_id=pl.lit(name))
        for name in standing
        for path in quarantine_files(shelf / name)
    ]
    schema = {"source_row": pl.Int64, "rule_code": pl.String, "delivery_id": pl.String}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def _rule_scores(
    planted: pl.DataFrame, found: pl.DataFrame, standing: Mapping[str, Judged], contract: Contract
) -> list[Score]:
    """The score of each rule that rejects rows; a row found under another rule is missed there, a false alarm here."""
    received = sum(j.receipt.received_rows for j in standing.values())
    severities = {rule.code: rule.severity for rule in contract.rules}
    right = planted.join(found, on=[*_PLACE, "rule_code"], how="semi")
    counts = [dict(frame.group_by("rule_code").len().rows()) for frame in (planted, found, right)]
    rejecting = [code for code, severity in severities.items() if severity != "warn"]
    scores = []
    for code in [*rejecting, *sorted(set(counts[0] | counts[1]) - set(rejecting))]:
        of_rule, in_all, rightly = (count.get(code, 0) for count in counts)
        severity = severities.get(code, "no rule of the contract")
        scores.append(Score(code, of_rule, rightly, in_all - rightly, received - of_rule, severity))
    return scores


def _warning_scores(
    warned: Mapping[str, Mapping[str, int]], standing: Mapping[str, Judged], contract: Contract
) -> list[Score]:
    """The score of each rule that only warns: its rows are counted on the receipt of their delivery, and not named.

    What a delivery counts beyond the planted is a false alarm, and never makes up for what another counts too few.
    """
    received = sum(j.receipt.received_rows for j in standing.values())
    severities = {rule.code: rule.severity for rule in contract.rules}
    warning = [code for code, severity in severities.items() if severity == "warn"]
    unknown = {code for name in standing for code in warned.get(name, {})} - set(warning)
    scores = []
    for code in [*warning, *sorted(unknown)]:
        counted = {name: j.receipt.broken.get(code, 0) if code in warning else 0 for name, j in standing.items()}
        pairs = [(warned.get(name, {}).get(code, 0), counted[name]) for name in standing]
        planted, found = sum(of_rule for of_rule, _ in pairs), sum(min(pair) for pair in pairs)
        alarms = sum(counted.values()) - found
        severity = severities.get(code, "no rule of the contract")
        scores.append(Score(code, planted, found, alarms, received - planted, severity))
    return scores


def _legal_scores(feed: str, planted: pl.DataFrame, found: pl.DataFrame) -> list[Score]:
    accepted = planted.join(found, on=_PLACE, how="anti")
    counts = [dict(frame.group_by("legal_variant").len().sort("legal_variant").rows()) for frame in (planted, accepted)]
    return [
        Score(f"{feed}: {header}", rows, counts[1].get(header, 0), 0, 0, "accept") for header, rows in counts[0].items()
    ]


def _delivery_scores(truth: Truth, judged: Mapping[str, Judged]) -> list[Score]:
    """The score of each kind of defect, where a delivery refused for identifiers must be refused for just that."""
    deserved = truth.deliveries
    planted = Counter(_kind(one) for one in deserved.values())
    found = Counter(_kind(one) for name, one in deserved.items() if _is_as_deserved(judged[name], one))
    alarms = Counter(kind for name, one in deserved.items() if (kind := _false_alarm(judged[name], one)))
    return [
        Score(kind, planted[kind], found[kind], alarms[kind], len(deserved) - planted[kind], "delivery")
        for kind in sorted({*planted, *alarms} - {"accepted"})
    ]


def _kind(deserved: Mapping[str, str]) -> str:
    return deserved.get("kind", deserved["verdict"])


def _is_as_deserved(judged: Judged, deserved: Mapping[str, str]) -> bool:
    is_for_identifiers = deserved.get("kind") == "identifiers"
    return judged.verdict == deserved["verdict"] and judged.receipt.holds_identifiers == is_for_identifiers


def _false_alarm(judged: Judged, deserved: Mapping[str, str]) -> str | None:
    """As what a delivery is judged though it is not so: which refusal it is, only identifiers tell."""
    if _is_as_deserved(judged, deserved) or judged.verdict == "accepted":
        return None
    if judged.verdict != "refused":
        return judged.verdict
    if judged.receipt.holds_identifiers:
        return "identifiers"
    return None if deserved["verdict"] == "refused" else WITHOUT_CAUSE
