"""Step 4: people decide. Every decision is an entry in the log; the pair's status follows from the log.

             claim                 decide: accept | edit | reject
    (free) ────────▶ seat held ───────────────────────────────────▶ seat decided
       ▲               │   ▲                                             │
       └─ skip, expiry ┘   └───────────────── undo ──────────────────────┘

A pair that wants N reviews is pending until N decisions count. Then, under the same lock:

    all reject ▶ rejected     all keep, with identical texts ▶ accepted, with those texts     otherwise ▶ disputed

Undo is an entry that takes one of the reviewer's own decisions out of the count. The pair goes back to pending with the
texts it had before, byte for byte, and the reviewer gets the seat back. It is possible while the decision counts, among
one's last 20. Decisions of others do not hinder it, they were made without knowledge of this one; but once somebody has
adjudicated (decided a disputed pair on top of the N), only that last word can be taken back. A dataset version that was
frozen meanwhile keeps its record: it points to the undone entry, which stays in the log.

Every writer locks the pair's row first, so the log of one pair is written by one at a time.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from sources.models import Source

from .decisions import BadDecision, new_decision
from .folding import TEXTS, effective, fold, fold_status, inconsistent_pairs, texts_of
from .models import Assignment, Pair, Review
from .seats import LostSeat, Refused, as_uuid, claim, lease_end, lost_seat, open_seats, renew, skip

__all__ = [
    "BadDecision", "CannotUndo", "LostSeat", "Refused", "SameKeyOtherBody",
    "claim", "decide", "fold_status", "inconsistent_pairs", "last_decision", "open_seats", "renew", "skip", "undo", "undoable",
]  # fmt: skip

MAX_SECONDS = 24 * 3600.0
UNDO_DEPTH = 20
Verdict = Review.Verdict


class SameKeyOtherBody(Refused):
    """This op_id was used for another act, or by somebody else."""


class CannotUndo(Refused):
    """The decision no longer counts, is too long ago, or somebody has decided on top of it."""


def decide(
    pair_id: int, *, by: User, assignment: int, token: UUID | str, op_id: UUID, verdict: str, instruction: str, input: str,  # noqa: A002
    output: str, draft: int | None = None, reasons: Iterable[str] = (), comment: str = "", seconds: float | None = None,
) -> Review:  # fmt: skip
    """Write one decision, and move the pair when it is the last one wanted. All or nothing.

    The same `op_id` again gives the same Review and changes nothing. `draft` is the id of the draft judged (None: the
    pair's only one, if it has just one). Raises SameKeyOtherBody, LostSeat, BadDecision.
    """
    asked = {
        "pair": pair_id, "assignment": assignment, "verdict": verdict, "draft": draft, "instruction": instruction, "input": input,
        "output": output, "reasons": list(reasons), "comment": comment,
    }  # fmt: skip

    def write(digest: str) -> Review:
        pair = _lock(pair_id)
        if repeated := _repeated(op_id, by, digest):
            return repeated
        seat = _held_seat(pair, by, assignment, token)
        entry = new_decision(pair, asked)
        entry.by, entry.op_id, entry.op_digest, entry.seconds = by, op_id, digest, _clamped(seconds)
        entry.save(force_insert=True)
        _decide_seat(seat, entry)
        _move(pair)
        return entry

    return _once(op_id, by, asked, write)


def undo(review_id: int, *, by: User, op_id: UUID) -> Review:
    """Take one's own decision back: a new entry, the pair as it was before, and the seat held again with a fresh token.
    The same `op_id` again gives the same entry. Raises SameKeyOtherBody, CannotUndo."""

    def write(digest: str) -> Review:
        undone = Review.objects.filter(pk=review_id, by=by, verdict__in=Review.DECISIONS).first()
        if not undone or not Pair.objects.for_user(by).filter(pk=undone.pair_id).exists():
            raise CannotUndo("not_yours", _("Only your own decisions can be undone."))
        pair = _lock(undone.pair_id)
        if repeated := _repeated(op_id, by, digest):
            return repeated
        _check_undo(undone, pair)
        was_accepted = pair.status == Pair.Status.ACCEPTED
        before = {name: (undone.before or {}).get(name, getattr(pair, name)) for name in TEXTS} if was_accepted else texts_of(pair)
        entry = Review.objects.create(
            pair=pair, by=by, verdict=Verdict.UNDO, undoes=undone, draft=undone.draft, **before, before=texts_of(pair),
            task_type=pair.task_type, domain=pair.domain, pair_version=pair.version, op_id=op_id, op_digest=digest,
        )  # fmt: skip
        Assignment.objects.filter(review=undone).update(review=None, token=uuid4(), expires_at=lease_end(pair.source))
        _move(pair, before)
        return entry

    return _once(op_id, by, {"undo": review_id}, write)


def undoable(user: User) -> QuerySet[Review]:
    """One's last 20 decisions that still count, newest first. (Adjudication on top is told by `undo` itself.)"""
    mine = Review.objects.filter(by=user, verdict__in=Review.DECISIONS)
    recent = list(mine.order_by("-id").values_list("pk", flat=True)[:UNDO_DEPTH])
    reopened = Review.objects.filter(pair=OuterRef("pair"), verdict=Verdict.REOPEN, pk__gt=OuterRef("pk"))
    return mine.filter(~Exists(reopened), pk__in=recent, undone_by=None).order_by("-id")


def last_decision(user: User) -> Review | None:
    """What an undo would take back."""
    return undoable(user).select_related("pair").first()


def _once(op_id: UUID, by: User, asked: dict[str, Any], write: Callable[[str], Review]) -> Review:
    """`write` in one transaction, unless `op_id` has been used: then what it gave. Of two at once, the unique constraint
    lets one through, and the other gets its answer."""
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    try:
        with transaction.atomic():
            return write(digest)
    except IntegrityError:
        if repeated := _repeated(op_id, by, digest):
            return repeated
        raise


def _repeated(op_id: UUID, by: User, digest: str) -> Review | None:
    review = Review.objects.filter(op_id=op_id).first()
    if review and (review.by_id, review.op_digest) != (by.pk, digest):
        raise SameKeyOtherBody("same_key_other_body", _("This key was used for something else."))
    return review


def _lock(pair_id: int) -> Pair:
    """The pair, locked against other decisions (not against new drafts). Raises LostSeat when there is none."""
    pairs = Pair.objects.select_for_update(no_key=True, of=("self",)).select_related("source")
    pair = pairs.filter(pk=pair_id).first()
    if not pair:
        raise lost_seat()
    return pair


def _held_seat(pair: Pair, by: User, assignment: int, token: UUID | str) -> Assignment:
    visible = open_seats(by).filter(pair__source__in=Source.objects.for_user(by))
    seat = visible.filter(pk=assignment, pair=pair, token=as_uuid(token)).first()
    if not seat:
        raise lost_seat()
    return seat


def _decide_seat(seat: Assignment, entry: Review) -> None:
    """The token fences: a seat that was given on meanwhile is not decided."""
    if not Assignment.objects.filter(pk=seat.pk, token=seat.token, review=None).update(review=entry):
        raise lost_seat()


def _move(pair: Pair, before: dict[str, str] | None = None) -> None:
    """Let the pair follow its log. `before`: the texts that an undo brings back."""
    outcome = fold(Review.objects.filter(pair=pair), pair)
    accepted = outcome.decision if outcome.status == Pair.Status.ACCEPTED else None
    texts = accepted.texts() if accepted else before or texts_of(pair)
    decision_id = outcome.decision.pk if outcome.decision else None
    if (outcome.status, decision_id, texts) == (pair.status, pair.decision_id, texts_of(pair)):
        return
    unmoved = Pair.objects.filter(pk=pair.pk, status=pair.status, version=pair.version)
    changes = {"status": outcome.status, "decision": outcome.decision, "updated_at": timezone.now(), **texts}
    if not unmoved.update(version=F("version") + 1, **changes):
        raise lost_seat()


def _check_undo(undone: Review, pair: Pair) -> None:
    counting = effective(Review.objects.filter(pair=pair))
    if undone not in counting:
        raise CannotUndo("already_undone", _("This decision has been taken back already."))
    if len(counting) > pair.reviews_wanted and undone != counting[-1]:
        raise CannotUndo("decided_since", _("Somebody has decided on top of this since."))
    if undone.pk not in undoable(undone.by).values_list("pk", flat=True):
        raise CannotUndo("too_long_ago", _("Only your last %(n)d decisions can be undone.") % {"n": UNDO_DEPTH})


def _clamped(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(float(seconds), 0.0), MAX_SECONDS)
