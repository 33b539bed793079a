"""Files that are whole or not there: written aside, flushed to the disk, then given their name.

The name on disk begins with the checksum. A worker that was stopped, lost its job and wakes up can then never put its
bytes in the place of others; at worst it leaves a file that no row knows.
"""

import hashlib
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ASIDE = ".tmp"


@dataclass(frozen=True)
class Written:
    path: Path
    bytes: int
    sha256: str


def place(folder: Path, name: str, sha256: str) -> Path:
    """Where the file called `name` with this checksum lies."""
    return folder / f"{sha256[:12]}-{name}"


def write(folder: Path, name: str, chunks: Iterable[bytes]) -> Written:
    """Write all of `chunks`; give what was written once it is safe on the disk. Raises OSError, and then leaves nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{uuid.uuid4().hex}{ASIDE}"
    try:
        digest, size = hashlib.sha256(), 0
        with aside.open("xb") as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
            out.flush()
            os.fsync(out.fileno())
        path = place(folder, name, digest.hexdigest())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _flush(folder)
    _flush(folder.parent)
    return Written(path, size, digest.hexdigest())


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
