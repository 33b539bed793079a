"""What admins do about people, by the API: the same acts as on the pages, and who may not do them."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import remembering, second_factor
from accounts.models import ApiToken, AuditEntry, Link, User
from tests.accounts.test_own_api import V1, in_browser, refused, with_token
from tests.accounts.test_people import accept, is_signed_in, path_in, sign_in
from tests.accounts.test_second_factor import clock, switch_on  # noqa: F401
from tests.accounts.test_tokens import ask

pytestmark = pytest.mark.django_db
PEOPLE, INVITATIONS = f"{V1}/people/", f"{V1}/invitations/"


@pytest.fixture
def api(admin) -> APIClient:
    return with_token(admin)


def act(api, person, name: str, **said):
    return api.post(f"{PEOPLE}{person.pk}/{name}/", said, format="json")


class TestLooking:
    def test_everybody_is_listed_page_by_page_without_anything_that_opens(self, api, reviewer, viewer):
        User.objects.filter(pk=viewer.pk).update(is_active=False)
        first = api.get(f"{PEOPLE}?page_size=2").json()
        second = api.get(first["next"]).json()
        rows = first["results"] + second["results"]
        assert [(row["username"], row["role"], row["is_active"]) for row in rows] == [
            ("admin", "admin", True), ("reviewer", "reviewer", True), ("viewer", "viewer", False),
        ]  # fmt: skip
        assert (second["next"], "password" in rows[0]) == (None, False)

    def test_one_is_shown_with_tokens_and_sessions(self, api, reviewer, client_of):
        browser, (token, secret) = client_of(), ApiToken.issue(reviewer, "script")
        sign_in(browser, "reviewer")
        at = f"{PEOPLE}{reviewer.pk}/"
        assert api.get(at).json().items() >= {"username": "reviewer", "has_second_factor": False}.items()
        assert [row["id"] for row in api.get(f"{at}tokens/").json()["results"]] == [token.pk]
        assert [row["handle"] for row in api.get(f"{at}sessions/").json()["results"]] == [reviewer.sessions.get().handle]
        assert secret not in api.get(f"{at}tokens/").content.decode()

    @pytest.mark.parametrize("pk", ["0", str(2**63), "9" * 400, "x", "-1"])
    @pytest.mark.parametrize("path", ["people/{}/", "people/{}/tokens/", "people/{}/sessions/"])
    def test_who_does_not_exist_is_404(self, api, path, pk):
        assert refused(api.get(f"{V1}/{path.format(pk)}")) == (404, "not_found")


class TestInviting:
    def test_the_link_of_the_answer_makes_a_person_of_that_role(self, api, client_of):
        made = api.post(INVITATIONS, {"role": "lead", "note": "王"}, format="json")
        assert (made.status_code, made["Cache-Control"], made.json()["note"]) == (201, "no-store", "王")
        listed = api.get(INVITATIONS)
        assert [row["id"] for row in listed.json()["results"]] == [made.json()["id"]]
        secret = made.json()["link"].rstrip("/").rsplit("/", 1)[1]
        assert secret not in listed.content.decode() + str(list(AuditEntry.objects.values()))
        accept(client_of(), path_in(made.json()["link"]))
        assert User.objects.get(username="wang").role == "lead"
        assert api.get(INVITATIONS).json()["results"] == []

    def test_one_that_is_withdrawn_opens_nothing_and_twice_is_once(self, api, client_of):
        made = api.post(INVITATIONS, {"role": "viewer"}, format="json").json()
        assert [api.delete(f"{INVITATIONS}{made['id']}/").status_code for _ in range(2)] == [204, 204]
        assert accept(client_of(), path_in(made["link"])).status_code == 410
        assert AuditEntry.objects.filter(action="invitation_withdrawn").count() == 1

    def test_a_link_for_a_password_is_no_invitation(self, api, reviewer):
        act(api, reviewer, "password-link")
        assert api.get(INVITATIONS).json()["results"] == []
        assert refused(api.delete(f"{INVITATIONS}{Link.objects.get().pk}/")) == (404, "not_found")
        assert Link.objects.open().count() == 1

    @pytest.mark.parametrize(
        "wrong",
        [{}, {"role": "root"}, {"role": None}, {"role": ["admin"]}, {"role": "lead", "note": "x" * 101}],
    )
    def test_one_that_makes_no_sense_is_none(self, api, wrong):
        assert refused(api.post(INVITATIONS, wrong, format="json")) == (400, "invalid")
        assert not Link.objects.exists()

    def test_the_same_key_invites_once_and_the_link_is_kept_nowhere(self, api):
        key = {"Idempotency-Key": str(uuid.uuid4())}
        first, again = (api.post(INVITATIONS, {"role": "viewer"}, format="json", headers=key) for _ in range(2))
        assert (first.status_code, *refused(again)) == (201, 409, "shown_once")
        assert Link.objects.count() == 1
        kept = str([remembering.ask("get", name) for name in remembering.ask("keys", "key:*")])
        assert first.json()["link"].rstrip("/").rsplit("/", 1)[1] not in kept


class TestActs:
    def test_who_is_disabled_gets_nowhere_and_may_come_back_without_tokens(self, api, reviewer, client_of):
        theirs, (_token, secret) = client_of(), ApiToken.issue(reviewer, "script")
        sign_in(theirs, "reviewer")
        assert [act(api, reviewer, "disable").json()["is_active"] for _ in range(2)] == [False, False]
        assert (is_signed_in(theirs), ask(secret).status_code) == (False, 401)
        assert AuditEntry.objects.get(action="person_disabled").by.username == "admin"
        assert act(api, reviewer, "enable").json()["is_active"] is True
        assert ask(secret).status_code == 401

    def test_a_role_counts_at_once(self, api, reviewer):
        theirs = with_token(reviewer)
        assert theirs.get(PEOPLE).status_code == 403
        assert act(api, reviewer, "role", role="admin").json()["role"] == "admin"
        assert theirs.get(PEOPLE).status_code == 200
        for wrong in ({}, {"role": "root"}, {"role": 1}, {"role": ""}):
            assert refused(act(api, reviewer, "role", **wrong)) == (400, "invalid")
        assert AuditEntry.objects.filter(action="role_changed").count() == 1

    def test_somebody_stays_admin(self, api, admin):
        assert refused(act(api, admin, "disable")) == (409, "last_admin")
        assert refused(act(api, admin, "role", role="lead")) == (409, "last_admin")
        admin.refresh_from_db()
        assert (admin.is_active, admin.role) == (True, "admin")

    def test_the_link_sets_a_new_password_and_voids_the_one_before(self, api, reviewer, client_of):
        first, second = (act(api, reviewer, "password-link") for _ in range(2))
        assert (first.status_code, first["Cache-Control"]) == (201, "no-store")
        assert client_of().get(path_in(first.json()["link"]), follow=True).status_code == 410
        accept(client_of(), path_in(second.json()["link"]))
        reviewer.refresh_from_db()
        assert reviewer.check_password("quite another pass")

    def test_sessions_and_tokens_of_others_end(self, api, reviewer, client_of):
        theirs, (token, secret) = client_of(), ApiToken.issue(reviewer, "script")
        sign_in(theirs, "reviewer")
        assert [act(api, reviewer, "sessions/end").json() for _ in range(2)] == [{"ended": 1}, {"ended": 0}]
        assert not is_signed_in(theirs)
        assert [api.delete(f"{V1}/tokens/{token.pk}/").status_code for _ in range(2)] == [204, 204]
        assert ask(secret).status_code == 401
        assert refused(api.delete(f"{V1}/tokens/{2**62}/")) == (404, "not_found")

    def test_a_second_factor_is_switched_off_for_who_has_lost_the_phone(self, api, reviewer, clock):  # noqa: F811
        switch_on(reviewer, clock)
        assert act(api, reviewer, "factor-off").status_code == 200
        assert not second_factor.is_on(reviewer)


WRITES = ["role", "disable", "enable", "factor-off", "password-link", "sessions/end"]


class TestRights:
    def everything(self, api, person, token) -> set[tuple[int, str]]:
        answers = [act(api, person, name, **({"role": "viewer"} if name == "role" else {})) for name in WRITES]
        answers += [api.post(INVITATIONS, {"role": "admin"}, format="json"), api.delete(f"{V1}/tokens/{token.pk}/")]
        return {refused(answer) for answer in answers}

    @pytest.fixture
    def token(self, viewer) -> ApiToken:
        return ApiToken.issue(viewer, "script")[0]

    @pytest.fixture(autouse=True)
    def nothing_changed(self, viewer, token):
        yield
        viewer.refresh_from_db()
        assert (viewer.is_active, viewer.role, Link.objects.count()) == (True, "viewer", 0)
        assert ApiToken.objects.get(pk=token.pk).is_usable

    @pytest.mark.parametrize("role", ["reviewer", "lead"])
    def test_who_is_no_admin_does_and_sees_nothing(self, make_user, viewer, token, role):
        api = with_token(make_user(role))
        assert self.everything(api, viewer, token) == {(403, "permission_denied")}
        assert {api.get(at).status_code for at in (PEOPLE, INVITATIONS, f"{V1}/audit/", f"{PEOPLE}{viewer.pk}/tokens/")} == {403}

    @pytest.mark.parametrize(("scope", "code"), [("read", "read_only_token"), ("review", "permission_denied")])
    def test_nor_does_a_token_that_is_for_less(self, admin, viewer, token, scope, code):
        assert self.everything(with_token(admin, scope), viewer, token) == {(403, code)}

    def test_nor_one_of_who_signs_in_with_a_second_factor(self, admin, viewer, token, clock):  # noqa: F811
        switch_on(admin, clock)
        assert self.everything(with_token(admin), viewer, token) == {(403, "second_factor_needed")}
        assert with_token(admin).get(PEOPLE).status_code == 200
        assert act(in_browser(admin), viewer, "enable").status_code == 200

    def test_nor_one_of_an_admin_where_it_is_demanded_of_admins(self, admin, viewer, token, settings):
        settings.REQUIRE_TOTP = True
        assert self.everything(with_token(admin), viewer, token) == {(403, "second_factor_needed")}

    def test_an_admins_session_needs_the_csrf_token(self, admin, viewer):
        browser = APIClient(enforce_csrf_checks=True)
        browser.force_login(admin)
        assert refused(act(browser, viewer, "disable")) == (403, "permission_denied")

    def test_a_token_that_ended_does_nothing(self, admin, viewer):
        api = with_token(admin)
        ApiToken.objects.filter(user=admin).update(expires_at=timezone.now() - timedelta(seconds=1))
        assert refused(act(api, viewer, "disable")) == (401, "bad_token")
