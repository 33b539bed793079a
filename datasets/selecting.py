"""Which accepted pairs a recipe takes, and which it leaves out and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, Exists, Max, OuterRef, Q, QuerySet, Value, When

from annotation.models import DEMO_MODEL, Draft, Pair, Review
from sources.models import Source

from .models import Dataset

RECIPE: Mapping[str, type] = {"include_unknown_licence": bool}  # what a dataset's recipe may say, and the type of it
PATIENCE = "2s"  # for reviews under way; as long as they run, new ones wait behind us


@dataclass(frozen=True)
class Snapshot:
    """The accepted pairs at one position of the log, in the order of the records."""

    log_position: int
    picked: list[tuple[int, int]]  # (source, deciding review)
    left_out: dict[str, int]  # reason -> pairs
    licences: dict[int, str]  # of each source, as it was then


def recipe_of(dataset: Dataset, *, include_demo: bool | None = None) -> dict[str, Any]:
    """All that decides what a version holds, in one piece that is copied into it."""
    return {
        "sources": list(dataset.sources.order_by("pk").values_list("slug", flat=True)),
        "include_demo": dataset.include_demo if include_demo is None else include_demo,
        "include_unknown_licence": bool(dataset.recipe.get("include_unknown_licence", True)),
    }


def chosen(recipe: Mapping[str, Any]) -> QuerySet[Any, Any]:
    """The accepted pairs of the recipe's sources."""
    pairs: QuerySet[Any, Any] = Pair.objects.accepted()
    return pairs.filter(source__slug__in=recipe["sources"]) if recipe["sources"] else pairs


def judged_demo(review: str = "", pair: str = "pair") -> Q:
    """Whether a review (at this path) judged a demo draft; when the log does not name the draft, whether it can have."""
    unnamed = Q(Exists(Draft.objects.filter(pair=OuterRef(pair), model=DEMO_MODEL)), **{f"{review}draft": None})
    return Q(**{f"{review}draft__model": DEMO_MODEL}) | unnamed


def preview(recipe: Mapping[str, Any]) -> dict[str, int]:
    """How many pairs a version made now would take (under "") or leave out, by reason."""
    why = []
    if not recipe["include_demo"]:
        why.append(When(judged_demo("decision__", "pk"), then=Value("demo")))
    if not recipe["include_unknown_licence"]:
        why.append(When(Q(source__licence=""), then=Value("licence")))
    fates = chosen(recipe).annotate(fate=Case(*why, default=Value(""))).order_by().values("fate")
    return {row["fate"]: row["n"] for row in fates.annotate(n=Count("pk"))}


def snapshot(recipe: Mapping[str, Any]) -> Snapshot:
    """What the recipe takes at this moment.

    A review's number is drawn before it is committed, so the greatest one seen says nothing about those below it. The
    lock waits for the reviews under way and holds new ones back while we look: then the log up to `log_position` is
    exactly what we saw. What can be asked later, of rows that never change, is asked later: people wait for this lock.
    Raises OperationalError when reviews under way do not end in time; the job comes back by itself.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = %s", [PATIENCE])
        cursor.execute("LOCK TABLE annotation_review IN SHARE MODE")
        rows = list(chosen(recipe).order_by("source_id", "pk").values_list("source_id", "decision_id"))
        position = Review.objects.aggregate(last=Max("pk"))["last"] or 0
        licences = dict(Source.objects.values_list("pk", "licence"))
    demo = set() if recipe["include_demo"] else set(Review.objects.filter(judged_demo(), pk__lte=position).values_list("pk", flat=True))
    picked, left_out = [], Counter[str]()
    for source, review in rows:
        if review in demo:
            left_out["demo"] += 1
        elif not (licences[source] or recipe["include_unknown_licence"]):
            left_out["licence"] += 1
        else:
            picked.append((source, review))
    return Snapshot(position, picked, dict(left_out), licences)
