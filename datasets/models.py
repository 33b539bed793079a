"""What is published: a Dataset is a recipe, a Version its frozen result, a Record one example, a File one export."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotation.models import Pair, Review
from sources.jobs import Job
from sources.models import Source

if TYPE_CHECKING:
    from accounts.models import User


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def for_user(self, user: User) -> DatasetQuerySet:
        """Any account may download; per-dataset grants narrow this down."""
        return self if user.is_active else self.none()


class Dataset(models.Model):
    """A recipe: which pairs, in which splits."""

    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=100)
    sources = models.ManyToManyField(Source, blank=True, related_name="datasets")  # none: all
    recipe = models.JSONField(default=dict, blank=True)
    include_demo = models.BooleanField(_("include demo drafts"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name


class Version(Job):
    """A frozen snapshot.

        queued ──▶ running ──▶ ready ──▶ released ──▶ withdrawn          running ──▶ failed

    The API says `building` for queued and running. `log_position` is the last Review that the snapshot saw; `sha256` is
    that of the canonical JSON Lines, and can be computed again from the records for ever.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Building")
        READY = "ready", _("Ready")
        RELEASED = "released", _("Released")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        FAILED = "failed", _("Failed")

    FROZEN = (State.READY, State.RELEASED, State.WITHDRAWN)

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    recipe = models.JSONField(default=dict)  # the dataset's, as it was
    changelog = models.TextField(blank=True)
    log_position = models.BigIntegerField(null=True)
    records_count = models.PositiveIntegerField(null=True)
    splits = models.JSONField(default=dict)  # split -> records
    left_out = models.JSONField(default=dict)  # reason -> accepted pairs that are not in it
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="version_number_once", fields=["dataset", "number"]),
            models.CheckConstraint(
                name="version_frozen_is_whole",
                condition=Q(state__in=["queued", "running", "failed"]) | (~Q(sha256="") & Q(records_count__isnull=False)),
            ),
        ]

    @property
    def is_frozen(self) -> bool:
        return self.state in self.FROZEN


class Record(models.Model):
    """One frozen example: the nine keys of COIG-CQIA, and the Review that made it. Never changed; while its version is
    being built it may be deleted, to start over."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="records")
    position = models.PositiveIntegerField()
    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="records")
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="records")
    split = models.CharField(max_length=16, default="train")
    data = models.JSONField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["version", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="record_position_once", fields=["version", "position"]),
            models.UniqueConstraint(name="record_pair_once", fields=["version", "pair"]),
        ]


class File(models.Model):
    """One export of a version. The row is written last: a file that has a row is whole."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=100)  # e.g. train.cqia.jsonl
    schema = models.CharField(max_length=32)
    format = models.CharField(max_length=16)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(name="file_name_once", fields=["version", "name"])]
