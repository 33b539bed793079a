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
from typing import Any, cast
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts import rows
from accounts.models import User
from accounts.rows import columns
from sources.models import Source

from .decisions import BadDecision, new_decision
from .folding import LABELS, TEXTS, effective, fold, fold_status, inconsistent_pairs, labels_of, texts_of
from .models import Assignment, Pair, Review
from .seats import VISIBLE, LostSeat, Refused, as_uuid, claim, lease_end, lost_seat, open_seats, renew, reserve, skip

__all__ = [
    "BadDecision", "CannotUndo", "LostSeat", "Refused", "SameKeyOtherBody", "Stale",
    "claim", "decide", "fold_status", "inconsistent_pairs", "last_decision", "open_seats", "renew", "reserve", "skip",
    "undo", "undoable",
]  # fmt: skip

# The pair, if this person may see it: locked against other decisions, not against new drafts.
LOCK = f"""
    SELECT {columns(Pair, "p")}, {columns(Source, "source")} FROM annotation_pair p JOIN sources_source source ON source.id = p.source_id
    WHERE p.id = %(pair)s AND {VISIBLE} FOR NO KEY UPDATE OF p
"""  # noqa: S608 (only constants are put together)
SEAT = f"""
    SELECT {columns(Assignment, "seat")} FROM annotation_assignment seat
    WHERE seat.id = %(seat)s AND seat.pair_id = %(pair)s AND seat.reviewer_id = %(user)s AND seat.token = %(token)s
    AND seat.review_id IS NULL AND (seat.expires_at IS NULL OR seat.expires_at > %(now)s)
"""  # noqa: S608
# The token fences: a seat that was given on meanwhile is not decided.
DECIDE_SEAT = "UPDATE annotation_assignment SET review_id = %(review)s WHERE id = %(seat)s AND token = %(token)s AND review_id IS NULL"
FORGET = "DELETE FROM annotation_autosave WHERE pair_id = %(pair)s AND reviewer_id = %(user)s"
LOG = f"SELECT {columns(Review, 'entry')} FROM annotation_review entry WHERE entry.pair_id = %s"  # noqa: S608
MOVE = """
    UPDATE annotation_pair SET status = %(status)s, decision_id = %(decision)s, instruction = %(instruction)s, input = %(input)s,
    output = %(output)s, task_type = %(task_type)s, domain = %(domain)s, version = version + 1, updated_at = %(now)s
    WHERE id = %(pair)s AND status = %(was)s AND version = %(version)s
"""
MAX_SECONDS = 24 * 3600.0
UNDO_DEPTH = 20
Verdict = Review.Verdict


class SameKeyOtherBody(Refused):
    """This op_id was used for another act, or by somebody else."""


class Stale(Refused):
    """The pair has changed since it was shown: the decision was made on an earlier version."""


class CannotUndo(Refused):
    """The decision no longer counts, is too long ago, or somebody has decided on top of it."""


def decide(
    pair_id: int, *, by: User, assignment: int, token: UUID | str, op_id: UUID, verdict: str, instruction: str, input: str,  # noqa: A002
    output: str, draft: int | None = None, reasons: Iterable[str] = (), comment: str = "", seconds: float | None = None,
    version: int | None = None, task_type: dict[str, list[str]] | None = None, domain: list[str] | None = None,
) -> Review:  # fmt: skip
    """Write one decision, and move the pair when it is the last one wanted. All or nothing.

    The same `op_id` again gives the same Review and changes nothing. `draft` is the id of the draft judged (None: the
    pair's only one, if it has just one); `version` is that of the pair as it was shown (None: whatever it is now).
    `task_type` and `domain` of None stay as they are. Raises SameKeyOtherBody, LostSeat, Stale, BadDecision.
    """
    asked = {
        "pair": pair_id, "assignment": assignment, "verdict": verdict, "draft": draft, "instruction": instruction, "input": input,
        "output": output, "reasons": list(reasons), "comment": comment, "task_type": task_type, "domain": domain,
    }  # fmt: skip

    def write(digest: str) -> Review:
        pair = _lock(pair_id, by)
        seat = _held_seat(pair, by, assignment, token)
        if version is not None and version != pair.version:
            raise Stale("stale", _("This item has changed since you opened it."))
        entry = new_decision(pair, by, asked)
        entry.by, entry.op_id, entry.op_digest, entry.seconds = by, op_id, digest, _clamped(seconds)
        entry.save(force_insert=True)
        _decide_seat(seat, entry)
        rows.run(FORGET, {"pair": pair.pk, "user": by.pk})
        _move(pair)
        return entry

    return _once(op_id, by, asked, write)


def undo(review_id: int, *, by: User, op_id: UUID, depth: int = UNDO_DEPTH) -> Review:
    """Take one's own decision back: a new entry, the pair as it was before, and the seat held again with a fresh token.
    It must be among one's last `depth` decisions. The same `op_id` again gives the same entry. Raises SameKeyOtherBody,
    CannotUndo."""

    def write(digest: str) -> Review:
        undone = Review.objects.filter(pk=review_id, by=by, verdict__in=Review.DECISIONS).first()
        if not undone or not Pair.objects.for_user(by).filter(pk=undone.pair_id).exists():
            raise CannotUndo("not_yours", _("Only your own decisions can be undone."))
        pair = _lock(undone.pair_id, by)
        _check_undo(undone, pair, depth)
        now = texts_of(pair) | labels_of(pair)
        before = {name: (undone.before or {}).get(name, now[name]) for name in (*TEXTS, *LABELS)}
        before = before if pair.status == Pair.Status.ACCEPTED else now
        entry = Review.objects.create(
            pair=pair, by=by, verdict=Verdict.UNDO, undoes=undone, draft=undone.draft, **before, before=now, pair_version=pair.version,
            op_id=op_id, op_digest=digest,
        )  # fmt: skip
        seat = {"review": None, "token": uuid4(), "expires_at": lease_end(pair.source), "opened_at": timezone.now()}
        Assignment.objects.filter(review=undone).update(**seat)
        _move(pair, before)
        return entry

    return _once(op_id, by, {"undo": review_id}, write)


def undoable(user: User, depth: int = UNDO_DEPTH) -> QuerySet[Review]:
    """One's last decisions (20) that still count, newest first. (Adjudication on top is told by `undo` itself.)"""
    mine = Review.objects.filter(by=user, verdict__in=Review.DECISIONS)
    recent = list(mine.order_by("-id").values_list("pk", flat=True)[:depth])
    reopened = Review.objects.filter(pair=OuterRef("pair"), verdict=Verdict.REOPEN, pk__gt=OuterRef("pk"))
    return mine.filter(~Exists(reopened), pk__in=recent, undone_by=None).order_by("-id")


def last_decision(user: User) -> Review | None:
    """What an undo would take back."""
    return undoable(user).select_related("pair").first()


def _once(op_id: UUID, by: User, asked: dict[str, Any], write: Callable[[str], Review]) -> Review:
    """`write` in one transaction, unless `op_id` has been used: then what it gave. A used one fails in `write`, by its
    seat or by the unique constraint, so that the first time need not ask. Of two at once, one gets through."""
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    try:
        with transaction.atomic():
            return write(digest)
    except (IntegrityError, Refused):
        if repeated := _repeated(op_id, by, digest):
            return repeated
        raise


def _repeated(op_id: UUID, by: User, digest: str) -> Review | None:
    review = Review.objects.filter(op_id=op_id).first()
    if review and (review.by_id, review.op_digest) != (by.pk, digest):
        raise SameKeyOtherBody("same_key_other_body", _("This key was used for something else."))
    return review


def _lock(pair_id: int, by: User) -> Pair:
    """Raises LostSeat when there is no such pair for `by`."""
    for pair, source in rows.read(LOCK, {"pair": pair_id, "user": by.pk, "all": by.has_role("lead"), "slug": None}, Pair, Source):
        pair.source = source
        return cast("Pair", pair)
    raise lost_seat()


def _held_seat(pair: Pair, by: User, assignment: int, token: UUID | str) -> Assignment:
    asked = {"seat": assignment, "pair": pair.pk, "user": by.pk, "token": as_uuid(token), "now": timezone.now()}
    seats = rows.read(SEAT, asked, Assignment)
    if not seats or pair.status != Pair.Status.PENDING:
        raise lost_seat()
    return cast("Assignment", seats[0])


def _decide_seat(seat: Assignment, entry: Review) -> None:
    if not rows.run(DECIDE_SEAT, {"review": entry.pk, "seat": seat.pk, "token": seat.token}):
        raise lost_seat()


def _move(pair: Pair, before: dict[str, Any] | None = None) -> None:
    """Let the pair follow its log. `before`: the texts and labels that an undo brings back."""
    outcome = fold(rows.read(LOG, [pair.pk], Review), pair)
    accepted = outcome.decision if outcome.status == Pair.Status.ACCEPTED else None
    now = texts_of(pair) | labels_of(pair)
    texts = accepted.texts() | labels_of(accepted) if accepted else before or now
    decision_id = outcome.decision.pk if outcome.decision else None
    if (outcome.status, decision_id, texts) == (pair.status, pair.decision_id, now):
        return
    changes = {"status": str(outcome.status), "decision": decision_id, **texts, "now": timezone.now()}
    changes |= {name: Jsonb(texts[name]) for name in LABELS}
    if not rows.run(MOVE, changes | {"pair": pair.pk, "was": pair.status, "version": pair.version}):
        raise lost_seat()


def _check_undo(undone: Review, pair: Pair, depth: int) -> None:
    counting = effective(Review.objects.filter(pair=pair))
    if undone not in counting:
        raise CannotUndo("already_undone", _("This decision has been taken back already."))
    if len(counting) > pair.reviews_wanted and undone != counting[-1]:
        raise CannotUndo("decided_since", _("Somebody has decided on top of this since."))
    if undone.pk not in undoable(undone.by, depth).values_list("pk", flat=True):
        raise CannotUndo("too_long_ago", _("Only your last %(n)d decisions can be undone.") % {"n": depth})


def _clamped(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(float(seconds), 0.0), MAX_SECONDS)
