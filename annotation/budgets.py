"""Money set aside before a call goes out, and turned into what it cost: spent + reserved ≤ cap, under any concurrency.

A run has its budget; an installation may have caps a day or for ever, on one source or on all. Each is one row with what is spent
and what is reserved, and one conditional UPDATE that hits it only while the sum fits. Rows are touched in one order (the run,
then caps by id), so that two workers never wait for each other in a ring.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Least
from django.utils import timezone

from .models import Cap, CapUse, DraftRun, ModelCall

log = logging.getLogger(__name__)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """One call that has ended: what was set aside for it, what it cost, and when it was sent."""

    reserved: Decimal
    cost: Decimal
    sent_at: datetime | None


def caps_of(run: DraftRun) -> list[Cap]:
    """Those that a call of the run counts against, whatever their currency."""
    return list(Cap.objects.filter(Q(source=None) | Q(source_id=run.source_id)).order_by("id"))


def reserve(run: DraftRun, amount: Decimal, currency: str = "", caps: Iterable[Cap] = ()) -> bool:
    """Set `amount` aside under the run's budget and all `caps` of its currency; False, and nothing is written, when it would
    break one of them."""
    fits = Q(budget=None) | Q(budget__gte=F("spent") + F("reserved") + amount)
    with transaction.atomic():
        if not DraftRun.objects.filter(fits, pk=run.pk).update(reserved=F("reserved") + amount):
            return False
        for cap in caps:
            if cap.currency == currency and not _under(cap, amount):
                transaction.set_rollback(True)
                return False
    return True


# The condition stands on the row that is changed: a worker that waited for another one judges by what that one left.
UNDER = """
UPDATE annotation_capuse AS used SET reserved = used.reserved + %(amount)s FROM annotation_cap AS cap
WHERE cap.id = used.cap_id AND used.id = %(use)s AND used.spent + used.reserved + %(amount)s <= cap.amount
"""


def _under(cap: Cap, amount: Decimal) -> bool:
    use, _was_made = _use(cap, _day(cap, timezone.now()))
    with connection.cursor() as cursor:
        cursor.execute(UNDER, {"use": use.pk, "amount": amount})
        return bool(cursor.rowcount)


def _use(cap: Cap, day: date | None) -> tuple[CapUse, bool]:
    """The cap's row for that day, and whether it was made just now: then it holds what was spent before the cap was."""
    if found := CapUse.objects.filter(cap=cap, day=day).first():
        return found, False
    calls = ModelCall.objects.filter(price__currency=cap.currency).exclude(cost=None)
    calls = calls.filter(run__source=cap.source_id) if cap.source_id else calls
    calls = calls.filter(sent_at__date=day) if day else calls
    spent = calls.aggregate(total=Sum("cost"))["total"] or ZERO
    return CapUse.objects.get_or_create(cap=cap, day=day, defaults={"spent": spent})


def _day(cap: Cap, at: datetime) -> date | None:
    return timezone.localdate(at) if cap.per == Cap.Per.DAY else None


def settle(run: DraftRun, entries: Iterable[Entry], currency: str) -> None:
    """Turn reservations into what the calls cost, in the caller's transaction. A provider that overran its own limit is booked
    up to the run's budget, and the call's row keeps the truth."""
    entries = [entry for entry in entries if entry.reserved or entry.cost]
    if not entries:
        return
    reserved, cost = sum((entry.reserved for entry in entries), ZERO), sum((entry.cost for entry in entries), ZERO)
    room = F("budget") - (F("reserved") - reserved)
    here = DraftRun.objects.filter(pk=run.pk)
    if run.budget is None:
        here.update(spent=F("spent") + cost, reserved=F("reserved") - reserved)
    elif not here.filter(budget__gte=F("spent") + F("reserved") - reserved + cost).update(
        spent=F("spent") + cost, reserved=F("reserved") - reserved
    ):
        log.error("draft run %s: calls cost %s and had %s reserved", run.pk, cost, reserved)
        here.update(spent=Least(F("spent") + cost, room), reserved=F("reserved") - reserved)
    for cap in caps_of(run):
        if cap.currency == currency:
            _settle_cap(cap, entries)


def _settle_cap(cap: Cap, entries: list[Entry]) -> None:
    days: dict[date | None, list[Entry]] = {}
    for entry in entries:
        days.setdefault(_day(cap, entry.sent_at or timezone.now()), []).append(entry)
    for day, those in days.items():
        use, was_made = _use(cap, day)
        cost = ZERO if was_made else sum((entry.cost for entry in those), ZERO)
        freed = Least(F("reserved"), sum((entry.reserved for entry in those), ZERO))  # nothing, under a cap younger than the call
        CapUse.objects.filter(pk=use.pk).update(spent=F("spent") + cost, reserved=F("reserved") - freed)
