"""Who: people with one of four roles, the tokens of their scripts, and what admins did."""

from __future__ import annotations

import json
import logging
import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import anchors
from .audit_words import ACTIONS
from .entry_models import Authenticator, BackupCode, Failure, Identity, Link, Session, digest_of
from .roles import Role, Scope

__all__ = [  # the rest of the models lie in entry_models.py
    "ApiToken",
    "AuditEntry",
    "AuditLink",
    "Authenticator",
    "BackupCode",
    "Failure",
    "Identity",
    "Link",
    "Role",
    "Scope",
    "Session",
    "User",
]

log = logging.getLogger(__name__)


class User(AbstractUser):
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.REVIEWER)
    language = models.CharField(_("language"), max_length=16, blank=True)
    preferences = models.JSONField(default=dict, blank=True)  # e.g. remapped keys

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [models.CheckConstraint(name="user_role_is_known", condition=models.Q(role__in=Role.values))]

    at_most: str = Role.ADMIN  # in this request: a token may be for less than its person may

    def has_role(self, role: str) -> bool:
        """Whether this person may do what `role` may."""
        order = Role.values
        return self.is_active and min(order.index(self.role), order.index(self.at_most)) >= order.index(role)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> ApiTokenQuerySet:
        now = timezone.now()
        return self.filter(revoked_at=None, user__is_active=True).exclude(expires_at__lte=now)


class ApiToken(models.Model):
    """A secret for scripts: 256 random bits, shown once, kept as its SHA-256."""

    PREFIX = "zm_"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(_("what for"), max_length=100)
    scope = models.CharField(_("may"), max_length=16, choices=Scope, default=Scope.MANAGE)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    LIVES: ClassVar = timedelta(days=90)

    @classmethod
    def issue(cls, user: User, name: str, *, scope: str = Scope.MANAGE, lives: timedelta | None = LIVES) -> tuple[ApiToken, str]:
        """A new token and its secret, which exists nowhere else."""
        secret = cls.PREFIX + secrets.token_urlsafe(32)
        ends = timezone.now() + lives if lives else None
        return cls.objects.create(user=user, name=name, scope=scope, digest=cls.digest_of(secret), expires_at=ends), secret

    @staticmethod
    def digest_of(secret: str) -> str:
        return digest_of(secret)

    @property
    def is_usable(self) -> bool:
        return not self.revoked_at and (not self.expires_at or self.expires_at > timezone.now())


class AuditEntry(models.Model):
    """What an admin did. The database refuses UPDATE and DELETE, and links each entry to the one before it: see AuditLink."""

    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # null: a command on the server
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(name="audit_by_person", fields=["by", "-id"]),
            models.Index(name="audit_by_action", fields=["action", "-id"]),
        ]

    @property
    def label(self) -> str:
        """The action in words."""
        return str(ACTIONS.get(self.action, self.action))

    @property
    def told(self) -> str:
        """The details as one line."""
        return json.dumps(self.detail, ensure_ascii=False)[1:-1]

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        transaction.on_commit(AuditLink.anchor, robust=True)


class AuditLink(models.Model):
    """An entry's place in the chain. The database writes it when the entry's transaction ends: nobody else does."""

    position = models.BigIntegerField(primary_key=True)  # 1, 2, 3 …: nothing is ever missing
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="link")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)  # sha256 of `chain.DOCUMENT`

    @classmethod
    def anchor(cls) -> None:
        """Say outside the database where the chain stands: in the log, and in a file if there is to be one."""
        head = cls.objects.order_by("-position").first()
        if head:
            log.info("audit log at %d: %s", head.position, head.digest)
            if settings.AUDIT_ANCHORS:
                anchors.drop(settings.AUDIT_ANCHORS, anchors.Anchor(head.position, head.digest))
