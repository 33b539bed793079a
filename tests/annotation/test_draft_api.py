import time

import pytest
from rest_framework.test import APIClient

from annotation import drafting
from annotation.models import DraftRun, ModelCall, Pair
from tests.annotation.provider import reset
from tests.annotation.test_drafting import source_with, work
from tests.builders import make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def hints(monkeypatch):
    """The ids of which workers are told."""
    told = []
    for module in ("annotation.draft_api", "annotation.draft_views", "annotation.call_views", "annotation.score_views"):
        monkeypatch.setattr(f"{module}.send_hint", lambda task, pk: told.append(pk))
    return told


@pytest.fixture
def client(admin):
    client = APIClient()
    client.force_authenticate(admin)
    return client


def test_an_order_is_accepted_and_a_worker_is_told(client, provider, hints):
    source = source_with(3)
    answer = client.post(f"/api/v1/sources/{source.slug}/draft-runs/", {"limit": 2}, format="json")
    assert answer.status_code == 202
    body = answer.json()
    assert (body["status"], body["source"], body["prompt"], body["models"]) == ("queued", source.slug, "reply_0001", ["scripted"])
    assert (body["counts"]["calls"], body["counts"]["queued"], body["cost"]) == (2, 2, None)
    assert body["estimate"]["calls"] == 2
    assert body["estimate"]["is_estimate"] is True
    assert hints == [body["id"]]
    assert client.get(f"/api/v1/draft-runs/{body['id']}/").json() == body
    assert [run["id"] for run in client.get("/api/v1/draft-runs/").json()["results"]] == [body["id"]]


def test_a_dry_run_says_what_it_would_come_to_and_writes_nothing(client, provider, hints):
    url = f"/api/v1/sources/{source_with(3).slug}/draft-runs/"
    answer = client.post(url, {"dry_run": True, "candidates": 2}, format="json")
    estimate = answer.json()["estimate"]
    assert (answer.status_code, estimate["calls"], estimate["cost"], estimate["is_estimate"]) == (200, 6, None, True)
    assert estimate["tokens"] > 6 * 300
    priced = client.post(url, {"dry_run": True, "params": {"price_in": "1", "price_out": "2"}}, format="json").json()
    assert float(priced["estimate"]["cost"]) > 0
    assert (DraftRun.objects.count(), Pair.objects.count(), provider.seen, hints) == (0, 0, [], [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"limit": 0}, 400, "invalid"),
        ({"limit": "x"}, 400, "invalid"),
        ({"models": [""]}, 400, "invalid"),
        ({"prompt": "reply_9999"}, 400, "unknown_prompt"),
        ({"budget": "1"}, 400, "price_unknown"),
        ({"budget": "NaN"}, 400, "invalid"),
        ({"params": {"price_in": "1"}}, 400, "bad_price"),
        ({"params": 5}, 400, "invalid"),
        ([], 400, "invalid"),
    ],
)
def test_a_bad_order_is_a_problem_with_a_code(client, provider, hints, body, status, code):
    answer = client.post(f"/api/v1/sources/{source_with(1).slug}/draft-runs/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (DraftRun.objects.count(), hints) == (0, [])


def test_without_a_provider_the_answer_comes_at_once_and_says_what_to_set(client, settings, monkeypatch, hints):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.OPENAI_BASE_URL = settings.OPENAI_MODEL = ""
    began = time.monotonic()
    answer = client.post(f"/api/v1/sources/{source_with(1).slug}/draft-runs/", {}, format="json")
    assert time.monotonic() - began < 1
    assert (answer.status_code, answer.json()["code"]) == (409, "no_key")
    assert "OPENAI_API_KEY" in answer.json()["detail"]


def test_sources_that_answer_for_themselves_and_empty_ones_are_conflicts(client, provider, hints):
    for source, code in [(make_source(reply="source"), "own_answers"), (make_source(), "nothing_to_draft")]:
        answer = client.post(f"/api/v1/sources/{source.slug}/draft-runs/", {}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_a_run_is_paused_resumed_and_stopped(client, provider, hints, admin):
    run = drafting.order(source_with(1), by=admin)
    url = f"/api/v1/draft-runs/{run.pk}"
    assert client.post(f"{url}/pause/").json()["status"] == "paused"
    assert client.post(f"{url}/pause/").status_code == 409
    assert client.post(f"{url}/resume/").json()["status"] == "queued"
    assert hints == [run.pk]
    stopped = client.post(f"{url}/stop/").json()
    assert (stopped["status"], stopped["is_resumable"], stopped["counts"]["unsent"]) == ("stopped", True, 1)
    taken_up = client.post(f"{url}/resume/").json()
    assert (taken_up["status"], taken_up["counts"]["queued"], taken_up["is_resumable"]) == ("queued", 1, False)
    assert client.post(f"{url}/resume/").json()["code"] == "wrong_state"
    assert client.post(f"{url}/delete/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_call_of_unknown_fate_is_shown_and_released(client, provider, hints, admin):
    provider.script = [reset]
    run = work(drafting.order(source_with(1), by=admin))
    [unknown] = client.get(f"/api/v1/draft-runs/{run.pk}/").json()["unknown_calls"]
    call = ModelCall.objects.get()
    assert (unknown["id"], unknown["attempt_id"]) == (call.pk, str(call.attempt_id))
    answer = client.post(f"/api/v1/model-calls/{call.pk}/release/")
    assert (answer.status_code, answer.json()["status"], answer.json()["counts"]["queued"]) == (200, "queued", 1)
    assert hints == [run.pk]
    assert client.post(f"/api/v1/model-calls/{call.pk}/release/").status_code == 409
    assert work(run).state == "succeeded"


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_only_admins_come_in(client, provider, hints, make_user, admin, role):
    run = drafting.order(source_with(1), by=admin)
    call = run.calls.get()
    client.force_authenticate(make_user(role))
    for method, url in [
        ("post", f"/api/v1/sources/{run.source.slug}/draft-runs/"),
        ("get", "/api/v1/draft-runs/"),
        ("get", f"/api/v1/draft-runs/{run.pk}/"),
        ("post", f"/api/v1/draft-runs/{run.pk}/stop/"),
        ("post", f"/api/v1/model-calls/{call.pk}/release/"),
    ]:
        assert getattr(client, method)(url, format="json").status_code == 403
    run.refresh_from_db()
    assert run.state == "queued"
    client.force_authenticate(None)
    assert client.get(f"/api/v1/draft-runs/{run.pk}/").status_code == 401


@pytest.mark.parametrize("pk", ["0", "999999", str(2**63), "9" * 18])
def test_what_is_not_there_is_not_found(client, provider, pk):
    assert client.get(f"/api/v1/draft-runs/{pk}/").status_code == 404
    assert client.post(f"/api/v1/draft-runs/{pk}/pause/").status_code == 404
    assert client.post(f"/api/v1/model-calls/{pk}/release/").status_code == 404
