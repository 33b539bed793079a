"""What the team did in a span of days: who decided how much, what became of whose drafts, how long it took. Read-only.

A decision counts unless it was taken back. The sums by day, person, source, model and prompt are one pass over the decisions
of the span (`GROUPING SETS`), so they are of the same moment and add up to the same total.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from sources.models import Source

from . import providers
from .models import ModelCall, Pair, PromptVersion

SPANS = (7, 14, 30, 90)  # days, today included
FEW = 30  # decisions: with fewer, a share says little
EDGES = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 90, 120)  # seconds; the last group has no end
SPARK = 8  # days in a person's line
DECIDED = """
WITH decided AS MATERIALIZED (
  SELECT review.id, review.pair_id, review.by_id, (review.at AT TIME ZONE %(zone)s)::date AS day, pair.source_id, review.verdict,
    review.seconds, width_bucket(review.seconds, %(edges)s::float8[]) AS pace,
    coalesce(call.provider, '') COLLATE "C" AS provider, coalesce(call.model, '') COLLATE "C" AS model, coalesce(call.prompt_id, 0) AS prompt_id
  FROM annotation_review AS review
  JOIN annotation_pair AS pair ON pair.id = review.pair_id
  LEFT JOIN annotation_draft AS draft ON draft.id = review.draft_id
  LEFT JOIN annotation_modelcall AS call ON call.id = draft.call_id
  WHERE review.by_id = ANY(%(people)s) AND review.at >= %(since)s AND review.verdict IN ('accept', 'edit', 'reject')
    AND pair.source_id = ANY(%(sources)s)
    AND NOT EXISTS (SELECT FROM annotation_review AS undo WHERE undo.undoes_id = review.id)
)
"""
SUMS = """
SELECT GROUPING(day, by_id, source_id, model, prompt_id, pace), day, by_id, source_id, provider, model, prompt_id, pace,
  count(*) FILTER (WHERE verdict = 'accept'), count(*) FILTER (WHERE verdict = 'edit'), count(*) FILTER (WHERE verdict = 'reject'),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)
FROM decided
GROUP BY GROUPING SETS ((), (day), (by_id), (day, by_id), (source_id), (provider, model), (prompt_id), (pace))
"""
# What GROUPING gives: a bit for each of its columns that is summed over, the first one being the highest.
ALL, DAYS, PEOPLE, BOTH, SOURCES, MODELS, PROMPTS, PACE = 0b111111, 0b011111, 0b101111, 0b001111, 0b110111, 0b111011, 0b111101, 0b111110
# Of two people at one pair: how many such twos there are, and how many of them said the same. The latest word of each counts.
AGREED = """
SELECT count(*), coalesce(sum(n * (n - 1) / 2), 0), coalesce(sum((a * (a - 1) + e * (e - 1) + r * (r - 1)) / 2), 0),
  coalesce(sum(((a + e) * (a + e - 1) + r * (r - 1)) / 2), 0)
FROM (
  SELECT count(*) AS n, count(*) FILTER (WHERE verdict = 'accept') AS a, count(*) FILTER (WHERE verdict = 'edit') AS e,
    count(*) FILTER (WHERE verdict = 'reject') AS r
  FROM (SELECT DISTINCT ON (pair_id, by_id) pair_id, verdict FROM decided ORDER BY pair_id, by_id, id DESC) AS latest
  GROUP BY pair_id HAVING count(*) > 1
) AS judged
"""


@dataclass(frozen=True)
class Span:
    """The days and the sources that are asked about."""

    days: int
    sources: list[Source]

    @property
    def first(self) -> date:
        return timezone.localdate() - timedelta(days=self.days - 1)

    @property
    def since(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time()))

    def dates(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(self.days)]


@dataclass(frozen=True)
class Tally:
    accepted: int = 0  # unchanged
    edited: int = 0
    rejected: int = 0
    seconds: float | None = None  # of a decision, the median

    @property
    def decided(self) -> int:
        return self.accepted + self.edited + self.rejected

    @property
    def is_few(self) -> bool:
        return self.decided < FEW

    @property
    def accepted_share(self) -> float | None:
        """None of few: it would say nothing."""
        return None if self.is_few else self.accepted / self.decided

    @property
    def edited_share(self) -> float | None:
        return None if self.is_few else self.edited / self.decided

    @property
    def rejected_share(self) -> float | None:
        return None if self.is_few else self.rejected / self.decided


@dataclass
class Figures:
    """All sums of a span. What they are by comes in a fixed order, which is no ranking."""

    total: Tally = Tally()
    days: dict[date, Tally] = field(default_factory=dict)  # every day of the span
    people: dict[str, Tally] = field(default_factory=dict)
    people_by_day: dict[tuple[date, str], Tally] = field(default_factory=dict)
    sources: list[tuple[Source, Tally]] = field(default_factory=list)
    models: dict[str, Tally] = field(default_factory=dict)  # "": the source's own answer
    prompts: dict[str, Tally] = field(default_factory=dict)  # "": none, as above
    pace: list[int] = field(default_factory=list)  # decisions by seconds, between EDGES


@dataclass(frozen=True)
class Agreement:
    """Of all twos of people who judged the same pair, the share that said the same."""

    pairs: int  # judged by several
    twos: int
    same_verdict: int
    same_fate: int  # both keep the pair, edited or not, or both reject it

    @property
    def verdict_share(self) -> float | None:
        return self.same_verdict / self.twos if self.twos else None

    @property
    def fate_share(self) -> float | None:
        return self.same_fate / self.twos if self.twos else None


@dataclass
class Spent:
    """What the pairs of a source that were settled in the span had cost, whenever that was paid. `amounts` are by currency."""

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


def figures(span: Span) -> Figures:
    sums: dict[int, dict[Any, Tally]] = {}
    for kind, day, by, source, provider, model, prompt, pace, *counts in _rows(span, SUMS):
        key = {DAYS: day, PEOPLE: by, BOTH: (day, by), SOURCES: source, MODELS: (provider, model), PROMPTS: prompt, PACE: pace}.get(kind)
        sums.setdefault(kind, {})[key] = Tally(*counts)
    names = dict(User.objects.filter(pk__in=sums.get(PEOPLE, {})).order_by("username").values_list("pk", "username"))
    prompts = {0: ""} | dict(PromptVersion.objects.filter(pk__in=sums.get(PROMPTS, {})).values_list("pk", "name"))
    days, both, pace, by_source = (sums.get(kind, {}) for kind in (DAYS, BOTH, PACE, SOURCES))
    models = {providers.ref(*key) if key[1] else "": tally for key, tally in sums.get(MODELS, {}).items()}
    return Figures(
        total=sums.get(ALL, {}).get(None, Tally()),
        days={day: days.get(day, Tally()) for day in span.dates()},
        people=_in_order(names, sums.get(PEOPLE, {})),
        people_by_day={(day, names[by]): both[day, by] for day in span.dates() for by in names if (day, by) in both},
        sources=[(source, by_source[source.pk]) for source in span.sources if source.pk in by_source],
        models=dict(sorted(models.items(), key=lambda item: (not item[0], item[0]))),
        prompts=_in_order(dict(sorted(prompts.items(), key=lambda item: (not item[1], item[1]))), sums.get(PROMPTS, {})),
        pace=[pace.get(n + 1, Tally()).decided for n in range(len(EDGES))],
    )


def agreement(span: Span) -> Agreement:
    return Agreement(*(int(n) for n in _rows(span, AGREED)[0]))


def settled(span: Span) -> QuerySet[Pair]:
    """The pairs that were accepted or rejected in the span, and still are."""
    return Pair.objects.filter(source__in=span.sources, decision__at__gte=span.since).order_by()


def spent(span: Span) -> list[Spent]:
    """One per source in which something was settled or paid for."""
    found = {source.pk: Spent(source) for source in span.sources}
    pairs = settled(span)
    for row in pairs.values("source").annotate(a=Count("pk", filter=Q(status="accepted")), r=Count("pk", filter=Q(status="rejected"))):
        found[row["source"]].accepted, found[row["source"]].rejected = row["a"], row["r"]
    calls = ModelCall.objects.filter(pair__in=pairs.values("pk")).exclude(state=ModelCall.State.QUEUED).order_by()
    unpriced = Count("pk", filter=Q(state=ModelCall.State.DONE, cost=None))
    paid = calls.values("pair__source", "price__currency").annotate(amount=Sum("cost"), unpriced=unpriced)
    for of, currency, amount, missing in paid.values_list("pair__source", "price__currency", "amount", "unpriced"):
        one = found[of]
        one.unpriced += missing
        if amount is not None:
            one.amounts[currency or ""] = one.amounts.get(currency or "", Decimal(0)) + amount
    return [one for one in found.values() if one.accepted or one.rejected]


def in_all(found: Iterable[Spent]) -> Spent:
    total = Spent(None)
    for one in found:
        total.accepted, total.rejected, total.unpriced = (
            total.accepted + one.accepted, total.rejected + one.rejected, total.unpriced + one.unpriced
        )  # fmt: skip
        for currency, amount in one.amounts.items():
            total.amounts[currency] = total.amounts.get(currency, Decimal(0)) + amount
    return total


def _rows(span: Span, select: str) -> list[tuple[Any, ...]]:
    given: dict[str, Any] = {
        "zone": timezone.get_current_timezone_name(), "edges": list(EDGES), "since": span.since,
        "people": list(User.objects.values_list("pk", flat=True)),  # all of them: so the index of a person's days serves the span
        "sources": [source.pk for source in span.sources],
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('work_mem', '64MB', true)"
        )  # of this transaction: a hundred thousand decisions sort without a file
        cursor.execute(DECIDED + select, given)
        return list(cursor.fetchall())


def _in_order(names: dict[int, str], tallies: dict[int, Tally]) -> dict[str, Tally]:
    return {name: tallies[key] for key, name in names.items() if key in tallies}
