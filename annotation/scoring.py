"""Models judge posts and their answers, 1 to 10 in halves, for the screen of sources that wants a score (知乎: 8 and more are kept).

Judging is a DraftRun with the purpose `score`: the same ledger, limits and caps; a call is of a post, since there is no pair yet.
A reply that is not exactly a score is none (`judging`): the post goes on waiting. A score decides what people get to see, and
never about a pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from sources import scoring as waiting
from sources.models import Post, Source

from . import foreseeing, judging
from .draft_terms import Order, Refused, Terms, check
from .models import Draft, DraftRun, ModelCall, Purpose
from .ordering import audit, new_call, queue, write
from .pairing import lock
from .prompt_versions import prompt


def order_scores(source: Source, *, by: User | None, **asked: Any) -> DraftRun:
    """Have the posts judged that wait for nothing but a score. `asked`: `prompt, models` (one), `limit, budget, params, mode,
    auto_release`. A post whose judge's reply was no score is asked about once more. Raises Refused."""
    wish = Order(**{name: value for name, value in asked.items() if value is not None}, purpose=Purpose.SCORE)
    terms, version = check(source, wish), prompt(wish.prompt, Purpose.SCORE)
    if len(terms.models) != 1 or wish.candidates != 1:
        raise Refused("bad_order", _("A score has one judge: name one model."))
    with transaction.atomic():
        lock(source)
        posts = list(to_judge(source)[: wish.limit])
        ModelCall.objects.left_over().filter(post__in=posts).delete()  # of runs that ended: this order takes them over
        if not posts:
            raise Refused("nothing_to_score", _("No post of this source waits for a score."))
        foreseen = foreseeing.estimate(source, pairs=len(posts), wish=wish, terms=terms, prompt=version)
        run = write(source, wish, terms, version, by=by, foreseen=foreseen)
        if not queue(run, _calls(run, terms, posts)):
            raise Refused("nothing_to_score", _("Exactly this was asked before: the replies are there."))
        audit("score_run_ordered", run, by, posts=len(posts), models=run.model_names)
    return run


def estimate_scores(source: Source, **asked: Any) -> dict[str, Any]:
    """What the same order would come to; nothing is written. Raises Refused."""
    wish = Order(**{name: value for name, value in asked.items() if value is not None}, purpose=Purpose.SCORE)
    terms, version = check(source, wish), prompt(wish.prompt, Purpose.SCORE)
    posts = to_judge(source)[: wish.limit].count()
    return foreseeing.estimate(source, pairs=posts, wish=wish, terms=terms, prompt=version)


def to_judge(source: Source) -> QuerySet[Post]:
    """Posts that wait for a score, and about which no judge is being asked."""
    busy = ModelCall.objects.under_way() | ModelCall.objects.filter(state=ModelCall.State.UNKNOWN)
    return waiting.unscored(source).filter(~Exists(busy.filter(post=OuterRef("pk"), purpose=Purpose.SCORE)))


def _calls(run: DraftRun, terms: Terms, posts: list[Post]) -> Iterator[ModelCall]:
    [(provider, model)] = terms.models
    tried: dict[int | None, list[ModelCall]] = {}
    for call in ModelCall.objects.filter(post__in=posts, purpose=Purpose.SCORE, provider=provider, model=model).defer("raw"):
        tried.setdefault(call.post_id, []).append(call)
    for post in posts:
        before = tried.get(post.pk, [])
        done = [call.sample for call in before if call.state == ModelCall.State.DONE]
        yield new_call(run, provider=provider, model=model, post=post, material=material_of(post), sample=1 + max(done, default=-1),
                       before=before)  # fmt: skip


def material_of(post: Post) -> dict[str, str]:
    """The texts that a judge is given: no names, no votes, nothing that says who wrote them."""
    texts = {"title": post.title, "body": post.body, "answer": post.answer}
    return {name: text for name, text in texts.items() if text}


# --- what the judges said -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Judgement:
    """`is_kin`: the judge comes of the same family as a model that drafted for this post, and is to be marked as partial."""

    score: Decimal
    judge: str
    reason: str
    prompt: str
    is_kin: bool


def judgements(post: Post) -> list[Judgement]:
    """All scores of the post, the one that counts first."""
    return [judgement for _post, judgement in judged(said().filter(post=post))]


def said() -> QuerySet[ModelCall]:
    """The calls in which a judge gave a score, the last first."""
    calls = ModelCall.objects.filter(purpose=Purpose.SCORE, outcome="ok", post__isnull=False)
    return calls.select_related("prompt", "post").order_by("-id")


def judged(calls: Iterable[ModelCall]) -> list[tuple[Post, Judgement]]:
    """What these calls (of `said`) came to, beside whose answer it was."""
    calls = list(calls)
    drafters: dict[int, list[str]] = {}
    drafts = Draft.objects.filter(pair__post__in=[call.post_id for call in calls]).exclude(model="")
    for post_id, model in drafts.values_list("pair__post", "model"):
        drafters.setdefault(post_id, []).append(model)
    return [
        (call.post, Judgement(
            score=call.score or Decimal(0), judge=call.model_returned or call.model, reason=judging.reason_of(call.raw),
            prompt=call.prompt.name,
            is_kin=any(judging.is_kin(call.model_returned or call.model, drafter) for drafter in drafters.get(call.post_id or 0, ())),
        ))
        for call in calls if call.post
    ]  # fmt: skip
