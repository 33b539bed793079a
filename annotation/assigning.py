"""Leads say who reviews what: somebody is named for a pair in advance, and a seat that somebody holds is freed.

A named seat has no end. It counts as any other, so that the constraints on seats hold for it, too; the log says who gave it.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User

from .log import lock
from .models import Assignment, Pair
from .seats import Refused, may_review

WAITING = (Pair.Status.PENDING, Pair.Status.DRAFTING)


@transaction.atomic
def assign(pair_id: int, *, by: User, to: User) -> Assignment:
    """Name `to` for the pair: with a free seat, or else with the one of whoever has not decided and looked at it last or never.
    Twice is once. Raises Refused."""
    pair = lock(pair_id, by)
    if pair.status not in WAITING:
        raise Refused("not_waiting", _("It does not wait for review. Open it again first."))
    if not may_review(to, pair.source):
        raise Refused("may_not_review", _("%(name)s does not review this source.") % {"name": to})
    seats = list(Assignment.objects.select_related("reviewer").filter(pair=pair))
    own = next((seat for seat in seats if seat.reviewer_id == to.pk), None)
    if own and own.review_id:
        raise Refused("has_decided", _("%(name)s has decided about it already.") % {"name": to})
    if own:
        Assignment.objects.filter(pk=own.pk).update(expires_at=None)
        own.expires_at = None
        return own
    number, instead = _seat(pair, seats)
    if instead:
        instead.delete()
    made = Assignment.objects.create(pair=pair, seat=number, reviewer=to)
    detail = {"to": to.username, "instead_of": instead.reviewer.username if instead else ""}
    AuditEntry.objects.create(by=by, action="seat_assigned", subject=f"pair {pair.pk}", detail=detail)
    return made


@transaction.atomic
def release(pair_id: int, *, by: User) -> list[str]:
    """Free all seats at the pair that nobody has decided from, and say whose they were; what they typed is kept. Raises Refused."""
    pair = lock(pair_id, by)
    seats = Assignment.objects.filter(pair=pair, review=None)
    names = list(seats.order_by("seat").values_list("reviewer__username", flat=True))
    if not names:
        raise Refused("no_seat", _("Nobody holds it."))
    seats.delete()
    AuditEntry.objects.create(by=by, action="seats_released", subject=f"pair {pair.pk}", detail={"of": names})
    return names


def _seat(pair: Pair, seats: list[Assignment]) -> tuple[int, Assignment | None]:
    """The number of the seat to give, and whose it is now. Free ones first, then ended ones, reserved ones, held ones, named ones."""
    taken = {seat.seat for seat in seats}
    if free := [number for number in range(1, pair.reviews_wanted + 1) if number not in taken]:
        return free[0], None
    undecided = [seat for seat in seats if not seat.review_id and seat.seat <= pair.reviews_wanted]
    if not undecided:
        raise Refused("full", _("As many as are wanted have decided about it."))
    now = timezone.now()
    order = sorted(undecided, key=lambda seat: (not seat.expires_at, bool(seat.expires_at and seat.expires_at > now), bool(seat.opened_at)))
    return order[0].seat, order[0]
