"""In what order the pairs of a source wait for reviewers: a number on each, by which `seats` reads along its index.

It is written when a pair is made, and when what it depends on comes: a draft, a score. When the policy of a source names another
order, the beat gives all its pairs new numbers, batch by batch, from where it was; nobody waits for that, and a claim in
between finds one order or the other.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction

from accounts import rows
from sources.models import Post, QueueOrder, Score, Source

from . import ranks
from .checks import ERROR, check_texts
from .models import Draft, Pair, Ranking

BATCH = 1_000
WRITE = """
    UPDATE annotation_pair AS pair SET rank = new.rank FROM unnest(%(ids)s::bigint[], %(ranks)s::bigint[]) AS new(id, rank)
    WHERE pair.id = new.id AND pair.rank <> new.rank
"""
LOCK = "SELECT id FROM annotation_pair WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
DOUBTFUL = """
    SELECT pair.id, pair.source_id FROM annotation_pair AS pair JOIN sources_source AS source ON source.id = pair.source_id
    WHERE pair.id = ANY(%(ids)s::bigint[]) AND source.queue_order = %(order)s
"""
NEXT = "SELECT id FROM annotation_pair WHERE source_id = %(source)s AND id > %(cursor)s ORDER BY id LIMIT %(n)s"


def first_rank(pair: Pair, post: Post, source: Source) -> int:
    """The rank of a pair that is being made: its only draft is its own answer, if it has one."""
    risk = _risk(pair, None, []) if source.queue_order == QueueOrder.RISK else 0.0
    key = post.external_id
    return ranks.rank_of(source.queue_order, key=key, seed=source.queue_seed, votes=post.votes, risk=risk)


def follow(source: Source) -> None:
    """Pairs are being made in the order of the policy. If it is another one than the others have, they are to get it, too, even when
    the policy has changed back by the time that somebody looks."""
    made = {"order": source.queue_order, "seed": source.queue_seed}
    had = Ranking.objects.filter(source=source).first() or Ranking(source=source)
    if made != {"order": had.order, "seed": had.seed}:
        Ranking.objects.update_or_create(source=source, defaults={**made, "cursor": 0, "done": False})


def rank_anew(pair_ids: Iterable[int]) -> None:
    """Drafts or scores have come: where the order depends on them, it changes. In the caller's transaction."""
    by_source: dict[int, list[int]] = defaultdict(list)
    for pk, source in rows.read(DOUBTFUL, {"ids": list(pair_ids), "order": QueueOrder.RISK.value}):
        by_source[source].append(pk)
    for ordered in Source.objects.filter(pk__in=by_source) if by_source else []:
        _write(ordered.queue_order, ordered.queue_seed, by_source[ordered.pk])


def is_due() -> bool:
    return any(_is_behind(source) for source in Source.objects.select_related("ranking"))


def catch_up(seconds: float = 4.0) -> bool:
    """Give the pairs of sources whose policy names another order their new ranks, for so long. True: something is left."""
    until = time.monotonic() + seconds
    for source in Source.objects.select_related("ranking").order_by("pk"):
        while _is_behind(source) and _rank_some(source.pk):
            if time.monotonic() > until:
                return True
    return False


def _is_behind(source: Source) -> bool:
    ranking = getattr(source, "ranking", None)
    if ranking is None:
        return source.queue_order != QueueOrder.OLDEST
    return not ranking.done or (ranking.order, ranking.seed) != (source.queue_order, source.queue_seed)


@transaction.atomic
def _rank_some(source_id: int) -> bool:
    """The next batch. False: none is left, or somebody else is at it."""
    source = Source.objects.get(pk=source_id)
    Ranking.objects.get_or_create(source=source)
    ranking = Ranking.objects.select_for_update(skip_locked=True).filter(source=source).first()
    if ranking is None:
        return False
    if (ranking.order, ranking.seed) != (source.queue_order, source.queue_seed):
        ranking.order, ranking.seed, ranking.cursor, ranking.done = source.queue_order, source.queue_seed, 0, False
    ids = [pk for (pk,) in rows.read(NEXT, {"source": source_id, "cursor": ranking.cursor, "n": BATCH})]
    _write(ranking.order, ranking.seed, ids)
    ranking.cursor, ranking.done = (ids[-1] if ids else ranking.cursor), len(ids) < BATCH
    ranking.save()
    return not ranking.done


def _write(order: str, seed: int, ids: Sequence[int]) -> None:
    if not ids:
        return
    rows.run(LOCK, {"ids": list(ids)})
    found = Pair.objects.filter(pk__in=ids).select_related("post").defer("post__raw", "post__body", "post__answer")
    risks = _risks(list(ids)) if order == QueueOrder.RISK else {}
    new = {
        pair.pk: ranks.rank_of(order, key=pair.post.external_id, seed=seed, votes=pair.post.votes, risk=risks.get(pair.pk, 0.0))
        for pair in found
    }
    rows.run(WRITE, {"ids": list(new), "ranks": list(new.values())})


def _risks(ids: list[int]) -> dict[int, float]:
    drafts: dict[int, list[str]] = defaultdict(list)
    for pair, output in Draft.objects.filter(pair__in=ids).order_by("number").values_list("pair", "output"):
        drafts[pair].append(output)
    pairs = list(Pair.objects.filter(pk__in=ids))
    scores = {score.post_id: score for score in Score.objects.filter(post__in=[pair.post_id for pair in pairs])}
    return {pair.pk: _risk(pair, scores.get(pair.post_id), drafts[pair.pk]) for pair in pairs}


def _risk(pair: Pair, score: Score | None, drafts: list[str]) -> float:
    findings = check_texts(instruction=pair.instruction, input=pair.input, output=pair.output) if pair.output else []
    errors = sum(finding.level == ERROR for finding in findings)
    return ranks.risk_of(errors, len(findings) - errors, score.value if score else None, drafts)
