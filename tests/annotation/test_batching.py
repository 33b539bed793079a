"""Runs that can wait, against a provider that has files and batches."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from annotation import batching, drafting, ledger, limits, llm, llm_batches, pricing
from annotation.models import Batch, DraftRun, ModelCall, Pair
from tests.annotation.provider import GOOD, reply
from tests.annotation.test_drafting import source_with
from tests.processes.conftest import Provider as Llmock

pytestmark = pytest.mark.django_db(transaction=True)


def later():
    """It is later now: whatever waited is due."""
    for model in (DraftRun, Batch):
        model.objects.filter(state__in=["queued", "running"]).update(not_before=None, lease_until=timezone.now() - timedelta(seconds=1))


def go_on(run, until, seconds=30):
    """What the beat does, until `until` gives something true."""
    import time

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        later()
        drafting.work_off(run.pk)
        for pk in batching.due():
            batching.move_on(pk)
        run.refresh_from_db()
        if found := until():
            return found
        time.sleep(0.2)
    raise AssertionError(list(Batch.objects.values("state", "remote_state", "error_code", "error_detail")))


class Remote:
    """A provider's batches, as far as these tests need them, in the place of `llm_batches`."""

    def __init__(self, monkeypatch):
        self.started, self.uploads, self.status, self.lines, self.cancelled = [], [], "in_progress", {}, []
        for name in ("upload", "start_batch", "find_batch", "look_at_batch", "cancel_batch", "results"):
            monkeypatch.setattr(llm_batches, name, getattr(self, name))

    def upload(self, provider, content):
        self.uploads.append(content)
        return "file-1"

    def start_batch(self, provider, file_id, tag):
        self.started.append(tag)
        return self.look_at_batch(provider, "batch-1")

    def find_batch(self, provider, tag):
        return self.look_at_batch(provider, "batch-1") if tag in self.started else None

    def look_at_batch(self, provider, remote_id):
        return llm_batches.RemoteBatch("batch-1", self.status, "out" if self.lines else "", "", None)

    def cancel_batch(self, provider, remote_id):
        self.cancelled.append(remote_id)
        self.status = "cancelled"

    def results(self, provider, file_id):
        return iter(self.lines.items())


@pytest.fixture
def remote(monkeypatch, provider):
    pricing.set_price(provider="openai", model="scripted", price_in=Decimal(10), price_out=Decimal(20), currency="CNY", by=None)
    return Remote(monkeypatch)


@pytest.mark.processes
def test_a_run_that_can_wait_goes_through_files_and_batches_of_a_real_server(admin, settings, monkeypatch):
    server = Llmock(latency=5)
    try:
        settings.OPENAI_BASE_URL, settings.OPENAI_MODEL, settings.LLM_TIMEOUT = server.url + "/v1", "gpt-of-the-tests", 10
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
        limits.forget()
        run = drafting.order(source_with(7), by=admin, mode="batch")
        go_on(run, lambda: run.state == "succeeded", 60)
        assert Batch.objects.get().state == "succeeded"
        assert set(run.calls.values_list("state", "batch__size", "batch__answered")) == {("done", 7, 7)}
        assert Pair.objects.exclude(status__in=["pending", "failed"]).count() == 0
        assert server.requests() == []  # not one of them by itself
    finally:
        server.process.terminate()
        server.process.wait(10)


def test_the_replies_of_a_batch_are_drafts_at_half_the_price(remote, admin):
    run = drafting.order(source_with(3), by=admin, mode="batch", budget=Decimal("1"))
    assert run.estimate["seconds"] is None
    go_on(run, lambda: remote.started)
    assert [line.count(b"custom_id") for line in remote.uploads[0].splitlines()] == [1, 1, 1]
    assert set(run.calls.values_list("state", "lease_until")) == {("sending", None)}
    assert ledger.expire() == 0
    assert run.reserved > 0
    remote.status, remote.lines = "completed", {str(a): llm.Reply(reply(), "r", 0) for a in run.calls.values_list("attempt_id", flat=True)}
    go_on(run, lambda: run.state == "succeeded")
    assert set(run.calls.values_list("cost", flat=True)) == {Decimal("0.001")}  # 120 × 10 + 40 × 20 per million, and half of it
    assert (run.spent, run.reserved) == (Decimal("0.003"), 0)
    assert set(Pair.objects.values_list("status", "output")) == {("pending", GOOD)}


def test_what_a_batch_did_not_answer_goes_into_the_next_one_and_what_it_did_is_kept(remote, admin):
    run = drafting.order(source_with(3), by=admin, mode="batch")
    go_on(run, lambda: remote.started)
    first = run.calls.order_by("id")[0]
    remote.status, remote.lines = "expired", {str(first.attempt_id): llm.Reply(reply(), "r", 0)}
    go_on(run, lambda: Batch.objects.filter(state="expired").exists())
    assert Pair.objects.filter(status="pending").count() == 1
    assert sorted(run.calls.filter(error_code="batch_expired").values_list("state", "attempt")) == [("failed", 1)] * 2
    remote.status, remote.lines = "in_progress", {}
    go_on(run, lambda: len(remote.started) == 2)
    again = run.calls.filter(state="sending")
    assert set(again.values_list("attempt", flat=True)) == {2}
    remote.status, remote.lines = "completed", {str(a): llm.Reply(reply(), "r", 0) for a in again.values_list("attempt_id", flat=True)}
    go_on(run, lambda: run.state == "succeeded")
    assert Pair.objects.filter(status="pending").count() == 3


def test_a_worker_that_dies_after_starting_a_batch_does_not_start_it_twice(remote, admin, monkeypatch):
    run = drafting.order(source_with(2), by=admin, mode="batch")
    real = Batch.progress

    def dies(self, **changes):
        if "remote_id" in changes:
            raise KeyboardInterrupt
        return real(self, **changes)

    monkeypatch.setattr(Batch, "progress", dies)
    with pytest.raises(KeyboardInterrupt):
        go_on(run, lambda: False)
    monkeypatch.setattr(Batch, "progress", real)
    assert (len(remote.started), Batch.objects.get().remote_id) == (1, "")
    go_on(run, lambda: Batch.objects.get().remote_id)
    assert len(remote.started) == 1
    assert len(remote.uploads) == 1


def test_a_batch_that_may_have_been_started_is_not_started_again_before_it_would_be_listed(remote, admin):
    run = drafting.order(source_with(1), by=admin, mode="batch")
    later()
    drafting.work_off(run.pk)
    Batch.objects.update(submitted_at=timezone.now(), input_file="file-1")
    later()
    [pk] = batching.due()
    batching.move_on(pk)
    assert remote.started == []
    Batch.objects.update(submitted_at=timezone.now() - 2 * batching.SETTLED)
    go_on(run, lambda: remote.started)
    assert len(remote.started) == 1


def test_a_stopped_run_cancels_its_batch_and_keeps_what_it_answered(remote, admin):
    run = drafting.order(source_with(2), by=admin, mode="batch")
    go_on(run, lambda: remote.started)
    drafting.stop(run, by=admin)
    first = run.calls.order_by("id")[0]
    remote.lines = {str(first.attempt_id): llm.Reply(reply(), "r", 0)}
    go_on(run, lambda: Batch.objects.get().state == "cancelled")
    assert remote.cancelled == ["batch-1"]
    assert sorted(run.calls.values_list("state", flat=True)) == ["done", "failed"]
    assert Pair.objects.filter(status="pending").count() == 1
    assert not ModelCall.objects.filter(state__in=["sending", "unknown"]).exists()


def test_a_run_that_is_stopped_before_its_batch_went_out_pays_nothing_and_can_be_taken_up(remote, admin):
    run = drafting.order(source_with(2), by=admin, mode="batch", budget=Decimal(1))
    later()
    drafting.work_off(run.pk)
    drafting.stop(run, by=admin)
    go_on(run, lambda: Batch.objects.get().state == "cancelled")
    assert (remote.uploads, remote.started, run.reserved) == ([], [], 0)
    assert set(run.calls.values_list("state", "batch")) == {("queued", None)}
    drafting.resume(run, by=admin)
    go_on(run, lambda: remote.started)


def test_a_batch_without_a_usable_key_ends_the_run_with_what_to_do(remote, admin, monkeypatch):
    def refused(*args):
        raise llm.StopAll("bad_key", "401")

    monkeypatch.setattr(llm_batches, "upload", refused)
    run = drafting.order(source_with(2), by=admin, mode="batch")
    go_on(run, lambda: run.state == "failed")
    assert run.error_code == "bad_key"
    assert set(run.calls.values_list("state", "error_code")) == {("failed", "bad_key")}
    assert run.reserved == 0


def test_lines_that_name_nobody_or_make_no_sense_do_no_harm(remote, admin):
    run = drafting.order(source_with(1), by=admin, mode="batch")
    go_on(run, lambda: remote.started)
    call = run.calls.get()
    remote.status = "completed"
    remote.lines = {"x": llm.Reply(reply(), "", 0), "' OR 1=1": llm.Reply(None, "", 0), str(call.attempt_id): llm.Reply("?", "", 0)}
    go_on(run, lambda: run.state == "succeeded")
    call.refresh_from_db()
    assert (call.state, call.outcome, Pair.objects.get().failure) == ("done", "unparseable", "unparseable")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"response": {"status_code": 200, "body": {"a": 1}, "request_id": "q"}}, llm.Reply({"a": 1}, "q", 0)),
        ({"error": {"code": "batch_expired", "message": "m"}}, "batch_expired"),
        ({"response": {"status_code": 429, "body": {"error": {"code": "x"}}}}, "rate_limited"),
        ({"response": {"status_code": 400, "body": {"error": {"code": "context_length_exceeded"}}}}, "too_long"),
        ({"response": None, "error": None}, "provider_error"),
        ({}, "provider_error"),
        ({"response": [], "error": "no"}, "provider_error"),
    ],
)
def test_a_line_of_a_batch_says_what_became_of_its_call(row, expected):
    found = llm_batches._result(row)
    assert (found if isinstance(found, llm.Reply) else found.code) == expected
