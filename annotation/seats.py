"""Who sits where: a reviewer claims a seat at a pair, keeps it by renewing, and gives it back by skipping.

A seat is free, or taken: decided, named in advance (no expiry), or held until `expires_at`. Nobody cleans up: an expired
seat is seen as free by the next claim, which locks the pair before it counts, so that two never take the last one.
"""

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, connection, transaction
from django.db.models import BigIntegerField, F, Func, Q, QuerySet, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from sources.models import Source

from .models import Assignment, Pair, Skip

CANDIDATES = 16  # pairs looked at in one go; others may hold locks on some of them
PATIENCE = (0.0, 0.05, 0.15)  # seconds to wait before looking again at pairs that others had locked


# A pending pair p of a kept post with a free seat, at which this person has not decided. One look at its seats tells both.
# (A post that is screened again, or was dropped by that, is not kept: its pair waits.)
FREE = """
    p.status = 'pending' AND p.id <> ALL(%(tried)s::bigint[]) AND (%(pair)s::bigint IS NULL OR p.id = %(pair)s)
    AND EXISTS (SELECT FROM sources_post post WHERE post.id = p.post_id AND post.status = 'kept')
    AND NOT EXISTS (
        SELECT FROM annotation_assignment seat WHERE seat.pair_id = p.id
        HAVING bool_or(seat.reviewer_id = %(user)s AND seat.review_id IS NOT NULL)
        OR count(*) FILTER (WHERE seat.review_id IS NOT NULL OR seat.expires_at IS NULL OR seat.expires_at > %(now)s) >= p.reviews_wanted
    )
"""
# Each source is read along its own piece of the index pair_queue, and no further than needed. One condition over all
# sources would make the database sort the whole queue for every claim.
FRESH = f"""
    SELECT next.id FROM unnest(%(sources)s::bigint[]) AS source(id) CROSS JOIN LATERAL (
        SELECT p.id FROM annotation_pair p WHERE p.source_id = source.id AND {FREE}
        AND NOT EXISTS (SELECT FROM annotation_skip skip WHERE skip.pair_id = p.id AND skip.reviewer_id = %(user)s)
        ORDER BY p.id LIMIT %(n)s
    ) next ORDER BY next.id LIMIT %(n)s
"""  # noqa: S608 (only constants are put together)
SKIPPED = f"""
    SELECT p.id FROM annotation_skip skip JOIN annotation_pair p ON p.id = skip.pair_id
    WHERE skip.reviewer_id = %(user)s AND p.source_id = ANY(%(sources)s::bigint[]) AND {FREE}
    ORDER BY skip.at, p.id LIMIT %(n)s
"""  # noqa: S608


class Refused(Exception):
    """An act that the rules do not allow. `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class LostSeat(Refused):
    """The seat is not this person's to decide on any more: expired, given back, decided, or the pair has moved on."""


def lost_seat() -> LostSeat:
    return LostSeat("lost_seat", _("This item is no longer reserved for you."))


def claim(user: User, *, source: Source | None = None, pair_id: int | None = None) -> Assignment | None:
    """A seat for `user`: the open one they hold already, else one at the oldest pair that waits for them.

    Pairs they have skipped come after all others. None means that there is none: not that others were faster for a
    moment. `source` and `pair_id` narrow the choice. The assignment comes with its pair and source.
    """
    sources = Source.objects.for_user(user)
    visible = list((sources.filter(pk=source.pk) if source else sources).values_list("pk", flat=True))
    for wait in PATIENCE:
        time.sleep(wait)
        seat, busy = _try(user, visible, pair_id, patient=False)
        if seat or not busy:
            return seat
    return _try(user, visible, pair_id, patient=True)[0]


@transaction.atomic
def _try(user: User, sources: list[int], pair_id: int | None, *, patient: bool) -> tuple[Assignment | None, bool]:
    """(seat, False), or (None, whether there were pairs that others had locked). One claim per person at a time, so that
    two tabs get the same item."""
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=user.pk)
    seat = open_seats(user).filter(pair__source__in=sources, **({"pair": pair_id} if pair_id else {})).first()
    if seat:
        return seat, False
    tried: set[int] = set()
    while candidates := _candidates(user, sources, pair_id, tried):
        seat, failed = _take(candidates, user, patient=patient)
        if seat:
            return seat, False
        tried.update(failed)
    return None, bool(tried)


def open_seats(user: User) -> QuerySet[Assignment]:
    """Undecided seats of `user` at pending pairs, the one given last first, those named in advance after the others."""
    mine = Assignment.objects.filter(reviewer=user, review=None, pair__status=Pair.Status.PENDING)
    in_time = mine.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    return in_time.select_related("pair__source").order_by(F("expires_at").desc(nulls_last=True), "pair_id")


def _candidates(user: User, sources: list[int], pair_id: int | None, tried: set[int]) -> list[int]:
    """Ids of the next pairs to try, oldest first, or else those that `user` has skipped, oldest skip first."""
    asked: dict[str, Any] = {
        "user": user.pk,
        "sources": sources,
        "pair": pair_id,
        "tried": list(tried),
        "now": timezone.now(),
        "n": CANDIDATES,
    }
    with connection.cursor() as cursor:
        for query in (FRESH, SKIPPED):
            cursor.execute(query, asked)
            if found := [pk for (pk,) in cursor.fetchall()]:
                return found
    return []


def _take(candidates: list[int], user: User, *, patient: bool) -> tuple[Assignment | None, list[int]]:
    """A seat at the first of `candidates` that nobody has locked (with `patient`: at the first), or None and those that
    it is no use to try again: all when all are locked or decided by now, else the one that turned out to be full.

    The lock comes first and the count is a second statement: it sees every seat that was committed before the lock.
    The unique constraints have the last word.
    """
    locked = Pair.objects.select_for_update(skip_locked=not patient, no_key=True, of=("self",)).select_related("source")
    in_order = Func(Value(candidates, ArrayField(BigIntegerField())), F("pk"), function="array_position")
    pair = None
    try:
        with transaction.atomic():
            pair = locked.filter(pk__in=candidates, status=Pair.Status.PENDING).order_by(in_order).first()
            return (_seat_at(pair, user), []) if pair else (None, candidates)
    except (IntegrityError, _NoFreeSeat):  # the savepoint is rolled back, which gives the lock back
        return None, [pair.pk] if pair else candidates


class _NoFreeSeat(Exception):
    pass


def _seat_at(pair: Pair, user: User) -> Assignment:
    seats, now = list(Assignment.objects.filter(pair=pair)), timezone.now()
    expired = [seat.pk for seat in seats if not seat.review_id and seat.expires_at and seat.expires_at <= now]
    if expired:
        Assignment.objects.filter(pk__in=expired).delete()
    taken = {seat.seat: seat.reviewer_id for seat in seats if seat.pk not in expired}
    free = [number for number in range(1, pair.reviews_wanted + 1) if number not in taken]
    if not free or len(taken) >= pair.reviews_wanted or user.pk in taken.values():
        raise _NoFreeSeat
    return Assignment.objects.create(pair=pair, seat=free[0], reviewer=user, expires_at=lease_end(pair.source))


def lease_end(source: Source) -> datetime:
    return timezone.now() + timedelta(minutes=source.lease_minutes)


def renew(assignment_id: int, *, by: User, token: UUID | str) -> Assignment:
    """Keep the seat for another lease. Raises LostSeat when it is not `by`'s any more, or its time was up."""
    seat = open_seats(by).filter(pk=assignment_id, token=as_uuid(token)).first()
    if not seat:
        raise lost_seat()
    if seat.expires_at:
        seat.expires_at = lease_end(seat.pair.source)
        if not Assignment.objects.open_for(by).filter(pk=seat.pk, token=seat.token).update(expires_at=seat.expires_at):
            raise lost_seat()
    return seat


@transaction.atomic
def skip(assignment_id: int, *, by: User) -> None:
    """Give the seat back; the pair comes to `by` again after everything else. Skipping twice is skipping once.
    Raises LostSeat for a seat of somebody else, or one that was decided on."""
    seat = Assignment.objects.filter(pk=assignment_id).first()
    if not seat:
        return
    Pair.objects.select_for_update(no_key=True).get(pk=seat.pair_id)
    if seat.reviewer_id != by.pk:
        raise lost_seat()
    given_back, _rows = Assignment.objects.filter(pk=assignment_id, reviewer=by, review=None).delete()
    if given_back:
        Skip.objects.update_or_create(pair_id=seat.pair_id, reviewer=by, defaults={"at": timezone.now()})
    elif Assignment.objects.filter(pk=assignment_id).exists():
        raise lost_seat()


def as_uuid(value: UUID | str) -> UUID:
    """Raises LostSeat: a token that is none opens no seat."""
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise lost_seat() from error
