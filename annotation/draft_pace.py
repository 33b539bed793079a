"""How fast a run goes, and the truth beside what was foreseen: read-only."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from .models import DraftRun, ModelCall

LATELY = timedelta(seconds=60)


def pace(run: DraftRun, figures: dict[str, Any]) -> dict[str, Any]:
    """{seconds, per_minute, seconds_left}: how long it has taken, how many calls ended in the last minute, and how long the
    rest takes at that rate (None: nobody can say)."""
    now = timezone.now()
    begun = run.started_at
    seconds = ((run.finished_at or now) - begun).total_seconds() if begun else None
    ended = run.calls.filter(finished_at__gt=now - LATELY).count()
    lately = min(LATELY.total_seconds(), (now - begun).total_seconds()) if begun else 0.0
    rate = 60 * ended / lately if lately >= 1 else 0.0
    left = figures["queued"] + figures["sending"]
    is_going = run.state == DraftRun.State.RUNNING
    return {
        "seconds": seconds,
        "per_minute": round(rate) if is_going else None,
        "seconds_left": 60 * left / rate if is_going and rate and left else None,
    }


def beside(run: DraftRun, figures: dict[str, Any], seconds: float | None) -> list[dict[str, Any]]:
    """What was foreseen beside what it is by now: rows of {key, foreseen, truth}. Empty when nothing was foreseen."""
    foreseen = run.estimate
    if not foreseen:
        return []
    cost = foreseen.get("cost")
    rows: list[tuple[str, Any, Any]] = [
        ("calls", foreseen.get("calls"), figures["ended"]),
        ("tokens_in", foreseen.get("tokens_in"), figures["tokens_in"]),
        ("tokens_out", foreseen.get("tokens_out"), figures["tokens_out"]),
        ("cost", Decimal(str(cost)) if cost is not None else None, figures["cost"]),
        ("seconds", foreseen.get("seconds"), seconds),
    ]
    return [{"key": key, "foreseen": guess, "truth": truth} for key, guess, truth in rows]


def repeated(run: DraftRun) -> dict[str, int]:
    """Why attempts were repeated by themselves: the error's code and how often, the most frequent first."""
    last = run.calls.order_by("key", "-attempt").distinct("key").values("pk")
    earlier = run.calls.filter(state=ModelCall.State.FAILED, released_by=None).exclude(pk__in=last)
    return dict(Counter(earlier.order_by().values_list("error_code", flat=True)).most_common())
