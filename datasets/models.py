"""What is published: a Dataset is a recipe, a Version its frozen result, a Record one example, a File one export."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotation.models import Draft, Pair, Review
from sources.jobs import Job
from sources.models import Post, Source

from .recipes import SPLITS
from .records import read_line

if TYPE_CHECKING:
    from accounts.models import User


class ExactJSON(models.JSONField):
    """JSON whose spelling is kept: PostgreSQL's `json`, not `jsonb`. What is read from it is the value, as usual."""

    def db_type(self, connection: Any) -> str:
        return "json"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return read_line(value) if isinstance(value, str) and value[:1] == "{" else value


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def for_user(self, user: User) -> DatasetQuerySet:
        """Datasets without readers are everybody's who has an account; the others are for those and for leads and admins."""
        if not user.is_active:
            return self.none()
        if user.has_role("lead"):
            return self
        return self.filter(Q(readers=None) | Q(readers=user)).distinct()


class Dataset(models.Model):
    """A recipe: which pairs, in which splits. `datasets.recipes` says what `recipe` may say."""

    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=100)
    sources = models.ManyToManyField(Source, blank=True, related_name="datasets")  # none: all
    recipe = models.JSONField(default=dict, blank=True)
    include_demo = models.BooleanField(_("include demo drafts"), default=False)
    readers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="datasets")  # none: everybody
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name


class Version(Job):
    """A frozen snapshot.

        queued ──▶ running ──▶ ready ──▶ released ──▶ withdrawn          queued | running ──▶ failed | cancelled
                                 └──────────────────────▲

    The API says `building` for queued and running. `log_position` is the last Review that the snapshot saw; `sha256` is
    that of the canonical JSON Lines, and can be computed again from the records for ever. `facts` are figures about the
    records, counted once, when they were frozen.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Building")
        READY = "ready", _("Draft")
        RELEASED = "released", _("Released")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN = (State.QUEUED, State.RUNNING)
    FROZEN = (State.READY, State.RELEASED, State.WITHDRAWN)
    USABLE = (State.READY, State.RELEASED)

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
    preferences = models.JSONField(default=dict)  # kind -> preferences
    facts = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawal = models.TextField(blank=True)  # why

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="version_number_once", fields=["dataset", "number"]),
            models.CheckConstraint(
                name="version_frozen_is_whole",
                condition=Q(state__in=["queued", "running", "failed", "cancelled"]) | (~Q(sha256="") & Q(records_count__isnull=False)),
            ),
            models.CheckConstraint(name="version_released_is_dated", condition=~Q(state="released") | Q(released_at__isnull=False)),
            models.CheckConstraint(
                name="version_withdrawn_has_reason", condition=~Q(state="withdrawn") | (Q(withdrawn_at__isnull=False) & ~Q(withdrawal=""))
            ),
        ]

    @property
    def is_frozen(self) -> bool:
        return self.state in self.FROZEN

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_usable(self) -> bool:
        return self.state in self.USABLE

    @property
    def split_names(self) -> list[str]:
        """The splits that have records, train first."""
        return [split for split in SPLITS if split in self.splits]

    def hold_for(self, seconds: int) -> None:
        """Renew the lease for one long statement. Raises LostLease."""
        self._write({"lease_until": timezone.now() + timedelta(seconds=seconds)})


class Record(models.Model):
    """One frozen example: the nine keys of COIG-CQIA, spelt as its line in the file, and the Review that made it. Never
    changed; while its version is being built it may be deleted, to start over.

    Nothing can delete a review, nor a pair that has one, and a trigger sees to it that a version with records stays: the database
    need not check that for each of a million rows.
    """

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="records", db_index=False, db_constraint=False)
    position = models.PositiveIntegerField()
    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="records", db_index=False, db_constraint=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="records", db_index=False, db_constraint=False)
    split = models.CharField(max_length=16, default="train")
    data = ExactJSON()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["version", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="record_position_once", fields=["version", "position"]),
            models.UniqueConstraint(name="record_pair_once", fields=["pair", "version"]),
        ]


class Preference(models.Model):
    """What a decision said about preference, frozen with the version: its texts are those of the review and the draft,
    which never change either. (That an accepted draft is a good one, its record says.)"""

    class Kind(models.TextChoices):
        EDIT = "edit", _("Edited")  # the final text over the draft
        RANKED = "ranked", _("Chosen")  # the final text over another candidate
        BAD = "bad", _("Rejected")  # the draft, for a reason

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="preference_rows", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    position = models.PositiveIntegerField()  # within its kind
    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    split = models.CharField(max_length=16, default="train")

    class Meta:
        ordering: ClassVar = ["version", "kind", "position"]
        constraints: ClassVar = [models.UniqueConstraint(name="preference_position_once", fields=["version", "kind", "position"])]


class Removal(models.Model):
    """A pair that the version before had and this one has not, and why. Written when the version is frozen."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="removals", db_index=False)
    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    reason = models.CharField(max_length=32)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="removal_once", fields=["version", "pair"])]


class Takedown(models.Model):
    """A post that must not be published any more: out of every version frozen from now on."""

    post = models.OneToOneField(Post, on_delete=models.PROTECT, related_name="takedown")
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]


class File(models.Model):
    """One export of a version. The row is written last: a file that has a row is whole."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=100)  # e.g. train.cqia.jsonl
    split = models.CharField(max_length=16, default="train")  # empty: of all of them
    schema = models.CharField(max_length=32)
    format = models.CharField(max_length=16)
    rows = models.PositiveIntegerField(null=True)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(name="file_name_once", fields=["version", "name"])]


class Export(Job):
    """An order for further files of a frozen version: a layout and a format, or the bundle of all.

    queued ──▶ running ──▶ succeeded | failed | cancelled
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="exports")
    schema = models.CharField(max_length=32)
    format = models.CharField(max_length=16)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    rows = models.PositiveIntegerField(default=0)  # written so far

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="export_once_at_a_time", fields=["version", "schema", "format"], condition=Q(state__in=["queued", "running"])
            )
        ]
