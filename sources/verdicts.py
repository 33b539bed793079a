"""What screens decided, written: who is kept, who is dropped and why, and whom no screen may drop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from .models import Post
from .screens import SET_REASONS, Dropped

UNDECIDED = Q(status=Post.Status.NEW) | Q(status=Post.Status.DROPPED, drop_reason__in=SET_REASONS)
HANDED_ON = Exists(Post.objects.filter(pk=OuterRef("pk"), pairs__isnull=False))
ROLLED_BACK = "rolled_back"  # why a post was dropped whose import was taken back, where a pair holds on to it
WANTED = Q(rescued_by__isnull=False)  # a person keeps it whatever a screen says; it is still new right after its import
STAYS = (WANTED & Q(status__in=[Post.Status.NEW, Post.Status.KEPT])) | Q(status=Post.Status.KEPT) & Q(HANDED_ON)  # in somebody's hands


def decided_by_people(posts: QuerySet[Post]) -> QuerySet[Post]:
    """Of `posts`, those whose pair has a review, or a seat that somebody holds."""
    seat = Q(pairs__assignments__expires_at=None) | Q(pairs__assignments__expires_at__gt=timezone.now())
    held = Q(pairs__assignments__isnull=False) & seat
    return posts.filter(Q(pairs__reviews__isnull=False) | held).order_by()


def keep(pks: Iterable[int]) -> int:
    """Those that are new, or were dropped for the sake of others."""
    changes = {"status": Post.Status.KEPT, "drop_reason": "", "drop_value": "", "cluster": None}
    return Post.objects.filter(UNDECIDED, pk__in=pks).update(**changes)


def drop(lost: Sequence[tuple[int, Dropped]]) -> None:
    """Those that are new, dropped for the sake of others, or kept but in nobody's hands yet. A post that people decided
    about is kept instead. The caller holds the lock of the source, so that no pair is made meanwhile."""
    pks = [pk for pk, _dropped in lost]
    decided = set(decided_by_people(Post.objects.filter(pk__in=pks)).values_list("pk", flat=True))
    keep(decided | set(Post.objects.filter(WANTED, status=Post.Status.NEW, pk__in=pks).values_list("pk", flat=True)))
    droppable = ~STAYS & (Q(UNDECIDED) | Q(status=Post.Status.KEPT))
    free = set(Post.objects.filter(droppable, pk__in=pks).values_list("pk", flat=True)) - decided
    rows = [(pk, *dropped) for pk, dropped in lost if pk in free]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sources_post SET status = 'dropped', drop_reason = lost.reason, drop_value = lost.value, "
                "cluster_id = CASE WHEN lost.reason = 'near_duplicate' THEN lost.value::bigint END "
                "FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS lost(id, reason, value) WHERE sources_post.id = lost.id "
                "AND (sources_post.drop_reason, sources_post.drop_value) IS DISTINCT FROM (lost.reason, lost.value)",
                [list(column) for column in zip(*rows, strict=True)],
            )
