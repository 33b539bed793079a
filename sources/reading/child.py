"""The process that reads: no network of its own accord, no secrets, no file to write, little memory, little time.

It is told on its standard input what to read, and ends when that closes, for then its parent is gone. It answers on its
standard output with frames: four bytes of length, then JSON, or a batch.

    {"size": …}              once, when the file was examined
    [number, end, row]       for each row
    [number, end, null, reason, detail, raw]      … that is none
    {"code": …, "params": …} when the file is of no use;  {"end": true} when all was said

Asked to convert, it says the first rows as above, then {"sampled": true}, and waits to be told how (a recipe); then come
batches of converted rows. Where a recipe came with the question, it begins with those.
"""

import gc
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from sources.batches import Recipe
from sources.converting import Converter
from sources.importers.threads import SAMPLE
from sources.rows import MAX_ROW, BadRow, shown

from .files import Examined, examine
from .limits import MB, BadFile, confine, earn_time
from .lines import Row

FLUSH = 64 * 1024
BATCH_BYTES, BATCH_SECONDS = 4 * MB, 1.0
SAMPLE_BYTES = 8 * MB


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    path = Path(asked["path"])
    confine(path.stat().st_size if path.exists() else 0)
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # nothing here makes cycles; a twentieth of the time went into looking for some
    try:
        found = examine(path, asked["name"], asked["encoding"])
        _say(orjson.dumps({"size": found.size}))
        (_convert if asked.get("converts") else _tell)(found, asked)
        _say(orjson.dumps({"end": True}))
    except BadFile as bad:
        _say(orjson.dumps({"code": bad.code, "params": bad.params}))
    except MemoryError:
        _say(b'{"code":"too_much_memory","params":{}}')
    os._exit(0)  # nothing is left to tidy up, and what a hostile file left behind may take long


def _end_with_the_parent() -> None:
    """From when on it is told nothing more."""
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(3)), daemon=True).start()


def _tell(found: Examined, asked: dict[str, Any]) -> None:
    _end_with_the_parent()
    _say_rows(found.read((int(asked["number"]), int(asked["end"]))))


def _say_rows(rows: Iterable[Row]) -> None:
    held = bytearray()
    try:
        for row in rows:
            text = _frame(row)
            held += struct.pack(">I", len(text))
            held += text
            if len(held) > FLUSH:
                _write(held)
                held.clear()
    finally:
        _write(held)


def _convert(found: Examined, asked: dict[str, Any]) -> None:
    rows, recipe, first = found.read((int(asked["number"]), int(asked["end"]))), asked["recipe"], list[Row]()
    if not recipe:
        first = _sample(rows)
        _say_rows(first)
        _say(orjson.dumps({"sampled": True}))
        recipe = json.loads(sys.stdin.buffer.readline())
    _end_with_the_parent()
    converter = Converter(Recipe(**recipe), lambda: [row.value for row in first or _sample(found.read())])
    began, row = time.monotonic(), None
    for row in chain(first, rows):
        converter.add(row.number, row.value)
        if converter.batch.read >= asked["batch"] or converter.weight >= BATCH_BYTES or time.monotonic() - began > BATCH_SECONDS:
            _say(converter.take(row.number, row.end).packed())
            began, row = time.monotonic(), None
    if row:
        _say(converter.take(row.number, row.end).packed())


def _sample(rows: Iterator[Row]) -> list[Row]:
    """Those that a file is judged by."""
    found, size = list[Row](), 0
    while size < SAMPLE_BYTES and (row := next(rows, None)):
        found.append(row)
        size += len(row.text or str(row.value))
        if len(found) == SAMPLE:
            break
    return found


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
    earn_time()
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]
    rest.release()
