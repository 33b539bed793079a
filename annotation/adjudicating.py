"""A lead decides where reviewers do not agree: one more decision on top of the N, and this last word counts.

    disputed ──adjudicate: take a version | edit | reject──▶ accepted | rejected ──reviewing.undo──▶ disputed

The versions are A, B, … in an order of chance that is the same for everybody, so that leads can talk about them; whose they are
is told once it is decided, unless the source wishes otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.models import User

from .decisions import BadDecision, clean_text, new_decision, verdict_of
from .folding import KEEPS, TEXTS, effective, labels_of
from .log import Stale, lock, move, once, stale
from .models import Pair, Review
from .reviewing import clamped

LETTERS = "ABCDEFGHI"  # a source wants 9 reviews at the most
TAKE, EDIT, REJECT = "take", "edit", "reject"
CHOICES = (TAKE, EDIT, REJECT)
Verdict = Review.Verdict


@dataclass(frozen=True)
class Version:
    """What one reviewer made of a pair. `name` is empty while it is not to be known."""

    letter: str
    review: Review
    name: str = ""

    @property
    def is_kept(self) -> bool:
        return self.review.verdict in KEEPS


def disputed(user: User) -> QuerySet[Pair]:
    """What waits for a lead, the oldest first."""
    return Pair.objects.for_user(user).filter(status=Pair.Status.DISPUTED).select_related("source").order_by("pk")


def versions(pair: Pair) -> list[Version]:
    """What the reviewers decided, without what a lead decided on top of them."""
    made = effective(pair.reviews.all())[: pair.reviews_wanted]
    named = pair.source.names_shown or pair.status != Pair.Status.DISPUTED
    drawn = sorted(made, key=lambda review: salted_hmac("versions", f"{review.pk}").hexdigest())
    return [Version(letter, review, str(review.by) if named else "") for letter, review in zip(LETTERS, drawn, strict=False)]


def adjudicate(
    pair_id: int, *, by: User, op_id: UUID, choice: str, review: int | None = None, texts: dict[str, str] | None = None,
    reasons: Iterable[str] = (), comment: str = "", seconds: float | None = None, version: int | None = None,
) -> Review:  # fmt: skip
    """The last word about a disputed pair. `take` is the decision of `review`, texts, labels and all (a rejection with its reasons);
    `edit` keeps `texts`, made out of `review`'s if it is named; `reject` takes `reasons`. `version` is that of the pair as it was shown.

    The same `op_id` again gives the same Review. Raises SameKeyOtherBody, LostSeat, Stale, BadDecision.
    """
    asked = {
        "pair": pair_id, "adjudicate": choice, "review": review, "texts": texts or {}, "reasons": list(reasons), "comment": comment,
    }  # fmt: skip

    def write(digest: str) -> Review:
        pair = lock(pair_id, by)
        if pair.status != Pair.Status.DISPUTED:
            raise Stale("decided_since", _("Nobody disagrees about this item any more: it was decided, or a decision was taken back."))
        if version is not None and version != pair.version:
            raise stale()
        entry = new_decision(pair, by, _decision(pair, asked))
        entry.by, entry.op_id, entry.op_digest, entry.seconds = by, op_id, digest, clamped(seconds)
        entry.save(force_insert=True)
        move(pair)
        return entry

    return once(op_id, by, asked, write)


def _decision(pair: Pair, asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked, as `new_decision` takes it."""
    base = _base(pair, asked["review"])
    choice, comment = asked["adjudicate"], asked["comment"]
    draft = base.draft_id if base else None
    if (choice == TAKE and base is None) or choice not in CHOICES:
        raise BadDecision("version_unknown", _("Say which version to take."))
    if choice == TAKE and base and base.verdict == Verdict.REJECT:
        choice, asked = REJECT, asked | {"reasons": base.reasons}
        comment = comment if clean_text(comment).strip() else base.comment
    texts = base.texts() if choice == TAKE and base else {name: asked["texts"].get(name, "") for name in TEXTS}
    labels = labels_of(base) if base and base.verdict in KEEPS else {}
    decision = {**texts, **labels, "draft": draft, "reasons": asked["reasons"], "comment": comment}
    return decision | {"verdict": Verdict.REJECT.value if choice == REJECT else verdict_of(pair, decision)}


def _base(pair: Pair, review: int | None) -> Review | None:
    """The review meant; it must be one of those that count."""
    if review is None:
        return None
    for one in versions(pair):
        if one.review.pk == review:
            return one.review
    raise BadDecision("version_unknown", _("There is no such version of this item."))
