import threading
import time
import uuid
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry
from annotation import budgets, drafting, drafting_work, landing, ledger, limits, llm, pairing, requesting
from annotation.drafting import Refused, StaleState
from annotation.models import Draft, DraftRun, ModelCall, Pair, PromptVersion
from tests.annotation.provider import GOOD, error, late, reply, reset
from tests.builders import make_post, make_source

PRICES = {"price_in": "10", "price_out": "20", "currency": "usd", "max_tokens": 100}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(drafting_work, "BEAT", 0.2)
    monkeypatch.setattr(drafting_work.random, "uniform", lambda low, high: 0.05)
    drafting_work.closing.clear()


def source_with(posts: int, **fields):
    source = make_source(**fields)
    for _ in range(posts):
        make_post(source, status="kept")
    return source


def work(run, seconds=20.0):
    """Work the run off as the beat and the workers would."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        drafting.work_off(run.pk)
        run.refresh_from_db()
        if run.state not in ("queued", "running"):
            return run
        time.sleep(0.05)
    raise AssertionError(f"still {run.state}: {list(run.calls.values('state', 'error_code', 'not_before'))}")


def the_call(run) -> ModelCall:
    return run.calls.select_related("pair__source", "prompt", "run").get()


def assert_paid_once(provider, run):
    """Every request that the server saw is a row of the ledger that says so, and the other way round."""
    sent = run.calls.exclude(state="queued").values_list("attempt_id", flat=True)
    assert sorted(provider.attempts()) == sorted(map(str, sent))
    assert set(Counter(provider.attempts()).values()) <= {1}


# --- pairs ------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_kept_posts_become_pairs_once_and_others_do_not():
    source = make_source(task_type={"major": ["问答"], "minor": []}, reviews_wanted=2)
    kept = make_post(source, status="kept", title=" 题目 ")
    make_post(source, status="new")
    make_post(source, status="dropped", drop_reason="too_short")
    assert [drafting.make_pairs(source), drafting.make_pairs(source)] == [1, 0]
    pair = Pair.objects.get()
    assert (pair.post, pair.instruction, pair.status, pair.reviews_wanted) == (kept, "题目", "drafting", 2)
    assert pair.task_type == {"major": ["问答"], "minor": []}


@pytest.mark.django_db
def test_templates_take_turns_and_braces_in_a_post_are_text():
    source = make_source(instruction_templates=["甲{title}", "乙{title}：{body}{nothing}"], input_template="{answer}")
    for row in (1, 2, 3):
        make_post(source, status="kept", row=row, title="{body}", body="正文{title.__class__}", answer="答")
    drafting.make_pairs(source)
    pairs = Pair.objects.order_by("post__row")
    assert [pair.instruction for pair in pairs] == ["甲{body}", "乙{body}：正文{title.__class__}{nothing}", "甲{body}"]
    assert pairs[0].input == "答"


@pytest.mark.django_db
def test_a_sources_own_answer_is_the_first_draft_and_can_be_reviewed_at_once():
    source = make_source(reply="source")
    make_post(source, status="kept", answer=" 原答。 ")
    make_post(source, status="kept", answer=" ")
    make_post(source, status="kept", title=" ", body="", answer="答")
    assert drafting.pair_own_answers() == 3
    assert drafting.pair_own_answers() == 0
    assert list(Pair.objects.values_list("status", "failure", "output")) == [
        ("pending", "", "原答。"),
        ("failed", "no_answer", ""),
        ("failed", "no_instruction", ""),
    ]
    assert list(Draft.objects.values_list("output", "model", "call")) == [("原答。", "", None)]


@pytest.mark.django_db(transaction=True)
def test_two_that_make_pairs_at_once_make_each_pair_once(monkeypatch):
    monkeypatch.setattr(pairing, "BATCH", 7)
    source = source_with(60, reply="source")
    source.posts.update(answer="答")
    made = []

    def make():
        made.append(drafting.make_pairs(source))
        connection.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sum(made) == Pair.objects.count() == Draft.objects.count() == 60


# --- ordering ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_an_order_queues_a_call_a_pair_and_sends_nothing(provider, admin):
    source = source_with(5)
    run = drafting.order(source, by=admin, limit=3)
    assert (run.state, run.model_names, run.calls.count(), Pair.objects.count()) == ("queued", ["scripted"], 3, 3)
    assert set(run.calls.values_list("state", flat=True)) == {"queued"}
    assert provider.seen == []
    assert AuditEntry.objects.get().detail["calls"] == 3
    assert drafting.waiting_count(source) == 2


@pytest.mark.django_db
def test_candidates_and_models_multiply(provider, admin):
    run = drafting.order(source_with(2), by=admin, models=["a", "b", "a"], candidates=2)
    assert run.calls.count() == 8
    assert len(set(run.calls.values_list("key", flat=True))) == 8


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"prompt": "../../settings"}, "unknown_prompt"),
        ({"budget": Decimal(1)}, "price_unknown"),
        ({"budget": Decimal(-1), "params": PRICES}, "bad_price"),
        ({"params": {"price_in": "NaN", "price_out": "1"}}, "bad_price"),
        ({"params": {"price_in": "1"}}, "bad_price"),
        ({"params": {"messages": []}}, "bad_params"),
        ({"params": {"max_tokens": 10**9}}, "bad_params"),
        ({"params": {"temperature": {}}}, "bad_params"),
        ({"candidates": 99}, "bad_order"),
        ({"limit": 0}, "bad_order"),
        ({"models": ["x" * 300]}, "bad_order"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_leaves_nothing(provider, admin, fields, code):
    source = source_with(1)
    with pytest.raises(Refused) as refused:
        drafting.order(source, by=admin, **fields)
    assert refused.value.code == code
    assert not DraftRun.objects.exists()
    assert not Pair.objects.exists()


@pytest.mark.django_db
def test_without_a_provider_an_order_is_refused_and_says_what_to_set(admin, settings, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = "", "some-model"
    with pytest.raises(Refused, match=r"OPENAI_API_KEY.*OPENAI_MODEL") as refused:
        drafting.order(source_with(1), by=admin)
    assert refused.value.code == "no_provider"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567")
    settings.OPENAI_MODEL = ""
    with pytest.raises(Refused) as refused:
        drafting.order(source_with(1), by=admin)
    assert refused.value.code == "no_provider"


@pytest.mark.django_db
def test_a_second_order_finds_nothing_to_draft(provider, admin):
    source = source_with(2)
    drafting.order(source, by=admin)
    with pytest.raises(Refused) as refused:
        drafting.order(source, by=admin)
    assert refused.value.code == "nothing_to_draft"
    with pytest.raises(Refused) as refused:
        drafting.order(make_source(reply="source"), by=admin)
    assert refused.value.code == "own_answers"


@pytest.mark.django_db(transaction=True)
def test_a_prompt_once_used_never_changes(provider, admin):
    first, again = drafting.prompt(), drafting.prompt("reply_0001")
    assert first == again == PromptVersion.objects.get()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PromptVersion.objects.update(text="x")


# --- working off ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_run_makes_a_draft_a_pair_and_pays_for_each_once(provider, admin):
    source = source_with(25, system_prompt="多用短句。")
    run = work(drafting.order(source, by=admin))
    assert (run.state, run.error_code) == ("succeeded", "")
    assert Counter(Pair.objects.values_list("status", "output", "version")) == {("pending", GOOD, 2): 25}
    assert_paid_once(provider, run)
    call = run.calls.order_by("id")[0]
    assert (call.state, call.outcome, call.model_returned, call.tokens_in, call.tokens_out) == ("done", "ok", "scripted-1", 120, 40)
    assert (call.request_id, call.cost, call.raw["model"]) == ("req-1", None, "scripted-1")
    assert call.draft.model == "scripted-1"
    assert call.latency_ms >= 0
    assert all(body["messages"][0]["content"].endswith("多用短句。") for body in provider.seen)
    assert len({body["messages"][1]["content"].splitlines()[1] for body in provider.seen}) == 25  # a marker for each call


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (reply(finish="length"), "truncated"),
        (reply(None, refusal="不行"), "refused"),
        (reply(None, finish="content_filter"), "filtered"),
        (reply("  "), "empty"),
        (reply("The moon needs no bulb, it only reflects."), "wrong_language"),
        (reply("月亮坏了，找谁修？"), "echo"),
        ({"choices": []}, "unparseable"),
    ],
)
def test_a_reply_that_is_no_answer_is_paid_named_and_never_reviewed(provider, admin, behaviour, outcome):
    source = make_source()
    make_post(source, status="kept", title="月亮坏了，找谁修？")
    provider.default = behaviour
    run = work(drafting.order(source, by=admin))
    call, pair = the_call(run), Pair.objects.get()
    assert (run.state, call.state, call.outcome, call.raw) == ("succeeded", "done", outcome, behaviour)
    assert (pair.status, pair.failure, Draft.objects.count()) == ("failed", outcome, 0)


@pytest.mark.django_db(transaction=True)
def test_a_failed_pair_can_be_ordered_again_as_a_new_purchase(provider, admin):
    source = source_with(1)
    provider.script = [reply(finish="length")]
    work(drafting.order(source, by=admin))
    with pytest.raises(Refused) as refused:
        drafting.order(source, by=admin)
    assert refused.value.code == "nothing_to_draft"
    run = work(drafting.order(source, by=admin, retry_failed=True))
    assert (Pair.objects.get().status, Pair.objects.get().failure) == ("pending", "")
    assert the_call(run).sample == 1
    assert len(provider.seen) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("busy", [error(429, "rate_limit_exceeded", **{"Retry-After": "0"}), error(500), error(503)])
def test_what_was_not_charged_is_tried_again_as_a_new_row(provider, admin, busy):
    provider.script = [busy, busy]
    run = work(drafting.order(source_with(1), by=admin))
    assert list(run.calls.values_list("attempt", "state")) == [(1, "failed"), (2, "failed"), (3, "done")]
    assert Pair.objects.get().status == "pending"
    assert_paid_once(provider, run)


@pytest.mark.django_db(transaction=True)
def test_trying_again_has_an_end(provider, admin, monkeypatch):
    monkeypatch.setattr(ledger, "DEFAULT_TRIES", 3)
    provider.default = error(500)
    run = work(drafting.order(source_with(1), by=admin))
    assert (run.state, len(provider.seen)) == ("succeeded", 3)
    assert Pair.objects.get().failure == "provider_error"


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_says_when_is_not_asked_before(provider, admin):
    provider.script = [error(429, "rate_limit_exceeded", **{"Retry-After": "30"})]
    run = drafting.order(source_with(12), by=admin)
    began = time.monotonic()
    drafting.work_off(run.pk)
    run.refresh_from_db()
    assert time.monotonic() - began < 5
    assert run.state == "running"
    assert 20 < (run.not_before - timezone.now()).total_seconds() <= 30
    assert run.pk not in drafting_work.runs_to_hint()
    drafting.work_off(run.pk)
    assert len(provider.seen) <= drafting_work.IN_FLIGHT
    limits.forget()
    DraftRun.objects.update(not_before=None)
    ModelCall.objects.update(not_before=None)
    assert run.pk in drafting_work.runs_to_hint()
    assert work(run).state == "succeeded"
    assert Pair.objects.filter(status="pending").count() == 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (error(401, "invalid_api_key"), "bad_key"),
        (error(404, "model_not_found"), "model_not_found"),
        (error(429, "insufficient_quota"), "no_quota"),
    ],
)
def test_what_no_call_can_survive_ends_the_run_and_the_rest_stays_orderable(provider, admin, behaviour, code):
    provider.default = behaviour
    source = source_with(40)
    run = work(drafting.order(source, by=admin))
    assert (run.state, run.error_code) == ("failed", code)
    assert len(provider.seen) <= drafting_work.FEELERS
    assert "CANARY" not in run.error_detail
    assert not run.calls.under_way().exists()
    assert drafting.waiting_count(source) == 40
    provider.default = reply()
    again = work(drafting.order(source, by=admin))
    assert (again.state, Pair.objects.filter(status="pending").count()) == ("succeeded", 40)


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_is_not_there_ends_the_run_with_its_name(provider, admin, monkeypatch, settings):
    monkeypatch.setattr(ledger, "DEFAULT_TRIES", 2)
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    source = source_with(3)
    run = work(drafting.order(source, by=admin))
    assert (run.state, run.error_code) == ("failed", "unreachable")
    assert drafting.waiting_count(source) == 3


@pytest.mark.django_db(transaction=True)
def test_a_call_of_unknown_fate_is_not_repeated_until_a_person_releases_it(provider, admin):
    source = source_with(2)
    provider.script = [reset]
    run = work(drafting.order(source, by=admin))
    lost = run.calls.get(state="unknown")
    assert (run.state, lost.error_code, lost.pair.status, lost.pair.failure) == ("succeeded", "connection_lost", "failed", "unknown_call")
    for retry_failed in (False, True):
        with pytest.raises(Refused):
            drafting.order(source, by=admin, retry_failed=retry_failed)
    assert len(provider.seen) == 2

    drafting.release(lost, by=admin)
    with pytest.raises(StaleState):
        drafting.release(lost, by=admin)
    run = work(run)
    lost.refresh_from_db()
    assert (run.state, lost.state, lost.released_by) == ("succeeded", "failed", admin)
    assert Counter(Pair.objects.values_list("status", flat=True)) == {"pending": 2}
    assert_paid_once(provider, run)
    assert AuditEntry.objects.filter(action="call_released").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_read_timeout_is_of_unknown_fate(provider, admin, settings):
    settings.LLM_TIMEOUT, provider.default = 0.3, late(1.0)
    run = work(drafting.order(source_with(1), by=admin))
    assert (the_call(run).state, the_call(run).error_code) == ("unknown", "timeout")


# --- crashes ----------------------------------------------------------------------------------------------------------
def taken(run) -> list[ModelCall]:
    """A worker claims, commits `sending`, and is never heard of again."""
    claimed = DraftRun.claim(run.pk)
    calls = ledger.take(claimed, uuid.uuid4(), 8, limits.grant).calls
    assert calls
    return calls


def worker_dies():
    past = timezone.now() - timedelta(seconds=1)
    DraftRun.objects.filter(state="running").update(lease_until=past)
    ModelCall.objects.filter(state="sending").update(lease_until=past)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_before_the_reply_leaves_unknown_calls_and_the_rest_goes_on(provider, admin):
    run = drafting.order(source_with(12), by=admin)
    calls = taken(run)
    for call in calls:
        llm.complete(requesting.request_of(call))  # paid, and then the worker is killed
    assert run.pk not in drafting_work.runs_to_hint() or run.calls.filter(state="queued").exists()
    worker_dies()
    assert run.pk in drafting_work.runs_to_hint()
    run = work(run)
    assert run.state == "succeeded"
    assert Counter(run.calls.values_list("state", flat=True)) == {"unknown": 8, "done": 4}
    assert Counter(Pair.objects.values_list("status", "failure")) == {("failed", "unknown_call"): 8, ("pending", ""): 4}
    assert_paid_once(provider, run)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_after_the_reply_is_stored_loses_nothing(provider, admin):
    run = drafting.order(source_with(3), by=admin)
    for call in taken(run):
        assert ledger.answered([(call, llm.complete(requesting.request_of(call)))])
    assert set(Pair.objects.values_list("status", flat=True)) == {"drafting"}
    worker_dies()
    run = work(run)
    assert (run.state, len(provider.seen)) == ("succeeded", 3)
    assert Counter(Pair.objects.values_list("status", flat=True)) == {"pending": 3}


@pytest.mark.django_db(transaction=True)
def test_a_paid_reply_survives_a_database_that_is_away_for_a_moment(provider, admin, monkeypatch):
    real, away = ledger.answered, [OperationalError("gone"), OperationalError("gone")]

    def answered(answers):
        if away:
            raise away.pop()
        return real(answers)

    monkeypatch.setattr(ledger, "answered", answered)
    run = work(drafting.order(source_with(1), by=admin))
    assert (the_call(run).outcome, away) == ("ok", [])


@pytest.mark.django_db(transaction=True)
def test_landing_a_reply_twice_makes_one_draft(provider, admin):
    run = work(drafting.order(source_with(1), by=admin))
    landing.land([the_call(run).pk])
    ModelCall.objects.update(outcome="")
    assert landing.land_stored() == 1
    assert (Draft.objects.count(), Pair.objects.get().version, the_call(run).outcome) == (1, 2, "ok")


@pytest.mark.django_db(transaction=True)
def test_a_late_reply_with_its_own_token_still_counts(provider, admin):
    run = drafting.order(source_with(1), by=admin)
    [call] = taken(run)
    worker_dies()
    assert ledger.expire() == 1
    assert Pair.objects.get().failure == "unknown_call"
    assert ledger.answered([(call, llm.complete(requesting.request_of(call)))])
    landing.land([call.pk])
    assert (the_call(run).state, Pair.objects.get().status, Pair.objects.get().failure) == ("done", "pending", "")


@pytest.mark.django_db(transaction=True)
def test_a_late_reply_after_a_release_is_dropped(provider, admin):
    run = drafting.order(source_with(1), by=admin)
    [call] = taken(run)
    worker_dies()
    ledger.expire()
    drafting.release(ModelCall.objects.get(), by=admin)
    assert not ledger.answered([(call, llm.complete(requesting.request_of(call)))])
    assert Draft.objects.count() == 0


@pytest.mark.django_db
def test_the_database_refuses_a_second_open_call_of_one_key(provider, admin):
    run = drafting.order(source_with(1), by=admin)
    with pytest.raises(DatabaseError, match="call_paid_once"), transaction.atomic():
        ledger.again(the_call(run))


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_worker_is_lost_three_times_is_quarantined_and_orderable(provider, admin):
    source = source_with(1)
    run = drafting.order(source, by=admin)
    for _ in range(3):
        assert DraftRun.claim(run.pk)
        DraftRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not drafting.work_off(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, provider.seen) == ("failed", "worker_lost", [])
    assert work(drafting.order(source, by=admin)).state == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_one_run_call_each_key_once(provider, admin):
    run = drafting.order(source_with(60), by=admin)
    provider.default = late(0.03)
    keeper = DraftRun.claim(run.pk)
    workers = [drafting_work.Worker(keeper if n == 0 else run, keeper=n == 0) for n in range(4)]

    def go(worker):
        worker.work()
        connection.close()

    threads = [threading.Thread(target=go, args=(worker,)) for worker in workers]
    [t.start() for t in threads]
    [t.join(30) for t in threads]
    run.refresh_from_db()
    assert Counter(run.calls.values_list("state", "outcome", "error_code")) == {("done", "ok", ""): 60}
    assert (run.state, len(provider.seen), Draft.objects.count()) == ("succeeded", 60, 60)
    assert len(set(ModelCall.objects.values_list("lease_token", flat=True))) > 1  # they did share it
    assert_paid_once(provider, run)


@pytest.mark.django_db(transaction=True)
def test_doubled_hints_in_one_process_are_one_worker(provider, admin):
    run = drafting.order(source_with(10), by=admin)
    provider.default = late(0.1)

    def go():
        drafting.work_off(run.pk)
        connection.close()

    threads = [threading.Thread(target=go) for _ in range(5)]
    [t.start() for t in threads]
    [t.join(30) for t in threads]
    assert len(set(ModelCall.objects.values_list("lease_token", flat=True))) == 1
    assert_paid_once(provider, run)


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_a_reply_is_waited_for(provider, admin):
    counts = []

    def slow(handler):
        time.sleep(0.3)
        with connection.cursor() as cursor:  # this thread's own connection is one of them
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            counts.append(cursor.fetchone()[0])
        connection.close()
        handler.answer(200, reply())

    provider.default = slow
    work(drafting.order(source_with(1), by=admin))
    assert counts == [2]  # the worker's main loop, and the one that asks


# --- controlling ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_pausing_stops_sending_and_resuming_goes_on(provider, admin):
    run = drafting.order(source_with(30), by=admin)
    provider.default = late(0.2)
    thread = threading.Thread(target=lambda: (drafting.work_off(run.pk), connection.close()))
    thread.start()
    while not provider.seen:
        time.sleep(0.01)
    drafting.pause(run, by=admin)
    thread.join(10)
    seen = len(provider.seen)
    assert seen < 30
    assert not run.calls.filter(state="sending").exists()
    assert Draft.objects.count() == seen  # what was under way has arrived
    assert run.pk not in drafting_work.runs_to_hint()
    drafting.resume(run, by=admin)
    provider.default = reply()
    assert work(run).state == "succeeded"
    assert_paid_once(provider, run)


@pytest.mark.django_db(transaction=True)
def test_what_a_stopped_run_had_not_sent_can_be_ordered_anew(provider, admin):
    source = source_with(3)
    run = drafting.stop(drafting.order(source, by=admin), by=admin)
    assert (run.state, drafting.waiting_count(source)) == ("stopped", 3)
    assert run.pk not in drafting_work.runs_to_hint()
    for act in (drafting.pause, drafting.stop):
        with pytest.raises(StaleState):
            act(run, by=admin)
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["draft_run_ordered", "draft_run_stopped"]
    assert work(drafting.order(source, by=admin)).state == "succeeded"
    assert (len(provider.seen), run.calls.count()) == (3, 0)  # taken over
    with pytest.raises(StaleState):
        drafting.resume(run, by=admin)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_end_finishes_what_is_under_way(provider, admin):
    run = drafting.order(source_with(30), by=admin)
    provider.default = late(0.2)
    thread = threading.Thread(target=lambda: (drafting.work_off(run.pk), connection.close()))
    thread.start()
    while not provider.seen:
        time.sleep(0.01)
    drafting_work.closing.set()
    thread.join(10)
    run.refresh_from_db()
    assert (run.state, run.calls.filter(state="sending").count()) == ("running", 0)
    assert 0 < run.calls.filter(state="done").count() < 30
    drafting_work.closing.clear()
    assert run.pk in drafting_work.runs_to_hint()
    assert work(run).state == "succeeded"


# --- money ------------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_what_was_spent_is_what_the_usage_cost(provider, admin):
    run = work(drafting.order(source_with(3), by=admin, budget=Decimal(1), params=PRICES))
    assert set(run.calls.values_list("cost", flat=True)) == {Decimal("0.002")}  # 120 × 10 + 40 × 20 per million
    assert (run.spent, run.reserved, run.currency) == (Decimal("0.006"), 0, "USD")


@pytest.mark.django_db(transaction=True)
def test_the_budget_is_never_passed_and_ends_the_run(provider, admin):
    run = drafting.order(source_with(60), by=admin, budget=Decimal("0.1"), params=PRICES)
    run = work(run)
    assert (run.state, run.error_code) == ("stopped", "budget_reached")
    assert 0 < run.spent <= Decimal("0.1")
    assert run.reserved == 0
    assert run.spent == Decimal("0.002") * len(provider.seen)
    assert Pair.objects.filter(status="drafting").count() == 60 - len(provider.seen)
    assert_paid_once(provider, run)


@pytest.mark.django_db(transaction=True)
def test_many_who_reserve_at_once_never_pass_the_cap(provider, admin):
    run = drafting.order(source_with(1), by=admin, budget=Decimal("1"), params=PRICES)
    won = []

    def spend():
        for _ in range(10):
            if budgets.reserve(run, Decimal("0.03")):
                won.append(1)
        connection.close()

    threads = [threading.Thread(target=spend) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    run.refresh_from_db()
    assert (len(won), run.reserved) == (33, Decimal("0.99"))


@pytest.mark.django_db(transaction=True)
def test_a_lost_call_keeps_its_reservation_and_its_release_counts_it_as_spent(provider, admin):
    run = drafting.order(source_with(1), by=admin, budget=Decimal("1"), params=PRICES)
    taken(run)
    worker_dies()
    ledger.expire()
    run.refresh_from_db()
    held = run.reserved
    assert held > 0
    drafting.release(ModelCall.objects.get(), by=admin)
    run.refresh_from_db()
    assert (run.spent, run.reserved) == (held, 0)
    assert work(run).spent == held + Decimal("0.002")


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_overruns_its_limit_does_not_break_the_books(provider, admin):
    body = reply()
    body["usage"]["completion_tokens"] = 10_000_000
    provider.default = body
    run = work(drafting.order(source_with(1), by=admin, budget=Decimal("0.1"), params=PRICES))
    assert (the_call(run).cost, run.spent, run.reserved) == (Decimal("200.0012"), Decimal("0.1"), 0)
    assert Pair.objects.get().status == "pending"
