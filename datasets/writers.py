"""Rows to files. Pure. What comes in are pages: JSON Lines as bytes, each line ended by a line feed. Exact: what is read
back equals what was written, whatever the text holds.

Two spellings of CSV: one for machines, and one that is safe to open in a spreadsheet (see sources.spreadsheets).
"""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol

import orjson

from sources.spreadsheets import SUFFIX, safe

from .files import Sink

Pages = Iterable[bytes]


class Writer(Protocol):
    content_type: str
    label: str
    is_stable: bool  # whether the same rows give the same bytes whatever the versions of the libraries

    def write(self, out: Sink, pages: Pages, example: Mapping[str, Any]) -> None:
        """Write all pages; `example` is a row that has the types of all."""


class Jsonl:
    content_type, label, is_stable = "application/jsonl", "JSON Lines", True

    def write(self, out: Sink, pages: Pages, example: Mapping[str, Any]) -> None:
        for page in pages:
            out.write(page)


class Json:
    """One array, a row a line. (A line feed inside a string is escaped, so each that is there ends a line.)"""

    content_type, label, is_stable = "application/json", "JSON", True

    def write(self, out: Sink, pages: Pages, example: Mapping[str, Any]) -> None:
        before = b"[\n"
        for page in pages:
            if page:
                out.write(before + page[:-1].replace(b"\n", b",\n"))
                before = b",\n"
        out.write(b"\n]\n" if before == b",\n" else b"[]\n")


class Csv:
    """RFC 4180 in UTF-8, a header first, lines ended by CR LF. What is no text is JSON in its cell."""

    content_type, label, is_stable = "text/csv", "CSV", True
    start = ""

    def write(self, out: Sink, pages: Pages, example: Mapping[str, Any]) -> None:
        lines = io.StringIO(self.start)
        lines.seek(0, io.SEEK_END)
        writer = csv.writer(lines)  # it quotes both characters of the line end
        writer.writerow(example)
        for page in pages:
            writer.writerows(self.cells(orjson.loads(row)) for row in page.split(b"\n") if row)
            out.write(lines.getvalue().encode())
            lines.seek(0)
            lines.truncate()
        out.write(lines.getvalue().encode())

    def cells(self, row: Mapping[str, Any]) -> list[str]:
        return [value if isinstance(value, str) else orjson.dumps(value).decode() for value in row.values()]


class SafeCsv(Csv):
    """With the mark by which a spreadsheet knows UTF-8, and no cell that it would compute."""

    label = "CSV for spreadsheets"
    start = "\ufeff"

    def cells(self, row: Mapping[str, Any]) -> list[str]:
        return [safe(cell) for cell in super().cells(row)]


class Parquet:
    content_type, label, is_stable = "application/vnd.apache.parquet", "Parquet", False

    def write(self, out: Sink, pages: Pages, example: Mapping[str, Any]) -> None:
        import_module("datasets.parquet").write(out, pages, example)  # only here: pyarrow costs every process 60 MB


class Gzip:
    """Another format, packed, without the time of packing."""

    content_type, is_stable = "application/gzip", False

    def __init__(self, packed: Writer) -> None:
        self.packed, self.label = packed, f"{packed.label}, gzip"

    def write(self, out: Sink, pages: Pages, example: Mapping[str, Any]) -> None:
        with gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=6, mtime=0) as packed:  # type: ignore[call-overload]
            inner = Sink(packed)  # type: ignore[arg-type]
            self.packed.write(inner, pages, example)


_PLAIN: dict[str, Writer] = {"jsonl": Jsonl(), "json": Json(), "csv": Csv(), SUFFIX: SafeCsv()}
WRITERS: dict[str, Writer] = {**_PLAIN, "parquet": Parquet(), **{f"{name}.gz": Gzip(writer) for name, writer in _PLAIN.items()}}
