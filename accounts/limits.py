"""How often one may try. Kept in the database: when the broker is away, nobody is locked out by that, and no door stands open.

A name alone closes late, for who knows a name could lock its person out; from one address it closes soon.
"""

import ipaddress
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from .entry_models import Failure, digest_of

WINDOW = timedelta(minutes=6)
KEPT = timedelta(hours=1)


class Limit(NamedTuple):
    """Failures within WINDOW after which it is closed: of a name from an address, of an address, of a name."""

    both: int
    address: int
    name: int


PASSWORD, CODE, TOKEN, RESET = "password", "code", "token", "reset"
LIMITS = {PASSWORD: Limit(10, 50, 100), CODE: Limit(10, 50, 20), TOKEN: Limit(60, 60, 60), RESET: Limit(3, 10, 5)}


def address_of(request: HttpRequest) -> str | None:
    """Where a request comes from. What a client says of itself counts only when a proxy of ours passed it on."""
    address = request.META.get("REMOTE_ADDR", "")
    said = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while _is_ours(address) and said and (before := said.pop()):
        address = before
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def _is_ours(address: str) -> bool:
    """A proxy that the settings name; `unix` is one that comes through a socket file."""
    if not address:
        return "unix" in settings.TRUSTED_PROXIES
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES if proxy != "unix")


def note(kind: str, *, name: str = "", address: str | None) -> None:
    """A try has failed."""
    now = timezone.now()
    Failure.objects.create(kind=kind, name=_folded(name), address=address, at=now)
    Failure.objects.filter(at__lt=now - KEPT).delete()


def is_closed(kind: str, *, name: str = "", address: str | None) -> bool:
    """Whether there were too many of these."""
    limit, lately, same = LIMITS[kind], Failure.objects.filter(kind=kind, at__gt=timezone.now() - WINDOW), _folded(name)
    mine = Q(address=address) if address else Q(pk=None)
    if name and (lately.filter(name=same).count() >= limit.name or lately.filter(mine, name=same).count() >= limit.both):
        return True
    return bool(address) and lately.filter(mine).count() >= limit.address


def forget(kind: str, *, name: str, address: str | None) -> None:
    """It was right this time: tries of this name from here start anew."""
    Failure.objects.filter(kind=kind, name=_folded(name), address=address).delete()


def _folded(name: str) -> str:
    return digest_of(name.strip().casefold()) if name else ""
