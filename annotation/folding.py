"""What the log says about a pair. The pair's own columns are a copy of this, kept so that a query can use them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q

from .models import Pair, Review

TEXTS = ("instruction", "input", "output")
LABELS = ("task_type", "domain")
KEEPS = (Review.Verdict.ACCEPT, Review.Verdict.EDIT)
BEFORE_REVIEW = (Pair.Status.DRAFTING, Pair.Status.FAILED, Pair.Status.PENDING)  # the log has no opinion on these


class Outcome(NamedTuple):
    status: str
    decision: Review | None  # the one that decided it, for accepted and rejected


def effective(log: Iterable[Review]) -> list[Review]:
    """The decisions that count, oldest first: not undone or sent back, and made since the pair was last reopened for good."""
    entries = sorted(log, key=lambda entry: entry.pk)
    undone = {entry.undoes_id for entry in entries}
    since = max((entry.pk for entry in entries if entry.verdict == Review.Verdict.REOPEN and entry.pk not in undone), default=0)
    return [entry for entry in entries if entry.verdict in Review.DECISIONS and entry.pk > since and entry.pk not in undone]


def consensus(decisions: Sequence[Review], wanted: int) -> Outcome:
    """What `decisions` (effective ones, oldest first) make of a pair that wants `wanted` of them.

    Fewer: pending. As many: rejected if all reject, accepted if all keep the very same texts, else disputed.
    More: somebody has adjudicated, and the last one decides.
    """
    if len(decisions) < max(wanted, 1):
        return Outcome(Pair.Status.PENDING, None)
    last = decisions[-1]
    kept = [entry.texts() for entry in decisions if entry.verdict in KEEPS]
    agreed = not kept or (len(kept) == len(decisions) and all(texts == kept[0] for texts in kept))
    if len(decisions) == wanted and not agreed:
        return Outcome(Pair.Status.DISPUTED, None)
    return Outcome(Pair.Status.ACCEPTED if last.verdict in KEEPS else Pair.Status.REJECTED, last)


def fold(log: Iterable[Review], pair: Pair) -> Outcome:
    """The status and the deciding review that follow from `log`, all entries of `pair`."""
    decisions = effective(log)
    if not decisions and pair.status in BEFORE_REVIEW:
        return Outcome(pair.status, None)
    return consensus(decisions, pair.reviews_wanted)


def fold_status(pair: Pair) -> tuple[str, int | None]:
    """`(status, decision_id)` as the log has it; reads the log unless `reviews` is prefetched."""
    outcome = fold(pair.reviews.all(), pair)
    return str(outcome.status), outcome.decision.pk if outcome.decision else None


def inconsistent_pairs() -> Iterator[int]:
    """Ids of pairs whose status, decision or accepted texts are not what their log says. In a healthy house: none."""
    decided = Q(status__in=[Pair.Status.DISPUTED, Pair.Status.ACCEPTED, Pair.Status.REJECTED])
    logged = Exists(Review.objects.filter(pair=OuterRef("pk")))
    pairs = Pair.objects.filter(decided | logged).order_by("pk").prefetch_related("reviews")
    for pair in pairs.iterator(chunk_size=1000):
        outcome = fold(pair.reviews.all(), pair)
        right = (pair.status, pair.decision_id) == (outcome.status, outcome.decision.pk if outcome.decision else None)
        if right and outcome.status == Pair.Status.ACCEPTED and outcome.decision:
            right = texts_of(pair) == outcome.decision.texts()
        if not right:
            yield pair.pk


def texts_of(pair: Pair) -> dict[str, str]:
    return {name: getattr(pair, name) for name in TEXTS}


def labels_of(row: Pair | Review) -> dict[str, Any]:
    return {name: getattr(row, name) for name in LABELS}
