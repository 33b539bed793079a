"""Workbooks, Parquet, archives and other encodings: as the same rows in JSON Lines; and what strangers make of them."""

import gzip
import io
import json
import os
import signal
import stat
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from sources import readers
from sources.readers import BadFile, Reading
from sources.reading import limits, text
from sources.reading.files import examine
from sources.rows import BadRow

ROWS = [{"title": f"第 {n} 问：井里的水为什么不会溢出？", "body": "一行\n又一行" if n % 7 == 0 else "", "id": str(n)} for n in range(1, 61)]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
TABLE = "title,body,id\n" + "".join('{title},"{body}",{id}\n'.format(**row) for row in ROWS)


def workbook(rows=ROWS):
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(rows=ROWS, **options):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, **{"row_group_size": 25, **options})
    return out.getvalue()


def zipped(*members, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


FILES = {
    "posts.jsonl": LINES.encode(),
    "posts.json": json.dumps({"threads": ROWS}, ensure_ascii=False, indent=1).encode(),
    "posts.csv": TABLE.encode(),
    "posts.tsv": TABLE.replace(",", "\t").encode(),
    "posts.xlsx": workbook(),
    "posts.parquet": parquet(),
}
PACKED = FILES | {
    **{f"{name}.gz": gzip.compress(content) for name, content in FILES.items()},
    **{f"{name}.zst": zstandard.compress(content) for name, content in FILES.items()},
    **{f"{name}.zip": zipped((name, content)) for name, content in FILES.items()},
    "many.zip": zipped(
        ("b/2.jsonl", "".join(LINES.splitlines(True)[30:])),
        ("a/1.jsonl", "".join(LINES.splitlines(True)[:30])),
        ("__MACOSX/a/._1.jsonl", b"\x00\x05\x16\x07"),
        ("a/", ""),
    ),
    "books.zip": zipped(("1.xlsx", workbook(ROWS[:20])), ("2.xlsx", workbook(ROWS[20:]))),
}


@pytest.fixture
def put(tmp_path):
    def put(content, name="stored"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


def values(rows):
    return [(row.number, row.value.reason if isinstance(row.value, BadRow) else row.value) for row in rows]


def failure(path, name, **options):
    with pytest.raises(BadFile) as raised:
        list(Reading(path, name, **options).rows())
    return raised.value.code


@pytest.mark.parametrize("name", PACKED)
def test_every_format_gives_the_same_rows_and_goes_on_from_any_of_them(put, name):
    file = examine(put(PACKED[name]), name)
    whole = list(file.read())
    assert values(whole) == list(enumerate(ROWS, 1))
    assert whole[-1].end <= sum(part.extent + 1 for part in file.parts)
    for at in (0, 1, 19, 20, 24, 25, 29, 30, 58, 59):
        assert list(file.read((whole[at].number, whole[at].end))) == whole[at + 1 :], at


@pytest.mark.parametrize("name", ["posts.jsonl", "posts.csv.gz", "posts.xlsx", "posts.parquet", "many.zip"])
def test_another_process_gives_the_same_from_any_row(put, name):
    path = put(PACKED[name])
    whole = list(Reading(path, name).rows())
    assert values(whole) == list(enumerate(ROWS, 1))
    assert list(Reading(path, name).rows((30, whole[29].end))) == whole[30:]


def test_the_name_does_not_matter_where_the_bytes_speak(put):
    for name in ("posts.xlsx", "posts.parquet", "posts.jsonl.gz"):
        assert values(examine(put(PACKED[name]), "posts.jsonl").read()) == list(enumerate(ROWS, 1))


# --- text ----------------------------------------------------------------------------------------------------------------
def test_gb18030_is_read_when_somebody_says_so(put):
    path = put(LINES.encode("gb18030"))
    assert failure(path, "x.jsonl") == "not_utf8"
    assert failure(put(LINES.encode("utf-8-sig"), "bom"), "x.jsonl", encoding="gb18030") == "not_in_encoding"
    assert failure(put(b'{"a": "\xff\xff"}', "ff"), "x.jsonl", encoding="gb18030") == "not_in_encoding"
    assert failure(path, "x.jsonl", encoding="klingon") == "unknown_encoding"
    file = examine(path, "x.jsonl", "gb18030")
    whole = list(file.read())
    assert values(whole) == list(enumerate(ROWS, 1))
    assert list(file.read((30, whole[29].end))) == whole[30:]
    assert values(examine(put(gzip.compress(TABLE.encode("gbk")), "gz"), "x.csv.gz", "gb18030").read()) == list(enumerate(ROWS, 1))


def test_line_ends_of_old_macs_and_doubled_ones(put):
    assert values(examine(put("a,b\r1,2\r3,4\r"), "x.csv").read()) == [(1, {"a": "1", "b": "2"}), (2, {"a": "3", "b": "4"})]
    assert values(examine(put('{"a": 1}\r{"a": 2}'), "x.jsonl").read()) == [(1, {"a": 1}), (2, {"a": 2})]
    assert values(examine(put("a,b\r\r\n1,2\r\r\n"), "x.csv").read()) == [(1, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('{"whatever": [{"a": 1}, {"a": 2}]}', [{"a": 1}, {"a": 2}]),
        ('{"keywords": "k", "example": [{"a": 1}]}', [{"a": 1}]),
        ('{"messages": [{"role": "user"}]}', [{"messages": [{"role": "user"}]}]),
        ('{"title": "t", "replies": [{"a": 1}]}', [{"title": "t", "replies": [{"a": 1}]}]),
        ('{"replies": [{"a": 1}], "title": "t"}', [{"replies": [{"a": 1}], "title": "t"}]),
    ],
)
def test_an_object_holds_the_rows_or_is_one(put, content, rows):
    assert [row.value for row in examine(put(content), "x.json").read()] == rows


def test_too_many_columns(put):
    wide = ",".join(f"c{n}" for n in range(201))
    assert failure(put(f"{wide}\n"), "x.csv") == "too_many_columns"
    assert values(Reading(put(json.dumps({f"c{n}": n for n in range(201)}), "j"), "x.jsonl").rows()) == [(1, "too_many_columns")]


# --- workbooks -----------------------------------------------------------------------------------------------------------
def test_cells_come_as_text_from_the_first_sheet_that_shows(put):
    book = openpyxl.Workbook()
    book.active.title, book.active.sheet_state = "hidden", "hidden"
    book.active.append(["no"])
    sheet = book.create_sheet("empty")
    sheet = book.create_sheet("posts")
    sheet.append([])
    sheet.append(["id", "when", "day", "votes", "is", "none"])
    sheet.append([123456789012345, datetime(2024, 5, 1, 8, 30), date(2024, 5, 1), 2.5, True])
    sheet.append([])
    sheet.append(["0012", None, None, 3.0, None, None])
    sheet.append(["x", "", "", "", "", "", "beside"])
    out = io.BytesIO()
    book.save(out)
    first = {"id": "123456789012345", "when": "2024-05-01 08:30:00", "day": "2024-05-01", "votes": "2.5", "is": "true", "none": ""}
    second = {"id": "0012", "when": "", "day": "", "votes": "3", "is": "", "none": ""}
    rows = values(Reading(put(out.getvalue()), "x.xlsx").rows())
    assert rows == [(1, first), (2, second), (3, "wrong_number_of_columns")]


def changed(content, member, change):
    """A workbook with one of its members changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    return zipped(*((name, change(data) if name == member else data) for name, data in members))


def sheet_with(cell: bytes, prolog: bytes = b"") -> bytes:
    row = (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>title</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>%b</t></is></c></row>'
    )
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    data = b'<?xml version="1.0"?>%b<worksheet xmlns="%b"><dimension ref="A1:XFD1048576"/><sheetData>' % (prolog, space)
    data += row % cell + b"</sheetData></worksheet>"
    return changed(workbook(), "xl/worksheets/sheet1.xml", lambda _: data)


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha">' + b"".join(b'<!ENTITY %c "&%c;&%c;">' % (n + 1, n, n) for n in range(97, 120)) + b"]>"
XXE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def link():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a.jsonl")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def encrypted():
    """With the flag set that says so, in both places."""
    data = bytearray(zipped(("a.jsonl", LINES)))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def huge_dictionary():
    value = "字" * 60_000
    return parquet([{"title": value} for _ in range(4_000)], compression="zstd", row_group_size=4_000)


HOSTILE = {
    "dots.zip": (lambda: zipped(("../../etc/cron.d/x.jsonl", LINES)), "unsafe_name"),
    "root.zip": (lambda: zipped(("/x.jsonl", LINES)), "unsafe_name"),
    "drive.zip": (lambda: zipped(("C:\\x.jsonl", LINES)), "unsafe_name"),
    "link.zip": (link, "link_in_archive"),
    "locked.zip": (encrypted, "encrypted"),
    "nested.zip": (lambda: zipped(("a.zip", zipped(("b.jsonl", LINES)))), "nested_archive"),
    "nested.gz": (lambda: gzip.compress(gzip.compress(LINES.encode())), "nested_archive"),
    "mixed.zip": (lambda: zipped(("a.jsonl", LINES), ("b.csv", TABLE)), "mixed_archive"),
    "many.zip": (lambda: zipped(*((f"{n}.jsonl", "") for n in range(1_001))), "too_many_members"),
    "nothing.zip": (lambda: zipped(), "empty_file"),
    "letter.docx": (lambda: zipped(("[Content_Types].xml", "x"), ("word/document.xml", "x")), "unknown_format"),
    "lzma.zip": (lambda: zipped(("a.jsonl", LINES), compression=zipfile.ZIP_LZMA), "unknown_compression"),
    "bomb.zip": (lambda: zipped(("a.jsonl", bytes(30 * 2**20))), "bomb"),
    "bomb.jsonl.gz": (lambda: gzip.compress(b'{"a": 1}\n' * 2**21), "bomb"),
    "bomb.jsonl.zst": (lambda: zstandard.compress(b'{"a": 1}\n' * 2**21), "bomb"),
    "cut.jsonl.gz": (lambda: gzip.compress(os.urandom(900).hex().encode())[:-200], "broken_archive"),
    "cut.jsonl.zst": (lambda: zstandard.compress(LINES.encode())[:-20], "broken_archive"),
    "cut.zip": (lambda: zipped(("a.jsonl", LINES))[:-30], "broken_archive"),
    "cut.xlsx": (lambda: workbook()[:-30], "broken_archive"),
    "cut.parquet": (lambda: parquet()[:-30], "broken_file"),
    "big_cell.xlsx": (lambda: sheet_with(b"x" * 60 * 2**20), "bomb"),
    "laughs.xlsx": (lambda: sheet_with(b"&x;", LAUGHS), "entities_in_xml"),
    "xxe.xlsx": (lambda: sheet_with(b"&e;", XXE), "entities_in_xml"),
    "broken.xlsx": (lambda: changed(workbook(), "xl/workbook.xml", lambda _: b"<x"), "broken_file"),
    "old.xls": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_workbook"),
    "huge.parquet": (huge_dictionary, "bomb"),
    "wide.parquet": (lambda: parquet([{f"c{n}": n for n in range(201)}]), "too_many_columns"),
    "fake.parquet": (lambda: b"PAR1" + os.urandom(500), "broken_file"),
    "renamed.parquet": (lambda: b"SQLite format 3\0" + bytes(500), "not_text"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_strangers_send_ends_with_a_code_within_seconds_and_the_next_file_is_read(put, name):
    make, code = HOSTILE[name]
    path = put(make())
    began = time.monotonic()
    assert failure(path, name) == code
    assert time.monotonic() - began < 20
    assert values(Reading(put(LINES, "next"), "next.jsonl").rows()) == list(enumerate(ROWS, 1))


def test_a_workbook_that_claims_a_million_columns_is_as_wide_as_it_is(put):
    assert values(Reading(put(sheet_with("水".encode())), "x.xlsx").rows()) == [(1, {"title": "水"})]


def test_in_parquet_what_json_has_no_words_for_costs_its_row_alone(put):
    table = pa.table(
        {
            "title": pa.array([b"good", b"\xff\xfe", b"good"], pa.binary()),
            "at": pa.array([0, 0, 2**62], pa.timestamp("us")),
            "x": pa.array([float("nan"), 1.5, 2.0]),
            "n": pa.array([[{"a": 1}], [], None]),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    rows = values(Reading(put(out.getvalue()), "x.parquet").rows())
    assert rows == [(1, {"title": "good", "at": "1970-01-01 00:00:00", "x": None, "n": [{"a": 1}]}), (2, "bad_value"), (3, "bad_value")]


# --- the process ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def processes(monkeypatch):
    """The readers that were started."""
    started, start = [], readers._start
    monkeypatch.setattr(readers, "_start", lambda: started.append(start()) or started[-1])
    return started


def many(count=30_000):
    return "".join(json.dumps({"title": f"{n} " + "水" * 40}, ensure_ascii=False) + "\n" for n in range(count))


def test_a_reader_that_is_killed_is_started_again_where_it_was(put, processes):
    path, rows = put(many()), []
    for row in Reading(path, "x.jsonl").rows():
        rows.append(row.number)
        if row.number in (5_000, 15_000):
            processes[-1].send_signal(signal.SIGKILL)
    assert rows == list(range(1, 30_001))
    assert len(processes) == 3


def test_one_that_dies_twice_in_the_same_place_is_the_answer(put, monkeypatch):
    monkeypatch.setattr(readers, "PROGRAM", "import os; os.kill(os.getpid(), 9)")
    assert failure(put(LINES), "x.jsonl") == "reader_died"


def test_one_that_dies_before_it_is_told_anything(put, monkeypatch):
    start = readers._start

    def dead():
        process = start()
        process.kill()
        process.wait()
        return process

    monkeypatch.setattr(readers, "_start", dead)
    assert failure(put(LINES), "x.jsonl") == "reader_died"


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import os; os.kill(os.getpid(), 24)", "too_slow"),
        ("from sources.reading import child; child.examine = lambda *_: bytearray(2**31); child.main()", "too_much_memory"),
        ("import os; os.write(1, b'\\xff' * 100); input()", "unpacked_too_large"),
    ],
)
def test_a_reader_that_goes_over_its_limits_says_which(put, monkeypatch, program, code):
    monkeypatch.setattr(readers, "PROGRAM", f"import sys; sys.path.insert(0, sys.argv[1]); {program}")
    assert failure(put(LINES), "x.jsonl") == code


def test_a_reader_inherits_nothing_and_writes_nothing(put, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    look = (
        "from sources.reading import child; import os, json; main = child.examine\n"
        "def spy(*a):\n"
        "    fds = sorted(int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + fd))\n"
        "    try:\n        os.write(os.open({!r}, os.O_CREAT | os.O_WRONLY), b'x'); wrote = True\n"
        "    except OSError:\n        wrote = False\n"
        "    raise child.BadFile('told', fds=fds, wrote=wrote, env=sorted(os.environ))\n"
        "child.examine = spy; child.main()"
    ).format(str(tmp_path / "out"))
    monkeypatch.setattr(readers, "PROGRAM", f"import sys; sys.path.insert(0, sys.argv[1])\n{look}")
    with pytest.raises(BadFile) as raised:
        list(Reading(put(LINES), "x.jsonl").rows())
    told = raised.value.params
    assert told["wrote"] is False
    assert set(told["fds"]) <= {0, 1, 2}
    assert set(told["env"]) <= {*readers.ENVIRONMENT, "LC_CTYPE", "LD_LIBRARY_PATH"}


def test_a_reader_ends_with_its_parent_and_with_the_interest_in_it(put, processes):
    rows = Reading(put(many()), "x.jsonl").rows()
    next(rows)
    rows.close()
    assert processes[0].returncode is not None
    alone = readers._start()
    alone.stdin.write(
        json.dumps({"path": str(put(many(), "y")), "name": "x.jsonl", "encoding": "", "number": 0, "end": 0}).encode() + b"\n"
    )
    alone.stdin.close()
    assert alone.wait(10) == 3
    alone.stdout.close()


def test_while_nothing_comes_the_parent_is_told(put, monkeypatch):
    monkeypatch.setattr(readers, "IDLE", 0.05)
    monkeypatch.setattr(readers, "SILENCE", 0.3)
    monkeypatch.setattr(readers, "PROGRAM", "input(); input()")
    calls = []
    assert failure(put(LINES), "x.jsonl", idle=lambda: calls.append(1)) == "too_slow"
    assert calls


def test_more_rows_than_may_be(put, monkeypatch):
    monkeypatch.setattr("sources.reading.files.MAX_ROWS", 10)
    with pytest.raises(BadFile, match="too_many_rows"):
        list(examine(put(LINES), "x.jsonl").read())
    assert limits.MAX_ROWS == 2_000_000
    assert text.ENCODINGS == readers.ENCODINGS
