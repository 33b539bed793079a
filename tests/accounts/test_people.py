"""What admins do about people: invite, change roles, disable; and the links by which a password is set."""

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import mailing, people, tokens
from accounts.models import ApiToken, AuditEntry, Link, Session, User
from annotation.models import Assignment, Review
from tests import builders
from tests.accounts.test_tokens import ask

pytestmark = pytest.mark.django_db
PASSWORD, NEW = "a long enough pass", "quite another pass"


def sign_in(client, name: str, password: str = PASSWORD):
    return client.post("/accounts/login/", {"username": name, "password": password})


def is_signed_in(client) -> bool:
    return client.get("/accounts/me/").status_code == 200


def path_in(text: str) -> str:
    return re.search(r"/accounts/link/[\w-]{43}/", text)[0]


def accept(client, address: str, name: str = "wang", **more: str):
    client.get(address)
    return client.post("/accounts/link/", {"username": name, "new_password1": NEW, "new_password2": NEW, **more})


@pytest.fixture
def chief(client, admin):
    client.force_login(admin)
    return client


def invited(chief, role: str = "lead") -> str:
    return path_in(chief.post("/accounts/people/invite/", {"role": role, "note": "王"}).content.decode())


class TestInviting:
    def test_the_invited_choose_name_and_password_and_have_the_role(self, chief, client_of):
        address = invited(chief)
        guest = client_of()
        assert guest.get(address).headers["Location"] == "/accounts/link/", "the secret leaves the address bar"
        assert accept(guest, address, email="wang@example.org").headers["Location"] == "/accounts/login/"
        person = User.objects.get(username="wang")
        assert (person.role, person.is_staff, person.email, person.check_password(NEW)) == ("lead", False, "wang@example.org", True)
        sign_in(guest, "wang", NEW)
        assert is_signed_in(guest)
        said = AuditEntry.objects.order_by("pk").values_list("action", "by__username")
        assert list(said) == [("person_invited", "admin"), ("invitation_accepted", "wang")]

    def test_a_link_works_once_and_not_for_ever(self, chief, client_of):
        address = invited(chief)
        accept(client_of(), address)
        assert accept(client_of(), address, "other").status_code == 410
        late = invited(chief)
        Link.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert accept(client_of(), late, "other").status_code == 410
        assert not User.objects.filter(username="other").exists()

    def test_one_that_was_withdrawn_opens_nothing(self, chief, client_of):
        address = invited(chief)
        chief.post(f"/accounts/people/invitations/{Link.objects.get().pk}/withdraw/")
        assert accept(client_of(), address).status_code == 410

    def test_the_database_does_not_know_the_secret(self, chief):
        secret = invited(chief).split("/")[-2]
        assert secret not in str(Link.objects.values().get())
        assert secret not in chief.get("/accounts/people/").content.decode(), "shown once"

    def test_a_name_that_is_taken_in_any_case_and_a_bad_password_are_refused(self, chief, client_of):
        address = invited(chief)
        assert "err" in accept(client_of(), address, "ADMIN").content.decode()
        assert accept(client_of(), address, new_password1="1234567890", new_password2="1234567890").status_code == 400
        assert Link.objects.open().count() == 1, "the link is still good"

    def test_nobody_signs_up_without_one(self, client):
        assert client.post("/accounts/link/", {"username": "me", "new_password1": NEW, "new_password2": NEW}).status_code == 410


class TestDisabling:
    def test_sessions_and_tokens_end_at_once_seats_are_free_and_the_work_stays(self, chief, reviewer, client_of):
        theirs = client_of()
        sign_in(theirs, "reviewer")
        secret = tokens.issue(reviewer, name="script", scope="manage", lives=None, by=reviewer)
        done = builders.make_pair(status="accepted", by=reviewer)
        Assignment.objects.create(pair=done, seat=1, reviewer=reviewer, review=done.decision)
        held = builders.make_pair()
        Assignment.objects.create(pair=held, seat=1, reviewer=reviewer, expires_at=timezone.now() + timedelta(minutes=9))
        assert is_signed_in(theirs)
        assert ask(secret).status_code == 200
        chief.post(f"/accounts/people/{reviewer.pk}/disable/")
        assert not is_signed_in(theirs)
        assert ask(secret).status_code == 401
        assert sign_in(theirs, "reviewer").status_code == 200
        assert not held.assignments.exists()
        assert (Review.objects.get().by, done.assignments.count()) == (reviewer, 1)
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.detail) == ("person_disabled", {"sessions": 1, "tokens": 1, "seats": 1})

    def test_enabled_again_one_may_sign_in_and_tokens_stay_dead(self, chief, reviewer, client_of):
        secret = tokens.issue(reviewer, name="script", scope="manage", lives=None, by=reviewer)
        for act in ("disable", "enable"):
            chief.post(f"/accounts/people/{reviewer.pk}/{act}/")
        theirs = client_of()
        sign_in(theirs, "reviewer")
        assert is_signed_in(theirs)
        assert ask(secret).status_code == 401

    def test_the_last_admin_is_neither_disabled_nor_demoted(self, chief, admin, make_user):
        for act, data in (("disable", {}), ("role", {"role": "lead"})):
            chief.post(f"/accounts/people/{admin.pk}/{act}/", data)
        admin.refresh_from_db()
        assert (admin.is_active, admin.role) == (True, "admin")
        other = make_user("admin", "other")
        chief.post(f"/accounts/people/{other.pk}/role/", {"role": "lead"})
        other.refresh_from_db()
        assert other.role == "lead"


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_disable_each_other_at_once_one_stays(make_user):
    pair, gate, said = [make_user("admin", name) for name in ("one", "other")], Barrier(2), []

    def disable(person: User, by: User) -> None:
        gate.wait()
        try:
            people.disable(person, by=by)
        except people.Refused as refused:
            said.append(refused)
        finally:
            connection.close()

    threads = [Thread(target=disable, args=order) for order in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (User.objects.filter(is_active=True).count(), len(said)) == (1, 1)


class TestRoles:
    def test_a_change_counts_at_once_in_a_session_that_is_there(self, chief, reviewer, client_of):
        theirs = client_of()
        sign_in(theirs, "reviewer")
        assert theirs.get("/accounts/people/").status_code == 403
        chief.post(f"/accounts/people/{reviewer.pk}/role/", {"role": "admin"})
        assert theirs.get("/accounts/people/").status_code == 200
        assert AuditEntry.objects.get(action="role_changed").detail == {"role": ["reviewer", "admin"]}

    def test_a_role_that_does_not_exist_changes_nothing(self, chief, reviewer):
        chief.post(f"/accounts/people/{reviewer.pk}/role/", {"role": "root"})
        reviewer.refresh_from_db()
        assert reviewer.role == "reviewer"


class TestPasswords:
    def test_a_link_of_the_command_sets_one_and_ends_what_was_open(self, reviewer, client_of, capsys):
        stranger, mine = client_of(), client_of()
        sign_in(stranger, "reviewer")
        call_command("reset_password", "reviewer")
        address = path_in(capsys.readouterr().out)
        accept(mine, address)
        assert not is_signed_in(stranger)
        sign_in(mine, "reviewer", NEW)
        assert is_signed_in(mine)
        assert accept(mine, address).status_code == 410
        with pytest.raises(CommandError, match="no active"):
            call_command("reset_password", "nobody")

    def test_a_second_link_voids_the_first(self, chief, reviewer, client_of):
        first, second = (path_in(chief.post(f"/accounts/people/{reviewer.pk}/reset/").content.decode()) for _ in range(2))
        assert client_of().get(first, follow=True).status_code == 410
        assert client_of().get(second, follow=True).status_code == 200

    def test_by_letter_where_letters_can_be_sent_and_nothing_tells_who_exists(self, client, reviewer, settings, monkeypatch):
        assert "No letters" in client.get("/accounts/forgotten/", headers={"accept-language": "en"}).content.decode()
        settings.EMAIL_HOST = "mail.example.org"
        monkeypatch.setattr(mailing, "Thread", Now)
        User.objects.filter(pk=reviewer.pk).update(email="r@example.org")
        pages = [client.post("/accounts/forgotten/", {"name": name}) for name in ("r@example.org", "nobody", "reviewer")]
        assert len({re.sub(r'value="\w{64}"', "", page.content.decode()) for page in pages}) == 1
        assert [letter.to for letter in mail.outbox] == [["r@example.org"]] * 2
        assert client.get(path_in(mail.outbox[-1].body), follow=True).status_code == 200

    def test_letters_are_few(self, client, reviewer, settings, monkeypatch):
        settings.EMAIL_HOST = "mail.example.org"
        monkeypatch.setattr(mailing, "Thread", Now)
        said = [client.post("/accounts/forgotten/", {"name": "reviewer"}).status_code for _ in range(5)]
        assert said == [200, 200, 200, 429, 429]


class Now:
    """A thread that does it at once."""

    def __init__(self, target, args, daemon):
        self.start = lambda: target(*args)


class TestSessions:
    def test_one_ends_another_of_ones_own_and_never_shows_its_key(self, reviewer, client_of):
        here, there = client_of(), client_of()
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
        for client in (here, there):
            client.post("/accounts/login/", {"username": "reviewer", "password": PASSWORD}, headers={"user-agent": agent})
        page = here.get("/accounts/me/").content.decode()
        assert page.count("Firefox · Linux") == 2
        assert not any(row.session_key in page for row in Session.objects.all())
        other = Session.objects.exclude(session_key=here.session.session_key).get()
        here.post("/accounts/me/sessions/end/", {"session": other.handle})
        assert (is_signed_in(here), is_signed_in(there)) == (True, False)

    def test_nobody_elses(self, reviewer, admin, client_of):
        mine, theirs = client_of(), client_of()
        sign_in(mine, "reviewer")
        sign_in(theirs, "admin")
        mine.post("/accounts/me/sessions/end/", {"session": Session.objects.get(user=admin).handle})
        mine.post("/accounts/me/sessions/end/")
        assert (is_signed_in(mine), is_signed_in(theirs)) == (True, True)

    def test_an_admin_ends_anybodys(self, chief, reviewer, client_of):
        theirs = client_of()
        sign_in(theirs, "reviewer")
        chief.post(f"/accounts/people/{reviewer.pk}/end-sessions/")
        assert not is_signed_in(theirs)
        assert is_signed_in(chief)


def test_ones_language_comes_along_to_another_browser(reviewer, client_of):
    here, there = client_of(), client_of()
    sign_in(here, "reviewer")
    here.post("/i18n/setlang/", {"language": "zh-hant"})
    sign_in(there, "reviewer")
    assert 'lang="zh-Hant"' in there.get("/accounts/me/").content.decode()


class TestOwnTokens:
    def make(self, client, **asked: str) -> str:
        page = client.post("/accounts/me/tokens/", {"name": "script", "scope": "read", "days": "30", **asked}).content.decode()
        return re.search(r"zm_[\w-]{43}", page)[0]

    def test_it_is_shown_once_ends_and_is_revoked(self, client, reviewer):
        client.force_login(reviewer)
        secret = self.make(client)
        assert ask(secret).json()["username"] == "reviewer"
        page = client.get("/accounts/me/").content.decode()
        assert secret not in page
        token = ApiToken.objects.get()
        assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
        client.post(f"/accounts/me/tokens/{token.pk}/revoke/")
        assert ask(secret).status_code == 401
        assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["token_made", "token_revoked"]

    def test_one_cannot_revoke_anothers(self, client, reviewer, viewer):
        token, secret = ApiToken.issue(viewer, "script")
        client.force_login(reviewer)
        assert client.post(f"/accounts/me/tokens/{token.pk}/revoke/").status_code == 404
        assert ask(secret).status_code == 200

    @pytest.mark.parametrize(
        ("scope", "seat", "source"), [("read", 403, 403), ("review", 204, 403), ("manage", 204, 400)], ids=["read", "review", "manage"]
    )
    def test_a_token_does_what_it_is_for_and_no_more(self, admin, scope, seat, source):
        secret = tokens.issue(admin, name="script", scope=scope, lives=None, by=admin)
        assert ask(secret, "/api/v1/sources/").status_code == 200
        assert post(secret, "/api/v1/assignments/") == seat
        assert post(secret, "/api/v1/sources/") == source

    def test_the_command_says_how_far_and_how_long(self, reviewer, capsys):
        call_command("create_token", "reviewer", scope="read", days=7)
        token = ApiToken.objects.get()
        assert (token.scope, (token.expires_at - timezone.now()).days) == ("read", 6)
        call_command("create_token", "reviewer", days=0)
        assert ApiToken.objects.latest("pk").expires_at is None


def post(secret: str, address: str) -> int:
    return APIClient().post(address, {}, format="json", headers={"authorization": f"Bearer {secret}"}).status_code


class TestAuditPage:
    def test_it_is_filtered_by_person_action_and_day(self, chief, admin, lead):
        AuditEntry.objects.create(by=lead, action="source_changed", subject="source 弱智吧", detail={"licence": ["", "CC0"]})
        AuditEntry.objects.create(by=None, action="version_pushed", subject="dataset demo")
        today = timezone.localdate().isoformat()
        asked = ("", "?by=lead", "?by=-", "?action=version_pushed", "?about=弱智", f"?since={today}", "?until=2020-01-01", "?since=x%00")
        pages = {query: chief.get(f"/accounts/audit/{query}").content.decode() for query in asked}
        hits = {query: (page.count("<tr><td"), "弱智吧" in page) for query, page in pages.items()}
        assert [count for count, _ in hits.values()] == [2, 1, 1, 1, 1, 2, 0, 2]
        assert hits["?by=lead"][1]
        assert not hits["?by=-"][1]

    def test_it_is_for_admins(self, client, lead):
        client.force_login(lead)
        assert client.get("/accounts/audit/").status_code == 403
