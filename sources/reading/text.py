"""What kind of text a file is: JSON Lines, JSON, CSV or TSV, in which encoding. What is wrong with it as a whole raises BadFile."""

import codecs
import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import orjson

from sources import spreadsheets
from sources.rows import parse

from .limits import MAX_ROW, BadFile
from .lines import READERS, Layout, Row
from .parts import BOM, Chunks, Part, Stream

BUFFER = 256 * 1024  # bytes that are read at a time
HEAD = 2 * MAX_ROW  # what the layout of a file is told from
HOLDERS = ("data", "rows", "items", "records", "example", "examples", "list", "results", "posts", "notes")
HOLDER = re.compile(rb'"(?:%s)"\s*:\s*\[(?=\s*[\[{\]])' % "|".join(HOLDERS).encode())
# An only key that holds objects holds the rows, whatever it is called; but a row may be nothing but a conversation.
ONLY_KEY = re.compile(rb'\{\s*"(?!(?:conversations?|messages)")(?:[^"\\]|\\.)*"\s*:\s*\[(?=\s*\{)')
# First bytes of what is often uploaded by mistake: PNG, JPEG, GIF, zip, gzip, zstd, 7z, ELF, PDF, SQLite, Arrow, NumPy.
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf",
         b"\x7fELF", b"%PDF-", b"SQLite format 3", b"ARROW1", b"\x93NUMPY")  # fmt: skip
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
ENCODINGS = ("gb18030",)  # beside UTF-8, and only for who asks for it: such bytes say nothing about themselves


class Text:
    """A file of text, in UTF-8 or made so. Raises BadFile before any row."""

    def __init__(self, part: Part, encoding: str) -> None:
        if encoding and encoding not in ENCODINGS:
            raise BadFile("unknown_encoding", encoding=encoding)
        head = part.head(HEAD)
        if not head.removeprefix(BOM).strip():
            raise BadFile("empty_file")
        _check_head(head)
        if encoding and head.startswith(BOM):
            raise BadFile("not_in_encoding", encoding=encoding)
        self.part, self.chunks = part, part.chunks
        if encoding:
            self.chunks = partial(_transcoded, self.chunks, encoding)
        if b"\r" in head and b"\n" not in head:  # a Mac of the last century, or a program that believes it runs on one
            self.chunks = partial(_with_line_feeds, self.chunks)
        self.size = _checked_size(self.chunks, head)
        self.layout = _layout(self._head() if encoding else head, part.name)
        self.kind = self.layout.kind if self.layout.kind in ("csv", "tsv") else "json"
        self.extent = self.size + 1  # the row that says that the file is cut short ends behind its end

    def read(self, number: int, byte: int) -> Iterator[Row]:
        """The rows after the one of this number that ends there."""
        if byte > self.size:  # the last row said that the file is cut short: nothing comes after it
            return
        with self._open() as file:
            yield from READERS[self.layout.kind](file, self.layout, (number, byte))

    def _open(self) -> IO[bytes]:
        if self.part.path and self.chunks is self.part.chunks:
            return self.part.path.open("rb", buffering=BUFFER)
        return io.BufferedReader(Stream(self.chunks, self.size), BUFFER)

    def _head(self) -> bytes:
        with self._open() as file:
            return file.read(HEAD)


def _check_head(head: bytes) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadFile("not_utf8")
    controls = len(CONTROL.findall(head[:8192]))
    if head.startswith(MAGIC) or (controls > 8 and controls * 20 > len(head[:8192])):  # a stray one is the matter of its row
        raise BadFile("not_text")


def _checked_size(chunks: Chunks, head: bytes) -> int:
    """The bytes of it all, once it is known to be UTF-8."""
    decoder, size = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        for chunk in chunks():
            size += len(chunk)
            decoder.decode(chunk)  # a last character that was cut off is the matter of its row
    except UnicodeDecodeError:
        raise BadFile("not_text" if b"\0" in head[:8192] else "not_utf8") from None
    return size


def _transcoded(chunks: Chunks, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks():
            yield decoder.decode(chunk).encode()
    except UnicodeError:
        raise BadFile("not_in_encoding", encoding=encoding) from None
    if decoder.getstate()[0]:
        yield "\ufffd".encode()  # of the last character only the beginning is there


def _with_line_feeds(chunks: Chunks) -> Iterator[bytes]:
    for chunk in chunks():
        yield chunk.replace(b"\r", b"\n")


def _layout(head: bytes, name: str) -> Layout:
    suffix = Path(name).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return Layout(suffix[1:], is_safe=name.lower().endswith(f".{spreadsheets.SUFFIX}"))
    is_json = head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")
    if suffix in (".jsonl", ".ndjson", ".json") or is_json:
        return _json_layout(head, by_lines=suffix in (".jsonl", ".ndjson"))
    raise BadFile("unknown_format", suffix=suffix or name[-20:])


def _json_layout(head: bytes, *, by_lines: bool) -> Layout:
    body = head.removeprefix(BOM).lstrip()
    start = len(head) - len(body)
    if body.startswith(b"["):
        return Layout("lines", is_array=True) if _are_objects(body[1:], b",") else Layout("array", start + 1, is_array=True)
    holder = HOLDER.search(body) or _only_key(body, is_all=len(head) < HEAD - 16)
    if by_lines or (_are_objects(body) and (not holder or b"\n" in body.strip())):
        return Layout("lines")
    return Layout("array", start + holder.end()) if holder else Layout("values", start)


def _only_key(body: bytes, *, is_all: bool) -> re.Match[bytes] | None:
    """An object that has but one key, and there a list of objects. What is larger than a row may be is none."""
    key = ONLY_KEY.match(body)
    if key and is_all:
        try:
            return key if len(orjson.loads(body)) == 1 else None
        except orjson.JSONDecodeError:
            return None
    return key


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
