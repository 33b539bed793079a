"""A decision goes back to its author, with the reason: a lead sends it, or, where the source lets them, whoever has decided about the
pair, too.

    counts ──send_back──▶ out of the count; its author holds the seat again, without an end, before all other items

It is an entry of the log that takes the decision out, as the author's own undo would. It has no undo: the author, who may have
read it already, can decide as before.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

from accounts.models import User

from .decisions import clean_text
from .folding import effective, labels_of, texts_of
from .log import before_decision, lock, move, once
from .models import Assignment, Pair, Reason, Review
from .reviewing import CannotUndo
from .seats import Refused, may_review

Verdict = Review.Verdict


def send_back(review_id: int, *, by: User, op_id: UUID, reasons: Iterable[str] = (), comment: str = "") -> Review:
    """Take the decision `review_id` of somebody else out of the count, and give its author the seat and the reason. The same `op_id`
    again gives the same entry. Raises SameKeyOtherBody, LostSeat, CannotUndo, Refused."""
    reasons, comment = list(dict.fromkeys(reasons)), clean_text(comment).strip()
    asked = {"return": review_id, "reasons": reasons, "comment": comment}

    def write(digest: str) -> Review:
        review = Review.objects.filter(pk=review_id, verdict__in=Review.DECISIONS).select_related("by").first()
        if review is None:
            raise CannotUndo("already_undone", _("This decision has been taken back already."))
        pair = lock(review.pair_id, by)
        _check(review, pair, by)
        if not set(reasons) <= set(Reason.values) or not (reasons or comment):
            raise Refused("no_reason", _("Say why it goes back."))
        now, before = texts_of(pair) | labels_of(pair), before_decision(pair, review)
        entry = Review.objects.create(
            pair=pair, by=by, verdict=Verdict.RETURN, undoes=review, draft=review.draft, **before, before=now, reasons=reasons,
            comment=comment, pair_version=pair.version, op_id=op_id, op_digest=digest,
        )  # fmt: skip
        Assignment.objects.filter(review=review).update(review=None, token=uuid4(), expires_at=None, opened_at=None)
        move(pair, before)
        return entry

    return once(op_id, by, asked, write)


def may_send_back(pair: Pair, by: User) -> bool:
    """Leads may; whoever has decided about the pair may, where the source lets them."""
    if by.has_role("lead"):
        return True
    return pair.source.peers_send_back and any(entry.by_id == by.pk for entry in effective(pair.reviews.all()))


def returnable(pair: Pair, by: User) -> list[Review]:
    """The decisions of others that `by` may send back, oldest first; none once somebody has adjudicated."""
    counting = effective(pair.reviews.select_related("by"))
    if len(counting) > pair.reviews_wanted or not may_send_back(pair, by):
        return []
    return [review for review in counting if review.by_id != by.pk]


def note_for(log: Sequence[Review], user: User) -> Review | None:
    """Why `user` has this item again: the last entry of its log, oldest first, that sent something of theirs back."""
    own = {entry.pk for entry in log if entry.by_id == user.pk}
    return next((entry for entry in reversed(log) if entry.verdict == Verdict.RETURN and entry.undoes_id in own), None)


def _check(review: Review, pair: Pair, by: User) -> None:
    counting = effective(Review.objects.filter(pair=pair))
    if review not in counting:
        raise CannotUndo("already_undone", _("This decision has been taken back already."))
    if len(counting) > pair.reviews_wanted:
        raise CannotUndo("decided_since", _("Somebody has decided on top of this since."))
    if review.by_id == by.pk:
        raise Refused("own", _("This decision is your own: undo it instead."))
    if not may_send_back(pair, by):
        raise Refused("not_allowed", _("Only leads send items of this source back."))
    if not may_review(review.by, pair.source):
        raise Refused("author_gone", _("Its author does not review here any more: open the item again instead."))
