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

Every writer locks the pair's row first, so the log of one pair is written by one at a time (`log`).
"""

import math
from collections.abc import Iterable
from uuid import UUID, uuid4

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import rows
from accounts.models import User
from accounts.rows import columns
from sources.models import Source

from .decisions import BadDecision, new_decision
from .folding import effective, fold_status, inconsistent_pairs, labels_of, texts_of
from .log import SameKeyOtherBody, Stale, before_decision, lock, move, once, stale
from .models import Assignment, Draft, Pair, Review
from .seat_sql import VISIBLE
from .seats import LostSeat, Refused, as_uuid, claim, lease_end, lost_seat, open_seats, renew, reserve, skip

__all__ = [
    "BadDecision", "CannotUndo", "LostSeat", "Refused", "SameKeyOtherBody", "Stale",
    "claim", "clamped", "decide", "fold_status", "inconsistent_pairs", "last_decision", "open_seats", "renew", "reserve", "skip",
    "undo", "undoable",
]  # fmt: skip

# The pair, locked, the seat that it is decided from, and the drafts, each in a row. (The seat may be given on while this waits for the
# lock: WRITE fences that.)
SEAT = f"""
    SELECT {columns(Pair, "p")}, {columns(Source, "source")}, {columns(Assignment, "seat")}, {columns(Draft, "draft")}
    FROM annotation_pair p JOIN sources_source source ON source.id = p.source_id JOIN annotation_assignment seat ON seat.pair_id = p.id
    LEFT JOIN annotation_draft draft ON draft.pair_id = p.id
    WHERE p.id = %(pair)s AND {VISIBLE} AND seat.id = %(seat)s AND seat.reviewer_id = %(user)s AND seat.token = %(token)s
    AND seat.review_id IS NULL AND (seat.expires_at IS NULL OR seat.expires_at > %(now)s)
    ORDER BY draft.number FOR NO KEY UPDATE OF p
"""  # noqa: S608 (only constants are put together)
# The decision, the seat that is decided with it, and what was typed forgotten. The token fences: a seat that was given on meanwhile
# is not decided. It gives the rest of the pair's log, each entry in a row.
WRITE = f"""
    WITH entry AS (INSERT INTO annotation_review {rows.for_insert(Review)} RETURNING id),
    decided AS (
        UPDATE annotation_assignment seat SET review_id = entry.id FROM entry
        WHERE seat.id = %(seat)s AND seat.token = %(token)s AND seat.review_id IS NULL RETURNING seat.id
    ),
    forgotten AS (DELETE FROM annotation_autosave WHERE pair_id = %(pair_id)s AND reviewer_id = %(by_id)s)
    SELECT entry.id, {columns(Review, "earlier")} FROM entry CROSS JOIN decided
    LEFT JOIN annotation_review earlier ON earlier.pair_id = %(pair_id)s
"""  # noqa: S608
UNDOABLE = f"""
    SELECT {columns(Review, "mine")} FROM (
        SELECT * FROM annotation_review WHERE by_id = %(user)s AND verdict IN ('accept', 'edit', 'reject') ORDER BY id DESC LIMIT %(depth)s
    ) mine
    WHERE NOT EXISTS (SELECT FROM annotation_review undo WHERE undo.undoes_id = mine.id) AND NOT EXISTS (
        SELECT FROM annotation_review opened WHERE opened.pair_id = mine.pair_id AND opened.id > mine.id AND opened.verdict = 'reopen'
        AND NOT EXISTS (SELECT FROM annotation_review undo WHERE undo.undoes_id = opened.id)
    ) ORDER BY mine.id DESC
"""  # noqa: S608
MAX_SECONDS = 24 * 3600.0
UNDO_DEPTH = 20
Verdict = Review.Verdict


class CannotUndo(Refused):
    """The decision no longer counts, is too long ago, or somebody has decided on top of it."""


def decide(
    pair_id: int, *, by: User, assignment: int, token: UUID | str, op_id: UUID, verdict: str, instruction: str, input: str,  # noqa: A002
    output: str, draft: int | None = None, reasons: Iterable[str] = (), comment: str = "", seconds: float | None = None,
    version: int | None = None, task_type: dict[str, list[str]] | None = None, domain: list[str] | None = None, near: int | None = None,
) -> Review:  # fmt: skip
    """Write one decision, and move the pair when it is the last one wanted. All or nothing.

    The same `op_id` again gives the same Review and changes nothing. `draft` is the id of the draft judged (None: the
    pair's only one, if it has just one); `version` is that of the pair as it was shown (None: whatever it is now).
    `task_type` and `domain` of None stay as they are. `near` is the accepted pair that was shown as a near-duplicate (0: there was
    none; None: it is looked for). Raises SameKeyOtherBody, LostSeat, Stale, BadDecision.
    """
    asked = {
        "pair": pair_id, "assignment": assignment, "verdict": verdict, "draft": draft, "instruction": instruction, "input": input,
        "output": output, "reasons": list(reasons), "comment": comment, "task_type": task_type, "domain": domain,
    }  # fmt: skip

    def write(digest: str) -> Review:
        pair, seat, drafts = _held_seat(pair_id, by, assignment, token)
        if version is not None and version != pair.version:
            raise stale()
        entry = new_decision(pair, by, asked | {"near": near}, drafts)
        entry.by, entry.op_id, entry.op_digest, entry.seconds = by, op_id, digest, clamped(seconds)
        move(pair, log=_write(entry, seat))
        return entry

    return once(op_id, by, asked, write)


def undo(review_id: int, *, by: User, op_id: UUID, depth: int = UNDO_DEPTH) -> Review:
    """Take one's own decision back: a new entry, the pair as it was before, and the seat held again with a fresh token.
    It must be among one's last `depth` decisions. The same `op_id` again gives the same entry. Raises SameKeyOtherBody,
    CannotUndo."""

    def write(digest: str) -> Review:
        undone = Review.objects.filter(pk=review_id, by=by, verdict__in=Review.DECISIONS).first()
        if not undone or not Pair.objects.for_user(by).filter(pk=undone.pair_id).exists():
            raise CannotUndo("not_yours", _("Only your own decisions can be undone."))
        pair = lock(undone.pair_id, by)
        _check_undo(undone, pair, depth)
        now, before = texts_of(pair) | labels_of(pair), before_decision(pair, undone)
        entry = Review.objects.create(
            pair=pair, by=by, verdict=Verdict.UNDO, undoes=undone, draft=undone.draft, **before, before=now, pair_version=pair.version,
            op_id=op_id, op_digest=digest,
        )  # fmt: skip
        seat = {"review": None, "token": uuid4(), "expires_at": lease_end(pair.source), "opened_at": timezone.now()}
        Assignment.objects.filter(review=undone).update(**seat)
        move(pair, before)
        return entry

    return once(op_id, by, {"undo": review_id}, write)


def undoable(user: User, depth: int = UNDO_DEPTH) -> list[Review]:
    """One's last decisions (20) that still count, newest first. (Adjudication on top is told by `undo` itself.)"""
    found: list[Review] = rows.read(UNDOABLE, {"user": user.pk, "depth": depth}, Review)
    return found


def last_decision(user: User) -> Review | None:
    """What an undo would take back."""
    return next(iter(undoable(user)), None)


def _held_seat(pair_id: int, by: User, assignment: int, token: UUID | str) -> tuple[Pair, Assignment, list[Draft]]:
    """The pair with its source, locked until the transaction ends, the seat at it, and its drafts. Raises LostSeat."""
    asked = {"pair": pair_id, "seat": assignment, "token": as_uuid(token), "now": timezone.now()}
    asked |= {"user": by.pk, "all": by.has_role("lead"), "slug": None}
    found = rows.read(SEAT, asked, Pair, Source, Assignment, Draft)
    if not found or found[0][0].status != Pair.Status.PENDING:
        raise lost_seat()
    pair, pair.source, seat, _draft = found[0]
    return pair, seat, [draft for *_same, draft in found if draft]


def _write(entry: Review, seat: Assignment) -> list[Review]:
    """Save the entry, which is new, decide the seat by it, and give the pair's log with it. Raises LostSeat."""
    found = rows.read(WRITE, rows.values_of(entry) | {"seat": seat.pk, "token": seat.token})
    if not found:
        raise lost_seat()
    entry.pk = found[0][0]
    entry._state.adding, entry._state.db = False, DEFAULT_DB_ALIAS
    return [*(earlier for row in found if (earlier := rows.made(Review, row[1:]))), entry]


def _check_undo(undone: Review, pair: Pair, depth: int) -> None:
    counting = effective(Review.objects.filter(pair=pair))
    if undone not in counting:
        raise CannotUndo("already_undone", _("This decision has been taken back already."))
    if len(counting) > pair.reviews_wanted and undone != counting[-1]:
        raise CannotUndo("decided_since", _("Somebody has decided on top of this since."))
    if undone not in undoable(undone.by, depth):
        raise CannotUndo("too_long_ago", _("Only your last %(n)d decisions can be undone.") % {"n": depth})


def clamped(seconds: float | None) -> float | None:
    """Seconds that can be: what a page says it took, and nobody checks."""
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(float(seconds), 0.0), MAX_SECONDS)
