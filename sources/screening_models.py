"""What belongs to screening besides the posts: counts that the database keeps, what people said about duplicates, what they
rescued, the lists that screens read, and previews of screening again."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .jobs import Job


class Tally(models.Model):
    """How many posts, and rejected rows, of a run are where: the sum of `n` over its rows.

    Triggers add a row for each statement that moves posts, in the same transaction, so the sums are exact for whoever reads
    them and nobody waits for anybody. `tallies.fold` puts rows together now and then. Rejected rows have the status
    `rejected`.
    """

    run = models.ForeignKey("sources.ImportRun", on_delete=models.CASCADE, related_name="+", db_index=False)
    status = models.CharField(max_length=16)
    reason = models.CharField(max_length=64, blank=True)
    n = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(name="tally_of_run", fields=["run", "status", "reason"])]


class Apart(models.Model):
    """A person said that these two posts are no duplicates of each other, whatever their texts have in common."""

    one = models.ForeignKey("sources.Post", on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey("sources.Post", on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="apart_once", fields=["one", "other"]),
            models.CheckConstraint(name="apart_in_order", condition=Q(one__lt=F("other"))),
        ]


class Signature(models.Model):
    """What near-duplicates of a post are found by (`similarity`): of a short text the text, folded; of a long one its signature.

    Made with the post, or when it is first compared by this field: those that are missing are made up for, so whoever changes
    a post's texts deletes its signatures. No constraints: rows without a post are never looked at, and checking each would
    cost as much as writing it.
    """

    pk = models.CompositePrimaryKey("post_id", "field")
    post = models.ForeignKey("sources.Post", on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    field = models.CharField(max_length=16)  # title, body, answer or all
    folded = models.TextField(blank=True)
    minhash = models.BinaryField(null=True)


class Score(models.Model):
    """What a judge gave a post and its answer: 1 to 10, in halves. The last one counts; how it came about is the judge's ledger's."""

    post = models.OneToOneField("sources.Post", on_delete=models.CASCADE, related_name="score", primary_key=True)
    value = models.DecimalField(max_digits=3, decimal_places=1)
    judge = models.CharField(max_length=160)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="score_is_1_to_10", condition=Q(value__range=(1, 10)))]


class Rescue(models.Model):
    """One act by which an admin kept dropped posts after all; it can be undone."""

    source = models.ForeignKey("sources.Source", on_delete=models.PROTECT, related_name="rescues")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)


class RescuedPost(models.Model):
    """What a rescued post had been dropped for."""

    rescue = models.ForeignKey(Rescue, on_delete=models.CASCADE, related_name="posts")
    post = models.ForeignKey("sources.Post", on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=64)
    value = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="rescued_once_per_rescue", fields=["rescue", "post"])]


class TextList(models.Model):
    """Words, or texts of a benchmark, that an admin uploaded for screens to look for. Never changed: a screen that names it
    means these lines. Another upload of the same name is another list."""

    class Kind(models.TextChoices):
        WORDS = "words", _("Word list")
        BENCHMARK = "benchmark", _("Benchmark")

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=Kind)
    lines = ArrayField(models.TextField())
    count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)  # of the kind and the lines
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [models.UniqueConstraint(name="list_once", fields=["kind", "sha256"])]

    def __str__(self) -> str:
        return self.name


class Preview(Job):
    """What screening a source again by certain screens would change. Nothing is changed by it.

    queued ──▶ running ──▶ succeeded, with its result | failed | cancelled
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    source = models.ForeignKey("sources.Source", on_delete=models.CASCADE, related_name="previews")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    screens = models.JSONField(default=list)  # those that are tried
    done = models.PositiveIntegerField(default=0)  # posts looked at
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)  # of previewing.py

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(name="preview_open", fields=["id"], condition=Q(state__in=["queued", "running"]))]
