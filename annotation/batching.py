"""Runs that can wait: their calls go out as batches, the same calls in the same ledger, for a part of the price.

A run's calls are put into a batch, committed as sent with their money set aside, before anything goes out; `custom_id` is the attempt's
id. Then the batch's own row is moved on step by step, by whoever claims it: uploaded, started, looked at now and then, read when
it is over. A worker that dies between two steps leaves a row that says which was the last; whether a batch was started whose
name was not written down is asked at the provider, by the tag it carries, before anything is started again.

What a batch did not answer (it expired, or was cancelled) was not charged, and its calls are queued again while the run is open.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from sources.jobs import LostLease

from . import ledger, llm, llm_batches, requesting
from .models import Batch, DraftRun, ModelCall

log = logging.getLogger(__name__)

MOST = 2_000  # calls in a batch: a file of some megabytes, and partial results early
EVERY = timedelta(seconds=30)  # between two looks at a batch under way
SETTLED = timedelta(seconds=60)  # after which a batch that was started is surely listed
HANDFUL = 200
OPEN = ("queued", "running")
UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # how an attempt's id is written


def work_off(run: DraftRun) -> None:
    """Put what is due of a claimed run into batches; end the run when nothing of it is open. Raises LostLease."""
    try:
        fill(run)
    except ledger.BudgetReached as reached:  # what is under way may cost less than was set aside for it
        if not run.batches.filter(state__in=OPEN).exists():
            run.finish("stopped", error_code=reached.code)
            return ledger.conclude_drafted(run)
    if run.calls.filter(state__in=ledger.OPEN).exists():
        run.progress(not_before=timezone.now() + timedelta(seconds=5))
        DraftRun.objects.filter(pk=run.pk, lease_token=run.lease_token).update(lease_until=timezone.now())
    else:
        run.finish("succeeded")


def fill(run: DraftRun) -> None:
    """One batch per model and MOST calls. Raises BudgetReached, with what fitted in its batches."""
    terms = ledger.terms_of(run)
    for provider, model in terms.prices:
        queued = ModelCall.objects.filter(run=run, provider=provider, model=model, state=ModelCall.State.QUEUED)
        while queued.exclude(not_before__gt=timezone.now()).exists():
            with transaction.atomic():
                batch = Batch.objects.create(run=run, provider=provider, model=model)
                if not ledger.put_into(batch, MOST, terms):
                    transaction.set_rollback(True)
                    break
            log.info("draft run %s: batch %s", run.pk, batch.pk)


def due() -> list[int]:
    return list(Batch.objects.due().values_list("pk", flat=True)[:20])


def move_on(batch_id: int) -> None:
    """The next step of a batch that is due. Any hint, late or doubled, is harmless."""
    batch = Batch.claim(batch_id)
    if batch is None:
        return
    try:
        _move_on(batch)
    except llm.StopAll as error:
        _give_up(batch, error)
    except llm.ProviderError as error:  # busy, or away: later
        batch.progress(not_before=timezone.now() + EVERY, error_code=error.code, error_detail=error.detail)
        _give_back(batch)
    except LostLease:
        log.info("batch %s is somebody else's now", batch.pk)


def _move_on(batch: Batch) -> None:
    if not batch.submitted_at and batch.run.state not in OPEN:
        return _hold_back(batch)
    if not batch.remote_id:
        remote = _start(batch)
    else:
        remote = llm_batches.look_at_batch(batch.provider, batch.remote_id)
        if batch.run.state == DraftRun.State.STOPPED and remote.status in {"validating", "in_progress"}:
            llm_batches.cancel_batch(batch.provider, batch.remote_id)
    if remote is None:
        return
    expires = datetime.fromtimestamp(remote.expires_at, UTC) if remote.expires_at else None
    batch.progress(remote_state=remote.status, expires_at=expires, error_code="", error_detail="")
    if remote.is_over:
        _read(batch, remote)
    else:
        batch.progress(not_before=timezone.now() + EVERY)
        _give_back(batch)


def _hold_back(batch: Batch) -> None:
    """Its run is paused, or has ended, before anything went out: what was not sent stays with the run."""
    if batch.run.state == DraftRun.State.PAUSED:
        batch.progress(not_before=timezone.now() + EVERY)
        return _give_back(batch)
    calls = list(_calls(batch))
    if calls and calls[0].lease_token:
        ledger.unsend(calls, calls[0].lease_token)
    batch.finish("cancelled")


def _start(batch: Batch) -> llm_batches.RemoteBatch | None:
    """Upload and start it, unless that was done before. None: too early to tell."""
    tag = f"{batch.run_id}-{batch.pk}"
    remote = None
    if batch.submitted_at:
        remote = llm_batches.find_batch(batch.provider, tag)
        if remote is None and batch.submitted_at > timezone.now() - SETTLED:
            batch.progress(not_before=batch.submitted_at + SETTLED)
            _give_back(batch)
            return None
    if remote is None:
        if not batch.input_file:
            lines = b"".join(llm_batches.line_of(requesting.request_of(call)) for call in _calls(batch))
            batch.hold(input_file=llm_batches.upload(batch.provider, lines))
        batch.hold(submitted_at=timezone.now())
        remote = llm_batches.start_batch(batch.provider, batch.input_file, tag)
    batch.progress(remote_id=remote.id)
    return remote


def _calls(batch: Batch) -> QuerySet[ModelCall]:
    return batch.calls.filter(state=ModelCall.State.SENDING).select_related("run", "prompt", "price").order_by("id")


def _read(batch: Batch, remote: llm_batches.RemoteBatch) -> None:
    """Deliver what came, in handfuls; the rest was not done, and not charged. Read twice is read once."""
    for file in (remote.output, remote.errors):
        found = llm_batches.results(batch.provider, file) if file else iter(())
        while rows := dict(islice(found, HANDFUL)):
            _deliver(batch, rows)
            batch.progress(answered=batch.calls.filter(state=ModelCall.State.DONE).count())
    left = "batch_failed" if remote.status == "failed" else "batch_expired"
    for call in _calls(batch):
        _failed(call, llm.RetryLater(left, remote.status))
    states = {"completed": "succeeded", "expired": "expired", "cancelled": "cancelled", "failed": "failed"}
    batch.finish(states[remote.status])


def _deliver(batch: Batch, rows: dict[str, llm.Reply | llm.ProviderError]) -> None:
    known = [attempt for attempt in rows if UUID.fullmatch(attempt)]
    calls = list(_calls(batch).filter(attempt_id__in=known))
    answers: list[ledger.Answer] = []
    for call in calls:
        outcome = rows[str(call.attempt_id)]
        if isinstance(outcome, llm.Reply):
            answers.append((call, outcome))
        else:
            _failed(call, outcome)
    ledger.deliver(answers)


def _failed(call: ModelCall, error: llm.ProviderError) -> None:
    """A line without a reply was not charged: again, in the next batch, unless it would be the same again."""
    tries = ledger.TRIES.get(error.code, ledger.DEFAULT_TRIES)
    again = isinstance(error, llm.RetryLater | llm.Ambiguous) and error.code != "batch_failed" and call.attempt < tries
    ended = llm.GiveUp(error.code, error.detail) if isinstance(error, llm.StopAll) else error  # one line does not stop the others
    ledger.failed(call, ended, timedelta() if again else None)


def _give_up(batch: Batch, error: llm.StopAll) -> None:
    """Nothing can be done with this provider until a person mends it. A batch that was started goes on there, and is looked at
    again; one that was not has not cost anything."""
    batch.progress(not_before=timezone.now() + EVERY, error_code=error.code, error_detail=error.detail)
    if batch.submitted_at:
        return _give_back(batch)
    for call in _calls(batch):
        ledger.failed(call, error, None)
    batch.finish("failed", error_code=error.code, error_detail=error.detail)
    ended = {"state": "failed", "error_code": error.code, "error_detail": error.detail, "finished_at": timezone.now(), "lease_token": None}
    if DraftRun.objects.filter(Q(state="running") | Q(state="queued"), pk=batch.run_id).update(**ended):
        ledger.conclude_drafted(batch.run)


def _give_back(batch: Batch) -> None:
    """Whoever comes next may claim it, once it is due."""
    Batch.objects.filter(pk=batch.pk, lease_token=batch.lease_token).update(lease_until=timezone.now())
