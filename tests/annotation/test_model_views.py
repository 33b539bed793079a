"""Models, prices and limits on pages and by the API; a provider that cannot be used is told, with what to do, in time."""

import socket
import time
from decimal import Decimal

import pytest
from django.core.cache import cache

from accounts.models import ApiToken
from annotation import llm, offers, pricing
from annotation.models import DraftRun, Price, RateLimit
from tests.annotation.provider import Handler
from tests.annotation.test_draft_api import hints  # noqa: F401
from tests.annotation.test_draft_views import ORDER, page  # noqa: F401
from tests.annotation.test_drafting import source_with

pytestmark = pytest.mark.django_db
MODELS, ONE, OFFERED = "/drafting/models/", "/drafting/models/one/", "/drafting/models/offered/"
PRICE = {"price_in": "2", "price_out": "8", "currency": "cny"}


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()
    llm._idle.clear()


@pytest.fixture
def listed(provider, monkeypatch):
    """What the provider answers when it is asked which models it has: (status, body)."""
    said = {"status": 200, "body": {"data": [{"id": "scripted"}, {"id": "second"}]}, "asked": 0, "wait": 0.0}

    def answer(handler):
        said["asked"] += 1
        time.sleep(said["wait"])
        handler.answer(said["status"], said["body"])

    monkeypatch.setattr(Handler, "do_GET", answer, raising=False)
    return said


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- what providers say ------------------------------------------------------------------------------------------------
def test_the_list_is_shown_and_asked_once(page, listed):  # noqa: F811
    text = page.get(OFFERED).text
    assert "2 models" in text
    assert "second" in text
    page.get(OFFERED)
    assert listed["asked"] == 1
    page.get(OFFERED + "?fresh=1")
    assert listed["asked"] == 2
    assert "CANARY" not in text


@pytest.mark.parametrize(
    ("case", "said"),
    [("no_key", "The provider has no key"), ("bad_key", "refused the key"), ("unreachable", "could not be reached")],
)
def test_what_hinders_is_told_within_ten_seconds_and_nothing_is_ordered(page, listed, settings, monkeypatch, hints, case, said):  # noqa: F811
    source = source_with(1)
    if case == "no_key":
        settings.OPENAI_BASE_URL = ""
        monkeypatch.delenv("OPENAI_API_KEY")
    elif case == "bad_key":
        listed["status"], listed["body"] = 401, {"error": {"message": "Incorrect key sk-CANARY0123456789", "code": "invalid_api_key"}}
    else:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{closed_port()}/v1"
    began = time.monotonic()
    for url in (OFFERED, OFFERED + "?pick=1", MODELS + "?ask=1"):
        text = page.get(url).text
        assert said in text
        assert "CANARY" not in text
    answer = page.post(ORDER, {"source": source.slug, "model": "scripted"})
    assert answer.status_code == 400
    assert (said if case != "no_key" else "Set OPENAI_API_KEY") in answer.text
    assert time.monotonic() - began < 10
    assert (DraftRun.objects.count(), hints) == (0, [])


def test_a_provider_that_never_answers_is_given_up_within_ten_seconds(page, listed, monkeypatch):  # noqa: F811
    listed["wait"] = 30
    began = time.monotonic()
    text = page.get(OFFERED).text
    assert time.monotonic() - began < 10
    assert "No reply came in time" in text or "could not be reached" in text


def test_a_model_that_is_not_listed_is_ordered_only_when_insisted_on(page, listed, hints):  # noqa: F811
    source = source_with(1)
    answer = page.post(ORDER, {"source": source.slug, "model": "gone-3"})
    assert "does not list the model gone-3" in answer.text
    assert DraftRun.objects.count() == 0
    assert 'name="anyway"' in answer.text
    page.post(ORDER, {"source": source.slug, "model": "gone-3", "anyway": "1"})
    assert DraftRun.objects.get().model_names == ["gone-3"]


def test_a_provider_without_a_list_hinders_nobody(page, listed, hints):  # noqa: F811
    listed["status"], listed["body"] = 404, {"error": {"message": "no such page"}}
    source = source_with(1)
    page.post(ORDER, {"source": source.slug, "model": "scripted"})
    assert DraftRun.objects.count() == 1


def test_models_in_use_that_are_gone_are_named(page, listed, admin):  # noqa: F811
    pricing.set_price(provider="openai", model="gone-3", price_in=Decimal(1), price_out=Decimal(1), currency="CNY", by=admin)
    assert "not listed any more: gone-3" in page.get(OFFERED).text


def test_the_key_is_in_no_offer(provider, listed):
    (offer,) = offers.offers()
    assert "CANARY" not in repr(offer)


# --- prices and limits -------------------------------------------------------------------------------------------------
def test_a_price_is_a_new_version_and_the_old_ones_stay(page, provider):  # noqa: F811
    assert "Nobody has said what it costs" in page.get(ONE + "?model=scripted").text
    for price_in in ("2", "3"):
        assert page.post(ONE, {"model": "scripted", **PRICE, "price_in": price_in}).status_code == 302
    first, second = Price.objects.order_by("id")
    assert (first.price_in, second.price_in, second.currency, second.by.username) == (2, 3, "CNY", "admin")
    text = page.get(ONE + "?model=scripted").text
    assert "¥2.00" in text
    assert text.count("in force</span>") == 1
    assert "¥3.00 / ¥8.00" in page.get(MODELS).text


def test_a_price_of_zero_is_not_an_unknown_one(page, provider):  # noqa: F811
    page.post(ONE, {"model": "local", **PRICE, "price_in": "0", "price_out": "0"})
    assert "¥0.00 / ¥0.00" in page.get(MODELS).text
    assert "price unknown" not in page.get(MODELS).text


@pytest.mark.parametrize(
    "fields", [{"price_in": ""}, {"price_in": "-1"}, {"currency": "x"}, {"price_out": "NaN"}, {"batch_share": "2"}, {"model": "m" * 200}]
)
def test_a_bad_price_is_shown_again_and_not_kept(page, provider, fields):  # noqa: F811
    assert page.post(ONE, {"model": "scripted", **PRICE, **fields}).status_code == 400
    assert Price.objects.count() == 0


def test_limits_are_set_and_taken_away(page, provider):  # noqa: F811
    page.post(ONE, {"model": "scripted", "limits": "1", "requests_per_minute": "600", "tokens_per_minute": ""})
    assert RateLimit.objects.get().requests_per_minute == 600
    assert "600" in page.get(MODELS).text
    page.post(ONE, {"model": "scripted", "limits": "1", "requests_per_minute": "", "tokens_per_minute": ""})
    assert RateLimit.objects.get().requests_per_minute is None
    assert page.post(ONE, {"model": "scripted", "limits": "1", "requests_per_minute": "0"}).status_code == 400


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_only_admins_see_and_set(client, make_user, role):
    client.force_login(make_user(role))
    for url in (MODELS, ONE + "?model=m", OFFERED):
        assert client.get(url).status_code == 403
    assert client.post(ONE, {"model": "m", **PRICE}).status_code == 403
    assert client.post("/drafting/caps/", {"per": "day", "currency": "CNY", "amount": "1"}).status_code == 403


# --- API ---------------------------------------------------------------------------------------------------------------
def test_the_api_tells_and_sets_the_same(client, admin, listed):
    headers = {"Authorization": f"Bearer {ApiToken.issue(admin, 't')[1]}"}

    def call(method, path, body=None):
        return getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json", headers=headers)

    assert client.get("/api/v1/providers/", headers=headers).json()[0]["name"] == "openai"
    (offer,) = client.get("/api/v1/providers/models/", headers=headers).json()
    assert (offer["models"], offer["error"], offer["advice"]) == (["scripted", "second"], "", "")
    made = call("post", "prices/", {"model": "scripted", **PRICE})
    assert (made.status_code, made.json()["price_out"], made.json()["currency"]) == (201, "8.000000", "CNY")
    assert len(client.get("/api/v1/prices/?model=scripted", headers=headers).json()) == 1
    limits = call("put", "rate-limits/", {"model": "scripted", "requests_per_minute": 60, "tokens_per_minute": None})
    assert limits.json()["requests_per_minute"] == 60
    cap = call("put", "caps/", {"per": "day", "currency": "CNY", "amount": "5"})
    assert (cap.status_code, cap.json()["amount"], len(client.get("/api/v1/caps/", headers=headers).json())) == (200, "5.000000", 1)
    assert call("put", "caps/", {"per": "day", "currency": "CNY", "amount": None}).status_code == 204
    for path, body, code in [("prices/", {"model": "scripted", **PRICE, "currency": "x"}, "invalid"), ("prices/", {}, "invalid")]:
        answer = call("post", path, body)
        assert (answer.status_code, answer.json()["code"], answer["Content-Type"]) == (400, code, "application/problem+json")


def test_the_api_refuses_what_is_not_listed_unless_forced(client, admin, listed, hints):  # noqa: F811
    headers = {"Authorization": f"Bearer {ApiToken.issue(admin, 't')[1]}"}
    url = f"/api/v1/sources/{source_with(1).slug}/draft-runs/"
    answer = client.post(url, {"models": ["gone-3"]}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_offered")
    assert client.post(url, {"models": ["gone-3"], "force": True}, content_type="application/json", headers=headers).status_code == 202
