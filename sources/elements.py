"""The elements of a JSON array (or JSON values one after another) as bytes, streaming, from any element on. Pure.

A parser that builds the values (ijson) knows neither where an element began nor how to go on after a broken one; here the
brackets are counted, and each element is left to `rows.parse`.
"""

import re
from collections.abc import Iterator
from typing import IO

from .rows import MAX_ROW, BadRow, shown

CHUNK = 256 * 1024
_OUTSIDE = re.compile(rb'[^"\[\]{},]*+(["\[\]{},]?)')
# The end of a string: its quote, or a line break, which no JSON string holds: there it broke off. The text before it in one go.
_INSIDE = re.compile(rb'(?:[^"\\\n]++|\\.)*+(["\n]?)', re.DOTALL)


def elements(file: IO[bytes], start: int, *, is_array: bool, is_whole: bool = False) -> Iterator[tuple[bytes | BadRow, int]]:
    """Each element and the byte after it. What cannot be told apart any more comes as one last BadRow, which ends behind the
    end of the file. `is_whole`: the array is all that the file holds."""
    scan = _Scan(file, start)
    depth, is_inside = 0, False
    while (char := scan.next(_INSIDE if is_inside else _OUTSIDE)) is not None:
        if is_inside:
            if char == b"\n":
                yield scan.rest("cut_short")
                return
            is_inside = char != b'"'
        elif char == b'"':
            is_inside = True
        elif char in b"[{":
            depth += 1
        elif char in b"]}":
            depth -= 1
            if depth < 0:
                yield from scan.element(before=1)
                if char == b"}" or (is_whole and scan.has_more()):
                    yield scan.rest("cut_short")
                return
            if depth == 0 and not is_array:
                yield from scan.element()
        elif depth == 0:
            yield from scan.element(before=1)
    if is_array or scan.has_rest():
        yield scan.rest("cut_short")


class _Scan:
    """A window over the file: `begin` is where the element began, `at` how far it was looked through."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        file.seek(start)
        self.file, self.base, self.buffer, self.begin, self.at = file, start, b"", 0, 0
        self.is_long = False

    def next(self, pattern: re.Pattern[bytes]) -> bytes | None:
        """The next byte that matters, or None at the end of the file."""
        while True:
            match = pattern.match(self.buffer, self.at)
            if match:  # always: of nothing, at the least
                self.at = match.end()
                if match[1]:
                    return match[1]
            if not self._more():
                return None

    def _more(self) -> bool:
        if self.at - self.begin > MAX_ROW:
            self.is_long, self.begin = True, self.at
        chunk = self.file.read(CHUNK)
        self.buffer = self.buffer[self.begin :] + chunk
        self.base, self.at, self.begin = self.base + self.begin, self.at - self.begin, 0
        return bool(chunk)

    def element(self, before: int = 0) -> Iterator[tuple[bytes | BadRow, int]]:
        """What began at `begin`, if anything. `before`: how many bytes of the end are not part of it."""
        text = self.buffer[self.begin : self.at - before].strip()
        is_closing = self.buffer[self.at - 1 : self.at] in (b"]", b"}") and before
        end = self.base + self.at - (1 if is_closing else 0)
        is_long, self.is_long, self.begin = self.is_long or len(text) > MAX_ROW, False, self.at
        if is_long:
            yield BadRow("too_long"), end
        elif text:
            yield text, end

    def has_rest(self) -> bool:
        return self.is_long or bool(self.buffer[self.begin :].strip(b" \t\r\n,"))

    def has_more(self) -> bool:
        """Whether anything but space comes after `at`."""
        return bool((self.buffer[self.at :] + self.file.read(CHUNK)).strip())

    def rest(self, reason: str) -> tuple[BadRow, int]:
        return BadRow(reason, raw=shown(self.buffer[self.begin :])), self.file.seek(0, 2) + 1
