"""Files as rows: jsonl | json | csv | tsv, streaming, from any cursor on. Pure.

A row is a dict, or a BadRow that says what is wrong with it; the rows after it are read all the same. What is wrong with
the file as a whole raises BadFile, from `examine`, before any row is given. `end` of a row is the byte that reading
goes on from, so that `read(…, cursor=(row.number, row.end))` gives exactly the rows after it.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from .elements import elements
from .rows import MAX_ROW, BadRow, parse, shown, unfit

MAX_FILE = 200 * 1024 * 1024
HEAD = 2 * MAX_ROW  # what the layout of a file is told from
CHUNK = 1024 * 1024
BOM = codecs.BOM_UTF8
HOLDERS = ("data", "rows", "items", "records", "example", "examples", "list", "results", "posts", "notes")
HOLDER = re.compile(rb'"(?:%s)"\s*:\s*\[(?=\s*[\[{\]])' % "|".join(HOLDERS).encode())
# First bytes of what is often uploaded by mistake: PNG, JPEG, GIF, zip/xlsx, gzip, zstd, 7z, ELF, PDF, Parquet, SQLite.
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf",
         b"\x7fELF", b"%PDF-", b"PAR1", b"SQLite format 3")  # fmt: skip
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
csv.field_size_limit(MAX_ROW)


class BadFile(Exception):
    """The file as a whole is of no use. `code` and `params` are what a sentence for people is made of."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


class Row(NamedTuple):
    """`number` counts from 1: the line of a jsonl file, the element of an array, the record after a header."""

    number: int
    value: dict[str, Any] | BadRow
    end: int


@dataclass(frozen=True)
class Layout:
    kind: str  # lines | array | values | csv | tsv
    start: int = 0  # where the first row begins
    is_array: bool = False  # `lines`: that make up an array, each an element


Start = tuple[int, int]  # number and end of the last row that was read


def examine(path: Path, name: str) -> Layout:
    """How the rows lie in the file that its owner calls `name`. Raises BadFile."""
    if not path.exists():
        raise BadFile("file_gone")
    size = path.stat().st_size
    if size > MAX_FILE:
        raise BadFile("too_large", limit=MAX_FILE // 2**20)
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.removeprefix(BOM).strip():
        raise BadFile("empty_file")
    _check_text(path, head)
    suffix = Path(name).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return Layout(suffix[1:])
    is_json = head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")
    if suffix in (".jsonl", ".ndjson", ".json") or is_json:
        return _json_layout(head, by_lines=suffix in (".jsonl", ".ndjson"))
    raise BadFile("unknown_format", suffix=suffix or name[-20:])


def read(path: Path, layout: Layout, cursor: Start = (0, 0)) -> Iterator[Row]:
    """The rows after `cursor`."""
    with path.open("rb") as file:
        if cursor[1] > file.seek(0, 2):  # the last row said that the file is cut short: nothing comes after it
            return
        file.seek(0)
        yield from READERS[layout.kind](file, layout, cursor)


def _check_text(path: Path, head: bytes) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadFile("not_utf8")
    controls = len(CONTROL.findall(head[:8192]))
    if head.startswith(MAGIC) or (controls > 8 and controls * 20 > len(head[:8192])):  # a stray one is the matter of its row
        raise BadFile("not_text")
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)  # a last character that was cut off is the matter of its row
        except UnicodeDecodeError:
            raise BadFile("not_text" if b"\0" in head[:8192] else "not_utf8") from None


def _json_layout(head: bytes, *, by_lines: bool) -> Layout:
    body = head.removeprefix(BOM).lstrip()
    start = len(head) - len(body)
    if body.startswith(b"["):
        return Layout("lines", is_array=True) if _are_objects(body[1:], b",") else Layout("array", start + 1, is_array=True)
    holder = HOLDER.search(body)
    if by_lines or (_are_objects(body) and (not holder or b"\n" in body.strip())):
        return Layout("lines")
    return Layout("array", start + holder.end()) if holder else Layout("values", start)


def _are_objects(head: bytes, separator: bytes = b"") -> bool:
    """Whether the first lines are an object each, most of them."""
    lines = [line.strip().removesuffix(separator).rstrip() for line in head.split(b"\n")[:40]]
    if len(head) >= HEAD - 16:
        lines.pop()  # cut off by ourselves
    lines = [line for line in lines if line not in (b"", b"]")]
    if b"{" in lines:
        return False  # indented: an object takes several lines
    good = sum(isinstance(parse(line), dict) for line in lines if line.startswith(b"{"))
    return good > (1 if separator else 0) and 2 * good >= len(lines)


def _read_lines(file: IO[bytes], layout: Layout, cursor: Start) -> Iterator[Row]:
    number, byte = cursor
    file.seek(byte)
    while line := file.readline(MAX_ROW + 1):
        if len(line) > MAX_ROW and not line.endswith(b"\n"):
            _skip_line(file)
            number += 1
            yield Row(number, BadRow("too_long", raw=shown(line)), file.tell())
            continue
        line = line.strip().removeprefix(BOM)
        if layout.is_array:
            line = _element_of(line, is_first=number == 0)
        number += bool(line) or not layout.is_array
        if line:
            yield Row(number, parse(line), file.tell())
    if layout.is_array and _lacks_its_end(file):
        yield Row(number + 1, BadRow("cut_short"), file.seek(0, 2) + 1)


def _element_of(line: bytes, *, is_first: bool) -> bytes:
    if is_first:
        line = line.removeprefix(b"[").lstrip()
    line = line.removesuffix(b"]").rstrip() if line.endswith((b"}]", b"} ]")) or line == b"]" else line
    return line.removesuffix(b",").rstrip()


def _lacks_its_end(file: IO[bytes]) -> bool:
    """Whether an array that lies in lines stops after a whole element. (Within one, that row was rejected already.)"""
    end = file.seek(0, 2)
    file.seek(max(0, end - MAX_ROW))
    line = file.read().rstrip().rsplit(b"\n", 1)[-1].strip()
    return not line.endswith(b"]") and isinstance(parse(line.removesuffix(b",")), dict)


def _skip_line(file: IO[bytes]) -> None:
    while (rest := file.readline(CHUNK)) and not rest.endswith(b"\n"):
        pass


def _read_elements(file: IO[bytes], layout: Layout, cursor: Start) -> Iterator[Row]:
    number, byte = cursor
    scan = elements(file, byte or layout.start, is_array=layout.kind == "array", is_whole=layout.is_array)
    for number, (text, end) in enumerate(scan, number + 1):  # noqa: B020 - goes on counting
        yield Row(number, text if isinstance(text, BadRow) else parse(text), end)


def _read_table(file: IO[bytes], layout: Layout, cursor: Start) -> Iterator[Row]:
    delimiter = "\t" if layout.kind == "tsv" else ","
    names, first = next(_records(file, 0, delimiter), ([], 0))
    header = [name.strip() for name in names] if isinstance(names, list) else []
    if not any(header):
        raise BadFile("no_header")
    number, byte = cursor
    for record, end in _records(file, byte or first, delimiter):
        number += 1
        yield Row(number, record if isinstance(record, BadRow) else _record_to_row(header, record), end)


def _record_to_row(header: list[str], record: list[str]) -> dict[str, Any] | BadRow:
    raw = shown("\t".join(record)[:2000].encode())
    if len(record) != len(header):
        return BadRow("wrong_number_of_columns", f"{len(record)} / {len(header)}", raw)
    row = dict(zip(header, record, strict=True))
    bad = unfit(row)
    return BadRow(bad.reason, bad.detail, raw) if bad else row


def _records(file: IO[bytes], byte: int, delimiter: str) -> Iterator[tuple[list[str] | BadRow, int]]:
    """Records of a table, each with the byte after it. A quote that nothing closes costs its own line and no more."""
    while True:
        file.seek(byte)
        taken: list[str] = []
        try:
            record = next(csv.reader(_lines_of(file, taken), delimiter=delimiter), None)
            if record is not None and len(taken) > 1 and "".join(taken).count('"') % 2:
                raise csv.Error
        except csv.Error:
            file.seek(byte)
            line = file.readline(MAX_ROW + 1)
            if not line.endswith(b"\n"):
                _skip_line(file)
            byte = file.tell()
            yield BadRow("unclosed_quote", raw=shown(line)), byte
            continue
        if record is None:
            return
        byte = file.tell()
        if record:  # not a blank line
            yield record, byte


def _lines_of(file: IO[bytes], taken: list[str]) -> Iterator[str]:
    size = 0
    while (line := file.readline(MAX_ROW + 1)) and size <= MAX_ROW:
        size += len(line)
        text = line.decode("utf-8", "replace")
        taken.append(text.removeprefix("\ufeff") if file.tell() == len(line) else text)
        yield taken[-1]
    if size > MAX_ROW:
        raise csv.Error("a record of more than a row may hold")


READERS: dict[str, Callable[[IO[bytes], Layout, Start], Iterator[Row]]] = {
    "lines": _read_lines, "array": _read_elements, "values": _read_elements, "csv": _read_table, "tsv": _read_table,
}  # fmt: skip
