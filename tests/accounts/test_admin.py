"""The admin site: what an admin does to people and tokens there."""

import pytest
from django.core.management import call_command

from accounts.models import ApiToken, AuditEntry, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(client, capsys):
    call_command("create_user", "chen", role="admin")
    client.force_login(User.objects.get(username="chen"))
    return client


def change(site, user: User, **fields: str):
    form = {"username": user.username, "role": user.role, "language": "", "is_active": "on", "first_name": "", "last_name": "", "email": ""}
    return site.post(f"/admin/accounts/user/{user.pk}/change/", form | fields)


def test_a_person_who_is_made_admin_may_enter_the_site_and_one_who_was_may_not(site, reviewer, client):
    assert change(site, reviewer, role="admin").status_code == 302
    reviewer.refresh_from_db()
    assert (reviewer.role, reviewer.is_staff, reviewer.is_superuser) == ("admin", True, True)
    change(site, reviewer, role="viewer")
    reviewer.refresh_from_db()
    assert (reviewer.role, reviewer.is_staff, reviewer.is_superuser) == ("viewer", False, False)


def test_a_person_is_added_with_a_role(site):
    new = {"username": "wang", "role": "lead", "usable_password": "true", "password1": "quite a long one", "password2": "quite a long one"}
    assert site.post("/admin/accounts/user/add/", new).status_code == 302
    user = User.objects.get(username="wang")
    assert user.check_password("quite a long one")
    assert (user.role, user.is_staff) == ("lead", False)


def test_a_token_is_revoked_there_and_nothing_shows_its_digest(site, reviewer):
    token, _secret = ApiToken.issue(reviewer, "script")
    for address in ("/admin/accounts/apitoken/", f"/admin/accounts/apitoken/{token.pk}/change/"):
        page = site.get(address)
        assert page.status_code == 200
        assert token.digest not in page.content.decode()
    site.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
    assert not ApiToken.objects.usable().exists()
    assert AuditEntry.objects.get().detail == {"ids": [token.pk]}


@pytest.mark.parametrize("place", ["apitoken/add/", "auditentry/add/"])
def test_tokens_and_audit_entries_are_not_made_by_hand(site, place):
    assert site.get(f"/admin/accounts/{place}").status_code == 403


def test_the_audit_log_can_be_read(site):
    entry = AuditEntry.objects.create(action="made", subject="source 1")
    assert site.get(f"/admin/accounts/auditentry/{entry.pk}/change/").status_code == 200
    assert b"source 1" in site.get("/admin/accounts/auditentry/").content


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_nobody_else_gets_in(client, make_user, role):
    client.force_login(make_user(role))
    assert client.get("/admin/accounts/user/").status_code == 302
