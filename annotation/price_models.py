"""What calls cost and how many may be made: prices, limits and caps of an installation's models, and the batches sent at half price."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from sources.jobs import Job
from sources.models import Source


class Price(models.Model):
    """What a million tokens of a model cost, from a moment on. Append-only (the database refuses changes): a call keeps the
    version that it was reserved and billed by. A model without a price costs something unknown, which is not 0."""

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=128)
    price_in = models.DecimalField(max_digits=12, decimal_places=6)
    price_out = models.DecimalField(max_digits=12, decimal_places=6)
    price_cached = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)  # of cached input; null: as price_in
    batch_share = models.DecimalField(max_digits=4, decimal_places=3, default=Decimal("0.5"))  # of the price, in a batch
    currency = models.CharField(max_length=3)
    valid_from = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["provider", "model", "-valid_from", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="price_is_not_negative", condition=Q(price_in__gte=0, price_out__gte=0, batch_share__range=(0, 1))),
        ]
        indexes: ClassVar = [models.Index(name="price_of_model", fields=["provider", "model", "-valid_from", "-id"])]


class RateLimit(models.Model):
    """How much a model may be asked a minute, by all workers together. Null: as much as the provider takes."""

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=128)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)  # sent and received
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["provider", "model"]
        constraints: ClassVar = [models.UniqueConstraint(name="rate_limit_once", fields=["provider", "model"])]


class Cap(models.Model):
    """The most that may be spent in a currency: a day or for ever, on one source or (null) on all together."""

    class Per(models.TextChoices):
        DAY = "day", _("A day")
        EVER = "ever", _("In all")

    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="caps")
    per = models.CharField(max_length=8, choices=Per)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=12, decimal_places=6)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="cap_once", fields=["source", "per", "currency"], nulls_distinct=False),
            models.CheckConstraint(name="cap_per_is_known", condition=Q(per__in=["day", "ever"])),
        ]


class CapUse(models.Model):
    """What of a cap is spent and set aside, on one day (of the installation's time zone) or (null) for ever."""

    cap = models.ForeignKey(Cap, on_delete=models.CASCADE, related_name="uses")
    day = models.DateField(null=True)
    spent = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))
    reserved = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="cap_use_once", fields=["cap", "day"], nulls_distinct=False)]


class Batch(Job):
    """One file of calls, given to the provider to be answered within a day at a lower price.

        queued ──▶ running ──▶ succeeded | expired | cancelled | failed

    `running` covers: uploading, submitting, waiting. `remote_id` is what the provider calls it: with one, it is never
    submitted again. Without one after a crash, it is looked up at the provider by its number before anything is sent.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("At the provider")
        SUCCEEDED = "succeeded", _("Done")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    run = models.ForeignKey("annotation.DraftRun", on_delete=models.PROTECT, related_name="batches")
    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=128)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    input_file = models.CharField(max_length=128, blank=True)
    remote_id = models.CharField(max_length=128, blank=True)
    remote_state = models.CharField(max_length=32, blank=True)  # in the provider's words
    size = models.PositiveIntegerField(default=0)  # calls in it
    answered = models.PositiveIntegerField(default=0)
    submitted_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.CheckConstraint(name="batch_answers_what_it_holds", condition=Q(answered__lte=F("size")))]
        indexes: ClassVar = [models.Index(name="batch_open", fields=["id"], condition=Q(state__in=["queued", "running"]))]
