"""How far a DraftRun is, what it cost, and what its failures mean: read-only."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .models import DraftRun, ModelCall

Text = str | Promise
# Why a run ended early: what happened, and what to do. What was not sent can always be ordered again.
RUN_ERRORS: dict[str, Text] = {
    "bad_key": _("The provider refused the key. Set the right one (OPENAI_API_KEY, or that provider's), start again, and order once more."),
    "no_key": _("The provider has no key. Set its variable (OPENAI_API_KEY, or that provider's), and start again."),
    "forbidden": _("The provider refuses this key the access, by region or by rights. Ask there, or set another provider."),
    "model_not_found": _("The provider does not know this model, or the address is wrong. Check OPENAI_MODEL and OPENAI_BASE_URL."),
    "no_quota": _("The account at the provider has no quota left. Top it up there, and order once more."),
    "unreachable": _("The provider could not be reached. Check OPENAI_BASE_URL and the network, and order once more."),
    "bad_params": _("The provider does not accept one of the parameters. Order once more without it."),
    "bad_settings": _("The key or the address cannot be used as they are. Check OPENAI_API_KEY and OPENAI_BASE_URL."),
    "budget_reached": _("The budget is used up. What was drafted can be reviewed; the rest can be ordered with another budget."),
    "cap_reached": _("A cap of the installation is reached. Wait for the next day, or raise it, and go on with this run."),
    "price_unknown": _("A cap counts here, and the price of a model is unknown. Set it on the page of models, and go on with this run."),
    "worker_lost": _("Three workers in a row ended while at it. Look at their log, and order once more."),
}
# Why a pair has no draft.
FAILURES: dict[str, Text] = {
    "truncated": _("The reply was cut off at the length limit"),
    "refused": _("The model refused"),
    "filtered": _("The provider's content filter held it back"),
    "empty": _("The reply was empty"),
    "too_long": _("Longer than can be handled"),
    "wrong_language": _("Less than half of the reply is Chinese"),
    "canary": _("The reply tells the rules it was given"),
    "bad_score": _("The score is not one from 1 to 10"),
    "batch_expired": _("Its batch ended before its turn"),
    "batch_failed": _("The provider refused its batch"),
    "fault": _("A fault of ours"),
    "echo": _("The reply repeats what was sent"),
    "unparseable": _("The reply could not be read"),
    "rate_limited": _("The provider was busy again and again"),
    "provider_error": _("The provider failed again and again"),
    "bad_request": _("The provider did not accept the request"),
    "unreachable": _("The provider could not be reached"),
    "timeout": _("No reply came in time"),
    "connection_lost": _("The connection broke"),
    "worker_lost": _("The worker ended while waiting"),
    "reply_too_big": _("The reply was far too big"),
}


def failure_text(code: str) -> Text:
    return FAILURES.get(code) or RUN_ERRORS.get(code) or code


def figures(run: DraftRun) -> dict[str, Any]:
    """Counts of the run's purchases (a retry counts once, as its last attempt), tokens and cost. `drafted` replies were good;
    `failures` says why the others were not, or were never had."""
    rows = run.calls.order_by("key", "-attempt").distinct("key").values_list("state", "outcome", "error_code")
    last = list(rows)
    states = Counter(state for state, _outcome, _error in last)
    failures = Counter(outcome or error for state, outcome, error in last if outcome != "ok" and state in ("done", "failed"))
    failures.pop("", None)  # answered, and not read yet
    total = max(len(last), run.ordered)
    ended = states["done"] + states["failed"] + states["unknown"]
    left = states.pop("queued", 0) if run.state in DraftRun.ENDED else 0  # stays with the run, and is not sent
    return {
        "calls": total,
        **{state: states[state] for state in ModelCall.State.values},
        "unsent": total - len(last) + left,
        "resumable": left,
        "drafted": sum(outcome == "ok" for _state, outcome, _error in last),
        "failures": dict(failures.most_common()),
        "without": sum(failures.values()),
        "ended": ended,
        "percent": 100 if run.state == DraftRun.State.SUCCEEDED else min(99, 100 * ended // max(1, total)),
        **spending(run),
    }


def spending(run: DraftRun) -> dict[str, Any]:
    """Tokens by the replies' own usage. A cost of None is unknown, which is not 0."""
    unpriced = Count("pk", filter=Q(state="done", cost=None))
    sums = run.calls.aggregate(tokens_in=Sum("tokens_in"), tokens_out=Sum("tokens_out"), total=Sum("cost"), unpriced=unpriced)
    known = not sums["unpriced"] and run.currency != ""
    return {
        "tokens": (sums["tokens_in"] or 0) + (sums["tokens_out"] or 0),
        "tokens_in": sums["tokens_in"] or 0,
        "tokens_out": sums["tokens_out"] or 0,
        "cost": (sums["total"] or Decimal(0)) if known else None,
    }


def waits(run: DraftRun) -> bool:
    """Whether the provider asked to be left alone for now."""
    return run.state == DraftRun.State.RUNNING and run.not_before is not None and run.not_before > timezone.now()
