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
from decimal import Decimal
from typing import TypedDict

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from sources import tallies
from sources.models import ImportRun, Post, Source, Tally
from sources.tallies import REJECTED

from .models import DraftRun, Pair, Standing, StandingTally

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
# One statement, so that all numbers are of the same moment. A post may make several pairs; it shares the fate of the one that got
# farthest, and is lost when all of them are.
COUNTS = """
SELECT 'post', run.source_id, run.id, tally.status, tally.reason, sum(tally.n)
FROM sources_tally AS tally JOIN sources_importrun AS run ON run.id = tally.run_id WHERE {which} GROUP BY 2, 3, 4, 5
UNION ALL SELECT 'pair', run.source_id, run.id, tally.status, tally.reason, sum(tally.n)
FROM annotation_standingtally AS tally JOIN sources_importrun AS run ON run.id = tally.run_id WHERE {which} GROUP BY 2, 3, 4, 5
UNION ALL SELECT 'known', run.source_id, run.id, '', '', run.known FROM sources_importrun AS run WHERE {which}
"""
OF_SOURCES, OF_RUNS = "run.source_id = ANY(%s)", "run.id = ANY(%s)"


def funnel(source: Source, run: ImportRun | None = None) -> list[Stage]:
    """The stages of one source, or of one of its runs, in order."""
    return funnels_of_runs([run])[run.pk] if run else funnels([source])[source.pk]


def funnels(sources: Iterable[Source]) -> dict[int, list[Stage]]:
    """The stages of many sources, by their primary key, in one query whatever their number and size."""
    return _funnels([source.pk for source in sources], OF_SOURCES, at=1)


def funnels_of_runs(runs: Iterable[ImportRun]) -> dict[int, list[Stage]]:
    """The stages of many runs, by their primary key. The sum of a source's runs is the source."""
    return _funnels([run.pk for run in runs], OF_RUNS, at=2)


def _funnels(keys: list[int], which: str, at: int) -> dict[int, list[Stage]]:
    counts: dict[str, dict[int, Reasons]] = {kind: defaultdict(lambda: defaultdict(int)) for kind in ("post", "pair", "known")}
    with connection.cursor() as cursor:
        cursor.execute(COUNTS.format(which=which), [keys] * 3)
        for row in cursor.fetchall():
            counts[row[0]][row[at]][row[3], row[4]] += int(row[5])
    return {key: _stages(*(counts[kind][key] for kind in ("known", "post", "pair"))) for key in keys}


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


def _stages(known: Reasons, posts: Reasons, pairs: Reasons) -> list[Stage]:
    """Counted from the end: the stage before has also what was lost, or waits, on the way to this one."""
    kept, at = _of_status(posts, Post.Status.KEPT), {status: _of_status(pairs, status) for status in Status.values}
    to_draft = kept - sum(pairs.values()) + at[Status.DRAFTING]
    steps: list[tuple[str, Counts, Counts]] = [
        ("accepted", _reasons(pairs, Status.REJECTED), {}),
        ("reviewed", {}, {key: at[key] for key in (Status.PENDING.value, Status.DISPUTED.value)}),
        ("drafted", _reasons(pairs, Status.FAILED), {"drafting": to_draft}),
        ("screened", _reasons(posts, Post.Status.DROPPED), {"new": _of_status(posts, Post.Status.NEW)}),
        ("imported", {**_reasons(posts, REJECTED), "known": sum(known.values())}, {}),
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


def posts_at(source: Source, stage: str, reason: str = "", run: ImportRun | None = None) -> QuerySet[Post]:
    """The posts behind a number of the funnel: those that wait for, or were lost on the way to, a stage; without a reason, those that
    got through to it.

    A number has posts behind it from `imported` on; for anything else there are none.
    """
    posts = Post.objects.filter(source=source, **({"run": run} if run else {}))
    there = Standing.objects.filter(post=OuterRef("pk"))
    lost = {"drafted": Status.FAILED, "accepted": Status.REJECTED}
    through = {"drafted": (Status.PENDING, Status.DISPUTED, Status.ACCEPTED, Status.REJECTED), "accepted": (Status.ACCEPTED,)}
    through["reviewed"] = (Status.ACCEPTED, Status.REJECTED)
    if stage in ("imported", "screened") and not reason:
        return posts.filter(status=Post.Status.KEPT) if stage == "screened" else posts
    if stage == "screened":
        return posts.filter(status=Post.Status.NEW) if reason == Post.Status.NEW else posts.filter(drop_reason=reason, status="dropped")
    if (stage, reason) == ("drafted", Status.DRAFTING):
        return posts.filter(Exists(there.filter(status=reason)) | ~Exists(there), status=Post.Status.KEPT)
    if stage == "reviewed" and reason in (Status.PENDING, Status.DISPUTED):
        return posts.filter(standing__status=reason)
    if not reason and stage in through:
        return posts.filter(standing__status__in=through[stage])
    return posts.filter(standing__status=lost[stage], standing__reason=reason) if stage in lost else posts.none()


def posts_of_fate(source: Source, fate: str, run: ImportRun | None = None) -> QuerySet[Post]:
    """The posts that a segment of the bar stands for. Rows that never became posts (known already, not taken) are in `duplicate` and
    `filtered`, too, and have none."""
    posts = Post.objects.filter(source=source, **({"run": run} if run else {}))
    there = Standing.objects.filter(post=OuterRef("pk"))
    here = {"accepted": Status.ACCEPTED, "rejected": Status.REJECTED, "failed": Status.FAILED}
    if fate in here:
        return posts.filter(standing__status=here[fate])
    if fate == "waiting":
        over = there.filter(status__in=here.values())
        return posts.filter(Q(status=Post.Status.NEW) | Q(status=Post.Status.KEPT) & ~Exists(over))
    dropped = posts.filter(status=Post.Status.DROPPED)
    return dropped.filter(drop_reason__contains="duplicate") if fate == "duplicate" else dropped.exclude(drop_reason__contains="duplicate")


def costs(sources: Iterable[Source]) -> dict[int, dict[str, Decimal]]:
    """What drafting for each source has cost, by currency; calls without a known price are not in it."""
    spent = DraftRun.objects.filter(source__in=[source.pk for source in sources], spent__gt=0).order_by()
    found: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for row in spent.values("source", "currency").annotate(sum=Sum("spent")):
        found[row["source"]][row["currency"]] = row["sum"]
    return found


def count_at(stages: list[Stage], stage: str, reason: str = "") -> int:
    """The number that `posts_at` has the posts of."""
    found = next(each for each in stages if each["key"] == stage)
    return {**found["dropped"], **found["waiting"]}.get(reason, 0) if reason else found["count"]


def fold() -> None:
    """Put rows of StandingTally together, as sources.tallies does with its own."""
    with connection.cursor() as cursor:
        cursor.execute(tallies.FOLD.replace(Tally._meta.db_table, StandingTally._meta.db_table))
