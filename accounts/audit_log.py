"""Reading the audit log: by person, action and time."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from .audit_words import ACTIONS
from .models import AuditEntry, User


def entries(asked: Mapping[str, str]) -> QuerySet[AuditEntry]:
    """The newest first, as asked: `by` (a name; `-` for commands), `action`, `since` and `until` (days), `about` (part of the subject).
    What makes no sense asks for nothing."""
    found = AuditEntry.objects.select_related("by", "link").order_by("-id")
    by, action, about = (asked.get(name, "").replace("\0", "") for name in ("by", "action", "about"))
    if by:
        found = found.filter(Q(by=None) if by == "-" else Q(by__username=by))
    if action:
        found = found.filter(action=action)
    if about:
        found = found.filter(subject__icontains=about)
    if since := day(asked.get("since", "")):
        found = found.filter(at__gte=_begin(since))
    if until := day(asked.get("until", "")):
        found = found.filter(at__lt=_begin(until + timedelta(days=1)))
    return found


def day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 < found.year < 9000 else None


def choices() -> dict[str, Any]:
    """What the filters offer."""
    actions = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()
    people = User.objects.filter(pk__in=AuditEntry.objects.order_by().values("by").distinct())
    named = sorted(((action, str(ACTIONS.get(action, action))) for action in actions), key=lambda pair: pair[1])
    return {"actions": named, "people": list(people.order_by("username").values_list("username", flat=True)[:500])}


def _begin(of: date) -> datetime:
    return timezone.make_aware(datetime.combine(of, datetime.min.time()))
