"""What a frozen version's rows are good for: the same checksum and the same bytes, for ever and on any machine."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from . import files
from .models import File, Version
from .records import canonical, digest
from .schemas import SCHEMAS
from .writers import WRITERS

PAGE = 500
SPLIT = "train"
DEFAULT_FILES = (("cqia", "jsonl"), ("alpaca", "json"), ("messages", "jsonl"))  # of every version; the first is the dataset


class Refused(Exception):
    """What was asked cannot be done; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def subject(version: Version) -> str:
    """How the audit log calls it."""
    return f"dataset {version.dataset.slug} version {version.number}"


def recompute(version: Version) -> str:
    """The sha256 of the version from its rows alone: equal to `version.sha256` for ever, on any machine."""
    whole = hashlib.sha256()
    for data in _data(version):
        whole.update(canonical(data))
    return whole.hexdigest()


def is_whole(version: Version) -> bool:
    """Whether the rows of a frozen version are what they were: number, splits, each checksum, and the whole."""
    records = version.records.order_by("position").values_list("position", "split", "data", "sha256")
    whole, splits, expected = hashlib.sha256(), Counter[str](), 0
    for position, split, data, sha256 in records.iterator(chunk_size=PAGE):
        if position != expected or digest(data) != sha256:
            return False
        whole.update(canonical(data))
        splits[split] += 1
        expected += 1
    return (expected, dict(splits), whole.hexdigest()) == (version.records_count, version.splits, version.sha256)


def folder_of(version: Version) -> Path:
    return Path(settings.DATASET_FILES) / version.dataset.slug / str(version.number)


def path_of(file: File) -> Path:
    """Where the bytes of `file` lie, made of its row alone."""
    return files.place(folder_of(file.version), file.name, file.sha256)


def write_files(version: Version) -> list[File]:
    """Write the files that every version has; give their rows, not yet saved: they come last."""
    return [write_file(version, schema, suffix, while_writing=version.hold) for schema, suffix in DEFAULT_FILES]


def write_file(version: Version, schema: str, suffix: str, *, while_writing: Callable[[], None] = lambda: None) -> File:
    """One export of the version's rows on the disk, and its row, not saved. The same rows give the same bytes."""
    name = f"{SPLIT}.{schema}.{suffix}"
    rows = (SCHEMAS[schema].row(data) for data in _data(version, while_writing))
    written = files.write(folder_of(version), name, WRITERS[suffix].chunks(rows))
    return File(version=version, name=name, schema=schema, format=suffix, bytes=written.bytes, sha256=written.sha256)


def export(version: Version, schema: str, suffix: str) -> File:
    """The file of a frozen version in this layout, written if it is not there. Raises Refused."""
    if schema not in SCHEMAS or suffix not in WRITERS:
        raise Refused("unknown_layout", f"schemas: {', '.join(SCHEMAS)}; formats: {', '.join(WRITERS)}")
    if version.state not in (Version.State.READY, Version.State.RELEASED):
        raise Refused("not_ready", f"{subject(version)} is {version.state}")
    known = version.files.filter(schema=schema, format=suffix).first()
    if known and is_there(known):
        return known
    file = write_file(version, schema, suffix)
    File.objects.bulk_create([file], ignore_conflicts=True)
    known = version.files.get(schema=schema, format=suffix)
    if known.sha256 != file.sha256:
        raise Refused("damaged", f"{subject(version)}: the rows no longer give the bytes of {file.name}; run `manage.py verify`")
    return known


def in_order(version: Version) -> list[File]:
    """The files of a version, COIG-CQIA first."""
    order = list(SCHEMAS)
    return sorted(version.files.all(), key=lambda file: (order.index(file.schema) if file.schema in order else len(order), file.name))


def is_there(file: File) -> bool:
    path = path_of(file)
    return path.is_file() and path.stat().st_size == file.bytes


def _data(version: Version, meanwhile: Callable[[], None] = lambda: None) -> Iterator[dict[str, Any]]:
    """The records in order, page by page and without a transaction; `meanwhile` is called before each page.

    Positions leave no gaps, so a page is a range of them: the index serves that even before the planner has statistics.
    """
    start = 0
    while True:
        meanwhile()
        rows = version.records.filter(position__range=(start, start + PAGE - 1)).order_by("position")
        page = list(rows.values_list("data", flat=True))
        if not page:
            return
        yield from page
        start += PAGE
