"""A run that ended before its end is taken up again: what was not sent is sent, what was paid for is not paid twice."""

from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from annotation import drafting, drafting_work, taking_up
from annotation.drafting import Refused, StaleState
from annotation.models import Draft, DraftRun, ModelCall, Pair
from annotation.taking_up import is_resumable
from sources.models import Post
from tests.annotation.provider import GOOD, error, reply, reset
from tests.annotation.test_drafting import PRICES, source_with, work
from tests.builders import make_review

pytestmark = pytest.mark.django_db(transaction=True)


def stopped_after(provider, admin, sent, posts=6, **asked):
    """A run of which `sent` calls were answered when it was stopped."""
    run = drafting.order(source_with(posts), by=admin, **asked)
    drafting.pause(run, by=admin)
    rest = list(run.calls.order_by("id").values_list("pk", flat=True))[sent:]
    kept = ModelCall.objects.filter(pk__in=rest)
    kept.update(not_before="2100-01-01T00:00Z")
    drafting.resume(run, by=admin)
    drafting_work.work_off(run.pk)
    kept.update(not_before=None)
    run.refresh_from_db()
    assert len(provider.seen) == sent
    return drafting.stop(run, by=admin)


def test_a_stopped_run_sends_the_rest_and_nothing_twice(provider, admin):
    run = stopped_after(provider, admin, 2)
    assert (run.state, Draft.objects.count(), run.calls.left_over().count()) == ("stopped", 2, 4)
    assert is_resumable(run)
    run = drafting.resume(run, by=admin)
    assert (run.state, run.finished_at, run.error_code) == ("queued", None, "")
    assert work(run).state == "succeeded"
    assert (len(provider.seen), Pair.objects.filter(status="pending").count()) == (6, 6)
    assert len(set(provider.attempts())) == 6
    assert not is_resumable(run)
    assert AuditEntry.objects.filter(action="draft_run_taken_up").get().detail == {"calls": 4, "budget": None}


def test_what_has_come_can_be_reviewed_at_once_although_not_all_that_was_ordered_came(provider, admin):
    run = stopped_after(provider, admin, 1, posts=1, models=["m-1", "m-2"])
    pair = Pair.objects.get()
    assert (pair.status, pair.output) == ("pending", GOOD)
    drafting.resume(run, by=admin)
    assert work(run).state == "succeeded"
    assert list(Draft.objects.values_list("number", flat=True)) == [1, 2]
    pair.refresh_from_db()
    assert pair.status == "pending"


def test_a_run_that_failed_by_its_key_goes_on_when_the_key_was_mended(provider, admin):
    provider.default = error(401, "invalid_api_key")
    run = work(drafting.order(source_with(20), by=admin))
    assert (run.state, run.error_code) == ("failed", "bad_key")
    assert Pair.objects.filter(status="drafting").count() == 20
    provider.default = reply()
    refused = len(provider.seen)
    assert work(drafting.resume(run, by=admin)).state == "succeeded"
    assert Pair.objects.filter(status="pending").count() == 20
    assert len(provider.seen) == refused + 20


def test_a_run_out_of_budget_goes_on_with_a_higher_one_only(provider, admin):
    run = work(drafting.order(source_with(60), by=admin, budget=Decimal("0.1"), params=PRICES))
    assert run.error_code == "budget_reached"
    with pytest.raises(Refused) as refused:
        drafting.resume(run, by=admin)
    assert refused.value.code == "budget_reached"
    for bad in (Decimal("0.0001"), run.spent, Decimal("NaN"), Decimal(10**7)):
        with pytest.raises(Refused) as refused:
            drafting.resume(run, by=admin, budget=bad)
        assert refused.value.code == "bad_price"
    run = work(drafting.resume(run, by=admin, budget=Decimal(5)))
    assert (run.state, run.budget, len(provider.seen)) == ("succeeded", 5, 60)
    assert run.spent == Decimal("0.002") * 60


def test_pairs_that_were_decided_or_dropped_meanwhile_are_not_paid_for(provider, admin):
    run = stopped_after(provider, admin, 2, posts=3, models=["m-1", "m-2"])
    decided, dropped, _open = Pair.objects.order_by("id")
    Pair.objects.filter(pk=decided.pk).update(
        status="rejected", decision=make_review(decided, by=admin, verdict="reject", reasons=["other"])
    )
    Post.objects.filter(pk=dropped.post_id).update(status="dropped", drop_reason="too_short")
    drafting.resume(run, by=admin)
    assert work(run).state == "succeeded"
    assert set(run.calls.exclude(pair=decided).values_list("pair", flat=True)) == {_open.pk}
    assert len(provider.seen) == 4


def test_calls_of_unknown_fate_are_not_sent_again(provider, admin):
    provider.script = [reset]
    run = stopped_after(provider, admin, 1, posts=2)
    assert run.calls.filter(state="unknown").count() == 1
    work(drafting.resume(run, by=admin))
    assert (len(provider.seen), run.calls.filter(state="unknown").count()) == (2, 1)
    assert Pair.objects.filter(failure="unknown_call").count() == 1


def test_a_release_does_not_start_a_stopped_run(provider, admin):
    provider.script = [reset]
    run = stopped_after(provider, admin, 1, posts=3)
    drafting.release(run.calls.get(state="unknown"), by=admin)
    run.refresh_from_db()
    assert (run.state, run.calls.left_over().count()) == ("stopped", 3)
    assert work(drafting.resume(run, by=admin)).state == "succeeded"
    assert len(provider.seen) == 4


def test_what_the_provider_hindered_is_tried_again_what_the_text_is_to_blame_for_is_not(provider, admin, monkeypatch):
    monkeypatch.setattr("annotation.ledger.DEFAULT_TRIES", 1)
    provider.script = [error(500), error(400, "context_length_exceeded"), reply(finish="length")]
    monkeypatch.setattr("annotation.drafting_work.IN_FLIGHT", 1)
    run = work(drafting.order(source_with(4), by=admin))
    assert (run.state, Pair.objects.filter(status="failed").count()) == ("succeeded", 3)
    assert work(drafting.resume(run, by=admin)).state == "succeeded"
    assert len(provider.seen) == 5
    assert sorted(Pair.objects.filter(status="failed").values_list("failure", flat=True)) == ["too_long", "truncated"]


def test_two_who_take_it_up_at_once_do_it_once(provider, admin):
    run = stopped_after(provider, admin, 1)
    stale = DraftRun.objects.get(pk=run.pk)
    drafting.resume(run, by=admin)
    with pytest.raises(StaleState):
        taking_up.take_up(stale, by=admin)
