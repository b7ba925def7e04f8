"""A file of a delivery as text: the same rows in every form, in batches of one size; what it is refused for."""

import csv
import gzip
import hashlib
import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.feeds import transcoding
from assets.feeds import workbook as workbooks
from assets.feeds.delivery import DeliveredFile, RefusedDeliveryError
from assets.feeds.reading import BATCH_ROWS, open_text

HEADERS = ("Visit", "Pseudonym", "Note", "Price")
ROWS = [
    ("v1", "p1", "caf\u00e9, \u00a35", "10.00"),
    ("v2", None, 'two\nlines and "quotes"', "0"),
    ("v3", "012", " outer ", None),
    (None, None, None, None),
    ("v5", "p5", "\u2019", "1e3"),
]


def as_csv(rows=ROWS, headers=HEADERS, **dialect) -> str:
    target = io.StringIO()
    writer = csv.writer(target, **{"lineterminator": "\n"} | dialect)
    writer.writerows([*([headers] if headers else []), *rows])
    return target.getvalue()


def zipped(content: bytes, name: str = "rows.csv") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def parquet(table: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    table.write_parquet(target)
    return target.getvalue()


def workbook(rows, *titles: str) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "first"
    for title in titles:
        book.create_sheet(title)
    for row in rows:
        book.worksheets[-1].append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.fixture
def opened(tmp_path):
    def write_and_open(content: bytes, name: str = "rows.csv", rows: int = len(ROWS), **announced):
        folder = tmp_path / "delivery"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        form = name.rpartition(".")[2]
        file = DeliveredFile(name, form, hashlib.sha256(content).hexdigest(), rows, **announced)
        return open_text(folder, file, tmp_path / "spool")

    return write_and_open


@pytest.fixture
def read(opened):
    def drain(*content, **announced):
        text = opened(*content, **announced)
        frames = list(text.batches())
        assert all(frame.columns == list(text.headers) for frame in frames)
        assert all(set(frame.dtypes) == {pl.String} for frame in frames)
        return [row for frame in frames for row in frame.rows()]

    return drain


CSV = as_csv().encode()
FORMS = {
    "plain": (CSV, {}),
    "last line without end": (CSV.rstrip(b"\n"), {}),
    "byte order mark": (b"\xef\xbb\xbf" + CSV, {}),
    "all quoted": (as_csv(quoting=csv.QUOTE_ALL).encode(), {}),
    "semicolons": (as_csv(delimiter=";").encode(), {"delimiter": ";"}),
    "tabs": (as_csv(delimiter="\t").encode(), {"delimiter": "\t"}),
    "bars, apostrophes": (as_csv(delimiter="|", quotechar="'").encode(), {"delimiter": "|", "quote": "'"}),
    "no header": (as_csv(headers=()).encode(), {"header": False, "columns": HEADERS}),
    "no header, mark": (as_csv(headers=()).encode("utf-8-sig"), {"header": False, "columns": HEADERS}),
    "cp1252": (as_csv().encode("cp1252"), {"encoding": "cp1252"}),
    "utf-16": (as_csv().encode("utf-16"), {"encoding": "utf-16"}),
    "utf-16 big end first": (b"\xfe\xff" + as_csv().encode("utf-16-be"), {"encoding": "utf-16"}),
    "gzip": (gzip.compress(CSV), {"compression": "gzip"}),
    "gzip in two parts": (gzip.compress(CSV[:70]) + gzip.compress(CSV[70:]), {"compression": "gzip"}),
    "zip": (zipped(CSV), {"compression": "zip"}),
    "zip, cp1252": (zipped(as_csv().encode("cp1252")), {"compression": "zip", "encoding": "cp1252"}),
    "gzip, utf-16": (gzip.compress(as_csv().encode("utf-16")), {"compression": "gzip", "encoding": "utf-16"}),
}


@pytest.mark.parametrize(("content", "announced"), FORMS.values(), ids=FORMS)
def test_the_same_rows_are_the_same_text_in_every_form_of_csv(read, content, announced):
    assert read(content, **announced) == ROWS


def test_crlf_ends_lines_and_is_kept_within_quotes(read):
    content = as_csv(lineterminator="\r\n").encode()
    assert read(content) == ROWS
    assert read(b'a,b\r\n"x\r\ny",1\r\n', rows=1) == [("x\r\ny", "1")]


def test_the_same_rows_are_the_same_text_in_parquet_and_xlsx(read):
    table = pl.DataFrame(ROWS, schema=list(HEADERS), orient="row")
    assert read(parquet(table), "rows.parquet") == ROWS
    assert read(workbook([HEADERS, *ROWS]), "rows.xlsx") == ROWS


def test_without_quotes_a_quote_is_text(read):
    assert read(b'a,b\n"1,2\n3,"4"\n', rows=2, quote="") == [('"1', "2"), ("3", '"4"')]


def test_a_quote_within_an_unquoted_cell_is_text(read):
    assert read(b'a,b\n5" pipe and 6" pipe,2\n', rows=1) == [('5" pipe and 6" pipe', "2")]


@pytest.mark.parametrize("blank", [b"", b'""'], ids=["nothing", "quotes"])
def test_a_blank_is_missing_however_it_is_quoted(read, blank):
    assert read(b"a,b,c\n" + blank + b",1," + blank + b"\n", rows=1) == [(None, "1", None)]


def test_a_file_of_one_column_may_have_blank_lines(read):
    assert read(b"a\n1\n\n3\n", rows=3) == [("1",), (None,), ("3",)]
    assert read(b'a\r\n1\r\n""\r\n', rows=2) == [("1",), (None,)]


def test_headers_come_without_outer_spaces(opened):
    assert opened(b'\xef\xbb\xbf Visit ,"Day, of week",Price\n', rows=0).headers == ("Visit", "Day, of week", "Price")


def test_a_byte_order_mark_before_a_quoted_header_is_no_part_of_it(opened):
    assert opened(b'\xef\xbb\xbf"Visit","Price"\n', rows=0).headers == ("Visit", "Price")


def test_a_header_may_go_over_lines(read, opened):
    assert opened(b'"a\nb",c\n1,2\n', rows=1).headers == ("a\nb", "c")
    assert read(b'"a\nb",c\n1,2\n', rows=1) == [("1", "2")]


@pytest.mark.parametrize("content", [b"a,b\n", b"a,b", b"a,b\r\n"])
def test_a_file_without_rows_is_read(read, content):
    assert read(content, rows=0) == []


def test_a_file_without_header_may_be_empty(read):
    assert read(b"", rows=0, header=False, columns=("a", "b")) == []


@pytest.mark.parametrize("announced", [{}, {"header": False, "columns": ("a", "b")}], ids=["header", "none"])
@pytest.mark.parametrize("size", [1, 7, 1000, 4999, 5000, 5001])
def test_every_batch_but_the_last_has_exactly_the_size_asked_for(opened, announced, size):
    content = "a,b\n" * (not announced) + "".join(f'{n},"x,{n}"\n' for n in range(5000))
    frames = list(opened(content.encode(), rows=5000, **announced).batches(size))
    assert {frame.height for frame in frames[:-1]} <= {size}
    assert 0 < frames[-1].height <= size
    assert pl.concat(frames)["a"].to_list() == [str(n) for n in range(5000)]


def test_batches_of_parquet_and_xlsx_have_exactly_the_size_asked_for(opened):
    table = pl.DataFrame({"a": range(1000)})
    target = io.BytesIO()
    table.write_parquet(target, row_group_size=300)
    book = workbook([("a",), *table.rows()])
    for content, name in ((target.getvalue(), "a.parquet"), (book, "a.xlsx")):
        assert [frame.height for frame in opened(content, name, rows=1000).batches(400)] == [400, 400, 200]


def test_a_file_larger_than_a_batch_is_read_in_order(opened):
    rows = 2 * BATCH_ROWS + 1
    content = "n\n" + "".join(f"{n}\n" for n in range(rows))
    frames = list(opened(content.encode(), rows=rows).batches())
    assert [frame.height for frame in frames] == [BATCH_ROWS, BATCH_ROWS, 1]
    assert pl.concat(frames)["n"].cast(pl.Int64).to_list() == list(range(rows))


def test_what_is_plain_is_not_copied_and_what_is_not_goes_to_the_spool_alone(opened, tmp_path):
    list(opened(CSV).batches())
    assert not (tmp_path / "spool").exists()
    list(opened(gzip.compress(CSV), compression="gzip").batches())
    assert [path.read_bytes() for path in (tmp_path / "spool").iterdir()] == [CSV]
    assert [path.name for path in (tmp_path / "delivery").iterdir()] == ["rows.csv"]


def test_characters_cut_by_the_end_of_a_chunk_are_whole(read, monkeypatch):
    monkeypatch.setattr(transcoding, "_CHUNK", 3)
    assert read(as_csv().encode("utf-16"), encoding="utf-16") == ROWS
    assert read(gzip.compress(CSV), compression="gzip") == ROWS


def test_the_first_byte_that_cannot_be_decoded_is_named_wherever_it_lies(opened, monkeypatch):
    monkeypatch.setattr(transcoding, "_CHUNK", 4)
    content = b"a,b\n" + "caf\u00e9,1\n".encode() + b"\xff,2\n"
    with pytest.raises(RefusedDeliveryError, match=f"byte {content.index(0xFF) + 1} cannot be decoded"):
        list(opened(content, rows=2).batches())
    with pytest.raises(RefusedDeliveryError, match=r"not cp1252: byte 6 cannot"):
        opened(b"a,b\nx\x81,2\n", rows=1, encoding="cp1252")


def test_typed_parquet_reads_as_the_text_of_its_values(read):
    table = pl.DataFrame(
        {
            "whole": [1],
            "fine": [Decimal("10.50")],
            "day": [date(2024, 4, 15)],
            "midnight": [datetime(2024, 4, 15)],
            "moment": [datetime(2024, 4, 15, 6, 30)],
            "zoned": [datetime(2024, 4, 15, 6, 30, tzinfo=UTC)],
            "clock": [time(6, 30)],
            "flag": [True],
            "float": [20.0],
            "part": [0.25],
            "large": [2**63 - 1],
            "none": [None],
            "blank": [""],
        },
        schema_overrides={"fine": pl.Decimal(12, 2)},
    ).with_columns(code=pl.lit("RA1").cast(pl.Categorical))
    assert read(parquet(table), "rows.parquet", rows=1) == [
        (
            "1",
            "10.50",
            "2024-04-15",
            "2024-04-15",
            "2024-04-15T06:30:00",
            "2024-04-15T06:30:00+00:00",
            "06:30:00",
            "true",
            "20",
            "0.25",
            str(2**63 - 1),
            None,
            None,
            "RA1",
        )
    ]


def test_a_float_too_large_to_be_exact_is_refused_and_the_largest_exact_one_is_read(opened, read):
    exact = float(2**53 - 1)
    table = pl.DataFrame({"code": [exact, None, -exact]})
    assert read(parquet(table), "a.parquet", rows=3) == [(str(2**53 - 1),), (None,), (str(1 - 2**53),)]
    with pytest.raises(RefusedDeliveryError, match="1 floating-point numbers too large to be exact"):
        list(opened(parquet(pl.DataFrame({"code": [1.0, 2.0**53]})), "a.parquet", rows=2).batches())


def test_nested_and_binary_parquet_is_refused(opened):
    table = pl.DataFrame({"a": ["1"], "b": [[1, 2]], "c": [b"x"]})
    with pytest.raises(RefusedDeliveryError, match="2 columns that are no text, number, date or time, the first at"):
        opened(parquet(table), "a.parquet", rows=1)


def test_headers_twice_in_parquet_are_refused(opened):
    target = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["1"])] * 2, names=["a", "a"]), target)
    with pytest.raises(RefusedDeliveryError, match="has 1 headers twice"):
        opened(target.getvalue(), "a.parquet", rows=1)


def test_cells_of_a_workbook_are_text(read):
    cells = (1, 2.5, 3.0, date(2024, 4, 15), datetime(2024, 4, 15, 6, 30), time(6, 30), True, "012", None, "")
    headers = [f"h{position}" for position in range(len(cells))]
    assert read(workbook([headers, cells]), "a.xlsx", rows=1) == [
        ("1", "2.5", "3", "2024-04-15", "2024-04-15T06:30:00", "06:30:00", "true", "012", None, None)
    ]


def test_of_several_sheets_the_announced_one_is_read(read, opened):
    book = workbook([("a",), ("1",)], "codes")
    assert read(book, "a.xlsx", rows=1, sheet="codes") == [("1",)]
    with pytest.raises(RefusedDeliveryError, match="has 2 sheets"):
        opened(book, "a.xlsx", rows=1)
    with pytest.raises(RefusedDeliveryError, match="lacks the sheet"):
        opened(book, "a.xlsx", rows=1, sheet="prices")


@pytest.mark.parametrize("cell", ["=1+1", "#N/A", 1234567890123456], ids=["no result", "error", "sixteen digits"])
def test_a_cell_that_cannot_be_trusted_refuses_the_workbook(opened, cell):
    with pytest.raises(RefusedDeliveryError, match="has 1 cells that are errors"):
        opened(workbook([("a",), (cell,)]), "a.xlsx", rows=1)


def test_empty_rows_at_the_end_of_a_workbook_are_none(read):
    assert read(workbook([("a", "b"), ("1", None), (None, None), (None, "")]), "a.xlsx", rows=1) == [("1", None)]


def test_the_hash_may_be_written_in_capitals(tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    file = DeliveredFile("a.csv", "csv", hashlib.sha256(CSV).hexdigest().upper(), len(ROWS))
    assert open_text(tmp_path, file, tmp_path / "spool").headers == HEADERS
    with pytest.raises(RefusedDeliveryError, match="differs from its announced SHA-256"):
        open_text(tmp_path, replace(file, sha256="0" * 64), tmp_path / "spool")


def test_a_file_that_changes_while_it_is_read_is_refused(opened, tmp_path):
    text = opened(CSV)
    (tmp_path / "delivery" / "rows.csv").write_bytes(CSV.replace(b"v1", b"v9"))
    with pytest.raises(RefusedDeliveryError, match="was changed while it was read"):
        list(text.batches())


def test_rows_that_are_left_in_the_middle_hold_nothing_up(opened):
    content = b"a,b\n" + b"1,2\n" * 300_000
    assert next(opened(content, rows=300_000).batches(1000)).height == 1000


@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "quoted"])
@pytest.mark.parametrize("row", [1, 2500, 5000])
@pytest.mark.parametrize(("fields", "told"), [(2, "0 rows with more and 1 with fewer"), (4, "1 rows with more and 0")])
def test_one_ragged_row_is_found_wherever_it_lies_and_its_place_is_told(opened, quoted, row, fields, told):
    cell = '"x,y"' if quoted else "x"
    lines = [",".join([cell] * (fields if number == row else 3)) for number in range(1, 5001)]
    content = "\n".join(["a,b,c", *lines, ""]).encode()
    with pytest.raises(RefusedDeliveryError, match=f"{told}.* fields than its 3 columns, the first in row {row}\\."):
        list(opened(content, rows=5000).batches(1000))


def test_a_row_too_long_does_not_make_up_for_one_too_short(opened):
    with pytest.raises(RefusedDeliveryError, match="1 rows with more and 1 with fewer"):
        list(opened(b"a,b\n1\n1,2,3\n", rows=2).batches())


def test_delimiters_within_quotes_do_not_make_up_for_a_field_that_lacks(opened):
    with pytest.raises(RefusedDeliveryError, match="0 rows with more and 1 with fewer"):
        list(opened(b'a,b\n"1,2"\n3,4\n', rows=2).batches())


def test_what_records_cannot_unpack_to_is_refused(opened, monkeypatch):
    monkeypatch.setattr(transcoding, "UNPACKED_FREE", 1 << 20)
    content = gzip.compress(b"a,b\n" + b"1,2\n" * (1 << 20))
    with pytest.raises(RefusedDeliveryError, match="unpacks to more than"):
        opened(content, rows=1 << 20, compression="gzip")


def test_the_free_measure_lets_small_files_pack_as_well_as_they_can(read):
    content = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)
    assert len(read(content, rows=100_000, compression="gzip")) == 100_000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'a,b\n"1,2\n' + b"3,4\n" * 1000 + b'5,6"\n', id="quote open to the end"),
        pytest.param(b'"a","b"\n""1","2"\n' + b'"3","4"\n' * 1000 + b'"5","6""\n', id="quotes turned inside out"),
        pytest.param(b"a,b\n1," + b"2" * 5000, id="no line end"),
    ],
)
def test_a_row_without_end_is_refused_before_it_fills_the_memory(opened, monkeypatch, content):
    monkeypatch.setattr(transcoding, "LONGEST_ROW", 1000)
    monkeypatch.setattr(transcoding, "_CHUNK", 100)
    with pytest.raises(RefusedDeliveryError, match="has a row of more than"):
        opened(content, rows=1)


def test_quoted_line_ends_make_no_row_without_end(read, monkeypatch):
    monkeypatch.setattr(transcoding, "LONGEST_ROW", 1000)
    monkeypatch.setattr(transcoding, "_CHUNK", 10)
    assert len(read(b"a,b\n" + b'"1\n2","3\n4"\n' * 1000, rows=1000)) == 1000


def test_a_cell_far_to_the_right_does_not_fill_the_memory(opened, monkeypatch):
    monkeypatch.setattr(workbooks, "CELL_LIMIT", 1000)
    with pytest.raises(RefusedDeliveryError, match="is too large for xlsx"):
        opened(workbook([("a",), *[[None] * 200 + ["1"]] * 10]), "a.xlsx", rows=10)


def test_what_a_time_is_beside_midnights_is_told_to_its_last_digit(read):
    moments = [datetime(2024, 4, 15), None, datetime(2024, 4, 15, 6, 30, 0, 500)]
    assert read(parquet(pl.DataFrame({"at": moments})), "a.parquet", rows=3) == [
        ("2024-04-15",),
        (None,),
        ("2024-04-15T06:30:00.000500",),
    ]
