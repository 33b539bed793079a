"""Where the audit log's chain stood, kept outside the database: signed lines of a file that only grows.

Who may do everything in the database can cut the log's tail, or write all of it anew with hashes that fit. He cannot make these lines
fit too: they lie elsewhere, and are signed with a key that the database never sees.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.core.signing import BadSignature, Signer

NAME = "anchors"
SIGNER = "accounts.anchors"


class Anchor(NamedTuple):
    position: int
    digest: str


def drop(folder: Path, anchor: Anchor) -> None:
    """Add a line. One short write at the end of a file: of several processes' lines none gets into another."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = Signer(salt=SIGNER).sign(f"{anchor.position} {anchor.digest}")
    with (folder / NAME).open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


def read(folder: Path) -> Iterator[Anchor | str]:
    """The anchors; instead of one that nobody of ours has signed, its line."""
    path = folder / NAME
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                position, digest = Signer(salt=SIGNER).unsign(line.rstrip("\n")).split(" ")
                yield Anchor(int(position), digest)
            except (BadSignature, ValueError):
                yield line.rstrip("\n")
