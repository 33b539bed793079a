"""The process that reads: no network of its own accord, no secrets, no file to write, little memory, little time.

It is told on its standard input what to read, and ends when that closes, for then its parent is gone. It answers on its
standard output with frames: four bytes of length, then JSON.

    {"size": …}              once, when the file was examined
    [number, end, row]       for each row
    [number, end, null, reason, detail, raw]      … that is none
    {"code": …, "params": …} when the file is of no use;  {"end": true} when all was said
"""

import json
import os
import struct
import sys
import threading
from pathlib import Path

import orjson

from sources.rows import MAX_ROW, BadRow, shown

from .files import examine
from .limits import BadFile, confine
from .lines import Row

FLUSH = 64 * 1024


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    path = Path(asked["path"])
    confine(path.stat().st_size if path.exists() else 0)
    try:
        _tell(path, asked)
        _say(orjson.dumps({"end": True}))
    except BadFile as bad:
        _say(orjson.dumps({"code": bad.code, "params": bad.params}))
    except MemoryError:
        _say(b'{"code":"too_much_memory","params":{}}')
    os._exit(0)  # nothing is left to tidy up, and what a hostile file left behind may take long


def _end_with_the_parent() -> None:
    os.read(0, 1)
    os._exit(3)


def _tell(path: Path, asked: dict[str, str]) -> None:
    found = examine(path, asked["name"], asked["encoding"])
    _say(orjson.dumps({"size": found.size}))
    held = bytearray()
    try:
        for row in found.read((int(asked["number"]), int(asked["end"]))):
            text = _frame(row)
            held += struct.pack(">I", len(text))
            held += text
            if len(held) > FLUSH:
                _write(held)
                held.clear()
    finally:
        _write(held)


def _frame(row: Row) -> bytes:
    bad = row.value
    if not isinstance(bad, BadRow):
        text = row.text or orjson.dumps(bad)
        if len(text) <= MAX_ROW:
            return b"[%d,%d,%b]" % (row.number, row.end, text)
        bad = BadRow("too_long", raw=shown(text))
    return orjson.dumps([row.number, row.end, None, bad.reason, bad.detail, bad.raw])


def _say(text: bytes) -> None:
    _write(struct.pack(">I", len(text)) + text)


def _write(data: bytes | bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]
    rest.release()
