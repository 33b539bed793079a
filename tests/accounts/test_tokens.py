"""Tokens of scripts, and the problem JSON that tells them what is wrong."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db


def ask(secret: str | None, address: str = "/api/v1/me/", scheme: str = "Bearer"):
    headers = {"authorization": f"{scheme} {secret}"} if secret is not None else {}
    return APIClient(raise_request_exception=False).get(address, headers=headers)


@pytest.fixture
def issued(reviewer):
    return ApiToken.issue(reviewer, "script")


def test_a_token_is_its_person(issued):
    token, secret = issued
    assert ask(secret).json() == {"id": token.user.pk, "username": "reviewer", "role": "reviewer", "language": ""}
    token.refresh_from_db()
    assert token.last_used_at


def test_the_database_holds_no_secret(issued):
    _token, secret = issued
    row = ApiToken.objects.values().get()
    assert secret not in str(row)
    assert secret.removeprefix(ApiToken.PREFIX) not in str(row)


@pytest.mark.parametrize(
    "change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}], ids=["revoked", "expired"]
)
def test_a_revoked_or_expired_token_is_refused(issued, change):
    token, secret = issued
    assert ask(secret).status_code == 200
    ApiToken.objects.filter(pk=token.pk).update(**change)
    assert ask(secret).status_code == 401


def test_a_disabled_persons_token_is_refused(issued):
    token, secret = issued
    User.objects.filter(pk=token.user_id).update(is_active=False)
    assert ask(secret).status_code == 401


@pytest.mark.parametrize("secret", ["", "zm_wrong", "zm_" + "x" * 10_000, "zm_\u0000", "é", None], ids=str)
def test_no_or_a_wrong_token_is_401_and_a_problem(secret, issued):
    response = ask(secret)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 401


def test_a_token_in_the_address_or_under_another_scheme_is_none(issued):
    secret = issued[1]
    assert ask(secret, scheme="Token").status_code == 401
    assert ask(None, f"/api/v1/me/?token={secret}").status_code == 401


def test_a_wrong_token_is_not_saved_by_a_session(client, reviewer):
    client.force_login(reviewer)
    assert client.get("/api/v1/me/").status_code == 200
    assert client.get("/api/v1/me/", headers={"authorization": "Bearer zm_wrong"}).status_code == 401


def test_a_session_needs_the_csrf_token_to_change_something(reviewer):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(reviewer)
    assert client.post("/api/v1/assignments/", {}).status_code in (403, 404)


@pytest.mark.urls("tests.cqia.broken_urls")
def test_the_wrong_role_is_403_and_a_problem(issued):
    response = ask(issued[1], "/api/v1/for-admins/")
    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "permission_denied"


@pytest.mark.urls("tests.cqia.broken_urls")
def test_a_problem_carries_its_code_and_what_else_there_is_to_say(admin):
    response = ask(ApiToken.issue(admin, "script")[1], "/api/v1/for-admins/")
    assert response.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "lost_seat",
        "detail": "Somebody else sits there.",
        "seat": 2,
    }


def test_an_address_that_does_not_exist_is_404_and_a_problem(issued):
    response = ask(issued[1], "/api/v1/no-such-thing/")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


def test_create_user_prints_the_password_alone(capsys):
    call_command("create_user", "wang", role="lead")
    password = capsys.readouterr().out.strip()
    assert "\n" not in password
    user = User.objects.get(username="wang")
    assert user.check_password(password)
    assert (user.role, user.is_staff) == ("lead", False)
    with pytest.raises(CommandError, match="--reset"):
        call_command("create_user", "wang")
    call_command("create_user", "wang", reset=True)
    user.refresh_from_db()
    assert user.role == "lead"
    assert user.check_password(capsys.readouterr().out.strip())


def test_create_user_makes_admins_who_can_enter_the_admin_site(client, capsys):
    call_command("create_user", "chen", role="admin")
    client.post("/accounts/login/", {"username": "chen", "password": capsys.readouterr().out.strip()})
    assert client.get("/admin/").status_code == 200


def test_create_token_prints_a_token_that_works_and_nothing_else(capsys, reviewer):
    call_command("create_token", "reviewer")
    secret = capsys.readouterr().out.strip()
    assert ask(secret).json()["username"] == "reviewer"
    with pytest.raises(CommandError, match="no active user"):
        call_command("create_token", "nobody")


def test_each_role_may_do_what_those_before_it_may(make_user):
    order = ["viewer", "reviewer", "lead", "admin"]
    people = [make_user(role) for role in order]
    may = {person.role: [role for role in order if person.has_role(role)] for person in people}
    assert may == {role: order[: n + 1] for n, role in enumerate(order)}
