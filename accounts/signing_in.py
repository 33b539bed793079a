"""From a right password to a signed-in browser, with a code in between where there is to be one."""

import time
from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest

from . import limits, second_factor, sessions
from .models import User

WAITING = "waiting"  # in the session of somebody whose password was right and whose code is still to come
PATIENCE = 600  # seconds between the two
SURE = "second_factor"  # in the session of somebody who gave both
BACKEND = "accounts.backends.LimitedPasswords"


def needs_code(person: User) -> bool:
    return second_factor.is_on(person) or second_factor.is_demanded(person)


def wait_for_code(request: HttpRequest, person: User, *, remember: bool, to: str) -> None:
    request.session[WAITING] = {"person": person.pk, "at": time.time(), "remember": remember, "to": to, "password": person.password[-16:]}


def waiting(request: HttpRequest) -> tuple[User, dict[str, Any]] | None:
    """Whose code is awaited; None after a while, or if the person or the password is another by now."""
    kept = request.session.get(WAITING)
    if not kept or time.time() - kept["at"] > PATIENCE:
        return None
    person = User.objects.filter(pk=kept["person"], is_active=True).first()
    return (person, kept) if person and person.password[-16:] == kept["password"] else None


def enter(request: HttpRequest, person: User, *, remember: bool, is_sure: bool = False, backend: str = BACKEND) -> None:
    """Sign in: under a new session key, and with what the list of sessions shows."""
    request.session.pop(WAITING, None)
    address = limits.address_of(request)
    limits.forget(limits.PASSWORD, name=person.username, address=address)
    login(request, person, backend=backend)
    sessions.begin(request.session, address=address, agent=request.headers.get("User-Agent", ""))
    request.session[SURE] = is_sure
    if not remember:
        request.session.set_expiry(0)  # until the browser closes
