"""The ledger of paid calls: every state of a ModelCall changes here.

What is committed when, so that a worker may die between any two lines and nothing is paid for twice:

1. `take`: queued → sending, dated, leased, its price reserved. Then the request goes out, and no transaction is open.
2. `answered`: the reply as it came, its usage and cost → done.
3. `landing`: what the reply is worth → a Draft and a pair to review, a score, or a named failure. `deliver` commits both at once.

`failed` ends a call that was not charged and queues the next attempt; `lose` and `expire` call it unknown, after which only
a release lets the same key be sent again. A reply that turns up late with its call's own token still counts.

Calls are taken and answered many at a time: one statement for a handful costs what one for a single call does.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import rows
from accounts.rows import columns

from . import budgets, landing, llm, pricing, prompting, requesting
from .budgets import Entry
from .models import Batch, Cap, DraftRun, ModelCall, Pair, Price

log = logging.getLogger(__name__)

State = ModelCall.State
LEASE = timedelta(seconds=20)  # of a call that is under way; its worker renews it while it waits
OPEN = landing.OPEN
UNKNOWN = landing.UNKNOWN
TRIES = {"rate_limited": 20}  # attempts of one key before giving up; others:
DEFAULT_TRIES = 6
Grant = Callable[[str, str, Sequence[int]], tuple[int, float]]  # of `limits.grant`


class BudgetReached(Exception):
    """The next call's price does not fit under the run's budget, or (`code`) a cap of the installation."""

    def __init__(self, code: str = "budget_reached") -> None:
        self.code = code
        super().__init__(code)


@dataclass
class Taken:
    """Calls to send, and after how many seconds the limits allow more (0: now, None: nothing else is due)."""

    calls: list[ModelCall] = field(default_factory=list)
    wait: float | None = None


@dataclass(frozen=True)
class Terms:
    """The price in force (None: unknown) of each model of a run that has calls to send, and the caps they count against."""

    prices: dict[tuple[str, str], Price | None]
    caps: list[Cap]


def key_of(call: ModelCall, run: DraftRun) -> str:
    """What makes two calls the same purchase. The texts are in it: an edited instruction is another question."""
    parts = [call.purpose, call.pair_id, call.post_id, call.material, run.prompt.sha256, run.system_prompt, call.provider, call.model,
             call.params, call.sample]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


# --- sending ----------------------------------------------------------------------------------------------------------
SEND = """
UPDATE annotation_modelcall AS call SET state = 'sending', sent_at = %(now)s, lease_token = %(token)s, lease_until = %(until)s,
    price_id = %(price)s, reserved = taken.reserved
FROM jsonb_to_recordset(%(rows)s::jsonb) AS taken(id bigint, reserved numeric) WHERE call.id = taken.id
"""


DUE = f"""
SELECT {columns(ModelCall, "call")} FROM annotation_modelcall AS call JOIN annotation_draftrun AS run ON run.id = call.run_id
WHERE call.run_id = %(run)s AND call.provider = %(provider)s AND call.model = %(model)s AND call.state = 'queued'
    AND (call.not_before IS NULL OR call.not_before <= %(now)s)
    AND run.state = 'running' AND (run.not_before IS NULL OR run.not_before <= %(now)s)
ORDER BY call.id LIMIT %(count)s FOR UPDATE OF call SKIP LOCKED
"""  # noqa: S608 (only names of columns are put together)


def terms_of(run: DraftRun) -> Terms:
    """What a worker needs to know to take calls of the run; good for a few seconds."""
    due = ModelCall.objects.filter(run=run, state=State.QUEUED).order_by().values_list("provider", "model")
    models = list(due[:1] if len(run.model_names) == 1 else due.distinct())
    return Terms({named: pricing.current(*named) for named in models}, budgets.caps_of(run))


def take(run: DraftRun, token: uuid.UUID, count: int, grant: Grant, terms: Terms | None = None) -> Taken:
    """Commit up to `count` due calls of a running run as sending, for the worker that holds `token`, as far as the limits of
    their models `grant` it. Each keeps the price version that its money is set aside by.

    Raises BudgetReached when not even one fits. Nobody else gets the same rows.
    """
    taken, terms = Taken(), terms or terms_of(run)
    now = timezone.now()
    models = list(terms.prices)
    turn = int(now.timestamp()) % len(models) if models else 0  # another one is first each second
    with transaction.atomic():
        for provider, model in models[turn:] + models[:turn]:
            due = _due(run, provider, model, now, count - len(taken.calls))
            if due:
                granted, wait = grant(provider, model, [weight(call) for call in due])
                taken.wait = wait if taken.wait is None else min(wait, taken.wait)
                taken.calls += _send(due[:granted], run, terms, token, now)
            if len(taken.calls) == count:
                break
    return taken


def _due(run: DraftRun, provider: str, model: str, now: datetime, count: int) -> list[ModelCall]:
    """Locked until the transaction ends; those that another worker has locked are its own. None of a run that is not running."""
    calls: list[ModelCall] = rows.read(DUE, {"run": run.pk, "provider": provider, "model": model, "now": now, "count": count}, ModelCall)
    for call in calls:
        call.run, call.prompt = run, run.prompt
    return calls


def put_into(batch: Batch, count: int, terms: Terms) -> int:
    """Commit up to `count` due calls of the batch's run and model as sent with it. They have no lease: a batch takes its time, and its
    own row says who looks after it. Gives how many there are now. Raises BudgetReached."""
    with transaction.atomic():
        now = timezone.now()
        due = _due(batch.run, batch.provider, batch.model, now, count)
        for call in due:
            call.batch = batch
        sent = _send(due, batch.run, terms, uuid.uuid4(), now)
        ModelCall.objects.filter(pk__in=[call.pk for call in sent]).update(batch=batch, lease_until=None)
        Batch.objects.filter(pk=batch.pk).update(size=F("size") + len(sent))
    return len(sent)


def _send(calls: list[ModelCall], run: DraftRun, terms: Terms, token: uuid.UUID, now: datetime) -> list[ModelCall]:
    """Those of `calls` whose money could be set aside. Raises BudgetReached when it is none of them."""
    if not calls:
        return []
    price, caps = terms.prices[calls[0].provider, calls[0].model], terms.caps
    if caps and price is None:
        raise BudgetReached("price_unknown")
    counts = run.budget is not None or any(price and cap.currency == price.currency for cap in caps)
    for call in calls:
        call.price, call.reserved = price, ceiling(call, price) if counts else Decimal(0)
    fits = len(calls)
    while fits and counts and not budgets.reserve(run, sum((call.reserved for call in calls[:fits]), Decimal(0)), _currency(price), caps):
        fits //= 2
    if not fits:
        raise BudgetReached(_what_is_full(run, calls[0]))
    for call in calls[:fits]:
        call.state, call.sent_at, call.lease_token = State.SENDING, now, token
    rows.run(SEND, {
        "now": now, "token": token, "until": now + LEASE, "price": price.pk if price else None,
        "rows": json.dumps([{"id": call.pk, "reserved": str(call.reserved)} for call in calls[:fits]]),
    })  # fmt: skip
    return calls[:fits]


def _currency(price: Price | None) -> str:
    return price.currency if price else ""


def _what_is_full(run: DraftRun, call: ModelCall) -> str:
    run.refresh_from_db(fields=["spent", "reserved"])
    over = run.budget is not None and run.spent + run.reserved + call.reserved > run.budget
    return "budget_reached" if over else "cap_reached"


def ceiling(call: ModelCall, price: Price | None) -> Decimal:
    """The most that a call can cost: a token is at least one byte of what is sent, and `max_tokens` come back."""
    return pricing.cost(
        price, requesting.bytes_of(call), int(call.params.get("max_tokens", 0)), batch=call.batch_id is not None
    ) or Decimal(0)


def weight(call: ModelCall) -> int:
    """The tokens that a call can take of a limit, at most."""
    return requesting.bytes_of(call) + int(call.params.get("max_tokens", 0))


def unsend(calls: Sequence[ModelCall], token: uuid.UUID) -> None:
    """Calls that were taken and, for certain, not sent: sending → queued, and left over where the run has ended."""
    with transaction.atomic():
        mine = ModelCall.objects.filter(pk__in=[call.pk for call in calls], state=State.SENDING, lease_token=token)
        back = set(mine.select_for_update().values_list("pk", flat=True))
        again = {
            "state": State.QUEUED,
            "sent_at": None,
            "lease_token": None,
            "lease_until": None,
            "reserved": 0,
            "price": None,
            "batch": None,
        }
        ModelCall.objects.filter(pk__in=back).update(**again)
        for call in calls:
            if call.pk in back:
                give_back(call)


def renew(calls: Iterable[ModelCall], token: uuid.UUID) -> None:
    """The calls are still waited for."""
    mine = ModelCall.objects.filter(pk__in=[call.pk for call in calls], state=State.SENDING, lease_token=token)
    mine.update(lease_until=timezone.now() + LEASE)


# --- what came of it --------------------------------------------------------------------------------------------------
DONE = """
UPDATE annotation_modelcall AS call SET state = 'done', finished_at = %s, lease_until = NULL, error_code = '', error_detail = '',
    reserved = 0, raw = reply.raw, request_id = reply.request_id, latency_ms = reply.latency, model_returned = reply.model,
    finish_reason = reply.finish, tokens_in = reply.tokens_in, tokens_out = reply.tokens_out, tokens_cached = reply.cached,
    cost = reply.cost, outcome = reply.outcome, score = reply.score
FROM jsonb_to_recordset(%s::jsonb) AS reply(id bigint, token uuid, raw jsonb, request_id text, latency int, model text, finish text,
    tokens_in int, tokens_out int, cached int, cost numeric, outcome text, score numeric)
WHERE call.id = reply.id AND call.lease_token = reply.token AND call.state IN ('sending', 'unknown') RETURNING call.id
"""
Answer = tuple[ModelCall, llm.Reply]


def deliver(answers: Sequence[Answer]) -> list[ModelCall]:
    """Replies as they came, and what they are worth, in one commit. When anything about their worth goes wrong, the replies alone
    are written down first, and then looked at one by one. Gives the calls that were still waiting for theirs."""
    try:
        readings = {call.pk: landing.read(call, reply.raw) for call, reply in answers}
        with transaction.atomic():
            pairs = landing.lock(call.pair_id for call, _reply in answers)
            mine = answered(answers, readings)
            landing.place([readings[call.pk] for call in mine], pairs)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("replies are written down unread")
        mine = answered(answers)
        landing.land(call.pk for call in mine)
    return mine


def answered(answers: Sequence[Answer], readings: Mapping[int, landing.Reading] | None = None) -> list[ModelCall]:
    """Write down the replies, read or (None) unread. Gives the calls that were still waiting for theirs; one that was
    released in the meantime is somebody else's, and its late reply is dropped. Said twice is said once."""
    said = {call.pk: _row(call, reply, (readings or {}).get(call.pk)) for call, reply in answers}
    if not said:
        return []
    with transaction.atomic():
        written = {pk for (pk,) in rows.read(DONE, [timezone.now(), json.dumps(list(said.values()))])}
        mine = [call for call, _reply in answers if call.pk in written]
        for call in mine:
            call.model_returned = said[call.pk]["model"]
        for run in {call.run_id: call.run for call in mine if call.run}.values():
            ended = [call for call in mine if call.run_id == run.pk]
            for currency in {_currency(call.price) for call in ended}:
                entries = [_entry(call, said[call.pk]["cost"]) for call in ended if _currency(call.price) == currency]
                budgets.settle(run, entries, currency)
    for call, _reply in answers:
        if call.pk not in written:
            log.warning("call %s was released before its reply came: the reply is dropped", call.pk)
    return mine


def _row(call: ModelCall, reply: llm.Reply, reading: landing.Reading | None) -> dict[str, Any]:
    seen = prompting.facts(reply.raw)
    cost = pricing.cost(call.price, seen.tokens_in, seen.tokens_out, cached=seen.tokens_cached, batch=call.batch_id is not None)
    return {
        "id": call.pk, "token": str(call.lease_token), "raw": reply.raw, "request_id": reply.request_id, "latency": reply.latency_ms,
        "model": seen.model, "finish": seen.finish_reason, "tokens_in": seen.tokens_in, "tokens_out": seen.tokens_out,
        "cached": seen.tokens_cached, "cost": None if cost is None else str(cost),
        "outcome": reading.outcome if reading else "", "score": str(reading.score) if reading and reading.score is not None else None,
    }  # fmt: skip


def _entry(call: ModelCall, cost: str | None) -> Entry:
    """Whatever was set aside counts as spent when the reply does not say what it cost."""
    return Entry(call.reserved, call.reserved if cost is None else Decimal(cost), call.sent_at)


def failed(call: ModelCall, error: llm.ProviderError, delay: timedelta | None) -> None:
    """A call that was not charged. With `delay` another attempt is queued for then; None gives up, or waits for a person."""
    now = timezone.now()
    with transaction.atomic():
        ended: dict[str, Any] = {"state": State.FAILED, "error_code": error.code, "error_detail": error.detail}
        ended |= {"finished_at": now, "reserved": 0, "lease_until": None}
        if not _mine(call, State.SENDING, State.UNKNOWN).update(**ended):
            return
        give_back(call)
        if delay is not None and DraftRun.objects.filter(pk=call.run_id or 0, state__in=["queued", "running", "paused"]).exists():
            again(call, now + delay)
        elif not isinstance(error, llm.StopAll):
            landing.conclude([call.pair_id])


def give_back(call: ModelCall, cost: Decimal = Decimal(0)) -> None:
    """What was set aside for the call is free again, but for `cost`."""
    if call.run:
        budgets.settle(call.run, [Entry(call.reserved, cost, call.sent_at)], _currency(call.price))


def again(call: ModelCall, not_before: datetime | None = None) -> ModelCall:
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
            landing.conclude([call.pair_id])


def conclude_drafted(run: DraftRun) -> None:
    """The run has ended: its pairs that have a draft by now can be reviewed, although not all that was ordered came."""
    drafted = Pair.objects.filter(calls__run=run, status=Pair.Status.DRAFTING, drafts__isnull=False)
    landing.conclude(drafted.distinct().values_list("pk", flat=True))


def expire() -> int:
    """Calls whose worker is gone become unknown. Gives how many."""
    over = Q(lease_until__lte=timezone.now())
    lost = ModelCall.objects.filter(over, state=State.SENDING).defer("raw")
    for call in lost:
        lose(call, "worker_lost", when=over)
    return len(lost)


def _mine(call: ModelCall, *states: str) -> Any:
    return ModelCall.objects.filter(pk=call.pk, state__in=states, lease_token=call.lease_token)
