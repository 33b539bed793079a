"""A backup is one tar file: the database as it was at one moment, every file that it names, and a manifest with the checksums.

It may be made while people work: rows are read in one snapshot, and files never change once they have their name. The
file gets its own name when it is whole.
"""

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from datasets.exporting import key_of
from datasets.models import File
from sources.models import DryRun, ImportRun
from sources.uploads import path_of

from . import pg_tools

FORMAT, MANIFEST, DUMP = 1, "manifest.json", "database.dump"
Say = Callable[[str], None]


class Refused(Exception):
    """It cannot be done; the text says why, and what to do."""


class Named(NamedTuple):
    """A file that the database names: where it lies, and how it is called in the backup."""

    path: Path
    name: str


def back_up(place: Path, say: Say) -> Path:
    """Write a backup to `place` (a file that is not there yet, or a folder), and give its path. Raises Refused, ToolError, OSError."""
    target = place / f"zhumo-{timezone.now():%Y%m%d-%H%M%S}.tar" if place.is_dir() else place
    if target.exists():
        raise Refused(f"{target} is there already; a backup overwrites nothing")
    target.parent.mkdir(parents=True, exist_ok=True)
    growing, dump = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.dump")
    try:
        with _private(growing) as file, tarfile.open(fileobj=file, mode="w") as tar:
            with _snapshot() as name:
                said = manifest()
                say(f"Database: {sum(said['rows'].values()):,} rows in {len(said['rows'])} tables")
                _private(dump).close()
                pg_tools.run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}", f"--file={dump}")
                named = list(_named())
            said["files"] = [_add(tar, Named(dump, DUMP))]
            dump.unlink()
            _add_files(tar, named, said, say)
            text = json.dumps(said, ensure_ascii=False, indent=1).encode()
            about = tarfile.TarInfo(MANIFEST)
            about.size = len(text)
            tar.addfile(about, io.BytesIO(text))
        _keep(growing, target)
    finally:
        growing.unlink(missing_ok=True)
        dump.unlink(missing_ok=True)
    return target


def manifest() -> dict[str, Any]:
    """What the database is, in the caller's transaction: its schema (the migrations that were applied) and its rows."""
    applied: dict[str, list[str]] = {}
    for app, name in MigrationRecorder.Migration.objects.order_by("app", "name").values_list("app", "name"):
        applied.setdefault(app, []).append(name)
    tables = sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed})
    return {
        "format": FORMAT, "made_at": timezone.now().isoformat(), "postgresql": pg_tools.server_version(), "migrations": applied,
        "rows": {table: rows_of(table) for table in tables}, "bucket": settings.DATASET_BUCKET, "files": [], "missing": [],
    }  # fmt: skip


def rows_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table of our own
        return int(cursor.fetchone()[0])


@contextmanager
def _snapshot() -> Iterator[str]:
    """One moment of the database, for this transaction and for whoever is told its name."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # pg_dump takes its time
        cursor.execute("SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def _named() -> Iterator[Named]:
    digests = set(ImportRun.objects.values_list("sha256", flat=True)) | set(DryRun.objects.values_list("sha256", flat=True))
    for sha256 in sorted(digests):
        yield Named(path_of(sha256), f"uploads/{sha256}")
    if not settings.DATASET_BUCKET:  # a bucket keeps its files itself
        for file in File.objects.select_related("version__dataset").order_by("id"):
            yield Named(Path(settings.DATASET_FILES) / key_of(file), f"datasets/{key_of(file)}")


def _add_files(tar: tarfile.TarFile, named: list[Named], said: dict[str, Any], say: Say) -> None:
    begun = told = time.monotonic()
    for at, one in enumerate(named, 1):
        try:
            said["files"].append(_add(tar, one))
        except FileNotFoundError:  # taken down meanwhile, or lost before: `verify` says so after a restore
            said["missing"].append(one.name)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            say(f"Files: {at:,} of {len(named):,}, {told - begun:.0f} s")
    size = sum(file["bytes"] for file in said["files"][1:])
    say(f"Files: {len(said['files']) - 1:,}, {size / 1e6:,.1f} MB" + (f"; {len(said['missing'])} are missing" if said["missing"] else ""))


class _Summed:
    """A file that is read once, and summed while it is."""

    def __init__(self, file: Any) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.file.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, one: Named) -> dict[str, Any]:
    with one.path.open("rb") as file:
        about = tarfile.TarInfo(one.name)
        about.size = os.fstat(file.fileno()).st_size
        summed = _Summed(file)
        tar.addfile(about, summed)  # type: ignore[arg-type]
    return {"name": one.name, "bytes": about.size, "sha256": summed.digest.hexdigest()}


def _private(path: Path) -> Any:
    """A new file that its owner alone may read: hashes of passwords are in it."""
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _keep(growing: Path, target: Path) -> None:
    with growing.open("rb") as file:
        os.fsync(file.fileno())
    os.link(growing, target)  # unlike a rename, it never takes the place of another
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
