"""Who sits where: a reviewer claims a seat at a pair, keeps it by renewing, and gives it back by skipping.

A seat is free, or taken: decided, named in advance (no expiry), or held until `expires_at`. Nobody cleans up: an expired
seat is seen as free by the next claim, which locks the pair before it counts, so that two never take the last one.
"""

import time
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from sources.models import Source

from .models import Assignment, Pair, Skip

CANDIDATES = 16  # pairs looked at in one go; others may hold locks on some of them
PATIENCE = (0.0, 0.05, 0.15)  # seconds to wait before looking again at pairs that others had locked


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
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    seat = open_seats(user).filter(pair__source__in=sources, **({"pair": pair_id} if pair_id else {})).first()
    if seat:
        return seat, False
    tried: set[int] = set()
    while candidates := _candidates(user, sources, pair_id, tried):
        tried.update(candidates)
        for pk in candidates:
            if seat := _take(pk, user, patient=patient):
                return seat, False
    return None, bool(tried)


def open_seats(user: User) -> QuerySet[Assignment]:
    """Undecided seats of `user` at pending pairs, the one given last first, those named in advance after the others."""
    mine = Assignment.objects.filter(reviewer=user, review=None, pair__status=Pair.Status.PENDING)
    in_time = mine.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    return in_time.select_related("pair__source").order_by(F("expires_at").desc(nulls_last=True), "pair_id")


def free_for(user: User) -> QuerySet[Pair]:
    """Pending pairs with a free seat at which `user` has not decided."""
    seats = Assignment.objects.filter(pair=OuterRef("pk"))
    taken = seats.live().order_by().values("pair").annotate(n=Count("pk")).values("n")
    return Pair.objects.pending().filter(
        ~Exists(seats.filter(reviewer=user, review__isnull=False)),
        Q(reviews_wanted__gt=Coalesce(Subquery(taken, output_field=IntegerField()), 0)),
    )


def _candidates(user: User, sources: list[int], pair_id: int | None, tried: set[int]) -> list[int]:
    """Ids of the next pairs to try, oldest first, skipped ones last. Each source is read along its own piece of the
    index `pair_queue` and no further than needed; one query over all of them would sort the whole queue."""
    free = free_for(user).exclude(pk__in=tried)
    if pair_id:
        free = free.filter(pk=pair_id)
    skipped = Skip.objects.filter(reviewer=user, pair=OuterRef("pk"))
    queues = [free.filter(~Exists(skipped), source=pk).order_by("id").values("id")[:CANDIDATES] for pk in sources]
    if queues:
        rows = queues[0].union(*queues[1:], all=True).order_by("id")[:CANDIDATES] if queues[1:] else queues[0]
        if found := [row["id"] for row in rows]:
            return found
    again = free.filter(source__in=sources, skips__reviewer=user).order_by("skips__at", "id")
    return list(again.values_list("id", flat=True)[:CANDIDATES])


def _take(pk: int, user: User, *, patient: bool) -> Assignment | None:
    """A seat at this pair, or None when it is locked (unless `patient`), full, or no longer pending.

    The lock comes first and the count is a second statement: it sees every seat that was committed before the lock.
    The unique constraints have the last word.
    """
    try:
        with transaction.atomic():
            locked = Pair.objects.select_for_update(skip_locked=not patient, no_key=True, of=("self",))
            return _seat_at(locked.select_related("source").get(pk=pk, status=Pair.Status.PENDING), user)
    except (Pair.DoesNotExist, IntegrityError, _NoFreeSeat):
        return None  # and the savepoint is rolled back, which gives the lock back


class _NoFreeSeat(Exception):
    pass


def _seat_at(pair: Pair, user: User) -> Assignment:
    Assignment.objects.filter(pair=pair, review=None, expires_at__lte=timezone.now()).delete()
    seats = dict(Assignment.objects.filter(pair=pair).values_list("seat", "reviewer"))
    free = [number for number in range(1, pair.reviews_wanted + 1) if number not in seats]
    if not free or len(seats) >= pair.reviews_wanted or user.pk in seats.values():
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
