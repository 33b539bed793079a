"""Where texts come from: a Source and its policy, the ImportRuns that read files for it (Fetches bring some), the Posts they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Prefetch, Q
from django.utils.translation import gettext_lazy as _

from .dry_models import DryRow, DryRun
from .jobs import Job
from .screening_models import Apart, Preview, Rescue, RescuedPost, Score, Signature, Tally, TextList
from .search_models import SearchChange, SearchIndex, SearchPage, SearchSegment
from .segmenting import holding

if TYPE_CHECKING:
    from accounts.models import User

__all__ = [
    "Apart", "DryRow", "DryRun", "Fetch", "Floors", "Heartbeat", "ImportRun", "Platform", "Post", "Preview", "QueueOrder", "RejectedRow",
    "Reply", "Rescue", "RescuedPost", "Score", "SearchChange", "SearchIndex", "SearchPage", "SearchSegment", "Signature",
    "Source", "Tally", "TextList",
]  # fmt: skip


class Platform(models.TextChoices):
    TIEBA = "tieba", _("Tieba")
    ZHIHU = "zhihu", _("Zhihu")
    XIAOHONGSHU = "xiaohongshu", _("Xiaohongshu")
    DOUBAN = "douban", _("Douban")
    BAIKE = "baike", _("Encyclopedia")
    EXAM = "exam", _("Exam")
    WIKIHOW = "wikihow", _("wikiHow")
    SEGMENTFAULT = "segmentfault", _("SegmentFault")
    OTHER = "other", _("Other")


class Reply(models.TextChoices):
    """Where a pair's response comes from."""

    MODEL = "model", _("A model drafts it")
    SOURCE = "source", _("The source's own answer")


class Floors(models.TextChoices):
    """What the replies of a thread are."""

    AUTO = "auto", _("Recognised from the file")
    CONTEXT = "context", _("Context of their post")
    POSTS = "posts", _("Posts of their own")
    STARTER = "starter", _("Posts where the thread's starter wrote them")


class QueueOrder(models.TextChoices):
    """In what order reviewers meet the pairs of a source."""

    OLDEST = "oldest", _("The oldest first")
    VOTES = "votes", _("Most votes first")
    RISK = "risk", _("Most doubtful first: checks, scores, drafts that differ")
    RANDOM = "random", _("By chance, the same each time")


class SourceQuerySet(models.QuerySet["Source"]):
    def for_user(self, user: User) -> SourceQuerySet:
        """Sources whose pairs `user` may see: everybody's, or those that name this person. Admins and leads see all."""
        if user.has_role("lead"):
            return self
        return self.filter(Q(reviewers=None) | Q(reviewers=user)).distinct()

    def with_last_import(self) -> SourceQuerySet:
        """With `last_imports`, which holds the latest or nothing; `is_busy`: something is fetched, read or screened; `has_failed`: the
        latest import did."""
        last = Prefetch("imports", ImportRun.objects.order_by("-id")[:1], to_attr="last_imports")
        state = ImportRun.objects.filter(source=OuterRef("pk")).order_by("-id").values("state")[:1]
        mine = {"source": OuterRef("pk")}
        busy: Q = Exists(ImportRun.objects.filter(state__in=["queued", "running"], **mine))  # type: ignore[assignment]
        busy |= Exists(Fetch.objects.filter(state__in=["queued", "running"], **mine)) | Exists(Post.objects.filter(status="new", **mine))
        failed = ExpressionWrapper(Q(last_state=ImportRun.State.FAILED), output_field=models.BooleanField())
        return self.prefetch_related(last).annotate(is_busy=busy, last_state=models.Subquery(state)).annotate(has_failed=failed)


def no_task_type() -> dict[str, list[str]]:
    return {"major": [], "minor": []}


class Source(models.Model):
    """A place texts come from, and the unit of policy. Its templates are `str.format`-like over a post's fields:
    `{title}`, `{body}`, `{answer}`."""

    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=100)
    platform = models.CharField(_("platform"), max_length=32, choices=Platform, default=Platform.OTHER)
    licence = models.CharField(_("licence"), max_length=100, blank=True)  # empty: unknown
    terms_url = models.URLField(_("terms"), max_length=500, blank=True)
    instruction_templates = models.JSONField(_("instruction templates"), default=list)  # used in turn; empty: {title}
    input_template = models.CharField(_("input template"), max_length=500, blank=True)
    reply = models.CharField(_("reply"), max_length=16, choices=Reply, default=Reply.MODEL)
    screens = models.JSONField(_("screens"), default=list)  # [{"screen": name, **settings}], in order
    task_type = models.JSONField(default=no_task_type)
    domain = models.JSONField(default=list)
    system_prompt = models.TextField(blank=True)  # added to the house rules of the prompt
    guidelines = models.TextField(_("guidelines"), blank=True)  # Markdown, for reviewers
    reviewers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="sources")  # none: everybody
    reviews_wanted = models.PositiveSmallIntegerField(_("reviews wanted"), default=1)
    review_share = models.PositiveSmallIntegerField(default=100)  # percent of the pairs that get these; the others get one
    names_shown = models.BooleanField(default=False)  # to a lead who decides a dispute
    peers_send_back = models.BooleanField(default=False)  # whoever has decided on a pair, too, may send it back to the others
    queue_order = models.CharField(max_length=16, choices=QueueOrder, default=QueueOrder.OLDEST)
    queue_seed = models.PositiveIntegerField(default=0)  # of the order by chance
    mappings = models.JSONField(_("mappings"), default=list, blank=True)  # saved: [{"columns": [of a file], "mapping": {field: column}}]
    floors = models.CharField(_("floors of a thread"), max_length=16, choices=Floors, default=Floors.AUTO)
    lease_minutes = models.PositiveSmallIntegerField(default=15)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="source_wants_1_to_9_reviews", condition=Q(reviews_wanted__range=(1, 9))),
            models.CheckConstraint(name="source_reply_is_known", condition=Q(reply__in=Reply.values)),
            models.CheckConstraint(name="source_share_is_percent", condition=Q(review_share__range=(0, 100))),
            models.CheckConstraint(name="source_order_is_known", condition=Q(queue_order__in=QueueOrder.values)),
        ]

    def __str__(self) -> str:
        return self.name


class ImportRun(Job):
    """One reading of one file. read = created + known + rejected, in every commit.

        queued ──▶ running ──▶ succeeded | failed | cancelled        failed | cancelled ──resume──▶ queued
                               └── each of the three ──roll back──▶ rolled_back

    `cursor` is where the next row begins, written in the same commit as the rows before it.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        ROLLED_BACK = "rolled_back", _("Rolled back")

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="imports")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    file_name = models.CharField(max_length=300)  # as the uploader called it: shown, never opened
    sha256 = models.CharField(max_length=64)  # the file lies under this name
    size = models.BigIntegerField()
    importer = models.CharField(max_length=64, blank=True)  # empty: recognised from the first rows
    encoding = models.CharField(max_length=16, blank=True)  # empty: UTF-8; anything else only because a person said so
    mapping = models.JSONField(default=dict, blank=True)  # for the generic importer: post field -> column
    kept = models.JSONField(default=list, blank=True)  # rows that no screen may drop: `by` wants them all the same
    cursor = models.JSONField(default=dict)  # {"row": rows read, "byte": read up to there, "of": where it ends}
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)  # kept posts that are still to be compared with all others: no pairs until then
    resumed_at_row = models.PositiveIntegerField(default=0)  # `started_at` is when this row was

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="import_counts_add_up", condition=Q(read=F("created") + F("known") + F("rejected"))),
            models.UniqueConstraint(
                name="import_same_bytes_once", fields=["source", "sha256"], condition=Q(state__in=["queued", "running", "succeeded"])
            ),
            models.UniqueConstraint(name="import_of_source", fields=["id", "source"]),  # what posts refer to
        ]
        indexes: ClassVar = [models.Index(name="import_open", fields=["id"], condition=Q(state__in=["queued", "running"]))]

    @property
    def percent(self) -> int:
        if self.state == self.State.SUCCEEDED:
            return 100
        return min(99, 100 * int(self.cursor.get("byte", 0)) // max(1, self.cursor.get("of") or self.size))


class Fetch(Job):
    """A file that is brought here from its URL, and becomes an import once it is whole.

    queued ──▶ running ──▶ succeeded, with its run or dry run | failed | cancelled
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="fetches")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    url = models.CharField(max_length=2000)
    options = models.JSONField(default=dict, blank=True)  # of `start_import`: importer, mapping, encoding; `dry_run`: only try it
    received = models.BigIntegerField(default=0)  # bytes
    run = models.ForeignKey(ImportRun, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    dry_run = models.ForeignKey(DryRun, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="fetch_done_has_run", condition=Q(state="succeeded") ^ Q(run=None, dry_run=None)),
            models.UniqueConstraint(
                name="fetch_same_url_once_at_a_time", fields=["source", "url"], condition=Q(state__in=["queued", "running"])
            ),
        ]
        indexes: ClassVar = [models.Index(name="fetch_open", fields=["id"], condition=Q(state__in=["queued", "running"]))]


class RejectedRow(models.Model):
    """A row that did not become a post, and why. `row` counts from 1, as a person would."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rejected_rows")
    row = models.PositiveIntegerField()
    reason = models.CharField(max_length=64)
    detail = models.CharField(max_length=300, blank=True)
    raw = models.TextField(blank=True)  # at most the first 2,000 characters

    class Meta:
        ordering: ClassVar = ["row"]
        constraints: ClassVar = [models.UniqueConstraint(name="rejected_row_once", fields=["run", "row"])]


class PostQuerySet(models.QuerySet["Post"]):
    def for_user(self, user: User) -> PostQuerySet:
        return self.filter(source__in=Source.objects.for_user(user))

    def kept(self) -> PostQuerySet:
        """Kept for good: not those that wait to be compared."""
        return self.filter(status=Post.Status.KEPT).exclude(run__in=ImportRun.objects.filter(waiting__gt=0))

    def matching(self, *, status: str = "", reason: str = "", search: str = "") -> PostQuerySet:
        """Those with this status, dropped for this reason, holding this text; what is empty asks for nothing."""
        found = self.filter(**Post.outcome(status, reason))
        return found.filter(holding(Post.SEARCHED, search)) if search else found


class Post(models.Model):
    """A text as found.

    new ──screening──▶ kept | dropped(reason, value)        dropped ──rescue──▶ kept
    """

    class Status(models.TextChoices):
        NEW = "new", _("New")
        KEPT = "kept", _("Kept")
        DROPPED = "dropped", _("Dropped")

    # The database checks the run and the source together (migration 0012): one look for each post of an import, not two.
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="posts", db_index=False, db_constraint=False)
    run = models.ForeignKey(ImportRun, on_delete=models.PROTECT, related_name="posts", db_index=False, db_constraint=False)
    row = models.PositiveIntegerField()
    external_id = models.CharField(max_length=200)  # the platform's own, or a digest of what identifies the row
    url = models.CharField(max_length=1000, blank=True)
    title = models.TextField(blank=True)
    body = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    votes = models.IntegerField(null=True, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True)
    author = models.CharField(max_length=64, blank=True)  # HMAC of platform and id; the name is not kept
    question_id = models.CharField(max_length=200, blank=True)  # answers to one question share it
    context = models.JSONField(default=list, blank=True)  # of a thread: [{"floor", "text"}], shown beside, never in the dataset
    raw = models.JSONField(default=dict)  # the row as found (`row_as_found`), but for the long texts that are this post's own …
    raw_texts = models.JSONField(null=True, blank=True)  # … and which of its keys held which of them: {"content": "answer"}
    content_hash = models.CharField(max_length=64)  # of the folded text: equal for posts that read the same
    cluster = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="members", db_index=False)
    status = models.CharField(max_length=16, choices=Status, default=Status.NEW)
    drop_reason = models.CharField(max_length=64, blank=True)
    drop_value = models.CharField(max_length=200, blank=True)
    rescued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # of its near-duplicates, the one that a person wants to keep
    chosen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    original = models.JSONField(null=True, blank=True)  # the texts and their hash before screens edited them; null: nothing was edited
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PostQuerySet.as_manager()
    SEARCHED: ClassVar = ("title", "body", "answer")  # the first at once, the others once the background has come by

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="post_once_per_source", fields=["source", "external_id"]),
            models.UniqueConstraint(name="post_once_per_row", fields=["run", "row"]),
            models.CheckConstraint(name="post_dropped_has_reason", condition=Q(status="dropped") ^ Q(drop_reason="")),
        ]
        indexes: ClassVar = [
            models.Index(name="post_by_status", fields=["source", "status", "id"]),
            models.Index(name="post_by_content", fields=["content_hash", "source"]),
            models.Index(name="post_by_cluster", fields=["cluster"], condition=Q(cluster__isnull=False)),  # few have one
            models.Index(name="post_by_rescuer", fields=["rescued_by"], condition=Q(rescued_by__isnull=False)),
            models.Index(name="post_unscreened", fields=["source", "id"], condition=Q(status="new")),
            models.Index(name="post_by_reason", fields=["source", "drop_reason", "id"], condition=Q(status="dropped")),
            models.Index(name="post_in_cluster", fields=["source", "cluster"], condition=Q(cluster__isnull=False)),
        ]

    @staticmethod
    def outcome(status: str, reason: str) -> dict[str, str]:
        """As conditions; what is empty asks for nothing. Nothing but what was dropped has a reason: said, an index serves."""
        if reason and status in ("", Post.Status.DROPPED):
            return {"status": Post.Status.DROPPED, "drop_reason": reason}
        return {"status": status, "drop_reason": reason} if reason else {"status": status} if status else {}

    def row_as_found(self) -> dict[str, Any]:
        """The row that the post was made of, without names, and with the texts as they were before screens edited them."""
        texts = {"title": self.title, "body": self.body, "answer": self.answer} | (self.original or {})
        return self.raw | {key: texts[name] for key, name in (self.raw_texts or {}).items()}

    def fields(self) -> dict[str, Any]:
        """What an instruction template may name."""
        return {"title": self.title, "body": self.body, "answer": self.answer}


class Heartbeat(models.Model):
    """When a worker last did the beat's bidding on a queue: no row, or an old one, means that nobody works there."""

    queue = models.CharField(max_length=32, primary_key=True)
    seen_at = models.DateTimeField()
