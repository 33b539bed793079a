"""Step 3: kept posts become pairs, and a pair gets its draft, of a model or the source's own answer.

An order is a DraftRun with one queued ModelCall per pair, model and candidate. Workers send them (drafting_work), the
ledger remembers what was paid. What a run had not sent when it ended stays with it: the run can be taken up again
(taking_up), or another order takes these pairs over.
"""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

from . import ledger
from .draft_terms import MAX_CANDIDATES, Refused, StaleState
from .drafting_work import work_off
from .models import DraftRun, ModelCall, Pair
from .ordering import audit, estimate, order, waiting_count
from .pairing import make_pairs, pair_own_answers
from .prompt_versions import add_prompt, prompt, prompts
from .redrafting import redraft
from .taking_up import take_up

__all__ = [
    "ACTS", "MAX_CANDIDATES", "Refused", "StaleState", "add_prompt", "estimate", "make_pairs", "order", "pair_own_answers", "pause",
    "prompt", "prompts", "redraft", "release", "resume", "stop", "take_up", "waiting_count", "work_off",
]  # fmt: skip


# --- controlling ------------------------------------------------------------------------------------------------------
def pause(run: DraftRun, *, by: User | None) -> DraftRun:
    """Send nothing more; what is under way arrives. Raises StaleState."""
    return _move(run, ("queued", "running"), "paused", by, lease_token=None, lease_until=None)


def resume(run: DraftRun, *, by: User | None, budget: Decimal | None = None) -> DraftRun:
    """Go on with a paused run, or take up one that has ended (`taking_up`). Raises Refused, StaleState."""
    if run.state in DraftRun.ENDED:
        return take_up(run, by=by, budget=budget)
    return _move(run, ("paused",), "queued", by, attempts=0, not_before=None, error_code="", error_detail="")


def stop(run: DraftRun, *, by: User | None) -> DraftRun:
    """End the run: nothing more is sent, what is under way arrives, what has come can be reviewed. What was not sent stays
    with the run, and does not hinder another order. Raises StaleState."""
    run = _move(run, ("queued", "running", "paused"), "stopped", by, lease_token=None, lease_until=None, finished_at=timezone.now())
    ledger.conclude_drafted(run)
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
    run goes on if it had ended with nothing left over; one that was stopped sends it when it is taken up again. What was
    reserved counts as spent. Raises StaleState."""
    with transaction.atomic():
        unknown = ModelCall.objects.filter(pk=call.pk, state=ModelCall.State.UNKNOWN)
        if not unknown.update(state=ModelCall.State.FAILED, released_by=by, lease_token=None, lease_until=None, reserved=0):
            raise StaleState(_("This call is not of unknown fate any more."))
        Pair.objects.filter(pk=call.pair_id or 0, status=Pair.Status.FAILED, failure=ledger.UNKNOWN).update(
            status=Pair.Status.DRAFTING, failure="", updated_at=timezone.now()
        )
        ledger.give_back(call, cost=call.reserved)
        again = ledger.again(call)
        run = DraftRun.objects.filter(pk=call.run_id or 0)
        if not ModelCall.objects.left_over().filter(run=call.run_id).exclude(pk=again.pk).exists():
            run.filter(state__in=DraftRun.ENDED).update(state="queued", attempts=0, finished_at=None, error_code="", error_detail="")
        run.update(not_before=None)
        audit("call_released", call.run, by, call=call.pk, pair=call.pair_id)
    return again


ACTS = {"pause": pause, "resume": resume, "stop": stop}
