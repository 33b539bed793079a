"""Finding items, and deciding on many of them at once."""

import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User

from .folding import texts_of
from .models import Assignment, Draft, Pair, Review
from .reviewing import Refused, claim, decide, undo

SORTS = {"newest": ("-id",), "oldest": ("id",), "changed": ("-updated_at", "-id")}
MOST = 100  # pairs in one act
FAR = 1_000_000  # how far back an act on many can be undone: the limit of 20 is for single keys


def number_in(text: str) -> int | None:
    """#2041, ２０４１ or 2041 as a number, or None."""
    digits = unicodedata.normalize("NFKC", text).strip().lstrip("#").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None


def found(user: User, asked: dict[str, Any]) -> QuerySet[Pair]:
    """The pairs that `asked` describes: status, source, reason, reviewer, model, check, search, sort. What others decided
    is for leads to ask for; a reviewer asks about the own decisions."""
    pairs = Pair.objects.for_user(user).select_related("source")
    if asked.get("status"):
        pairs = pairs.filter(status=asked["status"])
    if asked.get("source"):
        pairs = pairs.filter(source__slug=asked["source"])
    if asked.get("model"):
        pairs = pairs.filter(pk__in=Draft.objects.filter(model=asked["model"]).values("pair"))
    if any(asked.get(name) for name in ("reason", "reviewer", "check")):
        pairs = pairs.filter(pk__in=decisions_of(user, asked).values("pair"))
    if text := asked.get("search"):
        pairs = pairs.filter(Q(instruction__icontains=text) | Q(input__icontains=text) | Q(output__icontains=text))
    return pairs.order_by(*SORTS.get(asked.get("sort", ""), SORTS["newest"]))


def decisions_of(user: User, asked: dict[str, Any]) -> QuerySet[Review]:
    """The decisions that stand which `asked` wants: a lead's are everybody's, a reviewer's the own ones."""
    made = Review.objects.filter(verdict__in=Review.DECISIONS, undone_by=None)
    if not user.has_role("lead"):
        made = made.filter(by=user)
    narrowed = made
    if asked.get("reason"):
        narrowed = narrowed.filter(reasons__contains=[asked["reason"]])
    if asked.get("reviewer"):
        narrowed = narrowed.filter(by__username=asked["reviewer"])
    if asked.get("check"):
        narrowed = narrowed.filter(checked(asked["check"], overruled=bool(asked.get("overruled"))))
    return narrowed


def checked(name: str, *, overruled: bool) -> Q:
    """Decisions in which the check found something; `overruled`: those that kept the text all the same."""
    kept = Q(bypassed__contains=[name])
    return kept if overruled else kept | Q(before__found__contains=[name])


class Done(NamedTuple):
    made: list[int]  # pairs that were decided, or taken back
    refused: list[tuple[int, str]]  # pairs that were not, and why


def decide_many(pairs: Iterable[int], *, by: User, batch: UUID, verdict: str, reasons: Iterable[str] = (), comment: str = "") -> Done:
    """Accept or reject each of `pairs` as it stands. Each is a decision of its own, with a key made of `batch`: the same act again
    changes nothing. What somebody else sits at, or a check does not let pass, is refused and the rest goes on."""
    done = Done([], [])
    for pk in list(dict.fromkeys(pairs))[:MOST]:
        op_id = uuid5(batch, str(pk))
        if Review.objects.filter(op_id=op_id, by=by).exists():
            done.made.append(pk)
        elif message := _decide_one(pk, by, op_id, verdict, list(reasons), comment):
            done.refused.append((pk, message))
        else:
            done.made.append(pk)
    return done


def _decide_one(pk: int, by: User, op_id: UUID, verdict: str, reasons: list[str], comment: str) -> str:
    """Why not, or nothing."""
    held = Assignment.objects.open_for(by).filter(pair=pk).exists()
    seat = claim(by, pair_id=pk)
    if seat is None:
        return _("Somebody else has it, or it does not wait for review.")
    drafts = list(seat.pair.drafts.order_by("number"))
    draft = next((one for one in drafts if one.output == seat.pair.output), drafts[-1] if drafts else None)
    asked: dict[str, Any] = texts_of(seat.pair) | ({"output": draft.output} if draft else {})
    asked |= {"verdict": verdict, "reasons": reasons, "comment": comment, "draft": draft.pk if draft else None}
    try:
        decide(pk, by=by, assignment=seat.pk, token=seat.token, op_id=op_id, **asked)
    except Refused as refusal:
        if not held:
            Assignment.objects.filter(pk=seat.pk, review=None).delete()
        return refusal.message
    return ""


def undo_many(pairs: Iterable[int], *, by: User, batch: UUID) -> Done:
    """Take back what `decide_many` did in `batch`. The items are free again, for whoever comes first."""
    done = Done([], [])
    for pk in list(dict.fromkeys(pairs))[:MOST]:
        review = Review.objects.filter(op_id=uuid5(batch, str(pk)), by=by).first()
        if review is None:
            continue
        try:
            undo(review.pk, by=by, op_id=uuid5(batch, f"undo {pk}"), depth=FAR)
        except Refused as refusal:
            done.refused.append((pk, refusal.message))
            continue
        Assignment.objects.filter(pair=pk, reviewer=by, review=None).delete()
        done.made.append(pk)
    return done
