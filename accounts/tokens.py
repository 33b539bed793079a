"""API tokens: people make and revoke their own, admins revoke anybody's."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .models import ApiToken, AuditEntry, Role, Scope, User

LIVES = (7, 30, 90, 365)  # days that one may choose among


class Refused(Exception):
    """A token that is not made. `code` is stable, the message is for reading."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def scopes_for(role: str) -> list[Scope]:
    """What a person of this role may make tokens for."""
    return [scope for scope in Scope if scope != Scope.REVIEW or role != Role.VIEWER]


def issue(person: User, *, name: str, scope: str, lives: timedelta | None, by: User | None, through: ApiToken | None = None) -> str:
    """The secret of a new token: this is the only time that it is seen. `through` is the token that asks for it, if one does: it
    makes none that is for more than itself or lives longer. Raises Refused."""
    if through:
        _check_reach(through, scope, lives)
    with transaction.atomic():
        token, secret = ApiToken.issue(person, name, scope=scope, lives=lives)
        ends = token.expires_at.isoformat() if token.expires_at else None
        detail = {"token": token.pk, "scope": scope, "expires_at": ends}
        AuditEntry.objects.create(by=by, action="token_made", subject=f"person {person}"[:200], detail=detail)
    return secret


def _check_reach(through: ApiToken, scope: str, lives: timedelta | None) -> None:
    order = Scope.values
    if order.index(scope) > order.index(through.scope):
        raise Refused("narrow_token", _("This token is for less than that. Sign in to do it."))
    if through.expires_at and (lives is None or timezone.now() + lives > through.expires_at):
        raise Refused("outlives_token", _("It would live longer than the token that asks for it. Sign in to make it."))


def revoke(token: ApiToken, *, by: User | None) -> bool:
    """Whether it was still usable as far as that goes. From this moment it opens nothing."""
    with transaction.atomic():
        done = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        if done:
            detail = {"token": token.pk, "name": token.name}
            AuditEntry.objects.create(by=by, action="token_revoked", subject=f"person {token.user}"[:200], detail=detail)
    return bool(done)
