"""A pair that was decided starts over: a lead opens it again, and may close it as it was while nobody has decided anew.

accepted | rejected | disputed ──reopen──▶ pending, no decision counts, all seats free ──close_again──▶ as it was
"""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

from .decisions import clean_text
from .folding import effective, labels_of, texts_of
from .log import before_decision, lock, move, once
from .models import Assignment, Pair, Review
from .reviewing import CannotUndo
from .seats import Refused

Verdict = Review.Verdict


def reopen(pair_id: int, *, by: User, op_id: UUID, comment: str = "") -> Review:
    """From here on, no decision about the pair counts; it has the texts from before them. The same `op_id` again gives the same entry.
    Raises SameKeyOtherBody, LostSeat, Refused when there is no decision."""
    comment = clean_text(comment).strip()

    def write(digest: str) -> Review:
        pair = lock(pair_id, by)
        if not effective(Review.objects.filter(pair=pair)):
            raise Refused("nothing_decided", _("Nobody has decided about this item."))
        before = before_decision(pair, pair.decision)
        entry = _write(pair, by, Verdict.REOPEN, op_id, digest, before, comment=comment)
        Assignment.objects.filter(pair=pair).delete()
        move(pair, before)
        return entry

    return once(op_id, by, {"reopen": pair_id, "comment": comment}, write)


def close_again(reopening: int, *, by: User, op_id: UUID) -> Review:
    """Take back that a pair was opened again: the decisions count as before, and so do their seats. Raises CannotUndo when something
    was decided since, or it is taken back already."""

    def write(digest: str) -> Review:
        entry = Review.objects.filter(pk=reopening).first()
        pair = lock(entry.pair_id if entry else 0, by)
        if entry and entry.verdict != Verdict.REOPEN:
            raise CannotUndo("not_reopened", _("This entry of the history did not open the item again."))
        if Review.objects.filter(pair=pair, pk__gt=reopening).exists():
            raise CannotUndo("decided_since", _("Somebody has decided about it since."))
        now = texts_of(pair) | labels_of(pair)
        closed = _write(pair, by, Verdict.UNDO, op_id, digest, now, undoes=entry)
        Assignment.objects.filter(pair=pair).delete()
        counting = effective(Review.objects.filter(pair=pair))[: pair.reviews_wanted]
        seats = [
            Assignment(pair=pair, seat=seat, reviewer_id=review.by_id, review=review, expires_at=timezone.now())
            for seat, review in enumerate(counting, 1)
        ]
        Assignment.objects.bulk_create(seats)
        move(pair)
        return closed

    return once(op_id, by, {"close": reopening}, write)


def _write(pair: Pair, by: User, verdict: str, op_id: UUID, digest: str, texts: dict[str, object], **fields: object) -> Review:
    now = texts_of(pair) | labels_of(pair)
    return Review.objects.create(
        pair=pair, by=by, verdict=verdict, before=now, pair_version=pair.version, op_id=op_id, op_digest=digest, **texts, **fields
    )
