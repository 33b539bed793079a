"""Who asks through the API: a token in the Authorization header. (Apart from `api.py`: DRF loads this while loading itself.)"""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from . import limits, rows
from .models import ApiToken, Role, Scope, User
from .rows import columns

USABLE = f"""
    SELECT {columns(ApiToken, "token")}, {columns(User, "person")}
    FROM accounts_apitoken token JOIN accounts_user person ON person.id = token.user_id
    WHERE token.digest = %(digest)s AND token.revoked_at IS NULL AND person.is_active
    AND (token.expires_at IS NULL OR token.expires_at > %(now)s)
"""  # noqa: S608 (only constants are put together)
NOTED = timedelta(minutes=1)  # the last use is kept to the minute: a write for every request would cost more than the request


def _narrow(user: User, token: ApiToken) -> None:
    """What `token` is not for, its person may not either. Raises PermissionDenied where it is for reading alone."""
    if token.scope == Scope.READ:
        raise exceptions.PermissionDenied("This token is for reading.", code="read_only_token")
    if token.scope == Scope.REVIEW:
        user.at_most = Role.REVIEWER


def _refusal(request: Request) -> exceptions.APIException:
    """Wrong tokens are counted by address: 256 bits are not guessed, but who tries shall not keep us busy."""
    address = limits.address_of(request._request)
    if limits.is_closed(limits.TOKEN, address=address):
        return exceptions.Throttled(wait=limits.WINDOW.total_seconds(), code="too_many_bad_tokens")
    limits.note(limits.TOKEN, address=address)
    return exceptions.AuthenticationFailed("This token is unknown, revoked or expired.", code="bad_token")


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer zm_…`"""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        now = timezone.now()
        found = rows.read(USABLE, {"digest": ApiToken.digest_of(secret.strip()), "now": now}, ApiToken, User)
        if not found:
            raise _refusal(request)
        ((token, user),) = found
        if request.method not in permissions.SAFE_METHODS:
            _narrow(user, token)
        if token.last_used_at is None or now - token.last_used_at > NOTED:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
