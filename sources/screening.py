"""Step 2: Posts become kept, or dropped with a reason and the measured value.

An import judges its posts by the screens that look at one post while it reads them (`storing`); what is left to do here is to
compare all that passed with each other (`comparing`). Posts that are screened again, or came in while others were, are `new`:
they are judged here first, in the order of their ids, one batch at a time, while the source's row is locked; imports hold the
same lock while they add posts. So ids grow in the order of commits, and an earlier post is always decided before a later one.
One worker at a time screens a source. So who survives depends on neither timing nor the number of workers.

Nothing is taken back that a person decided about: rescued posts stay, and posts with a review.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT

from accounts.models import AuditEntry

from .cleaning import content_hash
from .comparing import compare
from .lists import make
from .models import ImportRun, Post, Signature, Source
from .screens import SET_REASONS, Dropped, Screen, SetScreen
from .verdicts import ROLLED_BACK, decided_by_people, drop, keep

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
BATCH = 500
EDITED = ("title", "body", "answer", "content_hash")  # what edits change, and screening again restores
UNDER_WAY = (ImportRun.State.QUEUED, ImportRun.State.RUNNING)
ADVISORY = 0x5C4EE  # the class of our advisory locks; the object is the source
Verdicts = dict[int, Dropped | None]


class StaleState(Exception):
    """The post, or the source, is not in the state that this needs (any more)."""


def screen(source: Source) -> int:
    """Decide about the source's new posts and those that wait to be compared; gives how many were decided: none while another
    worker is at it. Safe to run twice, at once, or again after a crash.

    Raises BadScreen when the source lists a screen with settings that it does not know.
    """
    with alone(source.pk) as is_mine:
        if not is_mine:
            return 0
        waiting = dict(ImportRun.objects.filter(source=source, waiting__gt=0).exclude(state__in=UNDER_WAY).values_list("pk", "waiting"))
        done = last = 0
        while batch := _screen_batch(source.pk, last):
            done, last = done + len(batch), batch[-1].pk
        if last or waiting:
            compare(source.pk, last)
        for run, count in waiting.items():  # unless it went on meanwhile, and has more of them
            ImportRun.objects.filter(pk=run, waiting=count).exclude(state__in=UNDER_WAY).update(waiting=0)
    return done + sum(waiting.values())


def unscreened() -> QuerySet[Source]:
    """Sources with posts to decide about, and no import under way that will bring more."""
    under_way = ImportRun.objects.filter(state__in=UNDER_WAY).values("source")
    waiting = ImportRun.objects.filter(waiting__gt=0).values("source")
    has_new = Exists(Post.objects.filter(source=OuterRef("pk"), status=Post.Status.NEW))
    return Source.objects.filter(has_new | Q(pk__in=waiting)).exclude(pk__in=under_way)


def rescreen(source: Source, *, by: User | None) -> int:
    """Put the source's posts back to `new`, with their texts as they were found, to be screened again by its screens of today; gives
    how many.

    Those stay as they are that a person rescued, or that have a review, or that somebody is reviewing. A pair that
    nobody has reviewed waits until its post is kept again. Raises StaleState while the source is being screened.
    """
    with alone(source.pk) as is_mine:
        if not is_mine:
            raise StaleState(f"source {source.pk} is being screened")
        make(source.screens)
        with transaction.atomic():
            Source.objects.select_for_update(no_key=True).get(pk=source.pk)
            closed = Q(status=Post.Status.NEW) | Q(drop_reason=ROLLED_BACK)
            again = Post.objects.filter(source=source, rescued_by=None).exclude(closed)
            again = again.exclude(pk__in=decided_by_people(again).values("pk"))
            Signature.objects.filter(post__in=again.filter(original__isnull=False)).delete()
            restored: dict[str, Any] = {name: KT(f"original__{name}") for name in EDITED}
            again.filter(original__isnull=False).update(**restored, original=None)
            count = again.update(status=Post.Status.NEW, drop_reason="", drop_value="", cluster=None)
            AuditEntry.objects.create(by=by, action="source_rescreened", subject=f"source {source.slug}", detail={"posts": count})
    return count


@contextmanager
def alone(source_id: int) -> Iterator[bool]:
    """Whether nobody else screens the source until this ends. The lock is the connection's: whoever dies gives it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [ADVISORY, source_id])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [ADVISORY, source_id])


def _screen_batch(source_id: int, after: int) -> list[Post]:
    with transaction.atomic():
        source = Source.objects.select_for_update(no_key=True).get(pk=source_id)
        screens = make(source.screens)
        posts = list(
            Post.objects.filter(source=source, status=Post.Status.NEW, pk__gt=after)
            .only("id", "title", "body", "answer", "votes", "content_hash", "original", "rescued_by")
            .order_by("id")[:BATCH]
        )
        if changed := edit(posts, screens):
            Post.objects.bulk_update(changed, [*EDITED, "original"])
            Signature.objects.filter(post__in=changed).delete()
        verdicts = judge(posts, screens, _earlier_twins(source, posts, after))
        _write(verdicts, is_final=not any(isinstance(each, SetScreen) for each in screens))
    return posts


def edit(posts: list[Post], screens: list[Screen]) -> list[Post]:
    """All changes of the texts, before anything is judged: what is masked is masked for everything that follows. What they were is
    kept, for the day when other screens edit them. Gives the changed ones; who stores them is the caller's matter."""
    changed = []
    for post in posts:
        before = {name: getattr(post, name) for name in EDITED}
        edited = False
        for each in screens:
            for field, text in each.edits(post).items():
                setattr(post, field, text)
                edited = True
        if edited:
            post.original = post.original or before
            post.content_hash = content_hash(post.title, post.body, post.answer)
            changed.append(post)
    return changed


def _earlier_twins(source: Source, posts: list[Post], after: int) -> dict[str, int]:
    """Of the hashes in `posts`: the earliest post of the source that has it and passed. Those that are still `new` up to
    `after` have passed, too: they wait to be compared. So have those that fell to others."""
    fell = Q(status=Post.Status.DROPPED, drop_reason__in=SET_REASONS)
    passed = Q(status=Post.Status.KEPT) | Q(status=Post.Status.NEW, pk__lte=after) | fell
    hashes = {post.content_hash for post in posts}
    twins = Post.objects.filter(passed, source=source, content_hash__in=hashes).order_by("-id")
    return dict(twins.values_list("content_hash", "id"))


def judge(posts: list[Post], screens: list[Screen], twins: dict[str, int]) -> Verdicts:
    """Each post by itself, in order. `twins`: of their hashes, the earliest post that has it and passed; it grows."""
    verdicts: Verdicts = {}
    for post in posts:
        twin = twins.get(post.content_hash)
        is_wanted = post.rescued_by_id is not None
        verdicts[post.pk] = None if is_wanted else next((found for each in screens if (found := each.drops(post, twin))), None)
        if verdicts[post.pk] is None:
            twins.setdefault(post.content_hash, post.pk)
    return verdicts


def _write(verdicts: Verdicts, *, is_final: bool) -> None:
    """The drops, and what is kept if the verdicts are `is_final`."""
    if is_final:
        keep(pk for pk, dropped in verdicts.items() if not dropped)
    drop([(pk, dropped) for pk, dropped in verdicts.items() if dropped])
