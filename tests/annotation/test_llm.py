import json
import logging
import socket
import subprocess
import sys
import time

import httpx2
import pytest

from annotation import llm, providers
from annotation.llm import Ambiguous, GiveUp, RetryLater, StopAll

from .provider import cut, error, late, reply, reset, text

REQUEST = llm.Request("attempt-1", "scripted", [{"role": "user", "content": "问"}], {"max_tokens": 64})


def test_one_call_is_one_request_with_the_attempts_id_and_no_unasked_fields(provider):
    answer = llm.complete(REQUEST)
    assert answer.raw["choices"][0]["message"]["content"] == reply()["choices"][0]["message"]["content"]
    assert answer.request_id == "req-1"
    assert provider.attempts() == ["attempt-1"]
    assert provider.seen == [{"model": "scripted", "messages": [{"role": "user", "content": "问"}], "max_tokens": 64}]


def test_openai_itself_also_gets_the_attempt_as_metadata_of_a_stored_completion(settings):
    settings.OPENAI_BASE_URL = ""
    sent = llm._arguments(REQUEST, providers.named("openai"))["extra_body"]
    assert sent["metadata"] == {"attempt": "attempt-1"}
    assert sent["store"] is True
    assert sent["max_completion_tokens"] == 64
    assert "max_tokens" not in sent


@pytest.mark.parametrize(
    ("behaviour", "kind", "code"),
    [
        (error(401, "invalid_api_key"), StopAll, "bad_key"),
        (error(403, "unsupported_country"), StopAll, "forbidden"),
        (error(404, "model_not_found"), StopAll, "model_not_found"),
        (error(400, "model_not_found"), StopAll, "model_not_found"),
        (error(429, "insufficient_quota"), StopAll, "no_quota"),
        (error(402), StopAll, "no_quota"),
        (error(400, "unsupported_parameter"), StopAll, "bad_params"),
        (error(302, Location="http://127.0.0.1:1/"), StopAll, "model_not_found"),
        (error(400, "context_length_exceeded"), GiveUp, "too_long"),
        (error(400, "content_policy_violation"), GiveUp, "filtered"),
        (error(400, "content_filter"), GiveUp, "filtered"),
        (error(422), GiveUp, "bad_request"),
        (error(429, "rate_limit_exceeded"), RetryLater, "rate_limited"),
        (error(409), RetryLater, "provider_error"),
        (error(500), RetryLater, "provider_error"),
        (text("<h1>busy</h1>", status=503), RetryLater, "provider_error"),
        (error(504), Ambiguous, "timeout"),
        (reset, Ambiguous, "connection_lost"),
        (cut, Ambiguous, "connection_lost"),
    ],
)
def test_an_error_says_what_it_means_for_the_ledger_and_is_not_retried_here(provider, behaviour, kind, code):
    provider.default = behaviour
    with pytest.raises(llm.ProviderError) as raised:
        llm.complete(REQUEST)
    assert (type(raised.value), raised.value.code) == (kind, code)
    assert len(provider.seen) == 1


@pytest.mark.parametrize(
    ("header", "after"), [("1", 1), ("30", 30), ("999999", 3600), ("-5", 0), ("soon", None), ("nan", None), ("", None)]
)
def test_a_busy_provider_says_when_to_come_back(provider, header, after):
    provider.default = error(429, "rate_limit_exceeded", **{"Retry-After": header})
    with pytest.raises(RetryLater) as raised:
        llm.complete(REQUEST)
    assert raised.value.after == after


def test_a_provider_that_is_not_there_was_not_paid(settings, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(RetryLater, match="unreachable"):
        llm.complete(REQUEST)


def test_a_read_timeout_is_ambiguous_and_comes_in_time(provider, settings):
    settings.LLM_TIMEOUT, provider.default = 0.4, late(3)
    began = time.monotonic()
    with pytest.raises(Ambiguous, match="timeout"):
        llm.complete(REQUEST)
    assert time.monotonic() - began < 2


def test_a_reply_that_drips_is_cut_off(provider, settings):
    settings.LLM_TIMEOUT = 0.6

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(30):
            handler.wfile.write(b"{")
            handler.wfile.flush()
            time.sleep(0.1)

    provider.default = drip
    began = time.monotonic()
    with pytest.raises(Ambiguous, match="timeout"):
        llm.complete(REQUEST)
    assert time.monotonic() - began < 2


def test_a_reply_without_end_is_cut_off(provider):
    provider.default = text("x" * (llm.MAX_BYTES + 100))
    with pytest.raises(Ambiguous, match="reply_too_big"):
        llm.complete(REQUEST)


@pytest.mark.parametrize("body", ["<html>hello</html>", '{"choices": [{"mess', "", "[" * 100_000])
def test_a_reply_that_is_no_json_is_kept_as_text(provider, body):
    provider.default = text(body)
    assert llm.complete(REQUEST).raw == {"text": body}


def test_what_postgresql_refuses_is_replaced(provider):
    provider.default = text('{"a": "\\u0000\\ud800", "b": NaN, "c": 1e999, "d": ' + "9" * 30 + "}", kind="application/json")
    assert llm.complete(REQUEST).raw == {"a": "\ufffd\ufffd", "b": "NaN", "c": "inf", "d": "9" * 30}


def test_the_key_is_in_no_message_and_no_log(provider, caplog):
    provider.default = error(401, "invalid_api_key", message="Incorrect API key provided: sk-CANARY0123456789, Bearer sk-CANARY0123456789")
    with caplog.at_level(logging.DEBUG), pytest.raises(StopAll) as raised:
        llm.complete(REQUEST)
    assert provider.headers[0]["authorization"] == "Bearer sk-CANARY0123456789"
    assert "CANARY" not in raised.value.detail + str(raised.value) + repr(raised.value)
    assert "CANARY" not in caplog.text


def test_a_key_that_no_header_can_carry_stops_all(provider, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "密钥")
    with pytest.raises(StopAll, match="bad_settings"):
        llm.complete(REQUEST)
    assert provider.seen == []


def test_a_proxy_of_the_environment_is_not_for_loopback(provider, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    llm._idle.clear()
    assert llm.complete(REQUEST).raw["model"] == "scripted-1"


@pytest.fixture(scope="module")
def mock():
    """llmock, a provider that is not of our making."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llmock.cli", "serve", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
    deadline = time.monotonic() + 30
    while True:
        try:
            client.get("/health")
            break
        except httpx2.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield client
    process.terminate()
    process.wait(10)


@pytest.fixture
def llmock_provider(mock, settings, monkeypatch):
    mock.post("/_llmock/reset")
    settings.OPENAI_BASE_URL, settings.LLM_TIMEOUT = f"{str(mock.base_url).rstrip('/')}/v1", 5.0
    monkeypatch.setenv("OPENAI_API_KEY", "anything")
    return mock


def test_a_foreign_server_of_the_same_protocol_answers(llmock_provider):
    llmock_provider.post("/_llmock/scenario", json={"behaviors": [{"type": "reply", "text": "好的。"}]})
    answer = llm.complete(REQUEST)
    assert answer.raw["choices"][0]["message"]["content"] == "好的。"
    assert answer.raw["choices"][0]["finish_reason"] == "stop"
    assert answer.raw["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("fault", "kind"),
    [({"status": 429, "retry_after": 2}, RetryLater), ({"status": 500}, RetryLater), ({"status": 401}, StopAll), ({"status": 400}, GiveUp)],
)
def test_a_foreign_servers_errors_are_understood_too(llmock_provider, fault, kind):
    llmock_provider.post("/_llmock/scenario", json={"behaviors": [{"type": "fail", **fault}]})
    with pytest.raises(kind) as raised:
        llm.complete(REQUEST)
    if "retry_after" in fault:
        assert raised.value.after == 2
    sent = llmock_provider.get("/_llmock/requests").json()
    assert len(json.loads(json.dumps(sent)).get("requests", sent)) == 1
