"""What was sent, unpacked: one file, or the members of an archive, each as its bytes from the beginning on.

Nothing is unpacked to disk: a reader gets a stream. Names of members sort and tell the format; they are never opened.
"""

import codecs
import gzip
import io
import stat
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

import zstandard

from .limits import MAX_HELD, MAX_MEMBERS, MB, BadFile, check_unpacked

CHUNK = 256 * 1024
BOM = codecs.BOM_UTF8
GZIP, ZSTD, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
ARCHIVES = (GZIP, ZSTD, *ZIP, b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
DAMAGE = (
    EOFError,
    OSError,
    zlib.error,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
Chunks = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Part:
    """One file of rows. `path`: it lies there as it is, not packed."""

    name: str
    chunks: Chunks
    path: Path | None = None

    def head(self, size: int) -> bytes:
        found = b""
        for chunk in self.chunks():
            found += chunk
            if len(found) >= size:
                break
        return found[:size]

    def whole(self) -> IO[bytes]:
        """For formats that are read from their end: the file, or its bytes in memory."""
        if self.path:
            return self.path.open("rb")
        found = io.BytesIO()
        for chunk in self.chunks():
            if found.write(chunk) and found.tell() > MAX_HELD:
                raise BadFile("too_large", limit=MAX_HELD // MB)
        found.seek(0)
        return found


def unpack(path: Path, name: str) -> list[Part]:
    """The parts in the order of their names. Raises BadFile."""
    size, chunks = path.stat().st_size, partial(_plain, path)
    part = Part(name, chunks, path)
    head = part.head(4)
    if head.startswith(GZIP):
        return [_inner(Part(_without(name, ".gz", ".gzip"), partial(_checked, partial(_gunzip, path), size)))]
    if head.startswith(ZSTD):
        return [_inner(Part(_without(name, ".zst", ".zstd"), partial(_checked, partial(_unzstd, path), size)))]
    return _members(part, size) if head.startswith(ZIP) else [part]


def check_archive(file: Path | IO[bytes], size: int) -> list[zipfile.ZipInfo]:
    """What a zip holds. Raises BadFile for one that is no good, or not meant well."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except DAMAGE:
        raise BadFile("broken_archive") from None
    if len(members) > MAX_MEMBERS:
        raise BadFile("too_many_members", limit=MAX_MEMBERS)
    for info in members:
        if info.flag_bits & 0x1:
            raise BadFile("encrypted")
        if (info.external_attr >> 16) and not stat.S_ISREG(info.external_attr >> 16) and stat.S_IFMT(info.external_attr >> 16):
            raise BadFile("link_in_archive", member=info.filename[:100])
        if info.filename.startswith(("/", "\\")) or ".." in PurePosixPath(info.filename.replace("\\", "/")).parts or ":" in info.filename:
            raise BadFile("unsafe_name", member=info.filename[:100])
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadFile("unknown_compression")
    check_unpacked(sum(info.file_size for info in members), size)
    return members


def is_workbook(names: list[str]) -> bool:
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def _members(archive: Part, size: int) -> list[Part]:
    assert archive.path
    members = check_archive(archive.path, size)
    if is_workbook([info.filename for info in members]):
        return [archive]
    if any(info.filename == "[Content_Types].xml" for info in members):  # docx, pptx …
        raise BadFile("unknown_format", suffix=Path(archive.name).suffix or "zip")
    wanted = sorted((info for info in members if not _is_litter(info.filename)), key=lambda info: info.filename)
    if not wanted:
        raise BadFile("empty_file")
    if len({info.filename for info in wanted}) < len(wanted):
        raise BadFile("broken_archive")
    return [_inner(Part(info.filename, partial(_checked, partial(_unzip, archive.path, info.filename), size))) for info in wanted]


def _inner(part: Part) -> Part:
    """`part`, if it is no archive again; a workbook is one only to machines."""
    head = part.head(4)
    if not head.startswith(ARCHIVES):
        return part
    if head.startswith(ZIP):
        whole = part.whole()
        size = whole.seek(0, 2)
        if is_workbook([info.filename for info in check_archive(whole, size)]):
            return part
    raise BadFile("nested_archive", member=part.name[:100])


def _is_litter(name: str) -> bool:
    """What systems put into archives by themselves."""
    last = name.rsplit("/", 1)[-1]
    return name.startswith("__MACOSX/") or last.startswith(".") or last in ("Thumbs.db", "desktop.ini")


def _without(name: str, *suffixes: str) -> str:
    return next((name[: -len(suffix)] for suffix in suffixes if name.lower().endswith(suffix)), name)


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(partial(file.read, CHUNK), b"")


def _gunzip(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as file:
        yield from iter(partial(file.read, CHUNK), b"")


def _unzip(path: Path, member: str) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        yield from iter(partial(file.read, CHUNK), b"")


def _unzstd(path: Path) -> Iterator[bytes]:
    """By hand: the library's reader takes a file that was cut off for one that ends. Little at a time: a kilobyte may hold 32 MB."""
    with path.open("rb") as file:
        unpacker: Any = None
        while data := file.read(1024):
            while data:
                unpacker = unpacker or zstandard.ZstdDecompressor(max_window_size=128 * MB).decompressobj()
                yield unpacker.decompress(data)
                data = unpacker.unused_data if unpacker.eof else b""
                unpacker = None if unpacker.eof else unpacker
        if unpacker:
            raise EOFError


def _checked(chunks: Chunks, packed: int) -> Iterator[bytes]:
    """In pieces of a size, counted. Raises BadFile."""
    unpacked, held, found = 0, bytearray(), chunks()
    while True:
        try:
            chunk = next(found, None)
        except DAMAGE:
            raise BadFile("broken_archive") from None
        held += chunk or b""
        unpacked += len(chunk or b"")
        check_unpacked(unpacked, packed)
        if held and (chunk is None or len(held) >= CHUNK):
            yield bytes(held)
            held.clear()
        if chunk is None:
            return


class Stream(io.RawIOBase):
    """Chunks as a file. Going back a little is cheap; going back further begins from the beginning."""

    KEPT = 16

    def __init__(self, chunks: Chunks, size: int) -> None:
        self.chunks, self.size, self.at = chunks, size, 0
        self._rewind()

    def _rewind(self) -> None:
        self.source, self.kept, self.end = self.chunks(), deque[tuple[int, bytes]](maxlen=self.KEPT), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, target: Any) -> int:
        if self.end and self.at < self.kept[0][0]:
            self._rewind()
        while self.at >= self.end:
            chunk = next(self.source, b"")
            if not chunk:
                return 0
            self.kept.append((self.end, chunk))
            self.end += len(chunk)
        start, chunk = next((start, chunk) for start, chunk in reversed(self.kept) if start <= self.at)
        piece = chunk[self.at - start : self.at - start + len(target)]
        target[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)
