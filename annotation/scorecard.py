"""How drafts fared with the people who judged them, per model × prompt × source. Read-only.

Only decisions that count are counted (not undone, not before a reopening), and only those on a model's draft. What a
pair cost is all that was paid for it to this model with this prompt, drafts that nobody chose included.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from typing import Any

from django.db.models import Aggregate, Count, Exists, FloatField, OuterRef, Q, QuerySet, Sum
from rapidfuzz.distance import Levenshtein

from . import providers
from .models import Draft, ModelCall, Pair, Purpose, Review

Verdict = Review.Verdict
Key = tuple[str, str, int, int]  # provider, model as asked for, prompt, source
KEY = ("provider", "model", "prompt", "run__source")
GROUP = tuple(f"draft__call__{name}" for name in KEY)
EDITS = 5_000  # the newest edits of which the median is taken: more would not move it
FEW = 30  # decisions: with fewer, a share says little, and the pages say so


class Median(Aggregate):
    """The middle value, by PostgreSQL's `percentile_cont`."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass
class Score:
    """One row of the scorecard. Shares are of `decided`; `None` is “not known”, which is not 0."""

    model: str
    prompt: str
    source: str
    source_slug: str
    offered: int = 0  # drafts that came of the calls
    accepted: int = 0  # unchanged
    edited: int = 0
    rejected: int = 0
    distance: float | None = None  # characters that an editor changed (Levenshtein), the median of the edited ones
    seconds: float | None = None  # of a decision, the median
    reasons: dict[str, int] = field(default_factory=dict)  # of rejection; one decision may name several
    rows: int = 0  # pairs accepted with a text that began as this one's draft
    costs: dict[str, Decimal] = field(default_factory=dict)  # of the pairs that are settled, by currency
    unpriced: int = 0  # answered calls of which nobody knows the price

    @property
    def decided(self) -> int:
        return self.accepted + self.edited + self.rejected

    @property
    def is_few(self) -> bool:
        return self.decided < FEW

    @property
    def unchanged_share(self) -> float | None:
        return self.accepted / self.decided if self.decided else None

    @property
    def rejected_share(self) -> float | None:
        return self.rejected / self.decided if self.decided else None

    @property
    def cost_per_row(self) -> dict[str, Decimal] | None:
        """What an accepted row cost, by currency. None: no row yet, or a price is not known."""
        if not self.rows or self.unpriced or not self.costs:
            return None
        return {currency: cost / self.rows for currency, cost in self.costs.items()}


def counting() -> QuerySet[Review]:
    """The decisions that count."""
    reopened = Review.objects.filter(pair=OuterRef("pair"), verdict=Verdict.REOPEN, undone_by=None, pk__gt=OuterRef("pk"))
    return Review.objects.filter(~Exists(reopened), verdict__in=Review.DECISIONS, undone_by=None)


def scorecard(calls: QuerySet[ModelCall]) -> list[Score]:
    """The rows for what came of `calls`, the most decided first. Purposes other than drafting are left out."""
    return sorted(by_key(calls).values(), key=lambda score: (-score.decided, score.source, score.model, score.prompt))


def by_key(calls: QuerySet[ModelCall]) -> dict[Key, Score]:
    """The same rows by what they are about."""
    calls = calls.filter(purpose=Purpose.DRAFT).order_by()
    scores = _rows(calls)
    decisions = counting().filter(draft__call__in=calls.values("pk")).order_by()
    _count_decisions(scores, decisions)
    _count_reasons(scores, decisions)
    _measure_edits(scores, decisions)
    _count_rows(scores, calls)
    _add_costs(scores, calls)
    return scores


def _rows(calls: QuerySet[ModelCall]) -> dict[Key, Score]:
    names = (*KEY, "prompt__name", "run__source__name", "run__source__slug")
    offered = Count("pk", filter=Q(Exists(Draft.objects.filter(call=OuterRef("pk")))))
    found: dict[Key, Score] = {}
    for row in calls.values(*names).annotate(offered=offered):
        model = providers.ref(row["provider"], row["model"])
        of_source = row["run__source__name"], row["run__source__slug"]
        found[_key(row, KEY)] = Score(model, row["prompt__name"], *of_source, offered=row["offered"])
    return found


def _key(row: dict[str, Any], names: tuple[str, ...] = GROUP) -> Key:
    provider, model, prompt, source = (row[name] for name in names)
    return provider, model, prompt, source


def _count_decisions(scores: dict[Key, Score], decisions: QuerySet[Review]) -> None:
    each = {name: Count("pk", filter=Q(verdict=verdict)) for name, verdict in zip(("a", "e", "r"), Review.DECISIONS, strict=True)}
    for row in decisions.values(*GROUP).annotate(seconds_median=Median("seconds"), **each):
        score = scores[_key(row)]
        score.accepted, score.edited, score.rejected, score.seconds = row["a"], row["e"], row["r"], row["seconds_median"]


def _count_reasons(scores: dict[Key, Score], decisions: QuerySet[Review]) -> None:
    for row in decisions.filter(verdict=Verdict.REJECT).values(*GROUP, "reasons").annotate(n=Count("pk")):
        reasons = scores[_key(row)].reasons
        for code in row["reasons"]:
            reasons[code] = reasons.get(code, 0) + row["n"]
    for score in scores.values():
        score.reasons = dict(sorted(score.reasons.items(), key=lambda item: (-item[1], item[0])))


def _measure_edits(scores: dict[Key, Score], decisions: QuerySet[Review]) -> None:
    distances: dict[Key, list[int]] = defaultdict(list)
    edits = decisions.filter(verdict=Verdict.EDIT).order_by("-pk").values(*GROUP, "output", "draft__output")[:EDITS]
    for row in edits.iterator(chunk_size=500):
        distances[_key(row)].append(Levenshtein.distance(row["draft__output"], row["output"]))
    for key, measured in distances.items():
        scores[key].distance = median(measured)


def _count_rows(scores: dict[Key, Score], calls: QuerySet[ModelCall]) -> None:
    began = Pair.objects.accepted().filter(decision__draft__call__in=calls.values("pk")).order_by()
    names = tuple(f"decision__draft__call__{name}" for name in KEY)
    for row in began.values(*names).annotate(n=Count("pk")):
        scores[_key(row, names)].rows = row["n"]


def _add_costs(scores: dict[Key, Score], calls: QuerySet[ModelCall]) -> None:
    settled = calls.filter(pair__status__in=[Pair.Status.ACCEPTED, Pair.Status.REJECTED, Pair.Status.FAILED])
    unpriced = Count("pk", filter=Q(state=ModelCall.State.DONE, cost=None))
    for row in settled.values(*KEY, "price__currency").annotate(total=Sum("cost"), unpriced=unpriced):
        score = scores[_key(row, KEY)]
        score.unpriced += row["unpriced"]
        if row["total"] is not None:
            currency = row["price__currency"] or ""
            score.costs[currency] = score.costs.get(currency, Decimal(0)) + row["total"]


def reasons_of(scores: Iterable[Score]) -> list[str]:
    """The codes of rejection that occur, the most frequent first."""
    total: dict[str, int] = defaultdict(int)
    for score in scores:
        for code, n in score.reasons.items():
            total[code] += n
    return sorted(total, key=lambda code: (-total[code], code))
