"""What drafting cost, by month, source and model: read-only sums over the ledger.

Amounts of different currencies are never added up. A call whose price is not known counts as `unpriced`, not as 0; one of
unknown fate may have been charged, and what it may have cost at the most is `possible`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from . import providers
from .models import Cap, ModelCall

State = ModelCall.State
ZERO = Decimal(0)


@dataclass
class Cost:
    """Sums over some calls that were sent. `amounts` and `possible` are by currency."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    unpriced: int = 0
    unknown: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    possible: dict[str, Decimal] = field(default_factory=dict)

    def add(self, other: Cost) -> Cost:
        self.calls += other.calls
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.unpriced += other.unpriced
        self.unknown += other.unknown
        for mine, others in ((self.amounts, other.amounts), (self.possible, other.possible)):
            for currency, amount in others.items():
                mine[currency] = mine.get(currency, ZERO) + amount
        return self


@dataclass
class Line:
    """The costs of one month, source, model (`provider:model`) and purpose."""

    month: date  # its first day
    source: str
    source_slug: str
    model: str
    purpose: str
    cost: Cost


def lines(calls: QuerySet[ModelCall]) -> list[Line]:
    """One line per month × source × model × purpose of what was sent, the newest month first."""
    sent = calls.exclude(state=State.QUEUED).order_by().annotate(month=TruncMonth("sent_at"))
    names = ("month", "run__source__name", "run__source__slug", "provider", "model", "purpose", "price__currency")
    sums = sent.values(*names).annotate(
        n=Count("pk"), sum_in=Sum("tokens_in"), sum_out=Sum("tokens_out"), amount=Sum("cost"),
        held=Sum("reserved", filter=Q(state=State.UNKNOWN)),
        unpriced=Count("pk", filter=Q(state=State.DONE, cost=None)), unknown=Count("pk", filter=Q(state=State.UNKNOWN)),
    )  # fmt: skip
    found: dict[tuple[Any, ...], Line] = {}
    for row in sums:
        month, source, slug, provider, model, purpose = key = tuple(row[name] for name in names[:-1])
        line = found.setdefault(key, Line(month.date(), source, slug, providers.ref(provider, model), purpose, Cost()))
        line.cost.add(_cost(row))
    return sorted(found.values(), key=lambda line: (-line.month.toordinal(), line.source, line.model, line.purpose))


def _cost(row: dict[str, Any]) -> Cost:
    currency = row["price__currency"] or ""
    return Cost(
        row["n"], row["sum_in"] or 0, row["sum_out"] or 0, row["unpriced"], row["unknown"],
        {currency: row["amount"]} if row["amount"] is not None else {}, {currency: row["held"]} if row["held"] else {},
    )  # fmt: skip


def caps() -> list[dict[str, Any]]:
    """The caps with what of each is used: {cap, spent, reserved}, of today for those of a day."""
    today = timezone.localdate()
    found = []
    for cap in Cap.objects.select_related("source").order_by("source__name", "per", "currency"):
        use = cap.uses.filter(day=today if cap.per == Cap.Per.DAY else None).first()
        found.append({"cap": cap, "spent": use.spent if use else ZERO, "reserved": use.reserved if use else ZERO})
    return found


def total(found: Iterable[Line]) -> Cost:
    cost = Cost()
    for line in found:
        cost.add(line.cost)
    return cost


def grouped(found: Iterable[Line], by: Callable[[Line], Any]) -> dict[Any, Cost]:
    """The lines summed by what `by` gives of each, in the order of its first line."""
    groups: dict[Any, Cost] = {}
    for line in found:
        groups.setdefault(by(line), Cost()).add(line.cost)
    return groups
