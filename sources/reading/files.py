"""A file as rows, whatever it is: told by its first bytes, then by its name.

`Examined.read(cursor=(row.number, row.end))` gives exactly the rows after that row. The members of an archive follow each
other, each in its own stretch of `end`s.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from .limits import MAX_FILE, MAX_ROWS, MB, BadFile
from .lines import Row, Start
from .parts import ZIP, Part, unpack
from .text import Text

COMPOUND = b"\xd0\xcf\x11\xe0"  # Excel before 2007, and every workbook with a password


class Rows(Protocol):
    """`size` is where the last row ends, as far as is known; `extent`, where it may end at most."""

    kind: str
    size: int
    extent: int

    def read(self, number: int, end: int, /) -> Iterator[Row]: ...


@dataclass(frozen=True)
class Examined:
    parts: tuple[Rows, ...]

    @property
    def size(self) -> int:
        return sum(part.extent + 1 for part in self.parts[:-1]) + self.parts[-1].size

    def read(self, cursor: Start = (0, 0)) -> Iterator[Row]:
        """The rows after `cursor`. Raises BadFile for what shows only on the way."""
        (number, end), base = cursor, 0
        for part in self.parts:
            if end <= base + part.extent:
                for row in part.read(number, max(0, end - base)):
                    number = row.number
                    if number > MAX_ROWS:
                        raise BadFile("too_many_rows", limit=MAX_ROWS)
                    yield row._replace(end=row.end + base) if base else row
            base += part.extent + 1


def examine(path: Path, name: str, encoding: str = "") -> Examined:
    """What is in the file that its owner calls `name`. Raises BadFile."""
    if not path.exists():
        raise BadFile("file_gone")
    if path.stat().st_size > MAX_FILE:
        raise BadFile("too_large", limit=MAX_FILE // MB)
    parts = tuple(_rows(part, encoding) for part in unpack(path, name))
    kinds = sorted({part.kind for part in parts})
    if len(kinds) > 1:
        raise BadFile("mixed_archive", kinds=kinds)
    return Examined(parts)


def _rows(part: Part, encoding: str) -> Rows:
    head = part.head(4)
    if head.startswith(COMPOUND):
        raise BadFile("old_workbook")
    if head in (b"PAR1", b"PARE"):
        return _made("parquet", "Table", part)
    return _made("sheets", "Workbook", part) if head.startswith(ZIP) else Text(part, encoding)


def _made(module: str, name: str, part: Part) -> Rows:
    """Its library is loaded when it is needed: that of Parquet takes longer than most files."""
    made: Rows = getattr(import_module(f"{__package__}.{module}"), name)(part)
    return made
