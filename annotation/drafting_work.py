"""Working off a DraftRun: several calls in flight, none of them inside a transaction or on a database connection.

The worker whose lease the run carries (its keeper) also ends it; others may help by taking calls of the same run. A worker
that dies leaves calls whose leases run out: `ledger.expire` calls them unknown, and the beat offers the run to the next.
"""

import logging
import random
import threading
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from sources.jobs import LostLease
from sources.models import Heartbeat

from . import ledger, llm
from .models import DraftRun, ModelCall

log = logging.getLogger(__name__)

IN_FLIGHT = 8  # calls at once, per worker process and run
SLICE = 30.0  # seconds after which a worker makes room for other runs
BEAT = 5.0  # seconds between two renewals of leases

closing = threading.Event()  # the process is asked to end: take nothing more, wait for what is under way
_here: set[int] = set()  # runs that this process works on
_door = threading.Lock()


def work_off(run_id: int) -> bool:
    """Send the run's calls until none is due. Any hint, late or doubled, is harmless. True: its slice is over, work is left."""
    with _door:
        if run_id in _here or closing.is_set():
            return False
        _here.add(run_id)
    try:
        run = DraftRun.claim(run_id)
        keeper = run is not None
        if run is None:
            run = DraftRun.objects.filter(pk=run_id, state="running").first()
        return run is not None and Worker(run, keeper=keeper).work()
    finally:
        _here.discard(run_id)


def runs_to_hint() -> list[int]:
    """Runs that a worker should look at: nobody works on them, or they have calls that a helper could take."""
    now = timezone.now()
    calls = ModelCall.objects.filter(run=OuterRef("pk"), state="queued").exclude(not_before__gt=now)
    helped = DraftRun.objects.filter(Exists(calls), state="running").exclude(not_before__gt=now)
    due: QuerySet[DraftRun] = DraftRun.objects.due()
    return sorted({*due.values_list("pk", flat=True), *helped.values_list("pk", flat=True)})


class Worker:
    """One worker at one run."""

    def __init__(self, run: DraftRun, *, keeper: bool) -> None:
        self.run, self.keeper, self.token = run, keeper, uuid.uuid4()
        self.flying: dict[Future[None], ModelCall] = {}
        self.next_beat = 0.0
        self.landed = 0
        self.stopping = False  # take nothing more

    def work(self) -> bool:
        until, more = time.monotonic() + SLICE, False
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix=f"draft-{self.run.pk}") as pool:
            while True:
                self.beat()
                more = time.monotonic() > until
                if not (self.stopping or more or closing.is_set()):
                    self.launch(pool)
                if self.flying:
                    self.collect()
                elif self.stopping or more or closing.is_set() or not self.wait_for_others():
                    break
        if self.keeper and not self.stopping:
            self.rest()
        return more and not self.stopping

    def beat(self) -> None:
        """Every few seconds: hold what is ours, and mend what dead workers left."""
        if time.monotonic() < self.next_beat:
            return
        self.next_beat = time.monotonic() + BEAT
        if settings.PROCESS == "worker":  # its threads may all be at runs, and the beat's own task has to wait
            seen()
        ledger.renew(self.flying.values())
        ledger.expire()
        ledger.land_stored()
        self.hold()

    def hold(self) -> None:
        try:
            if self.keeper and not self.stopping:
                self.run.progress() if self.landed else self.run.hold()
        except LostLease:  # paused, stopped, or taken over
            self.stopping = True
        self.landed = 0

    def launch(self, pool: ThreadPoolExecutor) -> None:
        free = IN_FLIGHT - len(self.flying)
        if not free:
            return
        try:
            calls = ledger.take(self.run, self.token, free)
        except ledger.BudgetReached:  # what is under way may cost less than was set aside for it
            if not self.flying and not self.run.calls.filter(state="sending").exists():
                self.fail("budget_reached", state="stopped")
            return
        for call in calls:
            self.flying[pool.submit(send, call)] = call

    def collect(self) -> None:
        """Wait a little for replies."""
        done, _ = wait(self.flying, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            call = self.flying.pop(future)
            try:
                future.result()
                self.landed += 1
            except llm.StopAll as error:
                self.fail(error.code, error.detail)
            except Exception:  # the database went away, or a fault of ours: the call stays as it was last committed
                log.exception("call %s", call.pk)

    def wait_for_others(self) -> bool:
        """Nothing is in flight here. True: look again soon; False: nothing more to do now."""
        calls = self.run.calls.filter(Q(state="sending") | Q(state="done", outcome=""))
        soon = timezone.now() + timedelta(seconds=BEAT)
        if self.keeper and calls.exists():
            time.sleep(0.5)
            return True
        queued = self.run.calls.filter(state="queued").exclude(not_before__gt=soon)
        if not DraftRun.objects.filter(pk=self.run.pk, state="running").exclude(not_before__gt=soon).exists() or not queued.exists():
            return False
        time.sleep(0.2)
        return True

    def rest(self) -> None:
        """Give the run back: ended if nothing is left of it, else due when its next call is."""
        try:
            with transaction.atomic():
                run = DraftRun.objects.select_for_update().get(pk=self.run.pk)
                left = run.calls.filter(state__in=ledger.OPEN)
                if not left.exists():
                    self.run.finish("succeeded")
                    return
                first = left.filter(state="queued").order_by(F("not_before").asc(nulls_first=True)).first()
                times = [t for t in (run.not_before, first and first.not_before) if t]
                self.run.progress(not_before=max(times) if times else None)
                DraftRun.objects.filter(pk=run.pk, lease_token=self.run.lease_token).update(lease_until=timezone.now())
        except LostLease:
            pass

    def fail(self, code: str, detail: str = "", *, state: str = "failed") -> None:
        """End the run for all workers; what was not sent stays with it, for when it is taken up again."""
        self.stopping = True
        log.error("draft run %s %s: %s %s", self.run.pk, state, code, detail)
        ended = {"state": state, "error_code": code, "error_detail": detail, "finished_at": timezone.now(), "lease_token": None}
        if DraftRun.objects.filter(pk=self.run.pk, state="running").update(**ended):
            ledger.conclude_drafted(self.run)


def send(call: ModelCall) -> None:
    """One call, from its committed `sending` to what came of it. Raises StopAll after writing it down."""
    try:
        connection.close()  # the wait is long, and the pool small
        request = ledger.request_of(call)
        try:
            reply = llm.complete(request)
        except llm.RetryLater as error:
            retry(call, error)
        except llm.Ambiguous as error:
            ledger.lose(call, error.code, error.detail)
        except llm.ProviderError as error:
            ledger.failed(call, error, None)
            if isinstance(error, llm.StopAll):
                raise
        else:
            if keep(call, reply):
                ledger.land(call.pk)
    finally:
        connection.close()


def keep(call: ModelCall, reply: llm.Reply, patience: float = 60.0) -> bool:
    """Store a reply that was paid for, also when the database is away for a moment. Stored twice is stored once."""
    until = time.monotonic() + patience
    while True:
        try:
            return ledger.answered(call, reply)
        except (OperationalError, InterfaceError):
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.5)


def retry(call: ModelCall, error: llm.RetryLater) -> None:
    """Queue another attempt, later and later; a provider that is busy or away is left alone by the whole run."""
    if call.attempt >= ledger.TRIES.get(error.code, ledger.DEFAULT_TRIES):
        if error.code == "unreachable":
            stop = llm.StopAll(error.code, error.detail)
            ledger.failed(call, stop, None)
            raise stop
        return ledger.failed(call, error, None)
    backoff = min(60.0, 2.0 ** (call.attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
    delay = timedelta(seconds=backoff if error.after is None else error.after)
    if error.code in {"rate_limited", "unreachable"}:
        until = timezone.now() + delay
        DraftRun.objects.filter(Q(not_before=None) | Q(not_before__lt=until), pk=call.run_id or 0).update(not_before=until)
    return ledger.failed(call, error, delay)


def seen() -> None:
    """A worker is alive on the drafting queue."""
    Heartbeat.objects.update_or_create(queue="draft", defaults={"seen_at": timezone.now()})


def is_worker_alive(within: timedelta = timedelta(seconds=15)) -> bool:
    return Heartbeat.objects.filter(queue="draft", seen_at__gt=timezone.now() - within).exists()
