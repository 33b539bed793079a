"""The ways in which a provider can answer, one by one, and what each comes to: for the call, for its pair, for the run."""

import socket

import pytest

from annotation import drafting, drafting_work, ledger, limits
from annotation.models import Draft, Pair
from tests.annotation.provider import cut, error, late, reply, reset, text
from tests.annotation.test_drafting import source_with, work

pytestmark = pytest.mark.django_db(transaction=True)
ENGLISH = "The moon needs no bulb, because it only reflects the light of the sun."
AGAIN = ("done", "ok", "pending", "", "succeeded", 2)  # what a second attempt comes to
BEHAVIOURS = {
    "200 ok": ([reply()], ("done", "ok", "pending", "", "succeeded", 1)),
    "429 retry-after 1": ([error(429, "rate_limit_exceeded", **{"Retry-After": "1"}), reply()], AGAIN),
    "429 retry-after 30": ([error(429, "rate_limit_exceeded", **{"Retry-After": "30"})], ("queued", "", "drafting", "", "running", 1)),
    "429 retry-after 3600": ([error(429, "rate_limit_exceeded", **{"Retry-After": "3600"})], ("queued", "", "drafting", "", "running", 1)),
    "429 without header": ([error(429, "rate_limit_exceeded"), reply()], AGAIN),
    "429 insufficient_quota": ([error(429, "insufficient_quota")], ("failed", "no_quota", "drafting", "", "failed", 1)),
    "401": ([error(401, "invalid_api_key")], ("failed", "bad_key", "drafting", "", "failed", 1)),
    "403 region": ([error(403, "unsupported_country_region_territory")], ("failed", "forbidden", "drafting", "", "failed", 1)),
    "404 model gone": ([error(404, "model_not_found")], ("failed", "model_not_found", "drafting", "", "failed", 1)),
    "400 context too long": ([error(400, "context_length_exceeded")], ("failed", "too_long", "failed", "too_long", "succeeded", 1)),
    "400 content policy": ([error(400, "content_policy_violation")], ("failed", "filtered", "failed", "filtered", "succeeded", 1)),
    "409": ([error(409), reply()], AGAIN),
    "500": ([error(500), reply()], AGAIN),
    "503 with HTML": ([text("<h1>busy</h1>", status=503), reply()], AGAIN),
    "read timeout": ([late(1.2)], ("unknown", "timeout", "failed", ledger.UNKNOWN, "succeeded", 1)),
    "reset mid-body": ([reset], ("unknown", "connection_lost", "failed", ledger.UNKNOWN, "succeeded", 1)),
    "cut mid-body": ([cut], ("unknown", "connection_lost", "failed", ledger.UNKNOWN, "succeeded", 1)),
    "truncated JSON": ([text('{"choices": [{"mess')], ("done", "unparseable", "failed", "unparseable", "succeeded", 1)),
    "empty choices": ([{"choices": []}], ("done", "unparseable", "failed", "unparseable", "succeeded", 1)),
    "content null, refusal": ([reply(None, refusal="不行")], ("done", "refused", "failed", "refused", "succeeded", 1)),
    "finish_reason length": ([reply(finish="length")], ("done", "truncated", "failed", "truncated", "succeeded", 1)),
    "content_filter, empty": ([reply("", finish="content_filter")], ("done", "filtered", "failed", "filtered", "succeeded", 1)),
    "in English": ([reply(ENGLISH)], ("done", "wrong_language", "failed", "wrong_language", "succeeded", 1)),
    "echo": (["echo"], ("done", "echo", "failed", "echo", "succeeded", 1)),
    "another model": ([reply(model="another-1")], ("done", "ok", "pending", "", "succeeded", 1)),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch, settings):
    monkeypatch.setattr(drafting_work, "BEAT", 0.2)
    monkeypatch.setattr(drafting_work.random, "uniform", lambda low, high: 0.05)
    drafting_work.closing.clear()


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_each_way_of_answering_has_its_outcome(provider, admin, settings, name):
    script, expected = BEHAVIOURS[name]
    settings.LLM_TIMEOUT = 0.5
    source = source_with(1)
    title = source.posts.get().title
    provider.script = [reply(title) if each == "echo" else each for each in script]
    run = drafting.order(source, by=admin)
    if expected[4] == "running":
        drafting.work_off(run.pk)
        run.refresh_from_db()
    else:
        run = work(run)
    call, pair = run.calls.order_by("-id")[0], Pair.objects.get()
    code = call.outcome or call.error_code
    assert (call.state, code, pair.status, pair.failure, run.state, len(provider.seen)) == expected
    assert Draft.objects.count() == (call.outcome == "ok")
    assert sorted(provider.attempts()) == sorted(map(str, run.calls.exclude(state="queued").values_list("attempt_id", flat=True)))
    if name == "another model":
        assert (call.model, call.model_returned, call.draft.model) == ("scripted", "another-1", "another-1")
    if run.state == "failed":
        assert run.error_code == code
        assert drafting.waiting_count(source) == 1  # nothing is lost


@pytest.mark.parametrize("address", ["refused", "hangs"])
def test_an_address_where_nobody_answers_ends_the_run_by_name_and_costs_nothing(provider, admin, settings, monkeypatch, address):
    monkeypatch.setattr(ledger, "DEFAULT_TRIES", 2)
    settings.LLM_TIMEOUT = 0.5
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if address == "hangs":  # a queue that is full: connecting takes for ever
            listener.listen(0)
            full = [socket.socket() for _ in range(3)]
            for each in full:
                each.setblocking(False)
                each.connect_ex(listener.getsockname())
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        limits.forget()
        run = work(drafting.order(source_with(1), by=admin))
    assert (run.state, run.error_code) == ("failed", "unreachable")
    assert set(run.calls.values_list("state", flat=True)) == {"failed"}
