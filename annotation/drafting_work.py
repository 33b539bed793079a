"""Working off a DraftRun: many calls in flight, none of them inside a transaction or on a database connection.

One thread, the run's own, speaks to the database: it takes calls by the handful, and writes down by the handful what came of them.
The others only wait for the provider. So a call costs the database a share of a few statements, and 64 in flight need one connection.

The worker whose lease the run carries (its keeper) also ends it; others may help by taking calls of the same run. A worker
that dies leaves calls whose leases run out: `ledger.expire` calls them unknown, and the beat offers the run to the next.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from sources.jobs import LostLease
from sources.models import Heartbeat

from . import batching, landing, ledger, limits, llm, prompting, requesting
from .models import DraftRun, ModelCall
from .senders import Senders

log = logging.getLogger(__name__)

IN_FLIGHT = settings.DRAFT_IN_FLIGHT  # calls at once, per worker process, shared by the runs it works on
AHEAD = (IN_FLIGHT + 1) // 2  # calls that are taken and wait for a free thread: as many as are answered while the database is spoken to
FEELERS = 4  # calls at once until the provider has answered one: a bad key is no reason to ask 64 times
SLICE = 30.0  # seconds after which a worker makes room for other runs
BEAT = 5.0  # seconds between two renewals of leases
GATHER = 0.1  # seconds in which replies gather that are then written down together
LONG = 10.0  # seconds: whoever has to wait longer for a limit gives the run back meanwhile

closing = threading.Event()  # the process is asked to end: take nothing more, wait for what is under way
_here: set[int] = set()  # runs that this process works on
_door = threading.Lock()

Outcome = llm.Reply | llm.ProviderError | Exception


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
        if run is not None and run.mode == DraftRun.Mode.BATCH:
            return keeper and in_batches(run)
        return run is not None and Worker(run, keeper=keeper).work()
    finally:
        _here.discard(run_id)


def in_batches(run: DraftRun) -> bool:
    """A run that can wait. Nothing is left to be done at once."""
    try:
        batching.work_off(run)
    except LostLease:
        log.info("draft run %s is somebody else's now", run.pk)
    return False


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
        self.flying: dict[int, ModelCall] = {}
        self.back: queue.SimpleQueue[tuple[ModelCall, Outcome]] = queue.SimpleQueue()
        self.terms: ledger.Terms | None = None  # looked up anew with each beat
        self.next_beat = 0.0
        self.wait: float | None = None  # seconds until the limits let more through
        self.landed = 0
        self.stopping = False  # take nothing more
        self.answers = run.calls.filter(state="done").exists()  # whether the provider is known to

    def work(self) -> bool:
        self.terms = ledger.terms_of(self.run)
        for provider in {provider for provider, _model in self.terms.prices}:
            llm.warm(provider)
        until, more = time.monotonic() + SLICE, False
        with Senders(self.send, IN_FLIGHT, f"draft-{self.run.pk}") as senders:
            while True:
                self.beat()
                more = time.monotonic() > until
                if self.stopping or more or closing.is_set():
                    self.take_back(senders)
                else:
                    self.launch(senders)
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
        ledger.renew(self.flying.values(), self.token)
        ledger.expire()
        landing.land_stored()
        self.terms = ledger.terms_of(self.run)
        self.hold()

    def hold(self) -> None:
        try:
            if self.keeper and not self.stopping:
                self.run.progress() if self.landed else self.run.hold()
        except LostLease:  # paused, stopped, or taken over
            self.stopping = True
        self.landed = 0

    def launch(self, senders: Senders[ModelCall]) -> None:
        share = (IN_FLIGHT + AHEAD) // max(1, len(_here))
        free = (share if self.answers else FEELERS) - len(self.flying)
        if free <= 0:
            return
        try:
            if self.terms is None:
                self.terms = ledger.terms_of(self.run)
            taken = ledger.take(self.run, self.token, free, limits.grant, self.terms)
        except ledger.BudgetReached as reached:  # what is under way may cost less than was set aside for it
            if not self.flying and not self.run.calls.filter(state="sending").exists():
                self.fail(reached.code, state="stopped")
            return
        self.wait = taken.wait
        self.terms = self.terms if taken.calls else None
        for call in taken.calls:
            self.flying[call.pk] = call
            senders.put(call, len(self.flying))

    def take_back(self, senders: Senders[ModelCall]) -> None:
        """Nothing more is to be sent: calls that still wait for a thread were not."""
        if waiting := senders.take_back():
            ledger.unsend(waiting, self.token)
        for call in waiting:
            del self.flying[call.pk]

    def send(self, call: ModelCall) -> None:
        """One call, in a thread that knows no database."""
        try:
            outcome: Outcome = llm.complete(requesting.request_of(call))
        except Exception as error:
            outcome = error
        self.back.put((call, outcome))

    def collect(self) -> None:
        """Wait a little for replies, and write down together what came in the meantime."""
        try:
            came = [self.back.get(timeout=0.25)]
        except queue.Empty:
            return
        time.sleep(GATHER)
        while not self.back.empty():
            came.append(self.back.get())
        self.landed += len(came)
        replies = [(call, outcome) for call, outcome in came if isinstance(outcome, llm.Reply)]
        try:
            if replies:
                keep(replies)
                self.answers = True
            for call, outcome in came:
                if isinstance(outcome, Exception):
                    self.write_down(call, outcome)
        except (OperationalError, InterfaceError):  # the database went away: the calls stay as they were last committed
            log.exception("draft run %s", self.run.pk)
            connection.close()
        finally:
            for call, _outcome in came:
                self.flying.pop(call.pk, None)
        refund(replies)

    def write_down(self, call: ModelCall, error: Exception) -> None:
        if isinstance(error, llm.RetryLater):
            stop = retry(call, error)
        elif isinstance(error, llm.Ambiguous):
            return ledger.lose(call, error.code, error.detail)
        elif isinstance(error, llm.ProviderError):
            ledger.failed(call, error, None)
            stop = error if isinstance(error, llm.StopAll) else None
        else:  # a fault of ours, before or after the request: nobody knows whether it is paid for
            log.error("call %s", call.pk, exc_info=error)
            return ledger.lose(call, "fault", f"{type(error).__name__}: {error}"[:500])
        if stop:
            self.fail(stop.code, stop.detail)

    def wait_for_others(self) -> bool:
        """Nothing is in flight here. True: look again soon; False: nothing more to do now."""
        if self.wait and self.wait <= LONG:
            time.sleep(min(self.wait, 0.25))
            return True
        calls = self.run.calls.filter(Q(state="sending", batch=None) | Q(state="done", outcome=""))
        soon = timezone.now() + timedelta(seconds=BEAT)
        if self.keeper and calls.exists():
            time.sleep(0.5)
            return True
        queued = self.run.calls.filter(state="queued").exclude(not_before__gt=soon)
        if not DraftRun.objects.filter(pk=self.run.pk, state="running").exclude(not_before__gt=soon).exists() or not queued.exists():
            return False
        if self.wait:
            return False
        time.sleep(0.2)
        return True

    def rest(self) -> None:
        """Give the run back: ended if nothing is left of it, else due when its next call is."""
        try:
            with transaction.atomic():
                run = DraftRun.objects.select_for_update().get(pk=self.run.pk)
                left = run.calls.filter(state__in=landing.OPEN)
                if not left.exists():
                    self.run.finish("succeeded")
                    return
                first = left.filter(state="queued").order_by(F("not_before").asc(nulls_first=True)).first()
                limited = timezone.now() + timedelta(seconds=self.wait) if self.wait and self.wait > LONG else None
                times = [t for t in (run.not_before, first and first.not_before, limited) if t]
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


def keep(answers: list[ledger.Answer], patience: float = 60.0) -> list[ModelCall]:
    """Store replies that were paid for, also when the database is away for a moment. Stored twice is stored once."""
    until = time.monotonic() + patience
    while True:
        try:
            return ledger.deliver(answers)
        except (OperationalError, InterfaceError):
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.5)


def refund(answers: list[ledger.Answer]) -> None:
    """A limit in tokens counted the most that a call could take: give back what it did not."""
    unused: dict[tuple[str, str], int] = {}
    for call, reply in answers:
        if limits.limits_of(call.provider, call.model)[1]:
            seen = prompting.facts(reply.raw)
            if seen.tokens_in is not None and seen.tokens_out is not None:
                named = (call.provider, call.model)
                unused[named] = unused.get(named, 0) + ledger.weight(call) - seen.tokens_in - seen.tokens_out
    for (provider, model), tokens in unused.items():
        limits.refund(provider, model, tokens)


def retry(call: ModelCall, error: llm.RetryLater) -> llm.StopAll | None:
    """Queue another attempt, later and later; a provider that is busy or away is left alone by everybody. Gives what
    ends the run, if this was the last attempt at an address where nobody is."""
    if error.code == "rate_limited":
        limits.hold(call.provider, call.model, error.after)
    if call.attempt >= ledger.TRIES.get(error.code, ledger.DEFAULT_TRIES):
        stop = llm.StopAll(error.code, error.detail) if error.code == "unreachable" else None
        ledger.failed(call, stop or error, None)
        return stop
    backoff = min(60.0, 2.0 ** (call.attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
    delay = timedelta(seconds=backoff if error.after is None else error.after)
    if error.code in {"rate_limited", "unreachable"} and call.run and len(call.run.model_names) == 1:
        until = timezone.now() + delay
        DraftRun.objects.filter(Q(not_before=None) | Q(not_before__lt=until), pk=call.run_id or 0).update(not_before=until)
    ledger.failed(call, error, delay)
    return None


def seen() -> None:
    """A worker is alive on the drafting queue."""
    Heartbeat.objects.update_or_create(queue="draft", defaults={"seen_at": timezone.now()})


def is_worker_alive(within: timedelta = timedelta(seconds=15)) -> bool:
    return Heartbeat.objects.filter(queue="draft", seen_at__gt=timezone.now() - within).exists()
