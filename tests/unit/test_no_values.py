"""What a supplier wrote into a cell appears in no receipt, log or error: those hold counts, codes and positions."""

import traceback

import polars as pl
import pytest

from assets.feeds.current import build_feed
from assets.feeds.quality import build_rule_result
from pipelines.errors import LinkedCareError
from pipelines.expectation_worker import broken_expectations
from pipelines.store import frame_writer
from tests.accounts import build_accounts

MARKER = "Zq7marker"
HEADER = b"Visit,Pseudonym,Provider,Date,Mode,Minutes,Price\n"
SECOND = {"Date": "2024-05-15"}


@pytest.fixture
def told(home, visit, everything_logged):
    """Builds the feed and returns all that anybody but the keeper of the quarantined rows is told."""

    def build() -> str:
        build_feed(home.store, home.landing, visit)
        build_accounts(home.store, {"visit": visit})
        build_rule_result(home.store, {"visit": visit})
        shelf = home.store.root / "visit"
        written = [path.read_text() for path in shelf.rglob("*.json")]
        names = ("delivery_receipt", "delivery_total", "quarantine", "rule_result")
        tables = [str(home.store.frame(name).to_dicts()) for name in names]
        quarantined = [str(pl.read_parquet(path).to_dicts()) for path in shelf.rglob("quarantine-00000.parquet")]
        return "\n".join([everything_logged.text, *written, *tables, *quarantined])

    return build


@pytest.mark.parametrize("header", ["Visit", "Pseudonym", "Provider", "Date", "Mode", "Minutes", "Price"])
def test_a_bad_cell_of_any_column_is_not_told(deliver, told, header):
    deliver("april", {"Visit": "v1"}, {"Visit": "v2", "Minutes": "0"} | {header: MARKER})
    text = told()
    assert MARKER not in text
    assert "april" in text and "visit." in text


def test_the_rejected_row_itself_is_kept_apart(deliver, told, home):
    deliver("april", {"Minutes": MARKER})
    told()
    kept = pl.read_parquet(home.store.root / "visit" / "april" / "quarantined_row-00000.parquet")
    assert kept["Minutes"].to_list() == [MARKER]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEADER + b"v1,p1,RA1,d,m,1,2,%b,more\n", id="a row too long"),
        pytest.param(HEADER + b'v1,"%b,RA1,d,m,1,2\n', id="an open quote"),
        pytest.param(HEADER + b"v1,%b\xff,RA1,d,m,1,2\n", id="not utf-8"),
        pytest.param(b"%b,p1,RA1,2024-04-15,seen,20,10.00\n", id="no header, so that the first row passes for it"),
        pytest.param(b"%b,%b,Visit,Visit\n", id="first row repeated"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_without_quoting_it(deliver, told, home, content):
    deliver("april", files=[("a.csv", content.replace(b"%b", MARKER.encode()))])
    text = told()
    assert home.store.frame("delivery_receipt")["verdict"].to_list() == ["refused"]
    assert MARKER not in text


@pytest.mark.parametrize("field", ["period_start", "received_at", "synthetic", "supplier"])
def test_an_announcement_that_cannot_be_read_is_refused_without_quoting_it(deliver, told, field):
    deliver("april", {}, **{field: [MARKER]})
    text = told()
    assert "refused" in text
    assert MARKER not in text


def test_duplicates_and_records_sent_again_are_not_told(deliver, told):
    row = {"Visit": MARKER[:8], "Pseudonym": MARKER}
    deliver("april", row, row)
    deliver("may", row | SECOND, period=("2024-05-01", "2024-05-31"))
    assert MARKER[:8] not in told()


def test_broken_expectations_are_counts(deliver, home, visit):
    deliver("april", {"Pseudonym": MARKER})
    [path] = home.store.paths(build_feed(home.store, home.landing, visit))
    pl.read_parquet(path).with_columns(mode=pl.lit(MARKER), provider_code=pl.lit(MARKER)).write_parquet(path)
    assert broken_expectations(visit, [path]) == {"visit.mode.enum": 1, "visit.provider_code.pattern": 1}


def test_a_repeated_key_is_counted_and_not_shown(store, spend, spent):
    twice = pl.concat([spent, spent]).with_columns(team=pl.lit(MARKER))
    with pytest.raises(LinkedCareError) as refusal:
        store.write(spend, None, "key", frame_writer(spend, twice))
    assert MARKER not in "".join(traceback.format_exception(refusal.value))


def test_sql_that_fails_on_a_value_does_not_show_it(store, spend, tmp_path):
    sql = (
        f"select '{MARKER}' as team, cast(team as int) as item, cast(1 as bigint) as paid_pence,"
        " cast(null as bigint) as owed_pence from given"
    )
    with store.engine() as engine:
        engine.register_rows("given", pl.DataFrame({"team": [f"{MARKER} of a cell"]}).to_arrow())
        with pytest.raises(LinkedCareError) as failure:
            engine.run_sql(spend, sql, tmp_path / "out.parquet")
    shown = str(failure.value)
    assert f"{MARKER} of a cell" not in shown
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__
