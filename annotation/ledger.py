"""The ledger of paid calls: every state of a ModelCall, and the money of its run, changes here.

What is committed when, so that a worker may die between any two lines and nothing is paid for twice:

1. `take`: queued → sending, dated, leased, its price reserved. Then the request goes out, and no transaction is open.
2. `answered`: the reply as it came, its usage and cost → done. Nothing is read into it yet.
3. `land`: what the reply is worth → a Draft and a pair to review, or a named failure. Done again, it does nothing.

`failed` ends a call that was not charged and queues the next attempt; `lose` and `expire` call it unknown, after which only
a person's `release` lets the same key be sent again. A reply that turns up late with its call's own token still counts.
"""

import hashlib
import json
import logging
import uuid
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils import timezone

from . import llm, pricing, prompting
from .models import Draft, DraftRun, ModelCall, Pair, Price

log = logging.getLogger(__name__)

State = ModelCall.State
LEASE = timedelta(seconds=20)  # of a call that is under way; its worker renews it while it waits
OPEN = (State.QUEUED, State.SENDING)
TRIES = {"rate_limited": 20}  # attempts of one key before giving up; others:
DEFAULT_TRIES = 6
UNKNOWN = "unknown_call"  # the failure of a pair whose call may have been paid


class BudgetReached(Exception):
    """The next call's price does not fit under the cap."""


def key_of(call: ModelCall, run: DraftRun) -> str:
    """What makes two calls the same purchase. The texts are in it: an edited instruction is another question."""
    parts = [call.purpose, call.pair_id, call.post_id, call.material, run.prompt.sha256, run.system_prompt, call.provider, call.model,
             call.params, call.sample]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


# --- money ------------------------------------------------------------------------------------------------------------
def ceiling(call: ModelCall, price: Price | None) -> Decimal:
    """The most that a call can cost: a token is at least one byte of what is sent, and `max_tokens` come back."""
    sent = sum(len(message["content"].encode()) + 16 for message in request_of(call).messages)
    return pricing.cost(price, sent, int(call.params.get("max_tokens", 0)), batch=call.batch_id is not None) or Decimal(0)


def reserve(run_id: int, amount: Decimal) -> bool:
    """Set `amount` aside; False when it would break the cap. spent + reserved ≤ budget, under any concurrency."""
    fits = Q(budget=None) | Q(budget__gte=F("spent") + F("reserved") + amount)
    return bool(DraftRun.objects.filter(fits, pk=run_id).update(reserved=F("reserved") + amount))


def settle(run_id: int | None, reserved: Decimal, cost: Decimal) -> None:
    """Turn a reservation into what it really cost. A provider that overran its own limit is booked up to the cap, and
    the call's row keeps the truth."""
    run = DraftRun.objects.select_for_update(no_key=True).filter(pk=run_id or 0).first()
    if run is None or not (reserved or cost):
        return
    if run.budget is not None and run.spent + run.reserved - reserved + cost > run.budget:
        log.error("draft run %s: a call cost %s and had %s reserved", run_id, cost, reserved)
    room = F("budget") - (F("reserved") - reserved)
    spent = F("spent") + cost if run.budget is None else Least(F("spent") + cost, room)
    DraftRun.objects.filter(pk=run_id or 0).update(spent=spent, reserved=F("reserved") - reserved)


# --- sending ----------------------------------------------------------------------------------------------------------
def take(run: DraftRun, token: uuid.UUID, count: int) -> list[ModelCall]:
    """Commit up to `count` due calls of a running run as sending, for the worker that holds `token`. Each keeps the price
    version that its money is set aside by.

    Raises BudgetReached when not even one fits. Nobody else gets the same rows.
    """
    now = timezone.now()
    with transaction.atomic():
        if not DraftRun.objects.filter(pk=run.pk, state="running").exclude(not_before__gt=now).exists():
            return []
        due = ModelCall.objects.filter(run=run, state=State.QUEUED).exclude(not_before__gt=now).order_by("id")
        locked = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:count])
        calls = list(ModelCall.objects.filter(pk__in=locked).select_related("run", "prompt").order_by("id"))
        taken = [call for call in calls if _send(call, run, token)]
    if calls and not taken:
        raise BudgetReached
    return taken


def _send(call: ModelCall, run: DraftRun, token: uuid.UUID) -> bool:
    call.price = pricing.current(call.provider, call.model)
    call.reserved = ceiling(call, call.price) if run.budget is not None else Decimal(0)
    if call.reserved and not reserve(run.pk, call.reserved):
        return False
    now = timezone.now()
    call.state, call.sent_at, call.lease_token, call.lease_until = State.SENDING, now, token, now + LEASE
    call.save(update_fields=["state", "sent_at", "lease_token", "lease_until", "reserved", "price"])
    return True


def renew(calls: Iterable[ModelCall]) -> None:
    """The calls are still waited for."""
    for call in calls:
        mine = ModelCall.objects.filter(pk=call.pk, state=State.SENDING, lease_token=call.lease_token)
        mine.update(lease_until=timezone.now() + LEASE)


def request_of(call: ModelCall) -> llm.Request:
    texts = {"instruction": "", "input": "", "hint": "", "note": ""} | call.material
    messages = prompting.messages(
        house_rules=call.prompt.text, source_rules=call.run.system_prompt if call.run else "", marker=marker_of(call), **texts
    )
    return llm.Request(str(call.attempt_id), call.model, messages, call.params, call.provider)


def marker_of(call: ModelCall) -> str:
    """Random and of this call alone; made from its id, so that the ledger can show what was sent."""
    return hashlib.sha256(call.attempt_id.bytes).hexdigest()[:20]


# --- what came of it --------------------------------------------------------------------------------------------------
def answered(call: ModelCall, reply: llm.Reply) -> bool:
    """Write down the reply, before anything is made of it. False: the call is somebody else's by now."""
    seen = prompting.facts(reply.raw)
    with transaction.atomic():
        batch = call.batch_id is not None
        cost = pricing.cost(call.price, seen.tokens_in, seen.tokens_out, cached=seen.tokens_cached, batch=batch)
        written = _mine(call, State.SENDING, State.UNKNOWN).update(
            state=State.DONE, raw=reply.raw, request_id=reply.request_id, latency_ms=reply.latency_ms, finished_at=timezone.now(),
            model_returned=seen.model, finish_reason=seen.finish_reason, tokens_in=seen.tokens_in, tokens_out=seen.tokens_out,
            tokens_cached=seen.tokens_cached, cost=cost, lease_until=None, error_code="", error_detail="", reserved=0,
        )  # fmt: skip
        if written:
            settle(call.run_id, call.reserved, call.reserved if cost is None else cost)
    if not written:
        log.warning("call %s was released before its reply came: the reply is dropped", call.pk)
    return bool(written)


def land(call_id: int) -> None:
    """Make of a stored reply what it is worth. Idempotent: whoever comes second finds it done."""
    with transaction.atomic():
        call = ModelCall.objects.get(pk=call_id)
        pair = Pair.objects.select_for_update(no_key=True).get(pk=call.pair_id or 0)
        call.refresh_from_db(fields=["state", "outcome"])
        if call.state != State.DONE or call.outcome:
            return
        outcome, text = prompting.judge(call.raw, instruction=call.material.get("instruction", ""), marker=marker_of(call))
        if outcome == "ok":
            add_draft(pair, text, call=call)
        ModelCall.objects.filter(pk=call.pk).update(outcome=outcome)
        conclude(pair)


def add_draft(pair: Pair, output: str, *, call: ModelCall | None = None) -> Draft:
    """The pair's next draft. The caller holds the lock on the pair."""
    model = (call.model_returned or call.model) if call else ""
    return Draft.objects.create(pair=pair, number=pair.drafts.count() + 1, call=call, model=model, output=output)


def conclude(pair: Pair) -> None:
    """Once none of its calls is open: a pair with a draft can be reviewed, one without has failed. Holds the pair's lock."""
    waits = pair.status == Pair.Status.DRAFTING or (pair.status == Pair.Status.FAILED and pair.failure == UNKNOWN)
    calls = pair.calls.filter(purpose="draft")
    if not waits or calls.under_way().exists():
        return
    here = Pair.objects.filter(pk=pair.pk, status=pair.status)
    if drafts := list(pair.drafts.all()):
        shown = drafts[-1] if "note" in _last_material(pair) else drafts[0]  # a redraft takes the place of what was wanted otherwise
        here.update(status=Pair.Status.PENDING, failure="", output=shown.output, version=F("version") + 1, updated_at=timezone.now())
    elif calls.filter(state=State.UNKNOWN).exists():
        here.update(status=Pair.Status.FAILED, failure=UNKNOWN, updated_at=timezone.now())
    elif last := calls.order_by("-id").first():
        failure = last.outcome or last.error_code or "unparseable"
        here.update(status=Pair.Status.FAILED, failure=failure, updated_at=timezone.now())


def conclude_drafted(run: DraftRun) -> None:
    """The run has ended: its pairs that have a draft by now can be reviewed, although not all that was ordered came."""
    drafted = Pair.objects.filter(calls__run=run, status=Pair.Status.DRAFTING, drafts__isnull=False).order_by("pk").distinct()
    for pk in list(drafted.values_list("pk", flat=True)):
        with transaction.atomic():
            conclude(Pair.objects.select_for_update(no_key=True).get(pk=pk))


def _last_material(pair: Pair) -> dict[str, Any]:
    return pair.calls.order_by("-id").values_list("material", flat=True).first() or {}


def failed(call: ModelCall, error: llm.ProviderError, delay: timedelta | None) -> None:
    """A call that was not charged. With `delay` another attempt is queued for then; None gives up, or waits for a person."""
    now = timezone.now()
    with transaction.atomic():
        ended: dict[str, Any] = {"state": State.FAILED, "error_code": error.code, "error_detail": error.detail}
        ended |= {"finished_at": now, "reserved": 0, "lease_until": None}
        if not _mine(call, State.SENDING, State.UNKNOWN).update(**ended):
            return
        settle(call.run_id, call.reserved, Decimal(0))
        if delay is not None and DraftRun.objects.filter(pk=call.run_id or 0, state__in=["queued", "running", "paused"]).exists():
            again(call, now + delay)
        elif not isinstance(error, llm.StopAll):
            conclude(Pair.objects.select_for_update(no_key=True).get(pk=call.pair_id or 0))


def again(call: ModelCall, not_before: Any = None) -> ModelCall:
    """Queue the next attempt of the same key."""
    return ModelCall.objects.create(
        run_id=call.run_id, pair_id=call.pair_id, post_id=call.post_id, purpose=call.purpose, prompt_id=call.prompt_id, key=call.key,
        provider=call.provider, model=call.model, attempt=call.attempt + 1, params=call.params, material=call.material, sample=call.sample,
        not_before=not_before,
    )  # fmt: skip


def lose(call: ModelCall, code: str, detail: str = "", *, when: Q | None = None) -> None:
    """No answer came, and it may be paid: unknown, with its reservation kept. The token stays, for a late reply."""
    with transaction.atomic():
        here = _mine(call, State.SENDING).filter(when or Q())
        if here.update(state=State.UNKNOWN, error_code=code, error_detail=detail, finished_at=timezone.now(), lease_until=None):
            conclude(Pair.objects.select_for_update(no_key=True).get(pk=call.pair_id or 0))


def expire() -> int:
    """Calls whose worker is gone become unknown. Gives how many."""
    over = Q(lease_until__lte=timezone.now())
    lost = ModelCall.objects.filter(over, state=State.SENDING)
    for call in lost:
        lose(call, "worker_lost", when=over)
    return len(lost)


def land_stored() -> int:
    """Replies that were stored by a worker that went away before reading them."""
    found = list(ModelCall.objects.filter(state=State.DONE, outcome="").values_list("pk", flat=True)[:500])
    for pk in found:
        land(pk)
    return len(found)


def _mine(call: ModelCall, *states: str) -> Any:
    return ModelCall.objects.filter(pk=call.pk, state__in=states, lease_token=call.lease_token)
