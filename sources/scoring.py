"""Scores of posts, for the screen that wants them: which posts wait for one, and what becomes of one that has come.

Who judges, and what it costs, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from .models import Post, Score, Source

WAITING = ("unscored", "low_score")


def unscored(source: Source) -> QuerySet[Post]:
    """The posts that passed all screens but the score's, and have none, oldest first."""
    return Post.objects.filter(source=source, status=Post.Status.DROPPED, drop_reason="unscored").order_by("id")


def record(scores: Mapping[int, tuple[Decimal, str]]) -> None:
    """Write down what posts were given: (score from 1 to 10, the judge's name). A later score takes the place of an earlier one.
    Those that waited for it are screened again; nothing is kept by a score alone."""
    rows = [Score(post_id=pk, value=value, judge=judge[:160]) for pk, (value, judge) in sorted(scores.items())]
    with transaction.atomic():
        Score.objects.bulk_create(rows, update_conflicts=True, unique_fields=["post"], update_fields=["value", "judge", "at"])
        waited = Post.objects.filter(pk__in=list(scores), status=Post.Status.DROPPED, drop_reason__in=WAITING)
        waited.update(status=Post.Status.NEW, drop_reason="", drop_value="")
