"""Background work of annotation. Messages are hints: each task claims its row first, or finds nothing to do."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from sources.indexing import catch_up, is_due
from sources.jobs import send_hint, send_hints

from . import drafting, drafting_work, ledger, stats
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
    ledger.land_stored()
    send_hints(draft_run, drafting_work.runs_to_hint())
    drafting.pair_own_answers()
    if is_due(PAIRS):
        send_hint(index_pairs)


@worker_shutting_down.connect
def wind_down(**kwargs: Any) -> None:
    """Celery waits for running tasks: they take nothing more, and end with what is under way."""
    drafting_work.closing.set()
