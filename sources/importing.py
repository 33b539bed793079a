"""Step 1: an ImportRun reads its file into Posts, resumable, exactly once per row.

The bytes lie under their SHA-256 before the run exists. A batch of rows, the rows rejected in it, the counts and the
cursor are one commit, fenced by the run's lease: whoever is interrupted at any point leaves whole batches behind, and
whoever takes over goes on after the last of them. So the outcome of an interrupted import equals that of any other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.encoding import force_bytes

from . import readers, wording
from .cleaning import content_hash
from .importers import IMPORTERS, PERSONAL, Importer, PostData, Rejected, lacking, recognise
from .importers.threads import CONTEXT, Context, Threads, plan
from .importers.threads import SAMPLE as THREADS_SAMPLE
from .indexing import POSTS, index_all_new
from .jobs import LostLease
from .models import DryRun, ImportRun, Post, RejectedRow, Source
from .rows import MAX_TEXT, BadRow
from .uploads import Refused, StoredFile, path_of, store

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["Refused", "StoredFile", "cancel", "describe", "describe_reason", "run_import", "start_import", "store"]

log = logging.getLogger(__name__)
BATCH, BATCH_BYTES = 500, 8 * 1024 * 1024
Values = tuple[Any, ...]
COLUMNS = ("source_id", "run_id", "row", "external_id", "url", "title", "body", "answer", "votes", "posted_at", "author",
           "question_id", "context", "raw", "content_hash", "status", "drop_reason", "drop_value",
           "rescued_by_id", "created_at")  # fmt: skip
SAMPLE = 50  # rows that an importer is recognised from
CUT_SHORT = "cut_short"
NAMED = re.compile(rf'("(?:{"|".join(PERSONAL)})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}}\]"]+)')


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
    except IntegrityError:  # somebody uploaded the same at the same moment
        return same.get(), False
    return run, True


def cancel(run: ImportRun) -> bool:
    """Stop it after the batch that is being written; the posts that are there stay. False when it was over already."""
    changes = {"state": ImportRun.State.CANCELLED, "finished_at": timezone.now(), "lease_token": None, "lease_until": None}
    cancelled = bool(ImportRun.objects.filter(pk=run.pk, state__in=["queued", "running"]).update(**changes))
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
    reading = reading_of(run)
    with closing(reading.rows((run.cursor.get("row", 0), run.cursor.get("byte", 0)))) as rows:
        first = [] if run.cursor else first_rows(rows)
        if not run.cursor:
            run.hold(importer=choose(run, first[:SAMPLE]))
        threads = threads_of(run, first)
        for batch in batches(chain(first, rows)):
            _write_batch(run, threads, batch, reading.size)
    index_all_new(POSTS, run.hold)  # whoever sees that the import is over can search its titles
    cut = run.rejected_rows.filter(reason=CUT_SHORT).first()
    detail = {"error_code": CUT_SHORT, "error_detail": json.dumps({"row": cut.row})} if cut else {}
    run.finish("succeeded", **detail)


def reading_of(run: ImportRun | DryRun) -> readers.Reading:
    """The lease is renewed while a large file is looked through."""
    return readers.Reading(path_of(run.sha256), run.file_name, encoding=run.encoding, idle=run.hold)


def first_rows(rows: Iterator[readers.Row]) -> list[readers.Row]:
    """Those that a file is judged by, and no more of it than fits a batch."""
    return next(batches(islice(rows, THREADS_SAMPLE)), [])


def choose(run: ImportRun | DryRun, sample: list[readers.Row]) -> str:
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


def threads_of(run: ImportRun | DryRun, first: list[readers.Row]) -> Threads:
    """The run's importer, and what becomes of floors: as the first rows have it, then as the last batch left it."""
    importer, seal = IMPORTERS[run.importer](run.mapping), partial(pseudonym, run.importer)
    if type(importer).floor is Importer.floor:
        return Threads(importer, "", {}, seal)
    if "floors" in run.cursor:
        return Threads(importer, run.cursor["floors"], run.cursor["threads"], seal)
    if not first:
        with closing(reading_of(run).rows()) as rows:
            first = first_rows(rows)
    sample = [row.value for row in first if isinstance(row.value, dict)]
    return Threads(importer, *plan(importer, sample, run.source.floors, seal), seal)


def batches(rows: Iterator[readers.Row]) -> Iterator[list[readers.Row]]:
    batch: list[readers.Row] = []
    weight = 0
    for row in rows:
        batch.append(row)
        weight += row.weight
        if len(batch) >= BATCH or weight >= BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _write_batch(run: ImportRun, threads: Threads, batch: list[readers.Row], of: int) -> None:
    """The rows, what was rejected of them, the counts and the cursor in one commit. Raises LostLease, and then nothing was written."""
    posts, rejected = _convert(run, threads, batch)
    remembered = {"floors": threads.mode, "threads": threads.state} if threads.state else {}
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=run.source_id)  # ids grow in the order of commits: see screening
        known = set(Post.objects.filter(source=run.source_id, external_id__in=posts).values_list("external_id", flat=True))
        new = [post for key, post in posts.items() if key not in known]
        _insert(new)
        _add_context(run.source_id, threads.taken_context())
        RejectedRow.objects.bulk_create(rejected)
        run.progress(
            read=run.read + len(batch),
            created=run.created + len(new),
            known=run.known + len(batch) - len(rejected) - len(new),
            rejected=run.rejected + len(rejected),
            cursor={"row": batch[-1].number, "byte": batch[-1].end, "of": of, **remembered},
        )


def _add_context(source_id: int, found: Context) -> None:
    """To posts that are there. An item that is there too is not added again."""
    for post in Post.objects.filter(source=source_id, external_id__in=found).only("external_id", "context") if found else ():
        context = [*post.context, *(item for item in found[post.external_id] if item not in post.context)]
        Post.objects.filter(pk=post.pk).update(context=context[:CONTEXT])


def _convert(run: ImportRun, threads: Threads, batch: list[readers.Row]) -> tuple[dict[str, Values], list[RejectedRow]]:
    """The posts by their external id (of equal ones in the batch, the first), and the rows that become none."""
    posts: dict[str, Values] = {}
    rejected, kept = [], frozenset(run.kept)
    for row in batch:
        data = converted(threads, row)
        if isinstance(data, BadRow):
            rejected.append(RejectedRow(run=run, row=row.number, reason=data.reason, detail=data.detail, raw=data.raw))
        elif isinstance(row.value, dict):
            kept_by = run.by_id if row.number in kept else None
            posts.setdefault(data.external_id, _values(run, threads.importer, row.number, row.value, data, kept_by))
    return posts, rejected


def converted(threads: Threads, row: readers.Row) -> PostData | BadRow:
    """The row as a post, or why it becomes none: short enough to be stored, and without names."""
    bad = row.value
    if isinstance(bad, dict):
        try:
            return _data(threads, bad)
        except Rejected as error:
            bad = BadRow(error.reason, error.detail, json.dumps(threads.importer.anonymous(bad), ensure_ascii=False))
    return BadRow(bad.reason, bad.detail[:300], _masked(bad.raw)[:2000])


def _masked(raw: str) -> str:
    """A row that could not be read, without the names in it, as far as they can be found."""
    return NAMED.sub(r"\1…", raw)


def _data(threads: Threads, row: dict[str, Any]) -> PostData:
    """Raises Rejected, also for what the importer did not think of: one row never fails a batch."""
    try:
        data = threads.read(row)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        log.exception("importer %s failed on a row", type(threads.importer).__name__)
        raise Rejected("importer_failed", type(error).__name__) from error
    longest = max(len(data.title), len(data.body), len(data.answer))
    if longest > MAX_TEXT:
        raise Rejected("text_too_long", f"{longest} > {MAX_TEXT}")
    return data


def _values(run: ImportRun, importer: Importer, number: int, row: dict[str, Any], data: PostData, kept_by: int | None) -> Values:
    """A post as COLUMNS want it."""
    return (
        run.source_id, run.pk, number, data.external_id, data.url, data.title, data.body, data.answer, data.votes, data.posted_at,
        pseudonym(run.importer, data.author), data.question_id, orjson.dumps(data.context).decode(),
        orjson.dumps(importer.anonymous(row)).decode(), content_hash(data.title, data.body, data.answer),
        Post.Status.NEW.value, "", "", kept_by, timezone.now(),
    )  # fmt: skip


def _insert(posts: list[Values]) -> None:
    """By COPY: twenty times as fast as by INSERT, where Chinese JSON is escaped character by character."""
    with connection.cursor() as cursor, cursor.copy(f"COPY sources_post ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for values in posts:
            copy.write_row(values)


def pseudonym(platform: str, author: str) -> str:
    """The same for the same author of a platform, and of no use to anybody without the key."""
    key = hashlib.sha256(b"author pseudonyms" + force_bytes(settings.SECRET_KEY)).digest()
    return hmac.new(key, f"{platform}\n{author}".encode(), hashlib.sha256).hexdigest()[:32] if author else ""


def printable(name: str) -> str:
    """A file name as it may be stored and shown: no control or direction characters, the end of it when it is long."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)[-300:] or "?"
