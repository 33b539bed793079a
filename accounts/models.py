"""Who: people with one of four roles, the tokens of their scripts, and what admins did."""

from __future__ import annotations

import hashlib
import secrets
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Each role can do all that the ones before it can."""

    VIEWER = "viewer", _("Viewer")
    REVIEWER = "reviewer", _("Reviewer")
    LEAD = "lead", _("Lead")
    ADMIN = "admin", _("Admin")


class User(AbstractUser):
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.REVIEWER)
    language = models.CharField(_("language"), max_length=16, blank=True)
    preferences = models.JSONField(default=dict, blank=True)  # e.g. remapped keys

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [models.CheckConstraint(name="user_role_is_known", condition=models.Q(role__in=Role.values))]

    def has_role(self, role: str) -> bool:
        """Whether this person may do what `role` may."""
        order = Role.values
        return self.is_active and order.index(self.role) >= order.index(role)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> ApiTokenQuerySet:
        now = timezone.now()
        return self.filter(revoked_at=None, user__is_active=True).exclude(expires_at__lte=now)


class ApiToken(models.Model):
    """A secret for scripts: 256 random bits, shown once, kept as its SHA-256."""

    PREFIX = "zm_"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    @classmethod
    def issue(cls, user: User, name: str) -> tuple[ApiToken, str]:
        """A new token and its secret, which exists nowhere else."""
        secret = cls.PREFIX + secrets.token_urlsafe(32)
        return cls.objects.create(user=user, name=name, digest=cls.digest_of(secret)), secret

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()


class AuditEntry(models.Model):
    """What an admin did. The database refuses UPDATE and DELETE."""

    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # null: a command on the server
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)
