"""Dropped posts that an admin keeps after all, one or many in one act, and taking that act back.

A rescue remembers what each of its posts had fallen for. Undoing it puts back those that are still kept because of it;
posts that people have decided about since then stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import AuditEntry

from .models import Post, Rescue, RescuedPost, Source
from .screening import StaleState
from .verdicts import ROLLED_BACK, decided_by_people

if TYPE_CHECKING:
    from accounts.models import User

MOST = 50_000  # posts in one act: it is one transaction, and screening waits for it
CHUNK = 2_000
UNDO = """
UPDATE sources_post SET status = 'dropped', drop_reason = lost.reason, drop_value = lost.value, rescued_by_id = NULL,
    cluster_id = (SELECT id FROM sources_post AS better WHERE lost.reason = 'near_duplicate' AND better.id::text = lost.value)
FROM sources_rescuedpost AS lost
WHERE lost.rescue_id = %s AND lost.post_id = sources_post.id AND sources_post.status = 'kept' AND sources_post.rescued_by_id IS NOT NULL
    AND NOT sources_post.id = ANY(%s)
"""


class TooMany(Exception):
    """More posts than one act may rescue."""


def rescue(source: Source, posts: QuerySet[Post], *, by: User | None) -> Rescue:
    """Keep those of `posts` that are dropped, in one commit. Raises StaleState when none of them is, TooMany."""
    with _locked(source):
        dropped = posts.filter(source=source, status=Post.Status.DROPPED).exclude(drop_reason=ROLLED_BACK).order_by("pk")
        lost = list(dropped.values_list("pk", "drop_reason", "drop_value")[: MOST + 1])
        if not lost:
            raise StaleState(f"no such post of source {source.pk} is dropped")
        if len(lost) > MOST:
            raise TooMany(MOST)
        act = Rescue.objects.create(source=source, by=by, count=len(lost))
        for chunk in (lost[at : at + CHUNK] for at in range(0, len(lost), CHUNK)):
            RescuedPost.objects.bulk_create([RescuedPost(rescue=act, post_id=pk, reason=why, value=value) for pk, why, value in chunk])
            Post.objects.filter(pk__in=[pk for pk, *_ in chunk]).update(
                status=Post.Status.KEPT, drop_reason="", drop_value="", cluster=None, rescued_by=by
            )
        detail = {
            "rescue": act.pk,
            "posts": [pk for pk, *_ in lost[:100]],
            "count": len(lost),
            "reasons": Counter(why for _, why, _ in lost),
        }
        AuditEntry.objects.create(by=by, action="posts_rescued", subject=f"source {source.slug}", detail=detail)
    return act


def rescue_one(post: Post, *, by: User | None) -> Rescue:
    """Raises StaleState when it is not dropped (any more)."""
    act = rescue(post.source, Post.objects.filter(pk=post.pk), by=by)
    post.refresh_from_db()
    return act


def undo(act: Rescue, *, by: User | None) -> tuple[int, int]:
    """Drop the posts of a rescue again, for what they had fallen for: how many went back, and how many stay because people have
    decided about them. Raises StaleState when it was undone before."""
    with _locked(act.source):
        if not Rescue.objects.filter(pk=act.pk, undone_at=None).update(undone_at=timezone.now()):
            raise StaleState(f"rescue {act.pk} is undone already")
        posts = Post.objects.filter(pk__in=RescuedPost.objects.filter(rescue=act).values("post"))
        decided = list(decided_by_people(posts).values_list("pk", flat=True).distinct())
        with connection.cursor() as cursor:
            cursor.execute(UNDO, [act.pk, decided])
            back = cursor.rowcount
        detail = {"rescue": act.pk, "back": back, "stay": len(decided)}
        AuditEntry.objects.create(by=by, action="rescue_undone", subject=f"source {act.source.slug}", detail=detail)
    return back, len(decided)


@contextmanager
def _locked(source: Source) -> Iterator[None]:
    """Nobody screens posts of the source, or makes pairs of them, until this commits."""
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        yield
