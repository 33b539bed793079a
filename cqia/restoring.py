"""A backup becomes this installation: everything is unpacked and compared with its checksums before anything is touched.

The database that was there steps aside (as another schema) until the new one is whole, and comes back when that fails.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from . import pg_tools
from .backing_up import DUMP, FORMAT, MANIFEST, Refused, Say, rows_of

BLOCK = 1 << 20


def restore(backup: Path, *, force: bool, say: Say) -> dict[str, Any]:
    """Make this installation what the backup holds; gives its manifest. Raises Refused, ToolError, OSError, and then nothing has changed
    but, at worst, files of datasets that lie aside. Migrations are not run, and nothing is verified: that is the caller's."""
    _must_be_alone()
    if not force and (there := _there()):
        raise Refused(f"this installation is not empty ({there}). Restore with --force throws away what is in it")
    settings.VAR.mkdir(parents=True, exist_ok=True)
    aside = settings.VAR / "restore.part"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        said = _unpack(backup, aside)
        say(f"Unpacked: {len(said['files'])} files, as of {said['made_at']}; all checksums are right")
        with _replaced():
            pg_tools.run(
                "pg_restore", "--dbname=", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(aside / DUMP)
            )
            for table, rows in said["rows"].items():
                if rows_of(table) != rows:
                    raise Refused(f"{table} has {rows_of(table)} rows instead of {rows}")
            say(f"Database: {sum(said['rows'].values()):,} rows in {len(said['rows'])} tables")
            _place(aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return said


def _must_be_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        if others := cursor.fetchone()[0]:
            raise Refused(f"{others} other connections to this database are open: stop web, workers and beat first")


def _there() -> str:
    """What would be lost, in words; empty when nothing would."""
    tables = set(connection.introspection.table_names())
    counted = {
        table: rows_of(table) for table in ("accounts_user", "sources_post", "annotation_pair", "datasets_version") if table in tables
    }
    return ", ".join(f"{rows} rows in {table}" for table, rows in counted.items() if rows)


def _unpack(backup: Path, aside: Path) -> dict[str, Any]:
    """Everything under `aside`, compared with the manifest. Raises Refused."""
    try:
        with tarfile.open(backup) as tar:
            said = _manifest(tar)
            for file in said["files"]:
                _extract(tar, file, aside)
    except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
        raise Refused(f"{backup} is not a whole backup: {error}") from error
    return said


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    file = tar.extractfile(MANIFEST)
    said: dict[str, Any] = json.load(file) if file else {}
    if said.get("format") != FORMAT:
        raise Refused(f"a backup of the format {said.get('format')}; this version reads {FORMAT}")
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    ours = {app for app, _name in known}
    if newer := [
        f"{app}.{name}" for app, names in said["migrations"].items() for name in names if app in ours and (app, name) not in known
    ]:
        raise Refused(f"the backup was made by a newer version, which has {', '.join(newer[:3])}: upgrade first")
    return said


def _extract(tar: tarfile.TarFile, file: dict[str, Any], aside: Path) -> None:
    target = (aside / file["name"]).resolve()
    if not target.is_relative_to(aside.resolve()):
        raise Refused(f"{file['name']!r} leads out of the backup")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, source = hashlib.sha256(), tar.extractfile(file["name"])
    with target.open("xb") as out:
        while source and (block := source.read(BLOCK)):
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != file["sha256"]:
        raise Refused(f"{file['name']} has changed since the backup was made")


@contextmanager
def _replaced() -> Iterator[None]:
    """An empty schema in the place of the one that is there; the old one goes when the block went through, and else comes back."""
    old = f"before_restore_{timezone.now():%Y%m%d%H%M%S}"
    _execute(f"ALTER SCHEMA public RENAME TO {old}", "CREATE SCHEMA public")
    try:
        yield
    except BaseException:
        _execute("DROP SCHEMA public CASCADE", f"ALTER SCHEMA {old} RENAME TO public")
        raise
    _execute(f"DROP SCHEMA {old} CASCADE")


def _execute(*statements: str) -> None:
    connection.close()  # nothing prepared or cached from before
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _place(aside: Path) -> None:
    """Files of datasets that were there lie beside the new ones: nobody names them any more, and they are not ours to delete. So do the
    anchors of the audit log that was there: the one that is there now need not reach as far."""
    files = Path(settings.DATASET_FILES)
    for there in filter(None, (files, settings.AUDIT_ANCHORS)):
        if there.is_dir() and any(there.iterdir()):
            there.rename(there.with_name(f"{there.name}.before-{timezone.now():%Y%m%d-%H%M%S}"))
    for folder, target in (("uploads", Path(settings.UPLOADS)), ("datasets", files)):
        for path in sorted((aside / folder).rglob("*")):
            if path.is_file():
                place = target / path.relative_to(aside / folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, place)
