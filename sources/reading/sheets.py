"""Workbooks (xlsx) as rows: the first sheet that people see and that holds anything, its first row being the header.

Every cell comes as text, as it would from CSV: a number without a point that nobody wrote, a date as ISO 8601, of a formula
the value that was computed last.
"""

import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, cast
from zipfile import BadZipFile

import openpyxl
from defusedxml import DefusedXmlException

from sources.rows import BadRow, shown, unfit_row

from .limits import MAX_COLUMNS, BadFile
from .lines import Row
from .parts import Part, check_archive

BROKEN = (LookupError, ValueError, TypeError, AttributeError, OverflowError, SyntaxError, EOFError, OSError, BadZipFile, AssertionError,
          zlib.error)  # fmt: skip
LAST_ROW = 1_048_576  # of the format
if not openpyxl.DEFUSEDXML:
    raise RuntimeError("workbooks are read with defusedxml, or not at all")


class Workbook:
    kind = "xlsx"

    def __init__(self, part: Part) -> None:
        whole = part.whole()
        check_archive(whole, whole.seek(0, 2))
        whole.seek(0)
        try:
            self.book = openpyxl.load_workbook(whole, read_only=True, data_only=True, keep_links=False)
            self.sheet, self.header, self.begin = self._find_sheet()
        except BROKEN as error:
            raise _named(error) from None
        self.size = min(self.claimed or LAST_ROW, LAST_ROW)
        self.extent = LAST_ROW

    def _find_sheet(self) -> tuple[Any, list[str], int]:
        is_empty = True
        for sheet in self.book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            self.claimed = sheet.max_row
            cast("Any", sheet).reset_dimensions()  # which may claim a million columns
            for at, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                header = _trimmed([_text(cell).strip() for cell in cells[: MAX_COLUMNS + 1]])
                is_empty = False
                if len(header) > MAX_COLUMNS:
                    raise BadFile("too_many_columns", count=len(cells), limit=MAX_COLUMNS)
                if header:
                    return sheet, header, at
        raise BadFile("empty_file" if is_empty else "no_header")

    def read(self, number: int, row: int) -> Iterator[Row]:
        """The rows after that one: `end` of a row is its place in the sheet."""
        after = max(row, self.begin)
        try:
            for at, cells in enumerate(cast("Any", self.sheet).iter_rows(values_only=True), 1):
                if at > after and any(cell is not None for cell in cells):
                    number += 1
                    yield Row(number, self._row(cells), at)
        except BROKEN as error:
            raise _named(error) from None

    def _row(self, cells: tuple[Any, ...]) -> dict[str, Any] | BadRow:
        texts = [_text(cell) for cell in cells[: MAX_COLUMNS + 1]]
        texts += [""] * (len(self.header) - len(texts))
        raw = shown("\t".join(texts)[:2000].encode("utf-8", "replace"))
        if any(texts[len(self.header) :]):
            return BadRow("wrong_number_of_columns", f"{len(_trimmed(texts))} / {len(self.header)}", raw)
        row = {name: text for name, text in zip(self.header, texts, strict=False) if name}
        bad = unfit_row(row)
        return BadRow(bad.reason, bad.detail, raw) if bad else row


def _named(error: BaseException) -> BadFile:
    """openpyxl wraps what the parser refused."""
    is_refused = isinstance(error, DefusedXmlException) or isinstance(error.__cause__, DefusedXmlException)
    return BadFile("entities_in_xml" if is_refused else "broken_file")


def _trimmed(texts: list[str]) -> list[str]:
    while texts and not texts[-1]:
        texts = texts[:-1]
    return texts


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
