"""How people come in: sessions, links that work once, the second factor, and the tries that failed."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from importlib import import_module
from typing import ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .roles import Role

# The first that fits: each browser also claims to be the ones after it.
BROWSERS = (("Edge", "Edg/"), ("Opera", "OPR/"), ("Firefox", "Firefox/"), ("Chrome", "Chrome/"), ("Safari", "Safari/"))
SYSTEMS = (("Android", "Android"), ("iOS", "iPhone"), ("iPadOS", "iPad"), ("Windows", "Windows"), ("macOS", "Mac OS"), ("Linux", "Linux"))


def digest_of(secret: str) -> str:
    """Of 128 random bits and more: a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Session(AbstractBaseSession):
    """A browser in which somebody is signed in. Its key is never shown: who knows it, is that person."""

    user = models.ForeignKey("accounts.User", null=True, on_delete=models.CASCADE, related_name="sessions")
    begun_at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True)

    @property
    def browser(self) -> str:
        """What it says it is, as people call it."""
        names = ((name, sign) for name, sign in BROWSERS if sign in self.agent)
        systems = ((name, sign) for name, sign in SYSTEMS if sign in self.agent)
        known = [next(names, ("", ""))[0], next(systems, ("", ""))[0]]
        return " · ".join(filter(None, known)) or self.agent[:60]

    @property
    def handle(self) -> str:
        """What a page calls it by."""
        return digest_of(self.session_key)[:24]

    @classmethod
    def get_session_store_class(cls) -> type:
        store: type = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class LinkQuerySet(models.QuerySet["Link"]):
    def open(self) -> LinkQuerySet:
        return self.filter(used_at=None, expires_at__gt=timezone.now()).exclude(person__is_active=False)


class Link(models.Model):
    """An address that works once, and not for long: an invitation for somebody with `role`, or a new password for `person`."""

    role = models.CharField(_("role"), max_length=16, choices=Role, blank=True)
    person = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.CASCADE, related_name="links")
    note = models.CharField(_("for whom"), max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")  # null: a command, or the person
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = LinkQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="link_invites_or_resets", condition=Q(role="") ^ Q(person=None))]

    @classmethod
    def make(cls, *, lives: timedelta, **fields: object) -> tuple[Link, str]:
        """A new link and its secret, which exists nowhere else."""
        secret = secrets.token_urlsafe(32)
        return cls.objects.create(digest=digest_of(secret), expires_at=timezone.now() + lives, **fields), secret


class Failure(models.Model):
    """A try that failed: of a password, a code, a token, or to have a password sent. Rows of an hour ago say nothing any more."""

    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=64, blank=True)  # a digest: what people type there by mistake is a password
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [
            models.Index(name="failure_by_name", fields=["kind", "name", "at"]),
            models.Index(name="failure_by_address", fields=["kind", "address", "at"]),
            models.Index(name="failure_by_time", fields=["at"]),
        ]


class Authenticator(models.Model):
    """A person's second factor: a secret shared with an app on their phone. It counts once it was confirmed by a code."""

    person = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="authenticator")
    sealed = models.TextField()  # the secret, under a key that is not in the database
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)  # a code counts once


class BackupCode(models.Model):
    """For the day on which the phone is gone. Each works once."""

    person = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="backup_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)


class Identity(models.Model):
    """Who somebody is at the provider of the single sign-on: its word for them, which never changes, as names and addresses do."""

    person = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="identity_once", fields=["issuer", "subject"])]
