"""Where the files of versions lie: a folder, or a bucket that speaks S3. Which of them, the settings say; to whoever asks
it makes no difference. A key is `dataset/number/checksum-name`. Errors of a bucket are OSErrors, as a disk's are."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from . import files

ASIDE = ".aside"  # the folder where files grow


class Store(Protocol):
    def put(self, aside: Path, key: str) -> None:
        """Give the whole file at `aside` its place, for good. Raises OSError."""

    def size(self, key: str) -> int | None:
        """In bytes; None when it is not there."""

    def chunks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to `end`. Raises OSError."""

    def clear(self, prefix: str) -> None:
        """Remove everything below `prefix`, which ends in a slash."""

    def listed(self) -> Iterator[str]:
        """The keys of everything that is there and has its name."""


class Disk:
    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        return self.root / key

    def put(self, aside: Path, key: str) -> None:
        files.move(aside, self.path(key))

    def size(self, key: str) -> int | None:
        path = self.path(key)
        return path.stat().st_size if path.is_file() else None

    def chunks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        return _read(self.path(key).open("rb"), start, end)

    def clear(self, prefix: str) -> None:
        files.clear(self.path(prefix))

    def listed(self) -> Iterator[str]:
        for path in sorted(self.root.rglob("*")) if self.root.is_dir() else ():
            if path.is_file() and path.suffix != files.ASIDE:
                yield path.relative_to(self.root).as_posix()


def _read(file: Any, start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < end and (block := file.read(min(files.BLOCK, end - start))):
            start += len(block)
            yield block


def root() -> Path:
    """The folder of files on this machine."""
    return Path(settings.DATASET_FILES)


def store() -> Store:
    """The one that the settings name."""
    if settings.DATASET_BUCKET:
        bucket: Store = import_module("datasets.bucket").Bucket(  # only here: its client costs every process 30 MB
            settings.DATASET_BUCKET, settings.DATASET_BUCKET_ENDPOINT, settings.DATASET_BUCKET_PREFIX
        )
        return bucket
    return Disk(root())


def sweep() -> int:
    """Remove what writers who died left behind on this machine; give how many files."""
    return files.sweep(root() / ASIDE)


def write(key_of: Callable[[str], str], fill: Callable[[files.Sink], None]) -> tuple[int, str]:
    """Write a file and give it the place `key_of(sha256)`; gives its bytes and sha256. Raises OSError, and then leaves nothing.

    It is written on this machine first, in any case: only a whole file goes to a bucket.
    """
    with files.written(root() / ASIDE, fill) as done:
        store().put(done.aside, key_of(done.sha256))
    return done.bytes, done.sha256
