"""What became of calls of unknown fate: the provider is asked, where it keeps what it answered; then the run's own policy decides,
if it has one; the rest waits for a person (`drafting.release`).

A run may be ordered with a number of calls that may be sent again without asking (`auto_release`). Each of these releases is logged,
and the number is a cap: however many workers there are, no more are released.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from . import ledger, llm
from .drafting import Refused, release
from .models import DraftRun, ModelCall

log = logging.getLogger(__name__)

AGAIN = timedelta(minutes=5)  # between two questions about one call
OLD_ENOUGH = timedelta(seconds=60)  # a late reply may still come, and a stored one takes a moment to be listed
GONE = timedelta(days=25)  # completions are kept for thirty days
BATCH = 10  # questions in one go: a task stays short


def resolve() -> int:
    """One round; safe at any time, and from several workers. Gives how many calls are of unknown fate no more."""
    return look_up() + release_by_policy()


def look_up() -> int:
    """Ask the provider for the stored completion of each doubtful call (by the attempt's id, which it was sent with)."""
    now, found = timezone.now(), 0
    due = ModelCall.objects.filter(Q(looked_up_at=None) | Q(looked_up_at__lt=now - AGAIN), state=ModelCall.State.UNKNOWN, batch=None)
    calls = due.filter(sent_at__range=(now - GONE, now - OLD_ENOUGH), provider__in=llm.that_store()).order_by("looked_up_at", "id")
    for call in calls.select_related("run", "prompt", "price")[:BATCH]:
        if not ModelCall.objects.filter(pk=call.pk, state="unknown", looked_up_at=call.looked_up_at).update(looked_up_at=now):
            continue  # another worker asks
        try:
            reply = llm.stored(call.provider, str(call.attempt_id))
        except llm.ProviderError as error:
            log.warning("call %s could not be looked up: %s %s", call.pk, error.code, error.detail)
            return found
        if reply:
            found += len(ledger.deliver([(call, reply)]))
    return found


def release_by_policy() -> int:
    """Send again what a run's own policy allows, oldest first. A provider that keeps what it answered is asked before."""
    old = timezone.now() - OLD_ENOUGH
    doubtful = ModelCall.objects.filter(state=ModelCall.State.UNKNOWN, finished_at__lt=old, run__auto_release__gt=F("run__auto_released"))
    asked = ~Q(provider__in=llm.that_store()) | Q(looked_up_at__isnull=False)
    released = 0
    for call in doubtful.filter(asked, run__state__in=["queued", "running", "succeeded"]).select_related("run").order_by("id")[:BATCH]:
        room = DraftRun.objects.filter(pk=call.run_id or 0, auto_released__lt=F("auto_release"))
        if not room.update(auto_released=F("auto_released") + 1):
            continue
        try:
            release(call, by=None)
            released += 1
        except Refused:  # its reply has come, or a person was faster
            DraftRun.objects.filter(pk=call.run_id or 0).update(auto_released=F("auto_released") - 1)
    return released
