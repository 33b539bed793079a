"""The calls that want a person: those of unknown fate, and those that left a pair without a draft. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, NullIf

from .models import ModelCall, Pair, Purpose

State = ModelCall.State
UNKNOWN, WITHOUT, ATTEMPTS = "unknown", "without", "attempts"
KINDS = (UNKNOWN, WITHOUT, ATTEMPTS)


def queue(calls: QuerySet[ModelCall], kind: str, code: str = "") -> QuerySet[Any]:
    """Of `calls`, those of a kind, with `code` saying what happened to them; with a `code`, only those. Kinds:

    unknown: possibly charged, without an answer; only a person lets them be sent again
    without: the last call of each pair that has no draft now, for a reason that a new order may mend
    attempts: every attempt that failed, also those that were repeated since
    """
    coded = calls.annotate(code=Coalesce(NullIf("outcome", Value("")), "error_code"))
    coded = coded.filter(code=code) if code else coded
    if kind == UNKNOWN:
        return coded.filter(state=State.UNKNOWN)
    if kind == ATTEMPTS:
        return coded.filter(state=State.FAILED)
    last = ModelCall.objects.filter(pair=OuterRef("pair"), purpose=Purpose.DRAFT).order_by("-pk").values("pk")[:1]
    ended = coded.filter(pair__status=Pair.Status.FAILED, state__in=[State.DONE, State.FAILED], purpose=Purpose.DRAFT)
    return ended.exclude(outcome="ok").filter(pk=Subquery(last))


@dataclass(frozen=True)
class Group:
    """Calls of one kind to which the same happened."""

    code: str
    count: int
    held: Decimal  # what is set aside for them
    last_id: int


def groups(calls: QuerySet[ModelCall], kind: str) -> list[Group]:
    """The queue of a kind by what happened, the most frequent first."""
    rows = queue(calls, kind).order_by().values(happened=F("code")).annotate(n=Count("pk"), held=Sum("reserved"), last=Max("pk"))
    found = [Group(row["happened"], row["n"], row["held"], row["last"]) for row in rows]
    return sorted(found, key=lambda group: (-group.count, group.code))


def counts(calls: QuerySet[ModelCall]) -> dict[str, int]:
    return {kind: queue(calls, kind).count() for kind in KINDS}
