"""Files as rows, read in a process of their own: what a stranger's file does to its reader, it does to nobody else.

The process has limits, an empty environment, no open file and no secret (see reading.child). It may be killed at any time:
it is started again where it stopped, and when it goes the same way without a row more, that is the answer.
"""

import contextlib
import logging
import os
import queue
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from .batches import Batch, Recipe
from .reading.limits import MAX_FILE, MAX_FRAME, MAX_SENT, MB, SILENCE, BadFile
from .reading.lines import Row
from .reading.text import ENCODINGS
from .rows import BadRow

__all__ = ["ENCODINGS", "MAX_FILE", "MB", "BadFile", "Reading", "Row"]

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from sources.reading.child import main; main()"
# One arena and Arrow's plain allocator: others reserve more address space than the process has. LD_LIBRARY_PATH: some Pythons need it.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1",
               "OPENBLAS_NUM_THREADS": "1",
               "OPENPYXL_LXML": "False", "OPENPYXL_DEFUSEDXML": "True"}  # fmt: skip
IDLE = 5  # seconds of silence after which `idle` is called
ENOUGH = 500  # rows after which a new death is a new matter
DEATHS = 3  # without a batch in between
BATCH = 2_000  # rows, unless they are large, or slow to come
PIECE = 256 * 1024


class Died(Exception):
    """The process is gone, and has not said why."""


class Reading:
    """The rows of one file. `size` is what the last `end` is compared with for progress, known with the first row. `idle` is called
    every few seconds while nothing comes."""

    def __init__(self, path: Path, name: str, *, encoding: str = "", idle: Callable[[], object] = lambda: None) -> None:
        self.asked = {"path": str(path.absolute()), "name": name, "encoding": encoding}
        self.idle, self.size = idle, 0

    def rows(self, cursor: tuple[int, int] = (0, 0)) -> Generator[Row, None, None]:
        """The rows after `cursor`. Raises BadFile, for a reader that died twice in the same place too."""
        has_died, since = False, cursor[0]
        while True:
            try:
                for row in self._rows(cursor):
                    cursor = (row.number, row.end)
                    yield row
                return
            except Died as death:
                log.warning("the process that read %r after row %d died: %s", self.asked["name"][:100], cursor[0], death)
                if has_died and cursor[0] - since < ENOUGH:
                    raise BadFile("reader_died") from None
                has_died, since = True, cursor[0]

    def batches(self, cursor: tuple[int, int], recipe: Callable[[Sequence[Row]], Recipe]) -> Generator[Batch, None, None]:
        """The rows after `cursor`, converted and judged by the process that reads, which goes on while a batch is used. `recipe` is
        asked with the first rows of the file, or with none where reading goes on. Raises BadFile, for a reader that died three
        times without a batch in between too."""
        deaths = 0
        while True:
            try:
                for batch in self._batches(cursor, recipe):
                    cursor, deaths = (batch.row, batch.end), 0
                    yield batch
                return
            except Died as death:
                deaths += 1
                log.warning("the process that read %r after row %d died: %s", self.asked["name"][:100], cursor[0], death)
                if deaths >= DEATHS:
                    raise BadFile("reader_died") from None

    def _batches(self, cursor: tuple[int, int], recipe: Callable[[Sequence[Row]], Recipe]) -> Iterator[Batch]:
        known = asdict(recipe([])) if any(cursor) else None
        with self._process(cursor, converts=True, recipe=known, batch=BATCH) as process:
            frames = self._frames(self._pieces(process))
            if not known:
                sample = [said for said in self._told(process, frames, until="sampled") if isinstance(said, Row)]
                assert process.stdin
                process.stdin.write(recipe(sample).packed() + b"\n")
            ahead = Ahead(self._frames(_all_of(process)))
            try:
                yield from (said for said in self._told(process, ahead.frames(self._wait)) if isinstance(said, Batch))
            finally:
                process.kill()
                ahead.end()

    def _rows(self, cursor: tuple[int, int]) -> Iterator[Row]:
        with self._process(cursor, converts=False) as process:
            yield from (said for said in self._told(process, self._frames(self._pieces(process))) if isinstance(said, Row))

    @contextmanager
    def _process(self, cursor: tuple[int, int], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
        with _start() as process:
            try:
                assert process.stdin
                process.stdin.write(orjson.dumps({**self.asked, "number": cursor[0], "end": cursor[1], **more}) + b"\n")
                yield process
            except BrokenPipeError:
                raise Died("at once") from None
            finally:
                process.kill()

    def _told(self, process: subprocess.Popen[bytes], frames: Iterator[bytes], until: str = "end") -> Iterator[Row | Batch]:
        for frame in frames:
            if frame[:1] not in (b"{", b"["):
                yield Batch.unpacked(frame)
                continue
            said = orjson.loads(frame)
            if isinstance(said, list):
                value = said[2] if len(said) == 3 else BadRow(*said[3:6])
                yield Row(said[0], value, said[1], weight=len(frame))
            elif "code" in said:
                raise BadFile(said["code"], **said["params"])
            elif until in said:
                return
            else:
                self.size = said["size"]
        code = process.wait()
        if code == -signal.SIGXCPU:
            raise BadFile("too_slow")
        raise Died(f"exit code {code}")

    def _frames(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        held, sent = bytearray(), 0
        for piece in pieces:
            sent += len(piece)
            held += piece
            at = 0
            while len(held) - at >= 4:
                (length,) = struct.unpack_from(">I", held, at)
                if length > MAX_FRAME or sent > MAX_SENT:
                    raise BadFile("unpacked_too_large", limit=MAX_SENT // MB)
                if len(held) - at - 4 < length:
                    break
                yield bytes(memoryview(held)[at + 4 : at + 4 + length])
                at += 4 + length
            del held[:at]

    def _pieces(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        assert process.stdout
        pipe, heard = process.stdout.fileno(), time.monotonic()
        while True:
            if not select.select([pipe], [], [], IDLE)[0]:
                self._wait(time.monotonic() - heard)
                continue
            piece, heard = os.read(pipe, PIECE), time.monotonic()
            if not piece:
                return
            yield piece

    def _wait(self, seconds: float) -> None:
        """Nothing came for so long."""
        self.idle()
        if seconds > SILENCE:
            raise BadFile("too_slow")


class Ahead(threading.Thread):
    """Takes from a pipe while somebody is busy with what it took before: two frames at most."""

    def __init__(self, source: Iterator[bytes]) -> None:
        super().__init__(daemon=True)
        self.source, self.taken, self.is_over = source, queue.Queue[bytes | BadFile | None](2), threading.Event()
        self.start()

    def run(self) -> None:
        try:
            for frame in self.source:
                self._put(frame)
                if self.is_over.is_set():
                    return
            self._put(None)
        except BadFile as bad:
            self._put(bad)

    def _put(self, item: bytes | BadFile | None) -> None:
        while not self.is_over.is_set():
            with contextlib.suppress(queue.Full):
                return self.taken.put(item, timeout=0.2)

    def frames(self, wait: Callable[[float], None]) -> Iterator[bytes]:
        """Raises what reading raised."""
        heard = time.monotonic()
        while True:
            try:
                item = self.taken.get(timeout=IDLE)
            except queue.Empty:
                wait(time.monotonic() - heard)
                continue
            if item is None:
                return
            if isinstance(item, BadFile):
                raise item
            yield item
            heard = time.monotonic()

    def end(self) -> None:
        """The process is gone."""
        self.is_over.set()
        self.join(10)


def _all_of(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert process.stdout
    pipe = process.stdout.fileno()
    while piece := os.read(pipe, PIECE):
        yield piece


def _start() -> subprocess.Popen[bytes]:
    environment = ENVIRONMENT | {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    return subprocess.Popen(
        [sys.executable, "-I", "-B", "-c", PROGRAM, str(ROOT)],
        bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd="/", env=environment, start_new_session=True,
    )  # fmt: skip
