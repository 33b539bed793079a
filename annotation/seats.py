"""Who sits where: a reviewer claims a seat at a pair, keeps it by renewing, and gives it back by skipping.

                claim, open                 decide
    (free) ───────────────▶ opened ───────────────▶ decided
       │ reserve              ▲
       └────────▶ reserved ───┘ open           reserved ──somebody else finds nothing free──▶ theirs

A seat is free, or taken: decided, named in advance (no expiry), or held until `expires_at`. Nobody cleans up: an expired
seat is seen as free by the next claim, which locks the pair before it counts, so that two never take the last one. Seats
reserved ahead count like any other, so that nobody is handed the same pair, until somebody would go away empty.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, LiteralString, cast
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import rows
from accounts.models import User
from sources.models import Source

from .models import Assignment, Draft, Pair, Skip
from .seat_sql import CLEAR, FRESH, HELD_ITEM, LOCK, NEXT, OPEN, RESERVED, SIT, SKIPPED, WISHED

PATIENCE = (0.0, 0.05, 0.15)  # seconds to wait before looking again at pairs that others had locked
AHEAD = 3  # seats that one person may have reserved at a time


class Refused(Exception):
    """An act that the rules do not allow. `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class LostSeat(Refused):
    """The seat is not this person's to decide on any more: expired, given back, decided, or the pair has moved on."""


def lost_seat() -> LostSeat:
    return LostSeat("lost_seat", _("This item is no longer reserved for you."))


def claim(user: User, *, source: Source | None = None, slug: str | None = None, pair_id: int | None = None) -> Assignment | None:
    """An opened seat for `user`: the open one they hold already, else the first they have reserved, else one at the
    oldest pair that waits for them.

    Pairs they have skipped come after all others, and pairs that others have only reserved ahead after those. None means
    that there is none: not that others were faster for a moment. `source` (or its `slug`) and `pair_id` narrow the choice.
    The assignment comes with its pair and source.
    """
    for greedy in (False, True):
        if seat := _find(user, source.slug if source else slug, pair_id, greedy=greedy, ahead=False):
            return seat
    return None


def reserve(user: User, count: int, *, source: Source | None = None, besides: Iterable[int] = ()) -> list[Assignment]:
    """Up to `count` seats for `user`, not opened yet, so that the next pairs are there before they are needed: those that one is
    named for first, then those reserved before, except the ids in `besides`. Nobody has more than AHEAD reserved; never takes
    what another has."""
    if count <= 0:
        return []
    slug = source.slug if source else None
    mine = rows.read(RESERVED, _asked(user, slug, None), Assignment, Pair, Source)
    for seat, pair, source_of_it in mine:
        seat.pair, pair.source = pair, source_of_it
    had = [seat for seat, *_more in mine if seat.pk not in set(besides)][:count]
    ahead = sum(seat.expires_at is not None for seat, *_more in mine)
    made = (_find(user, slug, None, greedy=False, ahead=True) for _n in range(min(count - len(had), AHEAD - ahead)))
    return had + [seat for seat in made if seat]


def _asked(user: User, slug: str | None, pair_id: int | None) -> dict[str, Any]:
    return {
        "user": user.pk, "all": user.has_role("lead"), "slug": slug, "pair": pair_id, "now": timezone.now(),
        "greedy": False,
    }  # fmt: skip


def _find(user: User, slug: str | None, pair_id: int | None, *, greedy: bool, ahead: bool) -> Assignment | None:
    asked = _asked(user, slug, pair_id) | {"greedy": greedy}
    for wait in (*PATIENCE, None):
        if wait:
            time.sleep(wait)
        try:
            seat, busy = _try(asked, ahead=ahead, patient=wait is None)
        except IntegrityError:  # the constraints have the last word
            continue
        if seat or not busy:
            return seat
    return None


@transaction.atomic
def _try(asked: dict[str, Any], *, ahead: bool, patient: bool) -> tuple[Assignment | None, bool]:
    """(seat, False), or (None, whether there were pairs that others had locked). One claim per person at a time, so that
    two tabs get the same item."""
    rows.run("SELECT FROM accounts_user WHERE id = %(user)s FOR NO KEY UPDATE", asked)
    now = timezone.now()
    asked = asked | {"now": now, "opened": None if ahead else now}
    wanted = asked | {"tried": [], "token": uuid4()}
    if asked["pair"]:
        seat = None if ahead else _seat(HELD_ITEM, asked)
    else:
        seat = _seat(NEXT[bool(asked["slug"]), not ahead], wanted)
    if seat:
        if not ahead and seat.expires_at and not seat.opened_at:  # it was reserved
            _open(seat)
        return seat, False
    tried: set[int] = set()
    while pair_id := _lock_next(asked, tried, patient=patient):
        wanted = asked | {"pair": pair_id, "token": uuid4()}
        seat = _seat(SIT, wanted)
        if not seat and rows.run(CLEAR, wanted):  # ended seats make room
            seat = _seat(SIT, wanted)
        if seat:
            return seat, False
        tried.add(pair_id)  # it turned out to be full
    return None, bool(tried)


def _lock_next(asked: dict[str, Any], tried: set[int], *, patient: bool) -> int | None:
    """The next pair to try, locked. Those that others have locked, or that are decided by now, join `tried`."""
    while ids := _candidates(asked | {"tried": list(tried)}):
        for (pair_id,) in rows.read(LOCK if patient else f"{LOCK} SKIP LOCKED", {"ids": ids}):
            return int(pair_id)
        tried.update(ids)
    return None


def _seat(sql: LiteralString, asked: dict[str, Any]) -> Assignment | None:
    """The one that `sql` gives, with its pair, that one's source, and its drafts in their order as `candidates`."""
    found = rows.read(sql, asked, Assignment, Pair, Source, Draft)
    if not found:
        return None
    seat, seat.pair, seat.pair.source, _draft = found[0]
    seat.candidates = sorted((draft for *_same, draft in found if draft), key=lambda draft: draft.number)
    return cast("Assignment", seat)


def _candidates(asked: dict[str, Any]) -> list[int]:
    """Ids of the next pairs to try: the one that is asked for, or the oldest first, or else those that the person has skipped, oldest
    skip first."""
    for query in (WISHED,) if asked["pair"] else (FRESH, SKIPPED):
        if found := [pk for (pk,) in rows.read(query, asked)]:
            return found
    return []


def open_seats(user: User) -> QuerySet[Assignment]:
    """Undecided seats of `user` at pending pairs: opened ones, the last first; then those named in advance, or that came back;
    then reserved ones in their order."""
    mine = Assignment.objects.filter(reviewer=user, review=None, pair__status=Pair.Status.PENDING)
    in_time = mine.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
    order = (F("opened_at").desc(nulls_last=True), F("expires_at").asc(nulls_first=True), "pk")
    return in_time.select_related("pair__source").order_by(*order)


def lease_end(source: Source) -> datetime:
    return timezone.now() + timedelta(minutes=source.lease_minutes)


def renew(assignment_id: int, *, by: User, token: UUID | str) -> Assignment:
    """Keep the seat for another lease; one that was reserved is opened by it. Raises LostSeat when it is not `by`'s any
    more, or its time was up."""
    seat = open_seats(by).filter(pk=assignment_id, token=as_uuid(token)).first()
    if not seat or (seat.expires_at and not _open(seat)):
        raise lost_seat()
    return seat


def _open(seat: Assignment) -> bool:
    """Somebody looks at it: its lease begins anew. False when it was given to somebody else meanwhile."""
    seat.expires_at, seat.opened_at = lease_end(seat.pair.source), seat.opened_at or timezone.now()
    return bool(rows.run(OPEN, {"pk": seat.pk, "token": seat.token, "now": timezone.now(), "ends": seat.expires_at}))


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


def may_review(person: User, source: Source) -> bool:
    """Whether pairs of `source` are handed to `person`."""
    return person.has_role("reviewer") and Source.objects.for_user(person).filter(pk=source.pk).exists()


def as_uuid(value: UUID | str) -> UUID:
    """Raises LostSeat: a token that is none opens no seat."""
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise lost_seat() from error
