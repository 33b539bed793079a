"""What a frozen version's rows are good for: the same checksum and the same bytes, for ever and on any machine."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from sources.jobs import LostLease, paced

from . import storage
from .bundling import write_zip
from .files import Sink
from .models import Export, File, Version
from .reading import Meanwhile, expected, nothing, pages, stored
from .recipes import SPLITS
from .records import canonical, digest
from .schemas import SCHEMAS, Schema, example
from .writers import WRITERS

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
SECOND = 1.0  # between two words about how far it is
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
    for _, _, data, _ in stored(version):
        whole.update(canonical(data))
    return whole.hexdigest()


def is_whole(version: Version) -> bool:
    """Whether the rows of a frozen version are what they were: number, splits, each checksum, and the whole."""
    whole, splits, count = hashlib.sha256(), Counter[str](), 0
    for position, split, data, sha256 in stored(version):
        if position != count or digest(data) != sha256:
            return False
        whole.update(canonical(data))
        splits[split] += 1
        count += 1
    return (count, dict(splits), whole.hexdigest()) == (version.records_count, version.splits, version.sha256)


def prefix_of(version: Version) -> str:
    return f"{version.dataset.slug}/{version.number}/"


def key_of(file: File) -> str:
    """Where the bytes of `file` lie, made of its row alone."""
    return _key(file.version, file.name, file.sha256)


def path_of(file: File) -> Path:
    """The same on a disk."""
    return storage.Disk(storage.root()).path(key_of(file))


def is_there(file: File) -> bool:
    return storage.store().size(key_of(file)) == file.bytes


def write_files(version: Version) -> list[File]:
    """Write the files that every version has; give their rows, not yet saved: they come last. Raises OSError, LostLease."""
    hold = paced(version.progress, SECOND)
    return [file for schema, suffix in DEFAULT_FILES for file in write_layout(version, schema, suffix, meanwhile=lambda _: hold())]


def write_layout(version: Version, schema: str, suffix: str, *, meanwhile: Meanwhile = nothing) -> list[File]:
    """A file of the version's rows for each split, and their rows, not saved. The same rows give the same bytes."""
    return [file for split in version.split_names if (file := _write_file(version, schema, suffix, split, meanwhile)).rows]


def _write_file(version: Version, schema: str, suffix: str, split: str, meanwhile: Meanwhile) -> File:
    name, counted = f"{split}.{schema}.{suffix}", Counter[str]()

    def count(rows: int) -> None:
        counted["rows"] += rows
        meanwhile(rows)

    def fill(out: Sink) -> None:
        WRITERS[suffix].write(out, pages(version, schema, split, count), example(schema))

    size, sha256 = storage.write(partial(_key, version, name), fill)
    return File(version=version, name=name, split=split, schema=schema, format=suffix, rows=counted["rows"], bytes=size, sha256=sha256)


def _key(version: Version, name: str, sha256: str) -> str:
    return f"{prefix_of(version)}{sha256[:12]}-{name}"


# --- on order ---------------------------------------------------------------------------------------------------------


def order(version: Version, schema: str, suffix: str, *, by: "User | None") -> Export:
    """Ask for further files: a queued job for `run`. The same order twice is one. The caller sends the hint. Raises Refused."""
    check(version, schema, suffix)
    open_ = version.exports.filter(schema=schema, format=suffix, state__in=["queued", "running"])
    try:
        with transaction.atomic():
            return open_.first() or Export.objects.create(version=version, schema=schema, format=suffix, by=by)
    except IntegrityError:  # somebody was faster
        return open_.get()


def check(version: Version, schema: str, suffix: str) -> None:
    """Raises Refused when there can be no such file."""
    if (schema, suffix) not in layouts():
        raise Refused("unknown_layout", f"schemas: {', '.join(SCHEMAS)}, bundle; formats: {', '.join(WRITERS)}; a bundle is a zip")
    if not version.is_usable:
        raise Refused("not_ready", f"{subject(version)} is {version.state}")
    if schema in SCHEMAS and not expected(version, schema):
        raise Refused("no_rows", f"{subject(version)} holds no row for {schema}: no decision passed the gates of its recipe")


def layouts() -> set[tuple[str, str]]:
    return {(schema, suffix) for schema in SCHEMAS for suffix in WRITERS} | set(FURTHER)


def export(version: Version, schema: str, suffix: str, *, meanwhile: Meanwhile = nothing) -> list[File]:
    """The files of a frozen version in this layout, written if they are not there. Raises Refused, OSError."""
    check(version, schema, suffix)
    known = list(_files(version, schema, suffix))
    if known and all(map(is_there, known)):
        return known
    make = FURTHER.get((schema, suffix))
    return save(version, make(version, meanwhile) if make else write_layout(version, schema, suffix, meanwhile=meanwhile))


def save(version: Version, written: list[File]) -> list[File]:
    """Write the rows of files that are whole. A row that is there stays: its file is there again, byte for byte; only where
    another version of a library packs otherwise, the row follows. Raises Refused when the bytes are no longer the same."""
    with transaction.atomic():
        Version.objects.select_for_update(no_key=True).get(pk=version.pk)
        known = {file.name: file for file in version.files.filter(name__in=[file.name for file in written])}
        for file in written:
            there = known.get(file.name)
            if there and there.sha256 != file.sha256:
                if file.format in WRITERS and WRITERS[file.format].is_stable:
                    raise Refused(
                        "damaged", f"{subject(version)}: the rows no longer give the bytes of {file.name}; run `manage.py verify`"
                    )
                there.delete()
            if not there or there.sha256 != file.sha256:
                file.save()
    return list(version.files.filter(name__in=[file.name for file in written]))


def run(export_id: int) -> None:
    """Write the files that were ordered, if nobody else does. Whatever a worker that died left is written anew."""
    job = Export.claim(export_id)
    if job is None:
        return
    version = Version.objects.select_related("dataset").get(pk=job.version_id)

    say = paced(lambda: job.progress(rows=job.rows), SECOND)

    def told(rows: int) -> None:
        job.rows += rows
        say()

    job.rows = 0
    try:
        export(version, job.schema, job.format, meanwhile=told)
        job.finish(Export.State.SUCCEEDED, rows=job.rows)
    except LostLease:
        log.warning("export %s: cancelled, or somebody else writes it now", job.pk)
    except Refused as error:
        _end(job, error.code, str(error))
    except OSError as error:
        log.exception("export %s cannot be written", job.pk)
        _end(job, "disk", error.strerror or str(error))


def cancellable(version: Version, *, by: "User") -> QuerySet[Export]:
    """Those that this person may cancel: their own, and for admins all."""
    return version.exports.all() if by.has_role("admin") else version.exports.filter(by=by)


def cancel(job: Export) -> bool:
    """Whether it was still under way. Its worker notices with the next page."""
    return bool(Export.objects.filter(pk=job.pk, state__in=["queued", "running"]).update(state="cancelled"))


def _end(job: Export, code: str, detail: str) -> None:
    try:
        job.finish(Export.State.FAILED, error_code=code, error_detail=detail)
    except LostLease:
        log.warning("export %s: somebody else writes it now", job.pk)


def in_order(version: Version) -> list[File]:
    """The files of a version: COIG-CQIA first, train before test."""
    return sorted(version.files.all(), key=lambda file: (_place(file.schema, SCHEMAS), file.format, _place(file.split, SPLITS)))


def _place(name: str, order_: Iterable[str]) -> int:
    """Where it stands in the order; what is not in it comes last."""
    known = list(order_)
    return known.index(name) if name in known else len(known)


def _files(version: Version, schema: str, suffix: str) -> list[File]:
    return list(version.files.filter(Q(schema=schema, format=suffix)))


def _bundle(version: Version, meanwhile: Meanwhile) -> list[File]:
    size, sha256 = storage.write(partial(_key, version, "bundle.zip"), lambda out: write_zip(version, out, meanwhile))
    return [File(version=version, name="bundle.zip", split="", schema="bundle", format="zip", bytes=size, sha256=sha256)]


FURTHER: dict[tuple[str, str], Callable[[Version, Meanwhile], list[File]]] = {("bundle", "zip"): _bundle}  # what is no layout of rows


def offered(version: Version) -> list[tuple[str, Schema, list[str]]]:
    """The layouts that have rows in this version, and the formats of each that are not there yet."""
    there = set(version.files.values_list("schema", "format"))
    return [
        (name, schema, [suffix for suffix in WRITERS if (name, suffix) not in there])
        for name, schema in SCHEMAS.items()
        if expected(version, name)
    ]
