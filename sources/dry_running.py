"""Before step 1: what importing a file would do, found out by the same functions, and written only to a DryRun and its rows.

Rows are read, converted, edited and judged as an import and the screening after it do it; then the whole set is compared,
together with the posts that are there. So what a dry run says is what the import does, unless something else comes into the
source between the two. A batch of rows and the cursor are one commit, fenced by the lease, as in importing.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from . import comparing, importing, readers, screening, wording
from .batches import Recipe
from .cleaning import content_hash
from .converting import converted, threads_of
from .dry_columns import columns_of, unread_of
from .importers import IMPORTERS, PostData
from .importers.threads import SAMPLE as THREADS_SAMPLE
from .importers.threads import Threads
from .jobs import LEASE, LostLease
from .lists import make
from .models import DryRow, DryRun, Post
from .rows import BadRow
from .screens import SET_REASONS, Dropped, Member, Screen, SetScreen
from .storing import pseudonym
from .verdicts import STAYS, decided_by_people

log = logging.getLogger(__name__)
BASE = 1 << 62  # row 88 of the file is compared as the post BASE + 88: later than any that is there, as it will be
CHUNK = 2_000
BATCH, BATCH_BYTES = 500, 8 * 1024 * 1024
COMPARED = 2_000  # posts a second, at the least: for so long the lease is taken while they are compared
COLUMNS = ("run_id", "row", "outcome", "reason", "value", "external_id", "title", "body", "answer", "votes", "author", "question_id",
           "content_hash", "raw", "is_kept")  # fmt: skip
Outcome = DryRow.Outcome


def run_dry(dry_run_id: int) -> None:
    """Read the file of a dry run that is due, from where it stopped. Raises nothing for bad input."""
    dry = DryRun.claim(dry_run_id)
    if dry is None:
        return
    try:
        _read(dry)
        _compare(dry)
    except readers.BadFile as bad:
        dry.finish("failed", error_code=bad.code, error_detail=json.dumps(bad.params, ensure_ascii=False))
    except LostLease:
        log.info("dry run %s is somebody else's now, paused or stopped", dry_run_id)


def describe(dry: DryRun) -> str:
    """Why it failed, as a sentence in the reader's language; empty when it did not."""
    return wording.file_failure(dry.error_code, json.loads(dry.error_detail or "{}")) if dry.error_code else ""


def _read(dry: DryRun) -> None:
    reading = importing.reading_of(dry)
    with closing(reading.rows((dry.cursor.get("row", 0), dry.cursor.get("byte", 0)))) as rows:
        first = [] if dry.cursor else first_rows(rows)
        if not dry.cursor:
            _look(dry, first)
        threads = _threads(dry, first)
        screens = make(dry.screens)
        for batch in batches(chain(first, rows)):
            _write_batch(dry, threads, screens, batch, reading.size)


def first_rows(rows: Iterator[readers.Row]) -> list[readers.Row]:
    """Those that a file is judged by, and no more of it than fits a batch."""
    return next(batches(islice(rows, THREADS_SAMPLE)), [])


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


def _threads(dry: DryRun, first: list[readers.Row]) -> Threads:
    """The importer, and what becomes of floors: as the first rows have it, then as the last batch left it."""
    threads = {"floors": dry.cursor["floors"], "threads": dry.cursor["threads"]} if "floors" in dry.cursor else {}
    recipe = Recipe(dry.importer, dry.mapping, dry.source.floors, "", None, threads)
    return threads_of(recipe, partial(pseudonym, dry.importer), lambda: [row.value for row in first or _first_of(dry)])


def _first_of(dry: DryRun) -> list[readers.Row]:
    with closing(importing.reading_of(dry).rows()) as rows:
        return first_rows(rows)


def _look(dry: DryRun, first: list[readers.Row]) -> None:
    """What the first rows tell: the columns, which the person sees whatever comes of it, and how to read them. Raises BadFile."""
    sample = [row.value for row in first[: importing.SAMPLE] if isinstance(row.value, dict)]
    columns = columns_of(sample)
    dry.hold(columns=columns)
    if not dry.asked and not dry.mapping:
        names = sorted(column["name"] for column in columns)
        saved: dict[str, str] = next((each["mapping"] for each in dry.source.mappings if each.get("columns") == names), {})
        dry.hold(mapping=saved, importer="generic" if saved else "")
    dry.hold(importer=importing.choose(dry, first[: importing.SAMPLE]))
    dry.hold(columns=columns_of(sample, IMPORTERS[dry.importer](dry.mapping)))


def _write_batch(dry: DryRun, threads: Threads, screens: Sequence[Screen], batch: list[readers.Row], of: int) -> None:
    """What would become of the rows, the counts and the cursor in one commit. Raises LostLease, and then nothing was written."""
    found = [(row, converted(threads, row.value)) for row in batch]
    threads.taken_context()  # shown beside posts, never judged
    remembered = {"floors": threads.mode, "threads": threads.state} if threads.state else {}
    with transaction.atomic():
        rows = _judged(dry, screens, found)
        _insert(rows)
        dry.progress(
            read=dry.read + len(batch),
            counts=_counted(dry.counts, rows, unread_of(threads.importer, found)),
            cursor={"row": batch[-1].number, "byte": batch[-1].end, "of": of, **remembered},
        )


def _judged(dry: DryRun, screens: Sequence[Screen], found: list[tuple[readers.Row, PostData | BadRow]]) -> list[DryRow]:
    known, kept = _known(dry, [data.external_id for _row, data in found if isinstance(data, PostData)]), frozenset(dry.kept)
    rows, posts = [], []
    for row, data in found:
        if isinstance(data, BadRow):
            rows.append(DryRow(run=dry, row=row.number, outcome=Outcome.REJECTED, reason=data.reason, value=data.detail, raw=data.raw))
        elif data.external_id in known:
            rows.append(DryRow(run=dry, row=row.number, outcome=Outcome.KNOWN, reason="known", **_texts(data)))
        else:
            known.add(data.external_id)
            rows.append(_candidate(dry, row.number, data, is_kept=row.number in kept))
            posts.append(_post(dry, rows[-1]))
    screening.edit(posts, list(screens))
    verdicts = screening.judge(posts, list(screens), _earlier_twins(dry, {post.content_hash for post in posts}))
    by_row = {row.row: row for row in rows}
    for post in posts:
        _settle(by_row[post.row], post, verdicts[post.pk])
    return rows


def _known(dry: DryRun, ids: list[str]) -> set[str]:
    """Of these ids, those that a post of the source has, or an earlier row of the file."""
    there = Post.objects.filter(source=dry.source_id, external_id__in=ids).values_list("external_id", flat=True)
    earlier = dry.rows.filter(external_id__in=ids, outcome__in=[Outcome.PASSED, Outcome.DROPPED]).values_list("external_id", flat=True)
    return {*there, *earlier}


def _texts(data: PostData) -> dict[str, str]:
    return {"title": data.title, "body": data.body, "answer": data.answer}


def _candidate(dry: DryRun, number: int, data: PostData, *, is_kept: bool) -> DryRow:
    return DryRow(
        run=dry, row=number, outcome=Outcome.PASSED, external_id=data.external_id, votes=data.votes, question_id=data.question_id,
        author=pseudonym(dry.importer, data.author), is_kept=is_kept,
        content_hash=content_hash(data.title, data.body, data.answer), **_texts(data),
    )  # fmt: skip


def _post(dry: DryRun, row: DryRow) -> Post:
    """The row as screening sees it. Never saved."""
    return Post(
        pk=BASE + row.row, row=row.row, title=row.title, body=row.body, answer=row.answer, votes=row.votes,
        content_hash=row.content_hash, rescued_by_id=0 if row.is_kept else None,
    )  # fmt: skip


def _settle(row: DryRow, post: Post, dropped: Dropped | None) -> None:
    row.title, row.body, row.answer, row.content_hash = post.title, post.body, post.answer, post.content_hash
    if dropped:
        row.outcome, row.reason, row.value = Outcome.DROPPED, dropped.reason, _named(dropped)


def _named(dropped: Dropped) -> str:
    """The measured value; where that is one of the file's rows, `~` and its number."""
    is_post = dropped.reason in ("duplicate", "near_duplicate")
    return f"~{int(dropped.value) - BASE}" if is_post and int(dropped.value) >= BASE else dropped.value


def _earlier_twins(dry: DryRun, hashes: set[str]) -> dict[str, int]:
    fell = Q(status=Post.Status.DROPPED, drop_reason__in=SET_REASONS)
    passed = Q(status__in=[Post.Status.KEPT, Post.Status.NEW]) | fell
    there = Post.objects.filter(passed, source=dry.source_id, content_hash__in=hashes).order_by("-id").values_list("content_hash", "id")
    here = dry.rows.passed().filter(content_hash__in=hashes).order_by("-row").values_list("content_hash", "row")
    return {content: BASE + row for content, row in here} | dict(there)


def _insert(rows: list[DryRow]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY sources_dryrow ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([getattr(row, column) for column in COLUMNS])


def _counted(counts: dict[str, Any], rows: list[DryRow], unread: dict[str, list[Any]]) -> dict[str, Any]:
    """`counts` and what `rows` add to them."""
    lost = Counter((row.outcome, row.reason) for row in rows if row.outcome != Outcome.PASSED)
    more: dict[str, Any] = {
        **counts,
        "known": counts["known"] + sum(n for (outcome, _reason), n in lost.items() if outcome == Outcome.KNOWN),
        "unread": {**counts["unread"], **{name: [n + counts["unread"].get(name, [0])[0], eg] for name, (n, eg) in unread.items()}},
    }
    for outcome in (Outcome.REJECTED, Outcome.DROPPED):
        found = Counter({reason: n for (at, reason), n in lost.items() if at == outcome})
        more[outcome.value] = dict(Counter(counts[outcome.value]) + found)
    return more


def _compare(dry: DryRun) -> None:
    """The screens of the whole set, over what got through so far and the posts that are there; then it is done."""
    screens = [screen for screen in make(dry.screens) if isinstance(screen, SetScreen)]
    fallen: dict[int, Dropped] = {}
    if screens:
        posts = comparing.passed_of(dry.source)
        dry.hold(lease=LEASE + timedelta(seconds=(dry.through + posts.count()) / COMPARED))
        fallen = comparing.fallen_of(dry.source, screens, posts, lambda: _members(dry))
    lost = {pk - BASE: dropped for pk, dropped in fallen.items() if pk >= BASE}
    displaced = _displaced(dry, [pk for pk in fallen if pk < BASE])
    counts = {**dry.counts, "displaced": displaced}
    counts["dropped"] = dict(Counter(counts["dropped"]) + Counter(dropped.reason for dropped in lost.values()))
    with transaction.atomic():
        dry.finish("succeeded", counts=counts)
        _drop(dry, lost)


def _members(dry: DryRun) -> Iterator[Member]:
    fields = ("row", "title", "body", "answer", "votes", "question_id", "is_kept")
    for row, *values in dry.rows.passed().order_by("row").values_list(*fields).iterator(chunk_size=CHUNK):
        yield Member(BASE + row, *values)


def _displaced(dry: DryRun, pks: list[int]) -> int:
    """How many of these posts of the source, kept today, would give way to rows of the file."""
    count = 0
    for at in range(0, len(pks), CHUNK):
        kept = Post.objects.filter(pk__in=pks[at : at + CHUNK], source=dry.source_id, status=Post.Status.KEPT).exclude(STAYS)
        count += kept.exclude(pk__in=decided_by_people(kept).values("pk")).count()
    return count


def _drop(dry: DryRun, lost: dict[int, Dropped]) -> None:
    rows = iter(lost.items())
    while chunk := list(islice(rows, CHUNK)):
        columns = zip(*((row, dropped.reason, _named(dropped)) for row, dropped in chunk), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sources_dryrow SET outcome = 'dropped', reason = lost.reason, value = lost.value "
                "FROM unnest(%s::int[], %s::text[], %s::text[]) AS lost(row, reason, value) "
                "WHERE run_id = %s AND sources_dryrow.row = lost.row",
                [*map(list, columns), dry.pk],
            )
