"""Passwords, wherever they are asked for: no form can forget the limits."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from . import limits
from .models import User


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
