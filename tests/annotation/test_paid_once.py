"""What holds when workers die, providers misbehave and limits are tight: with real processes, and the full sizes as `soak`."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from annotation import drafting, ledger, limits, pricing
from annotation.models import Draft, ModelCall, Pair
from sources.models import Post
from tests.annotation.provider import late
from tests.builders import make_run, make_source
from tests.processes.conftest import REPLY
from tests.processes.conftest import Provider as Llmock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
ROOT = Path(__file__).resolve().parents[2]
soak = pytest.mark.soak


def posts(count):
    source = make_source()
    run = make_run(source, created=count)
    Post.objects.bulk_create(
        Post(source=source, run=run, row=n, external_id=str(n), content_hash=f"h{n}", status="kept", title=f"月亮坏了，找谁修？{n}")
        for n in range(count)
    )
    return source


def crew(settings, patience=240, **order):
    """Start workers of their own processes at this test's database, and wait for their end."""
    name = connection.settings_dict["NAME"]
    environment = os.environ | {
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/zhumo?", f"/{name}?"), "DJANGO_SETTINGS_MODULE": "cqia.settings",
        "OPENAI_BASE_URL": settings.OPENAI_BASE_URL, "OPENAI_MODEL": "scripted", "LLM_TIMEOUT": str(settings.LLM_TIMEOUT),
        "LOG_LEVEL": "CRITICAL",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.annotation.crew", json.dumps(order)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=patience)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def twice_without_a_reason():
    """Attempts after the first whose forerunner does not say why it came to nothing."""
    for call in ModelCall.objects.filter(attempt__gt=1):
        before = ModelCall.objects.filter(key=call.key, attempt=call.attempt - 1).first()
        if before is None or before.state != "failed" or not (before.error_code or before.released_by_id):
            yield call


@pytest.mark.parametrize(("keys", "kills"), [(80, 12), pytest.param(300, 60, marks=soak)])
def test_workers_that_are_killed_call_no_key_twice_and_leave_the_doubtful_ones_listed(provider, admin, settings, tmp_path, keys, kills):
    provider.default = late(0.25)
    run = drafting.order(posts(keys), by=admin)
    order = {"run": run.pk, "workers": 3, "kills": kills, "pause": 0.6, "lease": 1.5, "beat": 0.2, "in_flight": 2, "ahead": 0}
    assert crew(settings, **order, seed=random.randrange(10**6))["kills"] == kills
    run.refresh_from_db()
    calls = Counter(run.calls.values_list("state", flat=True))
    assert run.state == "succeeded", (run.state, run.error_code, calls)
    assert calls["done"] + calls["unknown"] == keys
    sent = Counter(provider.attempts())
    assert set(sent.values()) == {1}
    assert len(sent) <= keys
    assert set(sent) <= set(map(str, run.calls.values_list("attempt_id", flat=True)))
    assert not list(twice_without_a_reason())
    listed = Pair.objects.filter(status="failed", failure=ledger.UNKNOWN).count()
    assert listed == calls["unknown"]
    assert Pair.objects.filter(status="pending").count() == Draft.objects.count() == calls["done"]
    assert calls["unknown"] > 0  # or nobody was killed at work
    paid_and_lost = len(sent) - calls["done"]
    print(f"{keys} keys, {kills} kills: {calls['done']} answered, {calls['unknown']} in doubt, of which {paid_and_lost} were paid")  # noqa: T201

    provider.headers.clear()
    crew(settings, naive=str(tmp_path), keys=[f"key-{n}" for n in range(keys)], kills=max(6, kills // 4), workers=1, pause=1.5)
    assert max(Counter(provider.attempts()).values()) > 1  # call first, mark afterwards: pays twice


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=soak)])
def test_a_provider_that_fails_in_many_ways_leaves_nothing_lost_or_unexplained(admin, settings, monkeypatch, count):
    chaos = ["--error-rate-429", "0.10", "--error-rate-500", "0.03"]
    server = Llmock(latency=30, options=chaos, script=list(script(count // 50)))
    try:
        settings.OPENAI_BASE_URL, settings.OPENAI_MODEL, settings.LLM_TIMEOUT = server.url + "/v1", "scripted", 2.0
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-tests")
        limits.forget()
        run = drafting.order(posts(count), by=admin)
        crew(settings, patience=1_600, run=run.pk, workers=2, seconds=1_500)  # so many 429 slow it down to some 100 calls a minute
        run.refresh_from_db()
        calls = run.calls
        print(run.state, Counter(calls.values_list("state", "outcome", "error_code")))  # noqa: T201
        assert run.state == "succeeded"
        assert Pair.objects.count() == count
        named = Counter(Pair.objects.values_list("status", "failure"))
        assert set(named) <= {("pending", ""), ("failed", "truncated"), ("failed", ledger.UNKNOWN), ("failed", "provider_error")}, named
        assert named["failed", "truncated"] > 0
        assert named["failed", ledger.UNKNOWN] == calls.filter(state="unknown").count() > 0
        assert not calls.filter(state__in=["queued", "sending"]).exists()
        assert not list(twice_without_a_reason())
        assert calls.filter(state="failed", error_code="rate_limited").count() > count * 0.05
        assert len(server.requests()) == calls.count()
    finally:
        server.process.terminate()
        server.process.wait(10)


def script(of_each):
    """One slow and one truncated reply among fifty."""
    for _ in range(of_each):
        yield {"type": "delay", "seconds": 0, "times": 49}
        yield {"type": "delay", "seconds": 4, "times": 1}
        yield {"type": "reply", "text": REPLY, "times": 24}
        yield {"type": "reply", "text": REPLY, "finish_reason": "length", "times": 1}
        yield {"type": "reply", "text": REPLY, "times": 25}


@pytest.mark.parametrize("seconds", [20, pytest.param(60, marks=soak)])
def test_a_limit_is_used_and_never_passed_by_three_workers(provider, admin, settings, seconds):
    provider.default = late(0.2)
    pricing.set_limits(provider="openai", model="scripted", requests_per_minute=600, tokens_per_minute=None, by=admin)
    limits.forget()
    came = []
    real = provider.next_for
    provider.next_for = lambda *args: came.append(time.monotonic()) or real(*args)
    run = drafting.order(posts(10 * seconds + 100), by=admin)
    crew(settings, run=run.pk, workers=3, beat=1.0, slice=5, seconds=seconds + 3)
    first = came[0]
    used = sum(at - first < seconds for at in came)
    fullest = max(sum(0 <= at - start < seconds for at in came) for start in came)
    print(f"{used} of {10 * seconds} in {seconds} s, at most {fullest}")  # noqa: T201
    assert 0.95 * 10 * seconds <= used <= 10 * seconds
    assert fullest <= 10 * seconds
