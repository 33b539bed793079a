"""Step 2: Posts become kept, or dropped with a reason and the measured value.

Posts of a source are screened in the order of their ids, one batch at a time, while the source's row is locked; imports
hold the same lock while they add posts. So ids grow in the order of commits, an earlier post is always decided before a
later one, and who survives among equal texts depends on neither timing nor the number of workers: the least id that
passed the screens before.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import connection, transaction

from accounts.models import AuditEntry

from .models import Post, Source
from .screens import Dropped, Screen, make

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)
BATCH = 500
Verdicts = dict[int, Dropped | None]


class StaleState(Exception):
    """The post is not in the state that this needs (any more)."""


def screen(source: Source) -> int:
    """Decide about the source's new posts; gives how many were decided. Safe to run twice, at once, or again after a crash.

    Raises BadScreen when the source lists a screen with settings that it does not know.
    """
    done = 0
    while count := _screen_batch(source.pk):
        done += count
    return done


def rescue(post: Post, *, by: User | None) -> None:
    """An admin keeps a dropped post after all. Raises StaleState when it is not dropped."""
    with transaction.atomic():
        dropped = Post.objects.filter(pk=post.pk, status=Post.Status.DROPPED)
        lost = dropped.values("drop_reason", "drop_value").first()
        changes = {"status": Post.Status.KEPT, "drop_reason": "", "drop_value": "", "rescued_by": by}
        if not lost or not dropped.update(**changes):
            raise StaleState(f"post {post.pk} is not dropped")
        AuditEntry.objects.create(by=by, action="post_rescued", subject=f"post {post.pk}", detail=lost)
    for name, value in changes.items():
        setattr(post, name, value)


def _screen_batch(source_id: int) -> int:
    with transaction.atomic():
        source = Source.objects.select_for_update(no_key=True).get(pk=source_id)
        screens = make(source.screens)
        posts = list(
            Post.objects.filter(source=source, status=Post.Status.NEW)
            .only("id", "title", "body", "answer", "votes", "content_hash")
            .order_by("id")[:BATCH]
        )
        _write(_judge(posts, screens, _kept_twins(source, posts)))
    return len(posts)


def _kept_twins(source: Source, posts: list[Post]) -> dict[str, int]:
    """Of the hashes in `posts`: the kept post of the source that has it, the earliest."""
    hashes = {post.content_hash for post in posts}
    kept = Post.objects.filter(source=source, status=Post.Status.KEPT, content_hash__in=hashes).order_by("-id")
    return dict(kept.values_list("content_hash", "id"))


def _judge(posts: list[Post], screens: list[Screen], twins: dict[str, int]) -> Verdicts:
    verdicts: Verdicts = {}
    for post in posts:
        twin = twins.get(post.content_hash)
        verdicts[post.pk] = next((found for each in screens if (found := each.drops(post, twin))), None)
        if verdicts[post.pk] is None:
            twins.setdefault(post.content_hash, post.pk)
    return verdicts


def _write(verdicts: Verdicts) -> None:
    new = Post.objects.filter(status=Post.Status.NEW)
    new.filter(pk__in=[pk for pk, dropped in verdicts.items() if not dropped]).update(status=Post.Status.KEPT)
    lost = [(pk, *dropped) for pk, dropped in verdicts.items() if dropped]
    if lost:
        ids, reasons, values = (list(column) for column in zip(*lost, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sources_post SET status = 'dropped', drop_reason = lost.reason, drop_value = lost.value "
                "FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS lost(id, reason, value) "
                "WHERE sources_post.id = lost.id AND sources_post.status = 'new'",
                [ids, reasons, values],
            )
