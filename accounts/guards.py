"""What a token may not do for its person, whatever the role: make itself wider, or stand for a second factor that nobody gave."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import exceptions, permissions
from rest_framework.request import Request

from . import signing_in
from .api import HasRole
from .models import ApiToken, Scope


class WholeToken(HasRole):
    """Changes by a session, or a token for everything that the role may."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        token = changing(request)
        if token and token.scope != Scope.MANAGE:
            raise exceptions.PermissionDenied(_("This token is for less than that. Sign in to do it."), code="narrow_token")
        return True


class InPerson(WholeToken):
    """And of somebody who signs in with a second factor, by a session alone: a token would be a way around it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        token = changing(request)
        if token and signing_in.needs_code(request.user):  # type: ignore[arg-type]
            text = _("You sign in with a second factor, and a token gives none. Sign in to do this.")
            raise exceptions.PermissionDenied(text, code="second_factor_needed")
        return True


def changing(request: Request) -> ApiToken | None:
    """The token by which something is to be changed."""
    is_read = request.method in permissions.SAFE_METHODS
    return request.auth if not is_read and isinstance(request.auth, ApiToken) else None
