"""Files that are whole or not there: written aside, flushed to the disk, then given their name. Pure.

The name begins with the checksum. A worker that was stopped, lost its job and wakes up can then never put its bytes in the
place of others; at worst it leaves a file that no row knows. While it writes it holds a lock, which dies with it: what lies
aside unlocked is nobody's.
"""

import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

ASIDE = ".tmp"
BLOCK = 1 << 20
AT_ONCE = 64 << 20  # bytes that may wait for the disk: it works while the rest is made, and the end does not wait for all
NEWBORN = 60  # seconds in which a file may not be locked yet


@dataclass(frozen=True)
class Written:
    """A whole file beside its place."""

    aside: Path
    bytes: int
    sha256: str


class Sink:
    """A file being written, which counts and sums what goes in. It cannot seek, so what is summed is what is there."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest, self.bytes = file, hashlib.sha256(), 0

    closed = False

    def write(self, data: bytes) -> int:
        self.file.write(data)
        self.digest.update(data)
        self.bytes += memoryview(data).nbytes
        return memoryview(data).nbytes

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        """Whoever wraps it may say so; the file is closed by who opened it."""

    def seekable(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class Ahead(Sink):
    """Sums and writes one block behind, in a thread: meanwhile the next block is made. Errors come with the next block."""

    def __init__(self, file: BinaryIO, thread: ThreadPoolExecutor) -> None:
        super().__init__(file)
        self.thread, self.pending, self.unsynced = thread, None, 0

    pending: Future[None] | None

    def write(self, data: bytes) -> int:
        self.settle()
        block = bytes(data)  # who gave it may use its memory again
        self.bytes += len(block)
        self.pending = self.thread.submit(self._put, block)
        return len(block)

    def flush(self) -> None:
        self.settle()
        self.file.flush()

    def settle(self) -> None:
        """Wait for the block under way. Raises OSError when it could not be written."""
        pending, self.pending = self.pending, None
        if pending:
            pending.result()

    def _put(self, block: bytes) -> None:
        self.file.write(block)
        self.digest.update(block)
        self.unsynced += len(block)
        if self.unsynced >= AT_ONCE:
            self.file.flush()
            os.fdatasync(self.file.fileno())
            self.unsynced = 0


@contextmanager
def written(folder: Path, fill: Callable[[Sink], None]) -> Iterator[Written]:
    """What `fill` wrote, safe on the disk in `folder`. If nobody has moved it by the end, it is gone. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{uuid.uuid4().hex}{ASIDE}"
    try:
        with aside.open("xb") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            with ThreadPoolExecutor(1) as thread:
                sink = Ahead(out, thread)
                fill(sink)
                sink.flush()
            os.fsync(out.fileno())
            yield Written(aside, sink.bytes, sink.digest.hexdigest())
    finally:
        aside.unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Remove what writers who died left in `folder`; give how many files that were."""
    gone = 0
    for path in folder.glob(f".*{ASIDE}"):
        try:
            if time.time() - path.stat().st_mtime < NEWBORN:
                continue
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                gone += 1
        except (BlockingIOError, FileNotFoundError):
            continue  # somebody writes it, or has just given it its name
    return gone


def move(aside: Path, path: Path) -> None:
    """Give a whole file its name, for good."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(path)
    _flush(path.parent)
    _flush(path.parent.parent)


def clear(folder: Path) -> None:
    """Remove what writers who did not finish left. Only for whoever has `folder` to itself and no row of it yet."""
    for path in folder.glob("*"):
        path.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """A new name is on the disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
