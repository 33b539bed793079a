"""The part of publishing that makes a version of what the recipe takes: records, preferences, removals, facts.

What it holds is settled by one position of the log; reviews and drafts never change, so the records are written
afterwards, page by page, while people go on. A worker that dies leaves a version that the next one starts over.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from struct import Struct
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.models import QuerySet

from sources.jobs import paced

from .facts import Tally, gather
from .judging import judge
from .models import Preference, Record, Removal, Version
from .recipes import Recipe
from .records import Decided, Frame, compose
from .selecting import left_out, pick, settled_position
from .splitting import draw

PAGE = 2_000
AHEAD = 2  # pages that wait to be written
LONG = 120  # seconds that one statement over all pairs may take
MEMORY = "128MB"  # for each sort and hash of such a statement, of which it has a few: with the database's usual 4 they go to disk
AS_JSON = "convert_to(to_json({})::text, 'UTF8')"  # a text as `json.dumps` spells it, without ASCII escapes
# The pair's labels are asked for where the review has none, and the raw row where a record says something of it: a million rows that
# are not looked up are a quarter of the time.
PAGES = f"""
    SELECT c.pair, c.review, c.split,
        s.slug, s.licence, c.answer_from, r.verdict, r.by_id, extract(epoch FROM r.at)::float8, length(r.instruction), length(r.output),
        {AS_JSON.format("r.instruction")}, {AS_JSON.format("r.input")}, {AS_JSON.format("r.output")},
        s.platform, r.task_type::text, r.domain::text,
        (SELECT p.task_type::text FROM annotation_pair p WHERE p.id = c.pair AND NOT jsonb_path_exists(r.task_type, '$.*[*]')),
        (SELECT p.domain::text FROM annotation_pair p WHERE p.id = c.pair AND r.domain IN ('[]', 'null')),
        (SELECT o.raw::text FROM sources_post o WHERE o.id = c.post AND c.told)
    FROM chosen c JOIN annotation_review r ON r.id = c.review JOIN sources_source s ON s.id = c.source
    WHERE c.position >= %s AND c.position < %s ORDER BY c.position
"""  # noqa: S608 (only constants are put together)
COPY = "COPY datasets_record (version_id, position, pair_id, review_id, split, data, sha256) FROM STDIN (FORMAT binary)"
# In that format (PostgreSQL's manual, "COPY", "Binary Format") there is nothing to escape, nor to look through for ends of lines.
BEGIN, END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
NUMBERS = Struct(">h iq ii iq iq i")  # seven columns: version, position, pair, review, and the length of the split
SIZE = Struct(">i")
DIGEST = SIZE.pack(64)
PREFERENCES = """
    INSERT INTO datasets_preference (version_id, kind, position, pair_id, review_id, draft_id, split)
    SELECT %(version)s, kind, row_number() OVER (PARTITION BY kind ORDER BY pair, draft) - 1, pair, review, draft, split FROM preferred
"""
COUNTED = """
    SELECT kind, count(*) FROM preferred GROUP BY kind UNION ALL
    SELECT 'good', count(*) FROM chosen c JOIN pick k ON k.pair = c.pair WHERE k.verdict = 'accept' AND k.draft IS NOT NULL
"""
# What the version before had: left out by the recipe, rejected since, of a source no longer asked for, or open again.
REMOVALS = """
    INSERT INTO datasets_removal (version_id, pair_id, reason)
    SELECT %(version)s, old.pair_id, CASE WHEN k.fate <> '' THEN k.fate WHEN NOT k.kept THEN 'rejected'
        WHEN %(sources)s::text[] <> '{}' AND s.slug <> ALL(%(sources)s) THEN 'source' ELSE 'reopened' END
    FROM datasets_record old JOIN annotation_pair p ON p.id = old.pair_id JOIN sources_source s ON s.id = p.source_id
    LEFT JOIN pick k ON k.pair = old.pair_id
    WHERE old.version_id = %(before)s AND NOT EXISTS (SELECT FROM chosen c WHERE c.pair = old.pair_id)
"""


class Empty(Exception):
    """The recipe takes nothing."""


def freeze_records(version: Version, recipe: Recipe) -> None:
    """Make the records of `version` and all that belongs to them, its sha256 last. Raises Empty, LostLease."""
    with _room():
        _freeze(version, recipe)


def _freeze(version: Version, recipe: Recipe) -> None:
    clear(version)
    version.hold_for(LONG)
    position = settled_position()
    pick(recipe, position)
    judge(recipe, paced(lambda: version.hold_for(LONG), LONG / 12))
    splits = draw(recipe, lambda: version.hold_for(LONG))
    version.hold(log_position=position, left_out=left_out(), records_count=0, splits=splits, preferences={})
    if not splits:
        raise Empty
    tally = Tally()
    sha256 = _write_records(version, sum(splits.values()), tally)
    version.hold_for(LONG)
    facts = gather(tally, position)
    with transaction.atomic():
        _write_beside(version, recipe)
        version.progress(facts=facts, sha256=sha256)


@contextmanager
def _room() -> Iterator[None]:
    """Memory for statements over all pairs, on this connection, for as long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, false)", [MEMORY])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET work_mem")


def clear(version: Version) -> None:
    """Start over: the triggers let this happen only while the version is not frozen."""
    with transaction.atomic():
        version.hold_for(LONG)
        remove(version)


def remove(version: Version) -> None:
    """Delete the rows of a version that is not frozen."""
    for rows in (Record, Preference, Removal):
        found: QuerySet[Any] = rows._default_manager.filter(version=version)  # type: ignore[attr-defined]
        found._raw_delete(found.db)


def before(version: Version) -> Version | None:
    """The frozen version that came before."""
    return version.dataset.versions.filter(number__lt=version.number, state__in=Version.FROZEN).order_by("-number").first()


def _write_records(version: Version, total: int, tally: Tally) -> str:
    """Write the records page by page, each in a commit that renews the lease; give the sha256 of their canonical lines. While one
    page is written, the next is put into words, and the database looks for the one after that."""
    whole = hashlib.sha256()

    def spell(first: int, page: Any) -> bytes:
        with page:
            found = page.fetchall()
        tally.add(*list(zip(*found, strict=True))[3:11])
        rows = [_row(version.pk, position, values) for position, values in enumerate(found, first)]
        whole.update(b"".join(exact for _row, exact in rows))
        return b"".join(row for row, _exact in rows)

    def write(done: int, spelled: Future[bytes]) -> None:
        rows = spelled.result()
        with transaction.atomic():
            version.progress(records_count=done)  # first: it locks the row, so a second builder waits
            _copy(rows)

    with ThreadPoolExecutor(1, thread_name_prefix="spell") as spelling, _aside() as start:
        writing: deque[Future[None]] = deque()
        for first in range(0, total, PAGE):
            page = _page(first)
            writing.append(start(write, first + page.rowcount, spelling.submit(spell, first, page)))
            while len(writing) > AHEAD:
                writing.popleft().result()
        while writing:
            writing.popleft().result()
    return whole.hexdigest()


@contextmanager
def _aside() -> Iterator[Any]:
    """A function that starts another one in a thread, which has a connection of its own; within somebody's transaction, of which
    that connection would know nothing, here and now."""
    with ThreadPoolExecutor(1, thread_name_prefix="freeze") as pool:
        if connection.in_atomic_block:
            yield _at_once
            return
        try:
            yield pool.submit
        finally:
            pool.submit(lambda: connection.close()).result()  # the thread's own


def _at_once(function: Any, *values: Any) -> Future[None]:
    future: Future[None] = Future()
    future.set_result(function(*values))
    return future


def _page(start: int) -> psycopg.Cursor[Any]:
    """A cursor that has the page, in the binary format. Making Python's values of it is for who spells them: the database need not wait
    for that."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return psycopg.Cursor(connection.connection).execute(PAGES, [start, start + PAGE], binary=True)


def _row(version: int, position: int, values: Any) -> tuple[bytes, bytes]:
    """A record as a row for COPY, and its canonical line."""
    pair, review, split, _slug, licence, answered, _verdict, _by, _at, _asked, _answered, asked, context, output, *rest = values
    spelled, exact = _frame(answered, licence, *rest).spell(asked, context, output)
    numbers = NUMBERS.pack(7, 8, version, 4, position, 8, pair, 8, review, len(split))
    digest = hashlib.sha256(exact).hexdigest().encode()
    return b"".join((numbers, split.encode(), SIZE.pack(len(spelled)), spelled, DIGEST, digest)), exact


@lru_cache(maxsize=4096)
def _frame(
    answered: str, licence: str, platform: str, task: str, domain: str, own: str | None, own_domain: str | None, raw: str | None
) -> Frame:
    """What a record says beside its texts. Task type and domain are the review's, or else the pair's own."""
    return Frame.of(compose(Decided(
        instruction="", input="", output="", task_type=_task(task) or _task(own) or {},
        domain=json.loads(domain) or json.loads(own_domain or "[]"),
        answer_from=answered, licence=licence, platform=platform, raw=_raw(raw),
    )))  # fmt: skip


def _copy(rows: bytes) -> None:
    """Insert by COPY: the ORM's way spends milliseconds on a record, escaping each character twice."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")  # the version's end waits for the disk, and with it for all before
        with cursor.copy(COPY) as copy:
            copy.write(BEGIN)
            copy.write(rows)
            copy.write(END)


def _raw(text: str | None) -> dict[str, Any]:
    value = json.loads(text) if text else None
    return value if isinstance(value, dict) else {}


def _task(text: str | None) -> dict[str, Any] | None:
    value = json.loads(text) if text else None
    return value if isinstance(value, dict) and any(value.values()) else None


def _write_beside(version: Version, recipe: Recipe) -> None:
    """What is frozen beside the records: preferences, and what the version before had."""
    earlier = before(version)
    with connection.cursor() as cursor:
        version.hold_for(LONG)
        cursor.execute(PREFERENCES, {"version": version.pk})
        if earlier:
            cursor.execute(REMOVALS, {"version": version.pk, "before": earlier.pk, "sources": list(recipe.sources)})
        cursor.execute(COUNTED)
        version.hold(preferences={kind: n for kind, n in cursor.fetchall() if n})
