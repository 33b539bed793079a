"""What every answer carries, and what a browser of somebody else cannot make ours do."""

import re

import pytest
from django.test import Client

from accounts.models import User
from tests.cqia import walking
from tests.cqia.matrix import ROWS
from tests.cqia.test_permissions import clients, files, people, silence  # noqa: F401
from tests.cqia.world import make_world

pytestmark = pytest.mark.django_db
ALWAYS = {
    "Content-Security-Policy": r"default-src 'none'; script-src 'self'; .*frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
}


def lacking(response) -> list[str]:
    return [name for name, wanted in ALWAYS.items() if not re.search(wanted, response.headers.get(name, ""))]


def test_every_answer_to_a_stranger_carries_them():
    """Pages, redirects, refusals, errors, the API, the admin site, files."""
    client, wrong, seen = Client(raise_request_exception=False), {}, set()
    places = [re.sub(r"<\w+>", "1", route) for route in ROWS] + ["/static/app.css", "/admin/", "/no/such/page", "/api/v1/no-such-thing/"]
    for place in places:
        for method in ("get", "put"):
            response = getattr(client, method)(place)
            seen.add(response.status_code)
            if lacking(response):
                wrong[method, place] = lacking(response)
    assert wrong == {}
    assert {200, 302, 401, 404, 405, 503} <= seen


@pytest.mark.urls("tests.cqia.broken_urls")
def test_so_do_answers_of_what_broke():
    client = Client(raise_request_exception=False)
    for status in (400, 403, 404, 500, 503):
        assert lacking(client.get(f"/broken/{status}")) == []
    assert lacking(client.get("/", headers={"host": "evil.example"})) == []


def test_over_tls_everything_is_secure(settings, reviewer):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    plain = Client().get("/accounts/login/")
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://testserver/accounts/login/")
    assert lacking(plain) == []
    page = Client().get("/accounts/login/", secure=True)
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    entry = Client().post("/accounts/login/", {"username": "reviewer", "password": "a long enough pass"}, secure=True)
    cookie = entry.cookies["sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert page.cookies["csrftoken"]["secure"]


def test_what_somebody_sees_is_in_no_shared_cache(client, reviewer):
    client.force_login(reviewer)
    for place in ("/review/", "/datasets/", "/accounts/me/", "/api/v1/me/"):
        assert "no-store" in client.get(place).headers["Cache-Control"]


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example", "///evil.example"])
def test_no_address_of_ours_leads_away(client, reviewer, where):
    entry = {"username": "reviewer", "password": "a long enough pass", "next": where}
    assert client.post("/accounts/login/", entry).headers["Location"] == "/"
    assert client.get(f"/accounts/login/?next={where}").headers["Location"] == "/"
    assert client.post("/i18n/setlang/", {"language": "en", "next": where}).headers["Location"] in ("/", "/i18n/setlang/")
    assert client.post("/accounts/logout/", {"next": where}).headers["Location"] == "/accounts/login/"


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_header_does_not_make_another_method_of_it(client, admin, header):
    client.force_login(admin)
    assert client.post("/api/v1/me/", headers={header: "GET"}).status_code == 405
    assert client.get("/accounts/logout/", headers={header: "POST"}).status_code == 405
    assert client.post("/accounts/people/", {"_method": "GET"}).status_code == 405


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(client, reviewer):
    client.get("/accounts/link/" + "x" * 43 + "/")  # an anonymous session that an attacker could know
    planted = client.session.session_key
    client.post("/accounts/login/", {"username": "reviewer", "password": "a long enough pass"})
    assert client.session.session_key != planted
    other = Client()
    other.cookies["sessionid"] = planted
    assert other.get("/accounts/me/").status_code == 302


@pytest.mark.processes
def test_no_form_works_without_its_token(files, people):  # noqa: F811
    """Every address that changes something, as an admin whose browser somebody else has made send it."""
    world = make_world("seen", admin=people["admin"], reviewer=people["reviewer"], word="明")
    victim = Client(enforce_csrf_checks=True, raise_request_exception=False)
    victim.force_login(User.objects.get(username="admin"))
    wrong = []
    for route, row in ROWS.items():
        for method in set(row) & {"POST", "PUT", "PATCH", "DELETE"}:
            response = walking.ask(victim, method, world.address(route))
            if response.status_code != 403:
                wrong.append(f"{method} {route}: {response.status_code}")
    assert wrong == []
