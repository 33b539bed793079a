"""Kept posts become pairs: what a source's templates make of a post, and its own answer as the first draft."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from sources.models import Post, Reply, Source
from sources.templating import fill, instruction_of

from . import ranks
from .models import Draft, Pair
from .ranking import first_rank, follow

BATCH = 500


def pair_of(post: Post, source: Source) -> Pair:
    """The pair of a kept post. One without a question, or without the answer it should have, is a failed one with its reason."""
    fields = post.fields()
    instruction = instruction_of(source.instruction_templates, post.row, fields)
    pair = Pair(
        post=post, source=source, instruction=instruction, input=fill(source.input_template, fields),
        task_type=source.task_type, domain=source.domain,
        reviews_wanted=ranks.reviews_of(post.external_id, source.reviews_wanted, source.review_share),
    )  # fmt: skip
    if not instruction:
        pair.status, pair.failure = Pair.Status.FAILED, "no_instruction"
    elif source.reply == Reply.SOURCE:
        pair.output = post.answer.strip()
        pair.status, pair.failure = (Pair.Status.PENDING, "") if pair.output else (Pair.Status.FAILED, "no_answer")
    pair.rank = first_rank(pair, post, source)
    return pair


def make_pairs(source: Source, limit: int | None = None, posts: Iterable[int] | None = None) -> int:
    """Give every kept post without a pair (of `posts`) its pair, oldest first, at most `limit`. Gives how many.

    Idempotent, and one at a time per source: the source's row is locked batch by batch.
    """
    made = 0
    while limit is None or made < limit:
        batch = _make_batch(source, BATCH if limit is None else min(BATCH, limit - made), posts)
        made += batch
        if not batch:
            break
    return made


@transaction.atomic
def _make_batch(source: Source, size: int, of: Iterable[int] | None) -> int:
    source = lock(source)
    follow(source)
    posts = waiting_posts(source, of).order_by("id")[:size]
    pairs = Pair.objects.bulk_create([pair_of(post, source) for post in posts])
    own = [pair for pair in pairs if pair.status == Pair.Status.PENDING]
    Draft.objects.bulk_create([Draft(pair=pair, number=1, output=pair.output) for pair in own])
    return len(pairs)


def lock(source: Source) -> Source:
    """The source as it is now: until the transaction ends, nobody else makes pairs of it, orders drafts or changes its policy."""
    return Source.objects.select_for_update(no_key=True).get(pk=source.pk)


def waiting_posts(source: Source, of: Iterable[int] | None = None) -> QuerySet[Post]:
    """Kept posts (of these) that have no pair yet."""
    found = Post.objects.kept().filter(source=source, pairs=None)
    return found if of is None else found.filter(pk__in=of)


def pair_own_answers(limit: int = 2_000) -> int:
    """For sources that answer for themselves, nothing has to be ordered. At most `limit` a source, so that a beat stays short."""
    waiting = Post.objects.kept().filter(source__reply=Reply.SOURCE, pairs=None)
    sources = Source.objects.filter(pk__in=waiting.values("source_id"))
    return sum(make_pairs(source, limit) for source in sources)
