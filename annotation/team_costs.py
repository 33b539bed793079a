"""What the pairs that were settled in a span had cost, whenever that was paid: by source, and by what drafted them. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from sources.models import Source

from .models import ModelCall, Pair
from .scorecard import Key, Score
from .team import Span

Status = Pair.Status
OF_CALL = ("provider", "model", "prompt", "pair__source")
OF_PAIR = ("decision__draft__call__provider", "decision__draft__call__model", "decision__draft__call__prompt", "source")


@dataclass
class Spent:
    """Of one source. `amounts` are by currency."""

    source: Source | None  # None: of all
    accepted: int = 0
    rejected: int = 0
    unpriced: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def per_accepted(self) -> dict[str, Decimal] | None:
        """None: nothing accepted, nothing paid, or a price is not known."""
        if not self.accepted or self.unpriced or not self.amounts:
            return None
        return {currency: amount / self.accepted for currency, amount in self.amounts.items()}


def spent(span: Span, scores: Mapping[Key, Score]) -> list[Spent]:
    """One per source in which something was settled. What the drafts of `scores` cost is added to them."""
    found = {source.pk: Spent(source) for source in span.sources}
    pairs = settled(span)
    accepted, rejected = (Count("pk", filter=Q(status=status)) for status in (Status.ACCEPTED, Status.REJECTED))
    for of, a, r in pairs.values("source").annotate(a=accepted, r=rejected).values_list("source", "a", "r"):
        found[of].accepted, found[of].rejected = a, r
    for row in _paid(pairs):
        key = (row["provider"], row["model"], row["prompt"], row["pair__source"])
        for one in (found[row["pair__source"]], scores.get(key)):
            if one is not None:
                _add(one, row)
    for *key, rows in (
        pairs.filter(status=Status.ACCEPTED, decision__draft__call__isnull=False)
        .values(*OF_PAIR)
        .annotate(n=Count("pk"))
        .values_list(*OF_PAIR, "n")
    ):
        if score := scores.get((key[0], key[1], key[2], key[3])):
            score.rows = rows
    return [one for one in found.values() if one.accepted or one.rejected]


def settled(span: Span) -> QuerySet[Pair]:
    """The pairs that were accepted or rejected in the span, and still are."""
    return Pair.objects.filter(source__in=span.sources, decision__at__gte=span.since).order_by()


def in_all(found: Iterable[Spent]) -> Spent:
    total = Spent(None)
    for one in found:
        total.accepted += one.accepted
        total.rejected += one.rejected
        total.unpriced += one.unpriced
        for currency, amount in one.amounts.items():
            total.amounts[currency] = total.amounts.get(currency, Decimal(0)) + amount
    return total


def _paid(pairs: QuerySet[Pair]) -> Iterable[dict[str, Any]]:
    calls = ModelCall.objects.filter(pair__in=pairs.values("pk")).exclude(state=ModelCall.State.QUEUED).order_by()
    unpriced = Count("pk", filter=Q(state=ModelCall.State.DONE, cost=None))
    rows: Iterable[dict[str, Any]] = calls.values(*OF_CALL, "price__currency").annotate(
        amount=Sum("cost"), unpriced=unpriced, drafts=Count("draft")
    )
    return rows


def _add(one: Spent | Score, row: Mapping[str, Any]) -> None:
    amounts = one.costs if isinstance(one, Score) else one.amounts
    currency = row["price__currency"] or ""
    one.unpriced += row["unpriced"]
    if row["amount"] is not None:
        amounts[currency] = amounts.get(currency, Decimal(0)) + row["amount"]
    if isinstance(one, Score):
        one.offered += row["drafts"]
