"""The frame: every address answers without a server error and under the content security policy, in three languages."""

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils import timezone

from accounts.models import User
from cqia.broker import Watch
from cqia.middleware import POLICY
from cqia.views import readyz
from sources.models import Heartbeat
from tests import builders
from tests.cqia.broken_urls import ERRORS

pytestmark = pytest.mark.django_db
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
LANGUAGES = ("zh-hans", "zh-hant", "en")


def routes(patterns, prefix=""):
    """Every address of the product as a route, without those of Django's admin below its entries."""
    for pattern in patterns:
        route = prefix + (pattern.pattern._route if isinstance(pattern.pattern, RoutePattern) else "")
        if isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and isinstance(pattern.pattern, RoutePattern):
            yield route


ROUTES = sorted(set(routes(get_resolver("cqia.urls").url_patterns)))


def quiet_client(user=None, **defaults) -> Client:
    client = Client(raise_request_exception=False, **defaults)
    if user:
        client.force_login(user)
    return client


def fill(route: str, values: dict[str, str]) -> str:
    """An address of the route: what looks like an id gets the id, everything else the slug."""
    return "/" + PARAMETER.sub(lambda m: values["slug" if m[1] in ("slug", "name", "dataset", "source") else "id"], route)


def is_under_policy(response) -> bool:
    return response.headers.get("Content-Security-Policy") == POLICY


@pytest.fixture
def everything(admin):
    """One row of most kinds, each with the id 4242 or the slug `everything`."""
    source = builders.make_source("everything", id=4242)
    run = builders.make_run(source, id=4242, created=1)
    post = builders.make_post(run=run, id=4242, status="kept")
    pair = builders.make_pair(post=post, id=4242)
    builders.make_draft(pair, id=4242)
    return {"id": "4242", "slug": "everything"}


def test_there_are_addresses_to_walk():
    assert {"", "accounts/login/", "review/", "sources/", "datasets/", "api/v1/me/"} <= set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_an_admin_gets_no_server_error_anywhere_and_always_the_policy(route, admin, everything):
    client = quiet_client(admin)
    for values in (everything, {"id": "999999", "slug": "no-such-thing"}):
        response = client.get(fill(route, values))
        assert response.status_code < 500 or route == "readyz", (route, response.content[:300])
        assert is_under_policy(response)
        assert "no-store" in response.headers["Cache-Control"]


OPEN = (
    "healthz", "readyz", "metrics", "i18n/setlang/", "accounts/login/", "admin/login/", "accounts/forgotten/", "accounts/link/",
    "accounts/link/<str:secret>/", "api/v1/schema/", "api/v1/docs/",
)  # fmt: skip


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN])
def test_a_stranger_sees_nothing_but_the_door(route, everything):
    response = quiet_client().get(fill(route, everything))
    assert response.status_code in ((401, 404, 405) if route.startswith("api/") else (302, 404, 405)), route
    if response.status_code == 302:
        assert response.headers["Location"].startswith("/accounts/login/")


def test_the_admin_site_renders_under_the_policy(capsys):
    call_command("create_user", "chen", role="admin")
    response = quiet_client(User.objects.get()).get("/admin/")
    assert response.status_code == 200
    assert is_under_policy(response)


@pytest.mark.urls("tests.cqia.broken_urls")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", ERRORS)
def test_error_pages_are_whole_pages_that_give_nothing_away(status, language, reviewer):
    for client in (quiet_client(), quiet_client(reviewer)):
        response = client.get(f"/broken/{status}", headers={"accept-language": language})
        text = response.content.decode()
        assert response.status_code == status
        assert is_under_policy(response)
        assert "<h1>" in text
        assert 'href="/"' in text
        assert "secret-internals" not in text


@pytest.mark.urls("tests.cqia.broken_urls")
@pytest.mark.parametrize("status", ERRORS)
def test_errors_outside_the_api_framework_are_problem_json_too(status, admin):
    response = quiet_client(admin).get(f"/api/v1/broken/{status}")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code == status
    assert "secret-internals" not in response.content.decode()


@pytest.mark.urls("tests.cqia.broken_urls")
def test_a_database_that_does_not_answer_is_503_and_come_back():
    response = quiet_client().get("/broken/503")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "password" not in response.content.decode()
    assert is_under_policy(response)


def test_a_form_without_its_token_is_refused_in_words():
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "x", "password": "y"})
    assert response.status_code == 403
    assert "<h1>" in response.content.decode()


def test_a_host_that_is_not_ours_is_refused():
    assert quiet_client().get("/accounts/login/", headers={"host": "evil.example"}).status_code == 400


def test_healthz_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert quiet_client().get("/healthz").content == b"ok\n"


def test_readyz_wants_a_living_worker_on_each_queue(settings):
    now = timezone.now()
    assert quiet_client().get("/readyz").json() == {"database": "ok", "broker": "ok", "workers": "down"}
    Heartbeat.objects.create(queue="work", seen_at=now)
    draft = Heartbeat.objects.create(queue="draft", seen_at=now - timedelta(minutes=2))
    assert quiet_client().get("/readyz").status_code == 503
    Heartbeat.objects.filter(pk=draft.pk).update(seen_at=now)
    assert quiet_client().get("/readyz").status_code == 200
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    response = quiet_client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["broker"] == "down"


def test_readyz_is_503_without_a_database(monkeypatch, rf):
    monkeypatch.setattr("cqia.views._database_answers", lambda: False)
    response = readyz(rf.get("/readyz"))
    assert response.status_code == 503
    assert b'"database": "down", "broker": "ok", "workers": "down"' in response.content


def test_an_admin_is_told_that_no_worker_lives_and_others_are_not(admin, viewer):
    assert b'class="banners"' in quiet_client(admin).get("/accounts/password/").content
    assert b'class="banners"' not in quiet_client(viewer).get("/accounts/password/").content
    for queue in ("work", "draft"):
        Heartbeat.objects.create(queue=queue, seen_at=timezone.now())
    assert b'class="banners"' not in quiet_client(admin).get("/accounts/password/").content


def test_each_role_sees_the_places_it_may_go_to(make_user):
    places = {}
    for role in ("viewer", "reviewer", "lead", "admin"):
        page = quiet_client(make_user(role)).get("/accounts/password/").content.decode()
        nav = re.search(r'<nav class="nav".*?</nav>', page, re.DOTALL)[0]
        places[role] = re.findall(r'href="([^"]+)"', nav)
    assert places == {
        "viewer": ["/datasets/"],
        "reviewer": ["/review/", "/datasets/"],
        "lead": ["/review/", "/sources/", "/datasets/", "/team/"],
        "admin": ["/review/", "/sources/", "/drafting/", "/datasets/", "/team/", "/accounts/people/"],
    }


def test_the_front_door_leads_to_work(reviewer, viewer):
    assert quiet_client().get("/").headers["Location"] == "/accounts/login/"
    assert quiet_client(reviewer).get("/").headers["Location"] == "/review/"
    assert quiet_client(viewer).get("/").headers["Location"] == "/datasets/"


@pytest.mark.urls("tests.cqia.broken_urls")
def test_a_database_that_goes_away_outside_of_a_view_is_503_too(reviewer, monkeypatch):
    client = quiet_client(reviewer)

    def gone(*args, **kwargs):
        raise OperationalError("the password of the database")

    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_response", gone)
    response = client.get("/api/v1/me/")
    assert (response.status_code, response.json()["code"], response.headers["Retry-After"]) == (503, "database_down", "5")


def test_leads_are_told_that_the_broker_is_away_and_reviewers_are_not(lead, reviewer, settings, monkeypatch):
    monkeypatch.setattr("cqia.context.watch", Watch())
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    told = b"Redis"
    assert told in quiet_client(lead).get("/accounts/password/").content
    assert told not in quiet_client(reviewer).get("/accounts/password/").content


def test_the_broker_is_asked_once_in_a_while_however_many_ask(monkeypatch):
    asked = []
    monkeypatch.setattr("cqia.broker.answers", lambda: asked.append(1))
    watch = Watch()
    assert [watch.look() for _ in range(50)] == [True] * 50
    assert len(asked) == 1
