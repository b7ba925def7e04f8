"""From the files of a delivery to rows of text: what is refused whole, and what is read."""

import json
from io import BytesIO

import polars as pl
import pytest

from assets.feeds.delivery import RefusedDeliveryError, read_delivery
from assets.feeds.reading import read_text

HEADER = b"Visit,Pseudonym,Provider,Date,Mode,Minutes,Price\n"
ROW = b"v1,p1,RA1,2024-04-15,seen,20,10.00\n"


@pytest.fixture
def read(deliver, visit):
    def read_files(*files: tuple[str, bytes], **announce) -> pl.DataFrame:
        return read_text(read_delivery(deliver("d1", files=files, **announce)), visit).collect()

    return read_files


def parquet(rows: pl.DataFrame) -> bytes:
    target = BytesIO()
    rows.write_parquet(target)
    return target.getvalue()


def as_announced(folder, **change):
    manifest = json.loads((folder / "delivery.json").read_text())
    manifest["files"][0].update(change)
    (folder / "delivery.json").write_text(json.dumps(manifest))
    return read_delivery(folder)


def test_rows_are_text_under_canonical_names(read):
    assert read(("a.csv", HEADER + ROW)).rows(named=True) == [
        {
            "source_row": 1,
            "visit_id": "v1",
            "pseudonym": "p1",
            "provider_code": "RA1",
            "visit_date": "2024-04-15",
            "mode": "seen",
            "minutes": "20",
            "price": "10.00",
        }
    ]


def test_row_numbers_run_over_the_files_in_the_announced_order(read):
    rows = read(("b.csv", HEADER + ROW + ROW.replace(b"v1", b"v2")), ("a.csv", HEADER + ROW.replace(b"v1", b"v3")))
    assert rows.select("source_row", "visit_id").rows() == [(1, "v1"), (2, "v2"), (3, "v3")]


def test_csv_and_parquet_may_come_together(read, visit):
    table = pl.DataFrame({column.header: ["7"] for column in visit.columns})
    rows = read(("a.csv", HEADER + ROW), ("b.parquet", parquet(table)))
    assert rows.select("source_row", "visit_id").rows() == [(1, "v1"), (2, "7")]


def test_typed_parquet_reads_as_the_text_of_its_values(read):
    table = pl.DataFrame(
        {
            "Visit": [1],
            "Pseudonym": [None],
            "Provider": ["RA1"],
            "Date": ["2024-04-15"],
            "Mode": ["seen"],
            "Minutes": [20],
            "Price": ["10.5"],
        }
    ).with_columns(pl.col("Date").str.to_date(), pl.col("Price").cast(pl.Decimal(12, 2)))
    assert read(("a.parquet", parquet(table))).rows() == [
        (1, "1", None, "RA1", "2024-04-15", "seen", "20", "10.50"),
    ]


@pytest.mark.parametrize("blank", [b"", b'""'], ids=["nothing", "quotes"])
def test_a_blank_is_missing_however_it_is_quoted(read, blank):
    rows = read(("a.csv", HEADER + b"v1," + blank + b",RA1,2024-04-15,seen," + blank + b",10.00\n"))
    assert rows.select("pseudonym", "minutes").rows() == [(None, None)]


def test_a_blank_in_parquet_is_missing(read, visit):
    table = pl.DataFrame({column.header: [""] for column in visit.columns})
    assert read(("a.parquet", parquet(table))).row(0) == (1, *[None] * 7)


def test_text_is_kept_as_it_is(read):
    rows = read(("a.csv", HEADER + b'012, 3,"R,1",2024-4-1,"two\nlines",1e3,00\n'))
    assert rows.row(0) == (1, "012", " 3", "R,1", "2024-4-1", "two\nlines", "1e3", "00")


def test_columns_in_another_order_and_columns_beside_them_are_no_matter(read):
    rows = read(("a.csv", b"Price,Note,Visit,Pseudonym,Provider,Date,Mode,Minutes\n9,hello,v1,p1,RA1,d,m,5\n"))
    assert rows.row(0) == (1, "v1", "p1", "RA1", "d", "m", "5", "9")


def test_a_byte_order_mark_is_no_part_of_the_first_header(read):
    assert read(("a.csv", b"\xef\xbb\xbf" + HEADER + ROW))["visit_id"].to_list() == ["v1"]


def test_a_file_without_rows_is_read(read):
    assert read(("a.csv", HEADER)).height == 0


def test_a_missing_file_is_refused(deliver, visit):
    folder = deliver("d1", {})
    (folder / "rows.csv").unlink()
    with pytest.raises(RefusedDeliveryError, match=r"rows\.csv is announced but missing"):
        read_text(read_delivery(folder), visit)


def test_a_folder_in_place_of_the_file_is_refused(deliver, visit):
    with pytest.raises(RefusedDeliveryError, match="missing"):
        read_text(as_announced(deliver("d1", {}), name=".."), visit)


def test_a_file_that_changed_on_the_way_is_refused(deliver, visit):
    folder = deliver("d1", {})
    (folder / "rows.csv").write_bytes((folder / "rows.csv").read_bytes().replace(b"RA1", b"RA2"))
    with pytest.raises(RefusedDeliveryError, match="differs from its announced SHA-256"):
        read_text(read_delivery(folder), visit)


def test_the_hash_may_be_written_in_capitals(deliver, visit):
    folder = deliver("d1", {})
    [file] = read_delivery(folder).files
    assert read_text(as_announced(folder, sha256=file.sha256.upper()), visit).collect().height == 1


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param([("a.csv", b"")], r"a\.csv cannot be read as csv", id="empty csv"),
        pytest.param([("a.parquet", b"")], r"a\.parquet cannot be read as parquet", id="empty parquet"),
        pytest.param([("a.parquet", HEADER + ROW)], "cannot be read as parquet", id="csv named parquet"),
        pytest.param([("a.xlsx", HEADER + ROW)], "other than csv and parquet", id="another format"),
        pytest.param(
            [("a.csv", HEADER.replace(b"Price", b"Cost") + ROW)], "lacks 1 columns: Price", id="header renamed"
        ),
        pytest.param([("a.csv", b"Visit,Date\nv1,d\n")], "lacks 5 columns: Pseudonym, Provider", id="headers missing"),
        pytest.param([("a.csv", HEADER.replace(b"Visit", b"visit") + ROW)], "lacks 1 columns: Visit", id="other case"),
        pytest.param([("a.csv", b"Visit," + HEADER + b"v0," + ROW)], "1 headers twice", id="header twice"),
        pytest.param([("a.csv", HEADER + ROW), ("b.csv", b"Visit\nv1\n")], r"b\.csv lacks 6", id="second file differs"),
        pytest.param(
            [("a.csv", HEADER + ROW.strip() + b",more,and more\n")], "cannot be read to the end", id="long row"
        ),
        pytest.param(
            [("a.csv", HEADER + ROW.replace(b"p1", b"\xff\xfe"))], "cannot be read to the end", id="not utf-8"
        ),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(deliver, visit, tmp_path, files, told):
    from assets.feeds.intake import take_in

    receipt = take_in(read_delivery(deliver("d1", files=files)), visit, tmp_path / "shelf")
    assert receipt.reason
    assert told.replace("\\", "") in receipt.reason
    assert "\n" not in receipt.reason
