"""Background work of annotation. Messages are hints: each task claims its row first, or finds nothing to do."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from sources.indexing import catch_up, is_due
from sources.jobs import send_hint, send_hints

from . import batching, drafting, drafting_work, landing, ledger, ranking, resolving, stats
from .models import ModelCall
from .searching import PAIRS


@shared_task
def draft_run(run_id: int) -> None:
    if drafting.work_off(run_id):  # its slice of time is over, and work is left
        send_hint(draft_run, run_id)


@shared_task
def index_pairs() -> None:
    """Of the queue `work`, as that of posts: those who draft do not wait for it."""
    if catch_up(PAIRS):
        send_hint(index_pairs)


@shared_task
def draft_resend_hints() -> None:
    """The beat's bidding, every few seconds; two at once are harmless."""
    drafting_work.seen()
    stats.fold()
    ledger.expire()
    landing.land_stored()
    send_hints(draft_run, drafting_work.runs_to_hint())
    drafting.pair_own_answers()
    if is_due(PAIRS):
        send_hint(index_pairs)
    send_hints(draft_batch, batching.due())
    if ranking.is_due():
        send_hint(rank_pairs)
    if ModelCall.objects.filter(state="unknown").exists():
        send_hint(draft_resolve)


@shared_task
def rank_pairs() -> None:
    """Of the queue `work`: those who draft do not wait for it."""
    if ranking.catch_up():
        send_hint(rank_pairs)


@shared_task
def draft_batch(batch_id: int) -> None:
    batching.move_on(batch_id)


@shared_task
def draft_resolve() -> None:
    """Calls of unknown fate are looked up, or released where their run says so."""
    if resolving.resolve():
        draft_resend_hints()


@worker_shutting_down.connect
def wind_down(**kwargs: Any) -> None:
    """Celery waits for running tasks: they take nothing more, and end with what is under way."""
    drafting_work.closing.set()
