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
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import rows
from accounts.models import User
from accounts.rows import columns
from sources.models import Source

from .models import Assignment, Pair, Skip

CANDIDATES = 16  # pairs looked at in one go; others may hold locks on some of them
PATIENCE = (0.0, 0.05, 0.15)  # seconds to wait before looking again at pairs that others had locked
AHEAD = 3  # seats that one person may have reserved at a time

# A seat that keeps another person out. With `greedy`, one that is only reserved ahead does not.
TAKEN = """
    seat.review_id IS NOT NULL OR seat.expires_at IS NULL
    OR (seat.expires_at > %(now)s AND (seat.opened_at IS NOT NULL OR NOT %(greedy)s::bool))
"""
# A pending pair p of a kept post with a free seat, at which this person has none. One look at its seats tells both.
# (A post that is screened again, or was dropped by that, is not kept: its pair waits.)
FREE = f"""
    p.status = 'pending' AND p.id <> ALL(%(tried)s::bigint[])
    AND EXISTS (SELECT FROM sources_post post WHERE post.id = p.post_id AND post.status = 'kept')
    AND NOT EXISTS (
        SELECT FROM annotation_assignment seat WHERE seat.pair_id = p.id
        HAVING bool_or(
            seat.reviewer_id = %(user)s AND (seat.review_id IS NOT NULL OR seat.expires_at IS NULL OR seat.expires_at > %(now)s)
        )
        OR count(*) FILTER (WHERE {TAKEN}) >= p.reviews_wanted
    )
"""  # noqa: S608 (only constants are put together)
# The sources that this person may work on: those of `Source.objects.for_user`, narrowed to one slug if asked.
VISIBLE = """
    (%(slug)s::text IS NULL OR source.slug = %(slug)s) AND (%(all)s::bool
    OR NOT EXISTS (SELECT FROM sources_source_reviewers chosen WHERE chosen.source_id = source.id)
    OR EXISTS (SELECT FROM sources_source_reviewers chosen WHERE chosen.source_id = source.id AND chosen.user_id = %(user)s))
"""
# Each source is read along its own piece of the index pair_queue, and no further than needed. One condition over all
# sources would make the database sort the whole queue for every claim. Ranks of two sources say nothing about each other: of
# what is first in each, the oldest is next. (Limits are written out: of one that comes as a value the planner thinks that it is a tenth
# of the table, and makes a new plan each time instead of keeping that.)
FRESH = f"""
    SELECT next.id FROM sources_source source CROSS JOIN LATERAL (
        SELECT p.id, p.rank FROM annotation_pair p WHERE p.source_id = source.id AND {FREE}
        AND NOT EXISTS (SELECT FROM annotation_skip skip WHERE skip.pair_id = p.id AND skip.reviewer_id = %(user)s)
        ORDER BY p.rank, p.id LIMIT {CANDIDATES}
    ) next WHERE {VISIBLE}
    ORDER BY row_number() OVER (PARTITION BY source.id ORDER BY next.rank, next.id), next.id LIMIT {CANDIDATES}
"""  # noqa: S608
SKIPPED = f"""
    SELECT p.id FROM annotation_skip skip JOIN annotation_pair p ON p.id = skip.pair_id
    JOIN sources_source source ON source.id = p.source_id
    WHERE skip.reviewer_id = %(user)s AND {VISIBLE} AND {FREE}
    ORDER BY skip.at, p.id LIMIT {CANDIDATES}
"""  # noqa: S608
WISHED = f"""
    SELECT p.id FROM annotation_pair p JOIN sources_source source ON source.id = p.source_id
    WHERE p.id = %(pair)s AND {VISIBLE} AND {FREE}
"""  # noqa: S608
# The lock comes first, and the count is a second statement: it sees every seat that was committed before the lock.
LOCK = """
    SELECT p.id FROM annotation_pair p WHERE p.id = ANY(%(ids)s::bigint[]) AND p.status = 'pending'
    ORDER BY array_position(%(ids)s::bigint[], p.id) LIMIT 1 FOR NO KEY UPDATE
"""
# A free seat at the pair p, which is locked.
SEATED = f"""
    seat AS (
        INSERT INTO annotation_assignment (pair_id, seat, reviewer_id, token, expires_at, opened_at, created_at)
        SELECT p.id, free.seat, %(user)s, %(token)s, %(now)s + make_interval(mins => source.lease_minutes), %(opened)s, %(now)s
        FROM p JOIN sources_source source ON source.id = p.source_id
        CROSS JOIN LATERAL (
            SELECT number AS seat FROM generate_series(1, p.reviews_wanted) AS number
            WHERE NOT EXISTS (SELECT FROM annotation_assignment seat WHERE seat.pair_id = p.id AND seat.seat = number)
            ORDER BY number LIMIT 1
        ) free
        WHERE NOT EXISTS (
            SELECT FROM annotation_assignment seat WHERE seat.pair_id = p.id
            HAVING bool_or(seat.reviewer_id = %(user)s) OR count(*) >= p.reviews_wanted
        ) ON CONFLICT DO NOTHING RETURNING *
    )
    SELECT {columns(Assignment, "seat")}, {columns(Pair, "p")}, {columns(Source, "source")}
    FROM seat JOIN p ON p.id = seat.pair_id JOIN sources_source source ON source.id = p.source_id
"""  # noqa: S608
SIT = f"WITH p AS (SELECT * FROM annotation_pair WHERE id = %(pair)s), {SEATED}"  # noqa: S608
CLEAR = f"""
    DELETE FROM annotation_assignment seat WHERE seat.pair_id = %(pair)s AND NOT ({TAKEN})
"""  # noqa: S608
# Mostly the first that nobody else has locked will do, and a seat at it can be had at once. (If somebody has taken that since this
# statement began, which is not seen, the constraints see it: then there is no row.)
# (That a slug may be none is said in another text: not knowing whether it is, the planner makes a new plan each time.)
FIRST = f"""
    WITH fresh AS MATERIALIZED (SELECT id, row_number() OVER () AS n FROM ({FRESH}) inorder),
    p AS (
        SELECT p.* FROM fresh JOIN annotation_pair p ON p.id = fresh.id WHERE p.status = 'pending'
        ORDER BY fresh.n LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED
    ),
"""  # noqa: S608
FIRST_OF_SOURCE = FIRST.replace("(%(slug)s::text IS NULL OR source.slug = %(slug)s)", "source.slug = %(slug)s") + SEATED
FIRST_OF_ANY = FIRST.replace("(%(slug)s::text IS NULL OR source.slug = %(slug)s) AND", "") + SEATED
OPEN = """
    UPDATE annotation_assignment SET expires_at = %(ends)s, opened_at = coalesce(opened_at, %(now)s)
    WHERE id = %(pk)s AND token = %(token)s AND review_id IS NULL AND expires_at > %(now)s
"""
RESERVED = f"""
    SELECT {columns(Assignment, "seat")}, {columns(Pair, "p")}, {columns(Source, "source")}
    FROM annotation_assignment seat JOIN annotation_pair p ON p.id = seat.pair_id JOIN sources_source source ON source.id = p.source_id
    WHERE seat.reviewer_id = %(user)s AND seat.review_id IS NULL AND seat.opened_at IS NULL
    AND (seat.expires_at IS NULL OR seat.expires_at > %(now)s)
    AND p.status = 'pending' AND {VISIBLE} ORDER BY seat.expires_at IS NOT NULL, seat.id
"""  # noqa: S608
# One's own undecided seats: opened ones, the last first; then those that one was named for, or that came back; then reserved ones.
HELD = f"""
    SELECT {columns(Assignment, "seat")}, {columns(Pair, "p")}, {columns(Source, "source")}
    FROM annotation_assignment seat JOIN annotation_pair p ON p.id = seat.pair_id JOIN sources_source source ON source.id = p.source_id
    WHERE seat.reviewer_id = %(user)s AND seat.review_id IS NULL AND (seat.expires_at IS NULL OR seat.expires_at > %(now)s)
    AND p.status = 'pending' AND (%(pair)s::bigint IS NULL OR p.id = %(pair)s) AND {VISIBLE}
    ORDER BY seat.opened_at DESC NULLS LAST, seat.expires_at ASC NULLS FIRST, seat.id LIMIT 1
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
    had = [seat for one in mine if (seat := _seat([one])) and seat.pk not in set(besides)][:count]
    ahead = sum(seat.expires_at is not None for seat, _pair, _source in mine)
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
        time.sleep(wait or 0.0)
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
    if not ahead and (seat := _held(asked)):
        return seat, False
    if not asked["pair"]:
        first = FIRST_OF_SOURCE if asked["slug"] else FIRST_OF_ANY
        if seat := _seat(rows.read(first, asked | {"tried": [], "token": uuid4()}, Assignment, Pair, Source)):
            return seat, False
    tried: set[int] = set()
    while pair_id := _lock_next(asked, tried, patient=patient):
        wanted = asked | {"pair": pair_id, "token": uuid4()}
        seat = _seat(rows.read(SIT, wanted, Assignment, Pair, Source))
        if not seat and rows.run(CLEAR, wanted):  # ended seats make room
            seat = _seat(rows.read(SIT, wanted, Assignment, Pair, Source))
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


def _held(asked: dict[str, Any]) -> Assignment | None:
    """The open seat of this person, opened if it was reserved."""
    seat = _seat(rows.read(HELD, asked, Assignment, Pair, Source))
    if seat and seat.expires_at and not seat.opened_at:
        _open(seat)
    return seat


def _seat(found: list[tuple[Assignment, Pair, Source]]) -> Assignment | None:
    for seat, pair, source in found:
        seat.pair, pair.source = pair, source
        return seat
    return None


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
