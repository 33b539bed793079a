"""Dry runs: what an import would do, row by row, in tables of their own that nothing else reads."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .jobs import Job


def no_counts() -> dict[str, Any]:
    return {"known": 0, "rejected": {}, "dropped": {}, "unread": {}, "displaced": 0}


class DryRun(Job):
    """One reading of one file that writes nothing of the dataset. Has the names of an ImportRun where it means the same.

        queued ──▶ running ──▶ succeeded | failed        queued | running ──pause──▶ paused ──resume──▶ queued
                                                         queued | running | paused ──stop──▶ stopped

    Its rows go when it is imported or replaced by another one, and all of it after some days.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")

    source = models.ForeignKey("sources.Source", on_delete=models.CASCADE, related_name="dry_runs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    file_name = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    asked = models.CharField(max_length=64, blank=True)  # the importer that a person chose; empty: recognise it
    importer = models.CharField(max_length=64, blank=True)  # the one that reads
    encoding = models.CharField(max_length=16, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    screens = models.JSONField(default=list, blank=True)  # tried out here, saved to the source with the import
    kept = models.JSONField(default=list, blank=True)  # rows that are to be kept whatever a screen says
    columns = models.JSONField(default=list, blank=True)  # of the first rows: [{"name", "example", "field": read as this}]
    cursor = models.JSONField(default=dict)
    read = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=no_counts)  # what did not get through, by reason; values of mapped columns that say nothing
    resumed_at_row = models.PositiveIntegerField(default=0)
    run = models.ForeignKey("sources.ImportRun", null=True, blank=True, on_delete=models.CASCADE, related_name="dry_runs")

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(name="dry_run_open", fields=["id"], condition=Q(state__in=["queued", "running"]))]

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    @property
    def percent(self) -> int:
        if self.state == self.State.SUCCEEDED:
            return 100
        return min(99, 100 * int(self.cursor.get("byte", 0)) // max(1, self.cursor.get("of") or self.size))

    @property
    def lost(self) -> int:
        return int(self.counts["known"]) + sum(self.counts["rejected"].values()) + sum(self.counts["dropped"].values())

    @property
    def through(self) -> int:
        return self.read - self.lost


class DryRowQuerySet(models.QuerySet["DryRow"]):
    def matching(self, *, outcome: str = "", reason: str = "") -> DryRowQuerySet:
        """Those with this outcome and reason; what is empty asks for nothing."""
        found = self.filter(outcome=outcome) if outcome else self
        return found.filter(reason=reason) if reason else found

    def lost(self) -> DryRowQuerySet:
        return self.exclude(outcome=DryRow.Outcome.PASSED)

    def passed(self) -> DryRowQuerySet:
        return self.filter(outcome=DryRow.Outcome.PASSED)


class DryRow(models.Model):
    """What would become of one row. For a duplicate, `value` names the better one: a post by its id, a row of the file as `~88`."""

    class Outcome(models.TextChoices):
        PASSED = "passed", _("Gets through")
        KNOWN = "known", _("There already")
        REJECTED = "rejected", _("No post")
        DROPPED = "dropped", _("Dropped")

    run = models.ForeignKey(DryRun, on_delete=models.CASCADE, related_name="rows")
    row = models.PositiveIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome)
    reason = models.CharField(max_length=64, blank=True)
    value = models.CharField(max_length=300, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    title = models.TextField(blank=True)
    body = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    votes = models.IntegerField(null=True, blank=True)
    author = models.CharField(max_length=64, blank=True)
    question_id = models.CharField(max_length=200, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    raw = models.TextField(blank=True)  # of rows that are no post, as far as RejectedRow keeps it
    is_kept = models.BooleanField(default=False)  # a person wants it all the same

    objects = DryRowQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["row"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="dry_row_once", fields=["run", "row"]),
            models.CheckConstraint(name="dry_row_lost_has_reason", condition=Q(outcome="passed") ^ ~Q(reason="")),
        ]
        indexes: ClassVar = [
            models.Index(name="dry_row_by_id", fields=["run", "external_id"]),
            models.Index(name="dry_row_by_content", fields=["run", "content_hash"]),
            models.Index(name="dry_row_by_reason", fields=["run", "outcome", "reason", "row"]),
        ]

    def fields(self) -> dict[str, Any]:
        """What an instruction template may name."""
        return {"title": self.title, "body": self.body, "answer": self.answer}
