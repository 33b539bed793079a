"""What becomes of calls of unknown fate: looked up, released by the run's own policy, or left for a person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from annotation import drafting, llm, resolving
from annotation.models import ModelCall, Pair
from tests.annotation.provider import GOOD, reply, reset
from tests.annotation.test_drafting import source_with, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storing(provider, monkeypatch):
    """The provider keeps completions, and lists them by their metadata."""
    monkeypatch.setattr(llm, "STORING", {"127.0.0.1"})
    kept, asked = {}, []

    def get(handler):
        asked.append(handler.path)
        attempt = handler.path.split("metadata%5Battempt%5D=")[-1].split("&")[0] if "metadata%5B" in handler.path else ""
        handler.answer(200, {"object": "list", "data": [kept[attempt]] if attempt in kept else []})

    monkeypatch.setattr(provider.RequestHandlerClass, "do_GET", get, raising=False)
    provider.kept, provider.asked = kept, asked
    return provider


def doubtful(provider, admin, count=1, **order):
    provider.default = reset
    run = work(drafting.order(source_with(count), by=admin, **order))
    provider.default = reply()
    long_ago = timezone.now() - timedelta(minutes=3)
    ModelCall.objects.filter(state="unknown").update(sent_at=long_ago, finished_at=long_ago)
    return run


def test_a_call_that_the_provider_kept_is_found_and_not_paid_again(storing, admin):
    run = doubtful(storing, admin)
    attempt = str(run.calls.get().attempt_id)
    storing.kept[attempt] = {**reply(), "metadata": {"attempt": attempt}, "request_id": "req-7"}
    assert resolving.resolve() == 1
    call = run.calls.get()
    assert (call.state, call.outcome, call.request_id) == ("done", "ok", "req-7")
    assert (Pair.objects.get().status, Pair.objects.get().output) == ("pending", GOOD)
    assert len(storing.seen) == 1


def test_a_call_that_the_provider_does_not_know_stays_in_doubt_and_is_asked_about_seldom(storing, admin):
    run = doubtful(storing, admin)
    assert [resolving.resolve(), resolving.resolve()] == [0, 0]
    assert len(storing.asked) == 1
    assert run.calls.get().state == "unknown"


def test_a_completion_of_another_attempt_is_not_taken(storing, admin):
    run = doubtful(storing, admin)
    storing.kept[str(run.calls.get().attempt_id)] = {**reply(), "metadata": {"attempt": "another"}}
    assert resolving.resolve() == 0
    assert run.calls.get().state == "unknown"


def test_without_a_policy_a_person_decides(provider, admin):
    run = doubtful(provider, admin)
    assert resolving.resolve() == 0
    assert run.calls.get().state == "unknown"


def test_a_policy_releases_so_many_and_says_so_in_the_log(provider, admin):
    run = doubtful(provider, admin, count=5, auto_release=2)
    assert run.calls.filter(state="unknown").count() == 5
    assert resolving.resolve() == 2
    assert resolving.resolve() == 0
    assert AuditEntry.objects.filter(action="call_released", by=None).count() == 2
    run.refresh_from_db()
    assert (run.auto_released, work(run).state) == (2, "succeeded")
    assert run.calls.filter(state="unknown").count() == 3
    assert Pair.objects.filter(status="pending").count() == 2


def test_a_policy_waits_until_a_late_reply_would_have_come(provider, admin):
    doubtful(provider, admin, auto_release=5)
    ModelCall.objects.filter(state="unknown").update(finished_at=timezone.now())
    assert resolving.resolve() == 0
