"""Limits by token and role, and what becomes of them without Redis."""

import time
import uuid

import pytest
from rest_framework.test import APIClient

from accounts import remembering
from accounts.models import ApiToken
from datasets.models import Dataset, Version
from tests.builders import make_source

pytestmark = pytest.mark.django_db
ME, DATASETS = "/api/v1/me/", "/api/v1/datasets/"


@pytest.fixture(autouse=True)
def limits(settings, monkeypatch):
    settings.API_RATES = {"viewer": 3, "reviewer": 5}
    monkeypatch.setattr(remembering, "_silent_until", 0.0)


@pytest.fixture
def without_redis(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"


def client_of(person) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION="Bearer " + ApiToken.issue(person, "script")[1])
    return client


def test_who_asks_too_often_is_told_when_to_come_back(viewer):
    client = client_of(viewer)
    assert [client.get(ME).status_code for _ in range(3)] == [200] * 3
    refused = client.get(ME)
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused["Content-Type"] == "application/problem+json"


def test_each_token_and_role_has_its_own_limit(viewer, reviewer, admin):
    first, second = client_of(viewer), client_of(viewer)
    assert [first.get(ME).status_code for _ in range(4)][-1] == 429
    assert second.get(ME).status_code == 200
    assert [client_of(reviewer).get(ME).status_code for _ in range(4)] == [200] * 4
    unlimited = client_of(admin)
    assert {unlimited.get(ME).status_code for _ in range(20)} == {200}


def test_without_redis_nobody_waits_and_the_limit_holds_in_the_process(viewer, without_redis):
    client, begun = client_of(viewer), time.monotonic()
    assert [client.get(ME).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert time.monotonic() - begun < 1


def test_the_same_key_makes_one_version_and_the_same_answer(admin):
    client, key = client_of(admin), {"Idempotency-Key": str(uuid.uuid4())}
    first = client.post(DATASETS, {"slug": "one", "name": "一"}, format="json", headers=key)
    again = client.post(DATASETS, {"slug": "one", "name": "一"}, format="json", headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert Dataset.objects.count() == 1
    other = client.post(DATASETS, {"slug": "two", "name": "二"}, format="json", headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "same_key_other_body")
    ordered = {
        client.post(f"{DATASETS}one/versions/", {}, format="json", headers={"Idempotency-Key": str(uuid.UUID(int=7))}).content
        for _ in range(3)
    }
    assert (len(ordered), Version.objects.count()) == (1, 1)


def test_a_key_is_its_persons_own(admin, make_user):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    bodies = [{"slug": f"of-{n}", "name": "x"} for n in range(2)]
    for body, person in zip(bodies, (admin, make_user("admin", "second")), strict=True):
        assert client_of(person).post(DATASETS, body, format="json", headers=key).status_code == 201


def test_a_refusal_is_remembered_but_a_wrong_token_is_not(admin):
    make_source("jokes")
    client, key = client_of(admin), {"Idempotency-Key": str(uuid.uuid4())}
    assert APIClient().post(DATASETS, {"slug": "one", "name": "x"}, format="json", headers=key).status_code == 401
    assert client.post(DATASETS, {"slug": "", "name": "x"}, format="json", headers=key).status_code == 400
    assert client.post(DATASETS, {"slug": "", "name": "x"}, format="json", headers=key).status_code == 400
    for none in ("x", "", " "):
        refused = client.post(DATASETS, {"slug": "one", "name": "x"}, format="json", headers={"Idempotency-Key": none})
        assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
    assert not Dataset.objects.exists()


def test_without_redis_a_key_cannot_be_promised_and_nothing_is_done(admin, without_redis):
    client = client_of(admin)
    refused = client.post(DATASETS, {"slug": "one", "name": "x"}, format="json", headers={"Idempotency-Key": str(uuid.uuid4())})
    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (503, "keys_unavailable", "10")
    assert not Dataset.objects.exists()
    assert client.post(DATASETS, {"slug": "one", "name": "x"}, format="json").status_code == 201


def test_a_key_is_its_sessions_own_whatever_the_cookie_is_called(admin, make_user, settings):
    settings.SESSION_COOKIE_NAME = "__Host-session"
    key = {"Idempotency-Key": str(uuid.uuid4())}
    for person in (admin, make_user("admin", "second")):
        client = APIClient()
        client.force_login(person)
        assert client.post(DATASETS, {"slug": f"of-{person}", "name": "x"}, format="json", headers=key).status_code == 201
