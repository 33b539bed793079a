"""Who decides about the texts: Pairs, the Drafts proposed for them and what those cost, the seats of reviewers, and
the log of what reviewers decided."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sources.jobs import Job
from sources.models import Post, Source, no_task_type

from .near_models import NearBand
from .price_models import Batch, Cap, CapUse, Price, RateLimit
from .ranking_models import Ranking
from .standing_models import Standing, StandingTally

if TYPE_CHECKING:
    from accounts.models import User

__all__ = [
    "DEMO_MODEL", "Assignment", "Batch", "Cap", "CapUse", "Draft", "DraftRun", "ModelCall", "NearBand", "Pair", "Price",
    "PromptVersion", "Purpose", "Ranking", "RateLimit", "Reason", "Review", "Skip", "Standing", "StandingTally",
]  # fmt: skip

DEMO_MODEL = "demo"  # what the demo's own provider calls itself; its drafts stay out of datasets unless asked for


class Reason(models.TextChoices):
    """Why a pair is rejected, in the order of the keys 1–9. The codes are stored; the labels are translated."""

    OFF_TOPIC = "off_topic", _("Beside the point")
    FACTUAL_ERROR = "factual_error", _("Factual error")
    MISSED_JOKE = "missed_joke", _("Missed the joke")
    BOILERPLATE = "boilerplate", _("Boilerplate")
    OFFENSIVE = "offensive", _("Offensive or discriminating")
    PERSONAL_DATA = "personal_data", _("Personal data")
    DUPLICATE = "duplicate", _("Duplicate")
    BAD_INSTRUCTION = "bad_instruction", _("The instruction itself is bad")
    OTHER = "other", _("Other")  # needs a comment


class Purpose(models.TextChoices):
    """What a model is asked for."""

    DRAFT = "draft", _("Draft a reply")
    SCORE = "score", _("Score an answer")


class PromptVersion(models.Model):
    """A prompt, for ever: a file of the release, or one that an admin wrote. Its identity is the sha256 of the text.

    The database refuses changes: a better prompt is another version, with the one that it was made from as its parent.
    """

    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.DRAFT)
    number = models.PositiveIntegerField(default=1)  # counts within the purpose; the highest is meant where none is named
    name = models.CharField(max_length=64)  # of a file: its own, e.g. reply_0001; of an admin's: draft-2
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    note = models.CharField(max_length=300, blank=True)  # why it was written
    sha256 = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")  # null: of a file
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["purpose", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(name="prompt_number_once", fields=["purpose", "number"])]

    @property
    def is_file(self) -> bool:
        return not self.name.startswith(f"{self.purpose}-")


class DraftRun(Job):
    """One order: to draft replies, or to score answers.

        queued ──▶ running ◀──▶ paused          running ──▶ succeeded | stopped | failed
        stopped | failed ──▶ queued             taken up again, while something of it is left that was not sent

    spent + reserved ≤ budget, at all times: the constraint holds what the code promises.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        SUCCEEDED = "succeeded", _("Done")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    ENDED = (State.SUCCEEDED, State.STOPPED, State.FAILED)

    class Mode(models.TextChoices):
        NOW = "now", _("Now")
        BATCH = "batch", _("As a batch, within a day, at a lower price")

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="draft_runs")
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.DRAFT)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.NOW)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    prompt = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="runs")
    model_names = models.JSONField(default=list)  # `provider:model`, or the bare name at the first provider
    params = models.JSONField(default=dict)  # sent with each call
    system_prompt = models.TextField(blank=True)  # the source's, as it was when this was ordered
    estimate = models.JSONField(null=True)  # what was foreseen: {calls, tokens_in, tokens_out, tokens, cost, currency, seconds}
    ordered = models.PositiveIntegerField(default=0)  # calls
    auto_release = models.PositiveIntegerField(default=0)  # calls of unknown fate that may be sent again without asking, at most
    auto_released = models.PositiveIntegerField(default=0)  # that were
    candidates = models.PositiveSmallIntegerField(default=1)  # drafts per pair and model
    limit = models.PositiveIntegerField(null=True, blank=True)  # pairs at the most
    budget = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    spent = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    reserved = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="draft_run_within_budget", condition=Q(budget=None) | Q(budget__gte=F("spent") + F("reserved"))),
        ]


class PairQuerySet(models.QuerySet["Pair"]):
    def for_user(self, user: User) -> PairQuerySet:
        return self.filter(source__in=Source.objects.for_user(user))

    def pending(self) -> PairQuerySet:
        return self.filter(status=Pair.Status.PENDING)

    def accepted(self) -> PairQuerySet:
        return self.filter(status=Pair.Status.ACCEPTED)


class Pair(models.Model):
    """An instruction and its response in the making.

        drafting ──▶ pending ──▶ accepted | rejected            by consensus of `reviews_wanted` reviews
        drafting ◀─▶ failed      pending ──▶ disputed ──▶ accepted | rejected
        accepted | rejected | disputed ──undo, reopen, send back, redraft──▶ pending

    The texts are those to be reviewed now; once accepted, those of the deciding review. `version` counts every change
    that a reviewer could have missed: a decision names the version that it was made on.
    """

    class Status(models.TextChoices):
        DRAFTING = "drafting", _("Being drafted")
        FAILED = "failed", _("Drafting failed")
        PENDING = "pending", _("To review")
        DISPUTED = "disputed", _("Disputed")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="pairs")
    part = models.PositiveSmallIntegerField(default=0)  # a post may make several pairs, e.g. an exam's sub-questions
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="pairs")
    instruction = models.TextField()
    input = models.TextField(blank=True)
    output = models.TextField(blank=True)
    task_type = models.JSONField(default=no_task_type)
    domain = models.JSONField(default=list)
    hint = models.TextField(blank=True)  # what the drafter should know, e.g. the fallacy in the question
    status = models.CharField(max_length=16, choices=Status, default=Status.DRAFTING)
    failure = models.CharField(max_length=64, blank=True)  # why drafting failed
    reviews_wanted = models.PositiveSmallIntegerField(default=1)
    rank = models.BigIntegerField(default=0, db_default=0)  # its place in the queue: lower comes first, then the older one
    version = models.PositiveIntegerField(default=1)
    decision = models.ForeignKey("Review", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PairQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="pair_once_per_post", fields=["post", "part"]),
            models.CheckConstraint(
                name="pair_decided_has_decision", condition=Q(status__in=["accepted", "rejected"]) ^ Q(decision__isnull=True)
            ),
            models.CheckConstraint(name="pair_failed_has_failure", condition=Q(status="failed") ^ Q(failure="")),
        ]
        indexes: ClassVar = [
            models.Index(name="pair_by_status", fields=["source", "status", "id"]),
            models.Index(name="pair_queue", fields=["source", "rank", "id"], condition=Q(status="pending")),
            models.Index(name="pair_disputed", fields=["id"], condition=Q(status="disputed")),
            models.Index(name="pair_to_draft", fields=["source", "id"], condition=Q(status="drafting")),
        ]


class ModelCallQuerySet(models.QuerySet["ModelCall"]):
    def left_over(self) -> ModelCallQuerySet:
        """Queued, and the run has ended: nobody sends them, until the run is taken up again or another order takes them over."""
        return self.filter(state=ModelCall.State.QUEUED, run__state__in=DraftRun.ENDED)

    def under_way(self) -> ModelCallQuerySet:
        """Something will come of them by itself: to be sent, sent, or answered and not read yet."""
        here = self.filter(Q(state__in=["queued", "sending"]) | Q(state="done", outcome=""))
        return here.exclude(state=ModelCall.State.QUEUED, run__state__in=DraftRun.ENDED)


class ModelCall(models.Model):
    """The ledger: one row per request to a provider, committed as `sending` before the first byte.

        queued ──▶ sending ──▶ done | failed | unknown          unknown ──released by a person──▶ failed
                                                                unknown ──its reply turns up──▶ done

    `unknown` means that it may have been paid for: its worker died, or no answer came. For one key at most one row is
    queued, sending, done or unknown, so nothing is paid for twice; a retry is a new row after a `failed` one.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENDING = "sending", _("Sent")
        DONE = "done", _("Answered")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", _("Unknown")

    id = models.BigAutoField(primary_key=True)
    attempt_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # sent along, to find it again
    run = models.ForeignKey(DraftRun, null=True, on_delete=models.PROTECT, related_name="calls")
    batch = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="calls")
    pair = models.ForeignKey(Pair, null=True, on_delete=models.PROTECT, related_name="calls")  # what a draft is for
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="calls")  # what a score is of
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.DRAFT)
    prompt = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="calls")
    key = models.CharField(max_length=64)  # sha256 of what makes two calls the same purchase: ledger.key_of
    attempt = models.PositiveSmallIntegerField(default=1)  # of this key
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    provider = models.CharField(max_length=32, default="openai")
    model = models.CharField(max_length=128)  # as asked for
    params = models.JSONField(default=dict)
    material = models.JSONField(default=dict)  # the texts that are sent, as they were when this was ordered
    sample = models.PositiveSmallIntegerField(default=0)  # which of several candidates
    not_before = models.DateTimeField(null=True)  # a provider that says "later" is asked later
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    model_returned = models.CharField(max_length=128, blank=True)
    outcome = models.CharField(max_length=32, blank=True)  # ok | truncated | refused | filtered | empty | …
    finish_reason = models.CharField(max_length=32, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    raw = models.JSONField(null=True)  # the reply as it came
    score = models.DecimalField(max_digits=3, decimal_places=1, null=True)  # 1.0 to 10.0 in halves
    tokens_in = models.PositiveIntegerField(null=True)
    tokens_cached = models.PositiveIntegerField(null=True)  # of those that were sent
    tokens_out = models.PositiveIntegerField(null=True)
    price = models.ForeignKey(Price, null=True, on_delete=models.PROTECT, related_name="+")  # the version it is billed by
    cost = models.DecimalField(max_digits=12, decimal_places=6, null=True)  # null: price unknown, which is not 0
    reserved = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    latency_ms = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    looked_up_at = models.DateTimeField(null=True)  # when the provider was last asked what became of it
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ModelCallQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="call_paid_once", fields=["key"], condition=Q(state__in=["queued", "sending", "done", "unknown"])),
            models.CheckConstraint(name="call_sent_is_dated", condition=Q(state="queued") ^ Q(sent_at__isnull=False)),
            models.CheckConstraint(name="call_of_pair_or_post", condition=Q(pair__isnull=True) ^ Q(post__isnull=True)),
        ]
        indexes: ClassVar = [
            models.Index(name="call_to_send", fields=["run", "provider", "model", "id"], condition=Q(state="queued")),
            models.Index(name="call_in_doubt", fields=["id"], condition=Q(state="unknown")),
            models.Index(name="call_open", fields=["state", "id"], condition=Q(state__in=["queued", "sending"])),
            models.Index(name="call_of_run", fields=["run", "state"]),
        ]


class Draft(models.Model):
    """One proposed response: of a model's call, or the source's own answer. Never changed (the database refuses)."""

    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="drafts")
    number = models.PositiveSmallIntegerField()  # 1 is the first
    call = models.OneToOneField(ModelCall, null=True, on_delete=models.PROTECT, related_name="draft")
    model = models.CharField(max_length=128, blank=True)  # as returned; empty: the source's own
    output = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pair", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="draft_number_once", fields=["pair", "number"]),
            models.CheckConstraint(name="draft_of_call_or_source", condition=Q(call__isnull=True) ^ ~Q(model="")),
        ]

    @property
    def is_demo(self) -> bool:
        return self.model == DEMO_MODEL

    @property
    def is_human(self) -> bool:
        return self.call_id is None


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def live(self) -> AssignmentQuerySet:
        """Seats that count: decided ones, named ones (no expiry), and those whose time is not up."""
        return self.filter(Q(review__isnull=False) | Q(expires_at=None) | Q(expires_at__gt=timezone.now()))

    def open_for(self, user: User) -> AssignmentQuerySet:
        """Seats that `user` holds and has not decided on yet."""
        return self.filter(reviewer=user, review=None, expires_at__gt=timezone.now())


class Assignment(models.Model):
    """One seat for one reviewer at one pair. Exactly N is these two unique constraints, not a hope.

    A seat ends by time, by a skip (the row goes), or by a decision (`review` is set, and the seat stays taken).
    A seat that is reserved ahead (an expiry, and not opened yet) keeps nobody from work: who finds nothing else takes it over.
    """

    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="assignments", db_index=False)  # seat_once has it
    seat = models.PositiveSmallIntegerField()  # 1 … reviews_wanted
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments")
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    expires_at = models.DateTimeField(null=True)  # null: named in advance
    opened_at = models.DateTimeField(null=True)  # null: reserved ahead, or named, and not looked at yet
    review = models.OneToOneField("Review", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="seat_once", fields=["pair", "seat"]),
            models.UniqueConstraint(name="reviewer_once_per_pair", fields=["pair", "reviewer"]),
            models.CheckConstraint(name="seat_counts_from_1", condition=Q(seat__gte=1)),
        ]
        indexes: ClassVar = [models.Index(name="seat_open", fields=["reviewer", "expires_at"], condition=Q(review=None))]


class Skip(models.Model):
    """A reviewer has passed this pair by: it comes back to this person after everything else."""

    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="skips")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="skip_once", fields=["pair", "reviewer"])]


class Autosave(models.Model):
    """What a reviewer has typed and not sent: the latest, by its number. A lower number never overwrites a higher."""

    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="autosaves")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seq = models.BigIntegerField()
    texts = models.JSONField()  # instruction, input, output
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="autosave_once", fields=["pair", "reviewer"]),
            models.CheckConstraint(name="autosave_counts_up", condition=Q(seq__gte=0)),
        ]


class Comment(models.Model):
    """What somebody has to say about a pair. `mentioned` are the people named in it with an @."""

    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    op_id = models.UUIDField(unique=True)  # made with the form: sent twice, it is there once
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["id"]


class Mention(models.Model):
    """Somebody is named in a comment, and has read it or not."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(name="mention_once", fields=["comment", "person"])]
        indexes: ClassVar = [models.Index(name="mention_of_person", fields=["person", "-id"])]


class Review(models.Model):
    """One entry in the log. The database refuses UPDATE and DELETE: an undo is an entry too."""

    class Verdict(models.TextChoices):
        ACCEPT = "accept", _("Accept")
        EDIT = "edit", _("Edit")
        REJECT = "reject", _("Reject")
        UNDO = "undo", _("Undo")
        REOPEN = "reopen", _("Reopen")
        RETURN = "return", _("Send back")

    DECISIONS = (Verdict.ACCEPT, Verdict.EDIT, Verdict.REJECT)

    # review_of_pair and review_of_person begin with these two: they need no index of their own.
    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    verdict = models.CharField(max_length=16, choices=Verdict)
    draft = models.ForeignKey(Draft, null=True, on_delete=models.PROTECT, related_name="reviews")  # the one judged
    instruction = models.TextField()  # the texts as decided; for a reject, as they were
    input = models.TextField(blank=True)
    output = models.TextField(blank=True)
    # The pair's texts before this entry: what an undo restores, byte for byte. `found`: names of the checks that found something in them.
    before = models.JSONField(default=dict)
    task_type = models.JSONField(default=no_task_type)
    domain = models.JSONField(default=list)
    reasons = models.JSONField(default=list)
    comment = models.TextField(blank=True)
    bypassed = models.JSONField(default=list)  # names of the checks that warned and were overruled
    seconds = models.FloatField(null=True)
    shown = models.JSONField(default=list)  # ids of the drafts in the order in which this reviewer saw them
    pair_version = models.PositiveIntegerField()  # what was on the reviewer's screen
    undoes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    op_id = models.UUIDField(unique=True)  # made by the client with the form: the same act twice is one act
    op_digest = models.CharField(max_length=64)  # of what was asked: the same op_id for something else is refused
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="review_undo_names_its_review", condition=Q(verdict__in=["undo", "return"]) ^ Q(undoes__isnull=True)
            ),
            models.CheckConstraint(name="review_reject_has_reasons", condition=~Q(verdict="reject") | ~Q(reasons=[])),
        ]
        indexes: ClassVar = [
            models.Index(name="review_of_pair", fields=["pair", "id"]),
            models.Index(name="review_of_person", fields=["by", "-id"]),
            models.Index(name="review_of_day", fields=["by", "at"]),
        ]

    def texts(self) -> dict[str, Any]:
        return {"instruction": self.instruction, "input": self.input, "output": self.output}
