"""What became of the texts: read-only numbers over all steps.

The funnel of a source tells, for every row ever read, where it is now or where it was lost. Its stages are

    read ─▶ imported ─▶ screened ─▶ drafted ─▶ reviewed ─▶ accepted

A stage's `count` is what got through to it; `dropped` is what was lost on the way, by reason; `waiting` is what has not
got through yet. So the count of a stage is that of the one before, less its own `dropped` and `waiting`, and

    rows read = accepted + everything dropped + everything waiting
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypedDict

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When

from sources.models import ImportRun, Post, RejectedRow, Source

from .models import Pair

Counts = dict[str, int]
Reasons = dict[tuple[str, str], int]  # (status, reason) -> number
Status = Pair.Status


class Stage(TypedDict):
    key: str
    count: int
    dropped: Counts
    waiting: Counts


STAGES = ("read", "imported", "screened", "drafted", "reviewed", "accepted")
FATES = ("accepted", "rejected", "failed", "waiting", "duplicate", "filtered")
# A post may make several pairs; it shares the fate of the one that got farthest, and is lost when all of them are.
_FARTHEST = (Status.ACCEPTED, Status.PENDING, Status.DISPUTED, Status.DRAFTING, Status.FAILED, Status.REJECTED)


def funnel(source: Source) -> list[Stage]:
    """The stages of one source, in order."""
    return funnels([source])[source.pk]


def funnels(sources: Iterable[Source]) -> dict[int, list[Stage]]:
    """The stages of many sources, by their primary key, in five queries whatever their number."""
    keys = [source.pk for source in sources]
    known, rejected, posts, pairs = _known_rows(keys), _rejected_rows(keys), _posts(keys), _pairs(keys)
    return {pk: _stages(known.get(pk, 0), rejected[pk], posts[pk], pairs[pk]) for pk in keys}


def buckets(stages: list[Stage]) -> Counts:
    """The same numbers as exclusive buckets, e.g. `screened.dropped.too_short`: every row read is in exactly one."""
    found = {"accepted": stages[-1]["count"]}
    for stage in stages:
        for kind, reasons in (("dropped", stage["dropped"]), ("waiting", stage["waiting"])):
            found |= {f"{stage['key']}.{kind}.{reason}": n for reason, n in reasons.items()}
    return found


def fates(stages: list[Stage]) -> Counts:
    """The buckets in the six groups that a bar can show. They add up to the rows read, too."""
    found = dict.fromkeys(FATES, 0)
    for stage in stages:
        found["waiting"] += sum(stage["waiting"].values())
        for reason, n in stage["dropped"].items():
            found[_fate(stage["key"], reason)] += n
    found["accepted"] = stages[-1]["count"]
    return found


def _fate(stage: str, reason: str) -> str:
    if stage in ("accepted", "drafted"):
        return "rejected" if stage == "accepted" else "failed"
    return "duplicate" if reason == "known" or "duplicate" in reason else "filtered"


def _stages(known: int, rejected: Counts, posts: Reasons, pairs: Reasons) -> list[Stage]:
    """Counted from the end: the stage before has also what was lost, or waits, on the way to this one."""
    kept, at = _of_status(posts, Post.Status.KEPT), {status: _of_status(pairs, status) for status in Status.values}
    to_draft = max(0, kept - sum(pairs.values())) + at[Status.DRAFTING]  # a pair made between two queries is no minus
    steps: list[tuple[str, Counts, Counts]] = [
        ("accepted", _reasons(pairs, Status.REJECTED), {}),
        ("reviewed", {}, {key: at[key] for key in (Status.PENDING.value, Status.DISPUTED.value)}),
        ("drafted", _reasons(pairs, Status.FAILED), {"drafting": to_draft}),
        ("screened", _reasons(posts, Post.Status.DROPPED), {"new": _of_status(posts, Post.Status.NEW)}),
        ("imported", {**rejected, "known": known}, {}),
        ("read", {}, {}),
    ]
    stages: list[Stage] = []
    count = at[Status.ACCEPTED]
    for key, dropped, waiting in steps:
        stages.insert(0, {"key": key, "count": count, "dropped": _without_zeros(dropped), "waiting": _without_zeros(waiting)})
        count += sum(dropped.values()) + sum(waiting.values())
    return stages


def _of_status(counts: Reasons, status: str) -> int:
    return sum(n for (at, _reason), n in counts.items() if at == status)


def _reasons(counts: Reasons, status: str) -> Counts:
    """What was dropped for which reason, the most frequent first."""
    found = {reason: n for (at, reason), n in counts.items() if at == status}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _without_zeros(counts: Counts) -> Counts:
    return {key: n for key, n in counts.items() if n}


def _known_rows(sources: list[int]) -> dict[int, int]:
    sums = ImportRun.objects.filter(source__in=sources).order_by().values("source").annotate(n=Sum("known"))
    return {row["source"]: row["n"] for row in sums}


def _rejected_rows(sources: list[int]) -> dict[int, Counts]:
    counted = RejectedRow.objects.filter(run__source__in=sources).values("run__source", "reason").annotate(n=Count("pk"))
    found: dict[int, Counts] = defaultdict(dict)
    for row in counted.order_by("-n", "reason"):
        found[row["run__source"]][row["reason"]] = row["n"]
    return found


def _posts(sources: list[int]) -> dict[int, Reasons]:
    counted = Post.objects.filter(source__in=sources).order_by().values("source", "status", "drop_reason").annotate(n=Count("pk"))
    return _grouped(counted, "status", "drop_reason")


def posts_at(source: Source, stage: str, reason: str = "") -> QuerySet[Post]:
    """The posts behind a number of the funnel: those that wait for, or were lost on the way to, a stage; without a reason, those accepted.

    A number has posts behind it from `screened` on; for anything else there are none.
    """
    posts, pairs = source.posts.all(), _farthest_pairs([source.pk])
    here: dict[str, QuerySet[Pair]] = {
        "drafted": pairs.filter(status=Status.FAILED, failure=reason),
        "reviewed": pairs.filter(status=reason, status__in=[Status.PENDING, Status.DISPUTED]),
        "accepted": pairs.filter(status=Status.REJECTED, decision__reasons__0=reason) if reason else pairs.filter(status=Status.ACCEPTED),
    }
    if stage == "screened":
        return posts.filter(status=Post.Status.NEW) if reason == Post.Status.NEW else posts.filter(drop_reason=reason, status="dropped")
    if (stage, reason) == ("drafted", Status.DRAFTING):
        to_draft = Q(pairs=None) | Q(pairs__in=pairs.filter(status=Status.DRAFTING).values("pk"))
        return posts.filter(to_draft, status=Post.Status.KEPT).distinct()
    return posts.filter(pairs__in=here[stage].values("pk")) if stage in here else posts.none()


def _farthest_pairs(sources: list[int]) -> QuerySet[Pair]:
    """Of each kept post the pair that got farthest: it says where the post is."""
    rank = Case(*(When(status=status, then=Value(n)) for n, status in enumerate(_FARTHEST)), output_field=IntegerField())
    of_kept = Pair.objects.filter(source__in=sources, post__status=Post.Status.KEPT)
    return Pair.objects.filter(pk__in=of_kept.order_by("post_id", rank, "pk").distinct("post_id").values("pk")).order_by()


def _pairs(sources: list[int]) -> dict[int, Reasons]:
    """Posts with pairs, by status; why drafting failed, or the first reason of a rejection."""
    pairs = _farthest_pairs(sources)
    open_ = pairs.exclude(status=Status.REJECTED).values("source", "status", "failure").annotate(n=Count("pk"))
    rejected = pairs.filter(status=Status.REJECTED).values("source", "status", "decision__reasons__0").annotate(n=Count("pk"))
    found = _grouped(open_, "status", "failure")
    for pk, counts in _grouped(rejected, "status", "decision__reasons__0").items():
        found[pk] |= counts
    return found


def _grouped(rows: Iterable[Any], status: str, reason: str) -> dict[int, Reasons]:
    found: dict[int, Reasons] = defaultdict(dict)
    for row in rows:
        key = row[status], row[reason] or "other"
        found[row["source"]][key] = found[row["source"]].get(key, 0) + row["n"]
    return found
