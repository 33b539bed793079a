"""Passwords, wherever they are asked for: no form can forget the limits."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from . import limits, rows
from .models import User
from .rows import columns

NAMED = f"SELECT {columns(User, 'person')} FROM accounts_user person WHERE id = %(pk)s"  # noqa: S608


class LimitedPasswords(ModelBackend):
    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> User | None:
        """The person. None if the password is wrong, which is written down. Raises PermissionDenied after too many of those."""
        address = limits.address_of(request) if request else None
        tried = {"name": username or "", "address": address}
        if limits.is_closed(limits.PASSWORD, **tried):  # type: ignore[arg-type]
            raise PermissionDenied
        person = super().authenticate(request, username, password, **more)
        if person is None:
            limits.note(limits.PASSWORD, **tried)  # type: ignore[arg-type]
        return person  # type: ignore[return-value]

    def get_user(self, user_id: int) -> User | None:  # type: ignore[override]
        """As Django's does, for every page: in a third of the time."""
        found = rows.read(NAMED, {"pk": user_id}, User)
        return found[0] if found and self.user_can_authenticate(found[0]) else None
