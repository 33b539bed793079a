"""Text as rows, from any byte on: lines, the elements of an array, the records of a table.

A row is a dict, or a BadRow that says what is wrong with it; the rows after it are read all the same. `end` of a row is the
byte that reading goes on from.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from sources.elements import elements
from sources.rows import BadRow, parse, shown, unfit_row
from sources.spreadsheets import exact

from .limits import MAX_COLUMNS, MAX_ROW, MB, BadFile
from .parts import BOM

CHUNK = MB
csv.field_size_limit(MAX_ROW)


class Row(NamedTuple):
    """`number` counts from 1: the line of a jsonl file, the element of an array, the record after a header. `text`: as JSON,
    where it was JSON. `weight`: bytes, of what came from another process."""

    number: int
    value: dict[str, Any] | BadRow
    end: int
    text: bytes = b""
    weight: int = 0


@dataclass(frozen=True)
class Layout:
    kind: str  # lines | array | values | csv | tsv
    start: int = 0  # where the first row begins
    is_array: bool = False  # `lines`: that make up an array, each an element
    is_safe: bool = False  # `csv`: for spreadsheets, as we write it


Start = tuple[int, int]  # number and end of the last row that was read


def _read_lines(file: IO[bytes], layout: Layout, cursor: Start) -> Iterator[Row]:
    number, byte = cursor
    before = 0 if byte else number + 1  # the number of the first row, where the bracket is
    file.seek(byte)
    while line := file.readline(MAX_ROW + 1):
        byte += len(line)
        if len(line) > MAX_ROW and not line.endswith(b"\n"):
            byte += _skip_line(file)
            number += 1
            yield Row(number, BadRow("too_long", raw=shown(line)), byte)
            continue
        line = line.strip().removeprefix(BOM)
        if layout.is_array:
            line = _element_of(line, is_first=number + 1 == before)
        number += bool(line) or not layout.is_array
        if line:
            yield Row(number, parse(line), byte, line)
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


def _skip_line(file: IO[bytes]) -> int:
    """The rest of a line; gives how many bytes it has."""
    size = 0
    while rest := file.readline(CHUNK):
        size += len(rest)
        if rest.endswith(b"\n"):
            break
    return size


def _read_elements(file: IO[bytes], layout: Layout, cursor: Start) -> Iterator[Row]:
    number, byte = cursor
    scan = elements(file, byte or layout.start, is_array=layout.kind == "array", is_whole=layout.is_array)
    for number, (text, end) in enumerate(scan, number + 1):  # noqa: B020 - goes on counting
        yield Row(number, text, end) if isinstance(text, BadRow) else Row(number, parse(text), end, text)


def _read_table(file: IO[bytes], layout: Layout, cursor: Start) -> Iterator[Row]:
    delimiter = "\t" if layout.kind == "tsv" else ","
    names, first = next(_records(file, 0, delimiter), ([], 0))
    header = [name.strip() for name in names] if isinstance(names, list) else []
    if not any(header):
        raise BadFile("no_header")
    if len(header) > MAX_COLUMNS:
        raise BadFile("too_many_columns", count=len(header), limit=MAX_COLUMNS)
    number, byte = cursor
    for record, end in _records(file, byte or first, delimiter):
        number += 1
        if layout.is_safe and isinstance(record, list):
            record = [exact(cell) for cell in record]
        yield Row(number, record if isinstance(record, BadRow) else _record_to_row(header, record), end)


def _record_to_row(header: list[str], record: list[str]) -> dict[str, Any] | BadRow:
    raw = shown("\t".join(record)[:2000].encode())
    if len(record) != len(header):
        return BadRow("wrong_number_of_columns", f"{len(record)} / {len(header)}", raw)
    row = dict(zip(header, record, strict=True))
    bad = unfit_row(row)
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
        is_first = file.tell() == len(line)
        line = line.rstrip(b"\r\n") + b"\n" if line.endswith(b"\r\r\n") else line
        text = line.decode("utf-8", "replace")
        taken.append(text.removeprefix("\ufeff") if is_first else text)
        yield taken[-1]
    if size > MAX_ROW:
        raise csv.Error("a record of more than a row may hold")


READERS: dict[str, Callable[[IO[bytes], Layout, Start], Iterator[Row]]] = {
    "lines": _read_lines, "array": _read_elements, "values": _read_elements, "csv": _read_table, "tsv": _read_table,
}  # fmt: skip
