"""What is typed and not sent is kept: the latest by its number, for whoever typed it, until they decide.

It outlives the seat: when that ends, the text is there when the person comes back to the pair.
"""

from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts import rows
from accounts.models import User

from .models import Assignment, Autosave, Pair
from .seats import LostSeat, Refused, renew

LARGEST = 2**62  # a number from a clock in milliseconds is far below
KEEP = """
    INSERT INTO annotation_autosave AS kept (pair_id, reviewer_id, seq, texts, saved_at)
    VALUES (%(pair)s, %(user)s, %(seq)s, %(texts)s, %(now)s)
    ON CONFLICT (pair_id, reviewer_id) DO UPDATE SET seq = excluded.seq, texts = excluded.texts, saved_at = excluded.saved_at
    WHERE kept.seq < excluded.seq
"""


class Kept(NamedTuple):
    saved: bool  # False: something else was there that is as new or newer
    seq: int  # of what is kept now
    held: Assignment | None  # the seat, renewed; None when it is lost


def autosave(pair_id: int, *, by: User, assignment: int, token: str, seq: int, texts: dict[str, str]) -> Kept:
    """Keep `texts` unless a higher `seq` is kept already. Somebody who types is there: it renews the lease.
    Raises Refused when there is no such pair, or it is decided by this person."""
    if not 0 <= seq < LARGEST:
        raise Refused("bad_seq", _("This number is none."))
    try:
        held: Assignment | None = renew(assignment, by=by, token=token)
    except LostSeat:
        held = None
    with transaction.atomic():
        pair = Pair.objects.for_user(by).filter(pk=pair_id).select_for_update(no_key=True, of=("self",)).first()
        if pair is None:
            raise Refused("no_such_pair", _("There is no such item."))
        if Assignment.objects.filter(pair=pair, reviewer=by, review__isnull=False).exists():
            raise Refused("decided", _("You have decided on this item already."))
        asked = {"pair": pair_id, "user": by.pk, "seq": seq, "texts": Jsonb(texts), "now": timezone.now()}
        if rows.run(KEEP, asked):
            return Kept(True, seq, held)
        kept = Autosave.objects.get(pair=pair_id, reviewer=by)
        return Kept((kept.seq, kept.texts) == (seq, texts), kept.seq, held)  # the same again: its answer had not arrived
