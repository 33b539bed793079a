"""Step 3: kept posts become pairs, and a pair gets its draft, of a model or the source's own answer.

An order is a DraftRun with one queued ModelCall per pair, model and candidate. Workers send them (drafting_work), the
ledger remembers what was paid. Ending a run takes back what was not sent yet; those pairs can be ordered again.
"""

import hashlib
import logging
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User
from sources.models import Post, Source

from . import draft_progress, ledger
from .draft_terms import MAX_CANDIDATES, Refused, StaleState, check, checked_params
from .drafting_work import work_off
from .models import DraftRun, ModelCall, Pair, PromptVersion
from .pairing import lock, make_pairs, pair_own_answers, waiting_posts

__all__ = [
    "ACTS", "MAX_CANDIDATES", "Refused", "StaleState", "estimate", "make_pairs", "order", "pair_own_answers", "pause", "release",
    "resume", "stop", "waiting_count", "work_off",
]  # fmt: skip

log = logging.getLogger(__name__)

PROMPTS = Path(__file__).parent / "prompts"
ENDED = (DraftRun.State.SUCCEEDED, DraftRun.State.STOPPED, DraftRun.State.FAILED)


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
    foreseen = estimate(source, models=models, candidates=candidates, limit=limit, params=priced, retry_failed=retry_failed)
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
            budget=budget, currency=priced.get("currency", "").upper(), params={**sent, **priced, "estimate": written(foreseen)},
        )  # fmt: skip
        calls = _queue(run, wanted, sent)
        run.params["ordered"] = calls
        run.save(update_fields=["params"])
        audit("draft_run_ordered", run, by, pairs=len(wanted), calls=calls, models=models, limit=limit, budget=budget and str(budget))
    return run


def estimate(source: Source, *, prompt: str | None = None, models: list[str] | None = None, candidates: int = 1,
             limit: int | None = None, budget: Decimal | None = None, params: dict[str, Any] | None = None,
             retry_failed: bool = False) -> dict[str, Any]:  # fmt: skip
    """What the same order would come to; nothing is written. Raises Refused."""
    models = check(source, models=models, candidates=candidates, limit=limit)
    _sent, priced = checked_params(params or {}, budget)
    pairs = min(waiting_count(source, retry_failed=retry_failed), limit or sys.maxsize)
    length = len(prompt_text(prompt)[1])
    return draft_progress.estimate(source, pairs=pairs, calls_per_pair=candidates * len(models), params=priced, prompt_length=length)


def written(foreseen: dict[str, Any]) -> dict[str, Any]:
    """An estimate as JSON keeps it."""
    return {**foreseen, "cost": None if foreseen["cost"] is None else str(foreseen["cost"])}


def prompt_names() -> list[str]:
    return sorted(path.stem for path in PROMPTS.glob("reply_*.md"))


def prompt_text(name: str | None = None) -> tuple[str, str]:
    """Name and text of the prompt file `name`, or of the newest. Raises Refused."""
    names = prompt_names()
    if name and name not in names:
        raise Refused("unknown_prompt", _("There is no prompt of this name. There are: %(names)s.") % {"names": ", ".join(names)})
    name = name or names[-1]
    return name, (PROMPTS / f"{name}.md").read_text("utf-8").strip()


def load_prompt(name: str | None = None, *, by: User | None = None) -> PromptVersion:
    """The prompt file as the version it is now; a used one never changes. Raises Refused."""
    name, text = prompt_text(name)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return PromptVersion.objects.get_or_create(sha256=sha256, defaults={"name": name, "text": text, "by": by})[0]


def waiting_pairs(source: Source, *, retry_failed: bool = False) -> QuerySet[Pair]:
    """Pairs that an order would draft: their post is kept (still), and no call of theirs is open, unread or of unknown fate."""
    busy = Q(state__in=[*ledger.OPEN, ModelCall.State.UNKNOWN]) | Q(state=ModelCall.State.DONE, outcome="")
    held = ModelCall.objects.filter(busy, pair=OuterRef("pk"), purpose="draft")
    failed = Q(status=Pair.Status.FAILED) & ~Q(failure__in=["no_instruction", "no_answer", ledger.UNKNOWN])
    wanted = Q(status=Pair.Status.DRAFTING) | (failed if retry_failed else Q(pk__in=[]))
    return Pair.objects.filter(wanted, ~Exists(held), source=source, post__status=Post.Status.KEPT).order_by("id")


def waiting_count(source: Source, *, retry_failed: bool = False) -> int:
    """How many pairs an order without a limit would draft."""
    return waiting_pairs(source, retry_failed=retry_failed).count() + waiting_posts(source).count()


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


ACTS = {"pause": pause, "resume": resume, "stop": stop}


def audit(action: str, run: DraftRun | None, by: User | None, **detail: Any) -> None:
    AuditEntry.objects.create(by=by, action=action, subject=f"draft run {run.pk if run else '-'}", detail=detail)
