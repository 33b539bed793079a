"""Step 3: kept posts become pairs, and a pair gets its draft, of a model or the source's own answer.

An order is a DraftRun with one queued ModelCall per pair, model and candidate. Workers send them (drafting_work), the
ledger remembers what was paid. Ending a run takes back what was not sent yet; those pairs can be ordered again.
"""

import hashlib
import logging
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User
from sources.models import Reply, Source

from . import ledger, llm
from .drafting_work import work_off
from .models import DraftRun, ModelCall, Pair, PromptVersion
from .pairing import lock, make_pairs, pair_own_answers, waiting_posts

__all__ = ["Refused", "StaleState", "make_pairs", "order", "pair_own_answers", "pause", "release", "resume", "stop", "work_off"]

log = logging.getLogger(__name__)

PROMPTS = Path(__file__).parent / "prompts"
MAX_CANDIDATES = 4
SENT = {"max_tokens", "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort"}
PRICED = {"price_in", "price_out", "currency"}
DEFAULTS = {"max_tokens": 2048}
ENDED = (DraftRun.State.SUCCEEDED, DraftRun.State.STOPPED, DraftRun.State.FAILED)


class Refused(Exception):
    """The act is not possible now, for a reason that a person can mend. `code` is stable, the message is for reading."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class StaleState(Refused):
    """The row is not in the state that the act starts from."""

    def __init__(self, message: str) -> None:
        super().__init__("wrong_state", message)


# --- ordering ---------------------------------------------------------------------------------------------------------
def order(
    source: Source, *, by: User | None, prompt: str | None = None, models: list[str] | None = None, candidates: int = 1,
    limit: int | None = None, budget: Decimal | None = None, params: dict[str, Any] | None = None, retry_failed: bool = False,
) -> DraftRun:  # fmt: skip
    """Order drafts for the pairs of `source` that have none: kept posts without a pair, and pairs whose calls ended
    unsent or uncharged. `retry_failed` adds those whose replies were no good (they are asked for a new sample).

    All or nothing, and exclusive per source. Raises Refused.
    """
    models = check(source, models=models, candidates=candidates, limit=limit)
    sent, priced = checked_params(params or {}, budget)
    version = load_prompt(prompt, by=by)
    with transaction.atomic():
        lock(source)
        _sweep(source)
        wanted = waiting_pairs(source, retry_failed=retry_failed)[:limit]
        found = len(wanted)
        if limit is None or found < limit:
            make_pairs(source, None if limit is None else limit - found)
            wanted = waiting_pairs(source, retry_failed=retry_failed)[:limit]
        if not wanted:
            raise Refused("nothing_to_draft", _("No kept post of this source waits for a draft."))
        run = DraftRun.objects.create(
            source=source, by=by, prompt=version, model_names=models, candidates=candidates, limit=limit,
            budget=budget, currency=priced.get("currency", "").upper(), params={**sent, **priced},
        )  # fmt: skip
        calls = _queue(run, wanted, sent)
        run.params["ordered"] = calls
        run.save(update_fields=["params"])
        audit("draft_run_ordered", run, by, pairs=len(wanted), calls=calls, models=models, limit=limit, budget=budget and str(budget))
    return run


def check(source: Source, *, models: list[str] | None, candidates: int, limit: int | None) -> list[str]:
    """The models to ask. Raises Refused when the order cannot be."""
    if source.reply != Reply.MODEL:
        raise Refused("own_answers", _("This source answers for itself: its pairs need no drafts."))
    models = list(dict.fromkeys(name.strip() for name in models or [settings.OPENAI_MODEL] if name.strip()))
    if not llm.is_configured() or not models:
        raise Refused("no_provider", _("No model is set up. Set OPENAI_API_KEY (or OPENAI_BASE_URL) and OPENAI_MODEL, and start again."))
    if max(map(len, models)) > 128 or len(models) > 8 or not 1 <= candidates <= MAX_CANDIDATES or (limit is not None and limit < 1):
        raise Refused("bad_order", _("At most 8 models, 1 to 4 candidates, and a limit of 1 or more."))
    return models


def checked_params(params: dict[str, Any], budget: Decimal | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What is sent with each call, and the prices, which are not. Raises Refused."""
    if unknown := sorted(set(params) - SENT - PRICED):
        raise Refused("bad_params", _("Unknown parameters: %(names)s.") % {"names": ", ".join(unknown)[:200]})
    sent = {**DEFAULTS, **{name: value for name, value in params.items() if name in SENT and value is not None}}
    if not isinstance(sent["max_tokens"], int) or not 1 <= sent["max_tokens"] <= 32_768:
        raise Refused("bad_params", _("max_tokens is a number from 1 to 32768."))
    if not all(isinstance(v, int | float) or (isinstance(v, str) and len(v) <= 16) for v in sent.values()):
        raise Refused("bad_params", _("The parameters are numbers."))
    priced = {name: str(params[name]) for name in PRICED if params.get(name) not in (None, "")}
    try:
        bad = any(not 0 <= Decimal(priced[name]) <= 1_000_000 for name in ("price_in", "price_out") if name in priced)
    except InvalidOperation:
        bad = True
    if bad or len(priced.get("currency", "")) > 3 or ("price_in" in priced) != ("price_out" in priced):
        raise Refused("bad_price", _("A price is two amounts per million tokens, in and out, and a currency of three letters."))
    if budget is not None and "price_in" not in priced:
        raise Refused("price_unknown", _("A budget needs a price: give what a million tokens cost, in and out."))
    if budget is not None and not 0 < budget < 1_000_000:
        raise Refused("bad_price", _("The budget is an amount above 0."))
    return sent, priced


def prompt_names() -> list[str]:
    return sorted(path.stem for path in PROMPTS.glob("reply_*.md"))


def load_prompt(name: str | None = None, *, by: User | None = None) -> PromptVersion:
    """The prompt file `name` (the newest, if none is named) as the version it is now. Raises Refused."""
    names = prompt_names()
    if name and name not in names:
        raise Refused("unknown_prompt", _("There is no prompt of this name. There are: %(names)s.") % {"names": ", ".join(names)})
    name = name or names[-1]
    text = (PROMPTS / f"{name}.md").read_text("utf-8").strip()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return PromptVersion.objects.get_or_create(sha256=sha256, defaults={"name": name, "text": text, "by": by})[0]


def waiting_pairs(source: Source, *, retry_failed: bool = False) -> QuerySet[Pair]:
    """Pairs that an order would draft: no call of theirs is open, unread or of unknown fate."""
    busy = Q(state__in=[*ledger.OPEN, ModelCall.State.UNKNOWN]) | Q(state=ModelCall.State.DONE, outcome="")
    held = ModelCall.objects.filter(busy, pair=OuterRef("pk"), purpose="draft")
    failed = Q(status=Pair.Status.FAILED) & ~Q(failure__in=["no_instruction", "no_answer", ledger.UNKNOWN])
    wanted = Q(status=Pair.Status.DRAFTING) | (failed if retry_failed else Q(pk__in=[]))
    return Pair.objects.filter(wanted, ~Exists(held), source=source).order_by("id")


def waiting_count(source: Source) -> int:
    """How many pairs an order without a limit would draft."""
    return waiting_pairs(source).count() + waiting_posts(source).count()


def _queue(run: DraftRun, pairs: QuerySet[Pair], sent: dict[str, Any]) -> int:
    """One queued call per pair, model and candidate. A key that is paid for or under way already is left alone."""
    failed = [pair.pk for pair in pairs if pair.status == Pair.Status.FAILED]
    rows = _calls(run, pairs, sent)
    while batch := list(islice(rows, 1_000)):
        ModelCall.objects.bulk_create(batch, ignore_conflicts=True)
    Pair.objects.filter(pk__in=failed, status=Pair.Status.FAILED).update(status=Pair.Status.DRAFTING, failure="", updated_at=timezone.now())
    return run.calls.count()


def _calls(run: DraftRun, pairs: QuerySet[Pair], sent: dict[str, Any]) -> Iterator[ModelCall]:
    tried: dict[int, list[ModelCall]] = {}
    for call in ModelCall.objects.filter(pair__in=[pair.pk for pair in pairs], purpose="draft").defer("raw"):
        tried.setdefault(call.pair_id, []).append(call)
    for pair in pairs:
        pair.source = run.source
        for model in run.model_names:
            before = [call for call in tried.get(pair.pk, []) if call.model == model]
            first = 1 + max((call.sample for call in before if call.state == ModelCall.State.DONE), default=-1)
            for sample in range(first, first + run.candidates):
                key = ledger.key_of(pair, run.prompt.sha256, model, sent, "", sample)
                attempt = 1 + max((call.attempt for call in before if call.key == key), default=0)
                yield ModelCall(run=run, pair=pair, prompt=run.prompt, key=key, model=model, params=sent, sample=sample, attempt=attempt)


def _sweep(source: Source) -> None:
    """What ended runs left queued (a run that lost its worker three times) was never sent."""
    ModelCall.objects.filter(run__source=source, run__state__in=ENDED, state=ModelCall.State.QUEUED).delete()


# --- controlling ------------------------------------------------------------------------------------------------------
def pause(run: DraftRun, *, by: User | None) -> DraftRun:
    """Send nothing more; what is under way arrives. Raises StaleState."""
    return _move(run, ("queued", "running"), "paused", by, lease_token=None, lease_until=None)


def resume(run: DraftRun, *, by: User | None) -> DraftRun:
    """Raises StaleState."""
    return _move(run, ("paused",), "queued", by, attempts=0, not_before=None, error_code="", error_detail="")


def stop(run: DraftRun, *, by: User | None) -> DraftRun:
    """End the run: what was not sent is taken back, what is under way arrives. Raises StaleState."""
    run = _move(run, ("queued", "running", "paused"), "stopped", by, lease_token=None, lease_until=None, finished_at=timezone.now())
    ModelCall.objects.filter(run=run, state=ModelCall.State.QUEUED).delete()
    return run


def _move(run: DraftRun, origins: tuple[str, ...], state: str, by: User | None, **changes: Any) -> DraftRun:
    with transaction.atomic():
        if not DraftRun.objects.filter(pk=run.pk, state__in=origins).update(state=state, **changes):
            run.refresh_from_db()
            raise StaleState(_("This run is “%(state)s”, so that is not possible now.") % {"state": run.get_state_display()})
        audit(f"draft_run_{state}", run, by)
    run.refresh_from_db()
    return run


def release(call: ModelCall, *, by: User | None) -> ModelCall:
    """Let a call of unknown fate be sent again, knowing that the first may have been charged. Gives the queued call; its
    run goes on if it had ended. What was reserved counts as spent. Raises StaleState."""
    with transaction.atomic():
        unknown = ModelCall.objects.filter(pk=call.pk, state=ModelCall.State.UNKNOWN)
        if not unknown.update(state=ModelCall.State.FAILED, released_by=by, lease_token=None, lease_until=None, reserved=0):
            raise StaleState(_("This call is not of unknown fate any more."))
        Pair.objects.filter(pk=call.pair_id, status=Pair.Status.FAILED, failure=ledger.UNKNOWN).update(
            status=Pair.Status.DRAFTING, failure="", updated_at=timezone.now()
        )
        ledger.settle(call.run_id, call.reserved, call.reserved)
        again = ledger.again(call)
        run = DraftRun.objects.filter(pk=call.run_id or 0)
        run.filter(state__in=ENDED).update(state="queued", attempts=0, finished_at=None, error_code="", error_detail="")
        run.update(not_before=None)
        audit("call_released", call.run, by, call=call.pk, pair=call.pair_id)
    return again


def audit(action: str, run: DraftRun | None, by: User | None, **detail: Any) -> None:
    AuditEntry.objects.create(by=by, action=action, subject=f"draft run {run.pk if run else '-'}", detail=detail)
