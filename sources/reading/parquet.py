"""Parquet as rows, a few hundred in memory at a time; a row group that was read already is skipped unread."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sources.rows import BadRow, unfit_row

from .limits import MAX_COLUMNS, MAX_ROWS, BadFile, check_unpacked
from .lines import Row
from .parts import Part

BATCH = 256
BROKEN = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, NotImplementedError)


class Table:
    kind = "parquet"

    def __init__(self, part: Part) -> None:
        whole = part.whole()
        self.packed = whole.seek(0, 2)
        whole.seek(max(0, self.packed - 4))
        if whole.read(4) == b"PARE":
            raise BadFile("encrypted")
        whole.seek(0)
        try:
            self.file = pq.ParquetFile(whole, memory_map=False, pre_buffer=False, arrow_extensions_enabled=False)
            names = self.file.schema_arrow.names
        except MemoryError:
            raise
        except BROKEN:
            raise BadFile("broken_file") from None
        if len(names) > MAX_COLUMNS or self.file.metadata.num_columns > 4 * MAX_COLUMNS:
            raise BadFile("too_many_columns", count=len(names), limit=MAX_COLUMNS)
        if self.file.metadata.num_rows > MAX_ROWS:
            raise BadFile("too_many_rows", limit=MAX_ROWS)
        self.size = self.extent = self.file.metadata.num_rows

    def read(self, number: int, row: int) -> Iterator[Row]:
        """The rows after that one: `end` of a row is its place in the file."""
        begin = unpacked = 0
        for group in range(self.file.num_row_groups):
            count = self.file.metadata.row_group(group).num_rows
            if begin + count > row:
                for batch in self._batches(group):
                    unpacked += batch.nbytes
                    check_unpacked(unpacked, self.packed)
                    for at, value in enumerate(_values(batch, max(0, row - begin)), begin + max(0, row - begin) + 1):
                        number += 1
                        yield Row(number, value, at)
                    begin += batch.num_rows
            else:
                begin += count

    def _batches(self, group: int) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.file.iter_batches(BATCH, row_groups=[group], use_threads=False)
        except MemoryError:
            raise
        except BROKEN:
            raise BadFile("broken_file") from None


def _values(batch: pa.RecordBatch, skip: int) -> Iterator[dict[str, Any] | BadRow]:
    batch = batch.slice(skip) if skip else batch
    try:
        rows = batch.to_pylist()
    except MemoryError:
        raise
    except BROKEN:  # one of them holds what Python has no value for
        yield from (_alone(batch.slice(at, 1)) for at in range(batch.num_rows))
        return
    for row in rows:
        yield _fit(row)


def _alone(batch: pa.RecordBatch) -> dict[str, Any] | BadRow:
    try:
        return _fit(batch.to_pylist()[0])
    except MemoryError:
        raise
    except BROKEN as error:
        return BadRow("bad_value", type(error).__name__)


def _fit(row: dict[str, Any]) -> dict[str, Any] | BadRow:
    try:
        plain = _plain(row)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        return BadRow("bad_value", type(error).__name__)
    return unfit_row(plain) or plain


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return value if value - value == 0 else None  # not NaN, not infinite
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)  # Decimal and the like
