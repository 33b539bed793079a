"""Work that outlives a request: the row is the queue, a Celery message is a hint.

A job's row says what state it is in, who works on it (a lease with a token), and how often it was tried. A worker that
dies loses its lease; a beat task re-sends hints for whatever is due; three tries without progress end it as failed.

    queued ──claim──▶ running ──▶ succeeded
       ▲                │  │
       └── lease lost ──┘  └─▶ failed | cancelled …
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)  # renewed with every batch; a dead worker's job is taken over after this
SILENCE = 5.0  # seconds in which a web process says nothing to a broker that did not answer: the beat says it all again
MAX_ATTEMPTS = 3  # without progress in between: a job that kills its workers must not do so for ever


class LostLease(Exception):
    """Somebody else works on this job now: stop, and write nothing more."""


class JobQuerySet(models.QuerySet[Any]):
    def due(self) -> Self:
        """Jobs nobody works on: new ones, and those whose worker is gone."""
        now = timezone.now()
        return self.filter(Q(state="queued") | Q(state="running", lease_until__lte=now)).exclude(not_before__gt=now)


class Job(models.Model):
    """Columns of a job. Subclasses name their `state`s; `queued` and `running` mean the same in all of them."""

    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    not_before = models.DateTimeField(null=True, editable=False)
    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def claim(cls, pk: int) -> Self | None:
        """Take the job for this worker, counting the attempt in a commit of its own before any work.

        Gives None when it is not due (done, or somebody works on it): the hint was late or doubled, and that is no error.
        """
        now, token = timezone.now(), uuid.uuid4()
        rows: Any = cls.objects  # of a subclass: `state` is declared there
        due = rows.due().filter(pk=pk)
        taken = due.filter(attempts__lt=MAX_ATTEMPTS).update(
            state="running", attempts=F("attempts") + 1, lease_token=token, lease_until=now + LEASE,
            started_at=Coalesce("started_at", now),
        )  # fmt: skip
        if taken:
            return rows.get(pk=pk)
        if due.filter(attempts__gte=MAX_ATTEMPTS).update(state="failed", error_code="worker_lost", finished_at=now):
            log.error("%s %s failed: its worker was lost %d times", cls.__name__, pk, MAX_ATTEMPTS)
        return None

    def hold(self, *, lease: timedelta = LEASE, **changes: Any) -> None:
        """Renew the lease and write `changes`, in the caller's transaction. Raises LostLease when it is no longer ours. `lease`: longer,
        before work that cannot renew it."""
        changes["lease_until"] = timezone.now() + lease
        self._write(changes)

    def progress(self, **changes: Any) -> None:
        """`hold`, and the attempts start over: this worker got something done."""
        self.hold(attempts=0, **changes)

    def finish(self, state: str, **changes: Any) -> None:
        """End the job as `state`. Raises LostLease."""
        self._write({"state": state, "finished_at": timezone.now(), "lease_token": None, "lease_until": None, **changes})

    def let_go(self) -> None:
        """Others may take it over at once, if it is still ours."""
        rows: Any = type(self).objects
        rows.filter(pk=self.pk, state="running", lease_token=self.lease_token).update(lease_until=timezone.now())

    def _write(self, changes: dict[str, Any]) -> None:
        rows: Any = type(self).objects
        mine = rows.filter(pk=self.pk, state="running", lease_token=self.lease_token)
        if not mine.update(**changes):
            raise LostLease(f"{type(self).__name__} {self.pk}")
        for name, value in changes.items():
            setattr(self, name, value)


def paced(act: Callable[[], None], every: float) -> Callable[[], None]:
    """`act`, but not again within so many seconds: to say that work goes on is a commit, which waits for the disk."""
    last = -every

    def now_and_then() -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            act()
            last = time.monotonic()

    return now_and_then


ending = threading.Event()  # this process is asked to end: long work stops after the batch at hand
_messenger = ThreadPoolExecutor(1, thread_name_prefix="hints")  # its thread starts with the first hint, after any fork
_silent_until = 0.0


def send_hint(task: Any, *ids: int) -> None:
    """Tell a worker that rows are due, once the transaction is committed. A broker that is away changes nothing: the
    rows are there, and the beat task will say it again. A request does not wait for it: a thread of its own sends."""

    def tell() -> None:
        if settings.PROCESS != "web":
            _send(task, ids)
        elif time.monotonic() > _silent_until:
            _messenger.submit(_send, task, ids)

    transaction.on_commit(tell, robust=True)


def _send(task: Any, ids: tuple[int, ...]) -> None:
    global _silent_until
    try:
        task.apply_async(args=ids)
    except (task.OperationalError, OSError) as error:
        _silent_until = time.monotonic() + SILENCE
        log.warning("no hint for %s%s: %s", task.name, ids, error)


def send_hints(task: Any, ids: Iterable[int]) -> None:
    for pk in ids:
        send_hint(task, pk)
