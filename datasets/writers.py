"""Rows to bytes. Exact: what is read back equals what was written, whatever the text holds."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Protocol


class Writer(Protocol):
    content_type: str

    def chunks(self, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
        """The file, piece by piece."""


class Jsonl:
    """JSON Lines as COIG-CQIA publishes them: UTF-8, no ASCII escapes, a space after comma and colon, lines ended by a
    line feed. (Inside strings a line feed is escaped; U+2028 and the like are not, so readers split at the line feed only.)"""

    content_type = "application/jsonl"

    def chunks(self, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
        for row in rows:
            yield _json(row) + b"\n"


class Json:
    """One array, a row a line."""

    content_type = "application/json"

    def chunks(self, rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
        before = b"[\n"
        for row in rows:
            yield before + _json(row)
            before = b",\n"
        yield b"\n]\n" if before == b",\n" else b"[]\n"


def _json(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8")


WRITERS: dict[str, Writer] = {"jsonl": Jsonl(), "json": Json()}
