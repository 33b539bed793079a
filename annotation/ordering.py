"""Orders: which pairs are to be drafted by which models, and what that would come to.

An order is a DraftRun with one queued ModelCall per pair, model and candidate. A request that is paid for already (same
pair, texts, prompt, model, parameters and sample) is not made again: its reply is there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User
from sources.models import Post, Source

from . import foreseeing, ledger, pricing
from .draft_terms import Order, Refused, Terms, check
from .models import DraftRun, ModelCall, Pair, PromptVersion, Purpose
from .pairing import lock, make_pairs, waiting_posts
from .prompt_versions import prompt


def order(source: Source, *, by: User | None, **asked: Any) -> DraftRun:
    """Order drafts for the pairs of `source` that have none: kept posts without a pair, and pairs whose calls ended
    unsent or uncharged. `asked` is what `draft_terms.Order` knows; with `retry_failed`, those whose replies were no good are
    asked for a new sample; with `pending`, those that wait for review get further candidates.

    All or nothing, and exclusive per source. Raises Refused.
    """
    wish = Order(**{name: value for name, value in asked.items() if value is not None})
    terms = check(source, wish)
    version = prompt(wish.prompt)
    foreseen = foresee(source, wish, terms, version)
    with transaction.atomic():
        lock(source)
        wanted = wanted_pairs(source, wish)
        ModelCall.objects.left_over().filter(pair__in=wanted).delete()  # of runs that ended: this order takes them over
        if not wanted:
            raise Refused("nothing_to_draft", _("No kept post of this source waits for a draft."))
        run = write(source, wish, terms, version, by=by, foreseen=foreseen)
        count = queue(run, _calls(run, wish, terms, wanted))
        if not count:
            raise Refused("nothing_to_draft", _("Exactly this was asked before: the replies are there."))
        _reopen(wanted)
        audit("draft_run_ordered", run, by, pairs=len(wanted), calls=count, models=run.model_names, limit=wish.limit,
              budget=wish.budget and str(wish.budget))  # fmt: skip
    return run


def estimate(source: Source, **asked: Any) -> dict[str, Any]:
    """What the same order would come to (`foreseeing.estimate`); nothing is written. Raises Refused."""
    wish = Order(**{name: value for name, value in asked.items() if value is not None})
    return foresee(source, wish, check(source, wish), prompt(wish.prompt))


def foresee(source: Source, wish: Order, terms: Terms, version: PromptVersion) -> dict[str, Any]:
    return foreseeing.estimate(source, pairs=min(_count(source, wish), wish.limit or sys.maxsize), wish=wish, terms=terms, prompt=version)


def write(source: Source, wish: Order, terms: Terms, version: PromptVersion, *, by: User | None, foreseen: dict[str, Any]) -> DraftRun:
    """The run's row, and the prices that came with the order."""
    for (provider, model), price in terms.prices.items():
        if price and price.pk is None:
            pricing.set_price(provider=provider, model=model, price_in=price.price_in, price_out=price.price_out,
                              currency=price.currency, by=by)  # fmt: skip
    return DraftRun.objects.create(
        source=source, by=by, purpose=wish.purpose, mode=wish.mode, prompt=version, model_names=terms.refs, candidates=wish.candidates,
        limit=wish.limit, budget=wish.budget, currency=terms.currency, params=terms.sent, system_prompt=source.system_prompt,
        estimate=foreseeing.written(foreseen), auto_release=wish.auto_release,
    )  # fmt: skip


# --- which pairs ------------------------------------------------------------------------------------------------------
def waiting_pairs(source: Source, wish: Order | None = None) -> QuerySet[Pair]:
    """Pairs that an order would draft: their post is kept (still), and no call of theirs is open, unread or of unknown fate."""
    wish = wish or Order()
    busy = ModelCall.objects.under_way() | ModelCall.objects.filter(state=ModelCall.State.UNKNOWN)
    held = busy.filter(pair=OuterRef("pk"), purpose=Purpose.DRAFT)
    wanted = Q(status=Pair.Status.DRAFTING)
    if wish.retry_failed:
        wanted |= Q(status=Pair.Status.FAILED) & ~Q(failure__in=["no_instruction", "no_answer", ledger.UNKNOWN])
    if wish.pending:
        wanted |= Q(status=Pair.Status.PENDING)
    found = Pair.objects.filter(wanted, ~Exists(held), source=source, post__status=Post.Status.KEPT).order_by("id")
    return found if wish.posts is None else found.filter(post__in=wish.posts)


def waiting_count(source: Source, *, retry_failed: bool = False) -> int:
    """How many pairs an order without a limit would draft."""
    return _count(source, Order(retry_failed=retry_failed))


def _count(source: Source, wish: Order) -> int:
    return waiting_pairs(source, wish).count() + waiting_posts(source, wish.posts).count()


def wanted_pairs(source: Source, wish: Order) -> list[Pair]:
    """The pairs of an order, those of posts that had none included. The caller holds the source's lock."""
    found = waiting_pairs(source, wish)[: wish.limit].count()
    if wish.limit is None or found < wish.limit:
        make_pairs(source, None if wish.limit is None else wish.limit - found, wish.posts)
    return list(waiting_pairs(source, wish)[: wish.limit])


def _reopen(pairs: Iterable[Pair]) -> None:
    """Pairs that had failed are being drafted again, if a call of theirs is queued."""
    failed = [pair.pk for pair in pairs if pair.status == Pair.Status.FAILED]
    queued = ModelCall.objects.filter(pair=OuterRef("pk"), state=ModelCall.State.QUEUED)
    again = Pair.objects.filter(Exists(queued), pk__in=failed, status=Pair.Status.FAILED)
    again.update(status=Pair.Status.DRAFTING, failure="", updated_at=timezone.now())


# --- which calls ------------------------------------------------------------------------------------------------------
def queue(run: DraftRun, calls: Iterator[ModelCall]) -> int:
    """Write the calls. A key that is paid for or under way already is left alone. Gives how many are the run's."""
    while batch := list(islice(calls, 1_000)):
        ModelCall.objects.bulk_create(batch, ignore_conflicts=True)
    run.ordered = run.calls.count()
    run.save(update_fields=["ordered"])
    return run.ordered


def _calls(run: DraftRun, wish: Order, terms: Terms, pairs: list[Pair]) -> Iterator[ModelCall]:
    """One per pair, model and candidate. A sample whose reply was no good is not asked for again, but the next one."""
    tried: dict[tuple[int | None, str, str], list[ModelCall]] = {}
    for call in ModelCall.objects.filter(pair__in=[pair.pk for pair in pairs], purpose=Purpose.DRAFT).defer("raw"):
        tried.setdefault((call.pair_id, call.provider, call.model), []).append(call)
    for pair in pairs:
        for provider, model in terms.models:
            before = tried.get((pair.pk, provider, model), [])
            bad = {call.sample for call in before if call.state == ModelCall.State.DONE and call.outcome != "ok"}
            samples = islice((sample for sample in range(len(bad) + run.candidates) if sample not in bad), run.candidates)
            for sample in samples:
                yield new_call(run, provider=provider, model=model, pair=pair, material=material_of(pair, wish.note), sample=sample,
                               before=before)  # fmt: skip


def new_call(run: DraftRun, *, before: list[ModelCall], **fields: Any) -> ModelCall:
    """A queued call of the run, numbered after the attempts of the same key among `before`."""
    call = ModelCall(run=run, purpose=run.purpose, prompt=run.prompt, params=run.params, **fields)
    call.key = ledger.key_of(call, run)
    call.attempt = 1 + max((earlier.attempt for earlier in before if earlier.key == call.key), default=0)
    return call


def material_of(pair: Pair, note: str = "") -> dict[str, str]:
    """The texts that a drafter is given about a pair."""
    texts = {"instruction": pair.instruction, "input": pair.input, "hint": pair.hint, "note": note}
    return {name: text for name, text in texts.items() if text}


def audit(action: str, run: DraftRun | None, by: User | None, **detail: Any) -> None:
    AuditEntry.objects.create(by=by, action=action, subject=f"draft run {run.pk if run else '-'}", detail=detail)
