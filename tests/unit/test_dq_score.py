"""Scores against a truth written by hand: each miss and each false alarm is counted, and where it belongs."""

import json
from dataclasses import replace

import polars as pl
import pytest

from assets.feeds.current import build_feed
from assets.feeds.dq_score import WITHOUT_CAUSE, read_truth, score
from assets.feeds.receipt import RECEIPT, Receipt, quarantine_files
from cli.dq_score import page
from pipelines.errors import LinkedCareError

ABOUT = {"truth_version": 2, "faults": "all", "fault_rate": 1.0, "seed": 3}
PLAIN = {"Pseudonym": "p1", "Provider": "RA1", "Visit": "v1", "Mode": "seen", "Minutes": "20", "Price": "1.00"}
LATE, SHORT = "visit.outside_period", "visit.minutes.minimum"


@pytest.fixture
def plant(home):
    """Writes the truth files: rows as (delivery, row, rule, legal variant), deliveries as {name: deserved}.

    `warned` is {delivery: {rule: rows}}.
    """

    def write(rows, about=ABOUT, rows_about=ABOUT, warned=None, **deliveries):
        home.landing.mkdir(exist_ok=True)
        schema = ("delivery_id", "source_row", "rule_code", "legal_variant")
        types = {"source_row": pl.Int64, **dict.fromkeys((schema[0], *schema[2:]), pl.String)}
        frame = pl.DataFrame(rows, schema=schema, schema_overrides=types, orient="row")
        frame.select(pl.lit("visit").alias("feed"), *schema).write_parquet(
            home.landing / "truth_row.parquet", metadata={name: json.dumps(value) for name, value in rows_about.items()}
        )
        deserved = {name: {"feed": "visit", **one} for name, one in deliveries.items()}
        told = about | {"people": 5, "years": ["2024-25"], "deliveries": deserved, "warned": warned or {}}
        (home.landing / "truth.json").write_text(json.dumps(told))

    return write


@pytest.fixture
def scored(home, visit):
    """Takes in what has landed and scores it; the scores by name."""

    def run(contract=visit, take_in=True):
        if take_in:
            build_feed(home.store, home.landing, contract)
        report = score(read_truth(home.landing), home.store.root, {"visit": contract})
        return report, {one.name: one for one in (*report.rules, *report.deliveries, *report.legal)}

    return run


@pytest.fixture
def three(deliver, plant):
    """One delivery of six rows: two outside the period, one too short, one repeat, one legal oddity, one plain."""
    late = {"Date": "2024-06-01"}
    deliver(
        "d1",
        late,
        {"Visit": "v2"},
        {"Visit": "v3"} | late,
        {"Visit": "v4", "Minutes": "0"},
        {"Visit": "v2"},
        {"Visit": "v6"},
    )
    rows = [
        ("d1", 1, LATE, None),
        ("d1", 3, LATE, None),
        ("d1", 4, SHORT, None),
        ("d1", 5, "visit.duplicate_record", None),
        ("d1", 6, None, "Visit"),
    ]
    plant(rows, d1={"verdict": "accepted"})


def counts(one):
    return one.planted, one.found, one.missed, one.false_alarms, one.clean


def rewrite(home, change):
    [path] = quarantine_files(home.store.root / "visit" / "d1")
    change(pl.read_parquet(path)).write_parquet(path)


def test_all_found_is_perfect(three, scored):
    report, scores = scored()
    assert report.is_perfect
    assert report.misjudged == []
    assert counts(scores[LATE]) == (2, 2, 0, 0, 6 - 2)
    assert counts(scores[SHORT]) == (1, 1, 0, 0, 6 - 1)
    assert counts(scores["visit.duplicate_record"]) == (1, 1, 0, 0, 6 - 1)
    assert counts(scores["visit: Visit"])[:3] == (1, 1, 0)
    assert scores[LATE].sensitivity == 1
    assert scores["visit.price.type"].sensitivity is None


def test_a_row_that_leaves_quarantine_is_a_miss(three, scored, home):
    scored()
    rewrite(home, lambda found: found.filter(pl.col("source_row") != 3))
    report, scores = scored(take_in=False)
    assert not report.is_perfect
    assert counts(scores[LATE]) == (2, 1, 1, 0, 6 - 2)
    assert scores[LATE].sensitivity == 1 / 2
    assert scores[SHORT].is_perfect


def test_a_clean_row_in_quarantine_is_a_false_alarm(three, scored, home):
    scored()
    rewrite(home, lambda found: pl.concat([found, found.head(1).with_columns(source_row=pl.lit(2, pl.Int64))]))
    report, scores = scored(take_in=False)
    assert not report.is_perfect
    assert counts(scores[LATE]) == (2, 2, 0, 1, 6 - 2)
    assert scores[LATE].false_alarm_rate == 1 / (6 - 2)


def test_a_row_found_under_another_rule_is_missed_there_and_a_false_alarm_here(three, scored, home):
    scored()
    rewrite(home, lambda found: found.with_columns(rule_code=pl.col("rule_code").replace({SHORT: LATE})))
    _, scores = scored(take_in=False)
    assert counts(scores[SHORT]) == (1, 0, 1, 0, 6 - 1)
    assert counts(scores[LATE]) == (2, 2, 0, 1, 6 - 2)


def test_a_legal_variant_that_is_rejected_is_a_miss(three, scored, home):
    scored()
    rewrite(home, lambda found: pl.concat([found, found.head(1).with_columns(source_row=pl.lit(6, pl.Int64))]))
    report, scores = scored(take_in=False)
    assert counts(scores["visit: Visit"])[:3] == (1, 0, 1)
    assert scores[LATE].false_alarms == 1
    assert not report.is_perfect


def test_a_rule_that_warns_is_counted_by_delivery(deliver, plant, scored, visit):
    short, long = {"Minutes": "0"}, {"Minutes": "61"}
    deliver("d1", short, {"Visit": "v2"} | short, {"Visit": "v3"})
    deliver(
        "d2", short, {"Visit": "v2"} | long, period=("2024-05-01", "2024-05-31"), plain={**PLAIN, "Date": "2024-05-02"}
    )
    plant([], warned={"d1": {SHORT: 3}}, d1={"verdict": "accepted"}, d2={"verdict": "accepted"})
    warns = {"minimum": "warn", "maximum": "warn"}
    columns = tuple(replace(c, severities=warns) if c.name == "minutes" else c for c in visit.columns)
    _, scores = scored(replace(visit, columns=columns))
    # Of the three planted in d1 two are counted; the one of d2 was not planted there.
    assert counts(scores[SHORT]) == (3, 2, 1, 1, 5 - 3)
    assert counts(scores["visit.minutes.maximum"]) == (0, 0, 0, 1, 5)
    assert scores[SHORT].severity == "warn"


def test_a_rule_that_warns_counts_rows_that_are_rejected_and_rejects_none(deliver, plant, scored, visit):
    late = {"Date": "2024-06-01"}
    deliver("d1", {"Minutes": "0"}, {"Visit": "v2", "Minutes": "0"} | late, {"Visit": "v3"})
    plant([("d1", 2, LATE, None)], warned={"d1": {SHORT: 2}}, d1={"verdict": "accepted"})
    columns = tuple(replace(c, severities={"minimum": "warn"}) if c.name == "minutes" else c for c in visit.columns)
    report, scores = scored(replace(visit, columns=columns))
    assert report.is_perfect
    assert counts(scores[SHORT]) == (2, 2, 0, 0, 3 - 2)
    report, scores = scored(visit)  # planted as one that warns, and now it rejects
    assert not report.is_perfect
    assert [one.is_perfect for one in report.rules if one.name == SHORT] == [False, False]


def test_verdicts_on_whole_deliveries(deliver, plant, scored, home):
    def month(name, number, **announce):
        day = {"Date": f"2024-{number:02}-02", "Visit": name}
        return deliver(name, day, period=(f"2024-{number:02}-01", f"2024-{number:02}-28"), **announce)

    month("good", 4)
    month("refused", 5, contract_version="2.0.0")
    month("missed", 6)
    month("wrongly", 7, contract_version="2.0.0")
    month("named", 8, contract_version="2.0.0")
    plant(
        [],
        good={"verdict": "accepted"},
        refused={"verdict": "refused", "kind": "columns", "defect": "columns"},
        missed={"verdict": "refused", "kind": "ragged", "defect": "ragged_long"},
        wrongly={"verdict": "accepted"},
        named={"verdict": "refused", "kind": "identifiers", "defect": "postcode"},
    )
    report, scores = scored()
    assert counts(scores["columns"]) == (1, 1, 0, 0, 5 - 1)
    assert counts(scores["ragged"]) == (1, 0, 1, 0, 5 - 1)
    assert counts(scores["identifiers"]) == (1, 0, 1, 0, 5 - 1)  # refused, but not for what it holds
    assert counts(scores[WITHOUT_CAUSE]) == (0, 0, 0, 1, 5)
    assert report.misjudged == ["missed", "named", "wrongly"]
    for name, holds in (("named", True), ("refused", True)):
        path = home.store.root / "visit" / name / RECEIPT
        path.write_text(replace(Receipt.load(path), holds_identifiers=holds).dump())
    _, scores = scored(take_in=False)
    assert counts(scores["identifiers"]) == (1, 1, 0, 1, 5 - 1)
    assert counts(scores["columns"]) == (1, 0, 1, 0, 5 - 1)


def test_what_cannot_be_scored(home, three, scored, plant):
    with pytest.raises(LinkedCareError, match="1 of the 1 deliveries that have landed were not taken in"):
        scored(take_in=False)
    plant([], about=ABOUT | {"seed": 4}, d1={"verdict": "accepted"})
    with pytest.raises(LinkedCareError, match="different runs"):
        scored()
    (home.landing / "truth_row.parquet").unlink()
    with pytest.raises(LinkedCareError, match=r"has no truth_row\.parquet"):
        scored()


def test_nothing_planted_is_an_error(plant, scored):
    nothing = ABOUT | {"faults": "none"}
    plant([], about=nothing, rows_about=nothing)
    with pytest.raises(LinkedCareError, match="nothing was planted"):
        scored()


def test_the_page_shows_misses_as_what_they_are(three, scored, home):
    report, _ = scored()
    assert f"| `{LATE}` | 2 | 2 | 0 | 0 | 100% | 0% |" in page(report)
    rewrite(home, lambda found: found.filter(pl.col("source_row") != 3))
    report, _ = scored(take_in=False)
    assert f"| `{LATE}` | 2 | 1 | 1 | 0 | 50.0000% | 0% |" in page(report)
    assert "2 of 3 planted rules" in page(report)
