"""What leads do about many items at once besides deciding: name somebody for them, free their seats, open them again, send them back."""

from collections.abc import Iterable
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User

from .assigning import assign, release
from .listing import MOST, Done
from .models import Pair, Review
from .reopening import close_again, reopen
from .returning import returnable, send_back
from .seats import Refused, lost_seat

ASSIGN, RELEASE, REOPEN, RETURN = "assign", "release", "reopen", "return"
ACTS = (ASSIGN, RELEASE, REOPEN, RETURN)


def steer(pairs: Iterable[int], act: str, *, by: User, batch: UUID, to: User | None = None, note: str = "") -> Done:
    """Do `act` to each of `pairs`; what cannot be done is refused, and the rest goes on. The same again, with the same `batch`, changes
    nothing more. `assign` needs `to`, `return` needs `note`."""
    done = Done([], [])
    for pk in list(dict.fromkeys(pairs))[:MOST]:
        try:
            _one(pk, act, by, batch, to, note)
        except Refused as refusal:
            done.refused.append((pk, refusal.message))
        else:
            done.made.append(pk)
    return done


def close_many(pairs: Iterable[int], *, by: User, batch: UUID) -> Done:
    """Take back that `steer` opened pairs again in `batch`."""
    done = Done([], [])
    for pk in list(dict.fromkeys(pairs))[:MOST]:
        entry = Review.objects.filter(op_id=_key(batch, pk), by=by).first()
        if entry is None:
            continue
        try:
            close_again(entry.pk, by=by, op_id=uuid5(batch, f"close {pk}"))
        except Refused as refusal:
            done.refused.append((pk, refusal.message))
        else:
            done.made.append(pk)
    return done


def _key(batch: UUID, pk: int) -> UUID:
    return uuid5(batch, f"reopen {pk}")


def _one(pk: int, act: str, by: User, batch: UUID, to: User | None, note: str) -> None:
    """Raises Refused."""
    if act == ASSIGN:
        if to is None:
            raise Refused("nobody", _("Say who is to review it."))
        assign(pk, by=by, to=to)
    elif act == RELEASE:
        release(pk, by=by)
    elif act == REOPEN:
        reopen(pk, by=by, op_id=_key(batch, pk), comment=note)
    else:
        _send_back(pk, by, batch, note)


@transaction.atomic
def _send_back(pk: int, by: User, batch: UUID, note: str) -> None:
    """All decisions that count, each to its author."""
    pair = Pair.objects.for_user(by).filter(pk=pk).first()
    if pair is None:
        raise lost_seat()
    made = {uuid5(batch, f"return {number}") for number in pair.reviews.values_list("pk", flat=True)}
    if Review.objects.filter(op_id__in=made, by=by).exists():
        return
    reviews = returnable(pair, by)
    if not reviews:
        raise Refused("nothing_to_return", _("Nobody else has decided about it, or a lead has had the last word."))
    for review in reviews:
        send_back(review.pk, by=by, op_id=uuid5(batch, f"return {review.pk}"), comment=note)
