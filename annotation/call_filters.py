"""Which calls of the ledger a page or the API is asked about."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from sources.models import Source

from . import providers
from .models import ModelCall

WINDOWS = (30, 90, 365)  # days


def calls_of(user: User, asked: Mapping[str, str]) -> QuerySet[ModelCall]:
    """The calls that `user` may see, narrowed by `source` (a slug), `model` (`provider:model`), `run` and `days` as asked."""
    calls = ModelCall.objects.filter(run__source__in=Source.objects.for_user(user))
    if source := asked.get("source", "").replace("\0", ""):
        calls = calls.filter(run__source__slug=source)
    if model := asked.get("model", "").replace("\0", ""):
        provider, name = providers.split(model)
        calls = calls.filter(provider=provider, model=name)
    run = asked.get("run", "")
    if run.isascii() and run.isdecimal() and len(run) < 18:
        calls = calls.filter(run=int(run))
    since = window(asked)
    return calls if since is None else calls.filter(sent_at__gte=since)


def window(asked: Mapping[str, str]) -> datetime | None:
    """When the asked days begin; None: all of them."""
    days = asked.get("days", "")
    return timezone.now() - timedelta(days=int(days)) if days in map(str, WINDOWS) else None


def choices(user: User) -> dict[str, object]:
    """What the filters offer."""
    calls = ModelCall.objects.filter(run__source__in=Source.objects.for_user(user)).order_by()
    used = calls.values_list("run__source", flat=True).distinct()
    asked = calls.values_list("provider", "model").distinct()
    return {
        "sources": Source.objects.filter(pk__in=used).order_by("name"),
        "models": sorted(providers.ref(*named) for named in asked),
        "windows": WINDOWS,
    }
