"""Step 1: an ImportRun reads its file into Posts, resumable, exactly once per row.

The bytes lie under their SHA-256 before the run exists. A batch of rows, the rows rejected in it, the counts and the
cursor are one commit, fenced by the run's lease: whoever is interrupted at any point leaves whole batches behind, and
whoever takes over goes on after the last of them. So the outcome of an interrupted import equals that of any other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry

from . import readers, wording
from .batches import Recipe
from .importers import IMPORTERS, lacking, recognise
from .indexing import POSTS, index_all_new
from .jobs import LostLease, ending
from .lists import filled, make
from .models import DryRun, ImportRun, Source
from .rows import BadRow
from .screens import BadScreen
from .storing import salt, write
from .uploads import Refused, StoredFile, path_of, store

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["Refused", "StoredFile", "audit", "cancel", "describe", "describe_reason", "run_import", "start_import", "store"]

log = logging.getLogger(__name__)
SAMPLE = 50  # rows that an importer is recognised from
CUT_SHORT = "cut_short"


def start_import(
    source: Source,
    stored: StoredFile,
    *,
    name: str,
    by: User | None,
    importer: str = "",
    mapping: Mapping[str, str] | None = None,
    encoding: str = "",
    kept: Collection[int] = (),
) -> tuple[ImportRun, bool]:
    """Order the reading of a stored file. The same bytes again give the earlier run and False; a failed or cancelled one does not count.

    `kept`: rows that no screen may drop, because `by` wants them all the same; needs a `by`."""
    same = ImportRun.objects.filter(source=source, sha256=stored.sha256, state__in=["queued", "running", "succeeded"])
    if earlier := same.first():
        return earlier, False
    mapping = {field: column for field, column in (mapping or {}).items() if column}
    try:
        with transaction.atomic():
            run = ImportRun.objects.create(
                source=source, sha256=stored.sha256, size=stored.size, file_name=printable(name), by=by,
                importer=importer or ("generic" if mapping else ""), mapping=mapping, encoding=encoding, kept=sorted(kept) if by else [],
            )  # fmt: skip
            audit("import_ordered", run, by, file=run.file_name, sha256=run.sha256)
    except IntegrityError:  # somebody uploaded the same at the same moment
        return same.get(), False
    return run, True


def audit(action: str, run: ImportRun, by: User | None, **detail: Any) -> None:
    """What a person did about an import; what commands and the demo order is in the import's own row."""
    if by:
        AuditEntry.objects.create(by=by, action=action, subject=f"import {run.pk} of source {run.source.slug}", detail=detail)


def cancel(run: ImportRun, *, by: User | None = None) -> bool:
    """Stop it after the batch that is being written; the posts that are there stay. False when it was over already."""
    changes = {"state": ImportRun.State.CANCELLED, "finished_at": timezone.now(), "lease_token": None, "lease_until": None}
    with transaction.atomic():
        cancelled = bool(ImportRun.objects.filter(pk=run.pk, state__in=["queued", "running"]).update(**changes))
        if cancelled:
            audit("import_cancelled", run, by)
    run.refresh_from_db()
    return cancelled


def run_import(run_id: int) -> None:
    """Read the file of a run that is due, from where it stopped; of one that is not due, nothing. Raises nothing for bad input."""
    run = ImportRun.claim(run_id)
    if run is None:
        return
    try:
        _read(run)
    except readers.BadFile as bad:
        run.finish("failed", error_code=bad.code, error_detail=json.dumps(bad.params, ensure_ascii=False))
    except LostLease:
        log.info("import %s is somebody else's now, or cancelled", run_id)
    except (OperationalError, psycopg.OperationalError) as error:  # the latter of COPY
        _let_go(run, error)


def _let_go(run: ImportRun, error: Exception) -> None:
    """The connection to the database is gone: the next who looks goes on after the last batch, without waiting for our lease to end."""
    log.warning("import %s lost the database after row %s: %s", run.pk, run.read, error)
    connection.close()
    run.let_go()


def describe(run: ImportRun) -> str:
    """Why the run failed, or what was not right with it, as a sentence in the reader's language; empty when all is well."""
    if not run.error_code:
        return ""
    try:
        params = json.loads(run.error_detail or "{}")
    except ValueError:
        params = {}
    return wording.file_failure(run.error_code, params)


describe_reason = wording.row_reason


def _read(run: ImportRun) -> None:
    reading, screens = reading_of(run), _screens(run.source)
    with closing(reading.batches((run.cursor.get("row", 0), run.cursor.get("byte", 0)), partial(_recipe, run, screens))) as found:
        for batch in found:
            write(run, batch, screens, reading.size)
            if ending.is_set():
                run.let_go()
                raise LostLease(f"import {run.pk}: this worker is asked to end")
    index_all_new(POSTS, run.hold)  # whoever sees that the import is over can search its titles
    cut = run.rejected_rows.filter(reason=CUT_SHORT).first()
    detail = {"error_code": CUT_SHORT, "error_detail": json.dumps({"row": cut.row})} if cut else {}
    run.finish("succeeded", **detail)


def _screens(source: Source) -> list[dict[str, Any]] | None:
    """None where they cannot be made: then nothing is judged, and whoever screens the source is told."""
    try:
        make(source.screens)
    except BadScreen:
        return None
    return source.screens


def _recipe(run: ImportRun, screens: list[dict[str, Any]] | None, first: Sequence[readers.Row]) -> Recipe:
    """How to read the file: with its first rows, before anything is read. Raises BadFile."""
    if not run.cursor:
        run.hold(importer=choose(run, first[:SAMPLE]))
    threads = {"floors": run.cursor["floors"], "threads": run.cursor["threads"]} if "floors" in run.cursor else {}
    return Recipe(run.importer, run.mapping, run.source.floors, salt(run.importer), None if screens is None else filled(screens), threads)


def reading_of(run: ImportRun | DryRun) -> readers.Reading:
    """The lease is renewed while a large file is looked through."""
    return readers.Reading(path_of(run.sha256), run.file_name, encoding=run.encoding, idle=run.hold)


def choose(run: ImportRun | DryRun, sample: Sequence[readers.Row]) -> str:
    """The importer for the file, by its first rows. Raises BadFile when none can read it."""
    rows = [row.value for row in sample if isinstance(row.value, dict)]
    if not rows:
        reasons = [row.value.reason for row in sample if isinstance(row.value, BadRow)]
        raise readers.BadFile("no_usable_rows", reason=reasons[0]) if reasons else readers.BadFile("no_rows")
    name = run.importer or recognise(rows)
    fallback = run.source.platform if run.source.platform in IMPORTERS else "generic"
    if name and name not in IMPORTERS:
        raise readers.BadFile("unknown_importer", importer=name)
    missing = lacking(IMPORTERS[name or fallback](run.mapping), rows)
    if missing:
        present = dict.fromkeys(key for row in rows for key in row)
        raise readers.BadFile("missing_column", missing=sorted(missing), present=[key[:60] for key in present][:30])
    return name or fallback


def printable(name: str) -> str:
    """A file name as it may be stored and shown: no control or direction characters, the end of it when it is long."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)[-300:] or "?"
