"""Taking up a run that has ended before its end: stopped, out of budget, or failed for a reason that was mended since."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from sources.models import Post

from . import ledger
from .draft_terms import Refused, StaleState
from .models import DraftRun, ModelCall, Pair
from .ordering import audit
from .pairing import lock

# Not charged, and the reason was not the text.
HINDERED = (
    "rate_limited", "provider_error", "unreachable", "bad_key", "no_key", "forbidden", "model_not_found", "no_quota", "bad_settings",
    "batch_expired",
)  # fmt: skip
PAID_OR_COMING = (ModelCall.State.QUEUED, ModelCall.State.SENDING, ModelCall.State.DONE, ModelCall.State.UNKNOWN)
WANTED = (Pair.Status.DRAFTING, Pair.Status.PENDING, Pair.Status.FAILED)


def take_up(run: DraftRun, *, by: User | None, budget: Decimal | None = None) -> DraftRun:
    """Send what the run had not sent when it ended, and what came to nothing because of it; `budget` raises its cap.

    Left out are calls of pairs that are decided by now or whose post was dropped, and those that another order took over.
    Raises StaleState when nothing is left, Refused("bad_price") when the cap is not above what was spent.
    """
    with transaction.atomic():
        lock(run.source)
        run = DraftRun.objects.select_for_update(no_key=True).select_related("source").get(pk=run.pk)
        if run.state not in DraftRun.ENDED:
            raise StaleState(_("This run is “%(state)s”, so that is not possible now.") % {"state": run.get_state_display()})
        _check_budget(run, budget)
        _drop_overtaken(run)
        for call in hindered(run):
            ledger.again(call)
        left = set(run.calls.left_over().values_list("pair", flat=True))  # before the run is no more an ended one
        if not left:
            raise StaleState(_("Nothing of this run is left to be sent. What waits can be ordered anew."))
        changes = {"state": "queued", "attempts": 0, "not_before": None, "finished_at": None, "error_code": "", "error_detail": ""}
        DraftRun.objects.filter(pk=run.pk).update(**changes, budget=budget or F("budget"))
        failed = Pair.objects.filter(pk__in=left - {None}, status=Pair.Status.FAILED).exclude(failure=ledger.UNKNOWN)
        failed.update(status=Pair.Status.DRAFTING, failure="", updated_at=timezone.now())
        audit("draft_run_taken_up", run, by, calls=run.calls.filter(state="queued").count(), budget=budget and str(budget))
    run.refresh_from_db()
    return run


def hindered(run: DraftRun) -> list[ModelCall]:
    """The last attempts of the run's calls that came to nothing for a reason that is not the text's, and were not repeated."""
    last = ModelCall.objects.filter(run=run).order_by("key", "-attempt").distinct("key")
    since = ModelCall.objects.filter(key=OuterRef("key"), state__in=PAID_OR_COMING)
    calls = ModelCall.objects.filter(~Exists(since), pk__in=last.values("pk"), state=ModelCall.State.FAILED, error_code__in=HINDERED)
    return list(_wanted(calls).defer("raw"))


def is_resumable(run: DraftRun) -> bool:
    """Whether `take_up` would find something."""
    return run.state in DraftRun.ENDED and (_wanted(run.calls.left_over()).exists() or bool(hindered(run)))


def _wanted(calls: QuerySet[ModelCall]) -> QuerySet[ModelCall]:
    """Those of texts about which nobody has decided yet. (A score is of a post, and always wanted.)"""
    here = calls.filter(pair__status__in=WANTED, pair__post__status=Post.Status.KEPT)
    return here | calls.filter(pair=None)


def _drop_overtaken(run: DraftRun) -> None:
    left = run.calls.left_over()
    left.exclude(pk__in=_wanted(left).values("pk")).delete()


def _check_budget(run: DraftRun, budget: Decimal | None) -> None:
    if budget is not None and (run.budget is None or not budget.is_finite() or not run.spent + run.reserved < budget < 1_000_000):
        raise Refused("bad_price", _("The new cap is an amount above what is spent."))
    if budget is None and run.error_code == "budget_reached":
        raise Refused("budget_reached", _("The budget of this run is used up. Give a higher one to go on."))
