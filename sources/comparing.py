"""The part of screening that compares posts: the best ones, near-duplicates, answers to one question.

It looks at everything that passed the other screens, whenever that came in, and so comes out the same whether posts came
in one file or in ten: a kept post can still fall, and one that fell to another can come back, until a pair is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Case, ExpressionWrapper, Q, QuerySet, TextField, Value, When

from .lists import make
from .models import Apart, ImportRun, Post, Score, Source
from .resembling import roots
from .screens import BadScreen, Dropped, Member, NearDuplicate, SetScreen
from .screens import Score as ScoreScreen
from .verdicts import STAYS, UNDECIDED, drop, keep

CHUNK = 2_000
EVERYTHING = 0x5C4EF  # the advisory lock of comparing across sources
More = Callable[[], Iterable[Member]]


class Members:
    """The posts to compare, read from the database each time that somebody iterates, without those that fell before. `more` gives
    others that come after them."""

    def __init__(self, posts: QuerySet[Post], fallen: Container[int], more: More = tuple) -> None:
        self.posts, self.fallen, self.more = posts, fallen, more

    def __iter__(self) -> Iterator[Member]:
        yield from self._of(self.posts)
        yield from (member for member in self.more() if member.pk not in self.fallen)

    def _of(self, posts: QuerySet[Post], **texts: Any) -> Iterator[Member]:
        said = {"is_fixed": STAYS, "is_chosen": Q(chosen_by__isnull=False)}
        flags = {name: ExpressionWrapper(condition, output_field=BooleanField()) for name, condition in said.items()}
        fields = [texts.get(name, name) for name in Member._fields]
        rows = posts.annotate(**flags).order_by("pk").values_list(*fields)
        for values in rows.iterator(chunk_size=CHUNK):
            if values[0] not in self.fallen:
                yield Member(*values)

    def only(self, pks: Collection[int]) -> Iterator[Member]:
        """These."""
        ordered = iter(sorted(pks))
        while chunk := list(islice(ordered, CHUNK)):
            yield from self._of(self.posts.filter(pk__in=chunk))
        yield from (member for member in self.more() if member.pk in pks and member.pk not in self.fallen)


class Lean(Members):
    """The same without their texts, but for the title of a post whose question has no id."""

    def _of(self, posts: QuerySet[Post], **texts: Any) -> Iterator[Member]:
        nothing = Value("", output_field=TextField())
        title = Case(When(question_id="", then="title"), default=nothing)
        return super()._of(posts, title=title, body=nothing, answer=nothing)


def compare(source_id: int, last: int) -> None:
    """Decide about the source's posts. Those that are new have passed the screens that judge them alone if their id is at most `last`;
    later ones have not been looked at, and are left for the next time."""
    source = Source.objects.get(pk=source_id)
    screens = [screen for screen in make(source.screens) if isinstance(screen, SetScreen)]
    if not screens:
        return
    passed = passed_of(source).exclude(status=Post.Status.NEW, pk__gt=last)
    with _one_at_a_time(across=any(screen.is_across for screen in screens)):
        _write(source, passed, fallen_of(source, screens, passed))


def passed_of(source: Source) -> QuerySet[Post]:
    """The posts of the source that are compared with each other."""
    return Post.objects.filter(UNDECIDED | Q(status=Post.Status.KEPT), source=source)


def fallen_of(source: Source, screens: Iterable[SetScreen], passed: QuerySet[Post], more: More = tuple) -> dict[int, Dropped]:
    """Who of `passed`, and of `more` that are no posts yet, falls to the others, and why. Writes nothing."""
    fallen: dict[int, Dropped] = {}
    for screen in screens:
        tell(screen, source)
        posts = passed | elsewhere(source) if screen.is_across else passed
        fallen |= dict(_falls(screen, posts, fallen, more))
    return fallen


def _falls(screen: SetScreen, posts: QuerySet[Post], fallen: dict[int, Dropped], more: More) -> Iterable[tuple[int, Dropped]]:
    if not isinstance(screen, NearDuplicate):
        return screen.among(Lean(posts, fallen, more))
    clusters = roots(posts, fallen, more(), field=screen.field, like=screen.like)
    return screen.beaten(clusters, Lean(posts, fallen, more).only(clusters), Members(posts, fallen, more).only)


def tell(screen: SetScreen, source: Source) -> None:
    """What a screen has to know besides the posts."""
    if isinstance(screen, NearDuplicate):
        screen.apart = told_apart()
    if isinstance(screen, ScoreScreen):
        screen.scores = dict(Score.objects.filter(post__source=source).values_list("post_id", "value"))


def told_apart() -> list[tuple[int, int]]:
    """Posts that people know to be no duplicates of each other."""
    return list(Apart.objects.order_by("one", "other").values_list("one", "other"))


def elsewhere(source: Source) -> QuerySet[Post]:
    """The posts of other sources that want to be compared across sources, too."""
    sources = [other.pk for other in Source.objects.exclude(pk=source.pk) if _looks_across(other)]
    here_or_fallen = Q(status=Post.Status.KEPT) | Q(status=Post.Status.DROPPED, drop_reason=NearDuplicate.reason)
    waiting = ImportRun.objects.filter(waiting__gt=0)  # their own comparison comes first
    return Post.objects.filter(here_or_fallen, source__in=sources).exclude(run__in=waiting)


def _looks_across(source: Source) -> bool:
    try:
        return any(isinstance(screen, SetScreen) and screen.is_across for screen in make(source.screens))
    except BadScreen:
        return False


@contextmanager
def _one_at_a_time(*, across: bool) -> Iterator[None]:
    """Two sources that look at each other's posts are compared one after the other."""
    if not across:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [EVERYTHING])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [EVERYTHING])


def _write(source: Source, passed: QuerySet[Post], fallen: dict[int, Dropped]) -> None:
    """In pieces: who is interrupted leaves some undecided, and the next comparison comes out the same."""
    at = 0
    while chunk := list(passed.filter(UNDECIDED, pk__gt=at).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        at = chunk[-1]
        with locked(source.pk):
            keep(pk for pk in chunk if pk not in fallen)
    _drop(fallen)


def _drop(fallen: dict[int, Dropped]) -> None:
    """Also posts of other sources that a better one beats, or whose better one has changed. None of those comes back from here: their
    own re-screening does that."""
    lost = iter(sorted(fallen))
    while chunk := list(islice(lost, CHUNK)):
        there = Post.objects.filter(pk__in=chunk).order_by("source_id", "pk").values_list("source_id", "pk")
        by_source: dict[int, list[int]] = {}
        for source_id, pk in there:
            by_source.setdefault(source_id, []).append(pk)
        for source_id, pks in by_source.items():
            with locked(source_id):
                drop([(pk, fallen[pk]) for pk in pks])


@contextmanager
def locked(source_id: int) -> Iterator[None]:
    """Nobody adds posts to the source, or makes pairs of them, until this commits."""
    with transaction.atomic():
        Source.objects.select_for_update(no_key=True).get(pk=source_id)
        yield
