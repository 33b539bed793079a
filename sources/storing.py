"""One batch of an import, in one commit: its posts with their verdicts, its signatures, what was rejected, the counts and the cursor.

Posts come judged, by the screens as they were when the reading began, but for exact duplicates: of these the database knows.
While the source's row is locked, ids grow in the order of commits; so an earlier post is always decided before a later one,
and the verdicts of a batch hold if those of all posts before it are in. Are posts waiting to be screened (`new`), or have the
screens changed, the batch waits, too, and `screening` decides about all of them in their order.

A post that passed is `kept`, and its run counts it as `waiting` until it was compared with all others: nobody makes a pair of
it before. So most posts are written once and never again; to write each a second time would double the time of an import.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.encoding import force_bytes

from .batches import POST, SIGNATURE, Batch, Head
from .importers.threads import CONTEXT, Context
from .models import ImportRun, Post, RejectedRow, Signature, Source
from .screens import SET_REASONS

# What the parent knows of a post; the rest, in the order of batches.POST, comes as it is.
OURS = ("id", "source_id", "run_id", "author", "status", "drop_reason", "drop_value", "rescued_by_id", "created_at")
POSTS = f"COPY {Post._meta.db_table} ({', '.join((*OURS, *POST))}) FROM STDIN"
SIGNATURES = f"COPY {Signature._meta.db_table} ({', '.join(('post_id', *SIGNATURE))}) FROM STDIN"
DUPLICATE = "duplicate"
# Each is looked up by itself, and by its index whatever the planner knows of the source: it may have counted when nothing was there, and
# then takes every way of finding one row for as good as any other. So only one way is left: the order that is asked for (a range from and
# to the same, since of an equal one no order is asked) and the sum, of which there is no index. As JSON, because that is made of a list
# faster than an array.
KNOWN = """
SELECT wanted.id FROM json_array_elements_text(%s) AS wanted (id) CROSS JOIN LATERAL (
SELECT FROM sources_post WHERE source_id = %s AND external_id BETWEEN wanted.id AND wanted.id ORDER BY external_id LIMIT 1) AS known
"""
TWINS = """
SELECT wanted.hash, min(twin.id) FROM json_array_elements_text(%s) AS wanted (hash) CROSS JOIN LATERAL
(SELECT id FROM sources_post WHERE content_hash = wanted.hash AND source_id + 0 = %s
AND (status = 'kept' OR status = 'dropped' AND drop_reason = ANY(%s)) OFFSET 0) AS twin GROUP BY 1
"""
IDS = """
SELECT nextval(ids.name) FROM generate_series(1, %s),
(SELECT pg_get_serial_sequence('sources_post', 'id')::regclass AS name OFFSET 0) AS ids
"""
PREPARE = """
SET LOCAL synchronous_commit TO off; SET LOCAL enable_seqscan TO off; SET LOCAL enable_sort TO off; SET LOCAL work_mem TO '32MB'
"""
Placed = tuple[Head, bytes, list[bytes]]  # a post, its line, and those of its signatures


def write(run: ImportRun, batch: Batch, screens: list[dict[str, Any]] | None, of: int) -> None:
    """`screens`: by which it was judged. Raises LostLease, and then nothing was written."""
    remembered = batch.remembered or {}
    with transaction.atomic():
        _prepare()
        today = Source.objects.select_for_update(no_key=True).values_list("screens", flat=True).get(pk=run.source_id)
        is_decided = screens is not None and today == screens and not _are_posts_waiting(run)
        posts = _unknown(run, _placed(batch))
        kept = _insert(run, posts, is_decided=is_decided)
        _add_context(run.source_id, batch.context)
        RejectedRow.objects.bulk_create(
            RejectedRow(run=run, row=row, reason=reason, detail=detail, raw=raw) for row, reason, detail, raw in batch.rejected
        )
        run.progress(
            read=run.read + batch.read,
            created=run.created + len(posts),
            known=run.known + batch.read - len(batch.rejected) - len(posts),
            rejected=run.rejected + len(batch.rejected),
            waiting=run.waiting + kept,
            cursor={"row": batch.row, "byte": batch.end, "of": of, **remembered},
        )


def _prepare() -> None:
    """The cursor is in the same commit, so one that a crash of the database takes back is made again: it need not wait for the disk.
    (The run's end does, and with it all before.) A new table has no statistics, and the planner would read all of it: what is in order
    has to come out of an index. Memory: what counts posts (ADR 8) sees a batch as a whole, which would else go through a file."""
    with connection.cursor() as cursor:
        cursor.execute(PREPARE)


def _are_posts_waiting(run: ImportRun) -> bool:
    return Post.objects.filter(source=run.source_id, status=Post.Status.NEW).exists()


def _placed(batch: Batch) -> Iterator[Placed]:
    at = 0
    for head in batch.posts:
        end = at + 1 + head.signatures
        yield head, batch.lines[at], batch.lines[at + 1 : end]
        at = end


def _unknown(run: ImportRun, placed: Iterator[Placed]) -> list[Placed]:
    """Of equal external ids in the batch, the first; none that the source has."""
    posts: dict[str, Placed] = {}
    for post in placed:
        posts.setdefault(post[0].external_id, post)
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [orjson.dumps(list(posts)).decode(), run.source_id])
        for (external_id,) in cursor.fetchall():
            del posts[external_id]
    return list(posts.values())


def _insert(run: ImportRun, posts: Sequence[Placed], *, is_decided: bool) -> int:
    """By COPY: twenty times as fast as by INSERT. Gives how many of them passed, and wait to be compared."""
    twins = _twins(run.source_id, [head.content_hash for head, _line, _signatures in posts if head.asks]) if is_decided else {}
    wanted, key, now, passed = frozenset(run.kept), _key(), timezone.now().isoformat(), 0
    lines, signatures = [], []
    for pk, (head, line, signs) in zip(_ids(len(posts)), posts, strict=True):
        is_wanted = head.row in wanted
        status, reason, value = _verdict(head, twins, is_wanted=is_wanted) if is_decided else (Post.Status.NEW.value, "", "")
        if status != Post.Status.DROPPED:
            twins.setdefault(head.content_hash, pk)
            signatures += [b"%d\t%b\n" % (pk, sign) for sign in signs]
            passed += is_decided
        by = str(run.by_id) if is_wanted else "\\N"
        author = _sealed(key, run.importer, head.author)
        ours = f"{pk}\t{run.source_id}\t{run.pk}\t{author}\t{status}\t{reason}\t{_plain(value)}\t{by}\t{now}\t"
        lines += [ours.encode("utf-8", "replace"), line, b"\n"]
    with connection.cursor() as cursor:
        for statement, data in ((POSTS, lines), (SIGNATURES, signatures)):
            if data:
                with cursor.copy(statement) as copy:
                    copy.write(b"".join(data))
    return passed


def _verdict(head: Head, twins: dict[str, int], *, is_wanted: bool) -> tuple[str, str, str]:
    """`is_wanted`: a person keeps it whatever a screen says."""
    twin = twins.get(head.content_hash) if head.asks else None
    if is_wanted or not (twin or head.reason):
        return Post.Status.KEPT.value, "", ""
    return Post.Status.DROPPED.value, *((DUPLICATE, str(twin)) if twin else (head.reason, head.value))


def _twins(source_id: int, hashes: list[str]) -> dict[str, int]:
    """Of these hashes, the earliest post of the source that has it and passed the screens that judge a post alone."""
    with connection.cursor() as cursor:
        cursor.execute(TWINS, [orjson.dumps(hashes).decode(), source_id, sorted(SET_REASONS)])
        return dict(cursor.fetchall())


def _ids(count: int) -> list[int]:
    """Taken while the source is locked, so they grow in the order of commits."""
    with connection.cursor() as cursor:
        cursor.execute(IDS, [count])
        return sorted(pk for (pk,) in cursor.fetchall())


def _add_context(source_id: int, found: Context) -> None:
    """To posts that are there. An item that is there too is not added again."""
    for post in Post.objects.filter(source=source_id, external_id__in=found).only("external_id", "context") if found else ():
        context = [*post.context, *(item for item in found[post.external_id] if item not in post.context)]
        Post.objects.filter(pk=post.pk).update(context=context[:CONTEXT])


def _plain(value: str) -> str:
    """As COPY wants it."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _key() -> bytes:
    return hashlib.sha256(b"author pseudonyms" + force_bytes(settings.SECRET_KEY)).digest()


def _sealed(key: bytes, platform: str, author: str) -> str:
    return hmac.new(key, f"{platform}\n{author}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32] if author else ""


def pseudonym(platform: str, author: str) -> str:
    """The same for the same author of a platform, and of no use to anybody without the key."""
    return _sealed(_key(), platform, author)


def salt(platform: str) -> str:
    """For the names that reading a file must remember from row to row: no pseudonym, and of no use without the key."""
    return hmac.new(_key(), f"remembered\n{platform}".encode(), hashlib.sha256).hexdigest()
