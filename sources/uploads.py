"""The bytes of uploaded files, each under its SHA-256."""

import hashlib
import logging
import os
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings

from . import readers, wording

log = logging.getLogger(__name__)


class Refused(Exception):
    """A file that is not taken at all, with the sentence that says why."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(wording.file_failure(code, params))
        self.code = code


class StoredFile(NamedTuple):
    sha256: str
    size: int


def store(file: Any, name: str) -> StoredFile:
    """Keep the bytes of `file` under their SHA-256, whole or not at all. Raises Refused(too_large)."""
    settings.UPLOADS.mkdir(parents=True, exist_ok=True)
    temporary, digest, size = settings.UPLOADS / f"{uuid.uuid4()}.part", hashlib.sha256(), 0
    try:
        with temporary.open("xb") as target:
            while chunk := file.read(1024 * 1024):
                size += len(chunk)
                if size > readers.MAX_FILE:
                    raise Refused("too_large", limit=readers.MAX_FILE // 2**20)
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        temporary.replace(path_of(digest.hexdigest()))
        _sync(settings.UPLOADS)
    finally:
        temporary.unlink(missing_ok=True)
    log.info("stored %r, %d bytes", name[:100], size)
    return StoredFile(digest.hexdigest(), size)


def path_of(sha256: str) -> Path:
    """Where the file of this digest lies."""
    return Path(settings.UPLOADS) / sha256


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
