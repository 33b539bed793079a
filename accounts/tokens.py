"""API tokens: people make and revoke their own, admins revoke anybody's."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from .models import ApiToken, AuditEntry, User


def issue(person: User, *, name: str, scope: str, lives: timedelta | None, by: User | None) -> str:
    """The secret of a new token: this is the only time that it is seen."""
    with transaction.atomic():
        token, secret = ApiToken.issue(person, name, scope=scope, lives=lives)
        ends = token.expires_at.isoformat() if token.expires_at else None
        detail = {"token": token.pk, "scope": scope, "expires_at": ends}
        AuditEntry.objects.create(by=by, action="token_made", subject=f"person {person}"[:200], detail=detail)
    return secret


def revoke(token: ApiToken, *, by: User | None) -> bool:
    """Whether it was still usable as far as that goes. From this moment it opens nothing."""
    with transaction.atomic():
        done = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        if done:
            detail = {"token": token.pk, "name": token.name}
            AuditEntry.objects.create(by=by, action="token_revoked", subject=f"person {token.user}"[:200], detail=detail)
    return bool(done)
