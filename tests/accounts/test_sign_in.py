"""Signing in by page, and what happens to those who guess."""

import pytest
from django.conf import settings

from accounts import limits

PASSWORD = "a long enough pass"
LIMIT = limits.LIMITS[limits.PASSWORD].both
pytestmark = pytest.mark.django_db


def sign_in(client, name="reviewer", password=PASSWORD, address="/accounts/login/", **more):
    return client.post(address, {"username": name, "password": password, **more})


def is_signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def test_the_right_password_opens_and_leads_on(client, reviewer):
    assert sign_in(client, next="/datasets/").headers["Location"] == "/datasets/"
    assert is_signed_in(client)


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_it_never_leads_away(client, reviewer, where):
    assert sign_in(client, next=where).headers["Location"] == "/"


def test_wrong_name_and_wrong_password_look_alike(client, reviewer):
    pages = [sign_in(client, name, "wrong") for name in ("reviewer", "nobody at all")]
    assert [page.status_code for page in pages] == [200, 200]
    assert all('role="alert"' in page.content.decode() for page in pages)
    assert not is_signed_in(client)


def test_the_session_ends_with_the_browser_unless_asked_to_stay(client, reviewer):
    assert sign_in(client).cookies["sessionid"]["max-age"] == ""
    client.logout()
    assert sign_in(client, remember="1").cookies["sessionid"]["max-age"] == settings.SESSION_COOKIE_AGE


def test_signing_in_changes_the_session_key(client, reviewer):
    client.get("/accounts/login/")
    client.session.save()
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before


@pytest.mark.parametrize("address", ["/accounts/login/", "/admin/login/"])
def test_guessing_is_closed_after_the_limit_at_every_door(client, admin, address):
    for _ in range(LIMIT):
        last = sign_in(client, "admin", "guess", address)
    assert last.status_code == 429
    for door in ("/accounts/login/", "/admin/login/"):
        assert sign_in(client, "admin", PASSWORD, door).status_code == 429
    assert not is_signed_in(client)


def test_a_lock_out_is_no_weapon_against_others(client, admin, reviewer):
    for _ in range(LIMIT):
        sign_in(client, "admin", "guess")
    assert sign_in(client, "reviewer").status_code == 302
    client.logout()
    assert client.post("/accounts/login/", {"username": "admin", "password": PASSWORD}, REMOTE_ADDR="203.0.113.9").status_code == 302


def test_a_forged_forwarding_header_does_not_dodge_the_limit(client, admin):
    for n in range(LIMIT):
        last = client.post("/accounts/login/", {"username": "admin", "password": "x"}, headers={"x-forwarded-for": f"203.0.113.{n}"})
    assert last.status_code == 429


def test_a_disabled_user_loses_session_and_door(client, reviewer):
    sign_in(client)
    type(reviewer).objects.filter(pk=reviewer.pk).update(is_active=False)
    assert client.get("/accounts/password/").status_code == 302
    assert sign_in(client).status_code == 200


def test_a_changed_password_ends_other_sessions(client, reviewer):
    other = type(client)()
    sign_in(client)
    sign_in(other)
    new = {"old_password": PASSWORD, "new_password1": "quite another pass", "new_password2": "quite another pass"}
    assert client.post("/accounts/password/", new).status_code == 302
    assert client.get("/accounts/password/").status_code == 200
    assert other.get("/accounts/password/").status_code == 302


def test_a_password_that_everybody_has_is_refused(client, reviewer):
    sign_in(client)
    new = {"old_password": PASSWORD, "new_password1": "1234567890", "new_password2": "1234567890"}
    assert 'class="err"' in client.post("/accounts/password/", new).content.decode()
    reviewer.refresh_from_db()
    assert reviewer.check_password(PASSWORD)


def test_signing_out_needs_a_form_and_is_complete(client, reviewer):
    sign_in(client)
    assert client.get("/accounts/logout/").status_code == 405
    client.post("/accounts/logout/")
    assert not is_signed_in(client)
