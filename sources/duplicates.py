"""What people say about near-duplicates: which of a cluster is to stay, and which posts are none of each other.

Both are kept with the posts, so that every later comparison comes out the same. The cluster itself is decided anew at once, by the
same screen that compares all posts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts.models import AuditEntry

from .comparing import EVERYTHING, Members, locked, told_apart
from .lists import make
from .models import Apart, Post, Source
from .screening import StaleState, alone
from .screens import NearDuplicate, SetScreen
from .verdicts import UNDECIDED, drop, keep

if TYPE_CHECKING:
    from accounts.models import User

MOST = 500  # posts of one cluster that a page asks about


def cluster_of(post: Post) -> QuerySet[Post]:
    """The one that stays and all that fell to it, of whatever source; a post without company alone."""
    root = post.cluster_id or post.pk
    return Post.objects.filter(Q(pk=root) | Q(cluster=root, status=Post.Status.DROPPED))


def clusters_of(source: Source) -> QuerySet[Post]:
    """The posts that stay of the clusters in which the source has a post."""
    fallen = Post.objects.filter(cluster__isnull=False)
    mine = fallen.filter(source=source).values("cluster").union(fallen.filter(cluster__source=source).values("cluster"))
    return Post.objects.filter(pk__in=mine).order_by("pk")


def choose(post: Post, *, by: User | None) -> None:
    """Of its cluster, this one is to stay. Raises StaleState when it is in none, or while posts are being compared."""
    members = list(cluster_of(post).values_list("pk", flat=True)[:MOST])
    if len(members) < 2:
        raise StaleState(f"post {post.pk} is in no cluster (any more)")
    with _settling(members) as sources:
        before = list(Post.objects.filter(pk__in=members, chosen_by__isnull=False).values_list("pk", flat=True))
        Post.objects.filter(pk__in=members).exclude(pk=post.pk).update(chosen_by=None)
        Post.objects.filter(pk=post.pk).update(chosen_by=by)
        _say("duplicate_chosen", post.source, by, {"post": post.pk, "cluster": members, "instead_of": before or [post.cluster_id]})
        _settle(post.source, members, sources)


def withdraw(post: Post, *, by: User | None) -> None:
    """The choice of this post is taken back: its votes decide again. Raises StaleState."""
    members = list(cluster_of(post).values_list("pk", flat=True)[:MOST])
    with _settling(members) as sources:
        if not Post.objects.filter(pk=post.pk, chosen_by__isnull=False).update(chosen_by=None):
            raise StaleState(f"post {post.pk} is not chosen (any more)")
        _say("duplicate_choice_withdrawn", post.source, by, {"post": post.pk, "cluster": members})
        _settle(post.source, members, sources)


def tell_apart(source: Source, posts: Iterable[int], *, by: User | None) -> list[Apart]:
    """`posts` of one cluster are no duplicates of its other members. Raises StaleState when they are in no cluster together (any more)."""
    first = Post.objects.filter(pk__in=posts).first()
    members = list(cluster_of(first).order_by("pk").values_list("pk", flat=True)[:MOST]) if first else []
    told = [pk for pk in members if pk in set(posts)]
    pairs = sorted({(min(one, other), max(one, other)) for one in told for other in members if other not in told})
    if not pairs:
        raise StaleState("these posts are not together in a cluster (any more)")
    with _settling(members) as sources:
        Apart.objects.bulk_create([Apart(one_id=one, other_id=other, by=by) for one, other in pairs], ignore_conflicts=True)
        _say("duplicates_told_apart", source, by, {"posts": told, "cluster": members})
        _settle(source, members, sources)
    return list(Apart.objects.filter(one__in=members, other__in=members).filter(Q(one__in=told) | Q(other__in=told)))


def put_together(source: Source, apart: QuerySet[Apart], *, by: User | None) -> None:
    """Take back that posts are no duplicates. Raises StaleState when nobody says so (any more)."""
    pairs = list(apart.values_list("one", "other"))
    roots = {root or pk for pk, root in Post.objects.filter(pk__in=[pk for pair in pairs for pk in pair]).values_list("pk", "cluster")}
    members = list(Post.objects.filter(Q(pk__in=roots) | Q(cluster__in=roots)).values_list("pk", flat=True))
    with _settling(members) as sources:
        if not apart.delete()[0]:
            raise StaleState("nobody says that these are no duplicates (any more)")
        _say("duplicates_put_together", source, by, {"posts": sorted({pk for pair in pairs for pk in pair})})
        _settle(source, members, sources)


@contextmanager
def _settling(members: list[int]) -> Iterator[list[Source]]:
    """Nobody screens or compares the sources of these posts until this commits. Raises StaleState while somebody does."""
    sources = list(Source.objects.filter(pk__in=Post.objects.filter(pk__in=members).values("source")).order_by("pk"))
    with ExitStack() as stack:
        if not all(stack.enter_context(alone(source.pk)) for source in sources) or not stack.enter_context(_nobody_compares()):
            raise StaleState("posts of these sources are being screened")
        with transaction.atomic():
            for source in sources:
                stack.enter_context(locked(source.pk))
            yield sources


@contextmanager
def _nobody_compares() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [EVERYTHING])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [EVERYTHING])


def _settle(source: Source, members: list[int], sources: list[Source]) -> None:
    """Decide about these posts by what people say about them now. Where further screens compare posts, those that come back are new
    again until they have been compared, too."""
    screens = [screen for screen in make(source.screens) if isinstance(screen, NearDuplicate)] or [NearDuplicate()]
    posts = Post.objects.filter(UNDECIDED | Q(status=Post.Status.KEPT), pk__in=members)
    screens[0].apart = told_apart()
    fallen = dict(screens[0].among(Members(posts, {})))
    stayed = [pk for pk in posts.values_list("pk", flat=True) if pk not in fallen]
    back = list(Post.objects.filter(pk__in=stayed).exclude(status=Post.Status.KEPT).values_list("pk", flat=True))
    keep(stayed)
    drop(list(fallen.items()))
    more = [each.pk for each in sources if _compares_otherwise(each)]
    Post.objects.filter(pk__in=back, source__in=more, pairs=None, status=Post.Status.KEPT).update(status=Post.Status.NEW)


def _compares_otherwise(source: Source) -> bool:
    return any(isinstance(screen, SetScreen) and not isinstance(screen, NearDuplicate) for screen in make(source.screens))


def _say(action: str, source: Source, by: User | None, detail: dict[str, object]) -> None:
    AuditEntry.objects.create(by=by, action=action, subject=f"source {source.slug}", detail=detail)
